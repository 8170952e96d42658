// SPDX-License-Identifier: GPL-2.0-only
/* The progress line appears late, only on a terminal, and is erased at the end. */
#include "check.h"

#include "base/progress.h"
#include "base/units.h"
#include "image/decompress.h"
#include "load/file_digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Both ends of a terminal. */
struct terminal {
	int user, program;
	char text[16384]; /* output since the last look */
};

static atomic_uint_fast64_t clock_ms;
static atomic_uint clock_step; /* each reading advances the clock by this */

static uint64_t fake_clock(void)
{
	unsigned int step = clock_step;

	return atomic_fetch_add(&clock_ms, step) + step;
}

static int setup(void **state)
{
	struct terminal *t = calloc(1, sizeof(*t));

	assert_non_null(t);
	*state = t;
	t->program = -1;
	t->user = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
	if (t->user >= 0 && grantpt(t->user) == 0 && unlockpt(t->user) == 0)
		t->program = open(ptsname(t->user), O_RDWR | O_NOCTTY);
	return 0;
}

/* Package builds may run without pseudo-terminals. */
static struct terminal *terminal(void **state)
{
	struct terminal *t = *state;

	if (t->program < 0) {
		print_message("SKIPPED: no pseudo-terminals here\n");
		skip();
	}
	return t;
}

static int teardown(void **state)
{
	struct terminal *t = *state;

	close(t->program);
	close(t->user);
	free(t);
	return 0;
}

static const char *seen(struct terminal *t)
{
	size_t used = 0;
	ssize_t n;

	while ((n = read(t->user, t->text + used, sizeof(t->text) - 1 - used)) > 0)
		used += (size_t)n;
	t->text[used] = '\0';
	return t->text;
}

static void start(struct progress *p, int fd)
{
	progress_init(p, fd);
	p->now = fake_clock;
	clock_ms = 5000;
	clock_step = 0;
}

static void test_line(void **state)
{
	struct terminal *t = terminal(state);
	struct progress p;
	char blank[64];

	start(&p, t->program);
	progress_begin(&p, "reading", "/boot/initrd", 512 * MIB - 5);
	progress_add(&p, 100 * MIB);
	clock_ms += 999;
	progress_add(&p, 100 * MIB);
	assert_string_equal(seen(t), ""); /* less than a second */
	clock_ms += 1;
	progress_add(&p, 112 * MIB + 7);
	assert_string_equal(seen(t), "\rreading /boot/initrd: 312 of 512 MiB");
	progress_add(&p, MIB);
	assert_string_equal(seen(t), ""); /* not on every call */
	clock_ms += 200;
	progress_add(&p, MIB);
	assert_string_equal(seen(t), "\rreading /boot/initrd: 314 of 512 MiB");
	progress_end(&p);
	snprintf(blank, sizeof(blank), "\r%*s\r", 36, "");
	assert_string_equal(seen(t), blank);
	progress_end(&p);
	assert_string_equal(seen(t), "");

	/* the next one starts over, and a shorter line overwrites all of a longer one */
	progress_begin(&p, "reading", "i", 0);
	progress_add(&p, 3 * MIB);
	assert_string_equal(seen(t), "");
	clock_ms += 1000;
	p.columns = 20;
	progress_add(&p, MIB);
	assert_string_equal(seen(t), "\rreading i: 4 MiB    ");
}

