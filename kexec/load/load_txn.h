/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * load_txn.h - keeps the journal of recipes consistent with the loaded image.
 *
 * Begin, load, then commit or abort. A process killed in between leaves the pending
 * recipe, from which the next process determines the state (load/recipe.h).
 */
#ifndef KS_LOAD_TXN_H
#define KS_LOAD_TXN_H

#include "load/kexec_load.h"
#include "load/recipe.h"
#include "load/request.h"

#define NOT_REFRESHABLE "kexec-seed cannot refresh this image"

/* Timeout for another load or refresh to end, seconds. */
#define RECIPE_WAIT 60

struct load_txn {
	struct recipe_dir dir;	    /* RECIPE_DIR_NONE: recipes cannot be stored */
	const struct recipe *again; /* recipe to load again; NULL: a new load. Borrowed */
	const char *source;	    /* reason of the reload */
	struct recipe recipe;	    /* of the new image; its plan is the load's */
};

/*
 * Digests the files, compares them with those of the recipe being reloaded (-ESTALE if
 * they changed), and writes the pending recipe. Does nothing without a directory. 0 or a
 * negative errno with the line. If @again is NULL, failing to write the recipe is only a
 * note: a crash kernel without a recipe is better than none.
 */
int load_txn_begin(struct load_txn *txn, const struct load *l, enum recipe_method method,
		   struct error *err);

/*
 * Call when the image is loaded. Checks through /proc/kcore, if readable, that it lies as
 * planned, and commits the pending recipe. 0; -EIO with the line: the image was damaged
 * and was unloaded if possible. Other problems are notes, or errors if @again is set.
 */
int load_txn_commit(struct load_txn *txn, const struct load *l, struct error *err);

/* Call if nothing was loaded, or the image is gone: removes the pending recipe. */
void load_txn_abort(struct load_txn *txn);

/* Frees the recipe; the directory is the caller's. Call it before load_end(). */
void load_txn_end(struct load_txn *txn);

/*
 * Loads the refreshed segments of the crash image @plan once more, with a new base seed, if
 * the running kernel hides all of the image: arch_may_hide_load. Afterwards it hides those
 * alone. 0, also if nothing was hidden, or, with a note, if the image stays as it was;
 * otherwise a negative errno with the line: nothing is loaded.
 */
int load_if_hidden(const struct plan *plan, struct notes *notes, struct error *err);

#endif
