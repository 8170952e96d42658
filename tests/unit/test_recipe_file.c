// SPDX-License-Identifier: GPL-2.0-only
/* The recipe's folder: owner and mode, the lock, atomic writes. */
#include "check.h"
#include "recipe_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CURRENT "crash.recipe"
#define PENDING "crash.recipe.next"

static const uint8_t boot_id[BOOT_ID_SIZE] = { [0 ... BOOT_ID_SIZE - 1] = 0xb0 };

/* The folder exists and is locked, unless a test makes its own. */
struct place {
	char top[64];
	char path[80];
	uint8_t seed[4096];
	struct recipe_dir dir;
	struct recipe recipe;
	struct recipe out;
	struct error err;
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	strcpy(p->top, "/tmp/kexec-seed-recipe-XXXXXX");
	assert_non_null(mkdtemp(p->top));
	snprintf(p->path, sizeof(p->path), "%s/dir", p->top);
	assert_int_equal(recipe_dir_open(p->path, 1, &p->dir, &p->err), 0);
	scene_load(&p->recipe, p->seed);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;
	char command[128];

	recipe_dir_close(&p->dir);
	recipe_free(&p->recipe);
	recipe_free(&p->out);
	snprintf(command, sizeof(command), "rm -rf %s", p->top);
	assert_int_equal(system(command), 0);
	free(p);
	return 0;
}

static int read_back(struct place *p, enum recipe_state which)
{
	recipe_free(&p->out);
	return recipe_read(&p->dir, which, boot_id, &p->out, &p->err);
}

/* It was refused, with a line that says why and names the folder. */
static void told(const struct place *p, int ret, int want, const char *why)
{
	if (ret != want || !strstr(p->err.text, why) || !strstr(p->err.text, "/dir"))
		fail_msg("%d: %s (expected %s)", ret, p->err.text, why);
}

