// SPDX-License-Identifier: GPL-2.0-only
#include "machine/dump.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "machine/kcore.h"
#include "machine/kexec_sysfs.h"
#include "machine/text.h"

#include <errno.h>
#include <string.h>

#define CPU_DIR	      "/sys/devices/system/cpu"
#define VMCOREINFO    "/sys/kernel/vmcoreinfo"
#define KCORE	      "/proc/kcore"
#define CPUS_MAX      65536 /* far more than a kernel can have; an ELF file has fewer */
#define ATTR_SIZE_MAX 4096  /* sysfs hands out a page at most */

/* The file @root@path as text without blanks around it. No message. */
static int read_text(const char *root, const char *path, char **data, struct bytes *text)
{
	_cleanup_free_ char *file = NULL;
	size_t size = 0;
	int ret;

	if (asprintf(&file, "%s%s", root, path) < 0)
		return -ENOMEM;
	ret = file_slurp(file, ATTR_SIZE_MAX, data, &size);
	if (!ret)
		*text = text_trim((struct bytes){ (uint8_t *)*data, size });
	return ret;
}

static int nonsense(const char *root, const char *path, struct error *err)
{
	return error_set(err, EINVAL, "%s%s: this is no place for an ELF note", root,
			 path);
}

static int unreadable(const char *root, const char *path, int ret, struct error *err)
{
	return error_set(err, -ret, "%s%s: %s%s", root, path, strerror(-ret),
			 ret == -EACCES || ret == -EPERM ? " (it is for root only)" : "");
}

static bool is_note(const struct dump_note *n)
{
	uint64_t end;

	return n->addr && n->size && !__builtin_add_overflow(n->addr, n->size, &end);
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* The numbers of all cpuN, sorted; other names (cpufreq, cpuidle) are skipped. */
static int list_cpus(DIR *dir, uint32_t **numbers, size_t *count)
{
	_cleanup_free_ uint32_t *list = NULL;
	const struct dirent *d;
	size_t used = 0, room = 0;
	int ret;

	while ((ret = file_next(dir, &d)) > 0) {
		struct bytes rest;
		uint32_t number;

		if (!text_starts(text_from(d->d_name), "cpu", &rest) ||
		    !text_decimal(rest, &number))
			continue;
		if (used == CPUS_MAX)
			return -E2BIG;
		if (used == room) {
			uint32_t *larger;

			room = room ? room * 2 : 16;
			larger = reallocarray(list, room, sizeof(*list));
			if (!larger)
				return -ENOMEM;
			list = larger;
		}
		list[used++] = number;
	}
	if (ret)
		return ret;
	if (used)
		qsort(list, used, sizeof(*list), compare);
	*numbers = take_ptr(list);
	*count = used;
	return 0;
}

/* -ENOENT, without a message, for a processor that has no notes. */
static int read_cpu(const char *root, uint32_t number, struct dump_note *out,
		    struct error *err)
{
	_cleanup_free_ char *addr = NULL, *size = NULL;
	struct bytes addr_text, size_text;
	char path[80];
	uint32_t value;
	int ret;

	snprintf(path, sizeof(path), CPU_DIR "/cpu%u/crash_notes", number);
	ret = read_text(root, path, &addr, &addr_text);
	if (ret == -ENOENT)
		return ret;
	if (ret)
		return unreadable(root, path, ret, err);
	if (!text_hex(addr_text, &out->addr))
		return nonsense(root, path, err);
	snprintf(path, sizeof(path), CPU_DIR "/cpu%u/crash_notes_size", number);
	ret = read_text(root, path, &size, &size_text);
	if (ret) /* the two come together */
		return unreadable(root, path, ret == -ENOENT ? -EINVAL : ret, err);
	if (!text_decimal(size_text, &value))
		return nonsense(root, path, err);
	out->size = value;
	return is_note(out) ? 0 : nonsense(root, path, err);
}

static int read_cpus(const char *root, struct dump_facts *d, struct error *err)
{
	_cleanup_free_ uint32_t *numbers = NULL;
	_cleanup_free_ char *path = NULL;
	_cleanup_closedir_ DIR *dir = NULL;
	size_t count = 0;
	int ret;

	if (asprintf(&path, "%s%s", root, CPU_DIR) < 0)
		return error_set(err, ENOMEM, "out of memory");
	dir = opendir(path);
	if (!dir)
		return unreadable(root, CPU_DIR, -errno, err);
	ret = list_cpus(dir, &numbers, &count);
	if (ret)
		return unreadable(root, CPU_DIR, ret, err);
	d->cpus = calloc(count ? count : 1, sizeof(*d->cpus));
	if (!d->cpus)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		ret = read_cpu(root, numbers[i], &d->cpus[d->nr_cpus], err);
		if (!ret)
			d->nr_cpus++;
		else if (ret != -ENOENT)
			return ret;
	}
	if (d->nr_cpus)
		return 0;
	return error_set(
		err, ENOENT,
		"%s%s: no processor has crash_notes: the running kernel is built "
		"without support for crash kernels",
		root, CPU_DIR);
}

