// SPDX-License-Identifier: GPL-2.0-only
#include "arch/dt/chosen.h"

#include "arch/dt/libfdt.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "seed_mix.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/*
 * More than all that is added besides the command line and usable ranges: names, values,
 * two reservations.
 */
#define GROWTH 1024u

/* Of an address and a size in /chosen: at most two cells each. */
#define PAIR_MAX 16u

/*
 * Of the running kernel, or of the one whose crash it is to dump, and about their memory,
 * which is gone: dropped. The kernel writes the last three anew for those that use them
 * (IMA_KEXEC, KHO); we pass nothing on for them.
 */
static const char *const dropped[] = {
	"bootargs",
	"kaslr-seed",
	"rng-seed",
	"linux,initrd-start",
	"linux,initrd-end",
	"linux,elfcorehdr",
	"linux,usable-memory-range",
	"linux,dmcryptkeys",
	"linux,ima-kexec-buffer",
	"linux,kho-fdt",
	"linux,kho-scratch",
};

_Static_assert(DT_SIZE_MAX < 1u << 24, "the high byte of a tree's size is 0");

/* A tree under construction. */
struct build {
	void *fdt;
	int chosen;
	int ret; /* the first failure: FDT_ERR_..., negative */
};

static void keep_failure(struct build *b, int ret)
{
	if (ret < 0 && !b->ret)
		b->ret = ret;
}

static void add_bytes(struct build *b, const char *name, const void *value, size_t size)
{
	if (!b->ret)
		keep_failure(b, fdt_setprop(b->fdt, b->chosen, name, value, (int)size));
}

static void add_number(struct build *b, const char *name, uint64_t value)
{
	const fdt64_t big_endian = cpu_to_fdt64(value);

	add_bytes(b, name, &big_endian, sizeof(big_endian));
}

/*
 * Drops reservations of @r. We reserve the exact bytes, as the kernel does; firmware may
 * reserve whole pages.
 */
static void drop_reservations(struct build *b, struct range r)
{
	uint64_t exact = range_size(r), pages = align_up(r.end, 4096) - r.start;

	for (int i = fdt_num_mem_rsv(b->fdt) - 1; i >= 0 && !b->ret; i--) {
		uint64_t start, size;

		keep_failure(b, fdt_get_mem_rsv(b->fdt, i, &start, &size));
		if (!b->ret && start == r.start && (size == exact || size == pages))
			keep_failure(b, fdt_del_mem_rsv(b->fdt, i));
	}
}

/* The running kernel's initrd; false: it had none. */
static bool find_initrd(const struct build *b, struct range *out)
{
	return dt_number(b->fdt, b->chosen, "linux,initrd-start", &out->start) &&
	       dt_number(b->fdt, b->chosen, "linux,initrd-end", &out->end) &&
	       out->start < out->end && out->end < INT64_MAX;
}

/*
 * The ELF core headers, or another buffer: its address and size, in the root's cells;
 * false: none.
 */
static bool find_buffer(const struct build *b, const char *name, struct range *out)
{
	uint64_t length;

	return dt_pair(b->fdt, b->chosen, name, &out->start, &length) &&
	       !__builtin_add_overflow(out->start, length, &out->end) &&
	       out->start < out->end && out->end < INT64_MAX;
}

static bool has_registers(const void *fdt)
{
	int node = fdt_first_subnode(fdt, 0);

	while (node >= 0 && !fdt_getprop(fdt, node, "reg", NULL))
		node = fdt_next_subnode(fdt, node);
	return node >= 0;
}

/*
 * Without them Linux takes addresses and sizes for one cell each, libfdt for two and one:
 * it would read pairs in /chosen in another way than they were written. A tree without
 * registers, as old versions of GRUB make it under UEFI, gets two, which hold any address.
 */
static void settle_cells(struct build *b)
{
	static const char *const names[] = { "#address-cells", "#size-cells" };
	const fdt32_t cells = cpu_to_fdt32(has_registers(b->fdt) ? 1 : 2);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!fdt_getprop(b->fdt, 0, names[i], NULL))
			keep_failure(b, fdt_setprop(b->fdt, 0, names[i], &cells,
						    sizeof(cells)));
}

static void open_chosen(struct build *b)
{
	b->chosen = fdt_path_offset(b->fdt, "/chosen");
	if (b->chosen == -FDT_ERR_NOTFOUND)
		b->chosen = fdt_add_subnode(b->fdt, 0, "chosen");
	keep_failure(b, b->chosen);
}

/* A tree from outside may have a property twice. */
static void drop_property(struct build *b, const char *name)
{
	int ret = 0;

	while (!ret && !b->ret)
		ret = fdt_delprop(b->fdt, b->chosen, name);
	if (ret != -FDT_ERR_NOTFOUND)
		keep_failure(b, ret);
}

