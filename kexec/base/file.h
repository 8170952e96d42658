/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file.h - files as bytes.
 */
#ifndef KS_FILE_H
#define KS_FILE_H

#include "base/progress.h"
#include "bytes.h"
#include "error.h"

#include <dirent.h>
#include <time.h>

#define FILE_HEAD 4096

/*
 * What shows that a file's content was changed. Not the time of change of its inode: a
 * package manager may rename or unlink the file meanwhile.
 */
struct file_stamp {
	uint64_t size;
	struct timespec modified;
};

/*
 * A kernel or initrd: mapped from the page cache, never copied.
 *
 * The mapping is for the kernel, which copes with a file that is truncated meanwhile. We
 * would get SIGBUS, so what we look at is the head, or read with file_read().
 */
struct file {
	char *path;	    /* owned */
	int fd;		    /* owned; -1: none */
	struct bytes bytes; /* valid until file_close() */
	void *mapping;	    /* what file_close() unmaps */
	uint8_t head[FILE_HEAD];
	size_t head_size; /* less than FILE_HEAD when the file is shorter */
	struct file_stamp stamp;
	struct progress *progress; /* where to tell how far a reader is; or NULL */
};

#define FILE_NONE ((struct file){ .fd = -1 })

/*
 * Opens and maps the regular file @path; of one that cannot be mapped, as in /sys, a copy.
 * An empty file, a directory or a device is an error. Where the file system has leases,
 * nobody can begin to write to the file until file_close(). 0 or a negative errno; on
 * failure @out is FILE_NONE.
 */
int file_open(const char *path, struct file *out, struct error *err);

/* The same for a descriptor, which it takes over, whatever happens. */
int file_adopt(int fd, const char *path, struct file *out, struct error *err);

/* A copy of @f in a memfd. */
int file_copy(const struct file *f, struct file *out, struct error *err);

/* A stretch of a file that is made of parts of another. */
struct file_part {
	const void *data; /* from memory; NULL: from the other file */
	uint64_t from;	  /* where it begins there */
	uint64_t to;	  /* where it goes */
	size_t size;
};

/*
 * Makes a file of @size bytes in a memfd, with @f's path: the parts, which lie within @size,
 * and zeroes where there is none. -ESTALE when @f changes meanwhile.
 */
int file_compose(const struct file *f, const struct file_part *parts, size_t count,
		 uint64_t size, struct file *out, struct error *err);

/* What @f's head holds. */
static inline struct bytes file_head(const struct file *f)
{
	return (struct bytes){ f->head, f->head_size };
}

/* Exactly @size bytes from @offset; -ESTALE when the file has become shorter. */
int file_read(const struct file *f, uint64_t offset, void *buf, size_t size,
	      struct error *err);

/* -ESTALE when the file is not what it was when it was opened. */
int file_check(const struct file *f, struct error *err);

/* Unmaps, closes and resets to FILE_NONE. Harmless on FILE_NONE. */
void file_close(struct file *f);

/*
 * For the first line of main(): whoever starts us may have closed descriptors 0 to 2, and
 * then a file of ours would get one of them, and into it what is said on standard error.
 * Here they get one that can be neither read nor written, and that execve() closes.
 */
void file_keep_standard(void);

/* Writes all of it to @fd. 0 or a negative errno. */
int file_write_all(int fd, const void *data, size_t size);

/*
 * Whether a negative errno of file_slurp() is about us or the disk, not about the file: then
 * a file that need not be there must not count as one that is not there.
 */
bool file_is_trouble(int ret);

/*
 * Reads a small file of /proc or /sys, whose size stat() does not tell, into memory that
 * the caller frees; a NUL follows the *@size bytes. -EFBIG when there are more than @max
 * bytes. No message: the caller knows whether the file matters.
 */
int file_slurp(const char *path, size_t max, char **data, size_t *size);

/*
 * The next entry of @dir into *@entry: 1; 0 when there are no more. A negative errno when
 * it cannot be read, which must not be taken for the end: a part may look like all of it.
 */
int file_next(DIR *dir, const struct dirent **entry);

#endif
