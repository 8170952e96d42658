// SPDX-License-Identifier: GPL-2.0-only
#include "arch/dt/libfdt.h"

#ifdef LIBRARIES_LINKED

int libfdt_open(struct error *err)
{
	(void)err;
	return 0;
}

#else

struct libfdt libfdt;

int libfdt_open(struct error *err)
{
	static const char *const names[] = { FDT(LIBRARY_NAME) };
	const size_t count = sizeof(names) / sizeof(names[0]);

	_Static_assert(sizeof(libfdt) == sizeof(names), "function pointers");
	_Static_assert(sizeof(names) / sizeof(names[0]) <= LIBRARY_FUNCTIONS_MAX, "room");
	return library_open(&library_fdt, names, count, &libfdt, err);
}

#endif
