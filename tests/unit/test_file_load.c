// SPDX-License-Identifier: GPL-2.0-only
/* Images of kexec_file_load() are found by their command line. */
#include "check.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "digest.h"
#include "load/readback.h"

#include "setup_data.h"
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* The region, a page each: ELF core headers, command line, seed, boot_params. */
#define REGION	0x21f000000ull
#define CMDLINE 0x1000
#define NODE	0x2000
#define PARAMS	0x3000
#define SIZE	0x4000

static uint8_t memory[SIZE];

static struct boot_params *params(void)
{
	return (void *)(memory + PARAMS);
}

/* Puts a setup_data node; the chain begins with the one at NODE. */
static void put_node(uint64_t offset, uint32_t type, uint32_t len, uint64_t next)
{
	struct setup_data *node = (void *)(memory + offset);

	node->type = type;
	node->len = len;
	node->next = next;
}

static void make_image(const char *cmdline)
{
	memset(memory, 0, sizeof(memory));
	memcpy(memory, ELFMAG, SELFMAG);
	params()->hdr.boot_flag = 0xaa55;
	params()->hdr.header = 0x53726448;
	params()->hdr.cmd_line_ptr = (uint32_t)(REGION + CMDLINE);
	params()->ext_cmd_line_ptr = (REGION + CMDLINE) >> 32;
	params()->hdr.setup_data = REGION + NODE;
	put_node(NODE, SETUP_RNG_SEED, SEED_SIZE, 0);
	strcpy((char *)memory + CMDLINE, cmdline);
}

/* Only the first @size bytes of memory can be read. */
static int find_in(size_t size, const char *cmdline, struct recipe *r, struct error *err)
{
	struct kcore_load load = { .vaddr = 0xff11000000000000ull,
				   .paddr = REGION,
				   .size = size };
	struct kcore k = { .loads = &load, .count = 1 };
	int ret;

	*r = (struct recipe){ .method = RECIPE_KEXEC_FILE_LOAD,
			      .region = { REGION, REGION + SIZE },
			      .seed_node = 5 };
	k.fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(k.fd >= 0);
	assert_int_equal(file_write_all(k.fd, memory, sizeof(memory)), 0);
	ret = recipe_find_file_load(r, &k, cmdline, err);
	close_fd(&k.fd);
	return ret;
}

static int find(const char *cmdline, struct recipe *r, struct error *err)
{
	return find_in(SIZE, cmdline, r, err);
}

static void test_find(void **state)
{
	/* setup_cmdline() in arch/x86/kernel/kexec-bzimage64.c of the kernel */
	static const char *const fronts[] = {
		"elfcorehdr=0x21f000000 ",
		"elfcorehdr=0x21f000000 dmcryptkeys=0x1 ",
		"elfcorehdr=0x21f000000 dmcryptkeys=0x2fffe000 ",
		"elfcorehdr=0x21f000000 dmcryptkeys=0x123456789abcd000 ",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(fronts); i++) {
		uint8_t digest[SHA256_SIZE];
		struct error err = { "" };
		struct recipe r;
		char text[128];

		snprintf(text, sizeof(text), "%squiet panic=-1", fronts[i]);
		make_image(text);
		assert_int_equal(find("quiet panic=-1", &r, &err), 0);
		assert_int_equal(r.boot_data.addr, REGION + PARAMS);
		assert_int_equal(r.boot_data.size, sizeof(struct boot_params));
		digest_range(DIGEST_PORTABLE, params(), sizeof(*params()), digest);
		assert_memory_equal(r.boot_data.digest, digest, sizeof(digest));
		assert_int_equal(r.guard.addr, REGION);
		assert_int_equal(r.guard.size, EI_NIDENT);
		digest_range(DIGEST_PORTABLE, memory, EI_NIDENT, digest);
		assert_memory_equal(r.guard.digest, digest, sizeof(digest));
		assert_int_equal(r.seed_node, REGION + NODE);
		assert_int_equal(find("quiet panic=-", &r, &err), -ENOENT);
		assert_int_equal(find("quiet panic=-1 more", &r, &err), -ENOENT);
	}
}

