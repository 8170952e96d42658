// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include "arch/arch.h"
#include "base/text.h"
#include "image/format.h"
#include "plan/cmdline.h"
#include "purgatory_params.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define SEED_TIMEOUT_MAX 3600 /* seconds */

#define SETTER(name)                                                                     \
	static int name(struct options *o, const struct option_row *row,                 \
			const char *value, struct error *err)

/* Of the row's member in struct options. */
static void *member(struct options *o, const struct option_row *row)
{
	return (char *)o + row->at;
}

/* --- Actions: the last of -l, -e, -u, -f, -p decides --- */

SETTER(set_load)
{
	(void)row, (void)value, (void)err;
	o->load = o->normal = true;
	o->exec = o->shutdown = false;
	return 0;
}

SETTER(set_load_panic)
{
	(void)row, (void)value, (void)err;
	o->request.target = KEXEC_TARGET_CRASH;
	o->load = true;
	o->exec = o->shutdown = o->sync = false;
	return 0;
}

SETTER(set_unload)
{
	(void)row, (void)value, (void)err;
	o->unload = true;
	o->load = o->shutdown = o->sync = false;
	return 0;
}

/* -e and -f: the member tells whether a kernel is loaded first. */
SETTER(set_jump)
{
	(void)value, (void)err;
	o->load = row->at;
	o->exec = o->sync = o->ifdown = true;
	o->shutdown = false;
	return 0;
}

/* --- Kinds of values --- */

SETTER(set_flag)
{
	(void)value, (void)err;
	*(bool *)member(o, row) = true;
	return 0;
}

/* As in kexec-tools, the first question ends parsing. */
SETTER(set_question)
{
	options_free(o);
	*o = (struct options){ 0 };
	set_flag(o, row, value, err);
	return 1;
}

SETTER(set_text)
{
	(void)err;
	*(const char **)member(o, row) = value;
	return 0;
}

/* Parses a number as strtoull(3) and kexec-tools do: decimal, 0x... or octal with 0... */
static int parse_number(const struct option_row *row, const char *text, uint64_t *out,
			struct error *err)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (errno || end == text || *end || strchr(text, '-'))
		return error_set(err, EINVAL,
				 "--%s=%s: not a number (hexadecimal ones begin with 0x)",
				 row->name, text);
	return 0;
}

SETTER(set_number)
{
	return parse_number(row, value, member(o, row), err);
}

#define MAX_WORDS 3

/* Sets *@out to the index of @text in @words (MAX_WORDS entries, or fewer and a NULL). */
static int parse_word(const struct option_row *row, const char *text,
		      const char *const words[MAX_WORDS], uint32_t *out,
		      struct error *err)
{
	for (uint32_t i = 0; i < MAX_WORDS && words[i]; i++)
		if (!strcmp(text, words[i])) {
			*out = i;
			return 0;
		}
	return error_set(err, EINVAL, "--%s=%s: must be %s%s%s or %s", row->name, text,
			 words[0], words[2] ? ", " : "", words[2] ? words[1] : "",
			 words[2] ? words[2] : words[1]);
}

/* --- Values of one option --- */

/* Stores @value, or what it was joined to, as the only owned text. */
static int keep_joined(const char **text, char **owned, char *joined, struct error *err)
{
	if (!joined)
		return error_set(err, ENOMEM, "out of memory");
	free(*owned);
	*text = *owned = joined;
	return 0;
}

SETTER(set_initrd)
{
	const char *before = o->request.initrd;
	char *joined;

	if (!*value || strchr(value, '\n'))
		return error_set(err, EINVAL, "--%s %s", row->name,
				 *value ? "takes no name with a line break"
					: "needs the name of a file");
	o->request.initrd = before ? before : value;
	if (!before)
		return 0;
	if (asprintf(&joined, "%s\n%s", before, value) < 0)
		joined = NULL;
	return keep_joined(&o->request.initrd, &o->initrds, joined, err);
}

