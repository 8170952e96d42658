# SPDX-License-Identifier: GPL-2.0-only
"""The old kernel's data, with its RNG in it, is an input of the seed. With every other input off it
alone makes clones differ; without it they are alike. The flags of the CPU are hidden from kexec by
files mounted over /proc, as are the lines of /proc/iomem.

$KEXEC_CLONES is the number of clones of test_many_clones, which runs only then: two seconds each.
"""

import hashlib
import json
import os
import re
from pathlib import Path

import pytest

from birthdays import none_twice
from guest import Guest
from initrd import build_initrd
from places import KERNELS, kexec, probe, some, spread
from probe import parse_probe
from test_seed import copies, nodes_in

SAY = "--console-serial --serial=ttyS0"
NO_HARDWARE = ("sed -r '/^flags/s/ (tsc|rdrand|rdseed)\\b//g' /proc/cpuinfo >/tmp/cpuinfo &&"
               " mount -o bind /tmp/cpuinfo /proc/cpuinfo")
NO_MEMORY = ("grep -v -e 'Kernel data' -e 'Kernel bss' /proc/iomem >/tmp/iomem &&"
             " mount -o bind /tmp/iomem /proc/iomem")
JUMPS = {"-l": "kexec -e", "-p": "echo c >/proc/sysrq-trigger"}


def machine(build, kernel: str, firmware: str = "bios", memory: str = "512M") -> dict:
    return {"kernel": kernel, "memory": memory, "cpu": "max", "firmware": firmware, "qemu": "10",
            "cmdline": "crashkernel=64M",
            "initrd": build_initrd(programs=[kexec(build)], files={"/probe": probe(build)})}


def clones(tmp_path, setup: dict, before: list[str], load: str,
           count: int = 2) -> tuple[list[bytes], str]:
    saved = tmp_path / "saved"
    seeds = []
    with Guest(**setup) as guest:
        for command in before:
            guest.check(command)
        guest.check(f"kexec -c {load} /probe --seed=require {SAY}")
        guest.save(saved)
    for _ in range(count):
        with Guest(**setup, incoming=saved) as guest:
            guest.cont()
            guest.send_and_jump(JUMPS[load])
            guest.wait_console("PROBE END", 120)
            [seed] = [n.data for n in parse_probe(guest.console).setup_data if n.type == 9]
            seeds.append(seed)
            said = guest.console
    saved.unlink()
    return seeds, re.search(r"purgatory: seed (.*)", said)[1].strip()


@pytest.mark.parametrize("kernel, firmware, memory, load", [
    ("6.1", "bios", "512M", "-l"), ("6.12", "efi", "512M", "-p"), ("7.3", "bios", "6G", "-l"),
    ("7.3", "efi", "6G", "-p")])
def test_clones_differ(build, tmp_path, kernel, firmware, memory, load):
    seeds, said = clones(tmp_path, machine(build, kernel, firmware, memory), [NO_HARDWARE], load)
    assert said == "mixed with kernel memory"
    none_twice(seeds)


FAR = ("sed -r -e 's/[0-9a-f]+-[0-9a-f]+ : (Kernel data)/140000000-1400fffff : \\1/'"
       " -e 's/[0-9a-f]+-[0-9a-f]+ : (Kernel bss)/17fffffff-180000000 : \\1/'"
       " /proc/iomem >/tmp/iomem && mount -o bind /tmp/iomem /proc/iomem")


@pytest.mark.parametrize("kernel, firmware, load", [("6.1", "bios", "-p"), ("7.3", "efi", "-l")])
def test_above_4_gib(build, kernel, firmware, load):
    """The purgatory maps the ranges where the kernel could be, but no segment and no other map is:
    read-only, across a GiB, and without an exception."""
    with Guest(**machine(build, kernel, firmware, "6G")) as guest:
        guest.check(NO_HARDWARE)
        guest.check(FAR)
        guest.check(f"kexec -c {load} /probe --seed=require {SAY}")
        guest.send_and_jump(JUMPS[load])
        guest.wait_console("PROBE END", 120)
        assert re.search(r"purgatory: (seed .*)", guest.console)[1].strip() == (
            "seed mixed with kernel memory")


