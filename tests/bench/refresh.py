# SPDX-License-Identifier: GPL-2.0-only
"""A refresh of a loaded crash kernel, against kexec-tools, which has to reload it.

In a guest, because the kernel's work is measured too: one guest per kernel, both tools in turn
on the same kernel and initrd; of x86_64, arm64 or riscv64 on any machine. Two times each: of the
whole command, and of the system call, during which no crash kernel is loaded (time_kexec.c).

Addresses are random, as on any machine. QEMU translates code anew for each address at which it
appears, unlike a real CPU, so that the dynamic linker and the C library are most of a refresh.
"""

import statistics
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "vm"))

import cache  # noqa: E402
from arches import ARCHES  # noqa: E402
from counted import MACHINES, Machine, each  # noqa: E402
from digests import BASELINE  # noqa: E402
from guest import Guest  # noqa: E402
from initrd import build_initrd  # noqa: E402
from loaders import OURS, SECOND, second_kexec  # noqa: E402

KERNEL = "6.1"
SIZES = (8, 64, 512)  # MiB
OTHER_SIZE = 64  # on other machines
MEMORY, RESERVED = "4G", "768M"
ROUNDS_WARM = 1  # QEMU translates new code first


class Bench:
    """The guest, and the commands run in it."""

    def __init__(self, guest: Guest, kernel: str, theirs: dict):
        self.guest = guest
        self.kernel = f"/boot/vmlinuz-{kernel}"
        self.theirs = theirs  # name -> path in the guest

    def timed(self, command: str) -> dict:
        """{"command_ms", "window_ms"} of one command; an error if it fails."""
        self.guest.check("rm -f /window")
        said = self.guest.check("TIME_KEXEC=/window LD_PRELOAD=/time_kexec.so"
                                f" run_timed {command} 2>/said || cat /said")
        windows = [float(one) for one in self.guest.check("cat /window").split()]
        return {"command_ms": float(said) / 1000, "window_ms": sum(windows) / 1000}


def medians(runs: list) -> dict:
    return {key: round(statistics.median(one[key] for one in runs), 4) for key in runs[0]}


def measure_size(bench: Bench, mib: int, rounds: int) -> dict:
    files = f"{bench.kernel} --initrd=/ramdisk --command-line=quiet"
    reloads = {name: f"{path} -c -p {files}" for name, path in bench.theirs.items()}
    runs: dict = {name: [] for name in [OURS, *reloads]}
    bench.guest.check(f"dd if=/dev/urandom of=/ramdisk bs=1M count={mib} 2>/dev/null")
    for _ in range(rounds + ROUNDS_WARM):
        for name, command in reloads.items():
            runs[name].append(bench.timed(command))
        bench.guest.check(f"kexec -c -p {files}")
        runs[OURS].append(bench.timed("kexec-seed refresh"))
    bench.guest.check("kexec -p -u; rm /ramdisk")
    return {"initrd_mib": mib} | {name: medians(several[ROUNDS_WARM:])
                                  for name, several in runs.items()}


def measure(build: Path, rounds: int, kernel: str = KERNEL, sizes: tuple = SIZES,
            arch: str = "x86_64", cmdline: str = "", **more) -> dict:
    """{"kernel": release, "sizes": [{"initrd_mib", name: {...}}, ...]}. `more`: for Guest()."""
    folder = ARCHES[arch].name
    theirs, second = {BASELINE: "/theirs/kexec"}, None if folder else second_kexec()
    programs = [build / "kexec" / "kexec", build / "kexec_seed" / "kexec-seed",
                build / "tests" / "bench" / "run_timed",
                (theirs[BASELINE], cache.kexec_tools(folder))]
    if second:
        theirs[SECOND] = "/second/kexec"
        programs.append((theirs[SECOND], Path(second[0])))
    files = {"/time_kexec.so": build / "tests" / "bench" / "time_kexec.so"}
    initrd = build_initrd(kernels=[kernel], programs=programs, files=files, arch=arch)
    with Guest(kernel=kernel, arch=arch, memory=MEMORY, initrd=initrd,
               cmdline=f"crashkernel={RESERVED} {cmdline}", **more) as guest:
        guest.wait_ready()
        bench = Bench(guest, kernel, theirs)
        return {"kernel": cache.kernel_release(kernel, folder),
                "sizes": [measure_size(bench, mib, rounds) for mib in sizes]}


def measure_others(rounds: int) -> dict:
    """What each() gives, of a measure() per machine."""
    def one(machine: Machine, build: Path) -> dict:
        return measure(build, rounds, machine.kernel, (OTHER_SIZE,), machine.arch,
                       cpu=machine.cpu)
    return each([x for x in MACHINES if ARCHES[x.arch].name], one)
