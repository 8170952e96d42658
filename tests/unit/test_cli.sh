#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The command line of kexec(8): bad files and wrong usage get one line and the right exit
# status, and plans need no privileges. Runs the built program on captured machines; the
# guests show what it does to a kernel.
set -u
KEXEC=${KEXEC:-kexec/kexec}
PROBE=${PROBE:-tests/probe/probe.bzImage}
MACHINES=${MACHINES:-${srcdir:-.}/tests/machines}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

fail() {
	echo "FAILED: $*"
	sed 's/^/    | /' "$tmp/err"
	failed=1
}

# refused STATUS WORDS ARGUMENT...: that status, one line (two for a usage error)
refused() {
	status=$1 words=$2 lines=1
	shift 2
	[ "$status" = 2 ] && lines=2
	"$KEXEC" "$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ "$got" = "$status" ] || fail "status $got, not $status: $*"
	[ "$(wc -l <"$tmp/err")" = "$lines" ] || fail "not $lines line(s): $*"
	grep -qF -- "$words" "$tmp/err" || fail "does not say '$words': $*"
	[ -s "$tmp/out" ] && fail "printed something: $*"
}

# plans ARGUMENT...: succeeds, output in $tmp/out
plans() {
	"$KEXEC" --dry-run "$@" >"$tmp/out" 2>"$tmp/err" || fail "status $?: $*"
	[ -s "$tmp/err" ] && fail "unexpected message: $*"
}

# notes WORDS ARGUMENT...: the same, with one note
notes() {
	words=$1
	shift
	"$KEXEC" --dry-run "$@" >"$tmp/out" 2>"$tmp/err" || fail "status $?: $*"
	[ -s "$tmp/out" ] || fail "no plan: $*"
	[ "$(wc -l <"$tmp/err")" = 1 ] || fail "not one note: $*"
	grep -qF -- "$words" "$tmp/err" || fail "no note '$words': $*"
}

shows() {
	grep -q -- "$1" "$tmp/out" || { cp "$tmp/out" "$tmp/err"; fail "does not show $1"; }
}

bios="--facts=$MACHINES/bios-1g"
f=$tmp/file

# Files that are not kernels
head -c 1000 "$PROBE" >"$f"
refused 1 "$f: truncated" --dry-run $bios "$f"
head -c 100 "$PROBE" >"$f"
refused 1 "$f: too short" --dry-run $bios "$f"
head -c 100000 /dev/zero >"$f"
refused 1 "$f: not a kernel" --dry-run $bios "$f"
: >"$f"
refused 1 "$f: the file is empty" --dry-run $bios "$f"
rm "$f"
refused 1 "$f: No such file" --dry-run $bios "$f"
refused 1 "$tmp: is a directory" --dry-run $bios "$tmp"
mkfifo "$tmp/fifo"
refused 1 "$tmp/fifo: not a regular file" --dry-run $bios "$tmp/fifo"
refused 1 "not a regular file" --dry-run $bios /dev/null
refused 1 "/proc/version: a file without a size, as in /proc; load a copy" \
	--dry-run $bios "$PROBE" --initrd=/proc/version
gzip -c "$PROBE" | head -c 700 >"$f"
refused 1 "$f" --dry-run $bios "$f"

# Initrds and command lines that do not fit
refused 1 "$tmp/no: No such file" --dry-run $bios "$PROBE" --initrd="$tmp/no"
truncate -s 200M "$f"
refused 1 "no room for the initrd" --dry-run --mem-min=0x38000000 $bios "$PROBE" --initrd="$f"
grep -q "no room for the initrd: 204800 KiB; the largest gap between 0x38000000 and 0x3f" \
	"$tmp/err" || fail "does not show the largest gap"
