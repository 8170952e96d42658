// SPDX-License-Identifier: GPL-2.0-only
#include "arch/dt/machine.h"

#include "arch/arch.h"
#include "arch/dt/boot_data.h"
#include "arch/dt/libfdt.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "base/units.h"
#include "load_request.h"

#include <errno.h>
#include <stdlib.h>

#define CPUINFO_PATH "/proc/cpuinfo"
#define CPUINFO_MAX  ((size_t)4 << 20) /* bytes: thousands of CPUs */

/* A kernel takes its memory from UEFI then. */
static bool names_uefi(const struct dt *tree)
{
	int chosen = fdt_path_offset(tree->data, "/chosen");

	return chosen >= 0 &&
	       fdt_getprop(tree->data, chosen, "linux,uefi-system-table", NULL);
}

/* Without root privileges the tree cannot be read: arch_check_machine() says so. */
static int read_tree(const char *root, struct dt_machine *out, struct error *err)
{
	struct error why;
	int ret = dt_read(root, &out->tree, &why);

	if (ret == -ENOENT || ret == -EACCES || ret == -EPERM) {
		out->no_tree = ret;
		return 0;
	}
	if (ret) {
		*err = why;
		return ret;
	}
	out->uefi = names_uefi(&out->tree);
	return 0;
}

/* Nothing goes where the tree, which the next kernel reads too, reserves memory. */
static int remove_reserved(const struct dt *tree, struct machine *m, struct error *err)
{
	const uint64_t page = m->page_size;
	struct ranges reserved = { 0 };
	int ret = 0;

	if (tree->data)
		ret = dt_add_reserved(tree, &reserved, err);
	for (size_t i = 0; !ret && i < reserved.count; i++) {
		struct range r = reserved.items[i];

		r.start = align_down(r.start, page);
		r.end = r.end > UINT64_MAX - page ? UINT64_MAX : align_up(r.end, page);
		if (ranges_remove(&m->ram, r))
			ret = error_set(err, ENOMEM, "out of memory");
	}
	ranges_free(&reserved);
	return ret;
}

/*
 * The kernel's own view is the only one: it has firmware's memory, less what firmware, the
 * tree and early code reserved ("reserved", within RAM or beside it). A daemon without
 * CAP_SYS_ADMIN does not see it, and needs the generation ID's address all the same.
 */
static int find_ram(const char *root, struct iomem *iomem, struct dt_machine *own,
		    struct machine *m, struct error *err)
{
	int ret;

	own->no_map = iomem->hidden;
	if (own->no_map)
		return 0;
	ret = machine_find_ram(&iomem->map, iomem, m->page_size, &m->ram, err);
	if (!ret)
		ret = remove_reserved(&own->tree, m, err);
	if (ret || m->ram.count)
		return ret;
	return error_set(err, ENODATA, "%s/proc/iomem: no RAM at all is free", root);
}

int dt_machine_read(const char *root, struct iomem *iomem, struct machine *m,
		    struct dt_machine *out, struct error *err)
{
	int ret = read_tree(root, out, err);

	if (!ret)
		ret = find_ram(root, iomem, out, m, err);
	return ret ? ret : dt_read_uart(root, out, err);
}

int dt_read_features(const char *root, const char *name, char separator,
		     void (*take)(struct bytes word, void *context), void *context,
		     struct error *err)
{
	_cleanup_free_ char *text = NULL;
	struct bytes rest, line, word;
	size_t size;
	int ret = file_slurp_in(root, CPUINFO_PATH, CPUINFO_MAX, &text, &size);

	if (file_is_trouble(ret))
		return error_set(err, -ret, "%s" CPUINFO_PATH ": %s", root,
				 errno_text(-ret));
	if (ret)
		return 0;
	rest = (struct bytes){ (uint8_t *)text, size };
	while (text_cut(&rest, '\n', &line))
		if (text_cut(&line, ':', &word) && text_equals(text_trim(word), name)) {
			line = text_trim(line);
			while (text_cut(&line, separator, &word))
				take(word, context);
			break;
		}
	return 0;
}

void arch_machine_free(struct machine *m)
{
	if (!m->arch)
		return;
	dt_free(&dt_of_machine(m)->tree);
	free(m->arch);
	m->arch = NULL;
}

int arch_read_large_pages(const char *root, bool *out, struct error *err)
{
	(void)root, (void)err;
	*out = false; /* control pages do not depend on it */
	return 0;
}

int arch_check_machine(const struct machine *m, const struct load_request *r,
		       struct error *err)
{
	const struct dt_machine *own = dt_of_machine(m);

	if (own->no_map)
		return error_set(err, ENOENT,
				 "no memory map: %s/proc/iomem is missing or hides its "
				 "addresses (to root it does not)",
				 r->root);
	if (!own->tree.data)
		return error_set(err, ENODATA,
				 "/sys/firmware/fdt: %s: the next kernel would not find "
				 "its memory; mount /sys and be root, or use -s",
				 errno_text(-own->no_tree));
	if (r->noefi && own->uefi)
		return error_set(err, EINVAL,
				 "--noefi: this machine was booted through UEFI, which "
				 "alone knows its memory");
	return 0;
}

const bool arch_takes_dtb = true;

/* A tree as kernels are packaged with: firmware fills its memory in. */
static int check_dtb(const struct dt *tree, const char *path, struct error *err)
{
	int ret = names_uefi(tree) ? 1 : dt_has_memory(tree);

	if (ret > 0)
		return 0;
	if (ret < 0)
		return error_set(err, -ret, "out of memory");
	return error_set(
		err, EINVAL,
		"%s: the next kernel would not find its memory, which firmware "
		"adds to such a tree; without --dtb it gets the running kernel's",
		path);
}

int arch_use_dtb(struct machine *m, const char *path, struct error *err)
{
	struct dt_machine *own = dt_of_machine(m);
	struct dt tree;
	int ret = dt_read_file("", path, &tree, err);

	if (ret)
		return ret;
	ret = check_dtb(&tree, path, err);
	if (ret) {
		dt_free(&tree);
		return ret;
	}
	dt_free(&own->tree);
	own->tree = tree;
	return remove_reserved(&own->tree, m, err);
}
