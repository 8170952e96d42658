# SPDX-License-Identifier: GPL-2.0-only
"""The purgatory mixes each seed at the moment of the jump: clones of one machine, with the same
image loaded, hand over different seeds, and none is left in memory."""

import re

import pytest

from birthdays import none_twice
from guest import Guest
from initrd import build_initrd
from places import KERNELS, kexec, probe, some, spread
from probe import parse_probe
from test_seed import copies, held_by_kernel, nodes_in

VMGENID = ["-device", "vmgenid,guid=auto"]
SAY = "--console-serial --serial=ttyS0"


def machine(build, kernel: str, cpu: str, extra=(), kernels=()) -> dict:
    return {"kernel": kernel, "memory": "512M", "cpu": cpu, "extra": list(extra),
            "initrd": build_initrd(kernels=kernels, programs=[kexec(build)],
                                   files={"/probe": probe(build)})}


def seed_at_probe(guest: Guest) -> bytes:
    guest.send_and_jump("kexec -e")
    guest.wait_console("PROBE END", 60)
    [seed] = [n.data for n in parse_probe(guest.console).setup_data if n.type == 9]
    assert len(seed) == 32 and any(seed)
    return seed


def clones(tmp_path, setup: dict, options: str, count: int = 2) -> tuple[list[bytes], str]:
    """Seeds handed over by clones of one loaded machine, and the last one's console."""
    saved = tmp_path / "saved"
    with Guest(**setup) as guest:
        guest.check(f"kexec -c -l /probe --seed=require {SAY} {options}")
        guest.save(saved)
    seeds = []
    for _ in range(count):
        with Guest(**setup, incoming=saved) as clone:
            clone.cont()
            seeds.append(seed_at_probe(clone))
            said = clone.console
    saved.unlink()
    return seeds, said


@pytest.mark.parametrize("kernel, cpu", spread(KERNELS, ["max", "qemu64"]))
def test_clones_differ(build, tmp_path, kernel, cpu):
    seeds, said = clones(tmp_path, machine(build, kernel, cpu, VMGENID), "")
    none_twice(seeds)
    mixed = re.search(r"purgatory: seed mixed with (.*)", said)[1]
    assert "generation ID" in mixed and "TSC" in mixed
    assert ("RDSEED" in mixed or "RDRAND" in mixed) == (cpu == "max")


@pytest.mark.parametrize("cpu", some(["max", "qemu64"], 0))
def test_clones_are_alike_without_mixing(build, tmp_path, cpu):
    """The test above can fail."""
    seeds, _ = clones(tmp_path, machine(build, "6.1", cpu, VMGENID), "--seed-mix=off")
    assert len(set(seeds)) == 1


def test_without_generation_id(build, tmp_path):
    seeds, said = clones(tmp_path, machine(build, "6.1", "qemu64"), "")
    assert len(set(seeds)) == len(seeds)
    assert "generation ID" not in re.search(r"purgatory: seed mixed with (.*)", said)[1]


def test_address_given_by_hand(build):
    """--vmgenid-addr= is used if plausible, else reported."""
    with Guest(**machine(build, "6.1", "max")) as guest:
        for bad in ("0x1234567", "0", "0x1000000", "0xffffffffffffff00"):
            out = guest.check(f"kexec -c -l /probe --vmgenid-addr={bad}")
            assert "generation ID is not used" in out, bad
        out = guest.check(f"kexec -c -l /probe --vmgenid-addr=0xfffc0000 {SAY}")
        assert "not used" not in out
        seed_at_probe(guest)
        assert re.search("seed mixed with .*generation ID", guest.console)


@pytest.mark.parametrize("kernel, cpu", some(spread(KERNELS, ["qemu64", "max"]), 1, 2))
def test_nothing_is_left(build, tmp_path, kernel, cpu):
    """Neither base seed nor seed is left once the next kernel has taken it. With a normal image
    the old kernel's own copy of the base seed stays until the memory is reused: that page
    only, and mixing makes it worthless."""
    with Guest(**machine(build, kernel, cpu, VMGENID, [kernel])) as guest:
        guest.check(f"kexec -c -l /boot/vmlinuz-{kernel} --initrd=/boot/initrd {SAY}"
                    " --seed=require --append='console=ttyS0,115200 panic=-1'")
        plan = guest.check(f"kexec --dry-run /boot/vmlinuz-{kernel} --initrd=/boot/initrd"
                           " --append='console=ttyS0,115200 panic=-1'")
        [(_, memory)] = guest.dump_memory(tmp_path / "memory")
        [base] = nodes_in(memory)
        guest.send_and_jump("kexec -e")
        guest.wait_console("purgatory: jumping")
        guest.stop()  # while the next kernel unpacks, long before it reads the seed
        seed = seed_in_node(guest, plan, tmp_path)
        assert seed != base
        guest.cont()
        guest.wait_ready()
        [(_, memory)] = guest.dump_memory(tmp_path / "memory")
        assert copies(memory, seed) == []
        assert all(held_by_kernel(memory, at) for at in copies(memory, base))
        memory.unlink()


def seed_in_node(guest: Guest, plan: str, tmp_path) -> bytes:
    """Current content of the node at its planned address."""
    addr = int(re.search(r"0x(\w+)  RNG_SEED", plan)[1], 16)
    [(start, memory)] = guest.dump_memory(tmp_path / "memory")
    with open(memory, "rb") as f:
        f.seek(addr - start)
        page = f.read(64)
    assert page[8:16] == bytes([9, 0, 0, 0, 32, 0, 0, 0])
    return page[16:48]
