// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include "options_table.h"
#include "plan/cmdline.h"
#include "purgatory_params.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* With all names that mean something: scripts look in it for what there is. */
void options_print_help(FILE *to)
{
	fputs("Usage: kexec [OPTION]... KERNEL\n"
	      "Boot another kernel from the running one, with a fresh random seed.\n\n"
	      "  -l, --load             load KERNEL          -e, --exec    jump into it\n"
	      "  -u, --unload           forget it            -S, --status  exit 1 if loaded\n"
	      "  -p, --load-panic       act on the crash kernel\n"
	      "  -f, --force            load, jump at once   (none of these: load, shut down)\n"
	      "      --initrd=FILE      initial RAM disk (also --ramdisk, --reuseinitrd)\n"
	      "      --append=TEXT      command line (also --command-line, --reuse-cmdline)\n"
	      "  -t, --type=TYPE        bzImage, bzImage64, elf-x86_64, uki; --entry-32bit\n"
	      "      --seed=WHEN        auto, require, or off; --seed-timeout=SECONDS [10]\n"
	      "      --seed-mix=        auto, or off; --vmgenid-addr=ADDR\n"
	      "  -a, --kexec-syscall-auto   kexec_load, or else kexec_file_load [default]\n"
	      "  -c, --kexec-syscall        kexec_load only  -s, --kexec-file-syscall\n"
	      "      --mem-min=ADDR, --mem-max=ADDR, --no-cma, --noefi    how to load\n"
	      "      --hotplug, --pass-memmap-cmdline, --print-ckr-size   for -p\n"
	      "  -x, --no-ifdown        leave network up     -y, --no-sync   leave disks\n"
	      "  -i, --no-checks        jump without verifying digests\n"
	      "      --on-corruption=   reset, halt, or boot when a digest is wrong\n"
	      "      --console-serial, --console-vga         messages of the purgatory\n"
	      "      --serial=ttyS0|0xPORT, --serial-baud=RATE\n"
	      "      --dry-run          print the plan only: --json, --facts=DIR\n"
	      "  -d, --debug   -v, --version   -h, --help    see kexec(8)\n",
	      to);
}

static int parse_number(const char *option, const char *text, uint64_t *out,
			struct error *err)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (errno || end == text || *end || strchr(text, '-'))
		return error_set(err, EINVAL,
				 "%s=%s: not a number (hexadecimal ones begin with 0x)",
				 option, text);
	return 0;
}

#define MAX_WORDS 3

/* The position of @text in @words (MAX_WORDS or ended by NULL) into *@out. */
static int parse_word(const char *option, const char *text,
		      const char *const words[MAX_WORDS], uint32_t *out,
		      struct error *err)
{
	for (uint32_t i = 0; i < MAX_WORDS && words[i]; i++)
		if (!strcmp(text, words[i])) {
			*out = i;
			return 0;
		}
	return error_set(err, EINVAL, "%s=%s: must be %s%s%s or %s", option, text,
			 words[0], words[2] ? ", " : "", words[2] ? words[1] : "",
			 words[2] ? words[2] : words[1]);
}

static int parse_serial(const char *text, uint32_t *port, struct error *err)
{
	char *end;
	unsigned long value = serial_port_of(text);

	if (!value && !strncmp(text, "0x", 2)) {
		value = strtoul(text + 2, &end, 16);
		if (*end)
			value = 0;
	}
	if (!value || value > 0xffff)
		return error_set(err, EINVAL,
				 "--serial=%s: must be ttyS0 to ttyS3 or 0xPORT", text);
	*port = (uint32_t)value;
	return 0;
}

static int parse_baud(const char *text, uint32_t *baud, struct error *err)
{
	uint64_t value;
	int ret = parse_number("--serial-baud", text, &value, err);

	if (ret)
		return ret;
	/* what the 8250's divisor of 115200 can make */
	if (value < 9600 || value > 115200 || 115200 % value)
		return error_set(err, EINVAL,
				 "--serial-baud=%s: must be 9600, 19200, 38400, 57600 or "
				 "115200",
				 text);
	*baud = (uint32_t)value;
	return 0;
}

static int parse_type(const char *text, struct options *o, struct error *err)
{
	const struct option_type *t = option_types;

	while (t->name && strcmp(t->name, text))
		t++;
	if (!t->name)
		return error_set(
			err, EINVAL,
			"--type=%s: must be bzImage, bzImage64, elf-x86_64 or uki", text);
	if (t->refusal)
		return error_set(err, ENOTSUP, "--type=%s: %s", text, t->refusal);
	o->type = t->type;
	return 0;
}

/* kexec-tools jumps back to that address, unless it is 0. */
static int parse_entry(const char *text, struct error *err)
{
	uint64_t addr;
	int ret = parse_number("--entry", text, &addr, err);

	return ret || !addr ? ret
			    : error_set(err, ENOTSUP, "--entry=%s: %s", text,
					option_refusal(OPT_PRESERVE_CONTEXT));
}