SETTER(set_append)
{
	const char *before = o->request.cmdline;

	(void)row;
	o->request.cmdline = before ? before : value;
	if (!before)
		return 0;
	return keep_joined(&o->request.cmdline, &o->appended,
			   cmdline_append(before, value), err);
}

SETTER(set_method)
{
	(void)value;
	if (o->method && strcmp(o->method, row->name) != 0)
		return error_set(err, EINVAL, "--%s and --%s exclude each other",
				 o->method, row->name);
	o->method = row->name;
	o->request.method = (enum kexec_method)row->at;
	return 0;
}

SETTER(set_dry_run)
{
	static const char *const words[MAX_WORDS] = { "plan", "boot-data" };
	uint32_t word = 0;
	int ret = value ? parse_word(row, value, words, &word, err) : 0;

	o->request.dry_run = true;
	o->boot_data = word == 1;
	return ret;
}

SETTER(set_type)
{
	const struct image_format *f = image_format_of_type(value);
	char types[IMAGE_LIST_SIZE];

	(void)row;
	if (f && f->refusal)
		return error_set(err, ENOTSUP, "--type=%s: %s", value, f->refusal);
	o->request.format = f;
	if (f)
		return 0;
	image_list_types(types, sizeof(types));
	return error_set(err, EINVAL, "--type=%s: must be %s", value, types);
}

/* Users give the last address; the request stores the first one beyond. */
SETTER(set_mem_max)
{
	uint64_t last = 0;
	int ret = parse_number(row, value, &last, err);

	o->request.mem_max = last == UINT64_MAX ? 0 : last + 1;
	return ret;
}

SETTER(set_seed)
{
	static const char *const words[MAX_WORDS] = { "auto", "require", "off" };
	uint32_t word = 0;
	int ret = parse_word(row, value, words, &word, err);

	o->request.seed = (enum seed_policy)word;
	return ret;
}

SETTER(set_seed_timeout)
{
	uint64_t seconds;
	int ret = parse_number(row, value, &seconds, err);

	if (!ret && seconds > SEED_TIMEOUT_MAX)
		return error_set(err, EINVAL, "--seed-timeout=%s: at most %d", value,
				 SEED_TIMEOUT_MAX);
	o->request.seed_timeout = (uint32_t)seconds;
	return ret;
}

SETTER(set_seed_mix)
{
	static const char *const words[MAX_WORDS] = { "auto", "off" };
	uint32_t word = 0;
	int ret = parse_word(row, value, words, &word, err);

	o->request.mix_off = word == 1;
	return ret;
}

SETTER(set_vmgenid_addr)
{
	o->request.vmgenid_given = true;
	if (text_number(text_from(value), member(o, row)))
		return 0;
	return error_set(err, EINVAL, "--vmgenid-addr=%s: " TEXT_NUMBER_RULE, value);
}

SETTER(set_on_corruption)
{
	static const char *const words[MAX_WORDS] = {
		[PURGATORY_RESET] = "reset",
		[PURGATORY_HALT] = "halt",
		[PURGATORY_BOOT] = "boot",
	};

	return parse_word(row, value, words, member(o, row), err);
}

SETTER(set_purgatory_caches)
{
	static const char *const words[MAX_WORDS] = { [false] = "on", [true] = "off" };
	uint32_t word = 0;
	int ret = parse_word(row, value, words, &word, err);

	o->request.caches_off = word;
	return ret;
}

SETTER(set_serial)
{
	if (arch_parse_serial(value, member(o, row)))
		return 0;
	return error_set(err, EINVAL, "--serial=%s: must be %s", value,
			 arch_serial_values);
}

SETTER(set_serial_baud)
{
	uint64_t baud;
	int ret = parse_number(row, value, &baud, err);

	if (ret)
		return ret;
	/* a UART divides 115200 by an integer */
	if (baud < 9600 || baud > 115200 || 115200 % baud)
		return error_set(err, EINVAL,
				 "--serial-baud=%s: must be 9600, 19200, 38400, 57600 or "
				 "115200",
				 value);
	o->request.serial_baud = (uint32_t)baud;
	return 0;
}

