// SPDX-License-Identifier: GPL-2.0-only
/* An ELF vmlinux is laid out as in memory; other ELF files are refused with a reason. */
#include "check.h"
#include "memory_file.h"

#include "arch/x86/elf.h"
#include "arch/x86/x86.h"
#include "image/decompress.h"
#include "image/format.h"
#include "purgatory_params.h"

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <elf.h>
#include <errno.h>
#include <string.h>

#define MAPPING	  0xffffffff80000000ull
#define BASE	  0x1000000ull
#define TEXT_SIZE 0x3000
#define DATA	  (BASE + 0x4000) /* a page after the end of the text */
#define DATA_SIZE 0x1000
#define PERCPU	  (DATA + 0x1000)
#define END	  (BASE + 0x800000)
#define CONTENT	  0x1000
#define FILE_SIZE (CONTENT + TEXT_SIZE + DATA_SIZE + 16)
#define SETUP	  4096

/*
 * Like an old kernel: text, data, per-CPU data at address 0. The data comes last in the
 * file.
 */
struct fake_elf {
	Elf64_Ehdr e;
	Elf64_Phdr p[4];
	uint8_t rest[FILE_SIZE - sizeof(Elf64_Ehdr) - 4 * sizeof(Elf64_Phdr)];
};
_Static_assert(sizeof(struct fake_elf) == FILE_SIZE, "one piece");

static struct error err;

static void make(struct fake_elf *f)
{
	uint8_t *bytes = (uint8_t *)f;

	*f = (struct fake_elf){
		.e = { .e_type = ET_EXEC,
		       .e_machine = EM_X86_64,
		       .e_version = EV_CURRENT,
		       .e_entry = DATA + 8,
		       .e_phoff = sizeof(Elf64_Ehdr),
		       .e_ehsize = sizeof(Elf64_Ehdr),
		       .e_phentsize = sizeof(Elf64_Phdr),
		       .e_phnum = 4 },
		.p = { { .p_type = PT_LOAD,
			 .p_offset = CONTENT + TEXT_SIZE + 16,
			 .p_vaddr = DATA + MAPPING,
			 .p_paddr = DATA,
			 .p_filesz = DATA_SIZE,
			 .p_memsz = DATA_SIZE },
		       { .p_type = PT_LOAD,
			 .p_offset = CONTENT,
			 .p_vaddr = BASE + MAPPING,
			 .p_paddr = BASE,
			 .p_filesz = TEXT_SIZE,
			 .p_memsz = TEXT_SIZE },
		       { .p_type = PT_LOAD,
			 .p_offset = CONTENT + TEXT_SIZE,
			 .p_paddr = PERCPU,
			 .p_filesz = 16,
			 .p_memsz = END - PERCPU },
		       { .p_type = PT_NOTE, .p_offset = UINT64_MAX } },
	};
	memcpy(f->e.e_ident, ELFMAG, SELFMAG);
	f->e.e_ident[EI_CLASS] = ELFCLASS64;
	f->e.e_ident[EI_DATA] = ELFDATA2LSB;
	f->e.e_ident[EI_VERSION] = EV_CURRENT;
	memset(bytes + CONTENT, 't', TEXT_SIZE);
	memcpy(bytes + CONTENT + 100, "Linux version 9.9", 17);
	memcpy(bytes + CONTENT + 200, "\0ptrs_per_p4d", 14);
	memset(bytes + CONTENT + TEXT_SIZE, 'p', 16);
	memset(bytes + CONTENT + TEXT_SIZE + 16, 'd', DATA_SIZE);
}

static int open_request(const void *data, size_t size,
			const struct image_request *request, struct file *f,
			struct image *image)
{
	struct image_extras extras;
	int ret;

	err.text[0] = '\0';
	*f = memory_file(data, size);
	ret = image_open(f, request, image, &extras, &err);
	image_extras_free(&extras);
	return ret;
}

static int open_bytes(const void *data, size_t size, struct file *f, struct image *image)
{
	const struct image_request any = { 0 };

	return open_request(data, size, &any, f, image);
}

