# SPDX-License-Identifier: GPL-2.0-only
"""kexec-seed refresh: a loaded crash kernel is reseeded, is handed the last seed when the
machine crashes, and no earlier seed is left in memory.

$KEXEC_REFRESHES is how often the longest-lived image is refreshed before its crash (50; 1000
for the full measure, 0.1 s each).
"""

import hashlib
import json
import os
import random
import time

import pytest

import elfcore
from birthdays import none_twice
from crash import KERNEL, PROBE, Setup, crash, load_command, resources
from guest import SLOW
from loaded import (AS_DRAWN, RAMDISK, SAY, THEIRS, crash_status, flip,
                    load_probe, load_theirs, plan, refreshable, refused, seed_after_crash,
                    seed_in_slot, seed_slot, strays, unchanged, write_memory)
from places import KERNELS, some, spread

MANY = int(os.environ.get("KEXEC_REFRESHES", "50"))
LOOKED_FOR = 6  # a sample of the earlier seeds; each takes a second
RECIPE = "/run/kexec-seed/crash.recipe"
VMGENID = ["-device", "vmgenid,guid=auto"]


def refresh(guest, options: str = "") -> dict:
    return json.loads(guest.check(f"kexec-seed refresh --json {options} 2>/dev/null"))


@pytest.mark.parametrize("kernel, count, region", [
    ("6.1", 10, "256M"), ("6.12", 1, "256M,high"), ("7.3", MANY, "256M")])
def test_last_seed_is_used(build, kernel, count, region):
    with refreshable(build, Setup(kernel, crashkernel=region)) as guest:
        guest.check(load_probe())
        slot = seed_slot(guest)
        seeds = [seed_in_slot(guest, slot)]
        for done in range(1, count + 1):
            told = refresh(guest)
            assert (told["refresh"], told["refreshes"]) == ("dynamic", done)
            seeds.append(seed_in_slot(guest, slot))
        none_twice(seeds)
        told = crash_status(guest)
        assert told["refreshes"] == count and told["proven"] and told["last_refresh"]
        guest.check("kexec-seed verify")

        *earlier, last = seeds
        looked_for = {seeds[0], earlier[-1], *random.Random(count).sample(
            earlier, min(len(earlier), LOOKED_FOR))}
        assert strays(guest, *looked_for) == []
        assert strays(guest, last) == [slot]
        assert seed_after_crash(guest) == (last, slot)
        assert strays(guest, *looked_for) == []
        assert "purgatory: jumping" in guest.console


def test_finds_the_stray_copies_of_kexec_tools(build):
    """The search above can fail: a reload with kexec-tools leaves its seed in memory."""
    with refreshable(build, Setup("6.1")) as guest:
        guest.check(load_theirs())
        guest.check(load_theirs())
        seed, slot = seed_after_crash(guest, "theirs")
        found = strays(guest, seed)
        assert slot in found and found != [slot]


@pytest.mark.parametrize("kernel, mix", some(
    [*((k, True) for k in KERNELS), ("6.12", False)], 0, 3))
def test_nothing_is_left(build, kernel, mix):
    """No base seed or seed once a real crash kernel has taken it, nor an earlier base seed."""
    with refreshable(build, Setup(kernel), extra=VMGENID) as guest:
        options = f"-c {SAY} --seed=require {'' if mix else AS_DRAWN}"
        guest.check(load_command(options))
        slot = seed_slot(guest)
        first = seed_in_slot(guest, slot)
        refresh(guest)
        base = seed_in_slot(guest, slot)
        start = crash(guest)
        guest.wait_console("purgatory: jumping", 60, start)
        guest.stop()  # while the next kernel unpacks, long before it reads the seed
        seed = seed_in_slot(guest, slot)
        assert (seed != base) == mix and first not in (base, seed)
        if mix:
            assert strays(guest, base) == []
        guest.cont()
        guest.wait_ready()
        assert strays(guest, first, base, seed) == []


