#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Which boot entry kexec-seed-load.service loads, with which words: below roots made here.
set -u
top=${srcdir:-.}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0
guid=4a67b082-0a4c-41cf-b6c7-440b29bb8c4f

# put PATH [LINE...]: a file below the root
put() {
	mkdir -p "$tmp/root/${1%/*}"
	path=$tmp/root/$1
	shift
	if [ $# -gt 0 ]; then printf '%s\n' "$@"; fi >"$path"
}

anew() {
	rm -rf "$tmp/root"
	mkdir "$tmp/root"
}

# gives STATUS TEXT: what --print says
gives() {
	sh "$top/kexec_seed/systemd/load-default" --print kexec "$tmp/root" >"$tmp/out" 2>&1
	got=$?
	if [ $got != "$1" ] || ! grep -qxF -- "$2" "$tmp/out"; then
		echo "FAILED: status $got, not $1; not '$2' but:"
		cat "$tmp/out"
		failed=1
	fi
}

# utf16 NAME TEXT: an EFI variable of the boot loader
utf16() {
	mkdir -p "$tmp/root/sys/firmware/efi/efivars"
	{
		printf '\006\000\000\000'
		printf '%s' "$2" | sed 's/./&\n/g' | while read -r c; do printf '%s\000' "$c"; done
		printf '\000\000'
	} >"$tmp/root/sys/firmware/efi/efivars/$1-$guid"
}

# nothing to load
anew
gives 1 "kexec-seed-load: no boot entry in /efi, /boot/efi or /boot, and no /vmlinuz: load a kernel with kexec -l"

# Debian: links in the root folder; Ubuntu's are in /boot
put boot/vmlinuz
gives 0 "kexec -l /boot/vmlinuz --reuse-cmdline"
put boot/initrd.img
gives 0 "kexec -l /boot/vmlinuz --initrd=/boot/initrd.img --reuse-cmdline"
put ./vmlinuz
gives 0 "kexec -l /vmlinuz --reuse-cmdline"
put ./initrd.img
gives 0 "kexec -l /vmlinuz --initrd=/initrd.img --reuse-cmdline"

# a unified kernel image
put boot/efi/EFI/Linux/linux-6.9.efi
put boot/efi/EFI/Linux/linux-6.12.efi
gives 0 "kexec -l /boot/efi/EFI/Linux/linux-6.12.efi"
utf16 LoaderEntryDefault linux-6.9.efi
gives 0 "kexec -l /boot/efi/EFI/Linux/linux-6.9.efi"

# Fedora: /boot is a file system of its own, or not
e=boot/loader/entries
put $e/abc-6.9.0.conf "title x" "linux /vmlinuz-6.9" "initrd /initramfs-6.9" \
	"options root=/dev/sda1 ro"
put $e/abc-6.12.0.conf "linux	/vmlinuz-6.12" "initrd /initramfs-6.12 \$tuned_initrd" \
	"options root=/dev/sda1 ro \$tuned_params" "options quiet"
put $e/zzz-0-rescue.conf "linux /vmlinuz-0-rescue"
put $e/xyz-7.0.0+0-3.conf "linux /never-booted"
put boot/vmlinuz-6.12
put boot/initramfs-6.12
gives 0 "kexec -l /boot/vmlinuz-6.12 --command-line=root=/dev/sda1 ro quiet --initrd=/boot/initramfs-6.12"
put boot/grub2/grubenv "# GRUB" "saved_entry=abc-6.9.0"
gives 0 "kexec -l /vmlinuz-6.9 --command-line=root=/dev/sda1 ro --initrd=/initramfs-6.9"
put boot/grub2/grubenv "saved_entry=gone"
gives 0 "kexec -l /boot/vmlinuz-6.12 --command-line=root=/dev/sda1 ro quiet --initrd=/boot/initramfs-6.12"

# the boot loader's choice, by name or pattern; one boot's goes before the default
put $e/abc-6.9.0-old.conf "linux /vmlinuz-6.9-old"
put boot/loader/loader.conf "timeout 3" "default abc-6.9.?.conf"
gives 0 "kexec -l /vmlinuz-6.9 --command-line=root=/dev/sda1 ro --initrd=/initramfs-6.9"
utf16 LoaderEntryDefault abc-6.12.0.conf
gives 0 "kexec -l /boot/vmlinuz-6.12 --command-line=root=/dev/sda1 ro quiet --initrd=/boot/initramfs-6.12"
utf16 LoaderEntryOneShot abc-6.9.0.conf
gives 0 "kexec -l /vmlinuz-6.9 --command-line=root=/dev/sda1 ro --initrd=/initramfs-6.9"

# options that only GRUB knows, several initrds, no kernel
anew
put $e/a.conf "linux /k" "initrd /ucode" "initrd /i" "options \$kernelopts"
gives 0 "kexec -l /k --reuse-cmdline --initrd=/ucode --initrd=/i"
put $e/a.conf "title x"
gives 1 "kexec-seed-load: $tmp/root/$e/a.conf: no line \"linux\""

# what is loaded stays
put sys/kernel/kexec_loaded 0
put $e/a.conf "linux /k" "options quiet"
gives 0 "kexec -l /k --command-line=quiet"
put sys/kernel/kexec_loaded 1
gives 0 "a kernel is loaded already: left as it is"
put sys/kernel/kexec_loaded 0
put sys/kernel/kexec/loaded 1
gives 0 "a kernel is loaded already: left as it is"

[ $failed = 0 ] && echo "all as promised"
exit $failed
