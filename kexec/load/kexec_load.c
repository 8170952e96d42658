// SPDX-License-Identifier: GPL-2.0-only
#include "load/kexec_load.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "load/refusal.h"
#include "machine/kexec_sysfs.h"

#include <errno.h>
#include <linux/kexec.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#ifndef KEXEC_UPDATE_ELFCOREHDR /* <linux/kexec.h> of Linux 6.6 */
#define KEXEC_UPDATE_ELFCOREHDR 0x4
#endif
#ifndef KEXEC_FILE_DEBUG /* <linux/kexec.h> of Linux 6.8 */
#define KEXEC_FILE_DEBUG 0x8
#endif
#ifndef KEXEC_FILE_NO_CMA /* in later headers */
#define KEXEC_FILE_NO_CMA 0x10
#endif

_Static_assert(PLAN_MAX_SEGMENTS == KEXEC_SEGMENT_MAX, "<linux/kexec.h>");

/*
 * Retries while another process is in one of the calls: a load takes about a second, a
 * refresh far less.
 */
#define BUSY_RETRIES  300
#define BUSY_PAUSE_MS 10

static const struct timespec busy_pause = { .tv_nsec = BUSY_PAUSE_MS * 1000000 };

/* Reading this size takes the lock that a load holds: EBUSY means one is in progress. */
static bool is_busy(void)
{
	_cleanup_free_ char *text = NULL;
	const char *name;
	size_t size;

	return kexec_sysfs_read("", KEXEC_SYSFS_CRASH_SIZE, &name, &text, &size) ==
	       -EBUSY;
}

/*
 * Waits until a call that failed with EBUSY may be repeated; false after too many
 * *@pauses in total. Only polls sysfs: each call, refused or not, counts towards
 * kernel.kexec_load_limit_*, and once that is used up, all loads are refused until the
 * next boot.
 */
static bool wait_while_busy(int *pauses)
{
	do {
		if ((*pauses)++ == BUSY_RETRIES)
			return false;
		nanosleep(&busy_pause, NULL);
	} while (is_busy());
	return true;
}

int kexec_wait(enum kexec_target target, struct error *err)
{
	int pauses = 0;

	if (!is_busy() || wait_while_busy(&pauses))
		return 0;
	return refusal_explain(EBUSY, KEXEC_CALL_LOAD, target, NULL, err);
}

/*
 * Makes the system call @nr while @guard holds, again while the kernel is busy. 0; the
 * call's positive errno; -EPERM with the line if @guard does not hold.
 */
static int make_call(long nr, const unsigned long args[5], const struct load_guard *guard,
		     struct error *err)
{
	for (int pauses = 0;;) {
		if (guard && guard->holds(guard->context, err))
			return -EPERM;
		if (syscall(nr, args[0], args[1], args[2], args[3], args[4]) == 0)
			return 0;
		if (errno != EBUSY)
			return errno;
		if (!wait_while_busy(&pauses))
			return EBUSY;
	}
}

static int call_kexec_load(uint64_t entry, size_t count, struct kexec_segment *segments,
			   unsigned long flags, const struct load_guard *guard,
			   struct error *err)
{
	const unsigned long args[5] = { entry, count, (unsigned long)segments,
					flags | arch_kexec };

	return make_call(SYS_kexec_load, args, guard, err);
}

static int call_kexec_file_load(int kernel_fd, int initrd_fd, const char *cmdline,
				unsigned long flags, const struct load_guard *guard,
				struct error *err)
{
	const unsigned long args[5] = { (unsigned long)kernel_fd,
					(unsigned long)initrd_fd,
					cmdline ? strlen(cmdline) + 1 : 0,
					(unsigned long)cmdline, flags };

	return make_call(SYS_kexec_file_load, args, guard, err);
}

static unsigned long crash_flag(enum kexec_target target)
{
	return target == KEXEC_TARGET_CRASH ? KEXEC_ON_CRASH : 0;
}

int kexec_load_plan(const struct plan *plan, enum kexec_target target,
		    const struct load_guard *guard, bool *may_fall_back,
		    struct error *err)
{
	unsigned long flags =
		crash_flag(target) | (plan->hotplug ? KEXEC_UPDATE_ELFCOREHDR : 0);
	struct kexec_segment segments[PLAN_MAX_SEGMENTS];
	int code;

