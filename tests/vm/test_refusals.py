# SPDX-License-Identifier: GPL-2.0-only
"""Bad input, and refusals by the kernel: one clear line, exit status 1, and the loaded image
stays loaded."""

import os
import shutil
from pathlib import Path

import pytest

from guest import Guest
from initrd import build_initrd
from places import KERNELS, kexec, probe, some

LOADED = "/sys/kernel/kexec_loaded"


def program(name: str) -> Path:
    found = shutil.which(name)
    assert found, f"{name} not found"
    return Path(found)


def boot(build, kernel: str, cmdline: str = "", memory: str = "512M", **more) -> Guest:
    return Guest(kernel=kernel, memory=memory, cmdline=cmdline, initrd=build_initrd(
        kernels=[kernel], programs=[kexec(build), program("setpriv"), program("strace")],
        files={"/probe": probe(build)}), **more)


def refused(guest: Guest, command: str, *says: str, status: int = 1) -> None:
    """One line on standard error with all of these words; the loaded image stays."""
    before = guest.check(f"cat {LOADED}")
    done = guest.run(command)
    lines = done.output.strip().splitlines()
    assert done.status == status, done.output
    assert len(lines) == (1 if status == 1 else 2), done.output
    assert lines[0].startswith("kexec: "), done.output
    for word in says:
        assert word in done.output, done.output
    assert guest.check(f"cat {LOADED}") == before


# A command that spoils something, the load, and words of the expected line.
ALL = os.environ.get("KEXEC_MACHINES") == "all"
BAD_FILES = [
    ("head -c 4000000 /boot/vmlinuz-* >/f", "/f", ["/f: truncated"]),
    ("head -c 300 /boot/vmlinuz-* >/f", "/f", ["/f: too short"]),
    ("dd if=/dev/urandom of=/f bs=1k count=64 2>/dev/null", "/f", ["/f: not a kernel"]),
    (": >/f", "/f", ["/f: the file is empty"]),
    ("mkdir -p /d", "/d", ["/d: is a directory"]),
    ("rm -f /f", "/f", ["/f: No such file"]),
    ("mkfifo /p", "/p", ["/p: not a regular file"]),
    ("(head -c 100000 /boot/vmlinuz-*) | gzip -c | head -c 50000 >/f.gz", "/f.gz", ["/f.gz"]),
    ("rm -f /r", "/probe --initrd=/r", ["/r: No such file"]),
    ("mkdir -p /d", "/probe --initrd=/d", ["/d: is a directory"]),
    ("truncate -s 600M /r", "/probe --initrd=/r", ["initrd", "600 MiB", "memory"]),
    ("rm -f /r", "/probe --append=$(head -c 3000 /dev/zero | tr '\\0' x)",
     ["command line has 3000 bytes", "2047"]),
    ("true", "/probe --mem-max=0x300000", ["no room for the kernel"]),
]


@pytest.mark.parametrize("kernel", KERNELS if ALL else ["6.12"])
def test_bad_input(build, kernel):
    with boot(build, kernel, memory="1G") as guest:
        guest.check("kexec -l /probe")
        for prepare, what, says in BAD_FILES:
            guest.check(prepare)
            if "600M" in prepare:
                says = ["initrd"]
            refused(guest, f"kexec -l {what}", *says)
        refused(guest, "kexec -l", "no kernel given", status=2)
        refused(guest, "kexec -l /probe --bogus", "--bogus", status=2)
        assert guest.check(f"cat {LOADED}").strip() == "1"
        guest.send_and_jump("kexec -e")  # the probe loaded first is still there
        guest.wait_console("PROBE END")


