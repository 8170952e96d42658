# SPDX-License-Identifier: GPL-2.0-only
"""The daemon in an initramfs of arm64: as test_initramfs.py, but only of initramfs-tools, which
makes it in a guest of Debian 12, where the package is installed beside kexec-tools; and the fork
is one of forks_arm64.py. That takes minutes: $KEXEC_SUITES=all.
"""

from pathlib import Path

import pytest

from arm64 import build_arm64  # noqa: F401 (a fixture)
from birthdays import none_twice
from cache import MissingError
from crash import crash
from disk import DEB, SYSTEM, Disk, install
from forks_arm64 import CONNECT, VMGENID, ForkGuest, write_tree
from guest import Guest
from initrd import busybox
from loaded import SEED_SIZE, crash_status
from package import package
from places import probe
from probe_arm64 import parse_probe
from test_initramfs import (ALL, HERE, KEXEC, LOAD, REFRESHED, daemon_is_the_units,
                            plan_initramfs, waits_for_fork)

MEMORY = "512M"
SEGMENT = r"test: the segment at (\d+) has the seed$"
# The driver of newer kernels waits for an interrupt.
PREPARE = f"""\
{HERE}/busybox sh -c '{CONNECT}'
echo "test: the segment at $({KEXEC} --dry-run --json 2>/dev/null | tr -d ' \\n' |
	sed 's/.*"kind":"seed","addr":\\([0-9]*\\).*/\\1/') has the seed" >/dev/console
"""


def build_initramfs(disk: Disk, make: str, programs: list[str]) -> Path:
    """In a guest, which installs our package; the disk keeps it."""
    with disk.guest(memory="1G") as guest:
        guest.wait_ready(150)
        install(guest)
        guest.check(f"set -e; chmod 755 {' '.join(programs)}\n{make}", 900)
        guest.check("rm -r /unpacked; sync")
    disk.check()
    return disk.take("/made", disk.folder / "initramfs")


def fork_and_crash(disk: Disk, folder: Path, initramfs: Path) -> None:
    write_tree(folder / "guest.dtb", VMGENID)
    setup = {"kind": ForkGuest, "device": VMGENID, "initrd": initramfs, "memory": MEMORY,
             "cmdline": "crashkernel=64M", "plugged": False,
             "extra": ["-S", "-dtb", str(folder / "guest.dtb")]}
    saved = folder / "saved"
    with disk.guest(**setup) as guest:
        slot = waits_for_fork(guest)
        segment = int(guest.wait_console(SEGMENT)[1])
        before = guest.ram.read(segment, SEED_SIZE)
        guest.save(saved)
    with disk.guest(**setup, incoming=saved) as guest:
        guest.ready = False
        guest.fork()
        guest.wait_console(REFRESHED, 60)
        disk.plug(guest)
        guest.wait_ready(150)
        check_fork(guest, before, segment, slot)
    saved.unlink()


def check_fork(guest: Guest, before: bytes, segment: int, slot: int) -> None:
    """The purgatory copies the seed from its segment to the slot in the kernel's tree."""
    daemon_is_the_units(guest)
    status = crash_status(guest)
    assert status["proven"] and status["method"] == "kexec_load"
    assert status["refreshes"] in (1, 2)  # see test_initramfs.py
    assert status["last_source"] in ("genid", "kmsg")
    after = guest.ram.read(segment, SEED_SIZE)
    assert any(before) and any(after)
    none_twice([before, after])
    start = crash(guest)
    guest.wait_console("^PROBE END$", 60, start)
    seen = parse_probe(guest.console[start:])
    assert seen.tree["/chosen"]["rng-seed"] == after
    assert seen.tree["/chosen"]["bootargs"] == b"ours\0"
    assert guest.ram.read(slot, SEED_SIZE) == after


@pytest.mark.skipif(not ALL, reason="KEXEC_SUITES is not \"all\"")
def test_initramfs(build_arm64, tmp_path):  # noqa: F811
    make, files = plan_initramfs("initramfs-tools", PREPARE + LOAD, f"{HERE}/probe {HERE}/busybox")
    try:
        disk = Disk("bookworm", tmp_path, {
            DEB: package(build_arm64, "arm64"), f"{HERE}/probe": probe(build_arm64, "arm64"),
            f"{HERE}/busybox": busybox("arm64"), **files},
            {f"{SYSTEM}/kdump-tools.service": "/dev/null"}, arch="arm64")
    except MissingError as error:
        pytest.skip(f"no Debian with the package: {error}")
    fork_and_crash(disk, tmp_path, build_initramfs(disk, make, list(files)))
    disk.image.unlink()
