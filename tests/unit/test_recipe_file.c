// SPDX-License-Identifier: GPL-2.0-only
/* The recipe's folder: whose it is, one at a time, all or nothing. */
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
#define NEXT	"crash.recipe.next"

static const uint8_t boot_id[RECIPE_ID_SIZE] = { [0 ... RECIPE_ID_SIZE - 1] = 0xb0 };

/* A place for the folder, which is there and locked unless a test makes its own. */
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

static int read_back(struct place *p, enum recipe_slot slot)
{
	recipe_free(&p->out);
	return recipe_read(&p->dir, slot, boot_id, &p->out, &p->err);
}

/* It was refused, and the line says what and where. */
static void told(const struct place *p, int ret, int want, const char *why)
{
	if (ret != want || !strstr(p->err.text, why) || !strstr(p->err.text, "/dir"))
		fail_msg("%d: %s (expected %s)", ret, p->err.text, why);
}

static void test_write_and_read(void **state)
{
	struct place *p = *state;
	mode_t mask = umask(0777); /* it decides nothing here */
	struct stat st;

	assert_int_equal(recipe_write(&p->dir, RECIPE_NEXT, &p->recipe, &p->err), 0);
	umask(mask);
	assert_int_equal(fstatat(p->dir.fd, NEXT, &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(read_back(p, RECIPE_NEXT), 0);
	assert_int_equal(p->out.refreshes, 1000);
	told(p, read_back(p, RECIPE_CURRENT), -ENOENT,
	     "dir/crash.recipe: does not exist");

	assert_int_equal(recipe_promote(&p->dir, &p->err), 0);
	assert_int_equal(read_back(p, RECIPE_CURRENT), 0);
	told(p, read_back(p, RECIPE_NEXT), -ENOENT, "crash.recipe.next");
	told(p, recipe_promote(&p->dir, &p->err), -ENOENT, "is not there");
	assert_false(recipe_exists(&p->dir, RECIPE_NEXT));
	assert_int_equal(recipe_mark(&p->dir, &p->err), 0);
	assert_true(recipe_exists(&p->dir, RECIPE_NEXT));
	told(p, read_back(p, RECIPE_NEXT), -ENODATA, "crash.recipe.next: empty");
	assert_int_equal(read_back(p, RECIPE_CURRENT), 0);
	told(p, recipe_mark(&p->dir, &p->err), -EEXIST, "crash.recipe.next: File exists");
	recipe_unmark(&p->dir);
	assert_false(recipe_exists(&p->dir, RECIPE_NEXT));
	assert_int_equal(recipe_write(&p->dir, RECIPE_NEXT, &p->recipe, &p->err), 0);
	recipe_unmark(&p->dir); /* it is none */
	assert_int_equal(read_back(p, RECIPE_NEXT), 0);
	assert_int_equal(recipe_remove(&p->dir, RECIPE_NEXT, &p->err), 0);

	p->recipe.refreshes = 1001; /* replaces */
	assert_int_equal(recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err), 0);
	assert_int_equal(read_back(p, RECIPE_CURRENT), 0);
	assert_int_equal(p->out.refreshes, 1001);
	assert_int_equal(recipe_remove(&p->dir, RECIPE_CURRENT, &p->err), 0);
	assert_int_equal(recipe_remove(&p->dir, RECIPE_CURRENT, &p->err), 0);
	assert_int_equal(read_back(p, RECIPE_CURRENT), -ENOENT);
}

/* The number that the next descriptor gets: it grows when one is left open. */
static int next_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

/* Nobody else may enter, not even without looking around. */
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
		print_message("SKIPPED: what others see, which needs root\n");
		return;
	}
	assert_int_equal(seteuid(65534), 0); /* may not even go there */
	told(p, recipe_dir_look(p->path, &d, &p->err), -EACCES, "this needs root");
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(next_fd(), fd);
}

/* A lock that somebody removes while it is waited for; found before libc's. */
static const char *removed;

int flock(int fd, int operation)
{
	if (removed)
		assert_int_equal(unlink(removed), 0);
	removed = NULL;
	return (int)syscall(SYS_flock, fd, operation);
}

