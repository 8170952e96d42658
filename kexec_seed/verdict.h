/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * verdict.h - does the loaded crash kernel start with a seed of its own? Pure: facts ->
 * verdict; protection.h reads the facts of this machine.
 *
 * A seed that the purgatory mixes with a hardware generator or with the old kernel's RNG
 * differs in each clone, even for the holder of a snapshot: no daemon is needed. Any other seed is
 * in the snapshot, so each clone has to be refreshed: by a daemon that learns of forks,
 * and that can do so.
 */
#ifndef KS_VERDICT_H
#define KS_VERDICT_H

#include "error.h"

#include <stdint.h>

/* Each fact is a bit, FACT_NAME; what is not known is not set. */
#define FACTS(X)                                                                         \
	X(UNKNOWN)  /* the kernel does not tell whether one is loaded */                 \
	X(LOADED)   /* a crash kernel is loaded */                                       \
	X(RESERVED) /* memory is reserved for one */                                     \
	X(HIDDEN)   /* which one is loaded cannot be seen: detail says why */            \
	X(UNPROVEN) /* a recipe, but the image cannot be compared: detail says why */    \
	X(FOREIGN)  /* it is another tool's: detail says how that is known */            \
	X(OUTDATED) /* an older version of kexec has loaded it */                        \
	X(DAMAGED)  /* ours, but memory does not match: detail says where */             \
	X(CHANGED)  /* kernel or initrd is not what was loaded: file says so */          \
	X(REFUSED)  /* the kernel would refuse to load it again: refusal says why */     \
	X(SEED_OFF) /* loaded with --seed=off */                                         \
	X(SEEDLESS) /* loaded without a seed: the RNG was not ready */                   \
	X(FILE)	    /* loaded with kexec_file_load(2): not mixed */                      \
	X(CHOSEN)   /* by -s, where kexec_load(2) would be allowed */                    \
	X(MIX_OFF)  /* loaded with --seed-mix=off */                                     \
	X(UNIQUE)   /* mixed with RDSEED, RDRAND or the old kernel's memory */           \
	X(ALONE)    /* not a virtual machine: nothing can copy its memory */             \
	X(DAEMON)   /* a daemon is running */                                            \
	X(HEARS)    /* and at least one of its fork sources is active */                 \
	X(FAILED)   /* and its last refresh failed: failure says why */                  \
	X(FORKED)   /* the machine was forked since the seed was drawn */

enum {
#define X(name) FACT_##name##_BIT,
	FACTS(X)
#undef X
		NR_FACTS
};

enum fact {
#define X(name) FACT_##name = 1 << FACT_##name##_BIT,
	FACTS(X)
#undef X
};

/* Texts are borrowed and never NULL; those that no fact above asks for may be "". */
struct verdict_facts {
	uint32_t set; /* FACT_ flags */
	const char *detail;
	const char *file;
	const char *failure;
	const char *refusal;
	const char *inputs;  /* names of what FACT_UNIQUE is about, for people */
	const char *reload;  /* remedy_reload() */
	const char *options; /* remedy_options() */
	const char *daemon;  /* remedy_daemon() */
};

enum verdict_word {
	VERDICT_PROTECTED,
	VERDICT_AFTER_REFRESH, /* each clone is, once its daemon has refreshed it */
	VERDICT_NOT,
	VERDICT_CANNOT_TELL,
};

struct verdict {
	enum verdict_word word;
	struct error reason; /* one line, never empty */
	const char *remedy; /* a command, borrowed from the facts or static; NULL: none */
};

/* Judges any combination of facts. */
void verdict_find(const struct verdict_facts *facts, struct verdict *out);

/* "protected", "protected after a refresh", "not protected" or "cannot tell". */
const char *verdict_name(enum verdict_word word);

/* Exit status of `kexec-seed status --check`: 0, 1 or 3. */
int verdict_exit(enum verdict_word word);

#endif
