// SPDX-License-Identifier: GPL-2.0-only
/* What firmware says about itself: how PSCI is called, and which UART is the console. */
#include "arch/arm64/arm64.h"

#include "arch/dt/libfdt.h"
#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>

#define TABLES	  "/sys/firmware/acpi/tables/"
#define TABLE_MAX 4096u /* bytes */

/* ACPI specification 6.5, section 5.2.9, "Fixed ACPI Description Table" */
#define FADT_ARM_BOOT_FLAGS 129u
#define FADT_PSCI_COMPLIANT 0x1u
#define FADT_PSCI_USE_HVC   0x2u

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
		{ "brcm,bcm2835-aux-uart", PURGATORY_UART_8250 },
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

/*
 * Sets @out unless the purgatory does not know these registers: number n of an 8250 is at
 * n << @shift, and read and written @width bytes at a time.
 */
static void set_uart(uint32_t type, uint64_t addr, uint64_t shift, uint64_t width,
		     struct arm64_uart *out)
{
	if (type == PURGATORY_UART_8250 && shift == 2 && width == 4)
		type = PURGATORY_UART_8250_32;
	else if (type == PURGATORY_UART_8250 && (shift || width != 1))
		type = 0;
	if (type && addr)
		*out = (struct arm64_uart){ addr, type };
}

static void take_stdout(const void *fdt, struct arm64_uart *out)
{
	int node = find_stdout(fdt);
	uint64_t addr;

	if (node < 0 || !dt_register(fdt, node, &addr) ||
	    __builtin_add_overflow(addr, number_or(fdt, node, "reg-offset", 0), &addr))
		return;
	set_uart(find_type(fdt, node), addr, number_or(fdt, node, "reg-shift", 0),
		 number_or(fdt, node, "reg-io-width", 1), out);
}

static uint32_t find_conduit(const void *fdt)
{
	int node = fdt_path_offset(fdt, "/psci"), size;
	const char *method = node < 0 ? NULL : fdt_getprop(fdt, node, "method", &size);

	if (!method || size != 4 || method[3])
		return PURGATORY_CONDUIT_NONE;
	return !strcmp(method, "hvc")	? PURGATORY_CONDUIT_HVC
	       : !strcmp(method, "smc") ? PURGATORY_CONDUIT_SMC
					: PURGATORY_CONDUIT_NONE;
}

/* Reads an ACPI table; 0 with an empty *@out if there is none. */
static int read_table(const char *root, const char *name, char **data, struct bytes *out,
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

static int take_fadt(const char *root, uint32_t *out, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	struct bytes table, at;
	uint16_t flags;
	int ret = read_table(root, "FACP", &data, &table, err);

	if (ret || !bytes_slice(table, FADT_ARM_BOOT_FLAGS, sizeof(flags), &at))
		return ret;
	memcpy(&flags, at.data, sizeof(flags));
	if (flags & FADT_PSCI_COMPLIANT)
		*out = flags & FADT_PSCI_USE_HVC ? PURGATORY_CONDUIT_HVC
						 : PURGATORY_CONDUIT_SMC;
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
static int take_spcr(const char *root, struct arm64_uart *out, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	struct generic_address where;
	struct bytes table, at;
	bool wide;
	int ret = read_table(root, "SPCR", &data, &table, err);

	if (ret || !bytes_slice(table, SPCR_ADDRESS, sizeof(where), &at))
		return ret;
	memcpy(&where, at.data, sizeof(where));
	wide = where.access == 3;
	if (where.space == 0)
		set_uart(spcr_type(table.data[SPCR_TYPE]), where.addr, wide ? 2 : 0,
			 wide ? 4 : 1, out);
	return 0;
}

int arm64_firmware_read(const char *root, struct arch_machine *m, struct error *err)
{
	int ret = 0;

	if (m->dt.tree.data) {
		take_stdout(m->dt.tree.data, &m->uart);
		m->conduit = find_conduit(m->dt.tree.data);
	}
	if (m->conduit == PURGATORY_CONDUIT_NONE)
		ret = take_fadt(root, &m->conduit, err);
	if (!ret && !m->uart.type)
		ret = take_spcr(root, &m->uart, err);
	return ret;
}
