#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# configure picks the architecture by host, and refuses the others in one line.
set -u
srcdir=$(cd "${srcdir:-.}" && pwd) || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0
# the purgatory's tools, which may be those of another architecture
unset CC LD OBJCOPY NM READELF OBJDUMP

# refused HOST TEXT
refused() {
	if (cd "$tmp" && "$srcdir/configure" --host="$1" CC=cc) >"$tmp/out" 2>&1; then
		echo "FAILED: configured for $1"
		failed=1
	elif [ "$(tail -n 1 "$tmp/out")" != "configure: error: $2" ]; then
		echo "FAILED: $1: $(tail -n 1 "$tmp/out")"
		failed=1
	fi
}

[ -x "$srcdir/configure" ] || {
	echo "FAILED: no configure"
	exit 1
}
if [ -f "$srcdir/config.status" ]; then # configure refuses that before all else
	echo "SKIPPED: the source folder itself is configured"
	exit 77
fi
refused i686-linux-gnu "i686 is not supported; kexec-seed builds for x86_64, arm64, riscv64"
refused powerpc64le-linux-gnu "powerpc64le is not supported; kexec-seed builds for x86_64, arm64, riscv64"
[ $failed = 0 ] && echo "all as promised"
exit $failed
