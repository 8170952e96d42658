# SPDX-License-Identifier: GPL-2.0-only
"""Cost of `kexec -l` on arm64, against kexec-tools' arm64 program under the same emulation.

In a guest, because neither runs on another machine: CPU time and the most anonymous memory, by
run_watched. As in loaders.py fake_kexec.so replaces the system call; a load of less than the
initrd's size is an error. Without ASLR: QEMU translates code anew for each address.
"""

import os
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "vm"))

import cache  # noqa: E402
from digests import BASELINE, BenchError  # noqa: E402
from guest import Guest  # noqa: E402
from initrd import build_initrd  # noqa: E402
from loaders import OURS  # noqa: E402

CHECKOUT = Path(__file__).resolve().parents[2]
KERNEL, CPU = "6.12", "cortex-a72"
MIB = 512
# Guest time is instructions, of which there are 10^9 a second: not the host's load.
ICOUNT = ["-icount", "shift=0,sleep=off"]
TOOLS = [f"tests/bench/{name}" for name in (
    "run_watched", "fake_kexec.so", "run_timed", "time_kexec.so")]
PROGRAMS = {OURS: "/usr/sbin/kexec", BASELINE: "/root/kexec"}


def find_build() -> Path:
    build = Path(os.environ.get("KEXEC_BUILD_ARM64") or CHECKOUT / "build-arm64").absolute()
    if not (build / "kexec/kexec").is_file():
        raise cache.MissingError(f"no build in {build}: ./quickstart build arm64")
    cache.ensure("arm64")
    done = subprocess.run(["make", "-s", "-C", build, *TOOLS], capture_output=True, text=True,
                          timeout=300, check=False)
    if done.returncode:
        raise BenchError(f"make {' '.join(TOOLS)}: {done.stderr.strip()[-500:]}")
    return build


def load(guest: Guest, program: str) -> tuple[float, float]:
    """CPU seconds, MiB of its own memory."""
    said = guest.check(
        "rm -f /tmp/report; FAKE_KEXEC=/tmp/report LD_PRELOAD=/fake_kexec.so run_watched"
        f" {program} -c -l /boot/vmlinuz-{KERNEL} --initrd=/tmp/ramdisk --append=quiet"
        " 2>/tmp/said || cat /tmp/said && cat /tmp/report", 400)
    words = said.split()
    found = dict(zip(words, words[1:]))
    if int(found.get("bytes:", 0)) < MIB << 20:
        raise BenchError(f"{program} loads less than the initrd: {said.strip()[-500:]}")
    return int(words[0]) / 1e6, int(words[1]) / 1024


def measure() -> dict:
    """{"guest", "initrd_mib", "kexec_tools", and per program "cpu_s", "memory_mib"}."""
    build = find_build()
    initrd = build_initrd(
        kernels=[KERNEL], arch="arm64", files={"/fake_kexec.so": build / TOOLS[1]},
        programs=[(PROGRAMS[OURS], build / "kexec/kexec"),
                  (PROGRAMS[BASELINE], cache.kexec_tools("arm64")),
                  ("/usr/sbin/run_watched", build / TOOLS[0])])
    runs: dict = {name: [] for name in PROGRAMS}
    with Guest(kernel=KERNEL, arch="arm64", cpu=CPU, memory="4G", initrd=initrd,
               cmdline="norandmaps", extra=ICOUNT) as guest:
        guest.check(f"dd if=/dev/urandom of=/tmp/ramdisk bs=1M count={MIB} 2>/dev/null", 400)
        version = guest.check(f"{PROGRAMS[BASELINE]} --version").strip()
        for _ in range(2):  # the first to warm up; instructions hardly vary
            for name, program in PROGRAMS.items():
                runs[name].append(load(guest, program))
    result: dict = {"guest": f"{cache.kernel_release(KERNEL, 'arm64')}, {CPU}",
                    "initrd_mib": MIB, "kexec_tools": version}
    for name, several in runs.items():
        result[name] = {"cpu_s": round(several[-1][0], 3),
                        "memory_mib": round(max(memory for _, memory in several), 2)}
    return result
