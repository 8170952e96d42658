# SPDX-License-Identifier: GPL-2.0-only
"""arm64: load and jump, on each kind of machine and with each kernel: the next one has its seed
from time zero, KASLR, its command line, its initrd and all of its memory."""

import re

import pytest

from arm64 import CONSOLE, MACHINES, PLAIN, Machine, build_arm64  # noqa: F401 (a fixture)
from cache import kexec_tools
from guest import Guest
from initrd import build_initrd
from places import ALL, kexec
from probe_arm64 import ProbeError, parse_probe, wait_for_probe

KERNELS = ["6.1", "6.12", "7.3", "7.3-16k"]
NEXT_CMDLINE = f"{CONSOLE} from.test='a b'"
TIME_ZERO_SEED = r"^\[    0\.000000\] random: crng init done"
KASLR = r"KASLR enabled"
# The firmware's clock, which a runtime service reads.
CLOCK = "cat /sys/class/rtc/rtc0/name /sys/class/rtc/rtc0/since_epoch"
# loader, loaded, machine: each kernel in both roles, each kind of machine, once or twice
PAIRS = [
    ("6.1", "6.12", PLAIN),
    ("6.12", "7.3", Machine("max", True, "efi")),
    ("7.3", "6.1", Machine("cortex-a72", True, "bios")),
    ("7.3-16k", "7.3-16k", Machine("max", False, "bios")),
    ("6.1", "7.3", Machine("cortex-a72", False, "efi")),
]
if ALL:
    PAIRS = [(a, b, m) for a in KERNELS for b in KERNELS for m in MACHINES]


def memory_map(guest: Guest) -> list[str]:
    """Top-level entries of RAM, which do not depend on the kernel's own size."""
    return re.findall(r"^(\S+) : System RAM", guest.check("cat /proc/iomem"), re.MULTILINE)


def load(guest: Guest, image: str, options: str = "") -> None:
    guest.check(f'kexec -l {image} --initrd=/boot/initrd --append="{NEXT_CMDLINE}" {options}')


def jump(guest: Guest, version: str) -> str:
    """Into the next kernel; what its console says."""
    start = len(guest.console)
    guest.send_and_jump("kexec -e")
    assert guest.wait_ready(120).startswith(version.removesuffix("-16k"))
    return guest.console[start:]


@pytest.mark.parametrize("loader, loaded, machine", PAIRS, ids=str)
def test_next_kernel_has_all_it_needs(build_arm64, loader, loaded, machine):  # noqa: F811
    initrd = build_initrd(kernels=[loaded], programs=[kexec(build_arm64)], arch="arm64")
    with machine.start(loader, initrd=initrd) as guest:
        guest.wait_ready(120)
        memory = memory_map(guest)
        firmware = guest.check("ls /sys/firmware")
        load(guest, f"/boot/vmlinuz-{loaded}", "--seed=require")
        said = jump(guest, loaded)
        assert re.search(TIME_ZERO_SEED, said, re.MULTILINE)
        assert re.search(KASLR, said)
        assert guest.check("cat /proc/cmdline").strip() == NEXT_CMDLINE
        assert memory and memory_map(guest) == memory
        assert guest.check("ls /sys/firmware") == firmware


def test_efi_three_hops(build_arm64):  # noqa: F811
    """Runtime services and ACPI tables reach the kernel after the kernel after the next."""
    machine = Machine("max", False, "efi")
    initrd = build_initrd(kernels=["6.12"], programs=[kexec(build_arm64)], arch="arm64")
    with machine.start("6.12", memory="1G", initrd=initrd, cmdline="retain_initrd") as guest:
        tables = guest.check("ls /sys/firmware/acpi/tables")
        assert guest.check(CLOCK).startswith("rtc-efi")
        for _ in range(3):
            guest.check("kexec -l /boot/vmlinuz-6.12 --reuse-cmdline --reuseinitrd"
                        " --seed=require")
            said = jump(guest, "6.12")
            assert re.search(TIME_ZERO_SEED, said, re.MULTILINE)
            assert guest.check("ls /sys/firmware/acpi/tables") == tables
        clock = guest.check(CLOCK).split()
        assert clock[0] == "rtc-efi" and int(clock[-1]) > 1_000_000_000


def test_kexec_tools_passes_no_seed(build_arm64):  # noqa: F811
    """The checks above can fail: in our place kexec-tools loses rng-seed."""
    initrd = build_initrd(files={"/probe": build_arm64 / "tests/probe/probe.Image"},
                          kernels=["6.12"], programs=[kexec_tools("arm64")], arch="arm64")
    with PLAIN.start("6.1", initrd=initrd) as guest:
        load(guest, "/boot/vmlinuz-6.12")
        said = jump(guest, "6.12")
        assert re.search(KASLR, said) and not re.search(TIME_ZERO_SEED, said, re.MULTILINE)
    with PLAIN.start("6.1", initrd=initrd) as guest:
        load(guest, "/probe", "-c")
        guest.send_and_jump("kexec -e")
        chosen = wait_for_probe(guest).tree["/chosen"]
        assert "kaslr-seed" in chosen and "rng-seed" not in chosen


def test_probe_parser_is_strict():
    good = ("PROBE BEGIN\nreg x0 4000\nhex 0 d00dfeed00000048000000380000004600000028\n"
            "hex 14 00000011000000100000000000000002000000100000\n"
            "hex 2a 0000000000000000000000000000\nhex 38 00000001000000000000000200000009\n"
            "PROBE END\n")
    assert parse_probe(good).tree == {"/": {}}
    for spoilt in ("", good[:-4], good.replace("hex 14", "hex 15"), good.replace("d00d", "d00e"),
                   good.replace("reg", "peg"), good.replace("00000009", "00000007"),
                   good.replace("hex 38 00000001000000000000000200000009\n", "")):
        with pytest.raises(ProbeError):
            parse_probe(spoilt)