/* Whoever has it would have it beside the next one. */
static void test_lock_removed(void **state)
{
	struct place *p = *state;
	char lock[96];

	recipe_dir_close(&p->dir);
	snprintf(lock, sizeof(lock), "%s/lock", p->path);
	removed = lock;
	told(p, recipe_dir_open(p->path, 0, &p->dir, &p->err), -ESTALE,
	     "was removed meanwhile");
	assert_int_equal(recipe_dir_open(p->path, 0, &p->dir, &p->err), 0);
}

/* Nothing is left open, and the lock is as private as the recipe. */
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

/* Messages name the file where it is, also with a path shorter than that of /run. */
static void test_path_in_messages(void **state)
{
	char folder[] = "/tmp/XXXXXX", want[64];
	struct place *p = *state;
	struct recipe_dir d;

	assert_non_null(mkdtemp(folder));
	assert_int_equal(recipe_dir_look(folder, &d, &p->err), 0);
	assert_int_equal(recipe_read(&d, RECIPE_NEXT, boot_id, &p->out, &p->err),
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
	assert_int_equal(recipe_write(&d, RECIPE_NEXT, &p->recipe, &p->err), -EINVAL);
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
		print_message("SKIPPED: other owners, which needs root\n");
		return;
	}
	assert_int_equal(chown(p->path, 65534, 0), 0);
	told(p, recipe_dir_open(p->path, 0, &d, &p->err), -EPERM, "user 65534");
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
		print_message("SKIPPED: other owners, which needs root\n");
	}
	/* whatever it is, it is replaced, not written through */
	assert_int_equal(renameat(fd, CURRENT, fd, "target"), 0);
	assert_int_equal(symlinkat("target", fd, CURRENT), 0);
	told(p, read_back(p, RECIPE_CURRENT), -EPERM, "no regular file");
	assert_int_equal(recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err), 0);
	assert_int_equal(read_back(p, RECIPE_CURRENT), 0);
	unlinkat(fd, CURRENT, 0);
	assert_int_equal(mkfifoat(fd, CURRENT, 0600), 0);
	told(p, read_back(p, RECIPE_CURRENT), -EPERM, "no regular file");
	unlinkat(fd, CURRENT, 0);
	assert_int_equal(mkdirat(fd, CURRENT, 0700), 0);
	told(p, read_back(p, RECIPE_CURRENT), -EPERM, "no regular file");
	told(p, recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err), -EISDIR,
	     "crash.recipe");
}

/* Damaged on its way, of another boot, or of another program. */
static void test_other_content(void **state)
{
	static const uint8_t other[RECIPE_ID_SIZE] = { 1 };
	struct place *p = *state;
	uint8_t byte = 9;
	int fd;

	assert_int_equal(recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err), 0);
	told(p, recipe_read(&p->dir, RECIPE_CURRENT, other, &p->out, &p->err), -ESTALE,
	     "of another boot");
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

/* Another process waits in vain, then long enough. */
static void test_two_at_once(void **state)
{
	struct place *p = *state;
	struct recipe_dir d;
	struct timespec start;
	pid_t child;
	int status;

	told(p, recipe_dir_open(p->path, 0, &d, &p->err), -EWOULDBLOCK, "at work");
	assert_int_equal(d.fd, -1);
	child = fork();
	if (!child) {
		recipe_dir_close(&p->dir); /* which the fork had copied */
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

/* The lock goes with its holder, however that ends; what it left is no obstacle. */
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
	told(p, recipe_dir_open(p->path, 0, &d, &p->err), -EPERM, "no regular file");
	unlinkat(p->dir.fd, "lock", 0);
	assert_int_equal(mkfifoat(p->dir.fd, "lock", 0600), 0);
	told(p, recipe_dir_open(p->path, 0, &d, &p->err), -EPERM, "no regular file");
}

/* Nothing half-written stays, and what was there before does. */
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
		print_message("SKIPPED: full file systems, which needs root\n");
		return;
	}
	ret = recipe_dir_open(p->path, 0, &p->dir, &p->err);
	if (!ret)
		ret = recipe_write(&p->dir, RECIPE_CURRENT, &p->recipe, &p->err);
	p->recipe.refreshes++;
	if (!ret) /* the second one at the same time does not fit */
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
