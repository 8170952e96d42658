# SPDX-License-Identifier: GPL-2.0-only
"""Crash images in a guest's memory: kexec-seed's view of them, their content, and damage to
them. Complements crash.py, which provides the guests.

    with refreshable(build, Setup("6.12")) as guest:     # kexec-seed and kexec-tools too
        guest.check(load_probe())
        first = seed_in_slot(guest)
        guest.check("kexec-seed refresh")
        with unchanged(guest):
            refused(guest, "kexec-seed refresh", "some words")
"""

import contextlib
import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import cache
from crash import PAGE, PROBE, Setup, crash_into_probe, resources, running
from guest import Guest
from initrd import libraries
from shapes import shapes

SEED_SIZE = 32
RAMDISK = "/ramdisk"
# What a load or refresh maps on machines with device trees.
MAPPED = {"libc.so.6", "libfdt.so.1"}
# kexec-tools, beside our kexec
THEIRS = "/theirs/kexec"
SAY = "--console-serial --serial=ttyS0"
CPIO = b"070701"  # an initrd begins like this, or kexec has its doubts
# No mixing: the slot then holds the same bytes that the probe is handed.
AS_DRAWN = "--seed-mix=off"
# Exit statuses of `kexec-seed status --check`.
EXIT = {"protected": 0, "protected after a refresh": 0, "not protected": 1,
        "cannot tell": 3}


def refreshable(build: Path, setup: Setup, **more):
    """A guest with kexec, kexec-seed, kexec-tools, setpriv, strace, the probe and an
    initrd."""
    files = {RAMDISK: CPIO + bytes(range(256)) * 2000}
    setpriv, strace = shutil.which("setpriv"), shutil.which("strace")
    assert setpriv and strace, "setpriv or strace not found"
    for target, program in (("/usr/sbin/kexec-seed", build / "kexec_seed/kexec-seed"),
                            (THEIRS, cache.kexec_tools()),
                            ("/usr/sbin/setpriv", Path(setpriv)),
                            ("/usr/sbin/strace", Path(strace))):
        files |= {target: program, **libraries(program)}
    return running(build, setup, files=files, **more)


def load_probe(how: str = "-c", options: str = f"{AS_DRAWN} {SAY}",
               cmdline: str = "ours", program: str = "kexec") -> str:
    return (f"{program} {how} -p {PROBE} --initrd={RAMDISK} --command-line='{cmdline}'"
            f" {options}").strip()


def load_theirs(how: str = "", cmdline: str = "theirs") -> str:
    return load_probe(how, "", cmdline, THEIRS)


def plan(guest: Guest) -> dict[str, tuple[int, int]]:
    """Where load_probe() puts each segment: address and content size."""
    text = guest.check(load_probe() + " --dry-run --json")
    return {s["kind"]: (s["addr"], s["content"]) for s in json.loads(text)["segments"]}


def crash_status(guest: Guest) -> dict:
    return json.loads(guest.check("kexec-seed status --json"))["crash"]


def linked(guest: Guest, command: str) -> set[str]:
    """Libraries that the command's dynamic linker loads, and those that it opens later."""
    guest.check(f"rm -f /run/linked.*; LD_DEBUG=files LD_DEBUG_OUTPUT=/run/linked {command}", 120)
    return {name.rpartition("/")[2] for name in re.findall(
        r"file=(\S+) \[\d+\]; +generating link map", guest.check("cat /run/linked.*"))}


def judged(guest: Guest, word: str, reason: str, remedy: str | None = None,
           how: str = "{}") -> dict:
    """The three ways to ask must give this answer; `reason` is a pattern. Returns the JSON."""
    run = how.format
    check = guest.run(run("kexec-seed status --check"))
    told = json.loads(guest.check(run("kexec-seed --json status")))
    text = guest.check(run("kexec-seed status"))
    assert (told["verdict"], told["remedy"]) == (word, remedy), told
    assert re.fullmatch(reason, told["reason"]), told["reason"]
    line = f"{word}: {told['reason']}" + (f"; do: {remedy}" if remedy else "")
    assert text.splitlines()[0] == line, text
    assert check.output == f"{line}\n", check.output
    assert check.status == EXIT[word]
    return told


