// SPDX-License-Identifier: GPL-2.0-only
#include "load/request.h"

#include "arch/arch.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "load/seed.h"
#include "machine/xen.h"
#include "plan/cmdline.h"

#include <errno.h>
#include <string.h>

/* The running kernel's initrd, if it was booted with retain_initrd. 6.1 does not have it. */
#define RETAINED_INITRD "/sys/firmware/initrd"

/* One line for each frame buffer: the screen is in a graphics mode. */
#define FRAME_BUFFERS	  "/proc/fb"
#define FRAME_BUFFERS_MAX 65536

void load_end(struct load *l)
{
	plan_free(&l->plan);
	machine_free(&l->machine);
	crash_notes_free(&l->crash);
	file_close(&l->kernel);
	file_close(&l->initrd);
	image_extras_free(&l->extras);
	free(l->cmdline);
}

/* The recipe of a UKI stores the UKI itself as the path of its initrd. */
static bool has_other_initrd(const struct load_request *r)
{
	return (r->initrd && strcmp(r->initrd, r->kernel) != 0) || r->reuse_initrd;
}

static bool has_other_cmdline(const struct load_request *r)
{
	return r->cmdline || r->reuse_cmdline;
}

/* Notes the extra sections of a UKI and how they are used. */
static void note_extras(const struct load *l)
{
	const struct load_request *r = l->request;
	const struct image_extras *e = &l->extras;
	struct notes *notes = &l->io->notes;

	notes_add(notes, "%s: type %s", r->kernel, l->image.format->name);
	if (e->has_initrd)
		notes_add(notes, "%s: its initrd is %s", r->kernel,
			  has_other_initrd(r) ? "not used: another one was given"
					      : "used");
	if (e->has_cmdline)
		notes_add(notes, "%s: its command line is %s", r->kernel,
			  has_other_cmdline(r) ? "not used: another one was given"
					       : "used");
	if (e->nr_addons)
		notes_add(notes, "%s: it has %zu addons", r->kernel, e->nr_addons);
	if (e->has_dtb)
		notes_add(notes, "%s: its device tree is not used", r->kernel);
}

static void copy_note(void *notes, const char *line)
{
	notes_add(notes, "%s", line);
}

static int open_kernel(struct load *l, struct error *err)
{
	const struct load_request *r = l->request;
	const struct image_request request = {
		.format = r->format,
		.entry_32bit = r->entry_32bit,
		.initrd = !has_other_initrd(r),
		.cmdline = !has_other_cmdline(r),
	};
	int ret;

	ret = file_open(r->kernel, &l->kernel, err);
	l->kernel.progress = &l->progress;
	if (!ret)
		ret = image_open(&l->kernel, &request, &l->image, &l->extras, err);
	notes_each(&l->extras.notes, copy_note, &l->io->notes);
	if (!ret && r->debug)
		note_extras(l);
	return ret;
}

static int open_initrd(struct load *l, struct error *err)
{
	int ret;

	if (l->extras.initrd.mapping) { /* present only if requested */
		l->own_initrd = true;
		l->initrd = l->extras.initrd;
		l->extras.initrd = FILE_NONE;
		return 0;
	}
	if (l->request->initrd)
		return file_open_all(l->request->initrd, INITRD_ALIGN, &l->initrd, err);
	if (!l->request->reuse_initrd)
		return 0;
	ret = file_open(RETAINED_INITRD, &l->initrd, err);
	if (ret == -ENOENT)
		return error_set(err, ENOENT,
				 "--reuseinitrd: " RETAINED_INITRD
				 " is missing: Linux 6.12 has it if booted with "
				 "retain_initrd, 6.1 never has");
	return ret;
}

int load_put_word(struct load *l, const char *word, struct error *err)
{
	char *longer = cmdline_append(word, l->cmdline);

	if (!longer)
		return error_set(err, ENOMEM, "out of memory");
	free(l->cmdline);
	l->cmdline = longer;
	return 0;
}

/*
 * Through ACPI, a crash kernel finds the crashed kernel's memory devices and would use
 * their memory, which it is to dump. The user decides by naming either word.
 */
static int forbid_memory_devices(struct load *l, struct error *err)
{
	static const char word[] = "acpi_no_memhotplug", other[] = "memhp_default_state";
	const char *own =
		has_other_cmdline(l->request) ? l->request->cmdline : l->extras.cmdline;
	int ret;

	if (cmdline_sets(l->cmdline, word) || (own && cmdline_sets(own, other)))
		return 0;
	ret = machine_has_memory_devices(l->request->root, err);
	if (ret <= 0)
		return ret;
	if (l->request->debug)
		notes_add(
			&l->io->notes,
			"this machine has memory devices, whose memory the crash kernel "
			"must not use: %s",
			word);
	return load_put_word(l, word, err);
}

