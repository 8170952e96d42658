// SPDX-License-Identifier: GPL-2.0-only
/*
 * Security modules that take kernels as files only. They refuse kexec_load(2), and the
 * refused call counts.
 */
#include "load/refusal.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POLICY_SIZE_MAX (1u << 20)

/*
 * security/integrity/ima: kexec_load(2) is refused if a rule appraises kernels and
 * appraisal is enforced, because there is no file to appraise. The policy can be read
 * with CONFIG_IMA_READ_POLICY.
 */
static bool appraises_kernels(const char *root)
{
	_cleanup_free_ char *policy = NULL, *cmdline = NULL;
	struct bytes rest, line;
	size_t size, length;

	if (file_slurp_in(root, "/sys/kernel/security/ima/policy", POLICY_SIZE_MAX,
			  &policy, &size))
		return false;
	if (!file_slurp_in(root, "/proc/cmdline", POLICY_SIZE_MAX, &cmdline, &length) &&
	    (strstr(cmdline, "ima_appraise=log") || strstr(cmdline, "ima_appraise=fix") ||
	     strstr(cmdline, "ima_appraise=off")))
		return false;
	rest = (struct bytes){ (const uint8_t *)policy, size };
	while (text_cut(&rest, '\n', &line))
		if (text_starts(line, "appraise ", NULL) && line.size &&
		    memmem(line.data, line.size, "func=KEXEC_KERNEL_CHECK", 23))
			return true;
	return false;
}

/* security/loadpin: a kernel must come from the pinned file system. */
static bool pins_kernels(const char *root)
{
	_cleanup_free_ char *text = NULL;
	size_t size;

	return !file_slurp_in(root, "/proc/sys/kernel/loadpin/enforce", 64, &text,
			      &size) &&
	       strtol(text, NULL, 10) == 1;
}

int refusal_foresee_policy(const char *root, enum kexec_target target, struct error *err)
{
	const char *module;

	if (!refusal_is_limited(root, target))
		return 0;
	module = appraises_kernels(root) ? "IMA" : pins_kernels(root) ? "LoadPin" : NULL;
	if (!module)
		return 0;
	return error_set(err, EPERM,
			 "the security module %s takes kernels as files only, through "
			 "kexec_file_load (-s)",
			 module);
}