static void test_no_terminal(void **state)
{
	struct progress p;
	int pipe_fds[2];
	char c;

	(void)state;
	assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
	start(&p, pipe_fds[1]);
	progress_begin(&p, "reading", "i", MIB);
	clock_ms += 5000;
	progress_add(&p, MIB);
	progress_end(&p);
	assert_int_equal(read(pipe_fds[0], &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
	close(pipe_fds[0]);
	close(pipe_fds[1]);

	progress_init(NULL, 2);
	progress_begin(NULL, "reading", "i", MIB);
	progress_add(NULL, MIB);
	progress_end(NULL);
}

static const char *line_for(struct terminal *t, unsigned short columns, const char *name)
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	struct progress p;

	assert_int_equal(ioctl(t->user, TIOCSWINSZ, &size), 0);
	start(&p, t->program);
	progress_begin(&p, "reading", name, 100 * MIB);
	clock_ms += 1000;
	progress_add(&p, MIB);
	return seen(t);
}

static void test_names(void **state)
{
	struct terminal *t = terminal(state);
	char name[1000];

	assert_string_equal(line_for(t, 0, "a\nb\033[2J"),
			    "\rreading a?b?[2J: 1 of 100 MiB");
	memset(name, 'x', sizeof(name) - 1);
	strcpy(name + sizeof(name) - 6, "/file");
	for (unsigned short columns = 2; columns < 400; columns++) {
		const char *line = line_for(t, columns, name);

		if (columns < 24) {
			assert_string_equal(line, "");
			continue;
		}
		/* never as wide as the terminal: the cursor would leave the line */
		assert_int_equal(strlen(line), columns < 200 ? columns : 200);
		if (columns > 40)
			assert_non_null(strstr(line, "/file: 1 of 100 MiB"));
	}
}

/* Large enough for several threads, which all report. */
static void test_digest_reports(void **state)
{
	char path[] = "/tmp/kexec-seed-progress-XXXXXX", *end;
	uint8_t with[SHA256_SIZE], without[SHA256_SIZE];
	struct terminal *t = terminal(state);
	struct progress p;
	struct error err;
	struct file f;
	int fd = mkstemp(path);

	assert_int_equal(ftruncate(fd, 80 * MIB), 0);
	assert_int_equal(file_open(path, &f, &err), 0);
	assert_int_equal(file_digest(&f, 0, 80 * MIB, without, &err), 0);
	start(&p, t->program);
	f.progress = &p;
	clock_step = 20;
	assert_int_equal(file_digest(&f, 0, 80 * MIB, with, &err), 0);
	assert_memory_equal(with, without, SHA256_SIZE);
	assert_int_equal(p.done, 80 * MIB);
	end = strrchr(seen(t), 'B');
	assert_non_null(end);
	assert_non_null(strstr(t->text, "reading /tmp/kexec-seed-progress-"));
	assert_non_null(strstr(t->text, " of 80 MiB\r"));
	assert_int_equal(strspn(end + 1, "\r "), strlen(end + 1)); /* erased */
	assert_int_equal(t->text[strlen(t->text) - 1], '\r');

	/* erased on failure, too */
	assert_int_equal(ftruncate(fd, 40 * MIB), 0);
	assert_int_equal(file_digest(&f, 0, 80 * MIB, with, &err), -ESTALE);
	assert_int_equal(p.columns, 0);
	file_close(&f);
	unlink(path);
	close(fd);
}

static void test_unpacking_reports(void **state)
{
	char path[] = "/tmp/kexec-seed-progress-XXXXXX", command[128];
	struct terminal *t = terminal(state);
	struct progress p;
	struct error err;
	struct file f;
	int fd = mkstemp(path), ret;

	snprintf(command, sizeof(command), "head -c 30000000 /dev/zero | gzip -c >%s",
		 path);
	assert_int_equal(system(command), 0);
	assert_int_equal(file_open(path, &f, &err), 0);
	start(&p, t->program);
	f.progress = &p;
	clock_step = 20;
	ret = file_decompress(&f, &err);
	if (ret != -ENOTSUP) { /* a build without zlib */
		assert_int_equal(ret, 0);
		assert_ptr_equal(f.progress, &p);
		assert_non_null(strstr(seen(t), "\runpacking /tmp/kexec-seed-progress-"));
		assert_non_null(strstr(t->text, ": 20 MiB\r"));
		assert_int_equal(p.done, 30000000);
		assert_int_equal(p.columns, 0);
	}
	file_close(&f);
	unlink(path);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_line, setup, teardown),
		cmocka_unit_test(test_no_terminal),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_digest_reports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unpacking_reports, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
