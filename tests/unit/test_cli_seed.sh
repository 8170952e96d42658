#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The command line of kexec-seed(8): wrong usage, no privileges, no crash kernel; and the
# manual pages with the commands of their examples. Nothing here is privileged to load
# anything, even if root runs it; the guests show what a refresh does to a loaded kernel.
set -u
srcdir=${srcdir:-.}
KEXEC=${KEXEC:-kexec/kexec}
SEED=${SEED:-kexec_seed/kexec-seed}
PROBE=${PROBE:-tests/probe/probe.bzImage}
MACHINES=${MACHINES:-$srcdir/tests/machines}
PYTHON3=${PYTHON3:-python3}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

fail() {
	echo "FAILED: $*"
	sed 's/^/    | /' "$tmp/err"
	failed=1
}

skip() {
	echo "SKIPPED: $*"
}

# An unprivileged user who can run the program.
cp "$SEED" "$tmp/kexec-seed" && chmod 755 "$tmp" "$tmp/kexec-seed" || exit 1
nobody=
[ "$(id -u)" != 0 ] || nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
if ! $nobody "$tmp/kexec-seed" --version >"$tmp/out" 2>"$tmp/err"; then
	skip "only root can run $tmp/kexec-seed"
	exit 77
fi

# seed ARGUMENT...: runs it; output in $tmp/out, $tmp/err, status in $got
seed() {
	timeout 60 $nobody "$tmp/kexec-seed" "$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
}

# refused STATUS LINES WORDS ARGUMENT...: that status, that many lines, no output
refused() {
	status=$1 lines=$2 words=$3
	shift 3
	seed "$@"
	[ "$got" = "$status" ] || fail "status $got, not $status: $*"
	[ "$(wc -l <"$tmp/err")" = "$lines" ] || fail "not $lines line(s): $*"
	grep -qF -- "$words" "$tmp/err" || fail "does not say '$words': $*"
	[ ! -s "$tmp/out" ] || fail "printed something: $*"
}

# usage WORDS ARGUMENT...: wrong usage
usage() {
	refused 2 2 "$@"
	grep -qx "Try 'kexec-seed --help'." "$tmp/err" || fail "no hint at --help: $*"
}

# wrong LINE ARGUMENT...: the same, with the whole line: ours, not getopt's
wrong() {
	line=$1
	usage "$@"
	[ "$(head -n 1 "$tmp/err")" = "kexec-seed: $line" ] || fail "not '$line' alone: $*"
}

is_json() {
	if ! command -v "$PYTHON3" >/dev/null; then
		skip "JSON: no python3"
		return
	fi
	"$PYTHON3" -c 'import json, sys
top = json.load(open(sys.argv[1]))
for path in sys.argv[2:]:
	value = top
	for key in path.split("."):
		value = value[key]' "$tmp/out" "$@" 2>"$tmp/err" || fail "not JSON with $*"
}

# fits DEFINITION: the output fits this definition of the schema
fits() {
	if command -v "$PYTHON3" >/dev/null; then
		"$PYTHON3" "$srcdir/tests/unit/test_schema.py" "$1" "$tmp/out" >"$tmp/err" ||
			fail "does not fit the definition $1 of the schema"
	fi
}

# Help and version
# helps ARGUMENT...: prints help that fits one screen
helps() {
	seed "$@"
	[ "$got" = 0 ] || fail "$*: status $got"
	[ -s "$tmp/out" ] || fail "$*: no output"
	[ "$(wc -l <"$tmp/out")" -le 24 ] || fail "$*: more than 24 lines"
	[ -z "$(awk 'length > 80' "$tmp/out")" ] || fail "$*: wider than 80 columns"
}

for word in --help -h; do
	helps $word
	for command in daemon refresh verify status; do
		grep -q "^  $command " "$tmp/out" || fail "$word does not name $command"
	done
	for command in refresh verify status daemon; do
		helps $command $word
	done
