// SPDX-License-Identifier: GPL-2.0-only
/*
 * cachecheck - a QEMU plugin that models caches, which emulation does not have, while arm64's
 * purgatory runs: every line in the worst state that the architecture allows.
 *
 *     -plugin cachecheck.so,ranges=FILE,out=FILE
 *
 * ranges, read when the old kernel turns its MMU off; addresses are physical, in hexadecimal:
 *     blob START END       the purgatory's memory: what runs there is checked
 *     listed START END     clean to the point of coherency at the start, as segments are
 *     read START END       what the next kernel reads before it has caches
 *     entry ADDR           the next kernel
 * out: one line per mistake, then one with counts.
 *
 * A line of 64 bytes is
 *     known   not of the old kernel, which may have left it dirty
 *     dirty   newer in the cache than in memory
 *     stale   an old copy may be in the cache, memory is newer
 *     absent  surely not in the cache
 * Limits: paths that do not run, other line sizes, real TLBs, DMA.
 */
#include "qemu_plugin.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE	       64
#define RAM	       0x40000000ull /* of QEMU's "virt" */
#define RAM_END	       0x80000000ull
#define LINES	       ((RAM_END - RAM) / LINE)
#define MAX_RANGES     64
#define MAX_FAULTS     40
#define MAX_BLOCKS     4096
#define MAX_MAINTAINED (1 << 22)

/* States of a line */
#define KNOWN	 0x01
#define DIRTY	 0x02
#define STALE	 0x04
#define ABSENT	 0x08
#define CLEANING 0x10 /* dc cvac, civac or ivac: at the next DSB */
#define CLEARING 0x20 /* and it leaves the cache */
#define TABLE	 0x40 /* page tables, walked when the MMU went on */

/* Bits 20..5 of MSR instructions: Arm ARM, "System register encoding" */
#define SCTLR_EL1 0xc080
#define SCTLR_EL2 0xe080
#define TTBR0_EL1 0xc100
#define TTBR0_EL2 0xe100
#define TCR_EL1	  0xc102
#define TCR_EL2	  0xe102
#define MAIR_EL1  0xc510
#define MAIR_EL2  0xe510

#define SCTLR_M (1 << 0)
#define SCTLR_C (1 << 2)
#define SCTLR_I (1 << 12)

/* op1, CRn, CRm, op2 of SYS instructions */
#define SYS(op1, crn, crm, op2) ((op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))

struct range {
	uint64_t start, end;
};

struct block { /* of the purgatory's map, only write-back memory */
	struct range pages;
};

static qemu_plugin_reg_descriptor registers[31];
static const char *ranges_file;
static FILE *out;

static uint8_t state[LINES];
static uint32_t written[LINES]; /* generation of instruction fetches at the last change */
static uint32_t maintained[MAX_MAINTAINED]; /* since the last DSB */
static size_t nr_maintained;
static uint32_t generation; /* counts "ic iallu" that have completed */

static struct range blob, listed[MAX_RANGES], reads[MAX_RANGES];
static unsigned int nr_listed, nr_reads;
static uint64_t entry;
static bool armed, jumped;
static size_t lowest = LINES, highest; /* lines that were stored to */

static uint64_t sctlr, ttbr, tcr, mair;
static struct block blocks[MAX_BLOCKS];
static unsigned int nr_blocks;
static bool pending_fetch, pending_tlb, flushed, awaiting_isb;
static unsigned int faults, accesses, operations;

static void fault(uint64_t pc, const char *fmt, ...)
{
	va_list ap;

	if (++faults > MAX_FAULTS)
		return;
	fprintf(out, "%" PRIx64 ": ", pc - blob.start);
	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
	fputc('\n', out);
	fflush(out);
}

static bool in_ram(uint64_t addr)
{
	return addr >= RAM && addr < RAM_END;
}

static size_t line_of(uint64_t addr)
{
	return (size_t)((addr - RAM) / LINE);
}

static bool in_range(const struct range *r, uint64_t addr)
{
	return addr >= r->start && addr < r->end;
}

