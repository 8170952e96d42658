#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The SELinux policy module compiles against Debian's policy, and against interfaces by Fedora's
# names. tests/vm/test_selinux.py runs it.
set -u
top=$(cd "${srcdir:-.}" && pwd) || exit 1
devel=/usr/share/selinux/devel
source=$top/kexec_seed/integration/selinux
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL
failed=0

if [ ! -e $devel/Makefile ] || ! command -v checkmodule >/dev/null; then
	echo "SKIPPED: no policy to compile against (Debian: selinux-policy-dev)"
	exit 77
fi

# compile FOLDER: status; the compiler's words in $tmp/said
compile() {
	make -C "$1" -f $devel/Makefile NAME=devel kexec_seed.pp >"$tmp/said" 2>&1 &&
		[ -s "$1/kexec_seed.pp" ] && ! grep -iq 'error\|warning' "$tmp/said"
}

# copy NAME: the source into a folder; that of a release may be read-only
copy() {
	mkdir "$tmp/$1" && cp "$source"/kexec_seed.* "$tmp/$1" && chmod u+w "$tmp/$1"/*
}

copy ours
if ! compile "$tmp/ours"; then
	echo "FAILED: the module does not compile:"
	cat "$tmp/said"
	failed=1
fi

# Fedora's names for what the reference policy has renamed
copy fedora
cat >"$tmp/names" <<'END'
define(`distro_redhat')
undefine(`files_runtime_file')
undefine(`files_runtime_filetrans')
undefine(`init_daemon_runtime_file')
define(`files_pid_file',`files_type($1)')
define(`files_pid_filetrans',`
	gen_require(`
		type var_run_t;
	')
	filetrans_pattern($1, var_run_t, $2, $3, $4)
')
define(`init_nnp_daemon_domain',`
	gen_require(`
		type init_t;
	')
	allow init_t $1:process2 nnp_transition;
')
END
sed -i "/^policy_module/r $tmp/names" "$tmp/fedora/kexec_seed.te"
if ! compile "$tmp/fedora"; then
	echo "FAILED: the module does not compile with Fedora's names:"
	cat "$tmp/said"
	failed=1
fi

# A wrong name must not pass.
copy wrong
echo "allow kexec_seed_t no_such_type_t:file read;" >>"$tmp/wrong/kexec_seed.te"
if compile "$tmp/wrong"; then
	echo "FAILED: an unknown type compiles"
	failed=1
fi

[ $failed = 0 ] && echo "all as promised"
exit $failed