done
helps daemon --help
for words in --help --version "refresh -h" "daemon --help"; do
	"$SEED" $words >/dev/full 2>"$tmp/err"
	[ $? = 1 ] || fail "$words: status not 1 with a full disk"
	grep -q "^kexec-seed: cannot write: No space left" "$tmp/err" ||
		fail "$words: does not report the full disk"
done
helps daemon --help
keys=$(sed -n 's/^  --\([a-z-]*\)=.*/\1/p' "$tmp/out" | grep -vx config)
[ -n "$keys" ] || fail "daemon --help names no key"
sed 's/\\-/-/g' "$srcdir/man/kexec-seed.conf.5" >"$tmp/page"
for key in $keys; do
	grep -q "^\.BI $key= " "$tmp/page" || fail "kexec-seed.conf(5) lacks $key"
done
for word in --version -v; do
	seed $word
	grep -q '^kexec-seed [0-9]' "$tmp/out" || fail "$word"
done

# Wrong usage
usage "no command given"
usage "bogus: no such command" bogus
usage "--bogus: no such command" --bogus
usage "no such command" ""
for command in refresh verify status; do
	wrong "--bogus: no such option" $command --bogus
	wrong "--bogus=x: no such option" $command --bogus=x
	wrong "--bogus: no such option" $command --json --bogus
	wrong "--json=x: takes no value" $command --json=x
	wrong "--js=x: takes no value" $command --js=x
	wrong "-x: no such option" $command -x
	wrong "-x: no such option" $command -xy
	wrong "-j: no such option" $command --json -jx
	wrong "unexpected argument 'bogus'" $command bogus
	wrong "unexpected argument 'bogus'" $command --json bogus x
	wrong "unexpected argument 'bogus'" $command bogus --json
	wrong "unexpected argument '--json'" $command -- --json
	wrong "unexpected argument '-'" $command -
	wrong "unexpected argument ''" $command ""
done
wrong "--source needs a value" refresh --source
wrong "--so needs a value" refresh --json --so
wrong "--full=1: takes no value" refresh --full=1
wrong "-j: no such option" refresh --source=a -jx
wrong "--source=a b: must be one word of at most 23 characters" refresh --source="a b"
wrong "--source=: must be one word of at most 23 characters" refresh --source=
wrong "--full: no such option" verify --full
wrong "--check: no such option" verify --check
wrong "--check prints one line: without --json, whose verdict says the same" \
	status --check --json
wrong "--json: no such option" --json daemon
usage "no command given" --json
usage "bogus: no such command" --json bogus
wrong "--source=a: no such option" status --source=a
wrong "--bogus: no such option" daemon --bogus
wrong "--reload=x: ambiguous: --reload-command or --reload-timeout?" daemon --reload=x
wrong "--help=x: takes no value" daemon --help=x
wrong "-x: no such option" daemon -x
wrong "-x: no such option" daemon --every=1 -xy
wrong "unexpected argument 'bogus'" daemon bogus
wrong "unexpected argument 'bogus'" daemon --every=1 bogus --bogus
wrong "--every needs a value" daemon --every
wrong "--config needs a value" daemon --config
wrong "every: 'often' is not a number from 0 to 31536000" daemon --every=often
wrong "sources: 'x' is none of uevent, kmsg, vmclock or genid" daemon --sources=kmsg,x
for addr in 3ffff028 0400 00 "" 0x 0X10 18446744073709551616 0x10000000000000000 -8; do
	wrong "vmgenid-addr: '$addr': not a number: 0x and hexadecimal digits, or decimal" \
		daemon --vmgenid-addr="$addr"
done
wrong "vmgenid-addr: '0x3ffff02c' is not a multiple of 8" daemon --vmgenid-addr=0x3ffff02c
wrong "vmgenid-addr: '1073737772' is not a multiple of 8" daemon --vmgenid-addr=1073737772