static void test_write_and_read(void **state)
{
	struct place *p = *state;
	mode_t mask = umask(0777); /* must not matter */
	struct stat st;

	assert_int_equal(recipe_write(&p->dir, RECIPE_PENDING, &p->recipe, &p->err), 0);
	umask(mask);
	assert_int_equal(fstatat(p->dir.fd, PENDING, &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(read_back(p, RECIPE_PENDING), 0);
	assert_int_equal(p->out.refreshes, 1000);
	told(p, read_back(p, RECIPE_CURRENT), -ENOENT,
	     "dir/crash.recipe: does not exist");

	assert_int_equal(recipe_commit(&p->dir, &p->err), 0);
	assert_int_equal(read_back(p, RECIPE_CURRENT), 0);
	told(p, read_back(p, RECIPE_PENDING), -ENOENT, "crash.recipe.next");
	told(p, recipe_commit(&p->dir, &p->err), -ENOENT, "is not there");
	assert_int_equal(recipe_begin_refresh(&p->dir, &p->err), 0);
	told(p, read_back(p, RECIPE_PENDING), -ENODATA, "crash.recipe.next: empty");
	assert_int_equal(read_back(p, RECIPE_CURRENT), 0);
	told(p, recipe_begin_refresh(&p->dir, &p->err), -EEXIST,
	     "crash.recipe.next: File exists");
	recipe_end_refresh(&p->dir);
	told(p, read_back(p, RECIPE_PENDING), -ENOENT, "crash.recipe.next");
	assert_int_equal(recipe_write(&p->dir, RECIPE_PENDING, &p->recipe, &p->err), 0);
	recipe_end_refresh(&p->dir); /* this one has content: it stays */
	assert_int_equal(read_back(p, RECIPE_PENDING), 0);
	assert_int_equal(recipe_remove(&p->dir, RECIPE_PENDING, &p->err), 0);

	p->recipe.refreshes = 1001; /* replaces the old one */
	assert_int_equal(recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err), 0);
	assert_int_equal(read_back(p, RECIPE_CURRENT), 0);
	assert_int_equal(p->out.refreshes, 1001);
	assert_int_equal(recipe_remove(&p->dir, RECIPE_CURRENT, &p->err), 0);
	assert_int_equal(recipe_remove(&p->dir, RECIPE_CURRENT, &p->err), 0);
	assert_int_equal(read_back(p, RECIPE_CURRENT), -ENOENT);
}

/* The number of the next descriptor grows if one is left open. */
static int next_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

/* No access for others, not even to enter. */
static void test_mode(void **state)
{
	static const mode_t modes[] = { 0701, 0704, 0710, 0740, 0600, 0500 };
	struct place *p = *state;
	struct recipe_dir d;
	int fd;

	recipe_dir_close(&p->dir);
	fd = next_fd();
	for (size_t i = 0; i < COUNT(modes); i++) {
		d = (struct recipe_dir){ 77, 77 };
		assert_int_equal(chmod(p->path, modes[i]), 0);
		told(p, recipe_dir_look(p->path, &d, &p->err), -EPERM,
		     "only its owner may enter");
		assert_true(d.fd == -1 && d.lock == -1);
	}
	assert_int_equal(next_fd(), fd);
	assert_int_equal(chmod(p->path, 0700), 0);
	if (geteuid()) {
		print_message("SKIPPED: another user: needs root\n");
		return;
	}
	assert_int_equal(seteuid(65534), 0); /* p->top is closed to it */
	told(p, recipe_dir_look(p->path, &d, &p->err), -EACCES, "this needs root");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(next_fd(), fd);
}

/* Replaces libc's: removes a lock while the program waits for it. */
static const char *removed;

int flock(int fd, int operation)
{
	if (removed)
		assert_int_equal(unlink(removed), 0);
	removed = NULL;
	return (int)syscall(SYS_flock, fd, operation);
}

/* Holding a removed lock would not keep the next process out. */
static void test_lock_removed(void **state)
{
	struct place *p = *state;
	char lock[96];

	recipe_dir_close(&p->dir);
	snprintf(lock, sizeof(lock), "%s/lock", p->path);
	removed = lock;
	told(p, recipe_dir_open(p->path, 0, &p->dir, &p->err), -ESTALE,
	     "was removed: try again");
	assert_int_equal(recipe_dir_open(p->path, 0, &p->dir, &p->err), 0);
}

/* The lock is as private as the recipe, and no descriptor leaks. */
static void test_lock_mode(void **state)
{
	struct place *p = *state;
	struct stat st;
	int fd;

	recipe_dir_close(&p->dir);
	fd = next_fd();
	for (int i = 0; i < 2; i++) {
		assert_int_equal(recipe_dir_open(p->path, 0, &p->dir, &p->err), 0);
		assert_int_equal(fstat(p->dir.lock, &st), 0);
		assert_int_equal(st.st_mode, S_IFREG | 0600);
		assert_int_equal(fchmod(p->dir.lock, 0400), 0);
		recipe_dir_close(&p->dir);
	}
	assert_int_equal(next_fd(), fd);
}

/* Messages name the folder's real path, even if it is shorter than RUN_DIR. */
static void test_path_in_messages(void **state)
{
	char folder[] = "/tmp/XXXXXX", want[64];
	struct place *p = *state;
	struct recipe_dir d;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(recipe_dir_look(folder, &d, &p->err), 0);
	assert_int_equal(recipe_read(&d, RECIPE_PENDING, boot_id, &p->out, &p->err),
			 -ENOENT);
	snprintf(want, sizeof(want), "%s/crash.recipe.next: does not exist", folder);
	assert_string_equal(p->err.text, want);
	recipe_dir_close(&d);
	assert_int_equal(rmdir(folder), 0);
}

static void test_folder(void **state)
{
	struct place *p = *state;
	struct recipe_dir d;
	char link[96], below[96];
	struct stat st;
	mode_t mask;

	recipe_dir_close(&p->dir);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	chmod(p->path, 0755);
	told(p, recipe_dir_open(p->path, 0, &d, &p->err), -EPERM, "mode is 0755");
	told(p, recipe_dir_look(p->path, &d, &p->err), -EPERM, "mode is 0755");
	chmod(p->path, 0700);
	assert_int_equal(recipe_dir_look(p->path, &d, &p->err), 0);
	assert_int_equal(d.lock, -1);
	assert_int_equal(recipe_write(&d, RECIPE_PENDING, &p->recipe, &p->err), -EINVAL);
	recipe_dir_close(&d);
	assert_int_equal(d.fd, -1);

	snprintf(link, sizeof(link), "%s/link/dir", p->top);
	told(p, recipe_dir_look(link, &d, &p->err), -ENOENT, "does not exist");
	told(p, recipe_dir_open(link, 0, &d, &p->err), -ENOENT, "/run mounted");
	snprintf(link, sizeof(link), "%s/dir-link", p->top);
	assert_int_equal(symlink(p->path, link), 0);
	told(p, recipe_dir_open(link, 0, &d, &p->err), -EPERM, "symbolic link");
	snprintf(below, sizeof(below), "%s/dir-masked", p->top);
	mask = umask(0777);
	assert_int_equal(recipe_dir_open(below, 0, &d, &p->err), 0);
	umask(mask);
	recipe_dir_close(&d);
	assert_int_equal(recipe_dir_open(below, 0, &d, &p->err), 0);
	recipe_dir_close(&d);
	if (geteuid()) {
		print_message("SKIPPED: other owners: needs root\n");
		return;
	}
	assert_int_equal(chown(p->path, 65534, 0), 0);
	told(p, recipe_dir_open(p->path, 0, &d, &p->err), -EPERM, "user 65534");
}

/* The same for run_dir_open() itself, which the daemon uses, too. */
static void test_run_dir(void **state)
{
	struct place *p = *state;
	char path[96], link[96];
	struct stat st;
	int fd, next = next_fd();

	snprintf(path, sizeof(path), "%s/dir-new", p->top);
	told(p, run_dir_open(path, false, &p->err), -ENOENT, "dir-new: does not exist");
	assert_int_equal(access(path, F_OK), -1);
	for (int i = 0; i < 3; i++) { /* makes it, finds it, finds it without make */
		fd = run_dir_open(path, i < 2, &p->err);
		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_mode, S_IFDIR | 0700);
		assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
		close(fd);
	}
	for (int make = 0; make < 2; make++) {
		assert_int_equal(chmod(path, 0755), 0);
		told(p, run_dir_open(path, make, &p->err), -EPERM, "mode is 0755");
		assert_int_equal(chmod(path, 0700), 0);
		snprintf(link, sizeof(link), "%s/dir-link%d", p->top, make);
		assert_int_equal(symlink(path, link), 0);
		told(p, run_dir_open(link, make, &p->err), -EPERM, "symbolic link");
		/* one that leads nowhere is not followed either */
		assert_int_equal(unlink(link), 0);
		assert_int_equal(symlink("nowhere", link), 0);
		told(p, run_dir_open(link, make, &p->err), -EPERM, "symbolic link");
		assert_int_equal(unlink(link), 0);
		fd = open(link, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
		assert_true(fd >= 0);
		close(fd);
		told(p, run_dir_open(link, make, &p->err), -EPERM,
		     "a file or a symbolic link where a folder belongs");
	}
	snprintf(link, sizeof(link), "%s/missing/dir", p->top);
	told(p, run_dir_open(link, true, &p->err), -ENOENT, "parent folder is missing");
	assert_int_equal(next_fd(), next);
	if (geteuid()) {
		print_message("SKIPPED: other owners: needs root\n");
		return;
	}
	assert_int_equal(chown(path, 65534, 0), 0);
	told(p, run_dir_open(path, true, &p->err), -EPERM,
	     "belongs to user 65534, not to 0: remove it");
}

static void test_run_dir_refused(void **state)
{
	static const struct {
		int code;
		const char *text;
	} cases[] = {
		{ ENOSPC,
		  "/dir: its file system is full: make room there and try again" },
		{ EDQUOT,
		  "/dir: its file system is full: make room there and try again" },
		{ EROFS, "/dir: its file system is read-only: mount it read-write" },
		{ EFBIG, "/dir: larger than this process may write (ulimit -f)" },
		{ EACCES, "/dir: not permitted: this needs root" },
		{ EPERM, "/dir: not permitted: this needs root" },
		{ EIO, "/dir: Input/output error" },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(run_dir_refused("/dir", cases[i].code, &err),
				 -cases[i].code);
		assert_string_equal(err.text, cases[i].text);
	}
}

static void test_file_of_others(void **state)
{
	struct place *p = *state;
	int fd = p->dir.fd;

	assert_int_equal(recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err), 0);
	assert_int_equal(fchmodat(fd, CURRENT, 0644, 0), 0);
	told(p, read_back(p, RECIPE_CURRENT), -EPERM, "mode is 0644");
	assert_int_equal(fchmodat(fd, CURRENT, 0600, 0), 0);
	assert_int_equal(linkat(fd, CURRENT, fd, "other", 0), 0);
	told(p, read_back(p, RECIPE_CURRENT), -EPERM, "2 names");
	unlinkat(fd, "other", 0);
	assert_int_equal(read_back(p, RECIPE_CURRENT), 0);
	if (!geteuid()) {
		assert_int_equal(fchownat(fd, CURRENT, 65534, 0, 0), 0);
		told(p, read_back(p, RECIPE_CURRENT), -EPERM, "user 65534");
	} else {
		print_message("SKIPPED: other owners: needs root\n");
	}
	/* a link is replaced, not written through */
	assert_int_equal(renameat(fd, CURRENT, fd, "target"), 0);
	assert_int_equal(symlinkat("target", fd, CURRENT), 0);
	told(p, read_back(p, RECIPE_CURRENT), -EPERM, "not a regular file");
	assert_int_equal(recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err), 0);
	assert_int_equal(read_back(p, RECIPE_CURRENT), 0);
	unlinkat(fd, CURRENT, 0);
	assert_int_equal(mkfifoat(fd, CURRENT, 0600), 0);
	told(p, read_back(p, RECIPE_CURRENT), -EPERM, "not a regular file");
	unlinkat(fd, CURRENT, 0);
	assert_int_equal(mkdirat(fd, CURRENT, 0700), 0);
	told(p, read_back(p, RECIPE_CURRENT), -EPERM, "not a regular file");
	told(p, recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err), -EISDIR,
	     "crash.recipe");
}

