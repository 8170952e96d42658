# SPDX-License-Identifier: GPL-2.0-only
"""Forks of real guests: every source tells the daemon of the fork, and every clone's crash
kernel gets its own seed.

$KEXEC_FORKS=all makes eight clones of every kernel; else of one, and fewer for tests that
only show that a check can fail. Each takes five seconds.
"""

import lzma
import os

import pytest

import cache
from birthdays import none_twice
from cache import VMGENID_KERNELS
from forks import (MODULE, RESEEDED, Saved, build_module, clone, daemon_status, latency,
                   machine, seed_at, snapshot, start_daemon, timed, until, wait_refreshed)
from guest import Guest
from loaded import load_probe, load_theirs, seed_after_crash

ALL = os.environ.get("KEXEC_FORKS") == "all"
CLONES = 8
FEWER = CLONES if ALL else 3
# QEMU's VMClock address (hw/acpi/vmclock.h), and field offsets (<linux/vmclock-abi.h>).
VMCLOCK = 0xfeffb000
FLAGS, GENERATION, COUNTED = VMCLOCK + 24, VMCLOCK + 104, 1 << 8


@pytest.fixture(scope="module")
def uevent_module(tmp_path_factory):
    """kernel -> its vmgenid_uevent."""
    return lambda kernel: build_module(kernel, tmp_path_factory.mktemp("module") / kernel)


def tell_latency(guest: Guest) -> None:
    if timed(guest, RESEEDED):
        print(f"{latency(guest) * 1e3:.0f} ms after the fork")


def check_source(setup: dict, tmp_path, source: str, options: str, first: str = ":",
                 state: str = "active"):
    """A snapshot while the daemon runs, and a clone of it that refreshes because of
    `source`, whose state begins so."""
    with Guest(**setup) as guest:
        guest.check(f"{load_probe()} && {first}")
        start_daemon(guest, options)
        told = daemon_status(guest)
        assert told["running"] and told["sources"][source].startswith(state)
        saved = snapshot(guest, tmp_path / "saved")
    with clone(setup, saved) as guest:
        wait_refreshed(guest, saved, source)
        assert seed_at(guest, saved.slot) != saved.seed
        assert daemon_status(guest)["sources"][source] == "active"
        tell_latency(guest)
    saved.path.unlink()


@pytest.mark.parametrize("kernel", VMGENID_KERNELS if ALL else ["6.12"])
def test_uevent(build, uevent_module, tmp_path, kernel):
    setup = machine(build, kernel, files={MODULE: uevent_module(kernel)})
    check_source(setup, tmp_path, "uevent", "--sources=uevent", f"insmod {MODULE}")


def test_kernels_own_uevent(build, uevent_module, tmp_path):
    """As from a kernel that sends it without our module, which is hidden here: the source is
    active from the first one on."""
    setup = machine(build, "6.12", files={MODULE: uevent_module("6.12")})
    check_source(setup, tmp_path, "uevent", "--sources=uevent",
                 f"insmod {MODULE} && mount -t tmpfs none /sys/module", "waiting: the module")


@pytest.mark.parametrize("kernel", VMGENID_KERNELS if ALL else ["6.1-generic", "7.3"])
def test_kernel_log(build, tmp_path, kernel):
    """Debian's kernels without our module. For 6.12 see test_clones()."""
    check_source(machine(build, kernel), tmp_path, "kmsg", "")


def test_generation_id(build, tmp_path):
    """This kernel has no driver, so only the generation ID itself is left as a source."""
    check_source(machine(build, "6.1"), tmp_path, "genid", "")


def write_memory(guest: Guest, addr: int, value: int) -> None:
    guest.check(f"devmem 0x{addr:x} 64 0x{value:x}")


def test_vmclock(build, tmp_path):
    """QEMU 10's VMClock has no generation counter, and the daemon says so. The test writes the
    counter in QEMU's place; the daemon reads the device of the kernel's driver."""
    [driver] = (cache.cache_dir() / "kernels/7.3/modules").rglob("ptp_vmclock.ko.xz")
    setup = machine(build, "7.3", ["-device", "vmclock"], qemu="10", files={
        "/ptp_vmclock.ko": lzma.decompress(driver.read_bytes())})
    with Guest(**setup) as guest:
        guest.check(f"{load_probe()} && insmod /ptp_vmclock.ko && ls /dev/vmclock0")
        pid = start_daemon(guest, "--sources=vmclock")
        assert daemon_status(guest)["sources"]["vmclock"] == \
            "inactive: the hypervisor does not count generations"
        write_memory(guest, FLAGS, COUNTED)
        write_memory(guest, GENERATION, 6)
        guest.check(f"kill -HUP {pid}; " + until(
            "kexec-seed status --json | grep -q '.vmclock.:.active'"))
        saved = snapshot(guest, tmp_path / "saved")
    with Guest(**setup, incoming=saved.path) as guest:
        guest.cont()
        guest.check("sleep 2")
        assert seed_at(guest, saved.slot) == saved.seed
        write_memory(guest, GENERATION, 7)
        wait_refreshed(guest, saved, "vmclock")
        assert seed_at(guest, saved.slot) != saved.seed
    saved.path.unlink()


def seeds_of_clones(setup: dict, saved: Saved, count: int, word: str, source: str = ""):
    """Of each clone: the seed in its crash region after the daemon has seen the fork through
    `source`, or some time after the fork, if the address is known; and the seed that its crash
    kernel is handed."""
    found = []
    for _ in range(count):
        with clone(setup, saved) as guest:
            if source:
                wait_refreshed(guest, saved, source)
                tell_latency(guest)
            else:
                guest.check("sleep 2")
            waits = seed_at(guest, saved.slot) if saved.slot else b""
            handed, addr = seed_after_crash(guest, word)
            assert saved.slot in (0, addr)
            found.append((waits, handed))
    saved.path.unlink()
    return [list(column) for column in zip(*found)]


@pytest.mark.parametrize("kernel", VMGENID_KERNELS if ALL else ["6.12"])
def test_clones(build, tmp_path, kernel):
    setup = machine(build, kernel)
    with Guest(**setup) as guest:
        guest.check(load_probe())
        start_daemon(guest)
        saved = snapshot(guest, tmp_path / "saved")
    waits, handed = seeds_of_clones(setup, saved, CLONES, "ours", "kmsg")
    assert len({saved.seed, *waits}) == CLONES + 1
    none_twice([saved.seed, *waits])
    assert handed == waits


@pytest.mark.parametrize("load, word", [
    (load_probe(), "ours"), (load_theirs(), "theirs")][:2 if ALL else 1],
    ids=["ours", "kexec-tools"][:2 if ALL else 1])
def test_clones_without_daemon(build, tmp_path, load, word):
    """They all have the same seed: the test above can fail."""
    setup = machine(build, "6.12")
    with Guest(**setup) as guest:
        guest.check(load)
        saved = snapshot(guest, tmp_path / "saved")
    waits, handed = seeds_of_clones(setup, saved, FEWER, word)
    assert len(set(handed)) == 1
    assert set(waits) == {saved.seed}
    assert saved.seed in (b"", handed[0])
