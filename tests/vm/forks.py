# SPDX-License-Identifier: GPL-2.0-only
"""Guests with a crash kernel and the daemon, and their forks: a snapshot, and clones that
resume from it, each with its own generation ID.

    setup = machine(build, "6.12")
    with Guest(**setup) as guest:
        guest.check(load_probe())
        start_daemon(guest)
        saved = snapshot(guest, tmp_path / "saved")
    with clone(setup, saved) as guest:
        wait_refreshed(guest, saved, "kmsg")
        assert seed_at(guest, saved.slot) != saved.seed

The daemon logs to the kernel log, which timestamps each line and is part of a snapshot:
said(), timed().
"""

import contextlib
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import cache
from crash import PROBE, read_memory
from guest import Guest
from initrd import build_initrd, libraries
from loaded import RAMDISK, SEED_SIZE, THEIRS, crash_status
from places import kexec, probe

VMGENID = ["-device", "vmgenid,guid=auto"]
MODULE = "/vmgenid_uevent.ko"
HERE = Path(__file__).resolve().parent
MODULE_SOURCE = HERE.parents[1] / "kexec_seed/module"
# A second module, which fakes forks for the kernel: see its source.
FORKS, FORKS_SOURCE = "/vmforks.ko", HERE / "vmforks"
RESEEDED = "crng reseeded due to virtual machine fork"
# The kernel's configuration may enable flags that this machine's compiler lacks. Kbuild
# variables on the command line take precedence.
NEWER_FLAG = "-fmin-function-alignment=16"
OLDER = "CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT="
# Kbuild's name of an architecture, and the compiler's prefix.
CROSS = {"arm64": ("arm64", "aarch64-linux-gnu-"), "riscv64": ("riscv", "riscv64-linux-gnu-")}
# No rate limit for user space messages; and none on the serial console, whose emulation
# takes longer than the measured times.
CMDLINE = "crashkernel=64M printk.devkmsg=on loglevel=4"
PIDFILE = "/run/daemon.pid"


