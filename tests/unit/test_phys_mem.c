// SPDX-License-Identifier: GPL-2.0-only
/* Physical memory from a file in the place of /dev/mem, and what the kernel has mapped. */
#include "machine/machine.h"

#include "check.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_at(const char *root, uint64_t addr, void *buf, size_t size,
		   struct error *err)
{
	struct memory_entry ram = { 0x1000, 0x1000, MEMORY_RAM };
	struct memory_map firmware = { &ram, 1 }, iomem = { NULL, 0 };
	struct phys_mem m = { phys_mem_read, root, &firmware, &iomem };

	return m.read(&m, addr, buf, size, err);
}

static void test_file(void **state)
{
	uint8_t memory[0x3000], buf[16];
	struct error err;
	struct tree t;

	(void)state;
	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (uint8_t)(i * 7);
	tree_make(&t);
	assert_int_equal(read_at(t.root, 0x10, buf, 4, &err), -ENOENT);
	tree_put_bytes(&t, "dev/mem", memory, sizeof(memory));
	assert_int_equal(read_at(t.root, 0x2013, buf, 9, &err), 0);
	assert_memory_equal(buf, memory + 0x2013, 9);
	assert_int_equal(read_at(t.root, 0x2ffc, buf, 8, &err), -ENODATA);
	assert_non_null(strstr(err.text, "/dev/mem at 0x2ffc: the file ends before"));
	assert_int_equal(read_at(t.root, 0xffc, buf, 8, &err), -EPERM);
	assert_string_equal(err.text, "0xffc is in memory that the kernel uses");
	assert_int_equal(read_at(t.root, UINT64_MAX - 3, buf, 8, &err), -EOVERFLOW);
	tree_mode(&t, "dev/mem", 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(read_at(t.root, 0x10, buf, 4, &err), -EACCES);
	assert_int_equal(seteuid(getuid()), 0);
	assert_non_null(strstr(err.text, "iomem=relaxed"));
	assert_non_null(strstr(err.text, "--vmgenid-addr="));
	tree_remove(&t, "");
}

/* All sizes at all alignments, across a page. */
static void test_mapping(void **state)
{
	uint8_t memory[0x3000], buf[16];
	char path[64] = "/tmp/test_phys_mem-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(write(fd, memory, sizeof(memory)), sizeof(memory));
	for (uint64_t addr = 0xff0; addr < 0x1010; addr++)
		for (size_t size = 1; size <= sizeof(buf); size++) {
			memset(buf, 0, sizeof(buf));
			assert_int_equal(phys_mem_copy(fd, addr, buf, size), 0);
			assert_memory_equal(buf, memory + addr, size);
		}
	close(fd);
	assert_int_equal(phys_mem_copy(-1, 0, buf, 4), -EBADF);
}

/*
 * As on arm64 where there is no memory: a file that ends before. SIGBUS is an error, each
 * time, and what it does otherwise stays.
 */
static void test_no_memory(void **state)
{
	char path[64] = "/tmp/test_phys_mem-XXXXXX";
	const struct sigaction ours = { .sa_handler = SIG_IGN };
	struct sigaction after;
	uint8_t buf[16];
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(fd, 0x10000), 0);
	sigaction(SIGBUS, &ours, NULL);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(phys_mem_copy(fd, 0x10000, buf, 16), -EFAULT);
		assert_int_equal(phys_mem_copy(fd, 0xfff0, buf, 16), 0);
	}
	sigaction(SIGBUS, NULL, &after);
	assert_ptr_equal(after.sa_handler, SIG_IGN);
	assert_int_equal(phys_mem_fetch(fd, 0x10000, buf, 16), -ENODATA);
	assert_int_equal(phys_mem_fetch(fd, 0xfff0, buf, 16), 0);
	close(fd);
	assert_int_equal(phys_mem_fetch(-1, 0, buf, 16), -EBADF);
	fd = open("/dev/zero", O_RDONLY | O_CLOEXEC); /* a device */
	assert_int_equal(phys_mem_fetch(fd, 0x5000, buf, 16), 0);
	close(fd);
}

static bool is_unmapped(const char *text, uint64_t addr)
{
	struct tree t;
	bool result;

	tree_make(&t);
	if (text)
		tree_put(&t, "proc/vmallocinfo", text);
	result = phys_mem_is_unmapped(t.root, addr);
	tree_remove(&t, "");
	return result;
}

#define LINE(caller, phys)                                                               \
	"0x00000000a3b2c1d0-0x00000000f0e1d2c3    8192 " caller " phys=" phys " ioremap\n"

static void test_mapped(void **state)
{
	static const char other[] =
		LINE("acpi_os_map_iomem+0x1/0x2", "0x00000000fed00000");
	static const char here[] = LINE("memremap+0x1a3/0x1d0", "0x000000003ffff000");
	static const char devm[] = LINE("devm_memremap+0x5d/0xa0", "0x000000003ffff000");

	(void)state;
	assert_false(is_unmapped(NULL, 0x3ffff028));
	assert_false(is_unmapped("", 0x3ffff028));
	assert_false(is_unmapped("nonsense\nmemremap+1 phys=x\n", 0x3ffff028));
	assert_false(is_unmapped(other, 0x3ffff028));
	assert_false(is_unmapped(here, 0x3ffff028));
	assert_true(is_unmapped(here, 0x3fffe028));
	assert_true(is_unmapped(here, 0x40000028)); /* the guard page */
	assert_false(is_unmapped(devm, 0x3ffff028));
	assert_true(is_unmapped(devm, 0x5ffff028));
}

static void test_set_aside(void **state)
{
	struct memory_entry ram = { 0, 0x10000, MEMORY_RAM };
	struct memory_entry seen[] = { { 0, 0x8000, MEMORY_RAM },
				       { 0x8000, 0x1000, MEMORY_RESERVED },
				       { 0x9000, 0x1000, MEMORY_RESERVED },
				       { 0xa000, 0x1000, MEMORY_NVS } };
	struct memory_map firmware = { &ram, 1 }, iomem = { seen, COUNT(seen) },
			  none = { 0 };

	(void)state;
	assert_true(memory_set_aside(&firmware, &iomem, 0x8000, 0x8010)); /* memmap= */
	assert_true(memory_set_aside(&firmware, &iomem, 0x8ff8, 0x9008));
	assert_false(memory_set_aside(&firmware, &iomem, 0x7ff8, 0x8008));
	assert_false(memory_set_aside(&firmware, &iomem, 0x9ff8, 0xa008));
	assert_false(memory_set_aside(&firmware, &iomem, 0xb000, 0xb010));
	assert_false(memory_set_aside(&firmware, &none, 0x8000, 0x8010));
	assert_true(memory_set_aside(&none, &none, 0x8000, 0x8010));
	assert_false(memory_set_aside(&none, &iomem, 0x10, 0x20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),	  cmocka_unit_test(test_mapping),
		cmocka_unit_test(test_no_memory), cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_set_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
