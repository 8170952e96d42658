# SPDX-License-Identifier: GPL-2.0-only
"""Real crashes: the crash kernel boots with its own seed, and its /proc/vmcore is all of the
crashed machine's memory, unchanged, in a form that makedumpfile and readelf accept. Also after
many refreshes.

$KEXEC_CRASHES=all crashes in every combination of kernel, CPUs, memory, crash region and
firmware (72, about 20 s each) besides those of COVERING and MORE.
"""

import hashlib
import itertools
import os
import random
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

import cache
import elfcore
from crash import (PAGE, PANICS, THEIRS, Before, CrashGuest, Setup, Vmcore, crash,
                   load_command, merge, running, without)
from initrd import libraries
from loaded import SAY, crash_status
from places import KERNELS
from test_jump import TIME_ZERO_SEED, node_types

OURS, KERNELS_OWN = "-c", "-s"
# Each kernel, number of CPUs, size, kind of region and firmware; ours must pass what the other
# loaders pass, and the checks must not fit ours alone.
COVERING = [
    # loader, how it crashes, the machine
    (OURS, "sysrq", Setup("6.1", 1, "1G", "256M", "bios")),
    (OURS, "nmi", Setup("6.12", 2, "1G", "256M", "efi")),
    (OURS, "nmi", Setup("7.3", 4, "2G", "512M,high", "bios")),
    (OURS, "sysrq", Setup("6.12", 1, "8G", "512M,high", "bios")),
    (OURS, "nmi", Setup("6.1", 2, "2G", "512M,high", "bios", "qemu64")),
    (KERNELS_OWN, "nmi", Setup("6.12", 2, "1G", "256M", "bios")),
    (THEIRS, "sysrq", Setup("6.1", 2, "1G", "256M", "bios")),
]
MORE = [
    (OURS, "sysrq", Setup("7.3", 2, "8G", "256M", "bios")),
    (OURS, "nmi", Setup("6.1", 4, "8G", "512M,high", "efi")),
    (OURS, "sysrq", Setup("6.12", 4, "2G", "512M,high", "bios")),
    (OURS, "nmi", Setup("7.3", 1, "1G", "256M", "efi")),
    (KERNELS_OWN, "sysrq", Setup("7.3", 1, "8G", "512M,high", "efi")),
]
# With KASLR, 1 GiB often has no contiguous 512 MiB left.
SIZES = [("1G", "256M"), ("2G", "512M,high"), ("8G", "256M"), ("8G", "512M,high")]
# The kind of crash is independent of the rest: each size has both on either firmware.
ALL = [(OURS, list(PANICS)[(n + n // 2 + n // 8) % 2],
        Setup(kernel, cpus, memory, region, firmware))
       for n, (kernel, cpus, (memory, region), firmware) in enumerate(
           itertools.product(KERNELS, [1, 2, 4], SIZES, ["bios", "efi"]))]
MANY = os.environ.get("KEXEC_CRASHES") == "all"
CRASHES = list(dict.fromkeys([*COVERING, *MORE, *ALL])) if MANY else COVERING
LONG_LIVED = int(os.environ.get("KEXEC_REFRESHES", "50"))
REFRESHES = [*itertools.product(KERNELS, [1, 10, LONG_LIVED])] if MANY else [("6.12", 10)]
MARK_PAGES = 4
SAMPLES_PER_SEGMENT = 4
DUMP = "/tmp/dump"


def name_of(value) -> str:
    return str(value).lstrip("-")


def put_marks(guest: CrashGuest) -> list[int]:
    """Random pages in a file of the guest; their physical addresses."""
    marks = guest.run(f"dd if=/dev/urandom bs={PAGE} count={MARK_PAGES} 2>/dev/null"
                      " | tee /tmp/marks").data
    assert len(marks) == MARK_PAGES * PAGE
    found = [guest.ram.find(marks[i * PAGE:(i + 1) * PAGE])
             for i in range(MARK_PAGES)]
    assert all(found)
    return [addr for page in found for addr in page if addr % PAGE == 0]


def sample(guest: CrashGuest, segments: list, seed: int) -> list[int]:
    """Pages that are not all zero: the first and last of each segment, and others."""
    chance, chosen = random.Random(seed), set()
    for s in segments:
        used = without(guest.ram.used(), [(0, s.paddr), (s.paddr + s.filesz, 1 << 52)])
        pages = [page for start, end in used
                 for page in range(-(-start // PAGE) * PAGE, end - PAGE + 1, PAGE)]
        chosen |= {next((p for p in order if any(guest.ram.read(p, PAGE))), None)
                   for order in (pages, reversed(pages))}
        for page in chance.sample(pages, min(len(pages), 50 * SAMPLES_PER_SEGMENT)):
            if len(chosen) < SAMPLES_PER_SEGMENT * len(segments) \
                    and any(guest.ram.read(page, PAGE)):
                chosen.add(page)
    return sorted(chosen - {None})


def check_headers(vmcore: Vmcore, before: Before, cpus: int) -> None:
    """All of the crashed machine's RAM once, its kernel text, and its notes."""
    ram = elfcore.ram(vmcore.segments)
    ranges = [(s.paddr, s.paddr + s.memsz) for s in ram if s.paddr >= 1 << 20]
    for (_, end), (start, _) in itertools.pairwise(sorted(ranges)):
        assert end <= start, f"two PT_LOADs for {start:#x}"
    assert merge(ranges) == before.ram
    assert all(s.filesz == s.memsz for s in vmcore.segments)
    assert {s.vaddr - s.paddr for s in ram} == before.direct_map
    [text] = elfcore.text(vmcore.segments)
    assert {text.vaddr - text.paddr} == before.text_map
    assert text.paddr == before.text_start and text.paddr + text.memsz >= before.bss_end

    notes = [(n.name, n.type) for n in vmcore.notes]
    assert notes.count(("CORE", elfcore.NT_PRSTATUS)) == cpus
    assert vmcore.info()["OSRELEASE"] == before.release


def check_contents(guest: CrashGuest, vmcore: Vmcore, marks: list[int]) -> None:
    """/proc/vmcore shows the memory as the crash left it."""
    ram = elfcore.ram(vmcore.segments)
    pages = sorted({*marks, *sample(guest, [s for s in ram if s.paddr >= 1 << 20], 1)})
    assert len(pages) >= MARK_PAGES + len(ram)
    assert vmcore.digests(pages) == [hashlib.sha256(guest.ram.read(p, PAGE)).hexdigest()
                                     for p in pages]
    [text] = elfcore.text(vmcore.segments)
    assert vmcore.read(text.offset, PAGE) == guest.ram.read(text.paddr, PAGE)


def check_vmcore_dmesg(guest: CrashGuest, panic: str) -> None:
    guest.check("vmcore-dmesg /proc/vmcore >/tmp/dmesg", 60)
    assert panic in guest.check("grep -F 'not syncing' /tmp/dmesg; rm /tmp/dmesg")


def check_makedumpfile(guest: CrashGuest, panic: str) -> None:
    # LZO (-l), because a dump with the page tables of 8 GiB does not fit into 256 MiB
    done = guest.run(f"makedumpfile -l -d 31 /proc/vmcore {DUMP}", 180)
    if "VA Bits 52 not supported" in done.output:
        return  # makedumpfile's issue 18: Debian's does not read arm64's own 6.12 and 7.3
    assert not done.status, done.output
    for source in ("/proc/vmcore", DUMP):
        guest.check(f"makedumpfile --dump-dmesg {source} /tmp/dmesg", 60)
        assert panic in guest.check("grep -F 'not syncing' /tmp/dmesg; rm /tmp/dmesg")


def check_readelf(vmcore: Vmcore, cpus: int, folder: Path) -> None:
    """An independent reader finds the same headers and notes."""
    loads = [s for s in vmcore.segments if s.type == elfcore.PT_LOAD]
    headers = folder / "headers"
    headers.write_bytes(vmcore.read(0, min(s.offset for s in loads)))
    done = subprocess.run(["readelf", "-hlnW", headers], capture_output=True, text=True,
                          timeout=60, check=True)
    assert "CORE (Core file)" in done.stdout
    assert len(re.findall(r"^ +LOAD ", done.stdout, re.MULTILINE)) == len(loads)
    assert done.stdout.count("NT_PRSTATUS") == cpus
    assert done.stdout.count("VMCOREINFO") == 1


def crash_and_look(guest: CrashGuest, how: str, machine: Setup, folder: Path) -> str:
    """Crash, check the vmcore for completeness; return the console output since."""
    assert guest.check("cat /sys/kernel/kexec_crash_loaded").strip() == "1"
    marks, before = put_marks(guest), Before(guest)
    assert before.crash_regions and before.ram

    start = crash(guest, how)
    assert guest.wait_ready() == before.release
    assert re.search(TIME_ZERO_SEED, guest.console[start:], re.MULTILINE)
    if machine.arch == "x86_64":
        assert node_types(guest)[0] == 9
        assert "elfcorehdr=" in guest.check("cat /proc/cmdline")

    vmcore = Vmcore(guest)
    check_headers(vmcore, before, machine.cpus)
    check_readelf(vmcore, machine.cpus, folder)
    check_contents(guest, vmcore, marks)
    if machine.arch == "arm64":
        check_vmcore_dmesg(guest, PANICS[how])
    check_makedumpfile(guest, PANICS[how])
    return guest.console[start:]


@pytest.mark.parametrize("loader, how, machine", CRASHES, ids=name_of)
def test_crash(build, tmp_path, loader, how, machine):
    theirs = cache.kexec_tools() if loader == THEIRS else None
    with running(build, machine, program=theirs) as guest:
        guest.check(load_command("" if theirs else loader))
        crash_and_look(guest, how, machine, tmp_path)


@pytest.mark.parametrize("kernel, count", REFRESHES)
def test_crash_after_refreshes(build, tmp_path, kernel, count):
    """The same crash, of an image refreshed many times. (test_refresh.py checks which seed
    is handed over and that no earlier one is left.)"""
    seed, machine = build / "kexec_seed/kexec-seed", Setup(kernel, 2)
    files = {"/usr/sbin/kexec-seed": seed, **libraries(seed)}
    with running(build, machine, files=files) as guest:
        guest.check(load_command(f"-c {SAY} --seed=require"))
        guest.check(f"for i in $(seq {count}); do kexec-seed refresh >/dev/null || exit 1;"
                    " done", 60 + count)
        status = crash_status(guest)
        assert status["refreshes"] == count and status["proven"]
        said = crash_and_look(guest, "sysrq", machine, tmp_path)
        assert "purgatory: ok" in said and "damaged" not in said


def test_nothing_loaded(build):
    """Without a loaded crash kernel nothing comes up."""
    with running(build, Setup("6.1")) as guest:
        guest.check("echo 0 >/proc/sys/kernel/panic")
        start = crash(guest)
        guest.wait_console("end Kernel panic", 30, start)


def test_sees_what_is_missing_or_wrong(build):
    """The checks can fail: memory missing from the dump, twice in it, or changed."""
    with running(build, Setup("6.1")) as guest:
        guest.check(load_command(KERNELS_OWN))
        marks, before = put_marks(guest), Before(guest)
        crash(guest)
        guest.wait_ready()
        vmcore = Vmcore(guest)
        check_headers(vmcore, before, 1)
        with pytest.raises(AssertionError):
            check_headers(vmcore, before, 2)
        good, last = vmcore.segments, elfcore.ram(vmcore.segments)[-1]
        shorter = replace(last, filesz=last.filesz - PAGE, memsz=last.memsz - PAGE)
        for spoilt in ([s for s in good if s is not last], [*good, last],
                       [shorter if s is last else s for s in good]):
            vmcore.segments = spoilt
            with pytest.raises(AssertionError):
                check_headers(vmcore, before, 1)
        vmcore.segments = good
        guest.ram.write(marks[0] + 1234, b"changed")
        changed = vmcore.digests(marks[:1])
        guest.ram.write(marks[0] + 1234, b"CHANGED")
        assert vmcore.digests(marks[:1]) != changed