/* -l, -e, -u, -f, -p: the last one decides, with kexec-tools' meaning. */
static bool parse_action(int opt, struct options *o)
{
	switch (opt) {
	case 'p':
		o->target = KEXEC_TARGET_CRASH;
		o->sync = false;
		/* fallthrough */
	case 'l':
		o->load = true;
		o->exec = o->shutdown = false;
		return true;
	case 'u':
		o->unload = true;
		o->load = o->shutdown = o->sync = false;
		return true;
	case 'f':
	case 'e':
		o->load = opt == 'f';
		o->exec = o->sync = o->ifdown = true;
		o->shutdown = false;
		return true;
	}
	return false;
}

static bool parse_flag(int opt, struct options *o)
{
	switch (opt) {
	case 'd':
		return o->debug = true;
	case 'i':
		return o->no_checks = true;
	case 'S':
		return o->status = true;
	case 'a':
		o->method = METHOD_AUTO;
		return true;
	case 'c':
		o->method = METHOD_LOAD;
		return true;
	case 's':
		o->method = METHOD_FILE;
		return true;
	case OPT_REUSE_CMDLINE:
		return o->reuse_cmdline = true;
	case OPT_REUSE_INITRD:
		return o->reuse_initrd = true;
	case OPT_ENTRY_32BIT:
		return o->entry_32bit = true;
	case OPT_NOEFI:
		return o->noefi = true;
	case OPT_NO_CMA:
		return o->no_cma = true;
	case OPT_HOTPLUG:
		return o->hotplug = true;
	case OPT_MEMMAP_CMDLINE:
		return o->memmap_cmdline = true;
	case OPT_CONSOLE_VGA:
		return o->console_vga = true;
	case OPT_CONSOLE_SERIAL:
		return o->console_serial = true;
	case OPT_DRY_RUN:
		return o->dry_run = true;
	case OPT_JSON:
		return o->json = true;
	case OPT_ALWAYS_SO:
		return true;
	}
	return false;
}

static int parse_value(int opt, const char *arg, struct options *o, struct error *err)
{
	static const char *const seeds[] = { "auto", "require", "off" };
	static const char *const corruptions[] = { "reset", "halt", "boot" };
	static const char *const mixes[MAX_WORDS] = { "auto", "off" };
	uint32_t word = 0;
	uint64_t number = 0;
	int ret = 0;

	switch (opt) {
	case 't':
		return parse_type(arg, o, err);
	case OPT_ENTRY:
		return parse_entry(arg, err);
	case OPT_INITRD:
		o->initrd = arg;
		break;
	case OPT_APPEND:
		o->append = arg;
		break;
	case OPT_FACTS:
		o->facts_root = arg;
		break;
	case OPT_MEM_MIN:
		ret = parse_number("--mem-min", arg, &o->mem_min, err);
		break;
	case OPT_MEM_MAX: /* kexec-tools' is the last address, ours the first one beyond */
		ret = parse_number("--mem-max", arg, &number, err);
		o->mem_max = number == UINT64_MAX ? 0 : number + 1;
		break;
	case OPT_SEED:
		ret = parse_word("--seed", arg, seeds, &word, err);
		o->seed = (enum seed_policy)word;
		break;
	case OPT_SEED_TIMEOUT:
		ret = parse_number("--seed-timeout", arg, &number, err);
		if (!ret && number > 3600)
			ret = error_set(err, EINVAL, "--seed-timeout=%s: at most 3600",
					arg);
		o->seed_timeout = (unsigned int)number;
		break;
	case OPT_SEED_MIX:
		ret = parse_word("--seed-mix", arg, mixes, &word, err);
		o->mix_off = word == 1;
		break;
	case OPT_VMGENID_ADDR:
		o->vmgenid_given = true;
		ret = parse_number("--vmgenid-addr", arg, &o->vmgenid_addr, err);
		break;
	case OPT_ON_CORRUPTION:
		ret = parse_word("--on-corruption", arg, corruptions, &o->on_corruption,
				 err);
		break;
	case OPT_SERIAL:
		ret = parse_serial(arg, &o->serial_port, err);
		break;
	case OPT_SERIAL_BAUD:
		ret = parse_baud(arg, &o->serial_baud, err);
		break;
	}
	return ret;
}

/* What of the options for a load contradicts itself, or lacks something. */
static int check_load(const struct options *o, struct error *err)
{
	bool crash = o->target == KEXEC_TARGET_CRASH;

	if (!o->kernel)
		return error_set(err, EINVAL, "no kernel given");
	if (o->initrd && !*o->initrd)
		return error_set(err, EINVAL, "--initrd needs the name of a file");
	if (o->initrd && o->reuse_initrd)
		return error_set(err, EINVAL,
				 "--initrd and --reuseinitrd exclude each other");
	if (!crash && (o->hotplug || o->memmap_cmdline))
		return error_set(err, EINVAL, "%s goes with -p",
				 o->hotplug ? "--hotplug" : "--pass-memmap-cmdline");
	if (o->method == METHOD_FILE && (o->memmap_cmdline || o->entry_32bit))
		return error_set(err, EINVAL, "%s needs kexec_load: leave -s out",
				 o->memmap_cmdline ? "--pass-memmap-cmdline"
						   : "--entry-32bit");
	if (o->method == METHOD_FILE && o->seed == SEED_OFF)
		return error_set(err, EINVAL,
				 "--seed=off needs kexec_load: with -s the kernel draws "
				 "the seed");
	return 0;
}

