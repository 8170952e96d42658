// SPDX-License-Identifier: GPL-2.0-only
#include "image/formats.h"

#include <stddef.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

/* Each text is a part of one of the two lists and begins with what separates it there. */
#ifdef HAVE_ELF
#define ELF	  ", ELF vmlinux"
#define ELF_LACKS ""
#else
#define ELF	  ""
#define ELF_LACKS ", ELF vmlinux (libelf)"
#endif

#ifdef HAVE_ZLIB
#define GZIP	   "; gzip"
#define GZIP_LACKS ""
#define XZ_BEGINS  ", "
#else
#define GZIP	   ""
#define GZIP_LACKS ", gzip (zlib)"
#define XZ_BEGINS  "; "
#endif

#ifdef HAVE_LZMA
#define XZ	    XZ_BEGINS "xz"
#define XZ_LACKS    ""
#define ZSTD_BEGINS ", "
#else
#define XZ	    ""
#define XZ_LACKS    ", xz (liblzma)"
#define ZSTD_BEGINS XZ_BEGINS
#endif

#ifdef HAVE_ZSTD
#define ZSTD	   ZSTD_BEGINS "zstd"
#define ZSTD_LACKS ""
#else
#define ZSTD	   ""
#define ZSTD_LACKS ", zstd (libzstd)"
#endif

const char *image_formats(void)
{
	return "bzImage, UKI" ELF GZIP XZ ZSTD;
}

const char *image_formats_missing(void)
{
	static const char lacks[] = ELF_LACKS GZIP_LACKS XZ_LACKS ZSTD_LACKS;

	return lacks[0] ? lacks + 2 : NULL; /* without the first separator */
}