def agree(guest: Guest, command: str) -> dict | None:
    """A dry run of the load of a crash kernel and the load itself agree on whether it is
    possible, on method, seed and mixing, and on every note; returns the plan. Of the load,
    memory and the recipe tell; of one that is refused, the message."""
    planned = guest.run(f"{command} --dry-run --json 2>/run/planned")
    guest.check("kexec -p -u")
    done = guest.run(f"{command} -d 2>/run/done")
    notes, said = guest.check("cat /run/planned"), guest.check("cat /run/done")
    assert planned.status == done.status, f"{command}: {notes}{said}"
    kept = [x for x in said.splitlines() if x.startswith("kexec: ") and ": type " not in x]
    assert notes.splitlines() == kept, f"{command}: {notes} and {said}"
    if done.status:
        return None
    plan, status = json.loads(planned.output), crash_status(guest)
    assert status["proven"] and status["method"] == plan["method"], (plan, status)
    assert bool(status["seed_slots"]) == (plan["seed"] != "none"), (plan, status)
    assert status["kernel_memory"] == (plan["seed"] == "mixed"), (plan, status)
    assert (plan["seed_mix"] is not None) == (plan["seed"] == "mixed"), plan
    if plan["method"] == "kexec_load":
        assert status["seed_slots"] == ([plan["seed_slot"]] if plan["seed_slot"] else [])
    else:
        assert not plan["segments"] and plan["seed_slot"] is None, plan
    if plan["seed"] != "none":
        seed_in_slot(guest)
    # what -d prints of the load
    assert f"method       {plan['method']}: {plan['method_reason']}\n" in said
    assert f"seed         {plan['seed_reason']}\n" in said
    return plan


def seed_slot(guest: Guest) -> int:
    [slot] = crash_status(guest)["seed_slots"]
    assert slot["len"] == SEED_SIZE
    return slot["addr"]


def seed_in_slot(guest: Guest, slot: int | None = None) -> bytes:
    """The bytes in memory at the seed address that status reports."""
    slot = seed_slot(guest) if slot is None else slot
    seed = guest.ram.read(slot, SEED_SIZE)
    assert any(seed)
    # preceded by the end of its node's header: type and length (asm/bootparam.h)
    assert guest.ram.read(slot - 8, 8) == bytes([9, 0, 0, 0, SEED_SIZE, 0, 0, 0])
    return seed


def strays(guest: Guest, *seeds: bytes) -> list[int]:
    """Every address at which any RAM holds the first half of one of them, in memory order or
    as SHA-256 reads it."""
    return sorted({at for seed in seeds for shape in shapes(seed)[::2]
                   for at in guest.ram.find(shape)})


def fingerprint(guest: Guest) -> str:
    """Of all non-zero bytes in the crash regions, and of whether an image is loaded."""
    digest = hashlib.sha256(guest.check("cat /sys/kernel/kexec_crash_loaded").encode())
    for low, high in resources(guest.check("cat /proc/iomem"), "Crash kernel"):
        for start, end in guest.ram.used():
            for at in range(max(start, low), min(end, high), PAGE):
                page = guest.ram.read(at, PAGE)
                if any(page):
                    digest.update(at.to_bytes(8, "little") + page)
    return digest.hexdigest()


@contextlib.contextmanager
def unchanged(guest: Guest):
    """The loaded image stays the same, to the byte."""
    before = fingerprint(guest)
    yield
    assert fingerprint(guest) == before


def write_memory(guest: Guest, addr: int, data: bytes) -> None:
    """To physical memory, without the guest's knowledge."""
    for start, length, offset in guest.ram.parts:
        if start <= addr and addr + len(data) <= start + length:
            fd = os.open(f"/proc/self/fd/{guest.ram.file.fileno()}", os.O_RDWR)
            try:
                assert os.pwrite(fd, data, addr - start + offset) == len(data)
            finally:
                os.close(fd)
            return
    raise AssertionError(f"no RAM at 0x{addr:x}")


def flip(guest: Guest, addr: int, bit: int = 0) -> None:
    write_memory(guest, addr, bytes([guest.ram.read(addr, 1)[0] ^ 1 << bit]))


def refused(guest: Guest, command: str, *says: str, notes: tuple[str, ...] = (),
            status: int = 1) -> None:
    """That exit status, and on standard error one line with all of these words, after one line
    for each of `notes`."""
    done = guest.run(f"{{ {command} ; }} 2>&1 >/dev/null")
    lines = done.output.strip().splitlines()
    assert done.status == status, f"{command}: {done.status}\n{done.output}"
    assert len(lines) == 1 + len(notes), f"{command}:\n{done.output}"
    for line, words in zip(lines, [*((n,) for n in notes), says]):
        assert re.match(r"kexec(-seed)?: ", line), f"{command}: {line}"
        for word in words:
            assert word in line, f"{command}: {line}"


def seed_after_crash(guest: Guest, cmdline: str = "ours") -> tuple[bytes, int]:
    """Crash into the probe, which must be the one with this word on its command line and
    must report no damage; returns the seed it was handed, and its address."""
    start = len(guest.console)
    seen = crash_into_probe(guest)
    said = re.findall(r"purgatory: .*", guest.console[start:])
    assert not [x for x in said if "damaged" in x], said
    assert cmdline in seen.cmdline.split(), seen.cmdline
    [node] = seen.seeds()
    assert len(node.data) == SEED_SIZE and any(node.data)
    return node.data, node.addr + 16
