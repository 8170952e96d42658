/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon's loop in a tree of its own, with a refresh that only counts. */
#ifndef DAEMON_SCENE_H
#define DAEMON_SCENE_H

#include "kexec_seed/daemon_core.h"

#include "tree.h"

/* What the stand-in for refresh_run() does and has done: it gets no context. */
struct fake_refresh {
	unsigned int count;
	uint64_t last;
	unsigned int takes; /* microseconds */
	int result;
	enum refresh_verdict verdict;
	bool lost, restore;
	char source[24];
};
extern struct fake_refresh fake;

int count_refresh(const struct refresh_request *req, struct refresh_result *out,
		  struct error *err);

struct setup {
	struct tree tree;
	char run[96];
	struct daemon_options options;
	struct daemon d;
};

/* Makes the tree and options that suit a test; start() opens the daemon, end() ends both. */
void begin(struct setup *s);
void start(struct setup *s);
void end(struct setup *s);

/* Lets the loop go on for so many microseconds, and until nothing is due. */
void run(struct setup *s, uint64_t us);

#endif
