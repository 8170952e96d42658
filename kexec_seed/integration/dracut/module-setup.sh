#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# dracut module: kexec-seed daemon in the initramfs. See ../README.md.

# Only on request, and never in the initramfs of a crash kernel.
check() {
	[[ ${IN_KDUMP-} ]] && return 1
	require_binaries kexec-seed || return 1
	return 255
}

depends() {
	echo systemd
}

# shellcheck disable=SC2154 # dracut sets moddir, initdir and systemdsystemunitdir
install() {
	inst_multiple kexec-seed
	# libraries that it opens when a file needs them, as its dlopen notes say
	# shellcheck disable=SC2046 # a list of words
	inst_libdir_file $(grep -aho '"soname":\["[^"]*' "$(command -v kexec-seed)" |
		sed 's/.*"//')
	inst_multiple -o kexec /etc/kexec-seed.conf /etc/kexec-seed.conf.d/*.conf
	inst_simple "$systemdsystemunitdir/kexec-seed.service"
	inst_simple "$moddir/initramfs.conf" \
		"$systemdsystemunitdir/kexec-seed.service.d/initramfs.conf"
	$SYSTEMCTL -q --root "$initdir" add-wants initrd.target kexec-seed.service
}