/* Damaged, from an earlier boot, or of another version. */
static void test_other_content(void **state)
{
	static const uint8_t other[BOOT_ID_SIZE] = { 1 };
	struct place *p = *state;
	uint8_t byte = 9;
	int fd;

	assert_int_equal(recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err), 0);
	told(p, recipe_read(&p->dir, RECIPE_CURRENT, other, &p->out, &p->err), -ESTALE,
	     "written before the last boot");
	fd = openat(p->dir.fd, CURRENT, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, &byte, 1, 5000), 1);
	told(p, read_back(p, RECIPE_CURRENT), -EBADMSG, "checksum");
	assert_int_equal(ftruncate(fd, 5000), 0);
	told(p, read_back(p, RECIPE_CURRENT), -EBADMSG, "truncated: 5000 bytes");
	assert_int_equal(pwrite(fd, &byte, 1, 8), 1);
	told(p, read_back(p, RECIPE_CURRENT), -EPROTO, "version 9");
	assert_int_equal(ftruncate(fd, 0), 0);
	told(p, read_back(p, RECIPE_CURRENT), -EBADMSG, "truncated: 0 bytes");
	assert_int_equal(ftruncate(fd, 1ll << 40), 0);
	told(p, read_back(p, RECIPE_CURRENT), -EBADMSG, "too long");
	close(fd);
}