# The configuration: the first error, with file and line
conf=$tmp/conf
mkdir -p "$conf.d" && chmod 755 "$conf.d" || exit 1
misconf() {
	line=$1 words=$2
	printf '# a comment\n\n%b\n' "$3" >"$conf"
	chmod 644 "$conf"
	usage "$conf:$line: $words" daemon --config="$conf"
}
misconf 3 "unknown key 'evrey'" 'evrey = 60'
misconf 4 "every: 'x' is not" 'every = 60\nevery = x'
misconf 3 "not of the form 'key = value'" 'every'
misconf 5 "reload-command: " "poll-ms = 10\n\nreload-command = 'a"
printf 'window-ms = 0\n' >"$conf.d/10.conf"
echo 'poll-ms = 20' >"$conf"
chmod 644 "$conf.d/10.conf"
usage "$conf.d/10.conf:1: window-ms: '0' is not" daemon --config="$conf"

# The examples are correct up to the line that is appended here
sed -e 's/\\-/-/g' -e '1,/^\.SH EXAMPLES/d' "$srcdir/man/kexec-seed.conf.5" >"$tmp/page"
sed -n -e '/^\.RE/q' -e '/^\.RS/,${/^\./!p' -e '}' "$tmp/page" >"$tmp/example"
rm "$conf.d/10.conf"
for example in "$tmp/example" "$srcdir/kexec_seed/integration/kexec-seed.conf"; do
	{
		cat "$example" || fail "no file $example"
		echo 'no-such-key = 1'
	} >"$conf"
	line=$(wc -l <"$conf")
	[ "$line" -gt 4 ] || fail "no example in $example"
	usage "$conf:$line: unknown key 'no-such-key'" daemon --config="$conf"
done
sed -n -e ':a' -e '/\\e$/{N;s/\\e\n[ \t]*//;ba' -e '}' -e 's/^kexec-seed //p' "$tmp/page" \
	>"$tmp/example"
[ "$(wc -l <"$tmp/example")" = 1 ] || fail "not one command in kexec-seed.conf(5)"
eval "usage \"--no-such-option: no such option\" $(cat "$tmp/example") --no-such-option"

# No privileges
refused 1 1 "needs root" refresh
refused 1 1 "needs root" refresh --full
refused 1 1 "needs root" verify
refused 1 1 "needs root" daemon --sources=none
# Some of it is readable by all, where the kernel has kexec
seed status
[ "$got" = 0 ] || refused 1 1 "does this kernel have kexec?" status

seed refresh --json
if grep -q "built without json-c" "$tmp/err"; then
	skip "--json: this build lacks json-c"
	json=
else
	json=--json
	[ "$got" = 1 ] || fail "status $got: refresh --json"
	is_json refresh loaded refreshes seconds window
	fits refresh
fi

# A kernel with LOADED in kexec_crash_loaded, seen by root of a user namespace
# pretend LOADED ARGUMENT...
pretend() {
	$nobody unshare --user --map-root-user --mount sh -c '
		mount -t tmpfs -o mode=755 tmpfs /run &&
		mount -t tmpfs tmpfs /sys/kernel &&
		echo "$1" >/sys/kernel/kexec_crash_loaded || exit 77
		shift; exec "$@"' sh "$1" "$tmp/kexec-seed" "$2" ${3:+"$3"} \
		>"$tmp/out" 2>"$tmp/err"
	got=$?
}

# says STATUS WORDS
says() {
	[ "$got" = "$1" ] || fail "status $got, not $1 ($2)"
	grep -qF -- "$2" "$tmp/out" "$tmp/err" || fail "does not say '$2'"
	[ "$(wc -l <"$tmp/err")" -le 1 ] || fail "more than a line ($2)"
}

pretend 0 status
if [ "$got" != 0 ] && grep -q "unshare:\|mount:" "$tmp/err"; then
	skip "this machine has no user namespaces"
	pretends=
