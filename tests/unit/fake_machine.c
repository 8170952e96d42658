// SPDX-License-Identifier: GPL-2.0-only
/*
 * fake_machine.c - a kernel and its files for a program under test.
 *
 * Preloaded with FAKE_ROOT=FOLDER: /proc, /sys, /dev, /run and /etc/kexec-seed of the program
 * are below FOLDER, it is root, and its system calls change no machine:
 *
 *   kexec_load, kexec_file_load	put a crash image into FOLDER/proc/kcore, the program
 *					headers of which tell where RAM is, and "1" into
 *					/sys/kernel/kexec_*loaded
 *   getrandom				all bytes are $FAKE_SEED (1)
 *   reboot, execv, sync, network	do nothing
 *
 * $FAKE_DAMAGE has physical addresses that are overwritten after each crash image is loaded,
 * $FAKE_GONE=1 means that a refused call leaves no crash image behind.
 *
 * $FAKE_TOUCH names a file that changes with each call. A call counts towards
 * kernel.kexec_load_limit_*, if there is one.
 *
 * $FAKE_HIDE is the beginning of the names of libraries that cannot be opened.
 *
 * Each call becomes a line in FOLDER/calls; each segment of kexec_load a file
 * FOLDER/segment.CALL.NUMBER. $FAKE_NAME with the name of a call in capital letters has its
 * errno values, one for each call, 0 for success; the last of them is for all later calls.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/random.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FILE_UNLOAD   0x1 /* of kexec_file_load */
#define FILE_ON_CRASH 0x2
#define LOADS_MAX     16

#ifdef __GLIBC__
typedef unsigned long ioctl_request;
#else
typedef int ioctl_request;
#endif

/* libc's own function behind ours. */
#define REAL(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

static const char *below_root(const char *path, char *out, size_t size)
{
	static const char *const ours[] = { "/proc/", "/sys/", "/dev/", "/run/",
					    "/etc/kexec-seed" };
	static const char *const real[] = { "/proc/self/fd/", "/dev/null", "/dev/tty" };
	const char *root = getenv("FAKE_ROOT");

	for (size_t i = 0; i < sizeof(real) / sizeof(real[0]); i++)
		if (!strncmp(path, real[i], strlen(real[i])))
			return path;
	for (size_t i = 0; root && i < sizeof(ours) / sizeof(ours[0]); i++)
		if (!strncmp(path, ours[i], strlen(ours[i]))) {
			snprintf(out, size, "%s%s", root, path);
			return out;
		}
	return path;
}

/* For the fake's own files. */
static int open_own(const char *name, int flags)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", getenv("FAKE_ROOT"), name);
	return (int)REAL(syscall)(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0600);
}

static void put(const char *name, const void *data, size_t size, int flags)
{
	int fd = open_own(name, O_WRONLY | O_CREAT | flags);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

__attribute__((format(printf, 1, 2))) static void tell(const char *fmt, ...)
{
	char line[1024];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, args);
	va_end(args);
	line[n++] = '\n';
	put("calls", line, (size_t)n, O_APPEND);
}

/* The errno value of call @number (from 0) as told in the environment; 0: it succeeds. */
static int code_of(const char *name, unsigned int number)
{
	const char *codes = getenv(name);
	char *end = (char *)codes;
	long code = 0;

	for (unsigned int i = 0; end && *end && i <= number; i++)
		code = strtol(end, &end, 10);
	return (int)code;
}

/* --- files ----------------------------------------------------------------------------- */

static int open_as(const char *path, int flags, mode_t mode)
{
	char buf[512];

	return (int)REAL(syscall)(SYS_openat, AT_FDCWD,
				  below_root(path, buf, sizeof(buf)), flags, mode);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list more;

	va_start(more, flags);
	if (flags & O_CREAT)
		mode = va_arg(more, mode_t);
	va_end(more);
	return open_as(path, flags, mode);
}

#ifdef __GLIBC__ /* musl has neither */
int open64(const char *path, int flags, ...) __attribute__((alias("open")));

/* As called by programs that are built with _FORTIFY_SOURCE. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

int __open_2(const char *path, int flags)
{
	return open_as(path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
	return open_as(path, flags, 0);
}
#endif

DIR *opendir(const char *path)
{
	char buf[512];

	return REAL(opendir)(below_root(path, buf, sizeof(buf)));
}

int scandir(const char *path, struct dirent ***names,
	    int (*select)(const struct dirent *),
	    int (*compare)(const struct dirent **, const struct dirent **))
{
	char buf[512];

	return REAL(scandir)(below_root(path, buf, sizeof(buf)), names, select, compare);
}

int access(const char *path, int mode)
{
	char buf[512];

	return REAL(access)(below_root(path, buf, sizeof(buf)), mode);
}

int mkdir(const char *path, mode_t mode)
{
	char buf[512];

	return REAL(mkdir)(below_root(path, buf, sizeof(buf)), mode);
}

int chmod(const char *path, mode_t mode)
{
	char buf[512];

	return REAL(chmod)(below_root(path, buf, sizeof(buf)), mode);
}

/* Root owns what the user who runs the test owns. */
uid_t geteuid(void)
{
	return 0;
}

