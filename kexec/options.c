// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include "plan/cmdline.h"
#include "purgatory_params.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* Long options without a short one. */
enum {
	OPT_INITRD = 256,
	OPT_APPEND,
	OPT_REUSE_CMDLINE,
	OPT_REUSE_INITRD,
	OPT_MEM_MIN,
	OPT_MEM_MAX,
	OPT_NOEFI,
	OPT_HOTPLUG,
	OPT_MEMMAP_CMDLINE,
	OPT_CRASH_SIZE,
	OPT_SEED,
	OPT_SEED_TIMEOUT,
	OPT_SEED_MIX,
	OPT_VMGENID_ADDR,
	OPT_ON_CORRUPTION,
	OPT_SERIAL,
	OPT_SERIAL_BAUD,
	OPT_CONSOLE_VGA,
	OPT_CONSOLE_SERIAL,
	OPT_DRY_RUN,
	OPT_JSON,
	OPT_FACTS,
};

static const char short_options[] = ":hvdlpuefixysacS";

static const struct option long_options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'v' },
	{ "debug", no_argument, NULL, 'd' },
	{ "load", no_argument, NULL, 'l' },
	{ "load-panic", no_argument, NULL, 'p' },
	{ "unload", no_argument, NULL, 'u' },
	{ "exec", no_argument, NULL, 'e' },
	{ "force", no_argument, NULL, 'f' },
	{ "no-checks", no_argument, NULL, 'i' },
	{ "no-ifdown", no_argument, NULL, 'x' },
	{ "no-sync", no_argument, NULL, 'y' },
	{ "kexec-file-syscall", no_argument, NULL, 's' },
	{ "kexec-syscall", no_argument, NULL, 'c' },
	{ "kexec-syscall-auto", no_argument, NULL, 'a' },
	{ "status", no_argument, NULL, 'S' },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "ramdisk", required_argument, NULL, OPT_INITRD },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "command-line", required_argument, NULL, OPT_APPEND },
	{ "reuse-cmdline", no_argument, NULL, OPT_REUSE_CMDLINE },
	{ "reuseinitrd", no_argument, NULL, OPT_REUSE_INITRD },
	{ "mem-min", required_argument, NULL, OPT_MEM_MIN },
	{ "mem-max", required_argument, NULL, OPT_MEM_MAX },
	{ "noefi", no_argument, NULL, OPT_NOEFI },
	{ "hotplug", no_argument, NULL, OPT_HOTPLUG },
	{ "pass-memmap-cmdline", no_argument, NULL, OPT_MEMMAP_CMDLINE },
	{ "print-ckr-size", no_argument, NULL, OPT_CRASH_SIZE },
	{ "seed", required_argument, NULL, OPT_SEED },
	{ "seed-timeout", required_argument, NULL, OPT_SEED_TIMEOUT },
	{ "seed-mix", required_argument, NULL, OPT_SEED_MIX },
	{ "vmgenid-addr", required_argument, NULL, OPT_VMGENID_ADDR },
	{ "on-corruption", required_argument, NULL, OPT_ON_CORRUPTION },
	{ "serial", required_argument, NULL, OPT_SERIAL },
	{ "serial-baud", required_argument, NULL, OPT_SERIAL_BAUD },
	{ "console-vga", no_argument, NULL, OPT_CONSOLE_VGA },
	{ "console-serial", no_argument, NULL, OPT_CONSOLE_SERIAL },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "facts", required_argument, NULL, OPT_FACTS },
	{ NULL, 0, NULL, 0 },
};

