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

# The architecture of this build, and instructions: one a line, for the assembler.
arch=x86 emulation=elf_x86_64 vector=sha256_ni.bo call=call
bad_outside='movaps %xmm0, %xmm1
vpxor %ymm1, %ymm2, %ymm3
movq %mm1, %mm2
fld %st(1)
kmovw %eax, %k1
vpxord %zmm17, %zmm1, %zmm2'
bad_inside='vpxor %xmm1, %xmm2, %xmm3
vpxor %ymm1, %ymm2, %ymm3
movq %mm1, %mm2
vzeroupper
fld %st(1)'
good_inside='pxor %xmm1, %xmm2'
forbidden=cpuid flags=
if [ -e purgatory/arch/arm64/entry.bo ]; then
	arch=arm64 emulation=aarch64linux vector=sha256_ce.bo call=bl
	bad_outside='fmov d1, x0
ld1 {v0.16b}, [x0]
stp q0, q1, [sp]
ldr s3, [x1]
.arch armv8-a+sve; ptrue p1.s
.arch armv8-a+sve; add z0.s, z1.s, z2.s'
	bad_inside='.arch armv8-a+sve; ptrue p1.s
.arch armv8-a+sve; add z0.s, z1.s, z2.s'
	good_inside='ld1 {v0.16b}, [x0]'
	forbidden='dc zva, x0
ldxr x0, [x1]
stlxr w0, x2, [x1]
.arch armv8-a+lse; ldadd w0, w1, [x2]
.arch armv8-a+lse; casal w0, w1, [x2]'
elif [ -e purgatory/arch/riscv64/entry.bo ]; then
	flags='-march=rv64imac -mabi=lp64'
	arch=riscv64 emulation=elf64lriscv vector=sha256_zknh.bo call=call
	bad_outside='.option arch, +f, +d; fmv.d.x f0, a0
.option arch, +f, +d; fld fa5, 8(sp)
.option arch, +v; vsetvli t0, zero, e8, m8, ta, ma
.option arch, +v; vmv.v.i v8, 0'
	bad_inside=$bad_outside
	good_inside='add a0, a0, a1'
	forbidden='.option arch, +a; lr.d a0, (a1)
.option arch, +a; amoadd.w a0, a1, (a2)'
fi

lenient=$dir/lenient.lds
sed -e '/^ASSERT/d' "$srcdir/purgatory/purgatory.lds" >"$lenient"
sed -e '0,/ALIGN(4096)/s/ALIGN(4096)/ALIGN(16)/' "$lenient" >"$dir/shared-page.lds"

entry=purgatory/arch/$arch/entry.bo
objects=$entry
for object in purgatory/*.bo purgatory/arch/*/*.bo; do
	[ "$object" = $entry ] || objects="$objects $object"
done

# link SCRIPT OBJECT...
link() {
	script=$1
	shift
	linked=$*
	${LD:-ld} -m $emulation -pie --no-dynamic-linker --build-id=none -z noexecstack \
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
	${CC:-cc} $flags -c -x assembler -o "$dir/bad.o" - || exit 99
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

echo ".text; .weak nobody_has_it; .hidden nobody_has_it; $call nobody_has_it" | assemble
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

# each LIST FUNCTION: calls it with each instruction.
each() {
	printf '%s\n' "$1" >"$dir/instructions"
	while read -r instruction; do
		echo ".text; $instruction" | assemble
		"$2"
	done <"$dir/instructions"
}

link_bad() {
	link "$lenient" $objects "$dir/bad.o"
}

mkdir "$dir/other" || exit 99
link_as_vector() {
	mv "$dir/bad.o" "$dir/other/$vector"
	link "$lenient" $objects "$dir/other/$vector"
}

expect_outside() {
	link_bad
	expect "$instruction" "registers that hold the old"
}
each "$bad_outside" expect_outside

# In the section for vector registers: the allowed ones are listed.
expect_inside() {
	link_as_vector
	expect "$instruction in .vector" "registers that hold the old"
}
each "$bad_inside" expect_inside
allow_inside() {
	link_as_vector
	check || { echo "FAIL: $instruction in .vector is rejected"; failed=1; }
}
each "$good_inside" allow_inside

expect_forbidden() {
	link_bad
	expect "$instruction" "instructions that it must not use"
}
each "$forbidden" expect_forbidden

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
