// SPDX-License-Identifier: GPL-2.0-only
#include "options_table.h"

const char option_letters[] = ":hvdlpuefixysacSt:";

const struct option option_table[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'v' },
	{ "v", no_argument, NULL, 'v' }, /* theirs is short for it, ours would be two */
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
	{ "type", required_argument, NULL, 't' },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "ramdisk", required_argument, NULL, OPT_INITRD },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "command-line", required_argument, NULL, OPT_APPEND },
	{ "reuse-cmdline", no_argument, NULL, OPT_REUSE_CMDLINE },
	{ "reuseinitrd", no_argument, NULL, OPT_REUSE_INITRD },
	{ "entry-32bit", no_argument, NULL, OPT_ENTRY_32BIT },
	{ "mem-min", required_argument, NULL, OPT_MEM_MIN },
	{ "mem-max", required_argument, NULL, OPT_MEM_MAX },
	{ "noefi", no_argument, NULL, OPT_NOEFI },
	{ "no-cma", no_argument, NULL, OPT_NO_CMA },
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
	{ "entry", required_argument, NULL, OPT_ENTRY },
	{ "args-linux", no_argument, NULL, OPT_ALWAYS_SO },
	{ "elf32-core-headers", no_argument, NULL, OPT_ALWAYS_SO },
	{ "elf64-core-headers", no_argument, NULL, OPT_ALWAYS_SO },
	{ "reuse-video-type", no_argument, NULL, OPT_ALWAYS_SO },
	{ "load-preserve-context", no_argument, NULL, OPT_PRESERVE_CONTEXT },
	{ "load-jump-back-helper", no_argument, NULL, OPT_JUMP_BACK_HELPER },
	{ "load-live-update", no_argument, NULL, OPT_LOAD_LIVE_UPDATE },
	{ "exec-live-update", no_argument, NULL, OPT_EXEC_LIVE_UPDATE },
	{ "real-mode", no_argument, NULL, OPT_REAL_MODE },
	{ "args-elf", no_argument, NULL, OPT_ARGS_ELF },
	{ "args-none", no_argument, NULL, OPT_ARGS_NONE },
	{ "module", required_argument, NULL, OPT_MODULE },
	{ "dtb", required_argument, NULL, OPT_DTB },
	{ "force-dtb", no_argument, NULL, OPT_FORCE_DTB },
	{ "reset-vga", no_argument, NULL, OPT_RESET_VGA },
	{ NULL, 0, NULL, 0 },
};

#define NO_JUMP_BACK "this kexec cannot jump back into the kernel that was left"
#define NO_XEN	     "this kexec does not update Xen"
#define NO_DTB	     "this kexec hands over ACPI's tables, no device tree"

const char *option_refusal(int opt)
{
	static const char *const reasons[OPT_END - OPT_REFUSED] = {
		[OPT_PRESERVE_CONTEXT - OPT_REFUSED] = NO_JUMP_BACK,
		[OPT_JUMP_BACK_HELPER - OPT_REFUSED] = NO_JUMP_BACK,
		[OPT_LOAD_LIVE_UPDATE - OPT_REFUSED] = NO_XEN,
		[OPT_EXEC_LIVE_UPDATE - OPT_REFUSED] = NO_XEN,
		[OPT_REAL_MODE - OPT_REFUSED] =
			"16-bit code asks the BIOS, which a running kernel leaves unusable; "
			"--entry-32bit does not",
		[OPT_ARGS_ELF - OPT_REFUSED] =
			"only Linux is booted, which reads boot_params and no ELF notes",
		[OPT_ARGS_NONE - OPT_REFUSED] =
			"only Linux is booted, which does not start without boot_params",
		[OPT_MODULE - OPT_REFUSED] =
			"only Linux is booted, which takes no multiboot modules",
		[OPT_DTB - OPT_REFUSED] = NO_DTB,
		[OPT_FORCE_DTB - OPT_REFUSED] = NO_DTB,
		[OPT_RESET_VGA - OPT_REFUSED] =
			"a card that shows graphics has lost its fonts, which a reset of "
			"its registers does not bring back",
	};

	return opt < OPT_REFUSED || opt >= OPT_END ? NULL : reasons[opt - OPT_REFUSED];
}

#define NO_MULTIBOOT "multiboot kernels are not booted, only Linux is"

const struct option_type option_types[] = {
	{ "bzImage", IMAGE_BZIMAGE, NULL },
	{ "bzImage64", IMAGE_BZIMAGE, NULL },
	{ "elf-x86_64", IMAGE_ELF, NULL },
	{ "uki", IMAGE_UKI, NULL },
	{ "elf-x86", IMAGE_ANY, "32-bit ELF kernels are not booted; their bzImage is" },
	{ "multiboot-x86", IMAGE_ANY, NO_MULTIBOOT },
	{ "multiboot2-x86", IMAGE_ANY, NO_MULTIBOOT },
	{ "beoboot-x86", IMAGE_ANY,
	  "beoboot images are not opened, kernel and initrd are" },
	{ "nbi-x86", IMAGE_ANY, "network boot images are not booted, only Linux is" },
	{ NULL, IMAGE_ANY, NULL },
};
