# SPDX-License-Identifier: GPL-2.0-only
"""The two entry points of a kernel: 64-bit with paging, 32-bit without."""

import re

import pytest

from guest import Guest
from initrd import build_initrd
from places import KERNELS, kexec, probe, some
from probe import wait_for_probe

PAGING, PROTECTED = 1 << 31, 1
PAE, LA57 = 1 << 5, 1 << 12
LONG_MODE = 0x500  # LME and LMA
INTERRUPTS = 1 << 9
CODE, DATA = 0x10, 0x18  # boot.rst
UNUSED_32 = ("rbx", "rdi", "rbp")  # must be zero
TIME_ZERO_SEED = r"^\[    0\.000000\] random: crng init done"


def jump_into_probe(build, options: str, memory: str = "1G"):
    initrd = build_initrd(programs=[kexec(build)], files={"/probe": probe(build)})
    with Guest(kernel="6.1", memory=memory, initrd=initrd) as guest:
        guest.check(f"kexec -l -c /probe --command-line=test --seed=require {options}")
        guest.send_and_jump("kexec -e")
        return wait_for_probe(guest)


@pytest.mark.parametrize("options", ["", "--entry-32bit"])
def test_state(build, options):
    """On a machine with 5-level paging and memory above 4 GiB."""
    seen = jump_into_probe(build, options, memory="6G")
    r = seen.registers
    assert r["cr0"] & PROTECTED and not r["rflags"] & INTERRUPTS
    assert [r[x] for x in ("cs", "ds", "es", "ss")] == [CODE, DATA, DATA, DATA]
    assert r["rsi"] == seen.boot_params_addr and seen.cmdline == "test"
    assert len(seen.seeds()) == 1 and any(seen.seeds()[0].data)
    assert not seen.bad
    if options:
        assert not r["cr0"] & PAGING and not r["cr4"] & (PAE | LA57)
        assert not r["efer"] & LONG_MODE
        assert not any(r[x] for x in UNUSED_32)
        addresses = [seen.load_addr, seen.boot_params_addr, seen.seeds()[0].addr]
        assert max(addresses) < 1 << 32
    else:
        assert r["cr0"] & PAGING and r["cr4"] & LA57
        assert r["efer"] & LONG_MODE == LONG_MODE
        assert seen.load_addr > 1 << 32


@pytest.mark.parametrize("kernel", some(KERNELS, 2))
def test_kernels(build, kernel):
    """The 32-bit entry of kernels that have both; seeded from time zero."""
    initrd = build_initrd(kernels=[kernel], programs=[kexec(build)])
    with Guest(kernel="6.12", initrd=initrd) as guest:
        guest.check(f"kexec -l --entry-32bit /boot/vmlinuz-{kernel} --seed=require"
                    " --initrd=/boot/initrd --command-line='console=ttyS0 panic=-1'")
        start = len(guest.console)
        guest.send_and_jump("kexec -e")
        assert kernel in guest.wait_ready()
        assert re.search(TIME_ZERO_SEED, guest.console[start:], re.MULTILINE)
