# SPDX-License-Identifier: GPL-2.0-only
"""SELinux enforcing from the first process on, on Debian with its own policy: kexec in kdump_t
and kexec-seed in its own domain, without and with our policy module. With it nothing is denied
to them, not even what policies keep quiet about (dontaudit).

The disk is made with every file labelled, as root. semodule runs on it before the boot: in a
guest it takes minutes. $KEXEC_SELINUX (make check-long) runs them: three guests and a disk.
"""

import json
import lzma
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import cache
from cache import MissingError
from crash import crash
from debian import own_suite
from disk import DEB, SYSTEM, Disk
from forks import FORKS_SOURCE, MODULE_SOURCE, VMGENID, build_module, until
from guest import Guest
from initrd import busybox
from package import package
from test_fork import COUNTED, FLAGS, GENERATION

TOP = Path(__file__).resolve().parents[2]
DEVEL = Path("/usr/share/selinux/devel/Makefile")
POLICY = "/etc/selinux/default"
KDUMP = f"{SYSTEM}/kdump-tools.service"
CONF = "/etc/kexec-seed.conf"
BUSYBOX = "/usr/local/sbin/busybox"
DRIVERS = "/usr/lib/modules/extra"
LOAD = "kexec -p /boot/vmlinuz-* --reuse-cmdline"
UNLOAD = "kexec -p -u"
RUN, RECIPE = "/run/kexec-seed", "/run/kexec-seed/crash.recipe"
OURS = r"[st]context=\S+:(?:kdump_t|kexec_seed_\w+):"
CMDLINE = ("crashkernel=256M security=selinux selinux=1 enforcing=1 audit_backlog_limit=8192"
           " log_buf_len=4M")
TIME_ZERO_SEED = r"^\[    0\.000000\] random: crng init done"
# Our package, and beside Debian's policy the same with the module and without dontaudit rules.
# The policy does not let systemd make /dev/mqueue, which the daemon's sandbox needs.
SETUP = f"""
dpkg -i {DEB}
rm {DEB} {SYSTEM}/dev-mqueue.mount
cp -a {POLICY} /root/before
cd /root
semodule -n -D -i selinux/kexec_seed.pp
mv {POLICY} /root/with
mv /root/before {POLICY}
"""

