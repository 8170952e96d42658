// SPDX-License-Identifier: GPL-2.0-only
/* What firmware says about itself: how PSCI is called, and which UART is the console. */
#include "arch/arm64/arm64.h"

#include "base/cleanup.h"
#include "base/file.h"

#include <errno.h>
#include <libfdt.h>
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

static enum uart_kind find_kind(const void *fdt, int node)
{
	static const struct {
		const char *compatible;
		enum uart_kind kind;
	} known[] = {
		{ "arm,pl011", UART_PL011 },
		{ "arm,sbsa-uart", UART_PL011 },
		{ "ns16550a", UART_8250 },
		{ "ns16550", UART_8250 },
		{ "snps,dw-apb-uart", UART_8250 },
		{ "ns8250", UART_8250 },
		{ "brcm,bcm2835-aux-uart", UART_8250 },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!fdt_node_check_compatible(fdt, node, known[i].compatible))
			return known[i].kind;
	return UART_NONE;
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

static void take_stdout(const void *fdt, struct uart *out)
{
	int node = find_stdout(fdt);
	enum uart_kind kind = node < 0 ? UART_NONE : find_kind(fdt, node);
	uint64_t addr, shift, width;

	if (kind == UART_NONE || !dt_register(fdt, node, &addr))
		return;
	shift = number_or(fdt, node, "reg-shift", 0);
	width = number_or(fdt, node, "reg-io-width", kind == UART_PL011 ? 4 : 1);
	if (__builtin_add_overflow(addr, number_or(fdt, node, "reg-offset", 0), &addr) ||
	    shift > 4 || (width != 1 && width != 2 && width != 4))
		return;
	*out = (struct uart){ kind, addr, (unsigned int)shift, (unsigned int)width };
}

static enum psci_conduit find_conduit(const void *fdt)
{
	int node = fdt_path_offset(fdt, "/psci"), size;
	const char *method = node < 0 ? NULL : fdt_getprop(fdt, node, "method", &size);

	if (!method || size != 4 || method[3])
		return PSCI_NONE;
	return !strcmp(method, "hvc")	? PSCI_HVC
	       : !strcmp(method, "smc") ? PSCI_SMC
					: PSCI_NONE;
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
		return error_set(err, -ret, "%s: %s", path, strerror(-ret));
	if (!ret)
		*out = (struct bytes){ (uint8_t *)*data, size };
	return 0;
}

static int take_fadt(const char *root, enum psci_conduit *out, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	struct bytes table, at;
	uint16_t flags;
	int ret = read_table(root, "FACP", &data, &table, err);

	if (ret || !bytes_slice(table, FADT_ARM_BOOT_FLAGS, sizeof(flags), &at))
		return ret;
	memcpy(&flags, at.data, sizeof(flags));
	if (flags & FADT_PSCI_COMPLIANT)
		*out = flags & FADT_PSCI_USE_HVC ? PSCI_HVC : PSCI_SMC;
	return 0;
}

static enum uart_kind spcr_kind(uint8_t type)
{
	switch (type) {
	case SPCR_PL011:
	case SPCR_SBSA_32:
	case SPCR_SBSA:
		return UART_PL011;
	case SPCR_16550:
	case SPCR_16450:
	case SPCR_16550_G:
		return UART_8250;
	default:
		return UART_NONE;
	}
}

/* The kernel reads the table the same way: drivers/acpi/spcr.c. */
static int take_spcr(const char *root, struct uart *out, struct error *err)
{
	_cleanup_free_ char *data = NULL;
	struct generic_address where;
	struct bytes table, at;
	enum uart_kind kind;
	int ret = read_table(root, "SPCR", &data, &table, err);

	if (ret || !bytes_slice(table, SPCR_ADDRESS, sizeof(where), &at))
		return ret;
	memcpy(&where, at.data, sizeof(where));
	kind = spcr_kind(table.data[SPCR_TYPE]);
	if (kind == UART_NONE || where.space || !where.addr)
		return 0;
	*out = (struct uart){ .kind = kind, .addr = where.addr, .width = 4 };
	if (kind == UART_8250 && where.access == 3)
		out->shift = 2;
	else if (kind == UART_8250)
		out->width = 1;
	return 0;
}

int arm64_firmware_read(const char *root, struct arch_machine *m, struct error *err)
{
	int ret = 0;

	if (m->tree.data) {
		take_stdout(m->tree.data, &m->console);
		m->conduit = find_conduit(m->tree.data);
	}
	if (m->conduit == PSCI_NONE)
		ret = take_fadt(root, &m->conduit, err);
	if (!ret && m->console.kind == UART_NONE)
		ret = take_spcr(root, &m->console, err);
	return ret;
}
