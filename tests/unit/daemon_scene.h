/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon's loop in its own tree, with a refresh that only counts. */
#ifndef KS_TEST_DAEMON_SCENE_H
#define KS_TEST_DAEMON_SCENE_H

#include "kexec_seed/daemon/core.h"

#include "tree.h"

/* Behaviour and record of the replacement for refresh_run(), which gets no context. */
struct fake_refresh {
	unsigned int count;
	uint64_t last;
	unsigned int takes; /* microseconds */
	int result;
	enum refresh_skip_reason skipped;
	bool unloaded, restore;
	bool blind, if_forked, if_lacking;
	bool in_status; /* `kexec-seed status` knew of the daemon */
	bool writes;	/* a recipe, as a load does */
	enum refresh_mode mode;
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

/* Makes tree and options; start() opens the daemon, end() removes all. */
void begin(struct setup *s);
void start(struct setup *s);
void end(struct setup *s);

/* Replaces the recipe, as another process does. */
void put_recipe(const char *run);

/* Runs the loop for @us microseconds, and until nothing is due. */
void run(struct setup *s, uint64_t us);

#endif
