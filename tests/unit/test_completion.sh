#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Shell completion: calls bash's completion functions as the tab key would. test_tables.py
# compares the lists with what the programs take.
set -u
srcdir=${srcdir:-.}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

fail() {
	echo "FAILED: $*"
	failed=1
}

. "$srcdir/kexec/completions/bash/kexec" || exit 1
. "$srcdir/kexec_seed/completions/bash/kexec-seed" || exit 1

# complete_words FUNCTION WORD...: the cursor is in the last one
complete_words() {
	local function=$1
	shift
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	$function
}

# offers 'WORDS' WORD...: exactly these
offers() {
	local want=$1
	shift
	case $1 in kexec) complete_words _kexec "$@" ;; *) complete_words _kexec_seed "$@" ;; esac
	[ "${COMPREPLY[*]}" = "$want" ] || fail "'${COMPREPLY[*]}', not '$want': $*"
}

offers "--initrd=" kexec --in
offers "--load --load-panic" kexec --lo
offers "--no-checks --no-ifdown --no-sync --no-cma" kexec -l --no-
offers "" kexec --real
offers "bzImage bzImage64" kexec -t bz
offers "elf-x86_64" kexec --type = e
offers "auto require off" kexec -l --seed =
offers "--seed=require" kexec -l --seed=r
offers "halt" kexec --on-corruption h
offers "" kexec --append = x
offers "--dry-run=boot-data" kexec -l --dry-run=b
offers "boot-data" kexec --dry-run =
touch "$tmp/vmlinuz" "$tmp/vm linux" "$tmp/initrd" && mkdir "$tmp/initfolder" || exit 1
offers "$tmp/initrd" kexec -l --initrd = "$tmp/initr"
offers "--initrd=$tmp/initrd" kexec -l "--initrd=$tmp/initr"
offers "$tmp/initfolder" kexec --facts = "$tmp/init"
offers "$tmp/vmlinuz" kexec -l "$tmp/vml"
offers "$tmp/vmlinuz" kexec --dry-run "$tmp/vml"
complete_words _kexec kexec -l "$tmp/vm"
[ ${#COMPREPLY[@]} = 2 ] || fail "a name with a blank must be one word"

offers "daemon refresh verify status --help --version" kexec-seed ""
offers "status" kexec-seed s
offers "--full" kexec-seed refresh --f
offers "--json --help" kexec-seed verify ""
offers "--window-ms=" kexec-seed daemon --w
offers "kmsg" kexec-seed daemon --sources = k
offers "$tmp/initrd" kexec-seed daemon --config = "$tmp/initr"

if command -v zsh >/dev/null; then
	for file in kexec/completions/zsh/_kexec kexec_seed/completions/zsh/_kexec-seed; do
		zsh -n "$srcdir/$file" || fail "zsh cannot parse $file"
	done
else
	echo "SKIPPED: zsh not installed"
fi

[ $failed = 0 ] && echo "all as promised"
exit $failed