void options_print_help(FILE *to)
{
	fputs("Usage: kexec [OPTION]... KERNEL\n"
	      "Boot another kernel from the running one, with a fresh random seed.\n\n"
	      "  -l, --load             load KERNEL          -e, --exec    jump into it\n"
	      "  -u, --unload           forget it            -S, --status  exit 1 if loaded\n"
	      "  -p, --load-panic       act on the crash kernel\n"
	      "      --initrd=FILE      initial RAM disk (also --ramdisk)\n"
	      "      --append=TEXT      command line (also --command-line)\n"
	      "      --reuse-cmdline    start from the running kernel's command line\n"
	      "      --reuseinitrd      the running kernel's initrd (retain_initrd)\n"
	      "      --seed=WHEN        auto, require, or off; --seed-timeout=SECONDS [10]\n"
	      "      --seed-mix=        auto, or off; --vmgenid-addr=ADDR\n"
	      "  -a | -c | -s           system call: best, kexec_load, kexec_file_load\n"
	      "      --mem-min=ADDR, --mem-max=ADDR          where to load\n"
	      "      --noefi            no EFI services      -f, --force  no shutdown -r\n"
	      "      --hotplug, --pass-memmap-cmdline, --print-ckr-size    for -p\n"
	      "  -x, --no-ifdown        leave network up     -y, --no-sync   leave disks\n"
	      "  -i, --no-checks        jump without verifying digests\n"
	      "      --on-corruption=   reset, halt, or boot when a digest is wrong\n"
	      "      --console-serial, --console-vga         messages of the purgatory\n"
	      "      --serial=ttyS0|0xPORT, --serial-baud=RATE\n"
	      "      --dry-run          print the plan only; --json for programs\n"
	      "      --facts=DIR        plan for another machine's /proc and /sys\n"
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
		return error_set(err, EINVAL, "%s=%s: not a number", option, text);
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
	case 'h':
		return o->help = true;
	case 'v':
		return o->version = true;
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
	case OPT_NOEFI:
		return o->noefi = true;
	case OPT_HOTPLUG:
		return o->hotplug = true;
	case OPT_MEMMAP_CMDLINE:
		return o->memmap_cmdline = true;
	case OPT_CRASH_SIZE:
		return o->crash_size = true;
	case OPT_CONSOLE_VGA:
		return o->console_vga = true;
	case OPT_CONSOLE_SERIAL:
		return o->console_serial = true;
	case OPT_DRY_RUN:
		return o->dry_run = true;
	case OPT_JSON:
		return o->json = true;
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
	if (o->initrd && o->reuse_initrd)
		return error_set(err, EINVAL,
				 "--initrd and --reuseinitrd exclude each other");
	if (!crash && (o->hotplug || o->memmap_cmdline))
		return error_set(err, EINVAL, "%s goes with -p",
				 o->hotplug ? "--hotplug" : "--pass-memmap-cmdline");
	if (o->method == METHOD_FILE && o->memmap_cmdline)
		return error_set(err, EINVAL,
				 "--pass-memmap-cmdline needs kexec_load: leave -s out");
	if (o->method == METHOD_FILE && o->seed == SEED_OFF)
		return error_set(err, EINVAL,
				 "--seed=off needs kexec_load: with -s the kernel draws "
				 "the seed");
	return 0;
}

static int check(const struct options *o, struct error *err)
{
	if (o->help || o->version || o->status || o->crash_size)
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

/* @word is what getopt has just gone over; optopt tells what it did not like. */
static int refuse(const char *word, struct error *err)
{
	if (!optopt)
		return error_set(err, EINVAL, "%s: no such option", word);
	if (optopt > 255 || strchr(short_options, optopt))
		return error_set(err, EINVAL, "%s: takes no value", word);
	return error_set(err, EINVAL, "-%c: no such option", optopt);
}

int options_parse(int argc, char **argv, struct options *out, struct error *err)
{
	bool no_sync = false, no_ifdown = false, normal = false;
	struct options o = {
		.load = true, .shutdown = true, .sync = true, .seed_timeout = 10
	};
	int opt, ret;

	optind = 0; /* glibc: start anew, whatever was parsed before */
	while ((opt = getopt_long(argc, argv, short_options, long_options, NULL)) != -1) {
		if (opt == ':')
			return error_set(err, EINVAL, "%s needs a value",
					 argv[optind - 1]);
		if (opt == '?')
			return refuse(argv[optind - 1], err);
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
	if (o.status && !normal) /* kexec-tools' -S asks for the crash kernel */
		o.target = KEXEC_TARGET_CRASH;
	if (o.unload && optind == argc) /* -u -p is what -p -u is */
		o.load = o.exec = o.shutdown = false;
	if (optind < argc)
		o.kernel = argv[optind++];
	if (optind < argc)
		return error_set(err, EINVAL, "%s: one kernel is enough", argv[optind]);
	ret = check(&o, err);
	if (!ret)
		*out = o;
	return ret;
}
