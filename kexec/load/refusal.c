// SPDX-License-Identifier: GPL-2.0-only
#include "load/refusal.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define SYSCTL "/proc/sys/kernel/"

/* A number of /proc/sys; @missing when the kernel does not have it. */
static long read_number(const char *path, long missing)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (file_slurp(path, 64, &text, &size))
		return missing;
	return strtol(text, NULL, 10);
}

/* When /proc does not tell, nothing is claimed. */
static bool lacks_capability(void)
{
	static const char key[] = "\nCapEff:";
	_cleanup_free_ char *text = NULL;
	const char *line;
	size_t size;

	if (file_slurp("/proc/self/status", 65536, &text, &size))
		return false;
	line = strstr(text, key);
	return line && !((strtoull(line + strlen(key), NULL, 16) >> CAP_SYS_BOOT) & 1);
}

/* The word in brackets of "none [integrity] confidentiality"; false for none. */
static bool read_lockdown(char *mode, size_t size)
{
	_cleanup_free_ char *text = NULL;
	const char *open, *close;
	size_t length;

	if (file_slurp("/sys/kernel/security/lockdown", 256, &text, &length))
		return false;
	open = strchr(text, '[');
	close = open ? strchr(open, ']') : NULL;
	if (!close || (size_t)(close - open) > size)
		return false;
	memcpy(mode, open + 1, (size_t)(close - open - 1));
	mode[close - open - 1] = '\0';
	return strcmp(mode, "none") != 0;
}

static const char *call_name(enum kexec_call call)
{
	return call == KEXEC_CALL_LOAD ? "kexec_load" : "kexec_file_load";
}

static bool limit_reached(enum kexec_target target)
{
	return read_number(target == KEXEC_TARGET_CRASH ? SYSCTL "kexec_load_limit_panic"
							: SYSCTL
				   "kexec_load_limit_reboot",
			   -1) == 0;
}

int refusal_foresee(enum kexec_target target, struct error *err)
{
	if (lacks_capability())
		return error_set(err, EPERM,
				 "not permitted: this needs root (CAP_SYS_BOOT)");
	if (read_number(SYSCTL "kexec_load_disabled", 0) == 1)
		return error_set(err, EPERM,
				 "kexec is switched off until the next boot "
				 "(kernel.kexec_load_disabled is 1)");
	if (limit_reached(target))
		return error_set(err, EPERM,
				 "no more loads are allowed until the next boot "
				 "(kernel.kexec_load_limit_%s is 0)",
				 target == KEXEC_TARGET_CRASH ? "panic" : "reboot");
	return 0;
}

static int explain_eperm(enum kexec_call call, enum kexec_target target, bool *other_way,
			 struct error *err)
{
	char mode[32];
	int ret = refusal_foresee(target, err);

	if (ret)
		return ret;
	*other_way = call == KEXEC_CALL_LOAD;
	if (read_lockdown(mode, sizeof(mode)))
		return error_set(
			err, EPERM, "the kernel is locked down (%s) %s", mode,
			call == KEXEC_CALL_LOAD
				? "and takes signed kernels only, through "
				  "kexec_file_load (-s)"
				: "and this file has no signature that it trusts");
	return error_set(err, EPERM,
			 "%s is not permitted (in a container, or by a security module)",
			 call_name(call));
}

static int explain_addresses(enum kexec_target target, struct error *err)
{
	long reserved = read_number("/sys/kernel/kexec_crash_size", 0);

	if (target == KEXEC_TARGET_NORMAL)
		return error_set(err, EADDRNOTAVAIL, "the kernel refuses the addresses");
	if (reserved <= 0)
		return error_set(err, EADDRNOTAVAIL,
				 "no memory is reserved for a crash "
				 "kernel: boot with crashkernel=256M");
	return error_set(err, EADDRNOTAVAIL,
			 "it does not fit into the %ld MiB that crashkernel= reserves",
			 reserved >> 20);
}

/* The signature of a file: security/integrity and crypto/asymmetric_keys. */
static bool is_signature_error(int code)
{
	return code == EKEYREJECTED || code == ENOKEY || code == ENOPKG ||
	       code == EBADMSG || code == ELIBBAD || code == ENODATA;
}

int refusal_explain(int code, enum kexec_call call, enum kexec_target target,
		    bool *other_way, struct error *err)
{
	bool ignored;

	other_way = other_way ? other_way : &ignored;
	*other_way = false;
	switch (code) {
	case EPERM:
	case EACCES:
		return explain_eperm(call, target, other_way, err);
	case ENOSYS:
		*other_way = true;
		return error_set(err, code, "this kernel has no %s (%s)", call_name(call),
				 call == KEXEC_CALL_LOAD ? "CONFIG_KEXEC"
							 : "CONFIG_KEXEC_FILE");
	case EBUSY:
		return error_set(err, code, "another load is under way; try again");
	case ENOMEM:
		return error_set(err, code,
				 "the kernel has not enough free memory for it");
	case EADDRNOTAVAIL:
		return explain_addresses(target, err);
	}
	if (is_signature_error(code))
		return error_set(
			err, code,
			"the kernel does not trust the signature of this file: %s",
			strerror(code));
	return error_set(err, code, "%s: %s", call_name(call), strerror(code));
}