@pytest.mark.parametrize("kernel, load", spread(some(KERNELS, 0, 2), JUMPS))
def test_clones_are_alike_without(build, tmp_path, kernel, load):
    """The test above can fail."""
    seeds, said = clones(tmp_path, machine(build, kernel), [NO_HARDWARE, NO_MEMORY], load)
    assert said.startswith("not mixed")
    assert len(set(seeds)) == 1


@pytest.mark.skipif("KEXEC_CLONES" not in os.environ,
                    reason="$KEXEC_CLONES is not set: part of make check-long")
def test_many_clones(build, tmp_path):
    count = int(os.environ["KEXEC_CLONES"])
    seeds, said = clones(tmp_path, machine(build, "6.12"), [NO_HARDWARE], "-p", count)
    assert said == "mixed with kernel memory"
    assert len(set(seeds)) == count


CHUNK = 65536


def digest(data: bytes) -> bytes:
    """include/digest.h"""
    chunks = (data[at:at + CHUNK] for at in range(0, len(data), CHUNK))
    return hashlib.sha256(b"".join(hashlib.sha256(x).digest() for x in chunks)).digest()


def memory_of(guest: Guest, path: Path) -> Path:
    [(start, memory)] = guest.dump_memory(path)
    assert start == 0
    return memory


@pytest.mark.parametrize("kernel", some(KERNELS, 1))
def test_formula(build, tmp_path, kernel):
    """The seed is the hash of the base and of what memory holds after the jump, and neither the
    base nor the digest of that memory is anywhere in RAM."""
    with Guest(**machine(build, kernel)) as guest:
        guest.check(NO_HARDWARE)
        plan = json.loads(guest.check("kexec -p --dry-run --json /probe 2>/dev/null"))
        guest.check(f"kexec -c -p /probe --seed=require {SAY}")
        [base] = nodes_in(memory_of(guest, tmp_path / "before"))
        guest.send_and_jump(JUMPS["-p"])
        guest.wait_console("PROBE END", 120)
        [seed] = [n.data for n in parse_probe(guest.console).setup_data if n.type == 9]
        after = memory_of(guest, tmp_path / "after")
    parts = []
    with open(after, "rb") as f:
        for part in plan["seed_mix"]["kernel_memory"]:
            f.seek(part["addr"])
            parts.append(digest(f.read(part["size"])))
    assert len(parts) == 2
    memory = hashlib.sha256(b"".join(parts)).digest()
    label = b"kexec-seed 1".ljust(16, b"\0")
    assert seed == hashlib.sha256(label + b"\x10" + base + memory).digest()
    assert copies(after, memory) == [] and copies(after, base) == []


def test_plan(build):
    """Nothing is placed over the ranges, whose addresses are those of /proc/iomem."""
    with Guest(**machine(build, "6.12")) as guest:
        iomem = guest.check("cat /proc/iomem")
        lines = re.findall(r"(\w+)-(\w+) : Kernel (?:data|bss)", iomem)
        wanted = [(int(a, 16), int(b, 16) + 1) for a, b in lines]
        assert len(wanted) == 2 and all(end > start > 0 for start, end in wanted)
        plan = json.loads(guest.check("kexec --dry-run --json /probe 2>/dev/null"))
        found = [(x["addr"], x["addr"] + x["size"]) for x in plan["seed_mix"]["kernel_memory"]]
        assert found == wanted
        for s in plan["segments"]:
            assert all(s["addr"] >= end or s["addr"] + s["size"] <= start
                       for start, end in wanted), s
        text = guest.check("kexec --dry-run /probe")
        assert re.search(r"seed mix .* kernel memory \(\d+ KiB\)", text)
        guest.check(NO_MEMORY)
        assert "no kernel memory" in guest.check("kexec --dry-run /probe")
