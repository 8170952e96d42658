// SPDX-License-Identifier: GPL-2.0-only
/* CPU features and page size, from the running kernel. */
#include "arch/arm64/arm64.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#define AUXV_PATH "/proc/self/auxv"
#define AUXV_MAX  4096u /* bytes; Linux writes less than 1 KiB */

static void take_feature(struct bytes word, void *context)
{
	struct arm64_cpu *cpu = context;

	if (text_equals(word, "sha2"))
		cpu->sha2 = true;
	else if (text_equals(word, "rng"))
		cpu->rndr = true;
}

/* c_show() of arch/arm64/kernel/cpuinfo.c */
int arm64_cpu_read(const char *root, struct arm64_cpu *out, struct error *err)
{
	*out = (struct arm64_cpu){ 0 };
	return dt_read_features(root, "Features", ' ', take_feature, out, err);
}

/* Sets *@out to the value of @type; false: not there. */
static bool find_value(struct bytes auxv, uint64_t type, uint64_t *out)
{
	uint64_t pair[2];

	for (; auxv.size >= sizeof(pair);
	     auxv.data += sizeof(pair), auxv.size -= sizeof(pair)) {
		memcpy(pair, auxv.data, sizeof(pair));
		if (pair[0] == type) {
			*out = pair[1];
			return true;
		}
	}
	return false;
}

int arm64_page_size_read(const char *root, uint64_t *out, struct notes *notes,
			 struct error *err)
{
	_cleanup_free_ char *data = NULL;
	size_t size = 0;
	int ret = file_slurp_in(root, AUXV_PATH, AUXV_MAX, &data, &size);

	*out = 0;
	if (file_is_trouble(ret))
		return error_set(err, -ret, "%s" AUXV_PATH ": %s", root,
				 errno_text(-ret));
	if (!ret && !find_value((struct bytes){ (uint8_t *)data, size }, AT_PAGESZ, out))
		return error_set(err, EINVAL, "%s" AUXV_PATH ": has no page size", root);
	if (ret && *root) {
		*out = 4 * KIB;
		notes_add(notes, "%s" AUXV_PATH " is missing: pages of 4 KiB are assumed",
			  root);
	} else if (ret) {
		*out = page_size();
	}
	if (*out == 4 * KIB || *out == 16 * KIB || *out == 64 * KIB)
		return 0;
	return error_set(err, EINVAL, "%s" AUXV_PATH ": pages of %llu bytes", root,
			 (unsigned long long)*out);
}
