# SPDX-License-Identifier: GPL-2.0-only
"""kdump-tools with our package: Debian's own scripts load the crash kernel, and its initrd and
makedumpfile write the dump. On x86_64 and arm64; by default on this machine's release, with
$KEXEC_SUITES=all on Debian 12 and 13.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest

from arches import ARCHES
from arm64 import build_arm64  # noqa: F401 (a fixture)
from cache import MissingError, makedumpfile
from crash import PANICS, crash
from disk import DEB, Disk, install, suites
from guest import Guest
from initrd import build_initrd
from package import package

RECIPE = "/run/kexec-seed/crash.recipe"
DUMPS = "/var/crash"
RELOAD = "kdump-config reload"
MARK = "this is what the dump is to show"
TIME_ZERO_SEED = r"^\[    0\.000000\] random: crng init done"
MIB = 1 << 20
# Without random words: no RDRAND, no RNDR.
CPUS = {"x86_64": "qemu64", "arm64": "cortex-a72"}
# Debian 13's makedumpfile on arm64, after a load by kexec-tools, too: the dump is empty.
NO_MAKEDUMPFILE = "VA Bits 52 not supported"
# In a folder with a dump in kdump-tools' flattened format: its kernel log; reads all of it.
READ_DUMP = ("makedumpfile -R flat <dump && makedumpfile -l -d 31 flat every-page &&"
             " makedumpfile --dump-dmesg flat log")


def kdump(guest: Guest, what: str) -> str:
    return guest.check(f"kdump-config {what}", 120)


def is_ready(guest: Guest) -> bool:
    """According to `kdump-config status` and the kernel, which must agree."""
    said = re.search(r"current state *: (.*)", kdump(guest, "status"))[1]
    ready = {"ready to kdump": True, "Not ready to kdump": False}[said]
    assert guest.check("cat /sys/kernel/kexec_crash_loaded").strip() == "01"[ready]
    return ready


def crash_status(guest: Guest) -> dict:
    return json.loads(guest.check("kexec-seed status --json"))["crash"]


def verdict(guest: Guest) -> tuple[str, str | None]:
    told = json.loads(guest.check("kexec-seed status --json"))
    return told["verdict"], told["remedy"]


def service_says(guest: Guest, words: str) -> None:
    """In a few seconds: `systemctl status` shows this text."""
    text = "systemctl show --value -p StatusText kexec-seed.service"
    guest.check("systemctl start kexec-seed.service; n=0;"
                f" until {text} | grep -q '{words}'; do n=$((n + 1));"
                f" [ $n -lt 50 ] || {{ {text}; exit 1; }}; sleep 0.2; done")


def becomes_protected(guest: Guest) -> None:
    """Loaded at boot, by kexec-tools; the one command that the installation prints helps."""
    assert is_ready(guest)
    said = install(guest)
    [line] = [x for x in said.splitlines() if x.startswith("kexec-seed: ")]
    assert "not protected: another kexec has loaded the crash kernel" in line, line
    command = line.partition("; do: ")[2]
    assert command == RELOAD
    assert crash_status(guest)["method"] == "foreign"
    assert verdict(guest) == ("not protected", RELOAD)
    service_says(guest, f"1 failed; last error: .*{RELOAD}")
    guest.check(command, 120)
    assert is_ready(guest)
    assert verdict(guest) == ("protected", None)
    guest.check("kexec-seed status --check")
    service_says(guest, "0 failed$")


def removed_again(guest: Guest) -> None:
    """kdump-tools stays, and works with kexec-tools; then ours is back."""
    guest.check("yes | apt-get remove kexec-seed", 120)
    for name in ("kdump-tools", "kexec-tools"):
        assert "install ok installed" in guest.check(f"dpkg -s {name}")
    guest.check(RELOAD, 120)
    assert is_ready(guest)
    said = install(guest)
    assert f"; do: {RELOAD}" in said
    guest.check(RELOAD, 120)
    assert verdict(guest) == ("protected", None)


def loads(guest: Guest) -> None:
    """Load, unload and reload; each time with our kexec, which keeps a recipe."""
    kdump(guest, "unload")
    assert not is_ready(guest) and not crash_status(guest)["loaded"]
    kdump(guest, "load")
    assert is_ready(guest)
    first = crash_status(guest)
    assert first["method"] == "kexec_load" and first["proven"]
    guest.check(f"test -s {RECIPE}")
    kdump(guest, "reload")
    assert is_ready(guest)
    second = crash_status(guest)
    assert second["proven"] and second["refreshes"] == 0
    shown = kdump(guest, "show")
    assert "ready to kdump" in shown
    assert re.search(r"^ +/\S*sbin/kexec -p .*/var/lib/kdump/vmlinuz$", shown, re.M)


def refreshes(guest: Guest) -> None:
    guest.check("kexec-seed refresh")
    status = crash_status(guest)
    assert status["proven"] and status["method"] == "kexec_load"
    assert status["refreshes"] == 1
    guest.check("kexec-seed verify")
    assert is_ready(guest)


def crashes(guest: Guest) -> str:
    """The capture kernel had a seed, saves the dump, and reboots; its console."""
    guest.check(f"echo '{MARK}' >/dev/kmsg; sync")
    start = crash(guest)
    assert guest.wait_exit(300) == 0
    console = guest.console[start:]
    assert PANICS["sysrq"] in console
    assert re.search(TIME_ZERO_SEED, console, re.MULTILINE)
    assert re.search("kdump-tools: saved vmcore in", console), console[-3000:]
    return console


def read_dump(dump: Path, arch: str) -> str:
    """The kernel log in a dump, by makedumpfile of its architecture."""
    program = makedumpfile(ARCHES[arch].name)
    if arch == "x86_64":
        env = {"LD_LIBRARY_PATH": str(program.parents[1] / "lib"),
               "PATH": f"{program.parent}:/usr/bin:/bin"}
        done = subprocess.run(["sh", "-c", READ_DUMP], cwd=dump.parent, env=env, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.returncode == 0, done.stdout.decode(errors="replace")
        return (dump.parent / "log").read_text(errors="replace")
    initrd = build_initrd(programs=[program], files={"/test/dump": dump}, arch=arch)
    with Guest(initrd=initrd, arch=arch) as guest:
        guest.check(f"cd /test && {READ_DUMP}", 300)
        return guest.check("cat /test/log")


def has_dump(disk: Disk, folder: Path, arch: str) -> None:
    disk.check()
    [stamp] = [name for name in disk.names(DUMPS) if name.isdigit()]
    names = disk.names(f"{DUMPS}/{stamp}")
    assert names == [f"dmesg.{stamp}", f"dump.{stamp}"]
    log = disk.take(f"{DUMPS}/{stamp}/{names[0]}", folder / "dmesg").read_text()
    dump = disk.take(f"{DUMPS}/{stamp}/{names[1]}", folder / "dump")
    assert dump.stat().st_size > MIB
    for text in (log, read_dump(dump, arch)):
        assert MARK in text and PANICS["sysrq"] in text


def crash_and_dump(suite: str, folder: Path, deb: Path, arch: str) -> None:
    disk = Disk(suite, folder, {DEB: deb}, arch=arch)
    with disk.guest("crashkernel=256M", memory="1G", cpu=CPUS[arch]) as guest:
        guest.wait_ready(150)
        becomes_protected(guest)
        removed_again(guest)
        loads(guest)
        refreshes(guest)
        console = crashes(guest)
    if (suite, arch) == ("trixie", "arm64"):
        assert NO_MAKEDUMPFILE in console
        disk.check()
    else:
        has_dump(disk, folder, arch)
    disk.image.unlink()


@pytest.mark.parametrize("suite", suites())
def test_kdump(build, suite, tmp_path):
    try:
        crash_and_dump(suite, tmp_path, package(build), "x86_64")
    except MissingError as error:
        pytest.skip(f"no Debian with the package: {error}")


@pytest.mark.parametrize("suite", suites())
def test_kdump_arm64(build_arm64, suite, tmp_path):  # noqa: F811
    try:
        crash_and_dump(suite, tmp_path, package(build_arm64, "arm64"), "arm64")
    except MissingError as error:
        pytest.skip(f"no Debian with the package: {error}")