static void assert_refused(const struct fake_elf *elf, size_t size, int code,
			   const char *says)
{
	struct image image;
	struct file f;

	assert_int_equal(open_bytes(elf, size, &f, &image), -code);
	if (strncmp(err.text, "FILE", 4) != 0 || !strstr(err.text, says))
		fail_msg("'%s' does not say '%s'", err.text, says);
	assert_int_equal(f.bytes.size, size); /* unchanged */
	file_close(&f);
}

/* Parts that take several steps to copy, with zeroes between. */
static void test_compose(void **state)
{
	static uint8_t data[300000];
	const struct file_part parts[] = {
		{ .from = 70000, .to = 5, .size = 150000 },
		{ .data = data, .to = 200000, .size = 100000 },
	};
	struct file f, out;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 2654435761u >> 24);
	f = memory_file(data, sizeof(data));
	assert_int_equal(file_compose(&f, parts, COUNT(parts), 300001, &out, &err), 0);
	assert_int_equal(out.bytes.size, 300001);
	assert_memory_equal(out.bytes.data, "\0\0\0\0\0", 5);
	assert_memory_equal(out.bytes.data + 5, data + 70000, 150000);
	assert_int_equal(out.bytes.data[150005], 0);
	assert_memory_equal(out.bytes.data + 200000, data, 100000);
	assert_int_equal(out.bytes.data[300000], 0);
	file_close(&out);
	file_close(&f);
}

/* A file that changes while it is read is refused. */
static void test_compose_of_what_changes(void **state)
{
	const struct file_part all = { .size = 8 };
	struct file f = memory_file("contents", 8), out;

	(void)state;
	assert_int_equal(ftruncate(f.fd, 7), 0);
	assert_int_equal(file_compose(&f, &all, 1, 8, &out, &err), -ESTALE);
	assert_int_equal(ftruncate(f.fd, 9), 0);
	assert_int_equal(file_compose(&f, &all, 1, 8, &out, &err), -ESTALE);
	assert_int_equal(out.fd, -1);
	file_close(&f);
}

#ifdef HAVE_ELF

static void assert_all(const uint8_t *data, size_t size, uint8_t value)
{
	for (size_t i = 0; i < size; i++)
		assert_int_equal(data[i], value);
}

static void test_takes_a_kernel(void **state)
{
	const struct setup_header *hdr;
	struct fake_elf elf;
	struct image image;
	struct file f;

	(void)state;
	make(&elf);
	assert_int_equal(open_bytes(&elf, sizeof(elf), &f, &image), 0);
	assert_ptr_equal(image.format, image_format_of_type("elf-x86_64"));
	assert_int_equal(image.entry_offset, DATA + 8 - BASE);
	assert_int_equal(image.mem_size, END - BASE);
	assert_int_equal(image.align, 2 << 20);
	assert_int_equal(image.min_addr, BASE);
	assert_int_equal(image.cmdline_max, 2047);
	assert_int_equal(image.max_addr, 0); /* may lie above 4 GiB */
	assert_int_equal(image.arch_flags, X86_FIVE_LEVEL | X86_NO_32BIT_ENTRY);
	assert_false(image.fixed);
	assert_int_equal(image.entry_mode, PURGATORY_ENTRY_64);
	assert_string_equal(image.no_file_load, "is an ELF vmlinux");
	/* copied into boot_params */
	assert_int_equal(image.header.size, sizeof(struct setup_header));
	hdr = (const void *)image.header.data;
	assert_int_equal(hdr->header, 0x53726448);
	assert_int_equal(hdr->init_size, END - BASE);
	assert_int_equal(hdr->root_flags, 1);

	/* as in memory, with zeroes between */
	assert_ptr_equal(image.kernel.data, f.bytes.data + SETUP);
	assert_int_equal(image.kernel.size, PERCPU + 16 - BASE);
	assert_memory_equal(image.kernel.data + 100, "Linux version 9.9", 17);
	assert_all(image.kernel.data + 300, TEXT_SIZE - 300, 't');
	assert_all(image.kernel.data + TEXT_SIZE, DATA - BASE - TEXT_SIZE, 0);
	assert_all(image.kernel.data + (DATA - BASE), DATA_SIZE, 'd');
	assert_all(image.kernel.data + (PERCPU - BASE), 16, 'p');
	file_close(&f);
}