static uint64_t read_register(unsigned int number)
{
	static GByteArray *bytes;
	uint64_t value = 0;

	if (number == 31)
		return 0;
	if (!bytes)
		bytes = g_byte_array_new();
	g_byte_array_set_size(bytes, 0);
	if (qemu_plugin_read_register(registers[number].handle, bytes) == sizeof(value))
		memcpy(&value, bytes->data, sizeof(value));
	return value;
}

static uint64_t read_memory(uint64_t addr)
{
	static GByteArray *bytes;
	uint64_t value = 0;

	if (!bytes)
		bytes = g_byte_array_new();
	g_byte_array_set_size(bytes, 0);
	if (qemu_plugin_read_memory_vaddr(addr, bytes, sizeof(value)))
		memcpy(&value, bytes->data, sizeof(value));
	return value;
}

/* --- The state of lines --- */

static bool is_cacheable(uint64_t addr)
{
	if ((sctlr & (SCTLR_M | SCTLR_C)) != (SCTLR_M | SCTLR_C))
		return false;
	for (unsigned int i = 0; i < nr_blocks; i++)
		if (in_range(&blocks[i].pages, addr))
			return true;
	return false;
}

static void store(uint64_t pc, uint64_t addr, bool whole_line)
{
	size_t line = line_of(addr);

	if (is_cacheable(addr)) {
		if (state[line] & STALE && !whole_line)
			fault(pc,
			      "store to %" PRIx64 " merges with an old copy in the cache",
			      addr);
		state[line] = (state[line] | KNOWN | DIRTY) & (uint8_t) ~(STALE | ABSENT);
	} else {
		if (state[line] & DIRTY || !(state[line] & KNOWN))
			fault(pc, "store to %" PRIx64 " beneath a line that may be dirty",
			      addr);
		if (!(state[line] & ABSENT))
			state[line] |= STALE;
	}
	if (state[line] & TABLE)
		fault(pc, "store to the page tables");
	written[line] = generation;
	lowest = line < lowest ? line : lowest;
	highest = line > highest ? line : highest;
}

static void load(uint64_t pc, uint64_t addr)
{
	size_t line = line_of(addr);

	if (is_cacheable(addr)) {
		if (state[line] & STALE)
			fault(pc, "load from %" PRIx64 " may find an old copy", addr);
		state[line] &= (uint8_t)~ABSENT;
	} else if (state[line] & DIRTY || !(state[line] & KNOWN)) {
		fault(pc, "load from %" PRIx64 " beneath a line that may be dirty", addr);
	}
}

static void fetch(uint64_t pc, uint64_t addr)
{
	size_t line = line_of(addr);

	if (state[line] & DIRTY || !(state[line] & KNOWN))
		fault(pc, "executes a line that may be dirty");
	if (sctlr & SCTLR_I && written[line] >= generation)
		fault(pc, "executes a line that may be older in the instruction cache");
}

static void maintain(uint64_t pc, unsigned int op, uint64_t addr)
{
	size_t line;

	operations++;
	if (!in_ram(addr))
		return;
	line = line_of(addr);
	if (nr_maintained == MAX_MAINTAINED) {
		fault(pc, "too many lines before a DSB for the checker");
		return;
	}
	switch (op) {
	case SYS(3, 7, 4, 1): /* dc zva */
		store(pc, addr, true);
		return;
	case SYS(3, 7, 11, 1): /* dc cvau: instructions only */
		return;
	case SYS(0, 7, 6, 1): /* dc ivac */
		if (state[line] & DIRTY)
			fault(pc, "dc ivac drops a dirty line at %" PRIx64, addr);
		state[line] |= CLEANING | CLEARING;
		break;
	case SYS(3, 7, 14, 1): /* dc civac */
		state[line] |= CLEANING | CLEARING;
		break;
	default: /* dc cvac */
		state[line] |= CLEANING;
	}
	maintained[nr_maintained++] = (uint32_t)line;
}

static void complete(void)
{
	for (size_t i = 0; i < nr_maintained; i++) {
		uint8_t *line = &state[maintained[i]];

		if (*line & CLEANING)
			*line = (*line | KNOWN) & (uint8_t)~DIRTY;
		if (*line & CLEARING)
			*line &= (uint8_t)~STALE;
		if (*line & CLEARING && !(sctlr & SCTLR_M))
			*line |= ABSENT;
		*line &= (uint8_t) ~(CLEANING | CLEARING);
	}
	nr_maintained = 0;
	if (pending_fetch)
		generation++;
	if (pending_tlb)
		flushed = true;
	pending_fetch = pending_tlb = false;
}