#define NO_JUMP_BACK "this kexec cannot jump back into the kernel that was left"
#define NO_XEN	     "this kexec does not update Xen"
#define NO_DTB	     "this kexec hands over the machine's own ACPI tables or device tree"

SETTER(set_dtb)
{
	(void)row, (void)err;
	o->request.dtb = value;
	return 0;
}

/* kexec-tools jumps back to any address but the default, 0. */
SETTER(set_entry)
{
	uint64_t addr;
	int ret = parse_number(row, value, &addr, err);

	(void)o;
	if (ret || !addr)
		return ret;
	return error_set(err, ENOTSUP, "--entry=%s: " NO_JUMP_BACK, value);
}

#define AT(member)     offsetof(struct options, member)
#define CALL(set)      false, NULL, set, 0
#define VALUE(set)     true, NULL, set, 0
#define IGNORED	       false, NULL, NULL, 0
#define REFUSED(why)   false, why, NULL, 0
#define FLAG(member)   false, NULL, set_flag, AT(member)
#define QUESTION(name) false, NULL, set_question, AT(name)
#define TEXT(member)   true, NULL, set_text, AT(request.member)
#define METHOD(method) false, NULL, set_method, method

const struct option_row option_table[] = {
	{ "help", 'h', QUESTION(help) },
	{ "version", 'v', QUESTION(version) },
	{ "v", 0, QUESTION(version) }, /* ambiguous here, but not in kexec-tools */
	{ "debug", 'd', FLAG(request.debug) },
	{ "load", 'l', CALL(set_load) },
	{ "load-panic", 'p', CALL(set_load_panic) },
	{ "unload", 'u', CALL(set_unload) },
	{ "exec", 'e', false, NULL, set_jump, false },
	{ "force", 'f', false, NULL, set_jump, true },
	{ "no-checks", 'i', FLAG(request.no_checks) },
	{ "no-ifdown", 'x', FLAG(no_ifdown) },
	{ "no-sync", 'y', FLAG(no_sync) },
	{ "kexec-file-syscall", 's', METHOD(METHOD_FILE) },
	{ "kexec-syscall", 'c', METHOD(METHOD_LOAD) },
	{ "kexec-syscall-auto", 'a', METHOD(METHOD_AUTO) },
	{ "status", 'S', FLAG(status) },
	{ "type", 't', VALUE(set_type) },
	{ "initrd", 0, VALUE(set_initrd) },
	{ "ramdisk", 0, VALUE(set_initrd) },
	{ "append", 0, VALUE(set_append) },
	{ "command-line", 0, VALUE(set_append) },
	{ "reuse-cmdline", 0, FLAG(request.reuse_cmdline) },
	{ "reuseinitrd", 0, FLAG(request.reuse_initrd) },
	{ "entry-32bit", 0, FLAG(request.entry_32bit) },
	{ "mem-min", 0, true, NULL, set_number, AT(request.mem_min) },
	{ "mem-max", 0, VALUE(set_mem_max) },
	{ "noefi", 0, FLAG(request.noefi) },
	{ "no-cma", 0, FLAG(request.no_cma) },
	{ "hotplug", 0, FLAG(request.hotplug) },
	{ "pass-memmap-cmdline", 0, FLAG(request.memmap_cmdline) },
	{ "print-ckr-size", 0, QUESTION(crash_size) },
	{ "seed", 0, VALUE(set_seed) },
	{ "seed-timeout", 0, VALUE(set_seed_timeout) },
	{ "seed-mix", 0, VALUE(set_seed_mix) },
	{ "vmgenid-addr", 0, true, NULL, set_vmgenid_addr, AT(request.vmgenid_addr) },
	{ "on-corruption", 0, true, NULL, set_on_corruption, AT(request.on_corruption) },
	{ "purgatory-caches", 0, VALUE(set_purgatory_caches) },
	{ "serial", 0, true, NULL, set_serial, AT(request.serial_port) },
	{ "serial-baud", 0, VALUE(set_serial_baud) },
	{ "console-vga", 0, FLAG(request.console_vga) },
	{ "console-serial", 0, FLAG(request.console_serial) },
	{ "reset-vga", 0, FLAG(reset_vga) },
	{ "dry-run", 0, optional_argument, NULL, set_dry_run, 0 },
	{ "json", 0, FLAG(json) },
	{ "facts", 0, TEXT(root) },
	{ "entry", 0, VALUE(set_entry) },
	/* accepted: they ask for the default */
	{ "args-linux", 0, IGNORED },
	{ "elf32-core-headers", 0, IGNORED },
	{ "elf64-core-headers", 0, IGNORED },
	{ "reuse-video-type", 0, IGNORED },
	{ "load-preserve-context", 0, REFUSED(NO_JUMP_BACK) },
	{ "load-jump-back-helper", 0, REFUSED(NO_JUMP_BACK) },
	{ "load-live-update", 0, REFUSED(NO_XEN) },
	{ "exec-live-update", 0, REFUSED(NO_XEN) },
	{ "real-mode", 0,
	  REFUSED("16-bit code needs the BIOS, which a running kernel leaves unusable; "
		  "--entry-32bit does not") },
	{ "args-elf", 0, REFUSED("only Linux is booted, which reads no ELF notes") },
	{ "args-none", 0, REFUSED("only Linux is booted, which needs its boot data") },
	{ "module", 0, true, "only Linux is booted, which takes no multiboot modules",
	  NULL, 0 },
	{ "dtb", 0, true, NO_DTB, set_dtb, 0 },
	{ "force-dtb", 0, REFUSED(NO_DTB) },
	{ NULL, 0, IGNORED },
};