static void drop_old(struct build *b)
{
	static const char *const buffers[] = { "linux,elfcorehdr",
					       "linux,ima-kexec-buffer" };
	struct range r;

	if (!b->ret && find_initrd(b, &r))
		drop_reservations(b, r);
	for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
		if (!b->ret && find_buffer(b, buffers[i], &r))
			drop_reservations(b, r);
	for (size_t i = 0; i < sizeof(dropped) / sizeof(dropped[0]); i++)
		drop_property(b, dropped[i]);
}

/* Adds a pair of address and size to the value of @name, in the root's cells. */
static void add_pair(struct build *b, const char *name, struct range r)
{
	if (!b->ret)
		keep_failure(b, fdt_appendprop_addrrange(b->fdt, 0, b->chosen, name,
							 r.start, range_size(r)));
}

static void add_reservation(struct build *b, struct range r)
{
	if (!b->ret && range_size(r))
		keep_failure(b, fdt_add_mem_rsv(b->fdt, r.start, range_size(r)));
}

/* The crash kernel maps nothing but these ranges, and reserves the headers. */
static void add_crash(struct build *b, const struct dt_next *next)
{
	if (!range_size(next->elfcorehdr))
		return;
	add_pair(b, "linux,elfcorehdr", next->elfcorehdr);
	for (size_t i = 0; i < next->nr_usable; i++)
		add_pair(b, "linux,usable-memory-range", next->usable[i]);
}

static void add_new(struct build *b, const struct dt_next *next)
{
	static const uint8_t zeroes[SEED_SIZE];

	add_crash(b, next);
	if (range_size(next->initrd)) {
		add_number(b, "linux,initrd-start", next->initrd.start);
		add_number(b, "linux,initrd-end", next->initrd.end);
	}
	if (next->cmdline && *next->cmdline)
		add_bytes(b, "bootargs", next->cmdline, strlen(next->cmdline) + 1);
	if (next->kaslr_seed)
		add_bytes(b, "kaslr-seed", zeroes, DT_KASLR_SEED_SIZE);
	if (next->seed)
		add_bytes(b, "rng-seed", zeroes, SEED_SIZE);
	add_bytes(b, "linux,booted-from-kexec", NULL, 0);
	add_reservation(b, next->initrd);
	add_reservation(b, next->elfcorehdr);
	if (!b->ret)
		keep_failure(b, fdt_pack(b->fdt));
}

int dt_make_next(const struct dt *from, const struct dt_next *next, struct dt *out,
		 struct error *err)
{
	size_t cmdline = next->cmdline ? strlen(next->cmdline) : 0;
	_cleanup_free_ uint8_t *data = NULL;
	size_t size = from->size + GROWTH;
	struct build b = { 0 };

	*out = (struct dt){ 0 };
	if (cmdline > DT_SIZE_MAX || size + cmdline > 2 * DT_SIZE_MAX)
		return error_set(err, EFBIG, "the command line is too long");
	size += cmdline + next->nr_usable * PAIR_MAX;
	data = malloc(size);
	if (!data)
		return error_set(err, ENOMEM, "out of memory");
	b.fdt = data;
	keep_failure(&b, fdt_open_into(from->data, data, (int)size));
	if (!b.ret && range_size(next->elfcorehdr))
		settle_cells(&b);
	if (!b.ret)
		open_chosen(&b);
	drop_old(&b);
	add_new(&b, next);
	if (b.ret)
		return error_set(err, EBADMSG, "device tree: %s", fdt_strerror(b.ret));
	if (fdt_totalsize(data) > DT_SIZE_MAX)
		return error_set(
			err, EFBIG,
			"the device tree would have %u KiB; no kernel takes more "
			"than %zu",
			fdt_totalsize(data) >> 10, DT_SIZE_MAX >> 10);
	out->size = fdt_totalsize(data);
	out->data = take_ptr(data);
	return 0;
}

/* Finds a property of /chosen; *@size: its bytes. NULL: not there. */
static const uint8_t *find_value(struct bytes tree, const char *name, size_t *size)
{
	const uint8_t *value;
	int chosen, length;

	if (!dt_is_valid(tree))
		return NULL;
	chosen = fdt_path_offset(tree.data, "/chosen");
	value = chosen < 0 ? NULL : fdt_getprop(tree.data, chosen, name, &length);
	if (value)
		*size = (size_t)length;
	return value;
}

size_t dt_chosen_value(struct bytes tree, const char *name, size_t size)
{
	size_t found = 0;
	const uint8_t *value = find_value(tree, name, &found);

	return value && found == size ? (size_t)(value - tree.data) : 0;
}

size_t dt_chosen_cmdline(struct bytes tree)
{
	size_t size = 0;
	const uint8_t *value = find_value(tree, "bootargs", &size);

	if (value && size && !value[size - 1])
		return (size_t)(value - tree.data);
	return offsetof(struct fdt_header, totalsize); /* its high byte: DT_SIZE_MAX */
}