static bool is_pending(void)
{
	return nr_maintained || pending_fetch || pending_tlb;
}

/* --- The MMU --- */

static void add_block(uint64_t pc, uint64_t vaddr, uint64_t size, uint64_t descriptor)
{
	unsigned int attributes = mair >> (8 * (descriptor >> 2 & 7)) & 0xff;
	uint64_t addr = descriptor & 0xfffffffff000ull & ~(size - 1);

	if (addr != vaddr)
		fault(pc, "%" PRIx64 " is mapped to %" PRIx64, vaddr, addr);
	if ((attributes & 0xf0) < 0xc0 || (attributes & 0x0f) < 0x0c)
		return;
	if (nr_blocks && blocks[nr_blocks - 1].pages.end == vaddr)
		blocks[nr_blocks - 1].pages.end += size;
	else if (nr_blocks < MAX_BLOCKS)
		blocks[nr_blocks++].pages = (struct range){ vaddr, vaddr + size };
}

/* Descriptors: Arm ARM, "VMSAv8-64 translation table format descriptors". */
static void walk(uint64_t pc, uint64_t table, uint64_t vaddr, unsigned int level)
{
	uint64_t size = 1ull << (39 - 9 * level);

	for (unsigned int i = 0; i < 512; i++, vaddr += size) {
		uint64_t d = read_memory(table + 8 * i), at = table + 8 * i;

		if (in_ram(at) && i % (LINE / 8) == 0) {
			if (state[line_of(at)] & STALE)
				fault(pc,
				      "the walk may find an old page table at %" PRIx64,
				      at);
			state[line_of(at)] |= TABLE;
		}
		if ((d & 3) == 3 && level < 3)
			walk(pc, d & 0xfffffffff000ull, vaddr, level + 1);
		else if (d & 1)
			add_block(pc, vaddr, size, d);
	}
}

static void turn_mmu_on(uint64_t pc)
{
	unsigned int bits = 64 - (tcr & 0x3f);

	if (!flushed)
		fault(pc, "MMU on with old translations: no tlbi, or no DSB after it");
	nr_blocks = 0;
	walk(pc, ttbr & 0xfffffffff000ull, 0, bits > 39 ? 0 : 1);
	/* From now on other CPUs and this one may fetch anything that is mapped. */
	for (unsigned int i = 0; i < nr_blocks; i++)
		for (uint64_t a = blocks[i].pages.start; a < blocks[i].pages.end;
		     a += LINE)
			if (in_ram(a))
				state[line_of(a)] &= (uint8_t)~ABSENT;
}

static void write_sctlr(uint64_t pc, uint64_t value)
{
	if (is_pending())
		fault(pc, "SCTLR written before maintenance has completed");
	if (value & SCTLR_M && !(sctlr & SCTLR_M))
		turn_mmu_on(pc);
	sctlr = value;
	flushed = false;
	awaiting_isb = true;
}

/* --- The start and the end --- */

static void add_range(struct range *to, unsigned int *number, struct range r)
{
	if (*number < MAX_RANGES)
		to[(*number)++] = r;
}

static void read_ranges(void)
{
	FILE *file = fopen(ranges_file, "r");
	char word[16];
	struct range r;

	while (file && fscanf(file, "%15s %" SCNx64, word, &r.start) == 2) {
		if (!strcmp(word, "entry")) {
			entry = r.start;
			continue;
		}
		if (fscanf(file, "%" SCNx64, &r.end) != 1)
			break;
		if (!strcmp(word, "blob"))
			blob = r;
		else if (!strcmp(word, "listed"))
			add_range(listed, &nr_listed, r);
		else if (!strcmp(word, "read"))
			add_range(reads, &nr_reads, r);
	}
	if (file)
		fclose(file);
	armed = blob.end > blob.start && entry && nr_listed && nr_reads;
	for (unsigned int i = 0; i < nr_listed; i++)
		for (uint64_t a = listed[i].start; a < listed[i].end; a += LINE)
			if (in_ram(a))
				state[line_of(a)] = KNOWN;
}

