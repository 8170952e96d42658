#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# Completion on the command line, and that it, the manual and the programs know the same
# options. bash is asked as it asks itself when somebody presses the tabulator key.
set -u
srcdir=${srcdir:-.}
KEXEC=${KEXEC:-kexec/kexec}
SEED=${SEED:-kexec_seed/kexec-seed}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

fail() {
	echo "FAILED: $*"
	failed=1
}

. "$srcdir/kexec/completions/bash/kexec" || exit 1
. "$srcdir/kexec_seed/completions/bash/kexec-seed" || exit 1

# complete_words FUNCTION WORD...: the last one is where the cursor is
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
touch "$tmp/vmlinuz" "$tmp/vm linux" "$tmp/initrd" && mkdir "$tmp/initfolder" || exit 1
offers "$tmp/initrd" kexec -l --initrd = "$tmp/initr"
offers "--initrd=$tmp/initrd" kexec -l "--initrd=$tmp/initr"
offers "$tmp/initfolder" kexec --facts = "$tmp/init"
offers "$tmp/vmlinuz" kexec -l "$tmp/vml"
complete_words _kexec kexec -l "$tmp/vm"
[ ${#COMPREPLY[@]} = 2 ] || fail "a name with a blank is not one word"

offers "daemon refresh verify status --help --version" kexec-seed ""
offers "status" kexec-seed s
offers "--full" kexec-seed refresh --f
offers "--json --help" kexec-seed verify ""
offers "--window-ms=" kexec-seed daemon --w
offers "kmsg" kexec-seed daemon --sources = k
offers "$tmp/initrd" kexec-seed daemon --config = "$tmp/initr"

# same WHAT: the lists in $tmp/want and $tmp/got
same() {
	sort "$tmp/want" >"$tmp/a"
	sort "$tmp/got" >"$tmp/b"
	diff "$tmp/a" "$tmp/b" >"$tmp/diff" && return
	fail "$1 (< in the program, > there)"
	cat "$tmp/diff"
}

# The table of kexec: a line for each option, "name" or "name="
sed -n -e 's/^\t{ "\([a-z0-9-]*\)", no_argument,.*/\1/p' \
	-e 's/^\t{ "\([a-z0-9-]*\)", required_argument,.*/\1=/p' \
	"$srcdir/kexec/options_table.c" | grep -v '^.$' >"$tmp/table"
[ "$(wc -l <"$tmp/table")" -gt 50 ] || fail "no options in options_table.c"
page=$(sed 's/\\-/-/g; s/\\fR,\\fP//g' "$srcdir/man/kexec.8")
while read -r option; do
	grep -q -- "--${option%=}\>" <<<"$page" || fail "kexec(8) lacks --$option"
	value=${option#"${option%=}"}
	"$KEXEC" "--${option%=}${value:+=0}" --help >/dev/null 2>"$tmp/err"
	# 1: kexec-tools has it, and this program says why not
	{ [ $? = 1 ] && grep -q "^kexec: --${option%=}: " "$tmp/err"; } ||
		echo "--$option" >>"$tmp/want"
done <"$tmp/table"
cp "$tmp/want" "$tmp/taken"
complete_words _kexec kexec --
printf '%s\n' "${COMPREPLY[@]}" >"$tmp/got"
same "bash's completion of kexec"
sed -n "s/^\t'.*\(--[a-z0-9-]*=\?\)[]}\[].*/\1/p" \
	"$srcdir/kexec/completions/zsh/_kexec" >"$tmp/got"
same "zsh's completion of kexec"

# kexec-seed daemon: what its --help lists
"$SEED" daemon --help | sed -n 's/^  \(--[a-z-]*=\).*/\1/p' >"$tmp/want"
[ "$(wc -l <"$tmp/want")" -gt 5 ] || fail "kexec-seed daemon --help lists nothing"
complete_words _kexec_seed kexec-seed daemon --
printf '%s\n' "${COMPREPLY[@]}" | grep -vx -e --help >"$tmp/got"
same "bash's completion of kexec-seed daemon"
sed -n "/daemon)/,/refresh)/s/^\t*'\(--[a-z-]*=\).*/\1/p" \
	"$srcdir/kexec_seed/completions/zsh/_kexec-seed" >"$tmp/got"
same "zsh's completion of kexec-seed daemon"
# the other commands: what bash offers, without what their help does not name
for command in refresh verify status; do
	complete_words _kexec_seed kexec-seed $command --
	printf "$command %s\n" "${COMPREPLY[@]}"
done >"$tmp/want"
"$SEED" --help >"$tmp/help"
while read -r _ option; do
	grep -q -- "$option" "$tmp/help" || fail "kexec-seed --help lacks $option"
done <"$tmp/want"
for command in refresh verify status; do
	sed -n "/^\t.*$command.*)$/,/;;/s/^\t*'.*\(--[a-z-]*=\?\)\[.*/$command \1/p" \
		"$srcdir/kexec_seed/completions/zsh/_kexec-seed"
done >"$tmp/got"
same "zsh's completion of refresh, verify and status"
"$SEED" --help | sed -n 's/^  \([a-z]\+\) .*/\1/p' >"$tmp/want"
sed -n "s/^\t'\([a-z]\+\):.*/\1/p" "$srcdir/kexec_seed/completions/zsh/_kexec-seed" >"$tmp/got"
same "the commands of kexec-seed in zsh's completion"

# The manual has what the programs' help has, and nothing that there is not.
options() {
	sed 's/\\-/-/g' "$@" | grep -o -- '--[a-z][a-z0-9-]*' | sort -u
}
"$KEXEC" --help | options >"$tmp/kexec"
{ "$SEED" --help && "$SEED" daemon --help; } | options >"$tmp/seed"
sed 's/^/--/' "$tmp/table" | options >"$tmp/all"
comm -23 "$tmp/kexec" "$tmp/all" >"$tmp/wrong"
# -a, -c and -s have their letters there; what kexec-tools alone needs is in the manual
grep -v -e '^--kexec-.*syscall' "$tmp/taken" | options | comm -23 - "$tmp/kexec" |
	while read -r option; do
		grep -q -- "$option=\?\[for kexec-tools" \
			"$srcdir/kexec/completions/zsh/_kexec" || echo "$option"
	done >>"$tmp/wrong"
options "$srcdir/man/kexec.8" | comm -13 "$tmp/all" - >>"$tmp/wrong"
options "$srcdir/man/kexec-seed.8" >"$tmp/page"
comm -23 "$tmp/seed" "$tmp/page" >>"$tmp/wrong" # in kexec-seed.conf(5): keys
sort -u "$tmp/all" "$tmp/seed" - <<<--now | comm -13 - "$tmp/page" >>"$tmp/wrong"
sed -n 's/^\.BI \([a-z\\-]*\)= .*/--\1/p' "$srcdir/man/kexec-seed.conf.5" | options |
	comm -12 - "$tmp/wrong" >"$tmp/keys"
grep -vxFf "$tmp/keys" "$tmp/wrong" | while read -r option; do
	echo "$option is in the help or in the manual, and not in the other"
done >"$tmp/diff"
[ ! -s "$tmp/diff" ] || { cat "$tmp/diff"; fail "the manual and the help"; }

if command -v zsh >/dev/null; then
	for file in kexec/completions/zsh/_kexec kexec_seed/completions/zsh/_kexec-seed; do
		zsh -n "$srcdir/$file" || fail "zsh does not read $file"
	done
else
	echo "SKIPPED: there is no zsh"
fi

[ $failed = 0 ] && echo "all as promised"
exit $failed