/* Memory that only resembles the image. */
static void test_not_found(void **state)
{
	static const char *const others[] = {
		"flfcorehdr=0x21f000000 quiet",
		"elfcorehdr=0y21f000000 quiet",
		"elfcorehdr=0x21f000000xquiet",
		"elfcorehdr=0x21f001000 quiet", /* remains of an earlier image */
		"elfcorehdr=0x21f000000 dmcryptkeys=0y10 quiet",
		"elfcorehdr=0x21f000000 dmcryptkeys=0x10g quiet",
	};
	struct error err = { "" };
	struct recipe r;

	(void)state;
	for (size_t i = 0; i < COUNT(others); i++) {
		make_image(others[i]);
		assert_int_equal(find("quiet", &r, &err), -ENOENT);
	}
	for (int i = 0; i < 4; i++) {
		make_image("elfcorehdr=0x21f000000 quiet");
		if (i == 0)
			params()->hdr.boot_flag ^= 1;
		if (i == 1)
			params()->hdr.header ^= 1;
		if (i == 2)
			params()->ext_cmd_line_ptr ^= 1;
		if (i == 3) /* the text would end outside of the region */
			params()->hdr.cmd_line_ptr = (uint32_t)REGION + SIZE - 64;
		assert_int_equal(find("quiet", &r, &err), -ENOENT);
	}
}

/* Valid and damaged chains: the seed's node is found if it can be reached. */
static void test_chain(void **state)
{
	static const struct {
		uint32_t type, len;
		uint64_t next;
		uint64_t seed; /* 0: not found */
	} cases[] = {
		{ SETUP_EFI, 96, REGION + NODE + 0x80, REGION + NODE + 0x80 },
		{ SETUP_RNG_SEED, SEED_SIZE, REGION + NODE + 0x100, REGION + NODE },
		{ SETUP_RNG_SEED, SEED_SIZE, REGION + SIZE, REGION + NODE },
		{ SETUP_RNG_SEED, 16, 0, 0 },
		{ SETUP_EFI, SEED_SIZE, 0, 0 },
		{ SETUP_EFI, 96, REGION + SIZE - 15, 0 },
		{ SETUP_EFI, 96, REGION + NODE, 0 }, /* a loop */
	};
	struct error err = { "" };
	struct recipe r;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		make_image("elfcorehdr=0x21f000000 quiet");
		put_node(NODE, cases[i].type, cases[i].len, cases[i].next);
		put_node(NODE + 0x80, SETUP_RNG_SEED, SEED_SIZE, 0);
		put_node(NODE + 0x100, SETUP_EFI, 96, 0);
		assert_int_equal(find("quiet", &r, &err), 0);
		assert_int_equal(r.seed_node, cases[i].seed);
	}
}

static void test_unreadable(void **state)
{
	struct error err = { "" };
	struct recipe r;

	(void)state;
	make_image("elfcorehdr=0x21f000000 quiet");
	assert_int_equal(find_in(0, "quiet", &r, &err), -ENXIO);
	assert_int_equal(find_in(PARAMS, "quiet", &r, &err), -ENXIO);
	/* a header at CMDLINE comes first; its text or its nodes cannot be read */
	memcpy(memory + CMDLINE, params(), sizeof(*params()));
	params()->hdr.header = 0;
	((struct boot_params *)(memory + CMDLINE))->hdr.cmd_line_ptr += PARAMS - CMDLINE;
	strcpy((char *)memory + PARAMS, "elfcorehdr=0x21f000000 quiet");
	assert_int_equal(find("quiet", &r, &err), 0);
	assert_int_equal(find_in(PARAMS, "quiet", &r, &err), -ENXIO);
	((struct boot_params *)(memory + CMDLINE))->hdr.cmd_line_ptr -= PARAMS - NODE;
	strcpy((char *)memory + NODE, "elfcorehdr=0x21f000000 quiet");
	((struct boot_params *)(memory + CMDLINE))->hdr.setup_data = REGION + PARAMS;
	assert_int_equal(find_in(PARAMS, "quiet", &r, &err), -ENXIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
