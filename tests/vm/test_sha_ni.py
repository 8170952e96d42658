# SPDX-License-Identifier: GPL-2.0-only
"""Loader and purgatory each choose a SHA-256 implementation: SHA-NI or generic. In any
combination they agree on every digest, a flipped bit is detected, and the next kernel finds
the vector unit unchanged.

The loader asks the CPU for itself, and /proc/cpuinfo for the purgatory. So clearcpuid= makes
only the purgatory go without. For the reverse the machine must change between load and jump:
it is saved on a CPU without SHA-NI, with a file that has it mounted over /proc/cpuinfo, and
resumed on one with it.
"""

import pytest

from flips import load_flipped
from guest import Guest
from initrd import build_initrd
from places import KERNELS, kexec, probe, some
from probe import parse_probe

# Not a multiple of a block, of a chunk, or of the chunks hashed in parallel.
RAMDISK = bytes(i * i >> 7 & 0xff for i in range(4096)) * 800 + b"the odd end"
SAY = "--console-serial --serial=ttyS0"
IMAGE = f"/probe --initrd=/ramdisk {SAY}"
WITH = "ranges, 3 MiB, with SHA-NI"
WITHOUT = "ranges, 3 MiB\n"


def machine(build, kernel: str, kernels=(), **other) -> dict:
    return {"kernel": kernel, "memory": "512M", "qemu": "10", **other,
            "initrd": build_initrd(
                kernels=kernels, programs=[kexec(build)],
                files={"/probe": probe(build), "/ramdisk": RAMDISK,
                       "/flip.so": build / "tests/vm/flip.so"})}


def has_sha_ni(guest: Guest) -> bool:
    return "sha_ni" in guest.check("grep -m1 ^flags /proc/cpuinfo").split()


def load(guest: Guest) -> None:
    guest.check(f"kexec -c -l {IMAGE}")


def jump(guest: Guest, way: str) -> dict[str, int]:
    """The control registers that the next kernel finds."""
    guest.send_and_jump("kexec -e")
    guest.wait_console("PROBE END", 60)
    said = guest.console
    assert way in said
    assert "purgatory: ok" in said and "damaged" not in said
    registers = parse_probe(said).registers
    return {name: registers[name] for name in ("cr0", "cr4")}


@pytest.mark.parametrize("kernel", some(KERNELS, 2))
def test_both_with_and_only_the_loader_with(build, kernel):
    """Also: the purgatory turns the vector unit on and restores it."""
    with Guest(**machine(build, kernel)) as guest:
        assert has_sha_ni(guest)
        load(guest)
        after_with = jump(guest, WITH)
    with Guest(**machine(build, kernel, cmdline="clearcpuid=sha_ni")) as guest:
        assert not has_sha_ni(guest)
        load(guest)
        after_without = jump(guest, WITHOUT)
    assert after_with == after_without


@pytest.mark.parametrize("kernel", some(KERNELS, 0))
def test_only_the_purgatory_with(build, tmp_path, kernel):
    saved = tmp_path / "saved"
    with Guest(**machine(build, kernel, cpu="max,sha-ni=off")) as guest:
        assert not has_sha_ni(guest)
        guest.check("sed 's/^flags.*/& sha_ni/' /proc/cpuinfo >/tmp/cpuinfo &&"
                    " mount -o bind /tmp/cpuinfo /proc/cpuinfo")
        load(guest)
        guest.save(saved)
    with Guest(**machine(build, kernel, cpu="max"), incoming=saved) as guest:
        guest.cont()
        jump(guest, WITH)
    saved.unlink()


def test_both_without(build):
    with Guest(**machine(build, "6.1", cpu="max,sha-ni=off")) as guest:
        load(guest)
        jump(guest, WITHOUT)


def test_the_extensions_are_used(build):
    """Told to use SHA-NI on a CPU without it, the purgatory faults, so it does use it; it goes
    on without."""
    with Guest(**machine(build, "6.1", cpu="max,sha-ni=off")) as guest:
        guest.check("sed 's/^flags.*/& sha_ni/' /proc/cpuinfo >/tmp/cpuinfo &&"
                    " mount -o bind /tmp/cpuinfo /proc/cpuinfo")
        load(guest)
        jump(guest, "purgatory: exception 6, verifying without SHA-NI")  # invalid opcode


# In the last bytes, in the middle of a run of chunks, and in a chunk of its own.
@pytest.mark.parametrize("name, offset", some([
    ("kernel", 100), ("initrd", -1), ("initrd", 1000001), ("boot_params", 5), ("seed", 20),
    ("purgatory", -1)], 1, 2, 4))
def test_a_flipped_bit_is_caught(build, name, offset):
    with Guest(**machine(build, "6.12")) as guest:
        load_flipped(guest, name, offset, IMAGE)
        guest.send_and_jump("kexec -e")
        guest.wait_console(rf"purgatory: .*\b{name}\b.*damaged")
        guest.wait_exit()
        assert WITH in guest.console and "PROBE BEGIN" not in guest.console


@pytest.mark.parametrize("kernel", some(KERNELS, 1))
def test_a_real_kernel_follows(build, kernel):
    with Guest(**machine(build, kernel, ["6.12"])) as guest:
        guest.check(f"kexec -c -l /boot/vmlinuz-6.12 --initrd=/boot/initrd {SAY}"
                    " --append='console=ttyS0,115200 panic=-1'")
        guest.send_and_jump("kexec -e")
        assert guest.wait_ready().startswith("6.12")
        assert "MiB, with SHA-NI" in guest.console
        assert has_sha_ni(guest)
