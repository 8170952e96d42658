# SPDX-License-Identifier: GPL-2.0-only
"""vmgenid_uevent: with it, and only with it, the kernel reports a fork to user space."""

import re
from pathlib import Path

import pytest

from cache import VMGENID_KERNELS
from forks import MODULE, RESEEDED, VMGENID, build_module
from guest import Guest
from initrd import build_initrd
from places import ALL

# busybox's own output would be buffered.
LISTEN = "uevent sh -c 'env; echo'"
# Kernel-independent tests run on the newest; with KEXEC_MACHINES=all on each.
NEWEST = VMGENID_KERNELS[-1]
TROUBLE = r"BUG:|WARNING:|Oops|Call Trace|refcount_t"


@pytest.fixture(scope="module", params=VMGENID_KERNELS)
def kernel(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def module(kernel, tmp_path_factory) -> Path:
    return build_module(kernel, tmp_path_factory.mktemp("module") / "source")


def machine(kernel: str, module: Path, extra=()) -> dict:
    return {"kernel": kernel, "memory": "512M", "extra": list(extra),
            "initrd": build_initrd(files={MODULE: module})}


def fork(tmp_path, guest: Guest, setup: dict) -> Guest:
    """A running clone whose kernel has noticed the fork; the original ends."""
    saved = tmp_path / "saved"
    guest.save(saved)
    guest.close()
    clone = Guest(**setup, incoming=saved)
    try:
        clone.cont()
        clone.wait_console(RESEEDED)
    except BaseException:
        clone.close()
        raise
    saved.unlink()
    return clone


def heard(guest: Guest) -> list[str]:
    """The fork uevents so far, once a later marker event has arrived."""
    guest.check("sleep 0.5; echo change >/sys/class/mem/null/uevent;"
                " n=0; until grep -q '^DEVNAME=null' /run/uevents;"
                " do n=$((n + 1)); [ $n -lt 100 ] || exit 1; sleep 0.1; done")
    events = guest.check("cat /run/uevents").split("\n\n")
    return [e for e in events if "NEW_VMGENID" in e]


def test_uevent(kernel, module, tmp_path):
    """Three forks: before the module is loaded, while it is, and after."""
    setup = machine(kernel, module, VMGENID)
    guest = Guest(**setup)
    try:
        guest.check(f"{LISTEN} >/run/uevents 2>&1 </dev/null &")
        guest = fork(tmp_path, guest, setup)
        assert heard(guest) == []

        guest.check(f"insmod {MODULE}")
        guest = fork(tmp_path, guest, setup)
        [event] = heard(guest)
        lines = event.splitlines()
        assert "ACTION=change" in lines and "NEW_VMGENID=1" in lines
        # the driver's device: in 6.1 the ACPI device, later the platform device
        path = next(x for x in lines if x.startswith("DEVPATH=")).removeprefix("DEVPATH=")
        driver = guest.check(f"readlink /sys{path}/driver").strip()
        assert driver.endswith("/vmgenid")

        guest.check("rmmod vmgenid_uevent && ! grep vmgenid_uevent /proc/modules")
        guest = fork(tmp_path, guest, setup)
        assert heard(guest) == [event]
        assert not re.search(TROUBLE, guest.check("dmesg"))
    finally:
        guest.close()


def refused(guest: Guest) -> bool:
    """Load the module; it may refuse for only one reason."""
    done = guest.run(f"dmesg -c >/dev/null; insmod {MODULE}")
    said = set(re.findall(r"vmgenid_uevent: (no .*)", guest.check("dmesg")))
    if done.status == 0:
        assert not said
        return False
    assert "No such device" in done.output
    # busybox tries both system calls
    assert said == {"no VM generation ID device that the kernel's vmgenid driver uses"}
    return True


def only_newest(kernel: str) -> None:
    if kernel != NEWEST and not ALL:
        pytest.skip(f"on {NEWEST} only; KEXEC_MACHINES=all: on {kernel}, too")


def test_without_device(kernel, module):
    only_newest(kernel)
    with Guest(**machine(kernel, module)) as guest:
        assert refused(guest)
        assert not re.search(TROUBLE, guest.check("dmesg"))


def test_comes_and_goes(kernel, module):
    """Loaded and unloaded many times; then its device loses the driver."""
    only_newest(kernel)
    with Guest(**machine(kernel, module, VMGENID)) as guest:
        assert not refused(guest)
        guest.check("rmmod vmgenid_uevent && i=0 && while [ $i -lt 50 ]; do"
                    f" insmod {MODULE} && rmmod vmgenid_uevent || exit 1; i=$((i + 1)); done")
        assert not re.search(TROUBLE, guest.check("dmesg"))
        guest.check("cd /sys/bus/*/drivers/vmgenid && echo QEMUVGID:00 >unbind")
        assert refused(guest)


def test_what_it_says_of_itself(module):
    """Licensed GPL for register_random_vmfork_notifier(); udev loads it by device."""
    said = module.read_bytes().split(b"\0")
    assert b"license=GPL" in said
    assert b"alias=acpi*:VM_GEN_COUNTER:*" in said
    assert b"softdep=pre: vmgenid" in said