/*
 * An elfcorehdr= of an earlier crash, as in --append="$(cat /proc/cmdline)", would win over
 * the one of this load.
 */
static int drop_elfcorehdr(struct load *l, struct error *err)
{
	char *kept;

	if (!load_is_crash(l) || !cmdline_has(l->cmdline, "elfcorehdr"))
		return 0;
	kept = cmdline_without(l->cmdline, "elfcorehdr");
	if (!kept)
		return error_set(err, ENOMEM, "out of memory");
	notes_add(&l->io->notes, "elfcorehdr= is left out of the command line: this load "
				 "has its own");
	free(l->cmdline);
	l->cmdline = kept;
	return 0;
}

static int join_cmdline(struct load *l, struct error *err)
{
	const struct load_request *r = l->request;
	_cleanup_free_ char *base = NULL;
	int ret = r->reuse_cmdline ? machine_read_cmdline(r->root, &l->machine, err) : 0;

	if (ret)
		return ret;
	if (r->reuse_cmdline && !l->machine.cmdline)
		return error_set(err, ENOENT,
				 "--reuse-cmdline: cannot read /proc/cmdline");
	if (r->reuse_cmdline) {
		base = cmdline_inherit(l->machine.cmdline, load_is_crash(l));
		if (!base)
			return error_set(err, ENOMEM, "out of memory");
	}
	l->cmdline = cmdline_append(base, has_other_cmdline(r) ? r->cmdline
							       : l->extras.cmdline);
	if (!l->cmdline)
		return error_set(err, ENOMEM, "out of memory");
	if (!load_is_crash(l))
		return 0;
	ret = drop_elfcorehdr(l, err);
	return ret ? ret : forbid_memory_devices(l, err);
}

/* The kernel would look for @need bytes until the OOM killer has ended processes. */
static int check_available(const struct load *l, uint64_t need, struct error *err)
{
	if (!l->memory.available || need <= l->memory.available)
		return 0;
	return error_set(err, ENOMEM,
			 "loading needs %llu MiB, and %llu MiB of memory are available; "
			 "stop something, or use a smaller initrd",
			 (unsigned long long)(need / MIB),
			 (unsigned long long)(l->memory.available / MIB));
}

/* Only a lower bound: the running kernel decides about everything else. */
static int check_file_room(const struct load *l, struct error *err)
{
	uint64_t room = range_size(l->machine.crash), half = l->memory.total / 2, need;

	if (__builtin_add_overflow(l->image.mem_size, l->initrd.bytes.size, &need))
		need = UINT64_MAX;
	if (load_is_crash(l) && room && need > room)
		return error_set(err, EADDRNOTAVAIL,
				 "kernel and initrd do not fit into the %llu MiB that "
				 "crashkernel= reserves",
				 (unsigned long long)(room / MIB));
	if (half && need > half)
		return error_set(err, ENOSPC,
				 "kernel and initrd need %llu MiB, more than half of the "
				 "memory (%llu MiB)",
				 (unsigned long long)(need / MIB),
				 (unsigned long long)(half / MIB));
	/* the kernel reads both files, and copies them to pages outside a crash region */
	need = l->kernel.bytes.size + l->initrd.bytes.size +
	       (load_is_crash(l) ? 0 : need);
	return check_available(l, need, err);
}

int load_check_file_load(const struct load *l, struct error *err)
{
	size_t length = strlen(l->cmdline);

	if (l->image.no_file_load)
		return error_set(
			err, ENOEXEC,
			"%s %s: kexec_file_load (-s) does not take it, kexec_load "
			"(-c) does",
			l->request->kernel, l->image.no_file_load);
	if (l->request->dtb)
		return error_set(
			err, EINVAL,
			"--dtb: kexec_file_load (-s) passes the running kernel's "
			"device tree, kexec_load (-c) another one");
	if (length > l->image.file_cmdline_max)
		return error_set(
			err, EINVAL,
			"the command line has %zu bytes; through kexec_file_load "
			"this kernel takes %llu",
			length, (unsigned long long)l->image.file_cmdline_max);
	return check_file_room(l, err);
}

/* Options for the screen never stop a load. */
static void note_console(struct load *l)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;

	if (l->request->console_vga &&
	    !file_slurp_in(l->request->root, FRAME_BUFFERS, FRAME_BUFFERS_MAX, &text,
			   &size) &&
	    size)
		notes_add(
			&l->io->notes,
			"--console-vga: the screen shows graphics and will not show the "
			"purgatory's text; --console-serial does not need it");
}

