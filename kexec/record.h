/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * record.h - keeps the recipe in step with what is loaded.
 *
 * begin, load, then commit or abort. A process that is killed in between leaves the next
 * recipe behind, from which whoever comes later tells what happened (load/recipe.h).
 */
#ifndef KS_RECORD_H
#define KS_RECORD_H

#include "job.h"
#include "load/recipe.h"

/* Whose load it is. */
struct record {
	struct recipe_dir dir;	    /* RECIPE_DIR_NONE: no recipe can be kept */
	const struct recipe *again; /* what is loaded again; NULL: it is new. Borrowed */
	const char *source;	    /* what it is loaded again for */
	struct recipe recipe;	    /* of what is being loaded; its plan is the job's */
};

/*
 * Digests the files, compares them with those of the recipe that is loaded again (-ESTALE
 * when they changed), and writes the next recipe. Without a folder only the first two. 0 or
 * a negative errno; a recipe that cannot be written is a note and no error when @again is
 * NULL: a crash kernel without a recipe is better than none.
 */
int record_begin(struct record *rec, const struct job *job, enum recipe_method method,
		 struct error *err);

/*
 * The image is loaded: checks with /proc/kcore, where that can be read, that it lies there
 * as planned, and makes the next recipe the current one. -EIO: the image is damaged and was
 * unloaded. Anything else that is wrong is a note.
 */
int record_commit(struct record *rec, const struct job *job, struct error *err);

/* Nothing was loaded, or it is gone. */
void record_abort(struct record *rec);

/* Frees what begin took; the folder is the caller's. To be called before job_end(). */
void record_end(struct record *rec);

#endif