static int check(const struct options *o, struct error *err)
{
	if (o->status)
		return 0;
	if (o->dry_run && (!o->load || o->unload))
		return error_set(err, EINVAL, "--dry-run goes with a kernel to load");
	if (o->unload && !o->load)
		return 0;
	if (!o->load && o->kernel)
		return error_set(err, EINVAL, "%s: -e takes no kernel", o->kernel);
	if (o->json && !o->dry_run)
		return error_set(err, EINVAL, "--json goes with --dry-run");
	if (o->facts_root && !o->dry_run)
		return error_set(err, EINVAL, "--facts goes with --dry-run");
	return o->load ? check_load(o, err) : 0;
}

/* @word begins more than one option, or none. */
static int refuse_long(const char *word, struct error *err)
{
	const char *begins[2] = { NULL, NULL };
	size_t length = strcspn(word + 2, "=");

	for (const struct option *t = option_table; t->name && !begins[1]; t++)
		if (!strncmp(t->name, word + 2, length))
			begins[begins[0] != NULL] = t->name;
	if (!begins[1])
		return error_set(err, EINVAL, "%s: no such option", word);
	return error_set(err, EINVAL, "%s: which one, --%s or --%s?", word, begins[0],
			 begins[1]);
}

/* @word is what getopt has just gone over; optopt tells what it did not like. */
static int refuse(const char *word, struct error *err)
{
	if (!optopt)
		return refuse_long(word, err);
	if (optopt > 255 || (optopt != ':' && strchr(option_letters, optopt)))
		return error_set(err, EINVAL, "%s: takes no value", word);
	return error_set(err, EINVAL, "-%c: no such option", optopt);
}

/* kexec-tools has this one, too. */
static int refuse_known(int opt, struct error *err)
{
	const struct option *t = option_table;

	while (t->val != opt)
		t++;
	return error_set(err, ENOTSUP, "--%s: %s", t->name, option_refusal(opt));
}

/* What is answered without a look at the words behind it, as kexec-tools does. */
static bool parse_question(int opt, struct options *o)
{
	if (opt != 'h' && opt != 'v' && opt != OPT_CRASH_SIZE)
		return false;
	*o = (struct options){ .help = opt == 'h',
			       .version = opt == 'v',
			       .crash_size = opt == OPT_CRASH_SIZE };
	return true;
}

/* Once all options are known. */
static void settle(struct options *o, bool normal)
{
	if (o->status && !normal) /* kexec-tools' -S asks for the crash kernel */
		o->target = KEXEC_TARGET_CRASH;
	if (o->unload && !o->kernel) /* -u -p is what -p -u is */
		o->load = false;
	if (o->entry_32bit && o->method == METHOD_AUTO) /* no going over to the other */
		o->method = METHOD_LOAD;
}

static int take_kernel(int argc, char **argv, struct options *o, struct error *err)
{
	for (; optind < argc; optind++) {
		if (!*argv[optind]) /* an argument that a script leaves out */
			continue;
		if (o->kernel)
			return error_set(err, EINVAL,
					 "%s: one kernel is enough (a command line with "
					 "blanks needs quotes)",
					 argv[optind]);
		o->kernel = argv[optind];
	}
	return 0;
}

int options_parse(int argc, char **argv, struct options *out, struct error *err)
{
	bool no_sync = false, no_ifdown = false, normal = false;
	struct options o = {
		.load = true, .shutdown = true, .sync = true, .seed_timeout = 10
	};
	int opt, ret;

	optind = 0; /* glibc: start anew, whatever was parsed before */
	while ((opt = getopt_long(argc, argv, option_letters, option_table, NULL)) !=
	       -1) {
		if (opt == ':')
			return error_set(err, EINVAL, "%s needs a value",
					 argv[optind - 1]);
		if (opt == '?')
			return refuse(argv[optind - 1], err);
		if (option_refusal(opt))
			return refuse_known(opt, err);
		if (parse_question(opt, out))
			return 0;
		normal = normal || opt == 'l';
		if (opt == 'x')
			no_ifdown = true;
		else if (opt == 'y')
			no_sync = true;
		else if (!parse_action(opt, &o) && !parse_flag(opt, &o)) {
			ret = parse_value(opt, optarg, &o, err);
			if (ret)
				return ret;
		}
	}
	o.sync = o.sync && !no_sync;
	o.ifdown = o.ifdown && !no_ifdown;
	ret = take_kernel(argc, argv, &o, err);
	if (ret)
		return ret;
	settle(&o, normal);
	ret = check(&o, err);
	if (!ret)
		*out = o;
	return ret;
}
