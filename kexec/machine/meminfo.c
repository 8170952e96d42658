// SPDX-License-Identifier: GPL-2.0-only
#include "machine/meminfo.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>

#define MEMINFO_SIZE_MAX 65536 /* bytes; real ones have 2 KiB */

/* "MemTotal:       16314376 kB"; 0: not a size. */
static uint64_t parse_size(struct bytes text)
{
	struct bytes number;
	uint64_t kib;

	text = text_trim(text);
	if (!text_cut(&text, ' ', &number) || !text_number(number, &kib) ||
	    !text_equals(text, "kB") || kib > UINT64_MAX >> 10)
		return 0;
	return kib << 10;
}

void meminfo_parse(struct bytes text, struct meminfo *out)
{
	uint64_t swap = 0;
	struct bytes line, value;

	*out = (struct meminfo){ 0 };
	while (text_cut(&text, '\n', &line)) {
		if (text_starts(line, "MemTotal:", &value))
			out->total = parse_size(value);
		else if (text_starts(line, "MemAvailable:", &value))
			out->available = parse_size(value);
		else if (text_starts(line, "SwapFree:", &value))
			swap = parse_size(value);
	}
	if (out->available &&
	    __builtin_add_overflow(out->available, swap, &out->available))
		out->available = 0;
}

int meminfo_read(const char *root, struct meminfo *out, struct error *err)
{
	static const char name[] = "/proc/meminfo";
	_cleanup_free_ char *text = NULL;
	size_t size;
	int ret = file_slurp_in(root, name, MEMINFO_SIZE_MAX, &text, &size);

	*out = (struct meminfo){ 0 };
	if (file_is_trouble(ret))
		return error_set(err, -ret, "%s%s: %s", root, name, errno_text(-ret));
	if (!ret)
		meminfo_parse((struct bytes){ (uint8_t *)text, size }, out);
	return 0;
}
