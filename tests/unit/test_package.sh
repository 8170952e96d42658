#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The packaging: one version, valid scripts, diversions that are undone as made. The packages
# themselves are tested by tests/vm/test_package.py.
set -u
top=${srcdir:-.}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0

fail() {
	echo "FAILED: $*"
	failed=1
}

# One version
ours=$(sed -n 's/^AC_INIT(\[kexec-seed\], \[\([^]]*\)\].*/\1/p' "$top/configure.ac")
theirs=$(sed -n '1s/^kexec-seed (\([^)]*\)).*/\1/p' "$top/debian/changelog")
if [ -z "$ours" ] || [ "$ours" != "$theirs" ]; then
	fail "configure.ac has version '$ours', debian/changelog '$theirs'"
fi
spec=$top/packaging/rpm/kexec-seed.spec
grep -qx "Version:  *$ours" "$spec" || fail "$spec is not of version $ours"
grep -q "^\* .* - $ours-1\$" "$spec" || fail "$spec: no changelog of $ours"
grep -qx "## $ours" "$top/NEWS.md" || fail "NEWS.md does not tell of $ours"

# Scripts
i=$top/kexec_seed/integration
for script in "$top"/debian/*.preinst "$top"/debian/*.post* "$top/debian/tests/plan" \
	"$i"/initramfs-tools/hooks/* "$i"/initramfs-tools/scripts/*/* \
	"$top/tests/vm/package-orders" "$top/packaging/make-release" "$top"/packaging/rpm/build \
	"$top/packaging/rpm/check" "$top/man/make-html" "$top/kexec_seed/systemd/load-default"; do
	sh -n "$script" || fail "$script"
	head -n 1 "$script" | grep -qx '#!/bin/sh' || fail "$script: not a /bin/sh script"
done
if command -v bash >/dev/null; then
	bash -n "$i/dracut/module-setup.sh" || fail "module-setup.sh"
else
	echo "SKIPPED: bash -n: bash not installed"
fi
for script in "$i"/initramfs-tools/hooks/* "$i"/initramfs-tools/scripts/*/*; do
	[ -x "$script" ] || fail "$script: initramfs-tools would not run it"
	[ -z "$(sh "$script" prereqs 2>&1)" ] || fail "$script: prereqs"
done

# An upgrade refreshes the crash kernel if there is a daemon, else it is silent.
mkdir "$tmp/bin"
# stub NAME STATUS: a program that notes how it is called.
stub() {
	printf '#!/bin/sh\necho %s "$*" >>%s/calls\nexit %s\n' "$1" "$tmp" "$2" >"$tmp/bin/$1"
	chmod +x "$tmp/bin/$1"
}
# upgrade CALLS: what postinst must call, one a line; it prints nothing and succeeds.
upgrade() {
	: >"$tmp/calls"
	said=$(PATH=$tmp/bin:$PATH sh "$top/debian/kexec-seed.postinst" configure 0.0.1 2>&1) ||
		fail "postinst fails"
	[ -z "$said" ] || fail "postinst: $said"
	[ "$(cat "$tmp/calls")" = "$1" ] || fail "postinst calls $(cat "$tmp/calls")"
}
active="systemctl --quiet is-active kexec-seed.service"
stub systemctl 0
stub kexec-seed 0
upgrade "$active
kexec-seed refresh --source=upgrade"
stub kexec-seed 1
upgrade "$active
kexec-seed refresh --source=upgrade
systemctl reload kexec-seed.service"
stub systemctl 3
upgrade "$active"
printf '#!/bin/sh\necho not here >&2\nexit 127\n' >"$tmp/bin/systemctl"
upgrade ""

# An installation tells how to protect a crash kernel that is loaded, or how to learn whose it is.
# first STATUS LINE: what `kexec-seed status --check` does, and what postinst prints.
first() {
	printf '#!/bin/sh\necho "%s: x; do: kdump-config reload"\nexit %s\n' "${3-not protected}" \
		"$1" >"$tmp/bin/kexec-seed"
	said=$(PATH=$tmp/bin:$PATH sh "$top/debian/kexec-seed.postinst" configure 2>&1) ||
		fail "postinst fails"
	[ "$said" = "$2" ] || fail "postinst says '$said', not '$2'"
}
printf '#!/bin/sh\nexit 0\n' >"$tmp/bin/grep" # there is one
chmod +x "$tmp/bin/grep"
first 0 ""
first 3 "kexec-seed: is the loaded crash kernel protected? cannot tell: x; do: kdump-config reload" \
	"cannot tell"
first 1 "kexec-seed: the loaded crash kernel is not protected: x; do: kdump-config reload"
printf '#!/bin/sh\nexit 1\n' >"$tmp/bin/grep" # there is none
first 1 ""
rm "$tmp/bin/grep"

# kdump-tools must outlive this package: it depends on kexec-tools, not on a stand-in.
! sed -n '/^Provides:/,/^[^ ]/p' "$top/debian/control" | grep -q kexec-tools ||
	fail "the package provides kexec-tools: its removal would take kdump-tools along"

# Pages in /usr/share/doc/kexec-seed link to what is there, and are cited.
doc="README.md SECURITY.md BENCHMARKS.md NEWS.md integration.md README.Debian
	examples/kexec-seed.conf"
for page in README.md SECURITY.md BENCHMARKS.md kexec_seed/integration/README.md; do
	sed -E -f "$top/debian/links.sed" "$top/$page" | grep -o '](\([^)]*\))' |
		sed 's/^](//; s/[#)].*//' | grep -v '^https\?:\|^$' >"$tmp/links"
	while read -r link; do
		case " $(echo $doc) " in
		*" $link "*) ;;
		*) fail "$page links to $link, which is not installed" ;;
		esac
	done <"$tmp/links"
done
for page in README.md SECURITY.md; do
	grep -q "install .*$page" "$top/debian/rules" || fail "$page is not in the package"
	grep -q '/usr/share/doc/kexec.*seed/'"$page" "$top/man/kexec-seed.8" ||
		fail "kexec-seed(8) does not cite $page"
done

# Diversions: removed as added; no two names for one file, which dpkg would lose.
for word in divert undivert; do
	sed -n "s/^	$word //p" "$top"/debian/kexec-seed.p* | sort >"$tmp/$word"
done
[ "$(wc -l <"$tmp/divert")" = 3 ] || fail "not three diversions"
cmp -s "$tmp/divert" "$tmp/undivert" || fail "diversions added and removed differ"
twice=$(sed 's/.* //; s,^/usr/,/,' "$tmp/divert" | sort | uniq -d)
[ -z "$twice" ] || fail "two diversions to $twice"

exit $failed
