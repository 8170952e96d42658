/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recipe.h - the recipe of the loaded crash image: what a later process needs to give it
 * a new seed, to check it, or to load it again.
 *
 * It holds no secret: neither the seed nor a digest of it. It lives in a folder that only
 * its owner can enter (0700), is readable by nobody else (0600), and is replaced as a
 * whole or not at all. The format is described in kexec-seed-recipe(5).
 *
 * Before anything is loaded, the recipe of what will be loaded is written as the *next*
 * one; when it is loaded, it becomes the current one. So whoever is killed in between
 * leaves both, and what is loaded tells which one is right. A refresh loads what there is
 * a recipe of: as long as it is at work, the next one is an empty file.
 */
#ifndef KS_RECIPE_H
#define KS_RECIPE_H

#include "bytes.h"
#include "error.h"
#include "options.h"
#include "plan/plan.h"
#include "range.h"
#include "sha256.h"

#include <stdbool.h>
#include <time.h>

#define RECIPE_DIR	   "/run/kexec-seed"
#define RECIPE_ID_SIZE	   16 /* of a boot ID, and of an image's identity */
#define RECIPE_SOURCE_SIZE 24 /* of the word for what a refresh was for, with its NUL */

enum recipe_method {
	RECIPE_KEXEC_LOAD = 1,
	RECIPE_KEXEC_FILE_LOAD = 2,
};

/* A stretch of the crash region whose content is known, and its digest (digest.h). */
struct recipe_check {
	uint64_t addr;
	uint64_t size;
	uint8_t digest[SHA256_SIZE];
};

struct recipe {
	enum recipe_method method;
	uint8_t boot_id[RECIPE_ID_SIZE];
	uint8_t image_id[RECIPE_ID_SIZE]; /* all zeroes for kexec_file_load */
	struct timespec loaded;		  /* CLOCK_REALTIME */
	struct timespec refreshed;	  /* zero: never */
	uint64_t refreshes;
	char source[RECIPE_SOURCE_SIZE]; /* what the last refresh was for; "": none */
	struct range region;		 /* the crash region */

	/*
	 * The whole plan of an image loaded with kexec_load(): all segments, the blocks of
	 * the dynamic ones, entry, seed header. Content of the kernel and of the initrd is
	 * { NULL, size }; the purgatory's parameters hold their digests. In there the digest
	 * of the seed segment and the parameters' own are zero. Owned: plan_free(). Empty
	 * for kexec_file_load.
	 */
	struct plan plan;
	/*
	 * The first bytes above the dynamic block; for kexec_file_load the first bytes of
	 * the ELF core headers.
	 */
	struct recipe_check neighbour;

	/*
	 * Of an image loaded with kexec_file_load(): its boot_params, which say where
	 * everything is. size 0: not found. And the seed's node, 0: not found.
	 */
	struct recipe_check boot_params;
	uint64_t seed_node;

	/*
	 * How to load it again, from the same files: absolute paths, the whole command
	 * line in append. The strings are in @strings. Only what a load of a crash kernel
	 * can have: no exec, shutdown, dry_run, json, facts_root.
	 */
	struct options options;
	uint8_t kernel_digest
		[SHA256_SIZE]; /* of the whole file, uncompressed: digest.h */
	uint8_t initrd_digest[SHA256_SIZE]; /* all zeroes without an initrd */
	char *strings[3];		    /* owned: kernel, initrd, append; or NULL */
};

/* Frees what it owns; harmless on {0}. */
void recipe_free(struct recipe *r);

/* The recipe as bytes, which the caller frees. 0 or a negative errno. */
int recipe_encode(const struct recipe *r, uint8_t **data, size_t *size,
		  struct error *err);

/*
 * The reverse, of any bytes. 0; -EBADMSG (truncated, damaged, or impossible: the line
 * says what), -EPROTO (of another version), -ENOMEM. On failure nothing is left to free.
 */
int recipe_decode(struct bytes data, struct recipe *out, struct error *err);

/* Which of the two. */
enum recipe_slot {
	RECIPE_CURRENT, /* crash.recipe */
	RECIPE_NEXT,	/* crash.recipe.next */
};

/*
 * The folder, opened and locked: as long as it is open no other process has it open, so
 * that two loads or refreshes go one after the other.
 */
struct recipe_dir {
	int fd;	  /* owned; -1: none */
	int lock; /* owned; -1: only for reading */
};

#define RECIPE_DIR_NONE ((struct recipe_dir){ -1, -1 })

/*
 * Makes (mode 0700) or opens the folder @path and locks it, waiting at most @seconds for
 * whoever has it. A folder that is not ours, or that others may enter, is refused.
 * -EWOULDBLOCK when the wait was in vain; any other negative errno with the line.
 */
int recipe_dir_open(const char *path, unsigned int seconds, struct recipe_dir *out,
		    struct error *err);

/* The same without making it and without the lock: -ENOENT when there is none. */
int recipe_dir_look(const char *path, struct recipe_dir *out, struct error *err);

void recipe_dir_close(struct recipe_dir *dir);

/*
 * Reads one. 0; -ENOENT when there is none; -ENODATA: an empty next one, see above;
 * -ESTALE: of another boot (@boot_id, RECIPE_ID_SIZE bytes); -EPERM: a file that is not
 * ours alone (owner, mode, links, no regular file); else as recipe_decode(). The line says
 * which and why. On failure nothing is left to free.
 */
int recipe_read(const struct recipe_dir *dir, enum recipe_slot slot,
		const uint8_t *boot_id, struct recipe *out, struct error *err);

/* Is there a file of that name, whatever is in it? */
bool recipe_exists(const struct recipe_dir *dir, enum recipe_slot slot);

/*
 * Writes one as a whole: a temporary file, 0600, renamed when all of it is there. On
 * failure what was there before stays.
 */
int recipe_write(const struct recipe_dir *dir, enum recipe_slot slot,
		 const struct recipe *r, struct error *err);

/* The next one becomes the current one. */
int recipe_promote(const struct recipe_dir *dir, struct error *err);

/* Makes an empty next one, which needs no room in a full folder; there must be none. */
int recipe_mark(const struct recipe_dir *dir, struct error *err);

/* Takes that away; a next one with content stays. */
void recipe_unmark(const struct recipe_dir *dir);

/* Removes one; that there is none is no error. */
int recipe_remove(const struct recipe_dir *dir, enum recipe_slot slot, struct error *err);

/* The running kernel's boot ID, from /proc/sys/kernel/random/boot_id below @root. */
int boot_id_read(const char *root, uint8_t out[RECIPE_ID_SIZE], struct error *err);

#endif