truncate -s 2G "$f"
refused 1 "more than half of the memory" --dry-run $bios "$PROBE" --initrd="$f"
truncate -s 600M "$f"
refused 1 "more than half of the memory" --dry-run $bios "$PROBE" --initrd="$f"
# The kernel's limit is half of MemTotal, and it must find the pages.
cp -r "$MACHINES/bios-1g" "$tmp/mem" && chmod -R u+w "$tmp/mem"
truncate -s 100M "$f"
# memory TOTAL AVAILABLE SWAP: in MiB
memory() {
	echo "MemTotal: $(($1 * 1024)) kB" >"$tmp/mem/proc/meminfo"
	echo "MemFree: 1 kB" >>"$tmp/mem/proc/meminfo"
	[ "$2" = - ] || echo "MemAvailable: $(($2 * 1024)) kB" >>"$tmp/mem/proc/meminfo"
	echo "SwapFree: $(($3 * 1024)) kB" >>"$tmp/mem/proc/meminfo"
}
memory 190 1000 0
refused 1 "more than half of the memory (95 MiB)" --dry-run --facts="$tmp/mem" "$PROBE" \
	--initrd="$f"
refused 1 "more than half of the memory (95 MiB)" --dry-run -s --facts="$tmp/mem" "$PROBE" \
	--initrd="$f"
memory 900 99 0
refused 1 "99 MiB of memory are available" --dry-run --facts="$tmp/mem" "$PROBE" --initrd="$f"
memory 900 190 0 # the kernel reads the file, and has it in the image as well
refused 1 "190 MiB of memory are available" --dry-run -s --facts="$tmp/mem" "$PROBE" \
	--initrd="$f"
for good in "900 190 0" "900 99 90" "900 - 0" "900 - 1"; do
	memory $good
	"$KEXEC" --dry-run --facts="$tmp/mem" "$PROBE" --initrd="$f" >"$tmp/out" 2>"$tmp/err" ||
		fail "memory $good: refused"
done
refused 1 "3000 bytes" --dry-run $bios "$PROBE" \
	--append="$(head -c 3000 /dev/zero | tr '\0' x)"
refused 1 "2017 bytes; through kexec_file_load this kernel takes 2016" --dry-run $bios -s \
	"$PROBE" --append="$(head -c 2017 /dev/zero | tr '\0' x)"
refused 1 "no room for the kernel" --dry-run $bios "$PROBE" --append=x --mem-max=0x1300000
cp "$tmp/err" "$tmp/mem-max"
refused 1 "memory map" --dry-run --facts="$tmp" -c "$PROBE" --append=x
grep -q "the largest gap between 0x1000000 and 0x1300000 has" "$tmp/mem-max" ||
	fail "--mem-max= is not shown as given"

# Wrong usage
refused 2 "no kernel given" -l
refused 2 "no kernel given" -l ""
refused 2 "--ramdisk needs the name of a file" -l "$PROBE" --ramdisk=
refused 2 "--bogus: no such option" -l "$PROBE" --bogus
refused 2 "--seed=perhaps" -l "$PROBE" --seed=perhaps
for addr in 3ffff028 0400 00 "" 0x 0X10 18446744073709551616 0x10000000000000000 -8; do
	refused 2 "--vmgenid-addr=$addr: not a number: 0x and hexadecimal digits, or decimal" \
		-l "$PROBE" --vmgenid-addr="$addr"
done
refused 2 "--initrd needs a value" -l "$PROBE" --initrd
refused 2 "--load-p: ambiguous: --load-panic or --load-preserve-context?" --load-p
refused 2 "a command line with blanks needs quotes" -l "$PROBE" --append=root=x ro
refused 2 "--type=zImage: must be bzImage" -l "$PROBE" --type=zImage
refused 2 "--entry-32bit needs kexec_load" -l "$PROBE" -s --entry-32bit

# Features of kexec-tools alone: one line with the reason
for word in --load-preserve-context --load-jump-back-helper --load-live-update \
	--exec-live-update --real-mode --args-elf --args-none --module=x --dtb=x \
	--force-dtb --entry=0x1000 --type=elf-x86 --type=multiboot-x86 \
	--type=multiboot2-x86 --type=beoboot-x86 --type=nbi-x86; do
	case $word in --module=x | --dtb=x) says=${word%=x} ;; *) says=$word ;; esac
	refused 1 "kexec: $says: " -l "$PROBE" $word
