# SPDX-License-Identifier: GPL-2.0-only
"""A machine check while the purgatory reads the old kernel's memory costs that input, not the dump.

Kernels clear CR4.MCE before the jump, except in TDX guests, and without it the CPU resets itself. So
the test sets it from outside, while the purgatory hashes much more memory than a kernel has.
"""

import re
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from chainlib.gdb import CR4, Gdb  # noqa: E402
from guest import SLOW, Guest
from initrd import build_initrd
from places import kexec, probe
from probe import parse_probe

# 384 MiB: some seconds of hashing under TCG
MUCH = ("sed -r -e 's/[0-9a-f]+-[0-9a-f]+ : (Kernel data)/18000000-2fffffff : \\1/' /proc/iomem"
        " >/tmp/iomem && mount -o bind /tmp/iomem /proc/iomem")
CR4_MCE = 1 << 6
# Intel SDM, volume 3, "Machine-Check Architecture": valid, uncorrected, enabled, with an address;
# the instruction can be restarted, a machine check is in progress
BANK_STATUS, STATUS = 0xb4 << 56, 5


def raise_machine_check(guest: Guest, stub: Path) -> None:
    gdb = Gdb(str(stub))  # stops the guest
    gdb.set_bits(CR4, CR4_MCE)
    guest.qmp.command("human-monitor-command", **{
        "command-line": f"mce 0 1 {BANK_STATUS:#x} {STATUS} 0x18000000 0"})
    gdb.detach()


@pytest.mark.parametrize("qemu, times, is_mixed", [("", 1, False), ("10", 1, True),
                                                   ("10", 2, False)])
def test_machine_check(build, tmp_path, qemu, times, is_mixed):
    """With SHA-NI the portable code tries again. It may be hit too: the first machine check was
    acknowledged, else the CPU would reset itself."""
    stub = tmp_path / "stub"
    with Guest("6.12", "1G", cmdline="crashkernel=64M", qemu=qemu,
               extra=["-gdb", f"unix:{stub},server=on,wait=off"],
               initrd=build_initrd(programs=[kexec(build)], files={"/probe": probe(build)})) as guest:
        guest.check(MUCH)
        guest.check("kexec -c -p /probe --seed=require --console-serial --serial=ttyS0")
        guest.send_and_jump("echo c >/proc/sysrq-trigger")
        guest.wait_console("purgatory: verifying", 60)
        for _ in range(times):
            time.sleep(0.3)
            raise_machine_check(guest, stub)
        guest.wait_console("PROBE END", 120)
        said = re.search(r"purgatory: (seed .*)", guest.console)[1]
        assert "TSC" in said and ("kernel memory" in said) == is_mixed, said
        assert [n for n in parse_probe(guest.console).setup_data if n.type == 9]