int fstat(int fd, struct stat *st)
{
	int ret = REAL(fstat)(fd, st);

	if (!ret && st->st_uid == REAL(geteuid)())
		st->st_uid = 0;
	return ret;
}

#ifdef __GLIBC__
int fstat64(int fd, struct stat64 *st)
{
	int ret = REAL(fstat64)(fd, st);

	if (!ret && st->st_uid == REAL(geteuid)())
		st->st_uid = 0;
	return ret;
}
#endif

/* --- memory ---------------------------------------------------------------------------- */

/* Writes to the byte of /proc/kcore that shows physical address @addr. */
static void fill(uint64_t addr, const void *data, size_t size)
{
	int fd = open_own("proc/kcore", O_RDWR);
	Elf64_Phdr loads[LOADS_MAX];
	Elf64_Ehdr header;

	if (fd < 0)
		return;
	if (pread(fd, &header, sizeof(header), 0) != sizeof(header) ||
	    header.e_phnum > LOADS_MAX ||
	    pread(fd, loads, sizeof(loads), (off_t)header.e_phoff) < 0)
		abort();
	for (size_t i = 0; i < header.e_phnum; i++) {
		const Elf64_Phdr *p = &loads[i];

		/* the first one is the kernel's text */
		if (!i || addr < p->p_paddr || addr - p->p_paddr >= p->p_filesz)
			continue;
		if (pwrite(fd, data, size, (off_t)(p->p_offset + addr - p->p_paddr)) !=
		    (ssize_t)size)
			abort();
	}
	close(fd);
}

static void copy_segment(const struct kexec_segment *s, unsigned int call, size_t number,
			 bool crash)
{
	static const char zero[65536];
	uint64_t addr = (uintptr_t)s->mem;
	char name[64];

	tell(" segment %#llx %#zx %#zx", (unsigned long long)addr, s->memsz, s->bufsz);
	snprintf(name, sizeof(name), "segment.%u.%zu", call, number);
	put(name, s->buf, s->bufsz, O_TRUNC);
	if (!crash)
		return;
	for (size_t at = 0; at < s->memsz; at += sizeof(zero))
		fill(addr + at, zero,
		     s->memsz - at < sizeof(zero) ? s->memsz - at : sizeof(zero));
	fill(addr, s->buf, s->bufsz);
}

static void damage(void)
{
	const char *at = getenv("FAKE_DAMAGE");
	char *end = (char *)at;

	while (end && *end)
		fill(strtoull(end, &end, 16), "ruin", 4);
}

static void set_loaded(bool crash, bool loaded)
{
	if (crash && loaded)
		damage();
	put(crash ? "sys/kernel/kexec_crash_loaded" : "sys/kernel/kexec_loaded",
	    loaded ? "1\n" : "0\n", 2, O_TRUNC);
}

/* What happens with each call, whether or not it is refused. */
static void begin_call(bool crash)
{
	const char *limit = crash ? "proc/sys/kernel/kexec_load_limit_panic"
				  : "proc/sys/kernel/kexec_load_limit_reboot";
	const char *touched = getenv("FAKE_TOUCH");
	int fd = open_own(limit, O_RDWR);
	char text[16] = "";

	if (touched)
		utimensat(AT_FDCWD, touched, NULL, 0);
	if (fd < 0)
		return;
	if (pread(fd, text, sizeof(text) - 1, 0) > 0 && atoi(text) > 0)
		dprintf(fd, "%d\n", atoi(text) - 1);
	close(fd);
}

static int refuse(bool crash)
{
	int code = errno;

	if (crash && getenv("FAKE_GONE"))
		set_loaded(true, false);
	errno = code;
	return -1;
}

/* --- system calls ---------------------------------------------------------------------- */

static int load_segments(const long args[5])
{
	static unsigned int calls;
	const struct kexec_segment *segments = (const void *)args[2];
	bool crash = args[3] & KEXEC_ON_CRASH;
	size_t count = (size_t)args[1];

	if (count > KEXEC_SEGMENT_MAX) { /* a try; the rights are checked before */
		errno = code_of("FAKE_KEXEC_LOAD", calls);
		errno = errno == EPERM || errno == ENOSYS ? errno : EINVAL;
		return -1;
	}
	tell("kexec_load %#lx %zu %#lx", args[0], count, args[3]);
	begin_call(crash);
	errno = code_of("FAKE_KEXEC_LOAD", calls++);
	if (errno)
		return refuse(crash);
	for (size_t i = 0; i < count; i++)
		copy_segment(&segments[i], calls - 1, i, crash);
	set_loaded(crash, count);
	return 0;
}

