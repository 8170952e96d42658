# SPDX-License-Identifier: GPL-2.0-only
"""The purgatory detects one flipped bit anywhere in the loaded image, reports where, and obeys
--on-corruption."""

import re

import pytest

from flips import load_flipped
from guest import Guest
from initrd import build_initrd
from places import KERNELS, kexec, probe, some, spread

SEGMENTS = ["boot_params", "kernel", "initrd", "seed", "purgatory"]
IMAGE = "/probe --initrd=/ramdisk"
SAY = f"{IMAGE} --console-serial --serial=ttyS0"


def boot(build, kernel: str) -> Guest:
    return Guest(kernel=kernel, memory="512M", initrd=build_initrd(
        programs=[kexec(build)],
        files={"/probe": probe(build), "/ramdisk": bytes(range(256)) * 300,
               "/flip.so": build / "tests/vm/flip.so"}))


@pytest.mark.parametrize("kernel, segment", spread(KERNELS, SEGMENTS))
def test_a_flipped_bit_is_caught(build, kernel, segment):
    offset = {"seed": 20, "boot_params": 4100, "purgatory": -1}.get(segment, -3000)
    with boot(build, kernel) as guest:
        load_flipped(guest, segment, offset, SAY)
        guest.send_and_jump("kexec -e")
        guest.wait_console(rf"purgatory: .*\b{segment}\b.*damaged")
        guest.wait_exit()  # the machine was reset
        assert "PROBE BEGIN" not in guest.console


@pytest.mark.parametrize("segment, offset", some([
    ("kernel", 0), ("kernel", -1), ("initrd", 0), ("initrd", -1), ("boot_params", 0),
    ("boot_params", -1), ("seed", 0), ("seed", 47), ("purgatory", 0x20),
    ("purgatory", 0x200)], 0, 3, 7, 8))
def test_edges(build, segment, offset):
    """First and last bytes, and the parameter block itself."""
    with boot(build, "6.1") as guest:
        load_flipped(guest, segment, offset, SAY)
        guest.send_and_jump("kexec -e")
        guest.wait_console(r"purgatory: .*damaged")
        guest.wait_exit()
        assert "PROBE BEGIN" not in guest.console


def test_unasked_it_still_reports_damage(build):
    """No console option: silent if the image is good, but damage is reported."""
    with boot(build, "6.1") as guest:
        load_flipped(guest, "initrd", 5, f"{IMAGE} --append=console=ttyS0,115200")
        guest.send_and_jump("kexec -e")
        guest.wait_console(r"purgatory: .*initrd.*damaged")
        guest.wait_exit()
    with boot(build, "6.1") as guest:
        guest.check("kexec -c -l /probe --initrd=/ramdisk --append=console=ttyS0,115200")
        guest.send_and_jump("kexec -e")
        guest.wait_console("PROBE END")
        assert "purgatory" not in guest.console


def test_halt(build):
    with boot(build, "6.1") as guest:
        load_flipped(guest, "kernel", 4096, f"{SAY} --on-corruption=halt")
        guest.send_and_jump("kexec -e")
        guest.wait_console(r"purgatory: .*kernel.*damaged")
        with pytest.raises(Exception, match="still running"):
            guest.wait_exit(3)
        assert "PROBE BEGIN" not in guest.console


def test_boot_all_the_same(build):
    with boot(build, "6.1") as guest:
        load_flipped(guest, "initrd", 4096, f"{SAY} --on-corruption=boot")
        guest.send_and_jump("kexec -e")
        guest.wait_console("PROBE END")
        assert re.search(r"purgatory: .*initrd.*damaged", guest.console)


def test_no_checks(build):
    """-i: nothing is verified."""
    with boot(build, "6.1") as guest:
        load_flipped(guest, "initrd", 4096, f"{SAY} -i")
        guest.send_and_jump("kexec -e")
        guest.wait_console("PROBE END")
        assert "damaged" not in guest.console
