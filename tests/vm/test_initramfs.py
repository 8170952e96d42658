# SPDX-License-Identifier: GPL-2.0-only
"""The daemon in an initramfs, as kexec-seed(8) and kexec_seed/integration/README.md say:
initramfs-tools and dracut of Debian 12 and 13 build one with our package's hooks, and a guest
boots it. There a crash kernel is loaded, and the guest is forked before the root file system is
mounted. By default initramfs-tools on this machine's release, with $KEXEC_SUITES=all everything.
"""

import os
import subprocess
from pathlib import Path

import pytest

from cache import MissingError
from crash import read_memory
from disk import SYSTEM, Disk, suites
from forks import VMGENID, until
from guest import Guest
from loaded import SEED_SIZE, crash_status, seed_after_crash
from package import package
from places import probe

ALL = os.environ.get("KEXEC_SUITES") == "all"
UNIT = "kexec-seed.service"
HERE = "/test"  # in the root that builds the initramfs, and in the initramfs
LOADED = "test: loaded"
WAITS = r"test: the seed at (\d+) waits for a fork$"
REFRESHED = "test: refreshed"
# Parts of shell scripts of the initramfs. There is no root file system before the disk is
# plugged.
KEXEC = f"kexec -c -p {HERE}/probe --append=ours --seed-mix=off"
LOAD = f"""\
{KEXEC} >/run/test-load 2>&1 &&
	echo "{LOADED}" >/dev/console
"""
WAIT = rf"""\
count=0
while kexec-seed status --json >/run/test-status 2>&1; [ $count -lt 600 ] &&
	! grep -q '"refreshes": *[1-9]' /run/test-status; do
	grep -q '"running": *true' /run/test-status && [ $count = 0 ] && count=1 &&
		echo "test: the seed at $(tr -d ' \n' </run/test-status |
		sed 's/.*"seed_slots":\[{{"addr":\([0-9]*\).*/\1/') waits for a fork" >/dev/console
	[ $count = 0 ] || count=$((count + 1))
	sleep 0.2
done
[ $count -lt 600 ] && echo "{REFRESHED}" >/dev/console
"""
SCRIPT = """\
#!/bin/sh
PREREQ={}
[ "$1" = prereqs ] && {{ echo "$PREREQ"; exit 0; }}
"""
TOOLS = ["cat", "grep", "sed", "sleep", "tr"]


# The README's settings, and what the test needs: its files and its two stages.

def initramfs_tools(load: str, files: str) -> dict[str, str]:
    return {
        "/etc/initramfs-tools/conf.d/kexec-seed": "KEXEC_SEED=yes\n",
        "/etc/initramfs-tools/hooks/test":
            f"{SCRIPT.format('')}mkdir -p \"$DESTDIR{HERE}\"; cp {files} \"$DESTDIR{HERE}\"\n",
        "/etc/initramfs-tools/scripts/init-premount/test": SCRIPT.format("kexec-seed") + load,
        "/etc/initramfs-tools/scripts/local-top/test": SCRIPT.format("") + WAIT,
    }


def dracut(load: str, files: str) -> dict[str, str]:
    module = "/usr/lib/dracut/modules.d/92test"
    return {
        "/etc/dracut.conf.d/kexec-seed.conf": 'add_dracutmodules+=" kexec-seed "\n',
        f"{module}/module-setup.sh": f"""\
#!/bin/bash
check() {{ return 0; }}
depends() {{ echo kexec-seed; }}
install() {{
	inst_multiple {' '.join(TOOLS)} {files}
	inst_hook cmdline 99 "$moddir/load.sh"
	inst_simple "$moddir/wait.sh" {HERE}/wait
}}
""",
        f"{module}/load.sh": f"#!/bin/sh\n{load}sh {HERE}/wait &\n",
        f"{module}/wait.sh": "#!/bin/sh\n" + WAIT,
    }


# No kernel modules: the disk's driver and file system are built in.
MAKERS = {
    "initramfs-tools": (initramfs_tools, "mkinitramfs -o /made $version"),
    "dracut": (dracut, "dracut --quiet --force --no-hostonly --no-kernel /made $version"),
}
# What a program of the initramfs says that cannot find its libraries.
CHECKED = """
mkdir /unpacked
cd /unpacked
{ lsinitramfs /made >/dev/null && unmkinitramfs /made . || lsinitrd --unpack /made; } >&2
[ ! -d main ] || cd main
for program in kexec kexec-seed; do
	said=$(chroot . /usr/sbin/$program --version)
	echo "$said" >&2
	case $said in *"not installed"*) exit 1 ;; esac
done
"""