/* A name that is part of another one does not count. */
static void test_without_5_levels(void **state)
{
	struct fake_elf elf;
	struct image image;
	struct file f;

	(void)state;
	make(&elf);
	((uint8_t *)&elf)[CONTENT + 200] = '_';
	assert_int_equal(open_bytes(&elf, sizeof(elf), &f, &image), 0);
	assert_int_equal(image.arch_flags, X86_NO_32BIT_ENTRY);
	file_close(&f);
	make(&elf);
	((uint8_t *)&elf)[CONTENT + 213] = 's';
	assert_int_equal(open_bytes(&elf, sizeof(elf), &f, &image), 0);
	assert_int_equal(image.arch_flags, X86_NO_32BIT_ENTRY);
	file_close(&f);
}

/* Section headers beyond the end, and segments that are not loaded, do not matter. */
static void test_what_is_not_loaded(void **state)
{
	struct fake_elf elf;
	struct image image;
	struct file f;

	(void)state;
	make(&elf);
	elf.e.e_shoff = 0x10000000;
	elf.e.e_shnum = 40;
	elf.e.e_shentsize = sizeof(Elf64_Shdr);
	elf.p[3] = (Elf64_Phdr){ .p_type = PT_LOAD, .p_offset = UINT64_MAX };
	assert_int_equal(open_bytes(&elf, sizeof(elf), &f, &image), 0);
	file_close(&f);
}

/* The 64-bit boot protocol is all that a vmlinux has. */
static void test_no_32bit_entry(void **state)
{
	const struct image_request request = {
		.format = image_format_of_type("elf-x86_64"),
		.entry_32bit = true,
	};
	struct fake_elf elf;
	struct image image;
	struct file f;

	(void)state;
	make(&elf);
	assert_int_equal(open_request(&elf, sizeof(elf), &request, &f, &image), -ENOEXEC);
	assert_string_equal(err.text, "FILE: an ELF vmlinux has no 32-bit entry point");
	file_close(&f);
}

struct bad {
	const char *says;
	int code;
	void (*spoil)(struct fake_elf *f);
};

#define SPOIL(name, change)                                                              \
	static void name(struct fake_elf *f)                                             \
	{                                                                                \
		change;                                                                  \
	}
SPOIL(for_arm, f->e.e_machine = EM_AARCH64)
SPOIL(for_32_bit, f->e.e_ident[EI_CLASS] = ELFCLASS32; f->e.e_machine = EM_386)
SPOIL(class_0, f->e.e_ident[EI_CLASS] = 0)
SPOIL(big_endian, f->e.e_ident[EI_DATA] = ELFDATA2MSB; f->e.e_machine = EM_X86_64 << 8)
SPOIL(module, f->e.e_type = ET_REL)
SPOIL(program, f->e.e_type = ET_DYN)
SPOIL(core, f->e.e_type = ET_CORE)
SPOIL(odd_type, f->e.e_type = 77)
SPOIL(no_segments, f->e.e_phnum = 0)
SPOIL(no_loads, for (int i = 0; i < 3; i++) f->p[i].p_type = PT_NOTE)
SPOIL(far_headers, f->e.e_phoff = UINT64_MAX - 8)
SPOIL(many_headers, f->e.e_phnum = 0xffff)
SPOIL(far_content, f->p[1].p_offset = UINT64_MAX - 1)
SPOIL(long_content, f->p[1].p_filesz = f->p[1].p_memsz = FILE_SIZE)
SPOIL(endless_content, f->p[1].p_filesz = f->p[1].p_memsz = UINT64_MAX)
SPOIL(more_in_file, f->p[1].p_filesz = f->p[1].p_memsz + 1)
SPOIL(endless_memory, f->p[2].p_memsz = UINT64_MAX - BASE)
SPOIL(huge_memory, f->p[2].p_memsz = 1ull << 30)
SPOIL(far_apart, f->p[2].p_paddr = 1ull << 40)
SPOIL(overlaps, f->p[1].p_memsz = DATA + 1 - BASE)
SPOIL(within, f->p[2].p_paddr = BASE + 16; f->p[2].p_memsz = 16)
SPOIL(other_mapping, f->p[1].p_vaddr = BASE)
SPOIL(other_offset, f->p[1].p_vaddr += 0x1000)
SPOIL(virtual_entry, f->e.e_entry += MAPPING)
SPOIL(entry_in_bss, f->e.e_entry = PERCPU + 16)
SPOIL(entry_between, f->e.e_entry = BASE + TEXT_SIZE)
SPOIL(odd_base, f->p[1].p_vaddr += 0x1000; f->p[1].p_paddr += 0x1000;
      f->p[1].p_memsz = f->p[1].p_filesz = 0x1000)