else
	pretends=yes
	says 0 "none"
	# the command that loads one depends on the machine
	reload=$(sed -n '1s/.*is loaded; do: //p' "$tmp/out")
	[ -n "$reload" ] || fail "no way out in the first line of status"
	first=$(head -n 1 "$tmp/out")
	pretend 0 status --check
	says 1 "not protected: no crash kernel is loaded; do: $reload"
	[ "$(cat "$tmp/out")" = "$first" ] || fail "--check is not the first line of status"
	[ ! -s "$tmp/err" ] || fail "--check prints an error"
	pretend 0 refresh
	says 1 "no crash kernel is loaded: load one with $reload"
	pretend 0 refresh --full
	says 1 "no crash kernel is loaded"
	pretend 0 verify
	says 1 "no crash kernel is loaded"
	says 1 "; do: $reload"
	pretend 1 status
	says 0 "foreign"
	pretend 1 status --check
	[ "$got" = 1 ] || says 3 "cannot tell: /proc/kcore"
	pretend 1 refresh
	says 1 "crash.recipe"
	says 1 "$reload loads one that can be refreshed"
	pretend 1 verify
	says 1 "crash.recipe"
fi
if [ -n "$json" ] && [ -n "$pretends" ]; then
	for loaded in 0 1; do
		pretend $loaded --json status
		is_json verdict reason remedy crash.files_unchanged \
			daemon.source_states daemon.error
		pretend $loaded status --json
		is_json crash.loaded crash.method crash.proven crash.why crash.interrupted \
			crash.kernel crash.initrd crash.command_line crash.since \
			crash.refreshes crash.last_refresh crash.last_source \
			crash.trust_bootloader crash.kernel_memory crash.seed_slots \
			generation_id.found generation_id.addr generation_id.hypervisor \
			generation_id.from generation_id.why \
			daemon.running daemon.sources
		fits status
		pretend $loaded verify --json
		is_json damaged good result reason remedy
		fits verify
	done
fi

# The manual pages: no warnings, and no line wider than a terminal
if command -v groff >/dev/null; then
	for page in "$srcdir"/man/*.[1-8]; do
		groff -man -Tascii -P-cbou -ww -rLL=78n "$page" >"$tmp/out" 2>"$tmp/err"
		[ ! -s "$tmp/err" ] || fail "groff warns about $page"
		awk 'length > 80' "$tmp/out" >"$tmp/err"
		[ ! -s "$tmp/err" ] || fail "too wide: $page"
	done
else
	skip "the manual pages: no groff"
fi

# The commands of a page's examples, one on each line
examples() {
	sed -n '/^\.SH EXAMPLES/,/^\.SH FILES/p' "$1" |
		sed -e ':a' -e '/\\e$/{N;s/ *\\e\n[ \t]*/ /;ba' -e '}' |
		sed -n -e 's/\\-/-/g' -e 's/\\(dq/"/g' -e 's/ [|;>].*//; s/;.*//' \
			-e "s|/boot/vmlinuz|$PROBE|; s|/boot/initrd|$tmp/initrd|" \
			-e 's/^# //p'
}

# try COMMAND: plans only what would load
try() {
	eval "set -- $1"
	program=$1
	shift
	case "$program $1" in
	"kexec -p") "$KEXEC" --dry-run --facts="$MACHINES/crash-256m" "$@" ;;
	"kexec -l" | "kexec --dry-run")
		"$KEXEC" --dry-run --facts="$MACHINES/bios-1g" "$@" ;;
	"kexec-seed daemon") "$tmp/kexec-seed" "$@" --help ;; # which exits
	"kexec -e" | "kexec -S" | "kexec --print-ckr-size" | "echo c") ;;
	"kexec-seed "*) seed "$@"; [ "$got" != 2 ] ;;
	*) echo "unexpected command" >&2; return 1 ;;
	esac >"$tmp/out" 2>"$tmp/err"
}

head -c 5000 /dev/zero >"$tmp/initrd"
for page in kexec.8 kexec-seed.8; do
	examples "$srcdir/man/$page" >"$tmp/examples"
	[ "$(wc -l <"$tmp/examples")" -ge 6 ] || fail "few examples in $page"
	while read -r line; do
		: >"$tmp/err"
		if try "$line"; then
			:
		else
			fail "the example of $page does not work: $line"
		fi
	done <"$tmp/examples"
done

[ $failed = 0 ] && echo "all as promised"
exit $failed
