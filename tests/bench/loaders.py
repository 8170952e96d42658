# SPDX-License-Identifier: GPL-2.0-only
"""Cost of `kexec -c -l` by size of the initrd: CPU time and private memory.

fake_kexec.so replaces the system call inside the process, so the rusage from wait4(2) is that
of the loader and all of its threads only. Private memory is RssAnon + RssShmem (proc(5)): a
mapped file does not count, a copy of it does. It is read at the call; and, in one more run per
size whose time is ignored, every millisecond from outside, to catch an earlier peak.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "vm"))

import cache  # noqa: E402
from digests import BASELINE, BenchError  # noqa: E402

OURS = "kexec-seed"
SECOND = "second build"  # of kexec-tools: KEXEC_TOOLS=PROGRAM
SIZES = [8, 64, 512]  # MiB
TIMEOUT = 120


def version_of(program: Path | str, env: dict) -> str:
    return subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10,
                          check=False, env=dict(os.environ) | env).stdout.strip()


def second_kexec() -> tuple | None:
    """Like their_kexec(), for $KEXEC_TOOLS; None if unset."""
    path = os.environ.get("KEXEC_TOOLS")
    if not path:
        return None
    if not os.access(path, os.X_OK):
        raise BenchError(f"KEXEC_TOOLS: {path} is not a program")
    return os.path.abspath(path), {}, version_of(path, {})


def their_kexec() -> tuple:
    """(program, environment, version) of kexec-tools: the installed one, else the tests'."""
    installed = shutil.which("kexec", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if installed:
        said = version_of(installed, {})
        if said.startswith("kexec-tools"):
            return installed, {}, said
    own = cache.kexec_tools()
    libraries = {"LD_LIBRARY_PATH": str(own.parents[1] / "lib")}
    return str(own), libraries, version_of(own, libraries)


def read_numbers(path: Path) -> dict:
    """"NAME: VALUE [kB]" lines, as in /proc/PID/status; {} if the file is gone."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {one[0]: int(one[1]) for one in lines if len(one) > 1 and one[1].isdigit()}


def own_memory(numbers: dict) -> int:
    return (numbers.get("RssAnon:", 0) + numbers.get("RssShmem:", 0)) * 1024


def watch(pid: int) -> int:
    """The most memory seen before the process ends; leaves it to be waited for."""
    most = 0
    until = time.monotonic() + TIMEOUT
    while not os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
        most = max(most, own_memory(read_numbers(Path(f"/proc/{pid}/status"))))
        if time.monotonic() > until:
            os.kill(pid, 9)
        time.sleep(0.001)
    return most


def load(program: str, more_env: dict, build: Path, scratch: Path, initrd: Path,
         watched: bool) -> dict:
    """One load: {"cpu_s", "memory"}; an error if it loads less than the initrd."""
    report = scratch / "report"
    report.unlink(missing_ok=True)
    env = dict(os.environ) | more_env | {
        "LD_PRELOAD": str(build / "tests" / "bench" / "fake_kexec.so"),
        "FAKE_KEXEC": str(report)}
    command = [program, "-c", "-l", str(cache.kernel_image("6.1")), f"--initrd={initrd}",
                "--append=quiet"]
    with open(scratch / "said", "w+", encoding="utf-8", errors="replace") as said:
        # Not reaped through this object, but by wait4().
        child = subprocess.Popen(command, env=env, stdout=said, stderr=said,
                                 stdin=subprocess.DEVNULL)
        memory = watch(child.pid) if watched else 0
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().strip()
    at_call = read_numbers(report)
    if child.returncode or at_call.get("bytes:", 0) < initrd.stat().st_size:
        raise BenchError(f"{' '.join(command)}: status {child.returncode}, "
                         f"{at_call.get('bytes:', 0)} bytes loaded: {text[-500:]}")
    return {"cpu_s": usage.ru_utime + usage.ru_stime,
            "memory": max(memory, own_memory(at_call))}


def write_random(path: Path, mib: int) -> None:
    with open(path, "wb") as to:
        for _ in range(mib):
            to.write(os.urandom(1 << 20))


def measure_size(mib: int, programs: dict, build: Path, scratch: Path, rounds: int) -> dict:
    initrd = scratch / "initrd"
    write_random(initrd, mib)
    runs: dict = {name: [] for name in programs}
    memory = {name: load(*programs[name], build, scratch, initrd, True)["memory"]
              for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            runs[name].append(load(*program, build, scratch, initrd, False))
    initrd.unlink()
    result: dict = {"initrd_mib": mib}
    for name, several in runs.items():
        seconds = [round(one["cpu_s"], 4) for one in several]
        result[name] = {"cpu_s": round(statistics.median(seconds), 4), "runs": seconds,
                        "memory_mib": round(max(memory[name], *(
                            one["memory"] for one in several)) / 2**20, 2)}
    for key in ["cpu_s", "memory_mib"]:
        ratio = result[OURS][key] / max(result[BASELINE][key], 1e-9)
        result[f"{key}_ratio"] = round(ratio, 3)
    return result


def measure(build: Path, scratch: Path, rounds: int) -> dict:
    """{"kexec_tools": version, "second": version or None, "kernel": release,
    "sizes": [...]}."""
    program, env, version = their_kexec()
    second = second_kexec()
    programs = {OURS: (str(build / "kexec" / "kexec"), {}), BASELINE: (program, env)}
    if second:
        programs[SECOND] = second[:2]
    return {"kexec_tools": version, "second": second and second[2],
            "kernel": cache.kernel_release("6.1"),
            "sizes": [measure_size(mib, programs, build, scratch, rounds)
                      for mib in SIZES]}