done

# A name with characters that break the line or the terminal
bad=$(printf '%s/a\nb\033[2J' "$tmp")
refused 1 "a?b?[2J: No such file" --dry-run $bios "$bad"

# Plans
for machine in "$MACHINES"/*/; do
	[ -d "$machine/proc" ] || continue # of another architecture
	plans --facts="$machine" "$PROBE" --append="console=ttyS0 a=b"
	for word in purgatory kernel boot_params RNG_SEED "command line console=ttyS0 a=b"; do
		shows "$word"
	done
	plans --facts="$machine" "$PROBE" --append=quiet --seed=off
	grep -q RNG_SEED "$tmp/out" && fail "a seed with --seed=off: $machine"
done
plans --facts="$MACHINES/efi-1g" "$PROBE" --append=quiet
shows "EFI  *96 bytes"
plans --facts="$MACHINES/efi-1g" "$PROBE" --append=quiet --noefi
grep -q "EFI  " "$tmp/out" && fail "EFI with --noefi"
plans --facts="$MACHINES/vmgenid-bios" "$PROBE" --append=quiet
shows "^seed mix .*TSC VM generation ID at 0x3ffff028 kernel memory (7783 KiB)$"
for addr in 0x3ffff028 0x3FFFF028 1073737768; do # at which ACPI has it, too
	plans --facts="$MACHINES/vmgenid-bios" "$PROBE" --append=x --vmgenid-addr="$addr"
	shows "^seed mix .*TSC VM generation ID at 0x3ffff028 kernel memory (7783 KiB)$"
done
plans --facts="$MACHINES/vmgenid-bios" "$PROBE" --append=quiet --seed-mix=off
grep -q "seed mix" "$tmp/out" && fail "seed mix with --seed-mix=off"
# Words that the next kernel does not inherit, and "--"
cp -r "$MACHINES/crash-4cpus" "$tmp/stale" && chmod -R u+w "$tmp/stale"
stale="--facts=$tmp/stale"
echo "BOOT_IMAGE=/v root=x elfcorehdr=0x1d000000 memmap=exactmap crashkernel=1M -- 1" \
	>"$tmp/stale/proc/cmdline"
plans $stale "$PROBE" --reuse-cmdline --append="a b"
shows "^command line root=x crashkernel=1M a b -- 1$"
plans $stale -p "$PROBE" --reuse-cmdline --append="a b" --pass-memmap-cmdline
shows "^command line elfcorehdr=0x[0-9a-f]* root=x a b memmap=exactmap memmap=.* -- 1$"
notes "kexec: elfcorehdr= is left out of the command line: " $stale -p "$PROBE" \
	--append="elfcorehdr=0x1 a"
shows "^command line elfcorehdr=0x[0-9a-f]\{8\} a$"
# Options for the screen never stop a load
notes "kexec: --reset-vga has no effect: " $bios "$PROBE" --append=x --reset-vga
plans $stale "$PROBE" --append=x --console-vga
echo "0 EFI VGA" >"$tmp/stale/proc/fb"
notes "kexec: --console-vga: the screen shows graphics" $stale "$PROBE" --append=x --console-vga
plans $stale "$PROBE" --append=x --console-serial
# Several initrds and command lines are joined: each initrd is padded to 4 bytes
printf 07070 >"$tmp/a" && printf 1 >>"$tmp/a" && printf 070702x >"$tmp/b"
if ! "$KEXEC" --dry-run --json $bios "$PROBE" 2>&1 | grep -q "built without json-c"; then
	plans $bios "$PROBE" --append=x --json --initrd="$tmp/a" --ramdisk="$tmp/b"
	sed -n '/"kind":"initrd"/,/}/p' "$tmp/out" | grep -q '"content":16\>' ||
		fail "joined initrds do not have 16 bytes"
fi
plans $bios "$PROBE" --append=a --command-line="b -- c" --append=d
shows "^command line a b d -- c$"
refused 1 "$tmp/no: No such file" --dry-run $bios "$PROBE" --initrd="$tmp/a" --initrd="$tmp/no"
refused 1 "$tmp: is a directory" --dry-run $bios "$PROBE" --initrd="$tmp" --initrd="$tmp/a"
refused 2 "--initrd takes no name with a line break" "$PROBE" --initrd="a
b"
# A file that cannot be mapped, like /sys/firmware/initrd
if [ -s /sys/kernel/notes ]; then
	notes "/sys/kernel/notes is no archive" $bios "$PROBE" --append=x --initrd=/sys/kernel/notes
	shows " initrd$"
else
	echo "SKIPPED: an initrd in /sys: this machine has no /sys/kernel/notes"
fi
# 5-level paging, and a kernel that cannot be entered with it: xloadflags 3
cp -r "$MACHINES/efi-1g" "$tmp/la57" && chmod -R u+w "$tmp/la57"
sed -i 's/^flags.*/& la57/' "$tmp/la57/proc/cpuinfo"
cp "$PROBE" "$f" && printf '\003\000' | dd of="$f" bs=1 seek=566 conv=notrunc 2>/dev/null
notes "kexec: $f: it is entered in 32-bit mode, as with --entry-32bit: " \
	--facts="$tmp/la57" "$f" --append=x
