// SPDX-License-Identifier: GPL-2.0-only
#include "machine/crash_notes.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "machine/kcore.h"
#include "machine/kexec_sysfs.h"
#include "machine/sysfs_table.h"

#include <errno.h>

#define CPU_DIR	      "/sys/devices/system/cpu"
#define VMCOREINFO    "/sys/kernel/vmcoreinfo"
#define KCORE	      "/proc/kcore"
#define CPUS_MAX      65536 /* more than a kernel or an ELF header allows */
#define ATTR_SIZE_MAX 4096  /* a sysfs file has a page at most */

/* Reads @root@path, trimmed, into @text; the caller frees *@data. No message. */
static int read_text(const char *root, const char *path, char **data, struct bytes *text)
{
	size_t size = 0;
	int ret = file_slurp_in(root, path, ATTR_SIZE_MAX, data, &size);

	if (!ret)
		*text = text_trim((struct bytes){ (uint8_t *)*data, size });
	return ret;
}

static int nonsense(const char *root, const char *path, struct error *err)
{
	return error_set(err, EINVAL, "%s%s: not the place of an ELF note", root, path);
}

static int unreadable(const char *root, const char *path, int ret, struct error *err)
{
	return error_set(err, -ret, "%s%s: %s%s", root, path, errno_text(-ret),
			 ret == -EACCES || ret == -EPERM ? " (readable by root only)"
							 : "");
}

static bool is_note(const struct crash_note *n)
{
	uint64_t end;

	return n->addr && n->size && !__builtin_add_overflow(n->addr, n->size, &end);
}

/* -ENOENT, without a message, for a CPU without notes. */
static int read_cpu(const char *root, uint32_t number, struct crash_note *out,
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
	if (ret) /* both files exist or neither */
		return unreadable(root, path, ret == -ENOENT ? -EINVAL : ret, err);
	if (!text_decimal(size_text, &value))
		return nonsense(root, path, err);
	out->size = value;
	return is_note(out) ? 0 : nonsense(root, path, err);
}

static int read_cpus(const char *root, struct crash_notes *notes, struct error *err)
{
	_cleanup_free_ uint32_t *numbers = NULL;
	_cleanup_free_ char *path = NULL;
	size_t count = 0;
	int ret;

	if (asprintf(&path, "%s%s", root, CPU_DIR) < 0)
		return error_set(err, ENOMEM, "out of memory");
	ret = sysfs_table_list(path, "cpu", CPUS_MAX, &numbers, &count);
	if (ret)
		return unreadable(root, CPU_DIR, ret, err);
	notes->cpus = calloc(count ? count : 1, sizeof(*notes->cpus));
	if (!notes->cpus)
		return error_set(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		ret = read_cpu(root, numbers[i], &notes->cpus[notes->nr_cpus], err);
		if (!ret)
			notes->nr_cpus++;
		else if (ret != -ENOENT)
			return ret;
	}
	if (notes->nr_cpus)
		return 0;
	return error_set(err, ENOENT,
			 "%s%s: no CPU has crash_notes: the running kernel is built "
			 "without support for crash kernels",
			 root, CPU_DIR);
}

/* "ADDRESS SIZE", both hexadecimal: vmcoreinfo_show() in kernel/ksysfs.c. */
static int read_vmcoreinfo(const char *root, struct crash_notes *notes, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	struct bytes text, addr;
	int ret = read_text(root, VMCOREINFO, &data, &text);

	if (ret)
		return unreadable(root, VMCOREINFO, ret, err);
	if (!text_cut(&text, ' ', &addr) || !text_hex(addr, &notes->vmcoreinfo.addr) ||
	    !text_hex(text, &notes->vmcoreinfo.size) || !is_note(&notes->vmcoreinfo))
		return nonsense(root, VMCOREINFO, err);
	return 0;
}

static int read_kcore(const char *root, struct crash_notes *notes, struct error *err)
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
	if (!text || !kcore_direct_map(&k, &notes->direct_map))
		return error_set(err, EBADMSG,
				 "%s: does not tell where the kernel maps %s", path,
				 text ? "physical memory" : "its own text");
	/* from _text to _end, not rounded: proc_kcore_text_init() in fs/proc/kcore.c */
	notes->text_vaddr = text->vaddr;
	notes->text_paddr = text->paddr;
	notes->text_size = text->size;
	return 0;
}

static int read_hotplug_size(const char *root, struct crash_notes *notes,
			     struct error *err)
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
		return error_set(err, EINVAL, "%s%s: not a size", root, name);
	notes->hotplug_size = value;
	return 0;
}

int crash_notes_read(const char *root, struct crash_notes *out, struct error *err)
{
	int ret;

	*out = (struct crash_notes){ 0 };
	ret = read_cpus(root, out, err);
	if (!ret)
		ret = read_vmcoreinfo(root, out, err);
	if (!ret)
		ret = read_kcore(root, out, err);
	if (!ret)
		ret = read_hotplug_size(root, out, err);
	if (ret)
		crash_notes_free(out);
	return ret;
}

void crash_notes_free(struct crash_notes *notes)
{
	free(notes->cpus);
	*notes = (struct crash_notes){ 0 };
}