/* "ADDRESS SIZE", both hexadecimal: vmcoreinfo_show() in kernel/ksysfs.c. */
static int read_vmcoreinfo(const char *root, struct dump_facts *d, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	struct bytes text, addr;
	int ret = read_text(root, VMCOREINFO, &data, &text);

	if (ret)
		return unreadable(root, VMCOREINFO, ret, err);
	if (!text_cut(&text, ' ', &addr) || !text_hex(addr, &d->vmcoreinfo.addr) ||
	    !text_hex(text, &d->vmcoreinfo.size) || !is_note(&d->vmcoreinfo))
		return nonsense(root, VMCOREINFO, err);
	return 0;
}

static int read_kcore(const char *root, struct dump_facts *d, struct error *err)
{
	_cleanup_(kcore_close) struct kcore k = KCORE_NONE;
	_cleanup_free_ char *path = NULL;
	const struct kcore_load *text;
	int ret;

	if (asprintf(&path, "%s%s", root, KCORE) < 0)
		return error_set(err, ENOMEM, "out of memory");
	ret = kcore_open(path, &k, err);
	if (ret)
		return ret;
	text = kcore_text(&k);
	if (!text || !kcore_direct_map(&k, &d->direct_map))
		return error_set(err, EBADMSG,
				 "%s: does not tell where the kernel maps %s", path,
				 text ? "physical memory" : "its own text");
	/* from _text to _end, not rounded: proc_kcore_text_init() in fs/proc/kcore.c */
	d->text_vaddr = text->vaddr;
	d->text_paddr = text->paddr;
	d->text_size = text->size;
	return 0;
}

static int read_hotplug_size(const char *root, struct dump_facts *d, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	const char *name;
	uint32_t value;
	size_t size;
	int ret = kexec_sysfs_read(root, KEXEC_SYSFS_CRASH_ELFCOREHDR_SIZE, &name, &data,
				   &size);

	if (ret == -ENOENT)
		return 0;
	if (ret)
		return unreadable(root, name, ret, err);
	if (!text_decimal(text_trim((struct bytes){ (uint8_t *)data, size }), &value))
		return error_set(err, EINVAL, "%s%s: no size", root, name);
	d->hotplug_size = value;
	return 0;
}

int dump_facts_read(const char *root, struct dump_facts *out, struct error *err)
{
	int ret;

	*out = (struct dump_facts){ 0 };
	ret = read_cpus(root, out, err);
	if (!ret)
		ret = read_vmcoreinfo(root, out, err);
	if (!ret)
		ret = read_kcore(root, out, err);
	if (!ret)
		ret = read_hotplug_size(root, out, err);
	if (ret)
		dump_facts_free(out);
	return ret;
}

void dump_facts_free(struct dump_facts *d)
{
	free(d->cpus);
	*d = (struct dump_facts){ 0 };
}
