/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recipe.h - the recipe of the loaded crash image: all that a later process needs to
 * reseed, verify or reload it.
 *
 * A recipe holds no secret: neither the seed nor a digest of it. Its directory is
 * accessible only to its owner (0700), as is the file (0600), which is replaced
 * atomically. kexec-seed-recipe(5) describes the format.
 *
 * The recipes form a journal. A load begins by writing the *pending* recipe and commits
 * by renaming it to the *current* one. A process killed in between leaves both, and
 * memory decides which one is right. A refresh loads from the current recipe; while it
 * runs, the pending recipe is an empty file.
 */
#ifndef KS_RECIPE_H
#define KS_RECIPE_H

#include "base/run_dir.h"
#include "bytes.h"
#include "error.h"
#include "load_request.h"
#include "machine/generation.h"
#include "plan/plan.h"
#include "range.h"
#include "sha256.h"

#include <stdbool.h>
#include <time.h>

#define BOOT_ID_SIZE	   16
#define RECIPE_SOURCE_SIZE 24 /* bytes of the reason of a refresh, NUL included */

enum recipe_method {
	RECIPE_KEXEC_LOAD = 1,
	RECIPE_KEXEC_FILE_LOAD = 2,
};

/* A range of the crash region with known content, and its digest (digest.h). */
struct known_range {
	uint64_t addr;
	uint64_t size;
	uint8_t digest[SHA256_SIZE];
};

struct recipe {
	enum recipe_method method;
	/*
	 * Written by an older version. The request and the digests of the files are
	 * complete, which is enough for a full reload. A purgatory of an older version is
	 * left out: the plan has its segment, but not its content.
	 */
	bool outdated;
	uint8_t boot_id[BOOT_ID_SIZE];
	uint8_t image_id[IMAGE_ID_SIZE]; /* all zeroes for kexec_file_load */
	struct timespec loaded;		 /* CLOCK_REALTIME */
	struct timespec refreshed;	 /* zero: never */
	uint64_t refreshes;
	char source[RECIPE_SOURCE_SIZE]; /* reason of the last refresh; "": none */
	struct range region;		 /* the crash region */
	struct generation generation;	 /* when the seed was drawn */

	/*
	 * The complete plan of a kexec_load() image: all segments, the content of the
	 * refreshed ones, entry, seed prefix. Content of kernel and initrd is { NULL,
	 * size }. The purgatory's parameters hold their digests, but the digest of the
	 * seed and that of the parameters are zero. Owned: plan_free(). Empty for
	 * kexec_file_load.
	 */
	struct plan plan;
	/*
	 * Guard bytes: the first bytes above the refreshed segments; for kexec_file_load,
	 * of the ELF core headers.
	 */
	struct known_range guard;
	/* Outdated only: the kernel's segment, from the older purgatory; size 0: unknown */
	struct known_range kernel;

	/*
	 * kexec_file_load() images only: the boot data, which identifies the image (size
	 * 0: not found), and the seed's address as in file_load_image.
	 */
	struct known_range boot_data;
	uint64_t seed_node;

	/* How to reload the image: absolute paths, the complete command line. */
	struct load_request request;
	uint8_t kernel_digest[SHA256_SIZE]; /* whole file, uncompressed: digest.h */
	uint8_t initrd_digest[SHA256_SIZE]; /* all zeroes without an initrd */
	char *strings[3]; /* owned, of the request: kernel, initrd, cmdline; or NULL */
};

/* Frees the recipe's memory; { 0 } is allowed. */
void recipe_free(struct recipe *r);

/* True if @word is valid as a recipe's source: printable, no blanks, not too long. */
bool recipe_is_source(const char *word);

/*
 * Compares kernel and initrd with the digests in the recipe. A file whose status has not
 * changed since the load (ctime) is not read. 0; -ESTALE or another negative errno with
 * the line, which names the file: the image could not be loaded again.
 */
int recipe_check_files(const struct recipe *r, struct error *err);

/*
 * Encodes the recipe. The caller frees *@data (@size bytes). 0 or a negative errno with
 * the line; -EBADMSG for an outdated plan.
 */
int recipe_encode(const struct recipe *r, uint8_t **data, size_t *size,
		  struct error *err);

/*
 * Decodes arbitrary bytes. 0; -EBADMSG (truncated, damaged or inconsistent: the line says
 * which); -EPROTO (a newer version); -ENOMEM. On failure nothing is left to free.
 */
int recipe_decode(struct bytes data, struct recipe *out, struct error *err);

enum recipe_state {
	RECIPE_CURRENT, /* crash.recipe */
	RECIPE_PENDING, /* crash.recipe.next */
};

/* The open directory. Its lock serialises loads and refreshes. */
struct recipe_dir {
	int fd;	  /* owned; -1: none */
	int lock; /* owned; -1: read-only */
};

#define RECIPE_DIR_NONE ((struct recipe_dir){ -1, -1 })

/*
 * Opens the directory @path, created (0700) if missing, and locks it, waiting at most
 * @seconds. Rejects a directory that is not ours or that others can access. 0 or a
 * negative errno with the line; -EWOULDBLOCK on timeout.
 */
int recipe_dir_open(const char *path, unsigned int seconds, struct recipe_dir *out,
		    struct error *err);

/*
 * Opens the directory for reading: neither creates nor locks it. 0, -ENOENT if missing,
 * or another negative errno, with the line.
 */
int recipe_dir_look(const char *path, struct recipe_dir *out, struct error *err);

void recipe_dir_close(struct recipe_dir *dir);

/*
 * Reads one recipe. 0; -ENOENT: missing; -ENODATA: an empty pending recipe, see above;
 * -ESTALE: written before the last boot (@boot_id, BOOT_ID_SIZE bytes); -EPERM: not
 * exclusively ours (owner, mode, links, type); otherwise as recipe_decode(). The line
 * gives file and reason. On failure nothing is left to free.
 */
int recipe_read(const struct recipe_dir *dir, enum recipe_state which,
		const uint8_t *boot_id, struct recipe *out, struct error *err);

/*
 * Replaces one recipe atomically: writes a temporary file, 0600, and renames it. 0 or a
 * negative errno with the line; on failure the old recipe stays.
 */
int recipe_write(const struct recipe_dir *dir, enum recipe_state which,
		 const struct recipe *r, struct error *err);

/* Renames the pending recipe to the current one. 0 or a negative errno with the line. */
int recipe_commit(const struct recipe_dir *dir, struct error *err);

/*
 * Creates an empty pending recipe, which must not exist; works even on a full file
 * system. 0 or a negative errno with the line.
 */
int recipe_begin_refresh(const struct recipe_dir *dir, struct error *err);

/* Removes the pending recipe if it is empty. */
void recipe_end_refresh(const struct recipe_dir *dir);

/*
 * Removes one recipe; a missing file is not an error. 0 or a negative errno with the
 * line.
 */
int recipe_remove(const struct recipe_dir *dir, enum recipe_state which,
		  struct error *err);

/*
 * Reads the running kernel's boot ID from /proc/sys/kernel/random/boot_id below @root. 0
 * or a negative errno with the line.
 */
int boot_id_read(const char *root, uint8_t out[BOOT_ID_SIZE], struct error *err);

#endif
