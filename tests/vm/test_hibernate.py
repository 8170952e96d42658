# SPDX-License-Identifier: GPL-2.0-only
"""Hibernation. On arm64 the image on disk lacks the pages of the crash kernel that the last load
did not list, which are kernel and initrd after a refresh. The daemon notices the resume and loads
all of it again. On x86_64 the crash kernel comes back whole.

KEXEC_MACHINES=all runs it: two boots for each, up to two minutes.
"""

import json
import subprocess

import pytest

from arm64 import build_arm64  # noqa: F401 (a fixture)
from crash import RAMDISK, Setup, crash_guest
from loaded import crash_status
from places import ALL

HIDING = "6.1"  # Linux before 6.4, on arm64
RESUMED = r"hibernation: hibernation exit"
DISK = "/dev/nvme0n1"  # this driver is in all of these kernels
SAID = "/run/daemon"
long = pytest.mark.skipif(not ALL, reason="KEXEC_MACHINES is not \"all\"")


def machine(build, arch: str, kernel: str, disk, cmdline: str = ""):
    setup = Setup(kernel, memory="512M", crashkernel="128M", arch=arch,
                  cpu="cortex-a72" if arch == "arm64" else "max")
    return crash_guest(build, setup, programs=[build / "kexec_seed/kexec-seed"], cmdline=cmdline,
                       extra=["-drive", f"file={disk},if=none,id=disk,format=raw",
                              "-device", "nvme,drive=disk,serial=1"])


def hibernate(build, arch: str, kernel: str, disk, *commands: str):
    """A guest with a refreshed crash kernel, after a resume."""
    subprocess.run(["truncate", "-s", "1G", disk], check=True)
    with machine(build, arch, kernel, disk) as guest:
        guest.wait_ready(120)
        guest.check(f"kexec -c -p /probe --initrd={RAMDISK} --append=ours --seed=require")
        for command in ("kexec-seed refresh", *commands, f"mkswap {DISK}", f"swapon {DISK}",
                        "echo shutdown >/sys/power/disk"):
            guest.check(command)
        assert crash_status(guest)["proven"]
        guest.send_and_jump("echo disk >/sys/power/state")
        guest.wait_exit(120)
    guest = machine(build, arch, kernel, disk, f"resume={DISK} resumewait")
    guest.wait_console(RESUMED, 120)
    guest.ready = True  # its agent is the one of before
    return guest


@long
@pytest.mark.parametrize("kernel", ["6.1", "6.12", "7.3"])
def test_arm64_loses_the_kernel(build_arm64, tmp_path, kernel):  # noqa: F811
    """That is seen, and repaired by a refresh; where the image is hidden, all that is known is
    that ours cannot be found."""
    with hibernate(build_arm64, "arm64", kernel, tmp_path / "disk") as guest:
        status = crash_status(guest)
        assert status["loaded"] and not status["proven"], status
        done = guest.run("kexec-seed refresh --json 2>/run/said")
        if kernel == HIDING:
            assert done.status and status["method"] == "foreign", status
            return
        assert json.loads(done.output)["refresh"] == "full"
        assert crash_status(guest)["proven"]
        guest.check("kexec-seed verify")


@long
@pytest.mark.parametrize("kernel", ["6.12"])
def test_arm64_daemon_reloads(build_arm64, tmp_path, kernel):  # noqa: F811
    with hibernate(build_arm64, "arm64", kernel, tmp_path / "disk",
                   f"kexec-seed daemon >{SAID} 2>&1 &") as guest:
        guest.check(f"until grep -q 'event: resume, full' {SAID}; do sleep 0.1; done", 60)
        assert crash_status(guest)["proven"]
        guest.check("kexec-seed verify")


@long
@pytest.mark.parametrize("kernel", ["6.1", "6.12", "7.3"])
def test_x86_keeps_it(build, tmp_path, kernel):
    with hibernate(build, "x86_64", kernel, tmp_path / "disk") as guest:
        assert crash_status(guest)["proven"]
        guest.check("kexec-seed verify")
        assert json.loads(guest.check("kexec-seed refresh --json"))["refresh"] == "dynamic"
