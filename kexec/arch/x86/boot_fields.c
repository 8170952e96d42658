// SPDX-License-Identifier: GPL-2.0-only
/* boot_params field by field: Documentation/arch/x86/zero-page.rst, boot.rst. */
#include "arch/x86/x86.h"

#include <stddef.h>

#define FIELD(name)                                                                      \
	{                                                                                \
#name, offsetof(struct boot_params, name),                               \
			sizeof(((struct boot_params *)0)->name)                          \
	}

/* In the order of their offsets. The memory map is printed with the plan. */
static const struct {
	const char *name;
	size_t offset;
	size_t size;
} fields[] = {
	FIELD(screen_info.orig_x),
	FIELD(screen_info.orig_y),
	FIELD(screen_info.ext_mem_k),
	FIELD(screen_info.orig_video_page),
	FIELD(screen_info.orig_video_mode),
	FIELD(screen_info.orig_video_cols),
	FIELD(screen_info.orig_video_ega_bx),
	FIELD(screen_info.orig_video_lines),
	FIELD(screen_info.orig_video_isVGA),
	FIELD(screen_info.orig_video_points),
	FIELD(screen_info.lfb_width),
	FIELD(screen_info.lfb_height),
	FIELD(screen_info.lfb_depth),
	FIELD(screen_info.lfb_base),
	FIELD(screen_info.lfb_size),
	FIELD(screen_info.lfb_linelength),
	FIELD(screen_info.ext_lfb_base),
	FIELD(apm_bios_info),
	FIELD(tboot_addr),
	FIELD(ist_info),
	FIELD(acpi_rsdp_addr),
	FIELD(hd0_info),
	FIELD(hd1_info),
	FIELD(sys_desc_table),
	FIELD(olpc_ofw_header),
	FIELD(ext_ramdisk_image),
	FIELD(ext_ramdisk_size),
	FIELD(ext_cmd_line_ptr),
	FIELD(edid_info),
	FIELD(efi_info.efi_loader_signature),
	FIELD(efi_info.efi_systab),
	FIELD(efi_info.efi_memdesc_size),
	FIELD(efi_info.efi_memdesc_version),
	FIELD(efi_info.efi_memmap),
	FIELD(efi_info.efi_memmap_size),
	FIELD(efi_info.efi_systab_hi),
	FIELD(efi_info.efi_memmap_hi),
	FIELD(alt_mem_k),
	FIELD(scratch),
	FIELD(e820_entries),
	FIELD(eddbuf_entries),
	FIELD(edd_mbr_sig_buf_entries),
	FIELD(kbd_status),
	FIELD(secure_boot),
	FIELD(sentinel),
	FIELD(hdr.setup_sects),
	FIELD(hdr.root_flags),
	FIELD(hdr.syssize),
	FIELD(hdr.ram_size),
	FIELD(hdr.vid_mode),
	FIELD(hdr.root_dev),
	FIELD(hdr.boot_flag),
	FIELD(hdr.jump),
	FIELD(hdr.header),
	FIELD(hdr.version),
	FIELD(hdr.realmode_swtch),
	FIELD(hdr.start_sys_seg),
	FIELD(hdr.kernel_version),
	FIELD(hdr.type_of_loader),
	FIELD(hdr.loadflags),
	FIELD(hdr.setup_move_size),
	FIELD(hdr.code32_start),
	FIELD(hdr.ramdisk_image),
	FIELD(hdr.ramdisk_size),
	FIELD(hdr.bootsect_kludge),
	FIELD(hdr.heap_end_ptr),
	FIELD(hdr.ext_loader_ver),
	FIELD(hdr.ext_loader_type),
	FIELD(hdr.cmd_line_ptr),
	FIELD(hdr.initrd_addr_max),
	FIELD(hdr.kernel_alignment),
	FIELD(hdr.relocatable_kernel),
	FIELD(hdr.min_alignment),
	FIELD(hdr.xloadflags),
	FIELD(hdr.cmdline_size),
	FIELD(hdr.hardware_subarch),
	FIELD(hdr.hardware_subarch_data),
	FIELD(hdr.payload_offset),
	FIELD(hdr.payload_length),
	FIELD(hdr.setup_data),
	FIELD(hdr.pref_address),
	FIELD(hdr.init_size),
	FIELD(hdr.handover_offset),
	FIELD(hdr.kernel_info_offset),
	FIELD(edd_mbr_sig_buffer),
	FIELD(eddbuf),
};

bool arch_boot_field(const struct plan *plan, size_t index, struct boot_field *out)
{
	if (index >= sizeof(fields) / sizeof(fields[0]))
		return false;
	*out = (struct boot_field){
		.name = fields[index].name,
		.offset = fields[index].offset,
		.size = fields[index].size,
		.data = plan->boot_data + fields[index].offset,
	};
	return true;
}