static void choose_entry(struct load *l)
{
	const char *note = arch_choose_entry(&l->machine, &l->image);

	if (note && l->request->method != METHOD_FILE)
		notes_add(&l->io->notes, "%s: %s", l->request->kernel, note);
}

int load_prepare(struct load *l, const struct load_request *request, struct load_io *io,
		 struct error *err)
{
	int ret;

	*l = (struct load){
		.request = request, .io = io, .kernel = FILE_NONE, .initrd = FILE_NONE
	};
	l->extras.initrd = FILE_NONE;
	progress_init(&l->progress, io->progress_fd);
	ret = xen_check(request->root, err);
	if (!ret)
		ret = open_kernel(l, err);
	if (!ret)
		ret = open_initrd(l, err);
	if (ret)
		return ret;
	l->kernel.progress = l->initrd.progress = &l->progress;
	ret = machine_read(request->root, &l->machine, err);
	notes_move(&io->notes, &l->machine.notes);
	if (file_is_trouble(ret) && request->method != METHOD_FILE)
		return ret;
	l->machine_ret = ret; /* only kexec_load() needs it */
	l->no_machine = *err;
	if (!ret && request->dtb)
		ret = arch_use_dtb(&l->machine, request->dtb, err);
	if (ret && !l->machine_ret)
		return ret;
	ret = meminfo_read(request->root, &l->memory, err);
	if (!ret && !l->machine_ret)
		choose_entry(l);
	if (ret)
		return ret;
	note_console(l);
	ret = join_cmdline(l, err);
	return ret || request->method != METHOD_FILE ? ret : load_check_file_load(l, err);
}

/*
 * Locates the VM generation ID for the purgatory: --vmgenid-addr=, otherwise as firmware
 * says. Adds a note if it exists but cannot be interpreted.
 */
static void find_generation_id(struct load *l)
{
	const struct load_request *r = l->request;
	struct vmgenid found = l->machine.vmgenid;

	if (r->mix_off || r->seed == SEED_OFF)
		return;
	if (r->vmgenid_given) {
		found = (struct vmgenid){ .state = VMGENID_FOUND,
					  .addr = r->vmgenid_addr };
		machine_check_vmgenid(&l->machine, &found);
	}
	if (found.state == VMGENID_FOUND)
		l->generation_id = found.addr;
	else if (found.state == VMGENID_UNKNOWN_SHAPE ||
		 found.state == VMGENID_BAD_ADDRESS || found.state == VMGENID_UNREADABLE)
		notes_add(&l->io->notes,
			  "the VM generation ID is not used: %s (see --vmgenid-addr)",
			  found.why);
	else if (found.state == VMGENID_HIDDEN) /* root would see it */
		notes_add(&l->io->notes, "a VM generation ID would not be seen: %s",
			  found.why);
	if (found.note[0])
		notes_add(&l->io->notes, "%s", found.note);
}

int load_prepare_plan(struct load *l, struct error *err)
{
	int ret;

	if (l->machine_ret) {
		*err = l->no_machine;
		return l->machine_ret;
	}
	find_generation_id(l);
	if (!load_is_crash(l))
		return 0;
	ret = arch_check_machine(&l->machine, l->request, err);
	if (ret)
		return ret;
	ret = crash_notes_read(l->request->root, &l->crash, err);
	if (!ret)
		ret = machine_read_cma(l->request->root, &l->machine, err);
	if (ret)
		return ret;
	if (l->request->hotplug && !l->crash.hotplug_size)
		notes_add(
			&l->io->notes,
			"--hotplug: the running kernel cannot keep the ELF core headers "
			"up to date (Linux 6.6 and later can)");
	return l->request->dry_run ? 0 : id_draw(l->image_id, sizeof(l->image_id), err);
}

int load_plan(struct load *l, bool seed, struct error *err)
{
	struct plan_input in = {
		.request = l->request,
		.machine = &l->machine,
		.image = &l->image,
		.initrd = l->initrd.bytes,
		.cmdline = l->cmdline,
		.mem_total = l->memory.total,
		.seed = seed,
		.generation_id = l->generation_id,
		.crash = load_is_crash(l) ? &l->crash : NULL,
	};
	int ret;

	memcpy(in.image_id, l->image_id, sizeof(in.image_id));
	plan_free(&l->plan);
	ret = plan_make(&in, &l->plan, err);
	return ret || load_is_crash(l) ? ret
				       : check_available(l, plan_total(&l->plan), err);
}

int load_check_files(const struct load *l, struct error *err)
{
	int ret = file_check(&l->kernel, err);

	return ret || !l->initrd.mapping ? ret : file_check(&l->initrd, err);
}
