# SPDX-License-Identifier: GPL-2.0-only
"""SELinux enforcing, on Debian with its own policy: kexec in kdump_t and the daemon in its own
domain, without and with our policy module. For `make check-long` ($KEXEC_SELINUX): makes a disk
with every file labelled, and builds policies in the guest.
"""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cache import MissingError
from disk import DEB, SYSTEM, Disk, install
from guest import Guest
from package import package

TOP = Path(__file__).resolve().parents[2]
DEVEL = Path("/usr/share/selinux/devel/Makefile")
MODULE = "/root/selinux/kexec_seed.pp"
LOAD = "kexec -p /boot/vmlinuz-* --reuse-cmdline"
UNLOAD = "kexec -p -u"
AGENT = ("/run/agent/", "/dev/ttyS1")
RECIPE = "/run/kexec-seed/crash.recipe"
OURS = r"scontext=\S+:(?:kdump_t|kexec_seed_t):"

pytestmark = pytest.mark.skipif(not os.environ.get("KEXEC_SELINUX"),
                                reason="$KEXEC_SELINUX is not set: part of make check-long")


def compiled(folder: Path) -> Path:
    """The module, as in integration/README.md."""
    if not DEVEL.exists():
        pytest.skip(f"{DEVEL} not found (Debian: selinux-policy-dev)")
    shutil.copytree(TOP / "kexec_seed/integration/selinux", folder / "selinux")
    done = subprocess.run(["make", "-C", "selinux", "-f", DEVEL, "NAME=devel",
                           "kexec_seed.pp"], cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return folder / "selinux/kexec_seed.pp"


def ask(guest: Guest, command: str, timeout: float = 60) -> str:
    """Its output, through a pipe: a domain of its own may not write to the agent's files."""
    return guest.check(f"{{ {command}; }} 2>&1 </dev/null | cat", timeout)


def denials(guest: Guest) -> list[str]:
    """What SELinux has denied to our domains since the last call, but for the agent's files."""
    log = ask(guest, "dmesg -c")
    return [x for x in log.splitlines() if "avc:  denied" in x and re.search(OURS, x)
            and not any(y in x for y in AGENT)]


def crash_status(guest: Guest) -> dict:
    return json.loads(ask(guest, "kexec-seed status --json"))["crash"]


def domain(guest: Guest, pid: str) -> str:
    return guest.check(f"cat /proc/{pid}/attr/current").split(":")[2]


def without_module(guest: Guest) -> None:
    """The load works, and says once what is missing."""
    ask(guest, f"{UNLOAD}; rm -rf /run/kexec-seed; systemd-tmpfiles --create kexec-seed.conf")
    said = ask(guest, LOAD, 120)
    assert guest.check("cat /sys/kernel/kexec_crash_loaded").strip() == "1"
    notes = [x for x in said.splitlines() if "cannot refresh this image" in x]
    assert len(notes) == 1, said
    assert "SELinux denies it to kdump_t: install kexec-seed-selinux" in notes[0], said
    assert guest.run(f"test -e {RECIPE}").status == 1
    assert denials(guest)


def with_module(guest: Guest) -> None:
    """A recipe, written in kdump_t; a refresh by the daemon, in its domain; no denial."""
    guest.check(f"semodule -i {MODULE}", 900)
    guest.check("restorecon -R /usr/sbin /run/kexec-seed", 120)
    for path, label in (("/usr/sbin/kexec", "kdump_exec_t"),
                        ("/usr/sbin/kexec-seed", "kexec_seed_exec_t"),
                        ("/run/kexec-seed", "kexec_seed_runtime_t")):
        assert label in guest.check(f"ls -Zd {path}")
    ask(guest, f"{UNLOAD}; rm -rf /run/kexec-seed; dmesg -C")

    said = ask(guest, LOAD, 120)
    assert "cannot refresh" not in said and "SELinux" not in said, said
    assert "kexec_seed_runtime_t" in guest.check(f"ls -Z {RECIPE}")
    status = crash_status(guest)
    assert status["method"] == "kexec_load" and status["proven"]
    assert denials(guest) == []

    guest.check("systemctl restart kexec-seed.service", 60)
    pid = ask(guest, "systemctl show --value -p MainPID kexec-seed.service").strip()
    assert domain(guest, pid) == "kexec_seed_t"
    guest.check("systemctl reload kexec-seed.service; n=0;"
                " until kexec-seed status --json | grep -q '\"refreshes\":[1-9]'; do"
                " n=$((n + 1)); [ $n -lt 60 ] || exit 1; sleep 1; done", 120)
    status = json.loads(ask(guest, "kexec-seed status --json"))
    assert status["daemon"]["running"] and not status["daemon"]["error"], status
    states = {x: y["state"] for x, y in status["daemon"]["source_states"].items()}
    assert "active" in (states["kmsg"], states["genid"]), states
    guest.check("systemctl stop kexec-seed.service", 60)
    assert denials(guest) == []


def test_selinux(build, tmp_path):
    module = compiled(tmp_path)
    try:
        disk = Disk("bookworm", tmp_path, {DEB: package(build), MODULE: module},
                    {f"{SYSTEM}/kdump-tools.service": "/dev/null"}, selinux=True)
    except MissingError as error:
        pytest.skip(f"no Debian with SELinux: {error}")
    # no RDRAND; enforcing once the files that were added to the disk have their labels
    cmdline = "crashkernel=256M security=selinux selinux=1 enforcing=0"
    with disk.guest(cmdline, memory="1G", cpu="qemu64",
                    extra=["-device", "vmgenid,guid=auto"]) as guest:
        guest.wait_ready(300)
        guest.check("sysctl -q kernel.printk_ratelimit=0; restorecon -R /etc /root /usr/local",
                    300)
        assert domain(guest, "1") == "init_t"
        install(guest)
        guest.check("systemctl stop kexec-seed.service; setenforce 1; dmesg -C")
        assert guest.check("getenforce").strip() == "Enforcing"
        without_module(guest)
        with_module(guest)
    disk.image.unlink()