def plan_initramfs(maker: str, load: str = LOAD, files: str = f"{HERE}/probe"
                   ) -> tuple[str, dict[str, bytes]]:
    """A script that makes /made, and the files that it needs, which are programs. In the
    initramfs, `load` runs; it also gets those `files` of the root."""
    written, command = MAKERS[maker]
    script = f"version=$(ls /usr/lib/modules)\n{command} >&2\n{CHECKED}"
    return script, {path: text.encode() for path, text in written(load, files).items()}


def build_initramfs(disk: Disk, deb: Path, maker: str, folder: Path, build: Path) -> Path:
    """In the disk's Debian, with our package installed."""
    make, files = plan_initramfs(maker)
    made = folder / "initramfs"
    script = f"dpkg --install {HERE}/deb >&2\n{make}cat /made\n"
    with open(made, "wb") as out:
        disk.run(script, {f"{HERE}/deb": deb, f"{HERE}/probe": probe(build),
                          "/etc/initramfs-tools/update-initramfs.conf":
                              b"update_initramfs=no\n", **files}, out)
    return made


def installed(deb: Path, folder: Path) -> dict[str, Path]:
    """The daemon and its unit, for the root file system."""
    subprocess.run(["dpkg-deb", "-x", deb, folder / "package"], timeout=60, check=True)
    [program] = (folder / "package").glob("**/sbin/kexec-seed")
    [unit] = (folder / "package").glob(f"**/{UNIT}")
    return {"/usr/sbin/kexec-seed": program, f"/usr/lib/systemd/system/{UNIT}": unit}


def waits_for_fork(guest: Guest) -> int:
    """The daemon runs, and a crash kernel is loaded; the address of its seed."""
    guest.wait_console(LOADED, 90)
    return int(guest.wait_console(WAITS, 60)[1])


def daemon_is_the_units(guest: Guest) -> None:
    """The daemon of the initramfs has ended."""
    guest.check(until(f"systemctl -q is-active {UNIT}", 60), 90)
    pid = guest.check(f"systemctl show --value -p MainPID {UNIT}").split()
    assert guest.check("pidof kexec-seed").split() == pid


@pytest.mark.parametrize("suite", suites())
@pytest.mark.parametrize("maker", list(MAKERS) if ALL else ["initramfs-tools"])
def test_initramfs(build, tmp_path, suite, maker):
    try:
        deb = package(build)
        disk = Disk(suite, tmp_path, installed(deb, tmp_path), {
            f"{SYSTEM}/multi-user.target.wants/{UNIT}": f"/usr/lib/systemd/system/{UNIT}",
            f"{SYSTEM}/kdump-tools.service": "/dev/null"})
    except MissingError as error:
        pytest.skip(f"no Debian with the package: {error}")
    setup = {"initrd": build_initramfs(disk, deb, maker, tmp_path, build),
             "cmdline": "crashkernel=64M", "memory": "1G", "extra": VMGENID, "plugged": False}
    saved = tmp_path / "saved"
    with disk.guest(**setup) as guest:
        slot = waits_for_fork(guest)
        before = read_memory(guest, slot, SEED_SIZE)
        guest.save(saved)
    with disk.guest(**setup, incoming=saved) as guest:
        guest.ready = False
        guest.cont()
        guest.wait_console(REFRESHED, 60)
        disk.plug(guest)
        guest.wait_ready(150)
        daemon_is_the_units(guest)
        status = crash_status(guest)
        assert status["proven"] and status["method"] == "kexec_load"
        # a look at the new image that the snapshot interrupted may see the fork first
        assert status["refreshes"] in (1, 2)
        assert status["last_source"] in ("genid", "kmsg")
        after = read_memory(guest, slot, SEED_SIZE)
        assert any(before) and any(after) and before != after
        assert seed_after_crash(guest) == (after, slot)
    saved.unlink()
    disk.image.unlink()