@pytest.mark.parametrize("kernel", some(KERNELS, 0, 2))
def test_rules_of_the_kernel(build, kernel):
    with boot(build, kernel) as guest:
        guest.check("kexec -l /probe")
        refused(guest, "/usr/sbin/setpriv --bounding-set -sys_boot kexec -l /probe",
                "root (CAP_SYS_BOOT)")
        refused(guest, "/usr/sbin/setpriv --bounding-set -sys_boot kexec -e", "root (CAP_SYS_BOOT)")
        refused(guest, "/usr/sbin/setpriv --bounding-set -sys_boot kexec -u", "root (CAP_SYS_BOOT)")
        no_call = "strace -qq -o /dev/null -e inject=kexec_load,kexec_file_load:error="
        refused(guest, f"{no_call}ENOSYS kexec -c -l /probe", "has no kexec_load")
        refused(guest, f"{no_call}ENOSYS kexec -s -l /probe", "has no kexec_file_load")
        refused(guest, f"{no_call}ENOMEM kexec -c -l /probe", "not enough free memory")
        refused(guest, f"{no_call}EBUSY kexec -c -l /probe", "another load")
        refused(guest, f"{no_call}EADDRNOTAVAIL kexec -c -l /probe", "addresses")
        no_memory = ("strace -qq -o /dev/null -e inject=memfd_secret:error=ENOSYS"
                     " -e inject=mlock:error=ENOMEM kexec -c -l /probe")
        refused(guest, f"{no_memory} --seed=require", "no locked memory for the seed")
        assert "loading without a seed: " in guest.check(no_memory)
        if guest.run("test -e /proc/sys/kernel/kexec_load_limit_reboot").status == 0:
            guest.check("echo 0 >/proc/sys/kernel/kexec_load_limit_reboot")
            refused(guest, "kexec -l /probe", "kexec_load_limit_reboot")
        guest.check("echo 1 >/proc/sys/kernel/kexec_load_disabled")
        refused(guest, "kexec -l /probe", "kexec_load_disabled")


@pytest.mark.parametrize("kernel", some(KERNELS, 1))
def test_missing_kexec_load(build, kernel):
    """-a falls back to kexec_file_load, and says so."""
    with boot(build, kernel) as guest:
        done = guest.run("strace -qq -o /dev/null -e inject=kexec_load:error=ENOSYS"
                         " kexec -l /probe")
        assert done.status == 0 and "using kexec_file_load: " in done.output
        assert guest.check(f"cat {LOADED}").strip() == "1"


@pytest.mark.parametrize("kernel", some(KERNELS, 0))
def test_lockdown(build, kernel):
    with boot(build, kernel, cmdline="lockdown=integrity") as guest:
        guest.check("mount -t securityfs securityfs /sys/kernel/security")
        assert "[integrity]" in guest.check("cat /sys/kernel/security/lockdown")
        refused(guest, "kexec -c -l /probe", "locked down (integrity)", "-s")
        done = guest.run("kexec -l /probe")  # the probe has no signature
        assert done.status == 1
        assert "using kexec_file_load: the kernel is locked down" in done.output
        assert "has no signature that it trusts" in done.output
        assert guest.check(f"cat {LOADED}").strip() == "0"


def slow_load(change: str) -> str:
    """A load whose file changes between the digests and the system call, by a process that
    already had it open (so no lease stops it)."""
    return (f"cp /probe /f; exec 3<>/f; (sleep 1; {change}) & strace -f -qq -o /dev/null"
            " -e inject=kexec_load:delay_enter=3000000:when=1 kexec -c -l /f")


def test_file_changes_while_it_is_loaded(build):
    """An image that would fail its own check is unloaded again, and that is reported."""
    with boot(build, "6.12") as guest:
        guest.check("kexec -l /probe")
        done = guest.run(slow_load("printf x >&3"))
        assert done.status == 1, done.output
        assert "nothing is loaded now: /f: changed while it was being loaded" in done.output
        assert guest.check(f"cat {LOADED}").strip() == "0"


def test_file_shrinks_while_it_is_loaded(build):
    """The kernel detects it, no SIGBUS, and the loaded image stays."""
    with boot(build, "6.12") as guest:
        guest.check("kexec -l /probe")
        done = guest.run(slow_load("truncate -s 2000 /proc/self/fd/3"))
        assert done.status == 1, done.output
        assert "/f: changed while it was being loaded" in done.output
        assert "nothing is loaded" not in done.output
        assert guest.check(f"cat {LOADED}").strip() == "1"
