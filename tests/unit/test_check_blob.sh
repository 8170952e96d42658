#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# purgatory/check-blob must reject bad blobs. Each case links the real objects with a faulty one,
# with a linker script that accepts it, and expects check-blob's message.
# CC, LD, OBJCOPY, READELF, NM and OBJDUMP name the tools, srcdir the sources.
set -u
srcdir=${srcdir:-.}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
failed=0

lenient=$dir/lenient.lds
sed -e '/^ASSERT/d' "$srcdir/purgatory/arch/x86/purgatory.lds" >"$lenient"
sed -e '0,/ALIGN(4096)/s/ALIGN(4096)/ALIGN(16)/' "$lenient" >"$dir/shared-page.lds"

entry=purgatory/arch/x86/entry.bo
objects=$entry
for object in purgatory/*.bo purgatory/arch/x86/*.bo; do
	[ "$object" = $entry ] || objects="$objects $object"
done

# link SCRIPT OBJECT...
link() {
	script=$1
	shift
	linked=$*
	${LD:-ld} -m elf_x86_64 -pie --no-dynamic-linker --build-id=none -z noexecstack \
		-z norelro -z max-page-size=4096 -T "$script" -o "$dir/blob.elf" "$@" \
		2>"$dir/link.log" &&
		${OBJCOPY:-objcopy} -O binary "$dir/blob.elf" "$dir/blob.bin" ||
		{ cat "$dir/link.log"; exit 99; }
}

check() {
	"$srcdir/purgatory/check-blob" "$dir/blob.elf" "$dir/blob.bin" $linked
}

# expect NAME WORDS: check-blob rejects the last linked blob, for that reason.
expect() {
	if check 2>"$dir/log"; then
		echo "FAIL: $1: was accepted"
	elif ! grep -q -e "$2" "$dir/log"; then
		echo "FAIL: $1: other message than \"$2\":"
		cat "$dir/log"
	else
		echo "ok: $1"
		return
	fi
	failed=1
}

# assemble: standard input, into a faulty object
assemble() {
	${CC:-cc} -c -x assembler -o "$dir/bad.o" - || exit 99
}

# patch OFFSET OCTAL...: change bytes of the blob
patch() {
	at=$1
	shift
	for byte; do
		printf "\\$byte" | dd of="$dir/blob.bin" bs=1 seek="$at" conv=notrunc 2>/dev/null
		at=$((at + 1))
	done
}

link "$lenient" $objects
if check; then
	echo "ok: the real one"
else
	echo "FAIL: the real one is rejected"
	failed=1
fi

echo '.text; .weak nobody_has_it; .hidden nobody_has_it; call nobody_has_it' | assemble
link "$lenient" $objects "$dir/bad.o"
expect "undefined symbol" "undefined symbols: nobody_has_it"

echo '.section .data.rel.ro, "aw"; .hidden purgatory_params; .quad purgatory_params' |
	assemble
link "$lenient" $objects "$dir/bad.o"
expect "address to fill in" "relocations are left"

echo '.section .surprise, "a"; .long 1' | assemble
link "$lenient" $objects "$dir/bad.o"
expect "orphan section" "nobody planned: .surprise"

echo '.data; .globl state; state: .long 1' | assemble
link "$lenient" $objects "$dir/bad.o"
expect "initialised data" "data that can be written to"

echo '.comm shared, 8, 8' | assemble
link "$lenient" $objects "$dir/bad.o"
expect "common symbol" "nobody planned: .data"

for instruction in 'movaps %xmm0, %xmm1' 'vpxor %ymm1, %ymm2, %ymm3' 'movq %mm1, %mm2' \
	'fld %st(1)' 'kmovw %eax, %k1' 'vpxord %zmm17, %zmm1, %zmm2'; do
	echo ".text; $instruction" | assemble
	link "$lenient" $objects "$dir/bad.o"
	expect "$instruction" "registers that hold the old"
done

# In the section for SSE: instructions that SSE does not include; the allowed ones are listed.
mkdir "$dir/other" || exit 99
for instruction in 'vpxor %xmm1, %xmm2, %xmm3' 'vpxor %ymm1, %ymm2, %ymm3' 'movq %mm1, %mm2' \
	'vzeroupper' 'fld %st(1)'; do
	echo ".text; $instruction" | assemble
	mv "$dir/bad.o" "$dir/other/sha256_ni.bo"
	link "$lenient" $objects "$dir/other/sha256_ni.bo"
	expect "$instruction in .vector" "registers that hold the old"
done
echo '.text; pxor %xmm1, %xmm2' | assemble
mv "$dir/bad.o" "$dir/other/sha256_ni.bo"
link "$lenient" $objects "$dir/other/sha256_ni.bo"
check || { echo "FAIL: SSE in .vector is rejected"; failed=1; }

echo '.text; cpuid' | assemble
link "$lenient" $objects "$dir/bad.o"
expect "cpuid" "asks the processor"

link "$dir/shared-page.lds" $objects
expect "state in the code's last page" "shares a page"

link "$lenient" $objects
patch 7 62
expect "magic" "magic is"
link "$lenient" $objects
patch 16 0 0
expect "entry_offset" "entry_offset is 0"
link "$lenient" $objects
patch 20 1 0 0
expect "file_size" "file_size is 1"
link "$lenient" $objects
patch 31 1
expect "mem_size" "mem_size is"
link "$lenient" $objects
patch 12 377 377
expect "params_size" "inside the parameter block"
link "$lenient" $objects
printf x >>"$dir/blob.bin"
expect "size of the file" "the file's size is"
link "$lenient" $objects
: >"$dir/blob.bin"
expect "empty file" "no $dir/blob.elf or no"
link "$lenient" $objects
echo "not an ELF file" >"$dir/blob.elf"
expect "no ELF file" "failed"

exit $failed