shows "32-bit"
plans --facts="$tmp/la57" "$PROBE" --append=x
refused 1 "kexec: $f cannot be entered with 5-level paging, which the running kernel uses: " \
	--dry-run --facts="$tmp/la57" -s "$f"
# Block devices
truncate -s 1M "$tmp/small" && truncate -s 2G "$tmp/large"
if small=$(losetup -f --show "$tmp/small" 2>"$tmp/err"); then
	large=$(losetup -f --show "$tmp/large")
	plans $bios "$PROBE" --append=x --initrd="$small"
	shows "  *1024 KiB  initrd$"
	plans $bios "$PROBE" --append=x --initrd="$tmp/a" --initrd="$small"
	refused 1 "$large: a block device of more than 1 GiB; copy the file out of it" \
		--dry-run $bios "$PROBE" --initrd="$large"
	losetup -d "$small" "$large"
else
	echo "SKIPPED: block devices: no root, or no loop devices"
fi
# Tables that only root may read; root runs this without the capabilities to read them
cp -r "$MACHINES/vmgenid-bios" "$tmp/hidden" && chmod -R u+w "$tmp/hidden" &&
	chmod 0 "$tmp"/hidden/sys/firmware/acpi/tables/*
drop=-dac_override,-dac_read_search
if [ "$(id -u)" = 0 ]; then
	set -- setpriv --bounding-set="$drop" --inh-caps="$drop"
else
	set --
fi
if "$@" "$KEXEC" --dry-run --facts="$tmp/hidden" "$PROBE" >"$tmp/out" 2>"$tmp/err"; then
	grep -q "a VM generation ID would not be seen: only root can read" "$tmp/err" ||
		fail "does not say that the tables cannot be read"
else
	fail "no plan without the ACPI tables"
fi
if "$KEXEC" --dry-run --json $bios "$PROBE" 2>&1 | grep -q "built without json-c"; then
	echo "SKIPPED: --json: this build lacks json-c"
else
	plans --facts="$MACHINES/vmgenid-bios" "$PROBE" --json --append=x
	for word in '"generation_id":1073737768' '^      "GENERATION_ID",$' '^      "KERNEL_MEMORY"$' '"name":"RNG_SEED"' '"command_line":"x"'; do
		shows "$word"
	done
	# Any command line gives valid JSON.
	plans $bios "$PROBE" --json \
		--append="$(printf '\303\244 \377 \355\240\200 \360\237\230\200 \302')"
	shows "$(printf '"command_line":"\303\244 ? ??? \360\237\230\200 ?"')"
fi
"$MACHINES/make-many-e820" "$MACHINES/bios-8g-hole" "$tmp/many"
plans --facts="$tmp/many" "$PROBE" --append=x
shows "E820_EXT"
for pack in "gzip -c" "xz -c --check=crc32" "zstd -qc"; do
	if ! command -v "${pack%% *}" >/dev/null; then
		echo "SKIPPED: $pack: not installed"
		continue
	fi
	$pack "$PROBE" >"$f"
	if "$KEXEC" --dry-run $bios "$f" 2>&1 | grep -q "built without"; then
		echo "SKIPPED: $pack: this build lacks the library"
		"$KEXEC" --version | grep -q "^built without.*${pack%% *} (" ||
			fail "--version does not list as missing ${pack%% *}"
		continue
	fi
	plans $bios "$f" --append=x
	"$KEXEC" --version | grep -q "^opens.*; .*${pack%% *}" ||
		fail "--version does not list ${pack%% *}"
done

# A type of memory that nobody knows is a note, not a reason to load nothing.
cp -r "$MACHINES/bios-1g" "$tmp/types" && chmod -R u+w "$tmp/types" &&
	echo Foam >"$tmp/types/sys/firmware/memmap/1/type"
"$KEXEC" --dry-run --facts="$tmp/types" "$PROBE" >"$tmp/out" 2>"$tmp/err" ||
	fail "an unknown type of memory stops it"
shows "0x00000009fc00-0x00000009ffff  reserved"
grep -q "memmap/1/type: 'Foam' is not a known type of memory" "$tmp/err" ||
	fail "no note about an unknown type of memory"

# Facts stop those who need them, nobody else.
cp -r "$MACHINES/crash-4cpus" "$tmp/facts" && chmod -R u+w "$tmp/facts" &&
	mkdir -p "$tmp/facts/sys/kernel/kexec" &&
	echo rubbish >"$tmp/facts/sys/kernel/kexec/crash_cma_ranges" &&
	rm "$tmp/facts/proc/cmdline" && mkdir "$tmp/facts/proc/cmdline"
plans --facts="$tmp/facts" "$PROBE" --append=a
refused 1 "crash_cma_ranges: not a memory range" --dry-run --facts="$tmp/facts" -c -p "$PROBE" \
	--append=a
refused 1 "/proc/cmdline: Is a directory" --dry-run --facts="$tmp/facts" "$PROBE" \
	--reuse-cmdline

# Memory devices: a crash kernel must not take the memory that it is to dump.
cp -r "$MACHINES/crash-4cpus" "$tmp/dimms" && chmod -R u+w "$tmp/dimms" &&
	mkdir -p "$tmp/dimms/sys/bus/acpi/devices/PNP0A03:00"
plans --facts="$tmp/dimms" -p "$PROBE" --append=quiet
shows "command line elfcorehdr=0x[0-9a-f]* quiet$"
mkdir "$tmp/dimms/sys/bus/acpi/devices/PNP0C80:0a"
plans --facts="$tmp/dimms" -p "$PROBE" --append="quiet -- init"
shows "command line elfcorehdr=0x[0-9a-f]* acpi_no_memhotplug quiet -- init$"
plans --facts="$tmp/dimms" -p "$PROBE"
shows "command line elfcorehdr=0x[0-9a-f]* acpi_no_memhotplug$"
for word in "a acpi_no_memhotplug" memhp_default_state=online; do
	plans --facts="$tmp/dimms" -p "$PROBE" --append="$word"
	shows "command line elfcorehdr=0x[0-9a-f]* $word$"
done
# that the running kernel has the word says nothing about the next one
echo memhp_default_state=online >"$tmp/dimms/proc/cmdline"
plans --facts="$tmp/dimms" -p "$PROBE" --reuse-cmdline
shows "command line elfcorehdr=0x[0-9a-f]* acpi_no_memhotplug memhp_default_state=online$"
plans --facts="$tmp/dimms" "$PROBE" --append=quiet
shows "command line quiet$"
"$KEXEC" -d --dry-run --facts="$tmp/dimms" -p "$PROBE" 2>&1 >"$tmp/out" |
	grep -q "memory devices.*: acpi_no_memhotplug" || fail "-d does not tell"

# The method comes first, with its reason; then what follows from it.
# says METHOD SEED ARGUMENT...: these first two lines of a plan; for kexec_file_load nothing
# that the kernel decides
says() {
	method=$1 seed=$2
	shift 2
	"$KEXEC" --dry-run "$@" --append=x >"$tmp/out" 2>"$tmp/err" || fail "status $?: $*"
	sed -n 1p "$tmp/out" | grep -q "^method       $method" || fail "not '$method': $*"
	sed -n 2p "$tmp/out" | grep -q "^seed         $seed" || fail "not '$seed': $*"
	case $method in
	kexec_file_load*) ! grep -q "purgatory\|seed mix\|RNG_SEED\|  seed$" "$tmp/out" ||
		fail "kexec_file_load with parts of a plan: $*" ;;
	esac
}
locked="the kernel is locked down (integrity), as under Secure Boot, and takes signed kernels only"
cp -r "$MACHINES/crash-256m" "$tmp/locked" && chmod -R u+w "$tmp/locked" &&
	mkdir -p "$tmp/locked/sys/kernel/security" &&
	echo "none [integrity] confidentiality" >"$tmp/locked/sys/kernel/security/lockdown"
mixed="32 bytes, mixed at the jump: clones pass different ones"
says "kexec_load: the default" "$mixed" $bios "$PROBE"
says "kexec_load: -c was given" "$mixed" -c $bios "$PROBE"
says "kexec_load: the default" "32 bytes, not mixed; clones share them$" --seed-mix=off \
	$bios "$PROBE"
says "kexec_load: --seed=off needs it" "none: --seed=off" --seed=off $bios "$PROBE"
says "kexec_file_load: -s was given" "drawn by the kernel; clones share it$" -s $bios "$PROBE"
says "kexec_file_load: -s was given" "drawn by the kernel; clones share it until refreshed" \
	-s -p --facts="$MACHINES/crash-256m" "$PROBE"
says "kexec_file_load: $locked" "drawn by the kernel; clones share it$" \
	--facts="$tmp/locked" "$PROBE"
grep -q "^kexec: using kexec_file_load: $locked" "$tmp/err" || fail "no note of the fallback"
refused 1 "$locked" --dry-run --facts="$tmp/locked" -c "$PROBE" --append=x
refused 1 "$locked" --dry-run --facts="$tmp/locked" --seed=off "$PROBE" --append=x
refused 1 "no memory is reserved for a crash kernel" --dry-run -s $bios -p "$PROBE" --append=x
says "kexec_file_load: $locked" "drawn by the kernel; clones share it until refreshed" \
	--facts="$tmp/locked" -p "$PROBE"
refused 1 "no memory is reserved for a crash kernel" --dry-run $bios -p "$PROBE" \
	--append=x
refused 2 "--kexec-file-syscall and --kexec-syscall exclude each other" -s -c "$PROBE"
refused 2 "--kexec-syscall and --kexec-file-syscall exclude each other" -c -s "$PROBE"
refused 2 "--dry-run=boot: must be plan or boot-data" --dry-run=boot $bios "$PROBE"
refused 2 "--dry-run=boot-data needs kexec_load" --dry-run=boot-data -s $bios "$PROBE"

# boot_params field by field; -d says more
says "kexec_load" "$mixed" -d $bios "$PROBE"
cp "$tmp/out" "$tmp/debug"
says "kexec_load" "$mixed" $bios "$PROBE"
grep -vxFf "$tmp/out" "$tmp/debug" | grep -q "^digests  *checked before the jump" ||
	fail "-d --dry-run does not say more"
[ -z "$(grep -vxFf "$tmp/debug" "$tmp/out")" ] || fail "-d --dry-run leaves something out"
says "kexec_load" "$mixed" --dry-run=boot-data $bios "$PROBE"
shows "^boot_params, field by field"
shows "^  0x202   4  hdr.header  *0x53726448$"
shows "^  0x210   1  hdr.type_of_loader  *0xd0$"
"$KEXEC" --dry-run $bios "$PROBE" --append=x | grep -vxFf "$tmp/out" >"$tmp/err"
[ ! -s "$tmp/err" ] || fail "--dry-run=boot-data leaves something out"

# Probable mistakes are notes
notes "kexec: the command line is empty: --append= or --reuse-cmdline gives one" $bios "$PROBE"
notes "kexec: $PROBE is a kernel (bzImage), given as the initrd" $bios "$PROBE" --append=x \
	--initrd="$PROBE"
echo "#!/bin/sh" >"$f"
notes "kexec: $f is a script and no initrd that Linux unpacks (a cpio archive, plain or" $bios \
	"$PROBE" --append=x --initrd="$tmp/a" --initrd="$f"
head -c 3000 /dev/zero >"$f"
notes "kexec: $f is no archive and no initrd" $bios "$PROBE" --append=x --initrd="$f"
for magic in 070701 070702 '\037\213' '\037\236' BZh9 '\135' '\3757zXZ' '\211LZO' \
	'\002\041L\030' '\050\265\057\375'; do
	{ head -c 8 /dev/zero; printf "$magic"; head -c 4 /dev/zero; } >"$f" # the kernel skips zeroes
	plans $bios "$PROBE" --append=x --initrd="$f"
done

# Xen: a domain that can jump by itself, and two kinds that cannot
cp -r "$MACHINES/bios-1g" "$tmp/xen" && chmod -R u+w "$tmp/xen" &&
	mkdir -p "$tmp/xen/sys/hypervisor/properties" "$tmp/xen/proc/xen"
echo xen >"$tmp/xen/sys/hypervisor/type"
echo PVH >"$tmp/xen/sys/hypervisor/guest_type"
echo 00002705 >"$tmp/xen/sys/hypervisor/properties/features"
: >"$tmp/xen/proc/xen/capabilities"
plans --facts="$tmp/xen" "$PROBE" --append=x
echo 00002f05 >"$tmp/xen/sys/hypervisor/properties/features"
refused 1 "dom0 of Xen" --dry-run --facts="$tmp/xen" "$PROBE"
rm "$tmp/xen/sys/hypervisor/properties/features"
echo control_d >"$tmp/xen/proc/xen/capabilities"
refused 1 "dom0 of Xen" --dry-run -s --facts="$tmp/xen" "$PROBE"
rm "$tmp/xen/proc/xen/capabilities"
echo PV >"$tmp/xen/sys/hypervisor/guest_type"
refused 1 "paravirtual domain of Xen" --dry-run --facts="$tmp/xen" "$PROBE"

# The flags of kexec_file_load(2); strace answers the call instead of the kernel
# asks FLAGS ANSWER ARGUMENT...: its last call has these flags
asks() {
	flags=$1 answer=$2
	shift 2
	strace -qq -o "$tmp/trace" -e trace=kexec_load,kexec_file_load \
		-e inject=kexec_load,kexec_file_load:"$answer" "$KEXEC" "$@" 2>"$tmp/err"
	tail -n 1 "$tmp/trace" >"$tmp/out"
	shows ", $flags) *= "
}
if [ "$(id -u)" = 0 ] && strace -qq -o "$tmp/trace" -e inject=kexec_load:retval=0 true \
	2>"$tmp/err" && "$KEXEC" --dry-run "$PROBE" >"$tmp/out" 2>&1; then
	asks KEXEC_FILE_NO_INITRAMFS retval=0 -s -l "$PROBE"
	asks 'KEXEC_FILE_NO_INITRAMFS|\(0x8\|KEXEC_FILE_DEBUG\)' retval=0 -d -s -l "$PROBE"
	asks KEXEC_FILE_NO_INITRAMFS error=EINVAL -d --no-cma -s -l "$PROBE"
	truncate -s 20M "$tmp/large"
	asks KEXEC_FILE_NO_INITRAMFS error=EADDRNOTAVAIL -s -l "$PROBE"
	grep -q "kexec: no gap of [0-9]* MiB is free in memory for the kernel" "$tmp/err" ||
		fail "does not say how large a gap is needed"
	asks 0 error=EADDRNOTAVAIL -s -l "$PROBE" --initrd="$tmp/large"
	grep -q "kexec: no gap of 20 MiB is free in memory for the initrd" "$tmp/err" ||
		fail "does not say how large a gap the initrd needs"
	# A file that may be read, but not mapped, as under SELinux
	"$KEXEC" --dry-run "$PROBE" >"$tmp/plan" 2>"$tmp/err" || fail "--dry-run"
	strace -qq -o "$tmp/trace" -P "$(realpath "$PROBE")" -e inject=mmap:error=EACCES \
		-E ASAN_OPTIONS=detect_leaks=0 "$KEXEC" --dry-run "$PROBE" >"$tmp/out" \
		2>"$tmp/err" || fail "cannot read what it cannot map"
	cmp -s "$tmp/plan" "$tmp/out" || fail "read is not as mapped"
	grep -q "mmap.*EACCES.*INJECTED" "$tmp/trace" || fail "nothing was denied"
	# Started with closed descriptors: its messages must not go into a file it opened.
	# LeakSanitizer, which fails under strace, would change the exit status.
	cp "$PROBE" "$f"
	! "$KEXEC" --version | grep -q "^opens.*gzip" || gzip -c "$PROBE" >"$f"
	strace -qq -y -o "$tmp/trace" -e trace=write,writev,kexec_file_load \
		-e inject=kexec_file_load:retval=0 -E ASAN_OPTIONS=detect_leaks=0 \
		sh -c 'exec "$@" <&- >&- 2>&-' \
		sh "$KEXEC" -d -s -l "$f" || fail "closed descriptors: status $?"
	# musl's streams use writev(2)
	grep "^writev*(2.*command line" "$tmp/trace" >"$tmp/err" || fail "does not say it"
	sed '/^kexec_file_load/q' "$tmp/trace" | grep -q "^writev*(2.*command line" ||
		fail "prints the details after the call"
	grep -q "memfd:" "$tmp/err" && fail "writes it to a file it opened"
	grep -q "^kexec_file_load([3-9]<" "$tmp/trace" || fail "the kernel file has a standard descriptor"
else
	echo "SKIPPED: flags of kexec_file_load: no root, or no strace"
fi

"$KEXEC" --help >"$tmp/out" || fail "--help"
shows "Usage: kexec"
[ "$(wc -l <"$tmp/out")" -le 24 ] || fail "--help: more than 24 lines"
[ -z "$(awk 'length > 80' "$tmp/out")" ] || fail "--help: wider than 80 columns"
"$KEXEC" --version >"$tmp/out" || fail "--version"
shows "^kexec-seed [0-9]"
shows "^opens bzImage"

# The size of the crashkernel region, although its place is hidden (another user namespace)
unshare --user --map-root-user --mount sh -c 'mount -t tmpfs tmpfs /sys/kernel &&
	echo 268435456 >/sys/kernel/kexec_crash_size || exit 77
	exec "$1" --print-ckr-size' sh "$KEXEC" >"$tmp/out" 2>"$tmp/err"
if grep -q "unshare:\|mount:" "$tmp/err"; then
	echo "SKIPPED: --print-ckr-size: this machine has no user namespaces"
else
	shows "^268435456$"
fi

# Output that cannot be written is reported
for word in --help --version "--dry-run $bios $PROBE"; do
	"$KEXEC" $word >/dev/full 2>"$tmp/err"
	[ $? = 1 ] || fail "status not 1 with a full disk: $word"
	grep -q "cannot write: No space left" "$tmp/err" || fail "does not report it: $word"
done

[ $failed = 0 ] && echo "all as promised"
exit $failed
