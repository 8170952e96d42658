// SPDX-License-Identifier: GPL-2.0-only
/*
 * probe.c - a kernel that only prints what it was handed.
 *
 * Output goes to the serial port at 0x3f8, as the last loader configured it. Numbers are
 * hexadecimal without a prefix; tests/vm/probe.py parses the format.
 *
 *	PROBE BEGIN
 *	reg NAME VALUE
 *	load ADDR			of the payload
 *	boot_params ADDR
 *	hex OFFSET BYTES		content of the line above, 32 bytes each
 *	e820 ADDR SIZE TYPE		also those of SETUP_E820_EXT, in order
 *	cmdline ADDR TEXT		\xNN for unprintable bytes and '\'
 *	setup_data ADDR TYPE LEN	and hex lines
 *	efi SYSTAB MAP SIZE DESC_SIZE VERSION, and hex lines
 *	bad TEXT			an unreadable item
 *	PROBE END
 */
#include <asm/bootparam.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIAL_PORT 0x3f8 /* the first 8250, registers as in its data sheet */
#define SERIAL_LSR  (SERIAL_PORT + 5)
#define LSR_THRE    0x20
#define POLL_LIMIT  1000000

#define MAPPED_GIB     64UL   /* every test guest's RAM, at 4 KiB of page table each */
#define PTE_TABLE      0x3UL  /* present, writable */
#define PTE_LARGE      0x83UL /* also a large page, 2 MiB here */
#define CR4_LA57       (1UL << 12)
#define DATA_MAX       0x10000UL
#define MAX_NODES      64
#define MAX_CMDLINE    4096
#define BYTES_PER_LINE 32

struct entry_regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rflags, cr0, cr3, cr4, efer, cs, ds, es, ss;
};

extern uint8_t page_tables[] __attribute__((visibility("hidden")));
void probe_main(const struct entry_regs *regs, uint64_t load);

static void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static void put_char(char c)
{
	/* A missing port reads as 0xff or 0: neither stops the probe. */
	for (int i = 0; i < POLL_LIMIT && !(in8(SERIAL_LSR) & LSR_THRE); i++)
		;
	out8(SERIAL_PORT, (uint8_t)c);
}

static void put(const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			put_char('\r');
		put_char(*s);
	}
}

static void put_digits(uint64_t value, int digits)
{
	while (digits-- > 0) {
		unsigned int d = (value >> (4 * digits)) & 0xf;

		put_char((char)(d < 10 ? '0' + d : 'a' + d - 10));
	}
}

static void put_number(uint64_t value)
{
	int digits = 1;

	while (digits < 16 && value >> (4 * digits))
		digits++;
	put_char(' ');
	put_digits(value, digits);
}

/* True if the probe's own page tables map all of it. */
static bool reachable(uint64_t addr, uint64_t size)
{
	uint64_t limit = MAPPED_GIB << 30;

	if (addr && addr < limit && size <= limit - addr)
		return true;
	put("bad out of reach");
	put_number(addr);
	put_number(size);
	put("\n");
	return false;
}

static void put_hex_lines(uint64_t addr, uint64_t size)
{
	const uint8_t *data = (const uint8_t *)addr;

	if (size > DATA_MAX)
		size = DATA_MAX;
	for (uint64_t i = 0; i < size; i++) {
		if (i % BYTES_PER_LINE == 0) {
			put(i ? "\nhex" : "hex");
			put_number(i);
			put_char(' ');
		}
		put_digits(data[i], 2);
	}
	if (size)
		put("\n");
}

/*
 * The loader need not map the targets of setup_data and of EFI's map: a kernel maps them. So
 * the probe has its own identity map, of 2 MiB pages, which any CPU supports.
 */
static void map_memory(uint64_t cr4)
{
	uint64_t *top = (uint64_t *)page_tables;
	uint64_t *pml4 = top + 512, *pdpt = top + 1024, *pd = top + 1536;

	for (size_t i = 0; i < 1536; i++)
		top[i] = 0;
	top[0] = (uint64_t)pml4 | PTE_TABLE;
	pml4[0] = (uint64_t)pdpt | PTE_TABLE;
	for (uint64_t i = 0; i < MAPPED_GIB; i++)
		pdpt[i] = (uint64_t)(pd + 512 * i) | PTE_TABLE;
	for (uint64_t i = 0; i < MAPPED_GIB * 512; i++)
		pd[i] = i << 21 | PTE_LARGE;
	__asm__ volatile("movq %0, %%cr3"
			 :
			 : "r"(cr4 & CR4_LA57 ? top : pml4)
			 : "memory");
}

static void put_reg(const char *name, uint64_t value)
{
	put("reg ");
	put(name);
	put_number(value);
	put("\n");
}

