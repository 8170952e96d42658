// SPDX-License-Identifier: GPL-2.0-only
#include "machine/xen.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define FEATURE_DOM0 (1u << 11) /* XENFEAT_dom0 of xen/interface/features.h */

/* Reads a file of one line; @out is empty if there is none. The caller frees *@text. */
static int read_line(const char *root, const char *name, char **text, struct bytes *out,
		     struct error *err)
{
	size_t size = 0;
	int ret = file_slurp_in(root, name, 4096, text, &size);

	*out = text_trim((struct bytes){ (uint8_t *)*text, ret ? 0 : size });
	return file_is_trouble(ret)
		       ? error_set(err, -ret, "%s%s: %s", root, name, errno_text(-ret))
		       : 0;
}

/* Documentation/ABI/stable/sysfs-hypervisor-xen; the second file: xenfs, if mounted. */
static int is_dom0(const char *root, bool *out, struct error *err)
{
	_cleanup_free_ char *features = NULL, *capabilities = NULL;
	struct bytes text;
	uint64_t bits;
	int ret = read_line(root, "/sys/hypervisor/properties/features", &features, &text,
			    err);

	*out = !ret && text_hex(text, &bits) && bits & FEATURE_DOM0;
	if (ret || *out)
		return ret;
	ret = read_line(root, "/proc/xen/capabilities", &capabilities, &text, err);
	*out = !ret && capabilities && strstr(capabilities, "control_d");
	return ret;
}

int xen_check(const char *root, struct error *err)
{
	_cleanup_free_ char *kind = NULL;
	struct bytes text;
	bool dom0;
	int ret = is_dom0(root, &dom0, err);

	if (ret)
		return ret;
	if (dom0)
		return error_set(
			err, ENOTSUP,
			"this is dom0 of Xen, where only the hypervisor can load "
			"a kernel and jump: use kexec-tools");
	ret = read_line(root, "/sys/hypervisor/guest_type", &kind, &text, err);
	if (!ret && text_equals(text, "PV"))
		return error_set(err, ENOTSUP,
				 "this is a paravirtual domain of Xen, which cannot jump "
				 "into another kernel: reboot instead, or make it PVH");
	return ret;
}
