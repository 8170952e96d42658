/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * file.h - maps, copies, composes and reads files.
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
 * Detects a change of a file's content. Excludes the inode's ctime: a package manager may
 * rename or unlink the file during the load.
 */
struct file_stamp {
	uint64_t size;
	struct timespec modified;
};

/*
 * A kernel or initrd: mapped from the page cache, never copied.
 *
 * The mapping is for the kernel, which copes with a file that is truncated at the same
 * time. We would get SIGBUS, so we look only at the head or use file_read().
 */
struct file {
	char *path;	    /* owned */
	int fd;		    /* owned; -1: none */
	struct bytes bytes; /* valid until file_close() */
	void *mapping;	    /* unmapped by file_close() */
	uint8_t head[FILE_HEAD];
	size_t head_size; /* less than FILE_HEAD if the file is shorter */
	struct file_stamp stamp;
	struct progress *progress; /* readers report here; NULL: no reports */
};

#define FILE_NONE ((struct file){ .fd = -1 })

/*
 * Opens and maps the regular file @path. A file that cannot be mapped, as in /sys, and a
 * block device are copied instead. An empty file, a directory, a pipe, a character device
 * or a file without a size, as in /proc, is an error. Where the file
 * system has leases, no writer can open the file until file_close(). 0 or a negative
 * errno; on failure @out is FILE_NONE.
 */
int file_open(const char *path, struct file *out, struct error *err);

/* As file_open(), for the descriptor @fd, which it owns from now on, even on failure. */
int file_adopt(int fd, const char *path, struct file *out, struct error *err);

/* Copies @f into a memfd. 0 or a negative errno; on failure @out is FILE_NONE. */
int file_copy(const struct file *f, struct file *out, struct error *err);

/* One part of a composed file. */
struct file_part {
	const void *data;	 /* copied from memory; NULL: from a file */
	const struct file *file; /* NULL: from the other file */
	uint64_t from;		 /* offset in that file */
	uint64_t to;		 /* offset in the new file */
	size_t size;
};

/*
 * Composes a file of @size bytes in a memfd, with @f's path. Parts lie within @size;
 * bytes in no part are zero. 0; -ESTALE if @f changes at the same time; any other
 * negative errno. On failure @out is FILE_NONE.
 */
int file_compose(const struct file *f, const struct file_part *parts, size_t count,
		 uint64_t size, struct file *out, struct error *err);

/*
 * Opens the files of @names, one a line, as one file. Several are copied one after the
 * other into a memfd, each padded with zeroes to a multiple of @align bytes. 0; -ESTALE if
 * a file changes at the same time; any other negative errno. On failure @out is FILE_NONE.
 */
int file_open_all(const char *names, size_t align, struct file *out, struct error *err);

/* Returns the first head_size bytes of @f, valid as long as @f. */
static inline struct bytes file_head(const struct file *f)
{
	return (struct bytes){ f->head, f->head_size };
}

/*
 * Reads exactly @size bytes at @offset into @buf. 0; -ESTALE if the file has become
 * shorter; any other negative errno.
 */
int file_read(const struct file *f, uint64_t offset, void *buf, size_t size,
	      struct error *err);

/*
 * 0 if the file is unchanged since it was opened; -ESTALE if not; any other negative
 * errno.
 */
int file_check(const struct file *f, struct error *err);

/* Unmaps, closes and resets to FILE_NONE. Accepts FILE_NONE. */
void file_close(struct file *f);

/*
 * Call first in main(). If the caller closed descriptors 0 to 2, a file of ours would get
 * one of them and receive the messages for standard error. Fills them with a descriptor
 * that can be neither read nor written and that execve() closes.
 */
void file_keep_standard(void);

/*
 * Reads up to @size bytes of @fd at @offset into @buf; *@used: how many, fewer only at the
 * end of the file. 0 or a negative errno.
 */
int file_read_at(int fd, uint64_t offset, void *buf, size_t size, size_t *used);

/* Writes all @size bytes to @fd. 0 or a negative errno. */
int file_write_all(int fd, const void *data, size_t size);

/*
 * True if a negative errno of file_slurp() is about this process or the disk, not about
 * the file. A caller that tolerates a missing file must not tolerate these.
 */
bool file_is_trouble(int ret);

/*
 * Reads a small file of /proc or /sys, for which stat() gives no size. The caller frees
 * *@data; a NUL follows its *@size bytes. 0; -EFBIG for more than @max bytes; any other
 * negative errno. No message: the caller knows whether the file matters.
 */
int file_slurp(const char *path, size_t max, char **data, size_t *size);

/* As file_slurp(), for the path @root@name. */
int file_slurp_in(const char *root, const char *name, size_t max, char **data,
		  size_t *size);

/*
 * Sets *@entry to the next entry of @dir, owned by @dir. 1; 0 at the end; a negative
 * errno on a read error, which must not pass for the end: a partial list may look
 * complete.
 */
int file_next(DIR *dir, const struct dirent **entry);

#endif
