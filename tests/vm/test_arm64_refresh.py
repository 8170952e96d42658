# SPDX-License-Identifier: GPL-2.0-only
"""arm64: kexec-seed refresh, verify and status of a loaded crash kernel; on Linux 6.1, which hides
the loaded segments from /proc/kcore, and on later ones. The crash kernel gets the last
seed, and no earlier one is left in RAM.

KEXEC_MACHINES=all: all kernels, 1, 10 and $KEXEC_REFRESHES (50) refreshes, crashes into a real
kernel, and more kinds of damage.
"""

import itertools
import json
import re

import pytest

import cache
from arm64 import build_arm64  # noqa: F401 (a fixture)
from birthdays import none_twice
from crash import Setup, capture_cmdline, crash, load_command, running
from initrd import libraries
from loaded import (AS_DRAWN, CPIO, MAPPED, RAMDISK, SEED_SIZE, THEIRS, crash_status, flip,
                    linked, refused, strays, unchanged)
from places import ALL, some
from probe_arm64 import parse_probe
from test_arm64_jump import KERNELS
from test_crash import crash_and_look
from test_refresh import MANY, refresh

SAY = "--console-serial"
HIDING = "6.1"  # Linux before 6.4
RUNS = [*itertools.product(KERNELS, [1, 10, MANY])] if ALL else [("6.1", 3), ("7.3-16k", 1)]
long = pytest.mark.skipif(not ALL, reason="KEXEC_MACHINES is not \"all\"")
CMDLINE = capture_cmdline("arm64")


def setup_of(kernel: str, **more) -> Setup:
    return Setup(kernel, arch="arm64", cpu="cortex-a72" if "16k" not in kernel else "max",
                 **more)


def refreshable(build, kernel: str, **more):
    """A guest with kexec, kexec-seed, kexec-tools, strace, the probe and an initrd."""
    theirs = cache.kexec_tools("arm64")
    return running(build, setup_of(kernel, **more), programs=[
        build / "kexec_seed/kexec-seed", cache.guest_tool("strace", "arm64")],
        files={RAMDISK: CPIO + bytes(range(256)) * 2000, THEIRS: theirs,
               **libraries(theirs, "arm64")})


def load_probe(program: str = "kexec", word: str = "ours",
               options: str = f"-c --seed=require {AS_DRAWN} {SAY}") -> str:
    return (f"{program} -p /probe --initrd={RAMDISK} --command-line='{word}'"
            f" {options}").strip()


def parts(guest, load: str = load_probe()) -> dict[str, int]:
    told = json.loads(guest.check(f"{load} --dry-run --json 2>/dev/null"))
    return {s["kind"]: s["addr"] for s in told["segments"]}


def base_seed(guest, place: dict[str, int]) -> bytes:
    seed = guest.ram.read(place["seed"], SEED_SIZE)
    assert any(seed)
    return seed


def crash_into_probe(guest):
    start = crash(guest)
    guest.wait_console(r"^PROBE END$", 60, start)
    said = guest.console[start:]
    assert "purgatory: ok" in said and "damaged" not in said, said
    return parse_probe(said)


def check_verified(guest, kernel: str) -> None:
    told = crash_status(guest)
    assert told["method"] == "kexec_load" and told["proven"], told
    done = json.loads(guest.check("kexec-seed verify --json 2>/run/said"))
    assert done["damaged"] == []
    assert done["result"] == ("partly hidden" if kernel == HIDING else "good"), done


def count_calls(guest, command: str) -> int:
    """Of kexec_load(2), all of which succeed."""
    guest.check(f"strace -f -qq -o /run/calls -e trace=kexec_load {command}")
    calls = [x for x in guest.check("cat /run/calls").splitlines() if "kexec_load(" in x]
    assert all(x.endswith(" = 0") for x in calls), calls
    return len(calls)