def build_module(kernel: str, folder: Path, source: Path = MODULE_SOURCE) -> Path:
    """Build the module in `source` (default: vmgenid_uevent) for one of VMGENID_KERNELS, or of
    those of another architecture, in a new `folder`."""
    shutil.copytree(source, folder)
    arch, cross = CROSS.get(kernel.partition("/")[0], ("", ""))
    options = [f"CC={cross}gcc", "KCFLAGS=-Werror", "W=1", "CONFIG_DEBUG_INFO_BTF_MODULES="]
    if cross:
        options += [f"ARCH={arch}", f"CROSS_COMPILE={cross}"]
    if subprocess.run([f"{cross}gcc", NEWER_FLAG, "-E", "-x", "c", "/dev/null"],
                      capture_output=True, check=False).returncode:
        options.append(OLDER)
    done = subprocess.run(
        ["make", "-C", folder, "-f", MODULE_SOURCE / "Makefile",
         f"KDIR={cache.kernel_headers(kernel)}", *options],
        capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    [module] = folder.glob("*.ko")
    return module


def machine(build: Path, kernel: str, extra=VMGENID, files=None, **more) -> dict:
    """Arguments for Guest(): kexec, kexec-seed, kexec-tools, strace, the probe."""
    strace = shutil.which("strace")
    assert strace, "strace not found"
    theirs = cache.kexec_tools()
    initrd = build_initrd(
        programs=[kexec(build), build / "kexec_seed/kexec-seed", Path(strace)],
        files={PROBE: probe(build), RAMDISK: b"070701" + bytes(range(256)) * 256, THEIRS: theirs,
               **libraries(theirs), **(files or {})}, name="fork")
    return {"kernel": kernel, "memory": "256M", "initrd": initrd, "extra": list(extra),
            "cmdline": CMDLINE, **more}


def until(condition: str, seconds: float = 20) -> str:
    """A command that waits until `condition` holds."""
    return (f"n=0; until {condition}; do n=$((n + 1)); [ $n -lt {int(seconds * 10)} ] ||"
            f" {{ echo 'never: {condition.replace(chr(39), '')}'; exit 1; }};"
            " sleep 0.1; done")


def forks_command(count: int = 1) -> str:
    """A command that fakes `count` forks. The guest needs the module FORKS."""
    return f"insmod {FORKS} count={count} && rmmod vmforks"


def start_daemon(guest: Guest, options: str = "", first: str = "event: start",
                 under: str = "") -> int:
    """Its PID, once it has done its first work. `under` runs it."""
    seen = len(said(guest, first))
    guest.check(f"{under} kexec-seed daemon {options} </dev/null >/dev/null 2>/dev/kmsg &"
                f" echo $! >{PIDFILE}")
    guest.check(until(f"[ $(dmesg | grep -c '{first}') -gt {seen} ]"))
    return int(guest.check(f"cat {PIDFILE}"))


def stop_daemon(guest: Guest) -> None:
    guest.check(f"kill $(cat {PIDFILE}); " + until(f"[ ! -d /proc/$(cat {PIDFILE}) ]"))


def timed(guest: Guest, words: str) -> list[tuple[float, str]]:
    """Kernel log lines with these words: seconds and text."""
    log = re.findall(r"^(?:<\d+>)?\[ *(\d+\.\d+)\] (.*)$", guest.check("dmesg"), re.M)
    return [(float(when), line) for when, line in log if words in line]


def said(guest: Guest, words: str = "") -> list[str]:
    return [line for _, line in timed(guest, words) if line.startswith("kexec-seed: ")]


def daemon_status(guest: Guest) -> dict:
    return json.loads(guest.check("kexec-seed status --json"))["daemon"]


def refreshes(guest: Guest) -> int:
    return crash_status(guest)["refreshes"]


def latency(guest: Guest, forked: float | None = None) -> float:
    """Seconds from the kernel's line about a fork (default: the last) to the daemon's line
    that the image is fresh."""
    forked = forked or timed(guest, RESEEDED)[-1][0]
    return next(t for t, _ in timed(guest, "has a fresh seed") if t > forked) - forked


def seed_at(guest: Guest, slot: int) -> bytes:
    """The seed in memory, read from the host."""
    node = read_memory(guest, slot - 8, 8 + SEED_SIZE)
    assert node[:8] == bytes([9, 0, 0, 0, SEED_SIZE, 0, 0, 0])
    assert any(node[8:])
    return node[8:]


@dataclass(frozen=True)
class Saved:
    path: Path
    slot: int = 0  # address of the seed; 0: unknown to kexec-seed
    seed: bytes = b""
    refreshes: int = 0


def snapshot(guest: Guest, path: Path) -> Saved:
    """Ends the guest; the caller removes the file."""
    status = crash_status(guest)
    slots = [s["addr"] for s in status["seed_slots"]] or [0]
    seed = seed_at(guest, slots[0]) if slots[0] else b""
    guest.save(path)
    guest.close()
    return Saved(path, slots[0], seed, status["refreshes"] or 0)


@contextlib.contextmanager
def clone(setup: dict, saved: Saved):
    """A running clone, whose kernel has noticed the fork if it has a driver."""
    with Guest(**setup, incoming=saved.path) as guest:
        guest.cont()
        if setup["kernel"] in cache.VMGENID_KERNELS:
            guest.check(until(f"dmesg | grep -q '{RESEEDED}'"))
        yield guest


def wait_refreshed(guest: Guest, saved: Saved, source: str, seconds: float = 5) -> None:
    """Exactly one more refresh than at the snapshot, and for this reason."""
    guest.check(until(f"dmesg | grep -q 'a fresh seed (event: {source}'", seconds))
    status = crash_status(guest)
    assert status["last_source"] == source
    assert status["refreshes"] == saved.refreshes + 1
    assert status["loaded"] and status["proven"]