def load_and_leave_alone(guest, how: str, beside: bool) -> None:
    """Theirs replaces ours: detected, and left alone. `beside`: theirs is placed elsewhere, so
    that ours is complete in memory except for its image ID."""
    guest.check(load_probe())
    parts = plan(guest)
    ours = [name for name in parts if name not in ("tag", "seed")]
    before = {name: guest.ram.read(*parts[name]) for name in ours}
    guest.check(load_theirs(how))
    if beside:
        assert [x for x in ours if guest.ram.read(*parts[x]) != before[x]] == []
    status = crash_status(guest)
    assert (status["loaded"], status["method"]) == (True, "foreign")
    assert status["seed_slots"] == [] and "another crash image" in status["why"]
    with unchanged(guest):
        for options in ("", "--full"):
            refused(guest, f"kexec-seed refresh {options}", "was not loaded by kexec of kexec-seed",
                    "another crash image is loaded")
        refused(guest, "kexec-seed verify", "cannot verify", "another crash image")


@pytest.mark.parametrize("kernel, last", [("6.1", ""), ("6.12", "-s"), ("7.3", "")])
def test_another_tool(build, kernel, last):
    """kexec-tools loads its own, by either call, beside ours in a large region. (From 6.5 on,
    the kernel's own headers have spare room where ours has the refreshed segments.)"""
    def leave_alone(how: str) -> None:
        load_and_leave_alone(guest, how, beside=how == "" or kernel == "6.1")

    with refreshable(build, Setup(kernel, memory="2G", crashkernel="512M")) as guest:
        leave_alone("-s" if last == "" else "")
        guest.check(load_probe())
        assert crash_status(guest)["method"] == "kexec_load"
        assert refresh(guest)["refresh"] == "dynamic"

        guest.check(f"{THEIRS} -p -u")
        status = crash_status(guest)
        assert not status["loaded"] and status["seed_slots"] == []
        refused(guest, "kexec-seed refresh", "no crash kernel is loaded", "--full")
        refused(guest, "kexec-seed verify", "no crash kernel is loaded")
        assert refresh(guest, "--full")["refresh"] == "full"
        assert crash_status(guest)["proven"]
        guest.check(f"test -e {RECIPE}")
        guest.check("kexec -p -u")
        guest.check(f"test ! -e {RECIPE}")
        refused(guest, "kexec-seed refresh --full", "no crash kernel", "kexec -p")

        leave_alone(last)
        seed_after_crash(guest, "theirs")


@pytest.mark.parametrize("kernel", some(KERNELS, 0, 2))
def test_loaded_by_the_kernel(build, kernel):
    """An image of kexec_file_load is reloaded, and its slot is found each time."""
    with refreshable(build, Setup(kernel)) as guest:
        guest.check(load_probe("-s", ""))
        status = crash_status(guest)
        assert status["method"] == "kexec_file_load" and status["proven"]
        first = seed_in_slot(guest)
        told = refresh(guest)
        assert (told["refresh"], told["refreshes"]) == ("full", 1)
        second = seed_in_slot(guest)
        assert first != second
        with unchanged(guest):
            refused(guest, "kexec-seed verify", "kexec_file_load")
        assert seed_after_crash(guest)[0] == second


def age_purgatory(recipe: bytes) -> bytes:
    """The recipe with a purgatory of the version before (include/purgatory_params.h)."""
    data = bytearray(recipe[:-32])
    at = data.index(b"PRGTORY1") + 8
    data[at] -= 1
    return bytes(data) + hashlib.sha256(data).digest()


