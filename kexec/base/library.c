// SPDX-License-Identifier: GPL-2.0-only
#include "base/library.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef LIBRARIES_LINKED
#include <dlfcn.h>
#endif

#define LIBRARY_DEFINE(tag, name, debian, reason, priority)                              \
	const struct library library_##tag = { .soname = name,                           \
					       .package = debian,                        \
					       .purpose = reason };
LIBRARIES(LIBRARY_DEFINE)

#ifdef LIBRARIES_LINKED

int library_list_missing(char *buf, size_t size, struct error *err)
{
	(void)size, (void)err;
	*buf = '\0';
	return 0;
}

#else

/*
 * The note: owner "FDO", type 0x407c0c0a, and a JSON array as its description; all padded
 * to 4 bytes.
 */
#define NOTE_OWNER "FDO"
#define NOTE_TYPE  0x407c0c0au
#define NOTE_TEXT(tag, soname, purpose, priority)                                        \
	"[{\"feature\":\"" #tag "\",\"description\":\"" purpose                          \
	"\",\"priority\":\"" priority "\",\"soname\":[\"" soname "\"]}]"

#define LIBRARY_NOTE(tag, soname, package, purpose, priority)                            \
	static const struct {                                                            \
		uint32_t owner_size, text_size, type;                                    \
		char owner[sizeof(NOTE_OWNER)];                                          \
		_Alignas(                                                                \
			4) char text[sizeof(NOTE_TEXT(tag, soname, purpose, priority))]; \
	} note_##tag __attribute__((used, aligned(4), section(".note.dlopen"))) = {      \
		sizeof(NOTE_OWNER), sizeof(NOTE_TEXT(tag, soname, purpose, priority)),   \
		NOTE_TYPE, NOTE_OWNER, NOTE_TEXT(tag, soname, purpose, priority)         \
	};
LIBRARIES(LIBRARY_NOTE)

/*
 * Never closed: a library may have left pointers to itself. dlerror(3) does not always tell
 * that memory ran out.
 */
static int open_library(const struct library *lib, void **handle, struct error *err)
{
	const char *why;

	errno = 0;
	*handle = dlopen(lib->soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	if (*handle)
		return 0;
	if (errno == ENOMEM)
		return error_set(err, ENOMEM, "cannot open %s: out of memory",
				 lib->soname);
	why = dlerror();
	return error_set(err, ENOTSUP,
			 "cannot open a library for %s: %s; install it (Debian: %s)",
			 lib->purpose, why ? why : lib->soname, lib->package);
}

int library_open(const struct library *lib, const char *const *names, size_t count,
		 void *functions, struct error *err)
{
	void *handle, *found[LIBRARY_FUNCTIONS_MAX];
	int ret = open_library(lib, &handle, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < count; i++) {
		found[i] = dlsym(handle, names[i]);
		if (!found[i])
			return error_set(
				err, ENOTSUP,
				"%s lacks %s: it is too old; upgrade it (Debian: %s)",
				lib->soname, names[i], lib->package);
	}
	memcpy(functions, found, count * sizeof(found[0]));
	return 0;
}

int library_list_missing(char *buf, size_t size, struct error *err)
{
	static const struct library *const all[] = {
#define LIBRARY_ROW(tag, soname, package, purpose, priority) &library_##tag,
		LIBRARIES(LIBRARY_ROW) NULL
	};

	*buf = '\0';
	for (size_t i = 0; all[i]; i++) {
		size_t used = strlen(buf);
		void *handle;
		int ret = open_library(all[i], &handle, err);

		if (!ret)
			continue;
		if (ret != -ENOTSUP)
			return ret;
		snprintf(buf + used, size - used, "%s%s (%s)", used ? ", " : "",
			 all[i]->package, all[i]->purpose);
	}
	return 0;
}

#endif
