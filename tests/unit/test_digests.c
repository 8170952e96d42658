// SPDX-License-Identifier: GPL-2.0-only
/* Digests of files and memory, and files that change while they are read. */
#include "check.h"

#include "digest.h"
#include "load/digests.h"
#include "load/file_digest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIG (40u << 20) /* more than one thread */

struct place {
	char path[64];
	int fd; /* for writing */
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	strcpy(p->path, "/tmp/kexec-seed-digest-XXXXXX");
	p->fd = mkstemp(p->path);
	assert_true(p->fd >= 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	unlink(p->path);
	close(p->fd);
	free(p);
	return 0;
}

/* Writes content without repetition and returns it. */
static uint8_t *fill(struct place *p, size_t size)
{
	uint64_t *data = malloc(size + 8), x = 1;

	assert_non_null(data);
	for (size_t i = 0; i < size / 8 + 1; i++)
		data[i] = x = x * 6364136223846793005u + 1442695040888963407u;
	assert_int_equal(pwrite(p->fd, data, size, 0), size);
	return (uint8_t *)data;
}

static void test_file_is_like_memory(void **state)
{
	static const size_t sizes[] = { 1,	65535,	 65536,	  65537, 262144,
					262145, 5000000, BIG - 1, BIG };
	struct place *p = *state;
	uint8_t *data = fill(p, BIG), want[32], got[32];
	struct file f;
	struct error err;

	assert_int_equal(file_open(p->path, &f, &err), 0);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		size_t offset = BIG - sizes[i] < 1024 ? BIG - sizes[i] : 1024;

		digest_range(DIGEST_PORTABLE, data + offset, sizes[i], want);
		assert_int_equal(file_digest(&f, offset, sizes[i], got, &err), 0);
		assert_memory_equal(got, want, 32);
	}
	file_close(&f);
	free(data);
}

static void test_shrunk_file(void **state)
{
	struct place *p = *state;
	uint8_t digest[32];
	struct file f;
	struct error err;

	free(fill(p, BIG));
	assert_int_equal(file_open(p->path, &f, &err), 0);
	assert_int_equal(file_check(&f, &err), 0);
	/* a lease does not affect a descriptor that was open before */
	assert_int_equal(ftruncate(p->fd, 100000), 0);
	assert_int_equal(file_digest(&f, 0, BIG, digest, &err), -ESTALE);
	assert_non_null(strstr(err.text, "became shorter"));
	assert_int_equal(file_check(&f, &err), -ESTALE);
	file_close(&f);
}

static void test_changed_file(void **state)
{
	/* more than a tick of the clock */
	struct timespec pause = { .tv_nsec = 20000000 };
	struct place *p = *state;
	struct file f;
	struct error err;

	free(fill(p, 100000));
	assert_int_equal(file_open(p->path, &f, &err), 0);
	nanosleep(&pause, NULL);
	assert_int_equal(pwrite(p->fd, "x", 1, 5000), 1);
	assert_int_equal(file_check(&f, &err), -ESTALE);
	assert_non_null(strstr(err.text, "changed while"));
	file_close(&f);
}

static void test_writers_are_kept_out(void **state)
{
	struct place *p = *state;
	struct file f;
	struct error err;
	int fd;

	free(fill(p, 100000));
	close(p->fd);
	p->fd = -1;
	assert_int_equal(file_open(p->path, &f, &err), 0);
	if (fcntl(f.fd, F_GETLEASE) != F_RDLCK) {
		print_message("SKIPPED: no leases in /tmp\n");
	} else {
		fd = open(p->path, O_WRONLY | O_NONBLOCK);
		assert_int_equal(fd, -1);
		assert_int_equal(errno, EWOULDBLOCK);
	}
	file_close(&f);
	p->fd = open(p->path, O_WRONLY | O_NONBLOCK);
	assert_true(p->fd >= 0);
}

/* A plan of two segments: one from a file, and the purgatory. */
static void test_plan(void **state)
{
	uint8_t block[4096] __attribute__((aligned(8))) = { 0 };
	struct purgatory_params *params = (void *)block;
	struct place *p = *state;
	uint8_t *data = fill(p, 300000), want[32];
	struct plan plan = { .purgatory_block = block, .nr_segments = 2 };
	struct file f;
	const struct file *files[] = { &f };
	struct error err;

	params->params_size = sizeof(*params);
	params->nr_checks = 2;
	assert_int_equal(file_open(p->path, &f, &err), 0);
	plan.segments[0] =
		(struct segment){ .kind = SEGMENT_KERNEL,
				  .addr = 0x1000000,
				  .content = { f.bytes.data + 1024, 300000 - 1024 } };
	plan.segments[1] = (struct segment){ .kind = SEGMENT_PURGATORY,
					     .addr = 0x200000,
					     .content = { block, sizeof(block) } };
	params->checks[0] = (struct purgatory_check){ .addr = 0x1000000,
						      .size = 300000 - 1024,
						      .kind = PURGATORY_KIND_KERNEL };
	params->checks[1] =
		(struct purgatory_check){ .addr = 0x200000 + sizeof(*params),
					  .size = sizeof(block) - sizeof(*params),
					  .kind = PURGATORY_KIND_PURGATORY };
	assert_int_equal(digests_fill(&plan, files, 1, &err), 0);
	digests_finish(&plan);

	digest_range(DIGEST_PORTABLE, data + 1024, 300000 - 1024, want);
	assert_memory_equal(params->checks[0].digest, want, 32);
	digest_range(DIGEST_PORTABLE, block + sizeof(*params),
		     sizeof(block) - sizeof(*params), want);
	assert_memory_equal(params->checks[1].digest, want, 32);
	sha256(params, offsetof(struct purgatory_params, self_sha256), want);
	assert_memory_equal(params->self_sha256, want, 32);

	assert_int_equal(ftruncate(p->fd, 1000), 0);
	assert_int_equal(digests_fill(&plan, files, 1, &err), -ESTALE);
	file_close(&f);
	free(data);
}

static void test_without_checks(void **state)
{
	uint8_t block[4096] __attribute__((aligned(8))) = { 0 }, zero[4096] = { 0 };
	struct plan plan = { .purgatory_block = block, .nr_segments = 1 };
	struct error err;

	(void)state;
	assert_int_equal(digests_fill(&plan, NULL, 0, &err), 0);
	digests_finish(&plan);
	assert_memory_equal(block, zero, sizeof(block));
}

int main(void)
{
#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_file_is_like_memory),
		FILE_TEST(test_shrunk_file),
		FILE_TEST(test_changed_file),
		FILE_TEST(test_writers_are_kept_out),
		FILE_TEST(test_plan),
		cmocka_unit_test(test_without_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