SPOIL(base_0, for (int i = 0; i < 3; i++) f->p[i].p_paddr -= BASE;
      f->p[1].p_vaddr -= BASE; f->e.e_entry -= BASE)
SPOIL(silent, ((uint8_t *)f)[CONTENT + 100] = 'l')

static void test_bad_files(void **state)
{
	static const struct bad cases[] = {
		{ "another kind of processor", ENOEXEC, for_arm },
		{ "a 32-bit file", ENOEXEC, for_32_bit },
		{ "ELF", ENOEXEC, class_0 },
		{ "another kind of processor", ENOEXEC, big_endian },
		{ "such as a module", ENOEXEC, module },
		{ "position-independent", ENOEXEC, program },
		{ "core dump", ENOEXEC, core },
		{ "no type", ENOEXEC, odd_type },
		{ "nothing of it", ENOEXEC, no_segments },
		{ "nothing of it", ENOEXEC, no_loads },
		{ "damaged or truncated", ENOEXEC, far_headers },
		{ "ELF", ENOEXEC, many_headers },
		{ "truncated", ENOEXEC, far_content },
		{ "truncated", ENOEXEC, long_content },
		{ "truncated", ENOEXEC, endless_content },
		{ "impossible sizes", ENOEXEC, more_in_file },
		{ "impossible sizes", ENOEXEC, endless_memory },
		{ "takes more than", EFBIG, huge_memory },
		{ "takes more than", EFBIG, far_apart },
		{ "overlap", ENOEXEC, overlaps },
		{ "overlap", ENOEXEC, within },
		{ "other addresses", ENOEXEC, other_mapping },
		{ "other addresses", ENOEXEC, other_offset },
		{ "entry point is not in it", ENOEXEC, virtual_entry },
		{ "entry point is not in it", ENOEXEC, entry_in_bss },
		{ "entry point is not in it", ENOEXEC, entry_between },
		{ "multiple of 2 MiB", ENOEXEC, odd_base },
		{ "multiple of 2 MiB", ENOEXEC, base_0 },
		{ "it lacks the text \"Linux version\"", ENOEXEC, silent },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fake_elf elf;

		make(&elf);
		cases[i].spoil(&elf);
		assert_refused(&elf, sizeof(elf), cases[i].code, cases[i].says);
	}
}

/* Every part of the file counts up to its last byte. */
static void test_every_truncation_is_seen(void **state)
{
	struct fake_elf elf;

	(void)state;
	make(&elf);
	for (size_t size = SELFMAG; size < sizeof(elf); size += size < CONTENT ? 1 : 7)
		assert_refused(&elf, size, ENOEXEC, "FILE: ");
	assert_refused(&elf, sizeof(elf) - 1, ENOEXEC, "FILE: truncated");
}

#else

static void test_not_built(void **state)
{
	struct fake_elf elf;

	(void)state;
	make(&elf);
	assert_refused(&elf, sizeof(elf), ENOTSUP,
		       "is an ELF file and this kexec was built without libelf");
}

#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compose),
		cmocka_unit_test(test_compose_of_what_changes),
#ifdef HAVE_ELF
		cmocka_unit_test(test_takes_a_kernel),
		cmocka_unit_test(test_without_5_levels),
		cmocka_unit_test(test_what_is_not_loaded),
		cmocka_unit_test(test_no_32bit_entry),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_every_truncation_is_seen),
#else
		cmocka_unit_test(test_not_built),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