/* Scripts search this text for option names: list every useful one. */
void options_print_help(FILE *to)
{
	char types[IMAGE_LIST_SIZE];

	image_list_types(types, sizeof(types));
	fprintf(to,
		"Usage: kexec [OPTION]... KERNEL\n"
		"Boot another kernel from the running one, with a fresh random seed.\n\n"
		"  -l, --load             load KERNEL          -e, --exec    jump into it\n"
		"  -u, --unload           forget it            -S, --status  exit 1 if loaded\n"
		"  -p, --load-panic       act on the crash kernel\n"
		"  -f, --force            load, jump at once   (none of these: load, shut down)\n"
		"      --initrd=FILE      initial RAM disk (also --ramdisk, --reuseinitrd)\n"
		"      --append=TEXT      command line (also --command-line, --reuse-cmdline)\n"
		"  -t, --type=TYPE        %s; --entry-32bit\n"
		"      --seed=WHEN        auto, require, or off; --seed-timeout=SECONDS [10]\n"
		"      --seed-mix=        auto, or off; --vmgenid-addr=ADDR\n"
		"  -a, --kexec-syscall-auto   kexec_load, or else kexec_file_load [default]\n"
		"  -c, --kexec-syscall        kexec_load only  -s, --kexec-file-syscall\n"
		"      --mem-min=ADDR, --mem-max=ADDR, --no-cma, --noefi    how to load\n"
		"      --hotplug, --pass-memmap-cmdline, --print-ckr-size   for -p\n"
		"  -x, --no-ifdown        leave network up     -y, --no-sync   leave disks\n"
		"  -i, --no-checks        jump without verifying digests\n"
		"      --on-corruption=   reset, halt, or boot when a digest is wrong\n"
		"      --purgatory-caches=    on, or off (arm64)%s\n"
		"      --console-serial, --console-vga         messages of the purgatory\n"
		"      --serial=ttyS0|0xPORT, --serial-baud=RATE (--reset-vga: no effect)\n"
		"      --dry-run[=boot-data]   print the plan only: --json, --facts=DIR\n"
		"  -d, --debug   -v, --version   -h, --help    see kexec(8)\n",
		types, arch_takes_dtb ? "; --dtb=FILE" : "");
}