@pytest.mark.parametrize("kernel", some(KERNELS, 1))
def test_upgrade(build, kernel):
    """An image that an older version has loaded is ours: verified, and loaded again."""
    with refreshable(build, Setup(kernel)) as guest:
        guest.check(load_probe())
        first = seed_in_slot(guest)
        for options in ("", "--full"):
            aged = age_purgatory(guest.run(f"cat {RECIPE}").data)
            guest.put(RECIPE, aged)
            status = crash_status(guest)
            assert (status["method"], status["proven"]) == ("kexec_load", True)
            said = guest.check("kexec-seed verify")
            assert "purgatory and its seed are not compared" in said
            addr, size = plan(guest)["kernel"]
            flip(guest, addr + size // 2)
            assert "kernel" in guest.run("kexec-seed verify").output
            flip(guest, addr + size // 2)
            told = refresh(guest, options)
            assert (told["refresh"], told["loaded"]) == ("full", True)
            assert seed_in_slot(guest) != first
            first = seed_in_slot(guest)
            assert guest.check("kexec-seed verify").count("compared") == 0
        assert refresh(guest)["refresh"] == "dynamic"
        assert crash_status(guest)["refreshes"] == 3
        newer = bytearray(guest.run(f"cat {RECIPE}").data)
        newer[8] += 1
        guest.put(RECIPE, bytes(newer))
        with unchanged(guest):
            refused(guest, "kexec-seed refresh", "a newer kexec has written it")


# A file, a change to it, words of the error. /kept restores it. `name` is the file.
CHANGES = [
    (RAMDISK, "cp -a {name} /kept; echo x >>{name}", "is not what was loaded"),
    (RAMDISK, "mv {name} /kept", "No such file"),
    (PROBE, "mv {name} /kept; cat /kept /kept >{name}", "is not what was loaded"),
    (PROBE, "cp -a {name} /kept; head -c 3000 /kept >{name}", "truncated"),
    (PROBE, f"mv {{name}} /kept; cp {KERNEL} {{name}}", "is not what was loaded"),
]


@pytest.mark.parametrize("how, options, changes", [
    ("-c", f"{AS_DRAWN} {SAY}", CHANGES), ("-s", "", CHANGES[:3:2])], ids=["-c", "-s"])
def test_files_have_changed(build, how, options, changes):
    """A changed file is not loaded; the loaded image stays, and boots."""
    with refreshable(build, Setup("6.12")) as guest:
        guest.check(load_probe(how, options))
        for name, change, says in changes:
            with unchanged(guest):
                guest.check(change.format(name=name))
                refused(guest, "kexec-seed refresh --full", name, says)
                assert crash_status(guest)["proven"]
                guest.check(f"mv /kept {name}")
        told = refresh(guest, "--full")
        assert (told["refresh"], told["refreshes"]) == ("full", 1)
        seed = seed_in_slot(guest)
        assert seed_after_crash(guest)[0] == seed


def damaged_parts(guest) -> list[str]:
    """The parts that verify reports; its exit status must agree."""
    done = guest.run("kexec-seed verify --json 2>/tmp/said")
    told = json.loads(done.output)
    parts = [d["part"] for d in told["damaged"]]
    assert told["good"] == (not parts) == (done.status == 0)
    if parts:
        assert "damaged" in guest.check("cat /tmp/said")
    return parts


def test_damage(build):
    """A bit flipped anywhere: verify names the part. In the refreshed segments a refresh
    repairs it; elsewhere a full reload does."""
    with refreshable(build, Setup("6.12")) as guest:
        guest.check(load_probe())
        parts = {**plan(guest), "seed": (seed_slot(guest) - 16, 48)}
        assert damaged_parts(guest) == []
        with unchanged(guest):
            for name, (addr, size) in parts.items():
                if name == "tag":  # the image then counts as foreign
                    continue
                for at in (0, size // 2, size - 1):
                    flip(guest, addr + at, at % 8)
                    found = damaged_parts(guest)
                    assert name in found or (name == "purgatory" and
                                             "parameters" in found), (name, at, found)
                    assert len(found) <= 2, found
                    assert name in guest.run("kexec-seed verify").output or \
                        "parameters" in found
                    flip(guest, addr + at, at % 8)
                    assert damaged_parts(guest) == []

        for name in ("purgatory", "boot_params", "elfcorehdr"):
            addr, size = parts[name]
            flip(guest, addr + size // 2)
            done = guest.run("kexec-seed refresh")
            assert done.status == 0 and "loading all of it again" in done.output
            assert "full" in done.output and name in done.output
            assert damaged_parts(guest) == []
        old = seed_in_slot(guest)
        write_memory(guest, seed_slot(guest), bytes(32))
        refresh(guest)
        assert damaged_parts(guest) == [] and seed_in_slot(guest) != old
        for name in ("kernel", "initrd"):
            addr, size = parts[name]
            flip(guest, addr + size - 1)
            assert damaged_parts(guest) == [name]
            assert refresh(guest, "--full")["refresh"] == "full"
            assert damaged_parts(guest) == []

        flip(guest, parts["tag"][0])
        assert crash_status(guest)["method"] == "foreign"
        with unchanged(guest):
            refused(guest, "kexec-seed refresh", "was not loaded by kexec of kexec-seed")
        flip(guest, parts["tag"][0])
        seed = seed_in_slot(guest)
        assert seed_after_crash(guest)[0] == seed


@pytest.mark.parametrize("kernel, name",
                         spread(KERNELS, ["kernel", "initrd", "boot_params"]))
def test_damage_is_caught_at_the_crash(build, kernel, name):
    """Also in segments that a refresh leaves alone: the new purgatory has their digests."""
    with refreshable(build, Setup(kernel)) as guest:
        guest.check(load_probe())
        assert refresh(guest)["refresh"] == "dynamic"
        addr, size = plan(guest)[name]
        flip(guest, addr + size // 2)
        start = crash(guest)
        guest.wait_console(rf"purgatory: .*\b{name}\b.*damaged", 60, start)
        guest.wait_exit()
        assert "PROBE BEGIN" not in guest.console[start:]


# Pauses after the load, before the image is looked at.
SLOW_LOOK = "strace -qq -o /dev/null -e inject=kexec_load:delay_exit=5000000:when=1"


def refresh_and_damage(guest, addr: int, more: str = "") -> tuple[str, str]:
    """Damage a byte during a refresh; returns its exit status and message."""
    command = f"{SLOW_LOOK} {more} kexec-seed refresh"
    slot = seed_slot(guest)
    seed = seed_in_slot(guest, slot)
    guest.check(f"rm -f /tmp/done; ({command} >/tmp/said 2>&1; echo $? >/tmp/done) &")
    deadline = time.monotonic() + 30 * SLOW
    while seed_in_slot(guest, slot) == seed:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    flip(guest, addr)
    status = guest.check("while ! [ -s /tmp/done ]; do sleep 0.1; done; cat /tmp/done", 60)
    return status.strip(), guest.check("cat /tmp/said")


def test_damage_meanwhile(build):
    """The whole image is reloaded; if the kernel allows no more calls, the damage is reported."""
    with refreshable(build, Setup("7.3")) as guest:
        guest.check(load_probe())
        addr, _ = plan(guest)["initrd"]
        status, said = refresh_and_damage(guest, addr)
        assert status == "0" and "the refreshed image is damaged: " in said, said
        assert "loading all of it again" in said and damaged_parts(guest) == []
        guest.check("echo 1 >/proc/sys/kernel/kexec_load_limit_panic")
        status, said = refresh_and_damage(guest, addr)
        assert status == "1" and "is damaged and STAYS LOADED (" in said, said
        assert damaged_parts(guest) == ["initrd"]


def test_killed_after_damage(build):
    """Killed while it rereads the files to reload a damaged image: the next refresh does it."""
    with refreshable(build, Setup("7.3")) as guest:
        guest.check(load_probe())
        addr, _ = plan(guest)["initrd"]
        # the second page for a seed, that of the reload; the first was that of the refreshed
        # segments
        status, said = refresh_and_damage(guest, addr,
                                          "-e inject=memfd_secret:signal=KILL:when=2")
        assert int(status) == 128 + 9, said
        status = crash_status(guest)
        assert not status["loaded"] and status["interrupted"]
        assert refresh(guest)["refresh"] == "full" and damaged_parts(guest) == []
        status = crash_status(guest)
        assert status["proven"] and not status["interrupted"]
        seed_after_crash(guest)


def plug_memory(guest, name: str, mib: int) -> None:
    before = guest.check("cat /proc/meminfo | head -1")
    guest.qmp.command("object-add", **{"qom-type": "memory-backend-ram", "id": name,
                                       "size": mib << 20})
    guest.qmp.command("device_add", driver="pc-dimm", id=f"dimm-{name}", memdev=name)
    total = int(before.split()[1]) + mib * 1024
    guest.check("for i in $(seq 100); do read name size unit </proc/meminfo;"
                f" [ $size -ge {total - 1024} ] && exit 0; sleep 0.1; done; exit 1")


def ram_in_headers(guest, addr: int, size: int) -> int:
    data = guest.ram.read(addr, size)
    return sum(s.memsz for s in elfcore.ram(elfcore.segments(data)))


def headers_of_plan(guest) -> tuple[int, int]:
    text = guest.check(load_probe(options="--hotplug --dry-run --json"))
    [part] = [s for s in json.loads(text)["segments"] if s["kind"] == "elfcorehdr"]
    return part["addr"], part["size"]


def hotplug_guest(build, kernel: str):
    return refreshable(build, Setup(kernel), cmdline="memhp_default_state=online",
                       extra=["-m", "slots=3,maxmem=4G"])


@pytest.mark.parametrize("kernel", ["6.12", "7.3"])
def test_hotplug(build, kernel):
    """--hotplug: the kernel has added memory to the headers; a refresh keeps it."""
    with hotplug_guest(build, kernel) as guest:
        plug_memory(guest, "first", 128)
        guest.check(load_probe(options=f"{AS_DRAWN} {SAY} --hotplug"))
        assert guest.check("cat /sys/devices/system/memory/crash_hotplug").strip() == "1"
        where = headers_of_plan(guest)
        loaded, known = guest.ram.read(*where), ram_in_headers(guest, *where)
        plug_memory(guest, "second", 128)
        updated = guest.ram.read(*where)
        assert updated != loaded
        assert ram_in_headers(guest, *where) == known + (128 << 20)
        assert damaged_parts(guest) == []
        first = seed_in_slot(guest)
        assert refresh(guest)["refresh"] == "dynamic"
        assert guest.ram.read(*where) == updated
        assert damaged_parts(guest) == []
        last = seed_in_slot(guest)
        assert first != last

        if kernel == "7.3":  # another GiB: its page table fits into the control-page reserve
            plug_memory(guest, "third", 1024)
            assert refresh(guest)["refresh"] == "dynamic"
            assert damaged_parts(guest) == []
            assert ram_in_headers(guest, *where) == known + (1152 << 20)
            last = seed_in_slot(guest)
        updated = guest.ram.read(*where)
        assert seed_after_crash(guest)[0] == last
        assert guest.ram.read(*where) == updated


def test_hotplug_meanwhile(build):
    """--hotplug: memory is added between the start of a refresh and its load."""
    with hotplug_guest(build, "7.3") as guest:
        guest.check(load_probe(options=f"{AS_DRAWN} {SAY} --hotplug"))
        where = headers_of_plan(guest)
        known = ram_in_headers(guest, *where)
        guest.check("(strace -qq -o /dev/null -e trace=memfd_secret -e inject=memfd_secret:"
                    "delay_enter=12000000 kexec-seed refresh >/tmp/said 2>&1;"
                    " echo $? >/tmp/done) & sleep 2")
        plug_memory(guest, "first", 128)
        assert guest.run("test -e /tmp/done").status == 1
        assert ram_in_headers(guest, *where) == known + (128 << 20)
        assert guest.check("while ! [ -s /tmp/done ]; do sleep 0.1; done; cat /tmp/done",
                           60).strip() == "0"
        assert ram_in_headers(guest, *where) == known + (128 << 20)


def test_headers_are_out_of_date(build):
    """Memory was added, but not to the headers: as if during the call, when the kernel forgets
    it. A refresh notices. If the files are gone, the image stays, with a fresh seed."""
    with hotplug_guest(build, "6.12") as guest:
        guest.check(load_probe(options=f"{AS_DRAWN} {SAY}"))  # the kernel leaves these alone
        where = plan(guest)["elfcorehdr"]
        known = ram_in_headers(guest, *where)
        assert refresh(guest)["refresh"] == "dynamic"
        plug_memory(guest, "first", 128)
        assert ram_in_headers(guest, *where) == known
        first = seed_in_slot(guest)
        said = guest.check("kexec-seed refresh")
        assert "loading all of it again: memory was added or removed" in said
        where = plan(guest)["elfcorehdr"]
        assert ram_in_headers(guest, *where) == known + (128 << 20)
        assert crash_status(guest)["refreshes"] == 2 and crash_status(guest)["proven"]
        assert seed_in_slot(guest) != first
        assert refresh(guest)["refresh"] == "dynamic"
        guest.check("rm /ramdisk")
        plug_memory(guest, "second", 128)
        said = guest.check("kexec-seed refresh")
        assert "would not dump the memory that was added" in said and "/ramdisk" in said
        last = seed_in_slot(guest)
        assert seed_after_crash(guest)[0] == last


def test_hotplug_of_the_kernels_own(build):
    """An image of kexec_file_load is still recognized after the kernel has changed it."""
    with hotplug_guest(build, "6.12") as guest:
        guest.check(load_probe("-s", ""))
        [low] = [a for a, _ in resources(guest.check("cat /proc/iomem"), "Crash kernel")]
        loaded = guest.ram.read(low, 4096)
        plug_memory(guest, "first", 128)
        assert guest.ram.read(low, 4096) != loaded
        assert crash_status(guest)["proven"]
        first = seed_in_slot(guest)
        assert refresh(guest)["refresh"] == "full"
        last = seed_in_slot(guest)
        assert first != last and seed_after_crash(guest)[0] == last
