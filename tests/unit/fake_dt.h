/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fake_dt.h - the device tree of a small machine, with all that the loader looks at.
 */
#ifndef KS_FAKE_DT_H
#define KS_FAKE_DT_H

#include "check.h"

#include <libfdt.h>
#include <stdalign.h>
#include <string.h>

#define FAKE_DT_SIZE 8192

/* Of the old kernel: its initrd, ELF core headers, and memory that firmware reserves. */
#define OLD_INITRD     0x48000000ull
#define OLD_INITRD_END 0x48123456ull
#define OLD_HEADERS    0x7f000000ull
#define OLD_IMA	       0x7e000000ull
#define FIRMWARE       0x40000000ull
#define CMA_POOL       0x60000000ull

struct fake_dt {
	alignas(8) uint8_t data[FAKE_DT_SIZE];
};

static inline void fake_dt_cells(void *fdt, unsigned int addr, unsigned int size)
{
	assert_int_equal(fdt_property_u32(fdt, "#address-cells", addr), 0);
	assert_int_equal(fdt_property_u32(fdt, "#size-cells", size), 0);
}

static inline void fake_dt_pair(void *fdt, const char *name, uint64_t a, uint64_t b)
{
	const fdt64_t pair[2] = { cpu_to_fdt64(a), cpu_to_fdt64(b) };

	assert_int_equal(fdt_property(fdt, name, pair, sizeof(pair)), 0);
}

static inline void fake_dt_chosen(void *fdt)
{
	static const uint8_t seed[128];

	fdt_begin_node(fdt, "chosen");
	fdt_property_string(fdt, "bootargs", "root=old quiet");
	fdt_property_string(fdt, "stdout-path", "serial0:115200n8");
	fdt_property_u64(fdt, "kaslr-seed", 0);
	fdt_property(fdt, "rng-seed", seed, sizeof(seed));
	fdt_property_u32(fdt, "linux,initrd-start", OLD_INITRD);
	fdt_property_u32(fdt, "linux,initrd-end", OLD_INITRD_END);
	fake_dt_pair(fdt, "linux,elfcorehdr", OLD_HEADERS, 0x1000);
	fake_dt_pair(fdt, "linux,usable-memory-range", 0x50000000, 0x10000000);
	fake_dt_pair(fdt, "linux,ima-kexec-buffer", OLD_IMA, 0x2000);
	fdt_property_string(fdt, "u-boot,version", "2026.01");
	fdt_end_node(fdt);
}

static inline void fake_dt_devices(void *fdt)
{
	const fdt32_t ranges[] = { cpu_to_fdt32(0x1000), cpu_to_fdt32(0x9),
				   cpu_to_fdt32(0x00000000), cpu_to_fdt32(0x10000) };
	const fdt32_t reg[] = { cpu_to_fdt32(0x3000), cpu_to_fdt32(0x100) };

	fdt_begin_node(fdt, "aliases");
	fdt_property_string(fdt, "serial0", "/pl011@9000000");
	fdt_property_string(fdt, "serial1", "/soc/uart@3000");
	fdt_property_string(fdt, "serial2", "serial2");
	fdt_property_string(fdt, "soc", "/soc");
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "psci");
	fdt_property_string(fdt, "method", "hvc");
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "pl011@9000000");
	fdt_property(fdt, "compatible", "arm,pl011\0arm,primecell", 24);
	fake_dt_pair(fdt, "reg", 0x9000000, 0x1000);
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "soc");
	fake_dt_cells(fdt, 1, 1);
	fdt_property(fdt, "ranges", ranges, sizeof(ranges));
	fdt_begin_node(fdt, "uart@3000");
	fdt_property_string(fdt, "compatible", "snps,dw-apb-uart");
	fdt_property(fdt, "reg", reg, sizeof(reg));
	fdt_property_u32(fdt, "reg-shift", 2);
	fdt_property_u32(fdt, "reg-io-width", 4);
	fdt_end_node(fdt);
	fdt_end_node(fdt);
}

static inline void fake_dt_memory(void *fdt)
{
	fdt_begin_node(fdt, "memory@40000000");
	fdt_property_string(fdt, "device_type", "memory");
	fake_dt_pair(fdt, "reg", 0x40000000, 0x40000000);
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "reserved-memory");
	fake_dt_cells(fdt, 2, 2);
	fdt_property(fdt, "ranges", NULL, 0);
	fdt_begin_node(fdt, "pool@60000000");
	fake_dt_pair(fdt, "reg", CMA_POOL, 0x1000000);
	fdt_end_node(fdt);
	fdt_begin_node(fdt, "dynamic");
	fdt_property_u64(fdt, "size", 0x100000);
	fdt_end_node(fdt);
	fdt_end_node(fdt);
}

static inline void fake_dt(struct fake_dt *t)
{
	void *fdt = t->data;

	memset(t, 0, sizeof(*t));
	assert_int_equal(fdt_create(fdt, sizeof(t->data)), 0);
	fdt_add_reservemap_entry(fdt, FIRMWARE, 0x80000);
	fdt_add_reservemap_entry(fdt, OLD_INITRD, OLD_INITRD_END - OLD_INITRD);
	fdt_add_reservemap_entry(fdt, OLD_HEADERS, 0x1000);
	fdt_add_reservemap_entry(fdt, OLD_IMA, 0x2000);
	fdt_finish_reservemap(fdt);
	fdt_begin_node(fdt, "");
	fake_dt_cells(fdt, 2, 2);
	fdt_property_string(fdt, "compatible", "linux,dummy-virt");
	fake_dt_memory(fdt);
	fake_dt_devices(fdt);
	fake_dt_chosen(fdt);
	fdt_end_node(fdt);
	assert_int_equal(fdt_finish(fdt), 0);
}

#endif
