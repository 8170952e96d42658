// SPDX-License-Identifier: GPL-2.0-only
/*
 * The UART for the purgatory's messages: the user's, the next kernel's, or firmware's, from
 * the device tree or from ACPI.
 */
#include "arch/dt/boot_data.h"

#include "arch/arch.h"
#include "arch/dt/libfdt.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/units.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TABLES	  "/sys/firmware/acpi/tables/"
#define TABLE_MAX 4096u /* bytes */

/* Microsoft, "Serial Port Console Redirection Table": offsets, and interface types. */
#define SPCR_TYPE    36u
#define SPCR_ADDRESS 40u
#define SPCR_16550   0x00
#define SPCR_16450   0x01
#define SPCR_PL011   0x03
#define SPCR_SBSA_32 0x0d
#define SPCR_SBSA    0x0e
#define SPCR_16550_G 0x12

/* ACPI specification 6.5, section 5.2.3.2, "Generic Address Structure" */
struct generic_address {
	uint8_t space; /* 0: system memory */
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t access; /* 1: byte, 2: two, 3: four; 0: not given */
	uint64_t addr;
} __attribute__((packed));

_Static_assert(sizeof(struct generic_address) == 12, "ACPI specification");

/* --- Of firmware --- */

static uint32_t find_type(const void *fdt, int node)
{
	static const struct {
		const char *compatible;
		uint32_t type;
	} known[] = {
		{ "arm,pl011", PURGATORY_UART_PL011 },
		{ "arm,sbsa-uart", PURGATORY_UART_PL011 },
		{ "ns16550a", PURGATORY_UART_8250 },
		{ "ns16550", PURGATORY_UART_8250 },
		{ "snps,dw-apb-uart", PURGATORY_UART_8250 },
		{ "ns8250", PURGATORY_UART_8250 },
		/* always: its binding has no reg-shift */
		{ "brcm,bcm2835-aux-uart", PURGATORY_UART_8250_32 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!fdt_node_check_compatible(fdt, node, known[i].compatible))
			return known[i].type;
	return 0;
}

static uint64_t number_or(const void *fdt, int node, const char *name, uint64_t other)
{
	uint64_t value;

	return dt_number(fdt, node, name, &value) ? value : other;
}

/* The node of /chosen/stdout-path, whose options follow a colon; negative: none. */
static int find_stdout(const void *fdt)
{
	char path[256];
	int chosen = fdt_path_offset(fdt, "/chosen"), size;
	const char *text =
		chosen < 0 ? NULL : fdt_getprop(fdt, chosen, "stdout-path", &size);

	if (chosen >= 0 && !text)
		text = fdt_getprop(fdt, chosen, "linux,stdout-path", &size);
	if (!text || size < 2 || (size_t)size > sizeof(path) || text[size - 1])
		return -FDT_ERR_NOTFOUND;
	memcpy(path, text, (size_t)size);
	path[strcspn(path, ":")] = '\0';
	return dt_find_node(fdt, path);
}

/* Of its registers on arm64, with room for them to be mapped. */
#define UART_ADDR_MAX ((1ull << 48) - DT_UART_SIZE)

/*
 * Sets @out unless the purgatory does not know these registers or cannot reach them: number
 * n of an 8250 is at n << @shift, and read and written @width bytes at a time.
 */
static void set_uart(uint32_t type, uint64_t addr, uint64_t shift, uint64_t width,
		     struct dt_uart *out)
{
	if (type == PURGATORY_UART_8250 && shift == 2 && width == 4)
		type = PURGATORY_UART_8250_32;
	else if (type == PURGATORY_UART_8250 && (shift || width != 1))
		type = 0;
	if (type != PURGATORY_UART_8250 && addr % sizeof(uint32_t))
		type = 0;
	if (type && addr && addr <= UART_ADDR_MAX)
		*out = (struct dt_uart){ addr, type };
}

static void take_stdout(const void *fdt, struct dt_uart *out)
{
	int node = find_stdout(fdt);
	uint64_t addr;

	if (node < 0 || !dt_register(fdt, node, &addr) ||
	    __builtin_add_overflow(addr, number_or(fdt, node, "reg-offset", 0), &addr))
		return;
	set_uart(find_type(fdt, node), addr, number_or(fdt, node, "reg-shift", 0),
		 number_or(fdt, node, "reg-io-width", 1), out);
}

int dt_read_table(const char *root, const char *name, char **data, struct bytes *out,
		  struct error *err)
{
	_cleanup_free_ char *path = NULL;
	size_t size = 0;
	int ret;

	*out = (struct bytes){ 0 };
	if (asprintf(&path, "%s" TABLES "%s", root, name) < 0)
		return error_set(err, ENOMEM, "out of memory");
	ret = file_slurp(path, TABLE_MAX, data, &size);
	if (file_is_trouble(ret))
		return error_set(err, -ret, "%s: %s", path, errno_text(-ret));
	if (!ret)
		*out = (struct bytes){ (uint8_t *)*data, size };
	return 0;
}

static uint32_t spcr_type(uint8_t type)
{
	switch (type) {
	case SPCR_PL011:
	case SPCR_SBSA_32:
	case SPCR_SBSA:
		return PURGATORY_UART_PL011;
	case SPCR_16550:
	case SPCR_16450:
	case SPCR_16550_G:
		return PURGATORY_UART_8250;
	default:
		return 0;
	}
}

/* Registers of four bytes are four bytes apart: drivers/acpi/spcr.c of the kernel. */
static int take_spcr(const char *root, struct dt_uart *out, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	struct generic_address where;
	struct bytes table, at;
	bool wide;
	int ret = dt_read_table(root, "SPCR", &data, &table, err);

	if (ret || !bytes_slice(table, SPCR_ADDRESS, sizeof(where), &at))
		return ret;
	memcpy(&where, at.data, sizeof(where));
	wide = where.access == 3;
	if (where.space == 0)
		set_uart(spcr_type(table.data[SPCR_TYPE]), where.addr, wide ? 2 : 0,
			 wide ? 4 : 1, out);
	return 0;
}

int dt_read_uart(const char *root, struct dt_machine *m, struct error *err)
{
	if (m->tree.data)
		take_stdout(m->tree.data, &m->uart);
	return m->uart.type ? 0 : take_spcr(root, &m->uart, err);
}

/* --- On request --- */

const char arch_serial_values[] =
	"pl011,0xADDR, uart8250,mmio,0xADDR or uart8250,mmio32,0xADDR, below 4 GiB";

/* The type is in the low bits of load_request.serial_port: registers have 32 bits. */
#define SERIAL_TYPE_MASK 3u

/* earlycon= of Documentation/admin-guide/kernel-parameters.rst; longest words first. */
static const struct {
	const char *prefix;
	uint32_t type;
} uart_words[] = {
	{ "pl011,mmio32,", PURGATORY_UART_PL011 },
	{ "pl011,", PURGATORY_UART_PL011 },
	{ "uart8250,mmio32,", PURGATORY_UART_8250_32 },
	{ "uart8250,mmio,", PURGATORY_UART_8250 },
	{ "uart8250,", PURGATORY_UART_8250 },
	{ "uart,mmio32,", PURGATORY_UART_8250_32 },
	{ "uart,mmio,", PURGATORY_UART_8250 },
};

/* Parses the UART that @text begins with. Returns the end of its address; NULL: none. */
static const char *parse_uart(const char *text, struct dt_uart *out)
{
	for (size_t i = 0; i < sizeof(uart_words) / sizeof(uart_words[0]); i++) {
		size_t length = strlen(uart_words[i].prefix);
		struct dt_uart uart = { .type = uart_words[i].type };
		char *end;

		if (strncmp(text, uart_words[i].prefix, length) != 0)
			continue;
		if (strncmp(text + length, "0x", 2) != 0)
			return NULL;
		errno = 0;
		uart.addr = strtoull(text + length, &end, 16);
		if (errno || !uart.addr || uart.addr % sizeof(uint32_t) ||
		    uart.addr > UART_ADDR_MAX)
			return NULL;
		*out = uart;
		return end;
	}
	return NULL;
}

bool arch_parse_serial(const char *text, uint32_t *port)
{
	struct dt_uart uart;
	const char *end = parse_uart(text, &uart);

	if (!end || *end || uart.addr > UINT32_MAX)
		return false;
	*port = (uint32_t)uart.addr | uart.type;
	return true;
}

bool arch_check_serial(uint32_t port)
{
	return !port || ((port & SERIAL_TYPE_MASK) && (port & ~SERIAL_TYPE_MASK));
}

/* The last one with an address that @cmdline names with earlycon= or console=. */
static void find_uart(const char *cmdline, struct dt_uart *out)
{
	for (const char *word = cmdline; *word; word += strcspn(word, " \t\n")) {
		word += strspn(word, " \t\n");
		if (!strncmp(word, "earlycon=", 9))
			parse_uart(word + 9, out);
		else if (!strncmp(word, "console=", 8))
			parse_uart(word + 8, out);
	}
}

struct dt_uart dt_choose_uart(const struct plan_builder *b)
{
	struct dt_uart uart = dt_of_machine(b->in->machine)->uart;
	uint32_t given = b->in->request->serial_port;

	if (b->in->cmdline)
		find_uart(b->in->cmdline, &uart);
	if (given)
		uart = (struct dt_uart){ .addr = given & ~SERIAL_TYPE_MASK,
					 .type = given & SERIAL_TYPE_MASK };
	return uart;
}

void dt_fill_console(const struct plan_builder *b, struct purgatory_params *p)
{
	const struct load_request *r = b->in->request;
	struct dt_uart uart = dt_choose_uart(b);

	if (r->console_serial || r->console_vga)
		p->console |= PURGATORY_CONSOLE_VERBOSE;
	if (uart.type)
		p->console |= PURGATORY_CONSOLE_SERIAL;
	p->arch.uart = uart.addr;
	p->arch.uart_type = uart.type;
}