/* Dirty lines are written back at any time, over what the next kernel has stored. */
static void check_jump(unsigned int vcpu, void *context)
{
	(void)vcpu;
	(void)context;
	if (jumped || !armed)
		return;
	jumped = true;
	if (sctlr & (SCTLR_M | SCTLR_C))
		fault(blob.start, "jump with MMU or caches on");
	if (is_pending())
		fault(blob.start, "jump before maintenance has completed");
	if (awaiting_isb)
		fault(blob.start, "jump without ISB after SCTLR");
	for (unsigned int i = 0; i < nr_reads; i++)
		for (uint64_t a = reads[i].start & -(uint64_t)LINE; a < reads[i].end;
		     a += LINE)
			if (in_ram(a) && (state[line_of(a)] & (DIRTY | STALE) ||
					  !(state[line_of(a)] & KNOWN)))
				fault(blob.start,
				      "the next kernel may read old bytes at %" PRIx64,
				      a);
	for (size_t line = lowest; line <= highest; line++)
		if (state[line] & DIRTY)
			fault(blob.start, "a dirty line is left at %" PRIx64,
			      RAM + (uint64_t)line * LINE);
}

static void report(qemu_plugin_id_t id, void *context)
{
	(void)id;
	(void)context;
	fprintf(out, "%u mistakes, %u accesses, %u lines maintained, %s, %s\n", faults,
		accesses, operations, armed ? "armed" : "not armed",
		jumped ? "jumped" : "no jump");
	fclose(out);
}

/* --- Hooks --- */

static void on_access(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t vaddr,
		      void *context)
{
	const struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, vaddr);
	uint64_t pc = (uint64_t)(uintptr_t)context, addr, size;

	(void)vcpu;
	if (jumped)
		return;
	if (awaiting_isb)
		fault(pc, "memory access between SCTLR and ISB");
	if (!where || qemu_plugin_hwaddr_is_io(where))
		return;
	/* in RAM the virtual address is the physical one: add_block() */
	addr = vaddr;
	size = 1ull << qemu_plugin_mem_size_shift(info);
	if (!in_ram(addr) || !in_ram(addr + size - 1))
		return;
	accesses++;
	for (uint64_t a = addr & -(uint64_t)LINE; a < addr + size; a += LINE)
		qemu_plugin_mem_is_store(info) ? store(pc, a < addr ? addr : a, false)
					       : load(pc, a < addr ? addr : a);
}

/* The instruction, and its address for messages. */
struct special {
	uint64_t pc;
	uint32_t code;
};

static void on_msr(uint64_t pc, unsigned int name, uint64_t value)
{
	if (name == SCTLR_EL1 || name == SCTLR_EL2)
		write_sctlr(pc, value);
	else if (name == TTBR0_EL1 || name == TTBR0_EL2)
		ttbr = value;
	else if (name == TCR_EL1 || name == TCR_EL2)
		tcr = value;
	else if (name == MAIR_EL1 || name == MAIR_EL2)
		mair = value;
}

static void on_sys(uint64_t pc, unsigned int op, unsigned int xt)
{
	if ((op >> 7 & 15) == 8) {
		pending_tlb = true;
	} else if (op == SYS(0, 7, 5, 0) || op == SYS(0, 7, 1, 0)) {
		pending_fetch = true;
	} else if (op == SYS(0, 7, 6, 2) || op == SYS(0, 7, 10, 2) ||
		   op == SYS(0, 7, 14, 2)) {
		fault(pc, "maintenance by set and way");
	} else if (op == SYS(0, 7, 6, 1) || op == SYS(3, 7, 4, 1) ||
		   op == SYS(3, 7, 10, 1) || op == SYS(3, 7, 11, 1) ||
		   op == SYS(3, 7, 14, 1)) {
		if (awaiting_isb)
			fault(pc, "maintenance between SCTLR and ISB");
		maintain(pc, op, read_register(xt));
	}
}

static bool is_barrier(uint32_t code, uint32_t which)
{
	return (code & 0xfffff0ff) == which;
}

