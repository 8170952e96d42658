// SPDX-License-Identifier: GPL-2.0-only
#include "load/refusal.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "machine/kexec_sysfs.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#define SYSCTL "/proc/sys/kernel/"

/* Reads a number in /proc/sys; returns @missing if the kernel lacks it. */
static long read_number(const char *root, const char *path, long missing)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	if (file_slurp_in(root, path, 64, &text, &size))
		return missing;
	return strtol(text, NULL, 10);
}

/* Bytes reserved by crashkernel=; @missing if the kernel does not report them. */
static long read_reserved(const char *root, long missing)
{
	_cleanup_free_ char *text = NULL;
	const char *name;
	size_t size;

	if (kexec_sysfs_read(root, KEXEC_SYSFS_CRASH_SIZE, &name, &text, &size))
		return missing;
	return strtol(text, NULL, 10);
}

/* False if /proc cannot answer. */
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

/*
 * Reads the word in brackets, as in "none [integrity] confidentiality"; false if it is
 * none.
 */
static bool read_lockdown(const char *root, char *mode, size_t size)
{
	_cleanup_free_ char *text = NULL;
	const char *open, *close;
	size_t length;

	if (file_slurp_in(root, "/sys/kernel/security/lockdown", 256, &text, &length))
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

/* Loads that the kernel still allows; -1: any number. */
static long read_limit(const char *root, enum kexec_target target)
{
	return read_number(root,
			   target == KEXEC_TARGET_CRASH ? SYSCTL "kexec_load_limit_panic"
							: SYSCTL
				   "kexec_load_limit_reboot",
			   -1);
}

bool refusal_is_limited(const char *root, enum kexec_target target)
{
	return read_limit(root, target) >= 0;
}

int refusal_tell_spent(const char *root, enum kexec_target target, int ret,
		       struct error *err)
{
	const struct error first = *err;

	if (read_limit(root, target) != 0)
		return 0;
	return error_set(err, -ret,
			 "%s; that was the last load that kernel.kexec_load_limit_%s "
			 "allows: boot again and use kexec_file_load (-s)",
			 first.text, target == KEXEC_TARGET_CRASH ? "panic" : "reboot");
}

int refusal_no_region(struct error *err)
{
	return error_set(err, EADDRNOTAVAIL,
			 "no memory is reserved for a crash kernel: boot with "
			 "crashkernel=256M");
}

int refusal_check_arch(const char *root, struct error *err)
{
	if (arch_is_own || *root)
		return 0;
	return error_set(err, ENOTSUP,
			 "this kexec only plans for %s machines: use --dry-run "
			 "--facts=DIR",
			 arch_name);
}

int refusal_foresee_rights(struct error *err)
{
	return lacks_capability() ? error_set(err, EPERM,
					      "not permitted: this needs root "
					      "(CAP_SYS_BOOT)")
				  : 0;
}

static int foresee_switch(const char *root, struct error *err)
{
	if (read_number(root, SYSCTL "kexec_load_disabled", 0) == 1)
		return error_set(err, EPERM,
				 "kexec is switched off until the next boot "
				 "(kernel.kexec_load_disabled is 1)");
	return 0;
}

int refusal_foresee(const char *root, enum kexec_target target, struct error *err)
{
	int ret = foresee_switch(root, err);

	if (ret || read_limit(root, target) != 0)
		return ret;
	return error_set(err, EPERM,
			 "no more loads are allowed until the next boot "
			 "(kernel.kexec_load_limit_%s is 0)",
			 target == KEXEC_TARGET_CRASH ? "panic" : "reboot");
}

int refusal_check_region(const char *root, enum kexec_target target, struct error *err)
{
	bool none = target == KEXEC_TARGET_CRASH && read_reserved(root, -1) == 0;

	return none ? refusal_no_region(err) : 0;
}

/* Advice for a kernel that is not trusted. */
#define TAKE_A_SIGNED_KERNEL                                                             \
	"use a kernel that the distribution has signed, or have "                        \
	"the firmware or shim trust its signer (mokutil --import)"

static int explain_lockdown(enum kexec_call call, const char *mode, struct error *err)
{
	if (call == KEXEC_CALL_LOAD)
		return error_set(err, EPERM,
				 "the kernel is locked down (%s), as under Secure Boot, "
				 "and takes signed kernels only, through kexec_file_load "
				 "(-s)",
				 mode);
	return error_set(err, EPERM,
			 "the kernel is locked down (%s), as under Secure Boot, and this "
			 "file has no signature that it trusts: " TAKE_A_SIGNED_KERNEL,
			 mode);
}

int refusal_foresee_load(const char *root, struct error *err)
{
	char mode[32];

	return read_lockdown(root, mode, sizeof(mode))
		       ? explain_lockdown(KEXEC_CALL_LOAD, mode, err)
		       : 0;
}

static int explain_eperm(enum kexec_call call, enum kexec_target target,
			 bool *may_fall_back, struct error *err)
{
	bool first = call == KEXEC_CALL_LOAD;
	char mode[32];
	int ret = refusal_foresee_rights(err);

	/* the limit allowed the first call; that it is 0 now is refusal_tell_spent()'s */
	if (!ret)
		ret = first ? foresee_switch("", err) : refusal_foresee("", target, err);
	if (ret)
		return ret;
	*may_fall_back = first;
	if (read_lockdown("", mode, sizeof(mode)))
		return explain_lockdown(call, mode, err);
	return error_set(err, EPERM,
			 "%s is not permitted (in a container, by a security module, or "
			 "the kernel is locked down, as under Secure Boot)",
			 call_name(call));
}

static int explain_addresses(enum kexec_target target, struct error *err)
{
	long reserved = read_reserved("", 0);

	if (target == KEXEC_TARGET_NORMAL)
		return error_set(
			err, EADDRNOTAVAIL,
			"the kernel refuses the addresses, or has no gap for a part "
			"(kexec --dry-run shows the parts)");
	if (reserved <= 0)
		return refusal_no_region(err);
	return error_set(err, EADDRNOTAVAIL,
			 "it does not fit into the %ld MiB that crashkernel= reserves",
			 reserved >> 20);
}

/*
 * Explains errors of signature checks (crypto/asymmetric_keys and pefile_parse_binary()
 * of the kernel); NULL: @code is not one of them.
 */
static const char *signature_fault(int code)
{
	switch (code) {
	case ENODATA:
	case ELIBBAD: /* not a file that could be signed */
		return "this file is not signed";
	case ENOKEY:
		return "this file is signed with a key that the kernel does not trust";
	case EKEYREJECTED:
	case EBADMSG:
		return "the signature of this file does not fit it, or is revoked";
	case ENOPKG:
		return "the signature of this file is of a kind that the kernel "
		       "cannot check";
	default:
		return NULL;
	}
}

int refusal_explain(int code, enum kexec_call call, enum kexec_target target,
		    bool *may_fall_back, struct error *err)
{
	const char *fault;
	char mode[32];
	bool ignored;

	may_fall_back = may_fall_back ? may_fall_back : &ignored;
	*may_fall_back = false;
	switch (code) {
	case EPERM:
	case EACCES:
		return explain_eperm(call, target, may_fall_back, err);
	case ENOSYS:
		*may_fall_back = true;
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
	fault = signature_fault(code);
	if (fault)
		return error_set(
			err, code,
			"the kernel takes signed kernels only, and %s: " TAKE_A_SIGNED_KERNEL,
			fault);
	/* EINVAL has many causes; a damaged signature is one */
	if (code == EINVAL && call == KEXEC_CALL_FILE_LOAD &&
	    read_lockdown("", mode, sizeof(mode)))
		return error_set(
			err, code,
			"the kernel is locked down (%s), as under Secure Boot, "
			"and takes this file or its signature for invalid: " TAKE_A_SIGNED_KERNEL,
			mode);
	return error_set(err, code, "%s: %s; the kernel log (dmesg) may have the reason",
			 call_name(call), errno_text(code));
}
