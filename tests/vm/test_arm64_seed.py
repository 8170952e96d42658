# SPDX-License-Identifier: GPL-2.0-only
"""arm64: the seed that the next kernel finds in its tree, seen by the probe. Clones of one loaded
machine hand over different ones, and nothing of it is left in memory."""

import re
from pathlib import Path

import pytest

from arm64 import PLAIN, Machine, build_arm64  # noqa: F401 (a fixture)
from guest import Guest
from initrd import build_initrd
from places import kexec
from probe_arm64 import Probe, wait_for_probe
from test_seed import copies

PAGE = 4096
SAY = "--console-serial"
LOAD = f"kexec -l /probe --initrd=/ramdisk --append='console=ttyAMA0' --seed=require {SAY}"


def guest_of(build, machine: Machine, kernel: str = "6.1", **more) -> dict:
    return {"kernel": kernel, "arch": "arm64", "memory": "512M", "cpu": machine.cpu,
            "el2": machine.el2, "firmware": machine.firmware,
            "initrd": build_initrd(programs=[kexec(build)], arch="arm64", files={
                "/probe": build / "tests/probe/probe.Image", "/ramdisk": bytes(100001),
                **more})}


def probed(guest: Guest) -> Probe:
    guest.send_and_jump("kexec -e")
    return wait_for_probe(guest, 60)


def check_chosen(seen: Probe, cmdline: bytes) -> bytes:
    """What the kernel's own kexec_file_load() would have written; the seed."""
    chosen = seen.tree["/chosen"]
    start, end = (int.from_bytes(chosen[f"linux,initrd-{x}"], "big") for x in ("start", "end"))
    assert end - start == 100001
    assert (start, end - start) in seen.reserved
    assert chosen["bootargs"] == cmdline + b"\0"
    assert chosen["linux,booted-from-kexec"] == b""
    seed, kaslr = chosen["rng-seed"], chosen["kaslr-seed"]
    assert len(seed) == 32 and len(set(seed)) > 16
    assert len(kaslr) == 8 and any(kaslr) and kaslr not in seed
    assert seen.registers["sctlr"] & 0x1005 == 0, "MMU and caches are off"
    assert seen.registers["daif"] & 0x3c0 == 0x3c0
    assert [seen.registers[f"x{n}"] for n in (1, 2, 3)] == [0, 0, 0]
    assert seen.registers["pc"] % (2 << 20) == 0
    return seed


@pytest.mark.parametrize("machine, kernel", [
    (PLAIN, "6.12"), (Machine("max", True, "bios"), "7.3"),
    (Machine("cortex-a72", True, "efi"), "6.1")], ids=str)
def test_what_the_next_kernel_finds(build_arm64, machine, kernel):  # noqa: F811
    with Guest(**guest_of(build_arm64, machine, kernel)) as guest:
        guest.wait_ready(120)
        guest.check(LOAD)
        seen = probed(guest)
        check_chosen(seen, b"console=ttyAMA0")
        assert seen.registers["el"] == (8 if machine.el2 else 4)
        assert ("linux,uefi-system-table" in seen.tree["/chosen"]) == (
            machine.firmware == "efi")
        mixed = re.search(r"purgatory: seed mixed with (.*)", guest.console)[1]
        assert ("RNDR" in mixed) == (machine.cpu == "max")
        assert "COUNTER" in mixed and "kernel memory" in mixed


@pytest.mark.parametrize("options, alike", [("", False), ("--seed-mix=off", True)])
def test_clones(build_arm64, tmp_path, options, alike):  # noqa: F811
    """Clones of one snapshot, without RNDR and without a generation ID; alike without mixing,
    which shows that the test can fail."""
    machine = guest_of(build_arm64, PLAIN)
    with Guest(**machine) as guest:
        guest.check(f"{LOAD} {options}", timeout=120)
        guest.save(tmp_path / "saved")
    seeds = []
    for _ in range(2):
        with Guest(**machine, incoming=tmp_path / "saved") as clone:
            clone.cont()
            seeds.append(check_chosen(probed(clone), b"console=ttyAMA0"))
    (tmp_path / "saved").unlink()
    assert (len(set(seeds)) == 1) == alike


def own_copy(memory: Path, at: int) -> bool:
    """The old kernel's copy of the seed page: the base seed, and zeroes to the end."""
    with open(memory, "rb") as file:
        file.seek(at & -PAGE)
        page = file.read(PAGE)
    return not any(page[(at % PAGE) + 32:])


def test_nothing_is_left(build_arm64, tmp_path):  # noqa: F811
    """After the jump the seed is in the tree and nowhere else; its base, which mixing makes
    worthless, in the page that the old kernel copied from."""
    with Guest(**guest_of(build_arm64, PLAIN)) as guest:
        guest.check(f"{LOAD} --seed-mix=off", timeout=120)
        [(start, memory)] = guest.dump_memory(tmp_path / "before")
        seen = probed(guest)
        base = check_chosen(seen, b"console=ttyAMA0")
        before = copies(memory, base)
        assert len(before) == 1 and own_copy(memory, before[0]), before
        memory.unlink()

    with Guest(**guest_of(build_arm64, PLAIN)) as guest:
        guest.check(LOAD, timeout=120)
        seen = probed(guest)
        seed = check_chosen(seen, b"console=ttyAMA0")
        [(start, memory)] = guest.dump_memory(tmp_path / "after")
        slot = seen.place["/chosen/rng-seed"] - start
        assert copies(memory, seed) == [slot]
        memory.unlink()


def test_another_tree(build_arm64):  # noqa: F811
    """--dtb: the rest of the file passes as it is."""
    with Guest(**guest_of(build_arm64, PLAIN)) as guest:
        other = "sed s/linux,dummy-virt/linux,other-virt/ /sys/firmware/fdt"
        guest.check(f"{other} >/tree && {LOAD} --dtb=/tree", timeout=120)
        seen = probed(guest)
        check_chosen(seen, b"console=ttyAMA0")
        assert seen.tree["/"]["compatible"] == b"linux,other-virt\0"


def test_seed_off(build_arm64):  # noqa: F811
    with Guest(**guest_of(build_arm64, PLAIN)) as guest:
        guest.check(f"{LOAD} --seed=off", timeout=120)
        chosen = probed(guest).tree["/chosen"]
        assert "rng-seed" not in chosen and "kaslr-seed" not in chosen