static int load_file(const long args[5])
{
	static unsigned int calls;

	/* an address of a string that a call to unload lacks */
	tell("kexec_file_load %s %s %ld '%s' %#lx", (int)args[0] < 0 ? "none" : "kernel",
	     (int)args[1] < 0 ? "none" : "initrd", args[2],
	     args[3] ? (const char *)args[3] : "", args[4]);
	begin_call(args[4] & FILE_ON_CRASH);
	errno = code_of("FAKE_KEXEC_FILE_LOAD", calls++);
	/* an initrd is needed, but is none: tests whether the kernel would be taken */
	if (!errno && !(args[4] & ~(long)FILE_ON_CRASH) && (int)args[1] < 0)
		errno = EBADF;
	if (errno)
		return refuse(args[4] & FILE_ON_CRASH);
	set_loaded(args[4] & FILE_ON_CRASH, !(args[4] & FILE_UNLOAD));
	return 0;
}

long syscall(long number, ...)
{
	long args[6];
	va_list more;

	va_start(more, number);
	for (size_t i = 0; i < 6; i++)
		args[i] = va_arg(more, long);
	va_end(more);
	if (number == SYS_kexec_load)
		return load_segments(args);
	if (number == SYS_kexec_file_load)
		return load_file(args);
	if (number != SYS_reboot)
		return REAL(syscall)(number, args[0], args[1], args[2], args[3], args[4],
				     args[5]);
	tell("reboot %#lx %#lx %#lx", args[0], args[1], args[2]);
	errno = code_of("FAKE_REBOOT", 0);
	if (!errno)
		exit(0); /* as a real one would not: it keeps gcov's counts */
	return -1;
}

ssize_t getrandom(void *out, size_t size, unsigned int flags)
{
	static unsigned int calls;
	const char *seed = getenv("FAKE_SEED");

	(void)flags;
	errno = code_of("FAKE_GETRANDOM", calls++);
	if (errno)
		return -1;
	memset(out, seed ? atoi(seed) : 1, size);
	return (ssize_t)size;
}

int execv(const char *path, char *const argv[])
{
	char buf[512], line[512] = "";

	for (size_t i = 0; argv[i]; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), " %s",
			 argv[i]);
	/* programs are below FAKE_ROOT as well */
	snprintf(buf, sizeof(buf), "%s%s", getenv("FAKE_ROOT"), path);
	if (REAL(access)(buf, X_OK) < 0)
		return -1;
	tell("execv %s%s", path, line);
	exit(0); /* as a real one would not: it keeps gcov's counts */
}

void sync(void)
{
	tell("sync");
}

struct if_nameindex *if_nameindex(void)
{
	static char names[][5] = { "lo", "eth0", "eth1" };
	static struct if_nameindex all[] = {
		{ 1, names[0] }, { 2, names[1] }, { 3, names[2] }, { 0, NULL }
	};

	return all;
}

void if_freenameindex(struct if_nameindex *all)
{
	(void)all;
}

int ioctl(int fd, ioctl_request request, ...)
{
	struct ifreq *req;
	va_list more;
	void *arg;

	va_start(more, request);
	arg = va_arg(more, void *);
	va_end(more);
	if (request == (ioctl_request)RNDRESEEDCRNG) {
		tell("reseed");
		return 0;
	}
	if (request != SIOCGIFFLAGS && request != SIOCSIFFLAGS)
		return REAL(ioctl)(fd, request, arg);
	req = arg;
	if (request == SIOCGIFFLAGS)
		req->ifr_flags = !strcmp(req->ifr_name, "lo")	  ? IFF_UP | IFF_LOOPBACK
				 : !strcmp(req->ifr_name, "eth0") ? IFF_UP | IFF_BROADCAST
								  : IFF_BROADCAST;
	else
		tell("flags of %s %#x", req->ifr_name, (unsigned int)req->ifr_flags);
	return 0;
}

/* --- libraries -------------------------------------------------------------------------- */

/* Not found: each whose name begins with $FAKE_HIDE. */
void *dlopen(const char *name, int flags)
{
	const char *hide = getenv("FAKE_HIDE");
	char other[256];

	if (hide && name && !strncmp(name, hide, strlen(hide))) {
		snprintf(other, sizeof(other), "hidden-%s", name);
		name = other;
	}
	return REAL(dlopen)(name, flags);
}

/* --- the daemon's loop ------------------------------------------------------------------ */

/* Timers, signals and inotify are the loop's own. */
static bool is_own(int fd)
{
	static const char own[] = "anon_inode:";
	char path[64], target[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, target, sizeof(target) - 1) > 0 &&
	       !strncmp(target, own, sizeof(own) - 1);
}

int epoll_ctl(int loop, int what, int fd, struct epoll_event *event)
{
	static unsigned int calls;
	int code = 0;

	if (what == EPOLL_CTL_ADD && !is_own(fd))
		code = code_of("FAKE_EPOLL_ADD", calls++);
	if (!code)
		return REAL(epoll_ctl)(loop, what, fd, event);
	errno = code;
	return -1;
}
