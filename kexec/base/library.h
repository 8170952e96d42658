/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * library.h - libraries that are opened when a file or an option needs them.
 *
 * The process that draws the seed maps the C library alone: each further library is code
 * that runs as root next to the seed, and time that a refresh costs. configure.ac has the
 * table of them (LIBRARIES in config.h). Packagers find the sonames in ELF notes: "Dlopen
 * Metadata for ELF Files" of uapi-group.org.
 *
 * With LIBRARIES_LINKED (static programs) the same functions are linked in.
 */
#ifndef KS_LIBRARY_H
#define KS_LIBRARY_H

#include "config.h"

#include "error.h"

#include <stddef.h>

struct library {
	const char *soname;
	const char *package; /* Debian's */
	const char *purpose; /* what it is for, for people */
};

#define LIBRARY_DECLARE(tag, soname, package, purpose, priority)                         \
	extern const struct library library_##tag;
LIBRARIES(LIBRARY_DECLARE)
#undef LIBRARY_DECLARE

/*
 * Opens @lib for the life of the process and stores the addresses of @names, @count of
 * them, in @functions, an array of function pointers. May be repeated. 0; -ENOTSUP with
 * the line, which has the package to install; -ENOMEM. On failure @functions is unchanged.
 */
int library_open(const struct library *lib, const char *const *names, size_t count,
		 void *functions, struct error *err);

/*
 * Lists what cannot be opened now, as "libzstd1 (kernels in zstd files), ..."; "": all is
 * here. 0; -ENOMEM with the line.
 */
int library_list_missing(char *buf, size_t size, struct error *err);

#define LIBRARY_LIST_SIZE     320
#define LIBRARY_FUNCTIONS_MAX 40

/*
 * LIBRARY_FUNCTIONS(tag, LIST): the functions of library @tag that a file calls, as members
 * of the struct lib@tag, and open_@tag(err), to be called before them. LIST(X) has an
 * X(name) for each; the library's own header declares them and so gives each its type.
 */
#define LIBRARY_POINTER(name) __typeof__(&name) name;
#define LIBRARY_NAME(name)    #name,
#define LIBRARY_LINKED(name)  .name = name,

#ifdef LIBRARIES_LINKED
#define LIBRARY_FUNCTIONS(tag, LIST)                                                     \
	static const struct {                                                            \
		LIST(LIBRARY_POINTER)                                                    \
	} lib##tag = { LIST(LIBRARY_LINKED) };                                           \
	static int open_##tag(struct error *err)                                         \
	{                                                                                \
		(void)err;                                                               \
		return 0;                                                                \
	}
#else
#define LIBRARY_FUNCTIONS(tag, LIST)                                                     \
	static struct {                                                                  \
		LIST(LIBRARY_POINTER)                                                    \
	} lib##tag;                                                                      \
	static int open_##tag(struct error *err)                                         \
	{                                                                                \
		static const char *const names[] = { LIST(LIBRARY_NAME) };               \
		const size_t count = sizeof(names) / sizeof(names[0]);                   \
                                                                                         \
		_Static_assert(sizeof(lib##tag) == sizeof(names), "function pointers");  \
		return library_open(&library_##tag, names, count, &lib##tag, err);       \
	}
#endif

#endif
