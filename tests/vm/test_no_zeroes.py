# SPDX-License-Identifier: GPL-2.0-only
"""Under UEFI with an RNG in the firmware, the EFI stub leaves a table of zeroes that a crash kernel
without a seed would credit: it is told not to. Only the time of "crng init done" shows whether the
kernel believed in anything: nothing else gives a guest of this CPU bytes that early."""

import re

import pytest

from crash import PROBE, Setup, crash, crash_into_probe, load_command, running
from initrd import libraries
from loaded import crash_status
from places import some

WORD = "random.trust_bootloader=off"
RNG = ["-device", "virtio-rng-pci"]
CMDLINE = "console=ttyS0,115200 panic=-1 random.trust_cpu=off"


def setup(firmware: str, kernel: str = "6.12") -> Setup:
    return Setup(kernel, 1, "1G", "256M", firmware, "qemu64")


@pytest.mark.parametrize("firmware, options, distrust", [
    ("efi", "--seed=off", True), ("efi", "", False), ("efi", "--seed=off --noefi", False),
    ("bios", "--seed=off", False)])
def test_word(build, firmware, options, distrust):
    seed = build / "kexec_seed/kexec-seed"
    files = {"/usr/sbin/kexec-seed": seed, **libraries(seed)}
    with running(build, setup(firmware), files=files, extra=RNG) as guest:
        said = guest.check(f"kexec -c -p {PROBE} --append=quiet {options} 2>&1")
        assert (WORD in said) == distrust
        assert crash_status(guest)["trust_bootloader"] != distrust
        line = crash_into_probe(guest).cmdline
        assert (WORD in line) == distrust and line.endswith("quiet")


@pytest.mark.parametrize("options, early", some([
    ("--seed=off", False), ("", True), (f"--seed=off --append={WORD[:-3]}on", True)], 0, 2))
def test_crash_kernel(build, options, early):
    """The last case is the fault: what a kernel does that is not told."""
    with running(build, setup("efi"), extra=RNG) as guest:
        cmdline = CMDLINE
        if "--append" in options:
            options, word = options.split(" --append=")
            cmdline = f"{CMDLINE} {word}"
        guest.check(load_command(f"-c {options}", cmdline=cmdline))
        start = crash(guest)
        guest.wait_ready()
        times = re.findall(r"\[ *(\d+\.\d+)\] random: crng init done", guest.console[start:])
        assert bool(times and float(times[0]) == 0) == early