@pytest.mark.parametrize("kernel, count", RUNS)
def test_last_seed_is_used(build_arm64, kernel, count):  # noqa: F811
    with refreshable(build_arm64, kernel) as guest:
        assert linked(guest, load_probe()) == MAPPED
        # the second one makes what a refresh leaves alone readable
        assert count_calls(guest, load_probe()) == (2 if kernel == HIDING else 1)
        place = parts(guest)
        check_verified(guest, kernel)
        assert count_calls(guest, "kexec-seed refresh") == 1
        seeds = [base_seed(guest, place)]
        for done in range(1, count + 1):
            told = refresh(guest)
            assert (told["refresh"], told["refreshes"]) == ("dynamic", done + 1), told
            seeds.append(base_seed(guest, place))
        assert linked(guest, "kexec-seed refresh") == MAPPED
        assert "libjson-c.so.5" in linked(guest, "kexec-seed status --json")  # it can fail
        seeds.append(base_seed(guest, place))
        none_twice(seeds)
        check_verified(guest, kernel)
        *earlier, last = seeds
        looked_for = [seeds[0], earlier[-1], *earlier[1:4]]
        assert strays(guest, *looked_for) == []
        assert strays(guest, last) == [place["seed"]]

        seen = crash_into_probe(guest)
        assert seen.tree["/chosen"]["rng-seed"] == last
        assert seen.tree["/chosen"]["bootargs"] == b"ours\0"
        assert strays(guest, *looked_for) == []


@long
@pytest.mark.parametrize("kernel", KERNELS)
def test_crash_after_refreshes(build_arm64, tmp_path, kernel):  # noqa: F811
    machine = setup_of(kernel, cpus=2)
    with running(build_arm64, machine,
                 programs=[build_arm64 / "kexec_seed/kexec-seed"]) as guest:
        guest.check(load_command(f"{SAY} --seed=require", cmdline=CMDLINE))
        for _ in range(3):
            assert refresh(guest)["refresh"] == "dynamic"
        said = crash_and_look(guest, "sysrq", machine, tmp_path)
        assert "purgatory: ok" in said and "damaged" not in said


def check_foreign(guest, kernel: str) -> None:
    """Left alone, and not called ours. Where the image is hidden, nothing can tell whose it is."""
    with unchanged(guest):
        status = crash_status(guest)
        assert (status["loaded"], status["method"], status["proven"]) == (
            True, "foreign", False), status
        for options in ("", "--full"):
            refused(guest, f"kexec-seed refresh {options}", "load")
        refused(guest, "kexec-seed verify", "cannot verify")
    hidden = "hides the loaded image" in status["why"]
    assert hidden or "another crash image" in status["why"], status
    assert kernel == HIDING or not hidden


@pytest.mark.parametrize("kernel", some(KERNELS, 0))
def test_another_tool(build_arm64, kernel):  # noqa: F811
    """kexec-tools replaces ours, over it and beside it; then ours replaces that. What it has
    unloaded can be restored."""
    with refreshable(build_arm64, kernel) as guest:
        guest.check(load_probe())
        region = parts(guest)["tag"]
        for where in ("", f"--mem-min={region + (128 << 20):#x}"):
            guest.check(load_probe())
            guest.check(load_probe(THEIRS, "theirs", where))
            check_foreign(guest, kernel)
        guest.check(load_probe())
        check_verified(guest, kernel)
        assert refresh(guest)["refresh"] == "dynamic"
        guest.check(f"{THEIRS} -p -u")
        assert refresh(guest, "--full")["refresh"] == "full"
        check_verified(guest, kernel)
        assert refresh(guest)["refresh"] == "dynamic"
        guest.check("kexec -p -u")
        refused(guest, "kexec-seed refresh", "no crash kernel")


@long
@pytest.mark.parametrize("kernel", KERNELS)
def test_damage(build_arm64, kernel):  # noqa: F811
    """Of what no refresh replaces, and of what it does where that can be read."""
    with refreshable(build_arm64, kernel) as guest:
        guest.check(load_probe())
        place = parts(guest)
        flip(guest, place["kernel"])
        assert not crash_status(guest)["proven"]
        assert refresh(guest)["refresh"] == "full"
        check_verified(guest, kernel)
        flip(guest, place["initrd"] + 100000)
        told = guest.run("kexec-seed verify --json 2>/run/said")
        assert told.status == 1
        assert [d["part"] for d in json.loads(told.output)["damaged"]] == ["initrd"]
        assert refresh(guest, "--full")["refresh"] == "full"
        check_verified(guest, kernel)
        if kernel != HIDING:
            for part in ("purgatory", "device tree", "elfcorehdr", "static tag"):
                flip(guest, place[part] + 8)
                assert not crash_status(guest)["proven"], part
                assert refresh(guest)["refresh"] == "full", part
            flip(guest, place["seed"])
            told = guest.run("kexec-seed verify --json 2>/run/said")
            assert [d["part"] for d in json.loads(told.output)["damaged"]] == ["seed"]
        assert refresh(guest)["refresh"] == "dynamic"
        check_verified(guest, kernel)
        seen = crash_into_probe(guest)
        assert re.fullmatch(b"ours\0", seen.tree["/chosen"]["bootargs"])
