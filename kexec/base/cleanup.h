/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cleanup.h - releases a variable's resource on every exit from its scope.
 */
#ifndef KS_CLEANUP_H
#define KS_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void free_ptr(void *p)
{
	free(*(void **)p);
}

static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void close_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

#define _cleanup_free_	   _cleanup_(free_ptr)
#define _cleanup_close_	   _cleanup_(close_fd)
#define _cleanup_fclose_   _cleanup_(close_file)
#define _cleanup_closedir_ _cleanup_(close_dir)

/* Passes ownership on: yields the pointer and sets the variable to NULL. */
#define take_ptr(p)                                                                      \
	({                                                                               \
		__typeof__(p) taken_ = (p);                                              \
		(p) = NULL;                                                              \
		taken_;                                                                  \
	})

#endif