static void put_regs(const struct entry_regs *r)
{
	put_reg("rax", r->rax);
	put_reg("rbx", r->rbx);
	put_reg("rcx", r->rcx);
	put_reg("rdx", r->rdx);
	put_reg("rsi", r->rsi);
	put_reg("rdi", r->rdi);
	put_reg("rbp", r->rbp);
	put_reg("rsp", r->rsp);
	put_reg("r8", r->r8);
	put_reg("r9", r->r9);
	put_reg("r10", r->r10);
	put_reg("r11", r->r11);
	put_reg("r12", r->r12);
	put_reg("r13", r->r13);
	put_reg("r14", r->r14);
	put_reg("r15", r->r15);
	put_reg("rflags", r->rflags);
	put_reg("cr0", r->cr0);
	put_reg("cr3", r->cr3);
	put_reg("cr4", r->cr4);
	put_reg("efer", r->efer);
	put_reg("cs", r->cs);
	put_reg("ds", r->ds);
	put_reg("es", r->es);
	put_reg("ss", r->ss);
}

static void put_e820(const struct boot_e820_entry *table, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		put("e820");
		put_number(table[i].addr);
		put_number(table[i].size);
		put_number(table[i].type);
		put("\n");
	}
}

static void put_setup_data(uint64_t addr)
{
	for (int i = 0; addr && i < MAX_NODES; i++) {
		const struct setup_data *node = (const struct setup_data *)addr;

		if (!reachable(addr, sizeof(*node)) ||
		    !reachable(addr + sizeof(*node), node->len))
			return;
		put("setup_data");
		put_number(addr);
		put_number(node->type);
		put_number(node->len);
		put("\n");
		put_hex_lines(addr + sizeof(*node), node->len);
		if (node->type == SETUP_E820_EXT)
			put_e820((const struct boot_e820_entry *)node->data,
				 node->len / sizeof(struct boot_e820_entry));
		addr = node->next;
	}
	if (addr)
		put("bad setup_data does not end\n");
}

static void put_efi(const struct boot_params *bp)
{
	struct efi_info efi = bp->efi_info;
	uint64_t map = efi.efi_memmap | (uint64_t)efi.efi_memmap_hi << 32;

	if (!efi.efi_loader_signature)
		return;
	put("efi");
	put_number(efi.efi_systab | (uint64_t)efi.efi_systab_hi << 32);
	put_number(map);
	put_number(efi.efi_memmap_size);
	put_number(efi.efi_memdesc_size);
	put_number(efi.efi_memdesc_version);
	put("\n");
	if (efi.efi_memmap_size && reachable(map, efi.efi_memmap_size))
		put_hex_lines(map, efi.efi_memmap_size);
}

static bool has_word(const char *text, const char *word)
{
	for (; *text; text++) {
		size_t n = 0;

		while (word[n] && text[n] == word[n])
			n++;
		if (!word[n] && (!text[n] || text[n] == ' '))
			return true;
	}
	return false;
}

static void put_cmdline(uint64_t addr)
{
	const char *text = (const char *)addr;

	put("cmdline");
	put_number(addr);
	put_char(' ');
	for (int i = 0; text[i] && i < MAX_CMDLINE; i++) {
		if (text[i] >= ' ' && text[i] <= '~' && text[i] != '\\') {
			put_char(text[i]);
		} else {
			put("\\x");
			put_digits((uint8_t)text[i], 2);
		}
	}
	put("\n");
}

/* Through the chipset, then the keyboard controller, then a triple fault. */
static void reset(void)
{
	static const struct __attribute__((packed)) {
		uint16_t limit;
		uint64_t base;
	} no_idt;

	out8(0xcf9, 0x2);
	out8(0xcf9, 0x6);
	out8(0x64, 0xfe);
	for (int i = 0; i < POLL_LIMIT; i++)
		in8(0x80);
	__asm__ volatile("lidt %0; int3" : : "m"(no_idt));
}

void probe_main(const struct entry_regs *regs, uint64_t load)
{
	const struct boot_params *bp = (const struct boot_params *)regs->rsi;
	uint64_t cmdline;

	map_memory(regs->cr4);
	put("\nPROBE BEGIN\n");
	put_regs(regs);
	put("load");
	put_number(load);
	put("\n");
	cmdline = 0;
	if (reachable(regs->rsi, sizeof(*bp))) {
		put("boot_params");
		put_number(regs->rsi);
		put("\n");
		put_hex_lines(regs->rsi, sizeof(*bp));
		put_e820(bp->e820_table, bp->e820_entries < E820_MAX_ENTRIES_ZEROPAGE
						 ? bp->e820_entries
						 : E820_MAX_ENTRIES_ZEROPAGE);
		cmdline = bp->hdr.cmd_line_ptr | (uint64_t)bp->ext_cmd_line_ptr << 32;
		if (cmdline && !reachable(cmdline, MAX_CMDLINE))
			cmdline = 0;
		if (cmdline)
			put_cmdline(cmdline);
		put_setup_data(bp->hdr.setup_data);
		put_efi(bp);
	}
	put("PROBE END\n");
	if (cmdline && has_word((const char *)cmdline, "probe.reset"))
		reset();
}