static double seconds_since(const struct timespec *from)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)(t.tv_sec - from->tv_sec) +
	       (double)(t.tv_nsec - from->tv_nsec) / 1e9;
}

/* Another process waits too briefly, then long enough. */
static void test_two_at_once(void **state)
{
	struct place *p = *state;
	struct recipe_dir d;
	struct timespec start;
	pid_t child;
	int status;

	told(p, recipe_dir_open(p->path, 0, &d, &p->err), -EWOULDBLOCK, "under way");
	assert_int_equal(d.fd, -1);
	child = fork();
	if (!child) {
		recipe_dir_close(&p->dir); /* the copy that fork() made */
		clock_gettime(CLOCK_MONOTONIC, &start);
		if (recipe_dir_open(p->path, 1, &d, &p->err) != -EWOULDBLOCK)
			_exit(1);
		if (seconds_since(&start) < 1 || seconds_since(&start) > 20)
			_exit(2);
		if (recipe_dir_open(p->path, 60, &d, &p->err))
			_exit(3);
		_exit(seconds_since(&start) < 1.5 ? 4 : 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &start);
	while (seconds_since(&start) < 2)
		usleep(50000);
	recipe_dir_close(&p->dir);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* A killed holder releases the lock; its leftovers do no harm. */
static void test_killed(void **state)
{
	struct place *p = *state;
	pid_t child;
	int status;

	recipe_dir_close(&p->dir);
	child = fork();
	if (!child) {
		if (!recipe_dir_open(p->path, 1, &p->dir, &p->err))
			close(openat(p->dir.fd, CURRENT ".new", O_WRONLY | O_CREAT,
				     0400));
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(recipe_dir_open(p->path, 0, &p->dir, &p->err), 0);
	assert_int_equal(faccessat(p->dir.fd, CURRENT ".new", F_OK, 0), 0);
	assert_int_equal(recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err), 0);
	assert_int_equal(read_back(p, RECIPE_CURRENT), 0);
	assert_int_equal(faccessat(p->dir.fd, CURRENT ".new", F_OK, 0), -1);
}

static void test_strange_lock(void **state)
{
	struct place *p = *state;
	struct recipe_dir d;

	assert_int_equal(unlinkat(p->dir.fd, "lock", 0), 0);
	assert_int_equal(symlinkat("/dev/null", p->dir.fd, "lock"), 0);
	told(p, recipe_dir_open(p->path, 0, &d, &p->err), -EPERM, "not a regular file");
	unlinkat(p->dir.fd, "lock", 0);
	assert_int_equal(mkfifoat(p->dir.fd, "lock", 0600), 0);
	told(p, recipe_dir_open(p->path, 0, &d, &p->err), -EPERM, "not a regular file");
}

/* The old recipe stays and no temporary file is left. */
static void still_old(struct place *p)
{
	assert_int_equal(read_back(p, RECIPE_CURRENT), 0);
	assert_int_equal(p->out.refreshes, 1000);
	assert_int_equal(faccessat(p->dir.fd, CURRENT ".new", F_OK, 0), -1);
}

static void test_file_too_large(void **state)
{
	struct rlimit old, limit = { 10000, RLIM_INFINITY };
	struct place *p = *state;
	int ret;

	assert_int_equal(recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err), 0);
	p->recipe.refreshes++;
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
	ret = recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err);
	setrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_DFL);
	told(p, ret, -EFBIG, "ulimit");
	still_old(p);
}

