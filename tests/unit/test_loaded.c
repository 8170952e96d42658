// SPDX-License-Identifier: GPL-2.0-only
/* An image of kexec_file_load() is found by its command line, whatever is in front of it. */
#include "check.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "load/loaded.h"

#include <asm/bootparam.h>
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* The region: [headers | boot_params | command line | seed], a page each. */
#define REGION	0x1f000000ull
#define PARAMS	0x1000
#define CMDLINE (PARAMS + sizeof(struct boot_params))
#define NODE	0x3000
#define SIZE	0x4000

static uint8_t memory[SIZE];

static void make_image(const char *cmdline)
{
	struct boot_params *bp = (void *)(memory + PARAMS);
	struct setup_data *node = (void *)(memory + NODE);

	memset(memory, 0, sizeof(memory));
	memcpy(memory, ELFMAG, SELFMAG);
	bp->hdr.boot_flag = 0xaa55;
	bp->hdr.header = 0x53726448;
	bp->hdr.cmd_line_ptr = (uint32_t)(REGION + CMDLINE);
	bp->hdr.setup_data = REGION + NODE;
	node->type = SETUP_RNG_SEED;
	node->len = SEED_SIZE;
	strcpy((char *)memory + CMDLINE, cmdline);
}

static int find(const char *cmdline, struct recipe *r, struct error *err)
{
	struct kcore_load load = { .vaddr = 0xff11000000000000ull,
				   .paddr = REGION,
				   .size = SIZE };
	struct kcore k = { .loads = &load, .count = 1 };
	int ret;

	*r = (struct recipe){ .method = RECIPE_KEXEC_FILE_LOAD };
	k.fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(k.fd >= 0);
	assert_int_equal(file_write_all(k.fd, memory, sizeof(memory)), 0);
	ret = loaded_find(&k, (struct range){ REGION, REGION + SIZE }, cmdline, r, err);
	close_fd(&k.fd);
	return ret;
}

static void test_find(void **state)
{
	/* setup_cmdline() in arch/x86/kernel/kexec-bzimage64.c of the kernel */
	static const char *const fronts[] = {
		"elfcorehdr=0x1f000000 ",
		"elfcorehdr=0x1f000000 dmcryptkeys=0x2fffe000 ",
		"elfcorehdr=0x1f000000 dmcryptkeys=0x123456789abcd000 ",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(fronts); i++) {
		char text[128];
		struct error err = { "" };
		struct recipe r;

		snprintf(text, sizeof(text), "%squiet panic=-1", fronts[i]);
		make_image(text);
		assert_int_equal(find("quiet panic=-1", &r, &err), 0);
		assert_int_equal(r.boot_params.addr, REGION + PARAMS);
		assert_int_equal(r.neighbour.addr, REGION);
		assert_int_equal(r.seed_node, REGION + NODE);
		assert_int_equal(find("quiet panic=-", &r, &err), -ENOENT);
		assert_int_equal(find("quiet panic=-1 more", &r, &err), -ENOENT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