	for (size_t i = 0; i < plan->nr_segments; i++) {
		const struct segment *s = &plan->segments[i];

		segments[i] = (struct kexec_segment){
			.buf = s->content.data,
			.bufsz = s->content.size,
			.mem = (const void *)(uintptr_t)s->addr,
			.memsz = s->mem_size,
		};
	}
	code = call_kexec_load(plan->entry, plan->nr_segments, segments, flags, guard,
			       err);
	if (code > 0)
		return refusal_explain(code, KEXEC_CALL_LOAD, target, may_fall_back, err);
	return code;
}

int kexec_try_load(enum kexec_target target, bool *may_fall_back, struct error *err)
{
	/* more than the kernel takes: it says so after all other checks */
	const unsigned long args[5] = { 0, KEXEC_SEGMENT_MAX + 1, 0,
					crash_flag(target) | arch_kexec };
	int code;

	*may_fall_back = false;
	if (refusal_is_limited("", target))
		return 0;
	code = make_call(SYS_kexec_load, args, NULL, err);
	if (code != ENOSYS && refusal_foresee_rights(err))
		return 0;
	return code == ENOSYS || code == EPERM || code == EACCES
		       ? refusal_explain(code, KEXEC_CALL_LOAD, target, may_fall_back,
					 err)
		       : 0;
}

int kexec_load_files(int kernel_fd, int initrd_fd, const char *cmdline,
		     enum kexec_target target, unsigned int want,
		     const struct load_guard *guard, struct error *err)
{
	unsigned long flags = 0;
	int code;

	if (want & LOAD_FILE_NO_CMA)
		flags |= KEXEC_FILE_NO_CMA;
	if (want & LOAD_FILE_DEBUG)
		flags |= KEXEC_FILE_DEBUG;
	if (initrd_fd < 0)
		flags |= KEXEC_FILE_NO_INITRAMFS;
	if (target == KEXEC_TARGET_CRASH)
		flags |= KEXEC_FILE_ON_CRASH;
	code = call_kexec_file_load(kernel_fd, initrd_fd, cmdline, flags, guard, err);
	if (code <= 0)
		return code;
	if (code == EINVAL && want) { /* maybe an unknown flag: drop the newest first */
		want &= want & LOAD_FILE_NO_CMA ? ~LOAD_FILE_NO_CMA : 0;
		return kexec_load_files(kernel_fd, initrd_fd, cmdline, target, want,
					guard, err);
	}
	return refusal_explain(code, KEXEC_CALL_FILE_LOAD, target, NULL, err);
}

int kexec_try_file(int kernel_fd, enum kexec_target target, struct error *err)
{
	static const char limit[] = "/proc/sys/kernel/kexec_load_limit_reboot";
	_cleanup_free_ char *text = NULL;
	size_t size;
	int code;

	/* this call would count towards a limit on the other target */
	if (!file_slurp(limit, 64, &text, &size) && text[0] != '-')
		return 0;
	code = call_kexec_file_load(kernel_fd, -1, "x", 0, NULL, err);
	return code && code != EBADF
		       ? refusal_explain(code, KEXEC_CALL_FILE_LOAD, target, NULL, err)
		       : 0;
}

int kexec_unload(enum kexec_target target, struct error *err)
{
	unsigned long flags = KEXEC_FILE_UNLOAD;
	bool may_fall_back;
	int code, ret;

	if (!refusal_foresee_load("", err)) {
		code = call_kexec_load(0, 0, NULL, crash_flag(target), NULL, err);
		if (!code)
			return 0;
		ret = refusal_explain(code, KEXEC_CALL_LOAD, target, &may_fall_back, err);
		if (!may_fall_back)
			return ret;
	}
	if (target == KEXEC_TARGET_CRASH)
		flags |= KEXEC_FILE_ON_CRASH;
	code = call_kexec_file_load(-1, -1, NULL, flags, NULL, err);
	return code ? refusal_explain(code, KEXEC_CALL_FILE_LOAD, target, NULL, err) : 0;
}

int kexec_is_loaded(enum kexec_target target, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	const char *name;
	size_t size;
	int ret;

	ret = kexec_sysfs_read("",
			       target == KEXEC_TARGET_CRASH ? KEXEC_SYSFS_CRASH_LOADED
							    : KEXEC_SYSFS_LOADED,
			       &name, &text, &size);
	if (ret)
		return error_set(err, -ret, "%s: %s (does this kernel have kexec?)", name,
				 errno_text(-ret));
	return size > 0 && text[0] == '1';
}