static void on_special(unsigned int vcpu, void *context)
{
	const struct special *s = context;
	unsigned int xt = s->code & 31;

	(void)vcpu;
	if (jumped)
		return;
	if ((s->code & 0xfff00000) == 0xd5100000)
		on_msr(s->pc, s->code >> 5 & 0xffff, read_register(xt));
	else if ((s->code & 0xfff80000) == 0xd5080000)
		on_sys(s->pc, s->code >> 5 & 0x3fff, xt);
	else if (is_barrier(s->code, 0xd503309f) && (s->code >> 8 & 15) == 15)
		complete();
	else if (is_barrier(s->code, 0xd50330df))
		awaiting_isb = false;
}

/* The old kernel turns its MMU off. */
static void on_outside(unsigned int vcpu, void *context)
{
	const struct special *s = context;
	uint64_t value = read_register(s->code & 31);

	(void)vcpu;
	if (!(value & SCTLR_M) && !armed) {
		read_ranges();
		sctlr = value;
	}
}

static void on_block(unsigned int vcpu, void *context)
{
	const struct range *code = context;

	(void)vcpu;
	for (uint64_t a = code->start & -(uint64_t)LINE; !jumped && a < code->end;
	     a += LINE)
		fetch(code->start, a < code->start ? code->start : a);
}

static void *remember(const void *what, size_t size)
{
	void *to = malloc(size);

	if (!to)
		abort();
	return memcpy(to, what, size);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	const uint64_t start = qemu_plugin_tb_vaddr(tb);
	const size_t count = qemu_plugin_tb_n_insns(tb);
	const bool inside = armed && in_range(&blob, start);

	(void)id;
	if (armed && start == entry)
		qemu_plugin_register_vcpu_tb_exec_cb(tb, check_jump,
						     QEMU_PLUGIN_CB_NO_REGS, NULL);
	if (inside) {
		struct range code = { start, start + 4 * count };

		qemu_plugin_register_vcpu_tb_exec_cb(tb, on_block, QEMU_PLUGIN_CB_NO_REGS,
						     remember(&code, sizeof(code)));
	}
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		struct special s = { .pc = start + 4 * i };
		unsigned int name;

		if (qemu_plugin_insn_data(insn, &s.code, sizeof(s.code)) !=
		    sizeof(s.code))
			continue;
		name = s.code >> 5 & 0xffff;
		if (inside) {
			qemu_plugin_register_vcpu_mem_cb(
				insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
				QEMU_PLUGIN_MEM_RW, (void *)(uintptr_t)s.pc);
			if ((s.code & 0xffe00000) == 0xd5000000)
				qemu_plugin_register_vcpu_insn_exec_cb(
					insn, on_special, QEMU_PLUGIN_CB_R_REGS,
					remember(&s, sizeof(s)));
		} else if ((s.code & 0xfff00000) == 0xd5100000 &&
			   (name == SCTLR_EL1 || name == SCTLR_EL2)) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_outside,
							       QEMU_PLUGIN_CB_R_REGS,
							       remember(&s, sizeof(s)));
		}
	}
}

static void find_registers(qemu_plugin_id_t id, unsigned int vcpu)
{
	GArray *all = qemu_plugin_get_registers();
	const qemu_plugin_reg_descriptor *found = (void *)all->data;

	(void)id;
	(void)vcpu;
	for (unsigned int i = 0; i < all->len; i++) {
		char *end;
		unsigned long n;

		if (found[i].name[0] != 'x')
			continue;
		n = strtoul(found[i].name + 1, &end, 10);
		if (!*end && n < 31)
			registers[n] = found[i];
	}
}

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_CUR;

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv);
QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv)
{
	const char *out_file = NULL;

	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "ranges=", 7))
			ranges_file = strdup(argv[i] + 7);
		else if (!strncmp(argv[i], "out=", 4))
			out_file = argv[i] + 4;
	}
	out = out_file ? fopen(out_file, "w") : NULL;
	if (strcmp(info->target_name, "aarch64") || !info->system_emulation ||
	    !ranges_file || !out) {
		fprintf(stderr, "cachecheck: needs arm64, ranges=FILE and out=FILE\n");
		return -1;
	}
	qemu_plugin_register_vcpu_init_cb(id, find_registers);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, report, NULL);
	return 0;
}