static void test_full_and_read_only(void **state)
{
	struct place *p = *state;
	struct recipe_dir d;
	char other[96];
	int ret;

	recipe_dir_close(&p->dir);
	if (mount("none", p->top, "tmpfs", 0, "size=64k,mode=700") < 0) {
		print_message("SKIPPED: full file systems: needs root\n");
		return;
	}
	ret = recipe_dir_open(p->path, 0, &p->dir, &p->err);
	if (!ret)
		ret = recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err);
	p->recipe.refreshes++;
	if (!ret) /* there is no room for a second one */
		ret = recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err);
	if (p->dir.fd >= 0) {
		told(p, ret, -ENOSPC, "full: make room");
		still_old(p);
		mount("none", p->top, NULL, MS_REMOUNT | MS_RDONLY, NULL);
		ret = recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err);
		told(p, ret, -EROFS, "read-only");
		told(p, recipe_remove(&p->dir, RECIPE_CURRENT, &p->err), -EROFS, "dir");
		still_old(p);
		snprintf(other, sizeof(other), "%s/dir-other", p->top);
		ret = recipe_dir_open(other, 0, &d, &p->err);
		told(p, ret, -EROFS, "read-only");
	}
	recipe_dir_close(&p->dir);
	assert_int_equal(umount2(p->top, MNT_DETACH), 0);
}

int main(void)
{
#define DIR_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		DIR_TEST(test_write_and_read),
		DIR_TEST(test_path_in_messages),
		DIR_TEST(test_lock_removed),
		DIR_TEST(test_lock_mode),
		DIR_TEST(test_mode),
		DIR_TEST(test_folder),
		DIR_TEST(test_run_dir),
		cmocka_unit_test(test_run_dir_refused),
		DIR_TEST(test_file_of_others),
		DIR_TEST(test_other_content),
		DIR_TEST(test_two_at_once),
		DIR_TEST(test_killed),
		DIR_TEST(test_strange_lock),
		DIR_TEST(test_file_too_large),
		DIR_TEST(test_full_and_read_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
