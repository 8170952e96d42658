# SPDX-License-Identifier: GPL-2.0-only
"""Forks of arm64 guests with a device tree: each source tells the daemon of the fork of a real
snapshot, every clone's crash kernel gets its own seed, and the plan mixes the generation ID.

$KEXEC_FORKS=all makes three clones, not one, on every kernel that has the driver.
"""

import json
import re
from pathlib import Path

import pytest

from arm64 import build_arm64  # noqa: F401 (a fixture)
from birthdays import none_twice
from cache import VMGENID_KERNELS_ARM64, guest_tool
from forks import (MODULE, RESEEDED, build_module, daemon_status, refreshes, start_daemon,
                   stop_daemon, until)
from forks_arm64 import VMCLOCK, VMGENID, ForkGuest, machine
from guest import Guest
from initrd import libraries
from loaded import crash_status
from test_arm64_refresh import base_seed, load_probe, parts
from test_fork import ALL
from test_module import LISTEN, TROUBLE, heard, refused

UNIT = Path(__file__).resolve().parents[2] / "kexec_seed/systemd/kexec-seed.service.in"
DRIVER = [kernel.removeprefix("arm64/") for kernel in VMGENID_KERNELS_ARM64]
HIDDEN = ("inactive: /dev/mem: Operation not permitted: the kernel's driver has the ID, and logs"
          " forks (source kmsg)")


def clones(setup: dict, guest: ForkGuest, folder: Path):
    """Ends the guest; yields forks of it."""
    guest.connect()
    guest.save(folder / "saved")
    guest.close()
    for _ in range(3 if ALL else 1):
        with type(guest)(**setup, incoming=folder / "saved") as clone:
            clone.fork()
            yield clone
    (folder / "saved").unlink()


def tells(guest: Guest, source: str, options: str = "", under: str = "") -> str:
    """What a daemon with these options has to say of a source. It and a crash kernel are there
    from then on."""
    guest.check(load_probe())
    start_daemon(guest, options, under=under)
    return daemon_status(guest)["sources"][source]


def check_clones(setup: dict, guest: ForkGuest, folder: Path, source: str) -> None:
    """The daemon of each clone, and of none before, sees its fork through `source`."""
    seeds = [base_seed(guest, place := parts(guest))]
    before = refreshes(guest)
    for clone in clones(setup, guest, folder):
        clone.check(until(f"dmesg | grep -q 'a fresh seed (event: {source}'"))
        status = crash_status(clone)
        assert status["loaded"] and status["last_source"] == source
        assert status["refreshes"] == before + 1
        seeds.append(base_seed(clone, place))
    none_twice(seeds)


def check_kernel_log(setup: dict, guest: ForkGuest, folder: Path) -> None:
    assert planned_id(guest) == guest.device.addr
    assert tells(guest, "genid", "--sources=genid") == HIDDEN
    stop_daemon(guest)
    assert tells(guest, "kmsg") == "active"
    check_clones(setup, guest, folder, "kmsg")


def module_of(kernel: str, folder: Path) -> Path:
    module = build_module(kernel, folder / "module")
    assert b"alias=of:N*T*Cmicrosoft,vmgenid" in module.read_bytes().split(b"\0")
    return module


def check_uevent(setup: dict, guest: ForkGuest, folder: Path) -> None:
    name = f"{guest.device.addr:x}.vmgenid"
    guest.check(f"insmod {MODULE}; {LISTEN} >/run/uevents 2>&1 </dev/null &")
    guest.check(until("grep -q vmgenid_uevent /proc/modules"))
    assert tells(guest, "uevent", "--sources=uevent") == "active"
    for clone in clones(setup, guest, folder):
        clone.check(until("dmesg | grep -q 'a fresh seed (event: uevent'"))
        [event] = heard(clone)
        assert {"ACTION=change", "NEW_VMGENID=1", f"DEVPATH=/devices/platform/{name}"} <= set(
            event.splitlines())
        assert len(re.findall(RESEEDED, clone.check("dmesg"))) == 1
        clone.check("rmmod vmgenid_uevent &&"
                    f" echo {name} >/sys/bus/platform/drivers/vmgenid/unbind")
        assert refused(clone)
        assert not re.search(TROUBLE, clone.check("dmesg"))


def planned_id(guest: Guest) -> int:
    """Where the purgatory of a plan looks for the ID."""
    plan = json.loads(guest.check("kexec -l /probe --append=x --dry-run --json"))
    return plan["seed_mix"]["generation_id"]


def as_the_unit() -> str:
    """Runs a program with the capabilities that the daemon's unit leaves it."""
    [names] = re.findall("^CapabilityBoundingSet=(.*)$", UNIT.read_text(), re.MULTILINE)
    left = "".join(f",+{x.removeprefix('CAP_').lower()}" for x in names.split())
    return f"setpriv --inh-caps=-all --bounding-set=-all{left} --"


def test_generation_id(build_arm64, tmp_path):  # noqa: F811
    """6.1's driver is for ACPI alone: the ID itself is polled, also by a daemon from which
    /proc/iomem hides its addresses."""
    setpriv = guest_tool("setpriv", "arm64")
    setup = machine(build_arm64, "6.1", tmp_path, VMGENID, files={
        "/usr/sbin/setpriv": setpriv, **libraries(setpriv, "arm64")})
    with ForkGuest(**setup) as guest:
        assert planned_id(guest) == VMGENID.addr
        told = json.loads(guest.check("kexec-seed status --json"))["generation_id"]
        assert told["addr"] == VMGENID.addr and told["from"].startswith("device tree, /vmgenid@")
        # an address without memory is no reason to die
        assert tells(guest, "genid", "--sources=genid --vmgenid-addr=0x3ffff000") == \
            "inactive: /dev/mem: Bad address: no memory at the ID's address"
        stop_daemon(guest)
        assert "sys_admin" not in as_the_unit()
        assert tells(guest, "genid", under=as_the_unit()) == "active"
        check_clones(setup, guest, tmp_path, "genid")


@pytest.mark.parametrize("kernel", DRIVER if ALL else DRIVER[-1:])
def test_kernel_log(build_arm64, tmp_path, kernel):  # noqa: F811
    """The driver has the ID's page, so that /dev/mem has not."""
    setup = machine(build_arm64, kernel, tmp_path, VMGENID)
    with ForkGuest(**setup) as guest:
        check_kernel_log(setup, guest, tmp_path)


def test_vmclock(build_arm64, tmp_path):  # noqa: F811
    """7.3's driver takes it from the tree, and is notified."""
    setup = machine(build_arm64, "7.3", tmp_path, VMCLOCK)
    with ForkGuest(**setup) as guest:
        assert tells(guest, "vmclock") == "active"
        check_clones(setup, guest, tmp_path, "vmclock")


@pytest.mark.parametrize("kernel", DRIVER if ALL else DRIVER[-1:])
def test_uevent(build_arm64, tmp_path, kernel):  # noqa: F811
    """vmgenid_uevent finds the driver's device, which has no ACPI, if it has the driver."""
    files = {MODULE: module_of(f"arm64/{kernel}", tmp_path)}
    setup = machine(build_arm64, kernel, tmp_path, VMGENID, files)
    with ForkGuest(**setup) as guest:
        check_uevent(setup, guest, tmp_path)
