# SPDX-License-Identifier: GPL-2.0-only
"""The same measurements for every architecture, each in a guest whose clock counts instructions:
load, refresh, digest, and the daemon's memory; against kexec-tools' program for it.

QEMU counts (-icount), 10^9 instructions for a second: no host's load is in these figures, no
translation of code, and no cache misses either. Addresses are random. As in loaders.py
fake_kexec.so replaces the system call of a load; one of less than the initrd's size is an error.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).resolve().parents[1] / "vm"))

import cache  # noqa: E402
import forks  # noqa: E402
from arches import ARCHES  # noqa: E402
from digests import BASELINE, BenchError  # noqa: E402
from guest import Guest  # noqa: E402
from initrd import build_initrd  # noqa: E402
from loaders import OURS  # noqa: E402

CHECKOUT = Path(__file__).resolve().parents[2]
MIB = 64  # of the initrd
ICOUNT = ["-icount", "shift=0,sleep=off"]
DIGEST_MIB = 8
TOOLS = [f"tests/bench/{name}" for name in (
    "run_watched", "run_timed", "bench_digest", "fake_kexec.so", "time_kexec.so")]
PRELOAD = {f"/{name}": f"tests/bench/{name}" for name in ("fake_kexec.so", "time_kexec.so")}
PROGRAMS = {BASELINE: "/theirs/kexec", OURS: "/usr/sbin/kexec"}
# Private memory of a process, see proc_pid_smaps(5).
PRIVATE = "awk '/^Private_/ { s += $2 } END { print s }' /proc/{}/smaps_rollup"


class Machine(NamedTuple):
    arch: str
    kernel: str
    cpu: str
    memory: str = "2G"
    reserved: str = "512M"

    @property
    def name(self) -> str:
        return f"{self.arch}, Linux {self.kernel}"


# riscv64 without Zknh, as most processors of 2026.
MACHINES = [Machine("x86_64", "6.1", "max"), Machine("arm64", "6.12", "cortex-a72"),
            Machine("arm64", "6.1", "cortex-a72"),  # hides from a refresh what was loaded last
            Machine("riscv64", "6.12", "rv64")]


def find_build(arch: str, native: Path | None = None) -> Path:
    """A build for the architecture, with the tools of this folder: `native` for x86_64."""
    folder = ARCHES[arch].name
    if folder:
        native = Path(os.environ.get(f"KEXEC_BUILD_{folder.upper()}")
                      or CHECKOUT / f"build-{folder}").absolute()
        if not (native / "kexec/kexec").is_file():
            raise cache.MissingError(f"no build in {native}: ./quickstart build {folder}")
        cache.ensure(folder, *(["bench-riscv64"] if folder == "riscv64" else []))
    assert native
    done = subprocess.run(["make", "-s", "-C", native, *TOOLS], capture_output=True, text=True,
                          timeout=300, check=False)
    if done.returncode:
        raise BenchError(f"make {' '.join(TOOLS)}: {done.stderr.strip()[-500:]}")
    return native


class Counted:
    """A guest of one machine, and the commands run in it."""

    def __init__(self, guest: Guest, machine: Machine):
        self.guest = guest
        self.files = f"/boot/vmlinuz-{machine.kernel} --initrd=/ramdisk --command-line=quiet"

    def load(self, program: str) -> dict:
        said = self.guest.check(
            "rm -f /report; FAKE_KEXEC=/report LD_PRELOAD=/fake_kexec.so run_watched"
            f" {program} -c -l {self.files} 2>/said || cat /said && cat /report", 900)
        words = said.split()
        found = dict(zip(words, words[1:]))
        if int(found.get("bytes:", 0)) < MIB << 20:
            raise BenchError(f"{program} loads less than the initrd: {said.strip()[-500:]}")
        return {"cpu_s": int(words[0]) / 1e6, "memory_mib": int(words[1]) / 1024}

    def crash(self, command: str) -> dict:
        """Of a refresh or a reload; an error if it fails."""
        self.guest.check("rm -f /window")
        said = self.guest.check("TIME_KEXEC=/window LD_PRELOAD=/time_kexec.so"
                                f" run_timed {command} 2>/said || cat /said", 900)
        windows = [float(one) for one in self.guest.check("cat /window").split()]
        return {"command_ms": float(said) / 1000, "window_ms": sum(windows) / 1000}

    def once(self, name: str, program: str) -> dict:
        reload = f"{program} -c -p {self.files}"
        found = self.load(program)
        if name == OURS:
            self.guest.check(reload, 900)
            reload = "kexec-seed refresh"
        return found | self.crash(reload)

    def digest(self) -> dict:
        """Instructions per byte, by implementation."""
        lines = self.guest.check(f"bench_digest {DIGEST_MIB}", 900).splitlines()
        return {one["name"]: round(1e9 * one["seconds"] / one["bytes"], 2)
                for one in map(json.loads, lines) if "," not in one["name"]
                and "ceiling" not in one["name"]}

    def daemon(self) -> int:
        """KiB of its private memory, after its first refresh."""
        pid = forks.start_daemon(self.guest)
        private = int(self.guest.check(PRIVATE.replace("{}", str(pid), 1)))
        forks.stop_daemon(self.guest)
        return private


def measure_one(machine: Machine, build: Path) -> dict:
    """{"kernel", "kexec_tools", "digest": {...}, "daemon_kib"} and for each program {"cpu_s",
    "memory_mib", "command_ms", "window_ms"}."""
    folder = ARCHES[machine.arch].name
    initrd = build_initrd(
        kernels=[machine.kernel], arch=machine.arch,
        files={target: build / name for target, name in PRELOAD.items()},
        programs=[build / "kexec/kexec", build / "kexec_seed/kexec-seed",
                  (PROGRAMS[BASELINE], cache.kexec_tools(folder)),
                  *(build / name for name in TOOLS if "." not in name)])
    with Guest(kernel=machine.kernel, arch=machine.arch, cpu=machine.cpu, initrd=initrd,
               qemu="10", memory=machine.memory, extra=ICOUNT,
               cmdline=f"crashkernel={machine.reserved} {forks.CMDLINE.split(' ', 1)[1]}") as guest:
        guest.wait_ready(300)
        here = Counted(guest, machine)
        guest.check(f"dd if=/dev/urandom of=/ramdisk bs=1M count={MIB} 2>/dev/null", 400)
        version = guest.check(f"{PROGRAMS[BASELINE]} --version").strip()
        # Once: the count of instructions hardly varies.
        runs = {name: here.once(name, program) for name, program in PROGRAMS.items()}
        found = {"digest": here.digest(), "daemon_kib": here.daemon()}
    return {"kernel": cache.kernel_release(machine.kernel, folder),
            "kexec_tools": re.sub(r" released.*", "", version), **found,
            **runs}


def each(machines: list, measure_here: Callable[[Machine, Path], dict],
         native: Path | None = None) -> dict:
    """{"machines": [a dict with "machine" for each], "skipped": [what is missing]}; `native` is
    the build for x86_64."""
    done, skipped = [], []
    for machine in machines:
        try:
            build = find_build(machine.arch, native)
            done.append({"machine": machine.name, **measure_here(machine, build)})
        except cache.MissingError as error:
            skipped.append(f"{machine.name}: {error}")
    return {"machines": done, "skipped": skipped}


def measure(build: Path) -> dict:
    return each(MACHINES, measure_one, build)


# Label, and what of one machine's figures is in the row.
def _both(label: str, key: str, digits: int, inverse: bool = False) -> list:
    def ratio(one: dict) -> str:
        ours, theirs = one[OURS][key], one[BASELINE][key]
        return f"{theirs / ours:.0f}" if inverse else f"{ours / theirs:.3f}"
    return [(label, lambda one: f"{one[OURS][key]:.{digits}f}"),
            (f"  {BASELINE}", lambda one: f"{one[BASELINE][key]:.{digits}f}"),
            ("  times less" if inverse else "  ratio", ratio)]


def _cpu_digest(one: dict) -> str:
    [*named] = [value for name, value in one["digest"].items() if name != "portable"]
    return f"{named[0]:.2f}" if named else "-"


def table_rows(several: list) -> list:
    """A column for each machine."""
    rows = [*_both("refresh, ms", "command_ms", 1, True),
            *_both("no crash kernel loaded, ms", "window_ms", 3, True),
            *_both("kexec -l, CPU s", "cpu_s", 3), *_both("own memory, MiB", "memory_mib", 1),
            ("digest, CPU's SHA-256, a byte", _cpu_digest),
            ("digest, portable, a byte", lambda one: f"{one['digest']['portable']:.2f}"),
            ("daemon, private KiB", lambda one: str(one["daemon_kib"]))]
    return [[f"counted, initrd {MIB} MiB", *(one["machine"] for one in several)],
            *([label, *map(figure, several)] for label, figure in rows)]