every = pytest.mark.skipif(not os.environ.get("KEXEC_SELINUX"),
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


def prepared(build: Path, folder: Path, files=None, links=None) -> Disk:
    """A disk with our package. What is in the module's policy is in /root/with."""
    module = compiled(folder)
    try:
        disk = Disk(own_suite(), folder, {}, links, selinux=True)
    except MissingError as error:
        pytest.skip(f"no Debian with SELinux: {error}")
    disk.rebuild(SETUP, {DEB: package(build), "/root/selinux/kexec_seed.pp": module,
                         BUSYBOX: busybox(), **(files or {})})
    return disk


def ask(guest: Guest, command: str, timeout: float = 60) -> str:
    """Its output, through a pipe and without a terminal: another domain may not use the
    agent's."""
    return guest.check(f"setsid sh -c '{{ {command}; }} 2>&1 </dev/null' | cat", timeout)


def denials(guest: Guest) -> list[str]:
    """What SELinux has denied to our domains, and of our files, since the last call."""
    log = ask(guest, "dmesg -c")
    return [x for x in log.splitlines() if "denied" in x and re.search(OURS, x)]


def status(guest: Guest) -> dict:
    return json.loads(ask(guest, "kexec-seed status --json"))


def domain(guest: Guest, pid: str) -> str:
    return guest.check(f"cat /proc/{pid}/attr/current").split(":")[2]


def label(guest: Guest, path: str) -> str:
    return guest.check(f"stat -c %C {path}").split(":")[2]


def refreshed(guest: Guest, source: str) -> None:
    """Within seconds, by the daemon."""
    ask(guest, until(f"kexec-seed status --json | grep -q 'last_source.:.{source}'", 40), 90)


def started(guest: Guest) -> None:
    guest.wait_ready(300)
    guest.check("sysctl -q kernel.printk_ratelimit=0")
    assert guest.check("getenforce").strip() == "Enforcing"
    assert domain(guest, "1") == "init_t"


def without_module(guest: Guest) -> None:
    """The load works, and says once what is missing."""
    said = ask(guest, LOAD, 120)
    assert guest.check("cat /sys/kernel/kexec_crash_loaded").strip() == "1"
    notes = [x for x in said.splitlines() if "cannot refresh this image" in x]
    assert len(notes) == 1, said
    assert "SELinux denies it to kdump_t: install kexec-seed-selinux" in notes[0], said
    assert guest.run(f"test -e {RECIPE}").status == 1
    assert status(guest)["verdict"] == "not protected"
    assert denials(guest)
    ask(guest, UNLOAD)


def install_module(guest: Guest) -> None:
    """The rest of an installation, after what semodule did to the disk."""
    guest.check(f"cp -r /root/with/. {POLICY} && load_policy", 60)
    guest.check(f"restorecon -Ri /usr/sbin /usr/libexec/kexec-seed {RUN} /dev/vmclock0", 120)
    guest.check("systemctl try-restart kexec-seed.service", 60)
    assert label(guest, "/usr/sbin/kexec") == "kdump_exec_t"
    assert label(guest, "/usr/sbin/kexec-seed") == "kexec_seed_exec_t"
    guest.check("dmesg -C")


def folder_is_right(guest: Guest) -> None:
    """However it was made: by us, systemd or tmpfiles.d."""
    assert guest.check(f"stat -c '%a %U' {RUN}").strip() == "700 root"
    assert label(guest, RUN) == "kexec_seed_runtime_t"
    for name in guest.check(f"ls {RUN}").split():
        assert guest.check(f"stat -c '%a %U' {RUN}/{name}").strip() == "600 root"
        assert label(guest, f"{RUN}/{name}") == "kexec_seed_runtime_t"


def makes_folder(guest: Guest) -> None:
    guest.check("systemctl stop kexec-seed.service", 60)
    for command in (LOAD, "kexec-seed refresh || true",
                    "systemd-tmpfiles --create kexec-seed.conf",
                    "systemctl start kexec-seed.service"):
        ask(guest, f"rm -rf {RUN}; {command}", 120)
        folder_is_right(guest)
    assert denials(guest) == []


def loads(guest: Guest) -> None:
    """A recipe, written in kdump_t; the daemon notices."""
    said = ask(guest, LOAD, 120)
    assert said == ""
    folder_is_right(guest)
    crash_image = status(guest)["crash"]
    assert crash_image["method"] == "kexec_load" and crash_image["proven"]
    ask(guest, "kexec-seed verify && kexec-seed refresh")
    assert denials(guest) == []


def daemon_refreshes(guest: Guest) -> None:
    pid = ask(guest, "systemctl show --value -p MainPID kexec-seed.service").strip()
    assert domain(guest, pid) == "kexec_seed_t"
    guest.check("systemctl reload kexec-seed.service")
    refreshed(guest, "signal")
    told = status(guest)
    assert told["verdict"] == "protected"
    assert told["daemon"]["running"] and not told["daemon"]["error"]
    assert denials(guest) == []


def forks_by_id(guest: Guest) -> None:
    """The daemon polls the ID in /dev/mem."""
    told = status(guest)
    assert told["daemon"]["source_states"]["genid"]["state"] == "active"
    guest.check(f"busybox devmem {told['generation_id']['addr']} 64 0x1234567812345678")
    refreshed(guest, "genid")
    assert denials(guest) == []


def crashes(guest: Guest) -> None:
    """Into a kernel with a seed."""
    start = crash(guest)
    guest.wait_console(TIME_ZERO_SEED, 120, start)


@every
def test_enforcing(build, tmp_path):
    disk = prepared(build, tmp_path, links={KDUMP: "/dev/null"})
    disk.kernel = "6.1"  # no driver for the generation ID
    with disk.guest(CMDLINE, memory="1G", cpu="qemu64", extra=VMGENID) as guest:
        started(guest)
        without_module(guest)
        install_module(guest)
        loads(guest)
        daemon_refreshes(guest)
        forks_by_id(guest)
        makes_folder(guest)
        ask(guest, f"{LOAD}; systemctl stop kexec-seed.service; {UNLOAD}; {LOAD}", 200)
        assert denials(guest) == []
        crashes(guest)
    disk.image.unlink()


def drivers(folder: Path) -> dict[str, Path]:
    """Kernel modules: fakes of forks, their uevents, the VMClock."""
    [packed] = (cache.cache_dir() / "kernels/7.3/modules").rglob("ptp_vmclock.ko.xz")
    clock = folder / "ptp_vmclock.ko"
    clock.write_bytes(lzma.decompress(packed.read_bytes()))
    made = [build_module("7.3", folder / x.name, x) for x in (FORKS_SOURCE, MODULE_SOURCE)]
    return {f"{DRIVERS}/{x.name}": x for x in [clock, *made]}


def forks_of_all_sources(guest: Guest) -> None:
    fork = f"insmod {DRIVERS}/vmforks.ko && rmmod vmforks"
    guest.check(fork)
    refreshed(guest, "kmsg")
    guest.check(f"insmod {DRIVERS}/vmgenid_uevent.ko; echo sources = uevent >{CONF};"
                f" restorecon {CONF}; systemctl restart kexec-seed.service; {fork}", 60)
    refreshed(guest, "uevent")
    guest.check(f"busybox devmem {FLAGS} 64 {COUNTED}; busybox devmem {GENERATION} 64 6;"
                f" echo sources = vmclock >{CONF}; systemctl restart kexec-seed.service;"
                f" busybox devmem {GENERATION} 64 7", 60)
    refreshed(guest, "vmclock")
    guest.check(f"rm {CONF}")
    assert denials(guest) == []


@every
def test_newer_kernel(build, tmp_path):
    """With drivers of all sources, memfd_secret(2), and kexec_file_load(2)."""
    disk = prepared(build, tmp_path, drivers(tmp_path), {KDUMP: "/dev/null"})
    disk.kernel = "7.3"
    with disk.guest(CMDLINE, memory="1G", cpu="qemu64", qemu="10",
                    extra=[*VMGENID, "-device", "vmclock"]) as guest:
        started(guest)
        guest.check(f"insmod {DRIVERS}/ptp_vmclock.ko; udevadm settle")
        install_module(guest)
        assert label(guest, "/dev/vmclock0") == "kexec_seed_vmclock_t"
        loads(guest)
        daemon_refreshes(guest)
        forks_of_all_sources(guest)
        guest.check("echo 070701 >/boot/one; cp /boot/one /boot/two")
        initrds = "--initrd=/boot/one --initrd=/boot/two"
        for options in (initrds, f"-s {initrds}"):
            ask(guest, f"{UNLOAD}; {LOAD} {options} && kexec-seed refresh --full", 300)
            assert denials(guest) == []
        ask(guest, f"{UNLOAD}; systemctl start kexec-seed-load.service; kexec -S; kexec -u", 120)
        assert denials(guest) == []
    disk.image.unlink()


@every
def test_kdump_tools(build, tmp_path):
    """Its links in /var/lib; and the command that reloads an image of another kexec."""
    disk = prepared(build, tmp_path)
    disk.kernel = "6.1"
    with disk.guest(CMDLINE, memory="1G", cpu="qemu64", extra=VMGENID) as guest:
        started(guest)
        install_module(guest)
        ask(guest, "kdump-config reload", 200)
        assert "ready to kdump" in ask(guest, "kdump-config status")
        daemon_refreshes(guest)
        ask(guest, "kdump-config unload", 60)
        ask(guest, "/usr/sbin/kexec.kexec-tools-sbin -p /boot/vmlinuz-* --reuse-cmdline", 120)
        assert status(guest)["crash"]["method"] == "foreign"
        guest.check(f"echo reload-command = systemctl restart kdump-tools.service >{CONF};"
                    f" restorecon {CONF}; systemctl restart kexec-seed.service", 60)
        ask(guest, until("kexec-seed status --json | grep -q 'verdict.:.protected.'", 100), 200)
        assert denials(guest) == []
    disk.image.unlink()
