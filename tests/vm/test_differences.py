# SPDX-License-Identifier: GPL-2.0-only
"""Where kexec-tools and this kexec differ with command lines and initrds, as kexec(8) says:
both run the same command."""

import pytest

from cache import kexec_tools
from formats import archive
from guest import CMDLINE, Guest
from initrd import build_initrd
from places import kexec

THEIRS = "/usr/sbin/their-kexec"
COMMAND = (" -c -l /boot/vmlinuz-6.12 --initrd=/boot/first --initrd=/boot/initrd --reuse-cmdline"
           " --append=mark=2 --append=mark=3")


@pytest.mark.parametrize("loader", ["kexec", THEIRS])
def test_command_lines_and_initrds(build, tmp_path, loader):
    first = archive(tmp_path / "first", {"/first": b"12345"})
    with open(first, "ab") as out:
        out.write(bytes(-first.stat().st_size % 4 + 1))  # padding has to follow
    initrd = build_initrd(kernels=["6.12"], files={"/boot/first": first},
                          programs=[kexec(build), (THEIRS, kexec_tools())])
    with Guest(kernel="6.12", initrd=initrd,
               cmdline="elfcorehdr=0x1000 mark=1 -- mark=init") as guest:
        guest.check(loader + COMMAND)
        guest.send_and_jump("kexec -e")
        guest.wait_ready()
        words = guest.check("cat /proc/cmdline").split()
        inherited = [x for x in words if x.startswith(("mark=", "elfcorehdr=")) or x == "--"]
        has_first = guest.run("test -e /first").status == 0
        if loader == "kexec":
            assert inherited == ["mark=1", "mark=2", "mark=3", "--", "mark=init"]
            assert has_first
        else:  # a stale word is kept, the first two are lost, the third goes to init
            assert inherited == ["elfcorehdr=0x1000", "mark=1", "--", "mark=init", "mark=3"]
            assert not has_first
        assert set(CMDLINE.split()) <= set(words)
