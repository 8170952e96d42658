// SPDX-License-Identifier: GPL-2.0-only
#include "image/unsupported.h"

#include <stdint.h>
#include <string.h>

static const struct magic {
	size_t offset;
	const char *bytes;
	size_t size;
	const char *name;
} magics[] = {
#define MAGIC(offset, bytes, name)                                                       \
	{                                                                                \
		offset, bytes, sizeof(bytes) - 1, name                                   \
	}
	MAGIC(0, "BZh", "a file compressed with bzip2 (unpack it first)"),
	MAGIC(0, "\x5d\0\0", "a file compressed with lzma (unpack it first)"),
	MAGIC(0, "\x89LZO\0", "a file compressed with lzop (unpack it first)"),
	MAGIC(0, "\x02\x21\x4c\x18", "a file compressed with lz4 (unpack it first)"),
	MAGIC(0, "\x04\x22\x4d\x18", "a file compressed with lz4 (unpack it first)"),
	MAGIC(0, "\x36\x13\x03\x1b", "an NBI image for booting from a network"),
	MAGIC(0, "BeoB", "a Beoboot image"),
	MAGIC(0, "\x27\x05\x19\x56", "an image for U-Boot"),
	MAGIC(0, "\xd0\x0d\xfe\xed", "a device tree or an image for U-Boot"),
	MAGIC(0, "070701", "an initrd (a cpio archive)"),
	MAGIC(0, "070702", "an initrd (a cpio archive)"),
	MAGIC(0, "#!", "a script"),
	MAGIC(0x38, "ARM\x64", "a kernel for arm64"),
	MAGIC(0x38, "RSC\x05", "a kernel for riscv64"),
	MAGIC(4, "zimg", "a compressed EFI kernel (zboot) for another architecture"),
	MAGIC(0x202, "HdrS", "a bzImage, a kernel for x86"),
	MAGIC(0, "MZ", "an EFI program that is no UKI: it has no section .linux"),
};

static uint32_t word(struct bytes b, size_t offset)
{
	uint32_t value;

	memcpy(&value, b.data + offset, sizeof(value));
	return value;
}

/*
 * Searches the first @reach bytes, at multiples of @step, for a header: @magic and the
 * next @words sum up to 0.
 */
static bool has_header(struct bytes b, size_t reach, size_t step, uint32_t magic,
		       size_t words)
{
	if (reach > b.size)
		reach = b.size;
	for (size_t at = 0; at + 4 * (words + 1) <= reach; at += step) {
		uint32_t sum = word(b, at);

		if (sum != magic)
			continue;
		for (size_t i = 1; i <= words; i++)
			sum += word(b, at + 4 * i);
		if (!sum)
			return true;
	}
	return false;
}

const char *unsupported_multiboot(struct bytes start)
{
	if (has_header(start, 8192, 4, 0x1badb002, 2))
		return "a Multiboot kernel";
	if (has_header(start, UNSUPPORTED_START_MAX, 8, 0xe85250d6, 3))
		return "a Multiboot2 kernel";
	return NULL;
}

const char *unsupported_machine(uint16_t pe_machine)
{
	switch (pe_machine) {
	case 0x014c:
		return "32-bit x86";
	case 0x01c2:
		return "32-bit ARM";
	case 0x5064:
		return "riscv64";
	case 0x6264:
		return "loongarch64";
	case 0x8664:
		return "x86_64";
	case 0xaa64:
		return "aarch64";
	default:
		return "another architecture";
	}
}

const char *unsupported_name(struct bytes start)
{
	static const uint8_t elf[] = { 0x7f, 'E', 'L', 'F' };
	const char *name;

	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++) {
		const struct magic *m = &magics[i];
		struct bytes at;

		if (bytes_slice(start, m->offset, m->size, &at) &&
		    memcmp(at.data, m->bytes, m->size) == 0)
			return m->name;
	}
	name = unsupported_multiboot(start);
	if (!name && start.size >= sizeof(elf) && !memcmp(start.data, elf, sizeof(elf)))
		return "an ELF file";
	return name;
}
