#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every command of both programs when memory runs out, over a fake kernel.

nomem.so makes the Nth request for memory fail, or that one and all later ones. The command must
end with status 1 and a line about memory, or make the usual system calls with the usual bytes and
print the usual text. It may do without a fact if it says that memory is the reason; what it loads
is whole even then, and if there is no crash kernel at the end, it says so.

Each N is tried for a load and a refresh, a sample for the others; $KEXEC_FAULTS=all tries each.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fake_machine import KEXEC, KEXEC_SEED, Machine, Segment, no_fake_here  # noqa: E402

NOMEM = f"./{os.path.relpath(os.environ.get('NOMEM_SO', 'tests/unit/nomem.so'))}"
ALL = os.environ.get("KEXEC_FAULTS") == "all"
SAMPLE = 12  # of the numbers, for each command
SKIPPED = 77
TIMES = re.compile(r"\d{4}-\d\d-\d\dT[\d:]+Z|\d+\.\d+")
UNKNOWN = 255  # of kexec -S
KERNEL, INITRD = 0x3C00, 70001  # bytes of small_images.py


@dataclass
class Outcome:
    done: subprocess.CompletedProcess
    lines: list[str]
    parts: list[list[Segment]]  # of each kexec_load
    loaded: bool

    def text(self) -> str:
        """The output without what differs from run to run."""
        return TIMES.sub("T", self.done.stdout)


class Scene:
    """A machine in the state before the command, which can be had again and again."""

    def __init__(self, folder: Path, prepare: list[list[str]]):
        self.m = Machine(folder)
        for argv in prepare:
            done = self.m.run(*[x.format(m=self.m) for x in argv])
            assert done.returncode == 0, done
        self.saved = folder / "saved"
        self.run_dir = self.m.root / "run"
        shutil.copytree(self.run_dir, self.saved)
        self.region = self.m.memory(0x2F000000, 12 << 20)
        self.loaded, self.touched = self.m.is_loaded(), False
        self.flags = {x: (self.m.root / "sys/kernel" / x).read_text()
                      for x in ("kexec_loaded", "kexec_crash_loaded")}

    def reset(self) -> None:
        if not self.touched:
            return
        shutil.rmtree(self.run_dir)
        shutil.copytree(self.saved, self.run_dir)
        self.m.damage(0x2F000000, self.region)
        for name, text in self.flags.items():
            self.m.put(f"sys/kernel/{name}", text)

    def run(self, argv: list[str], order: str, **more: str) -> Outcome:
        self.reset()
        m = self.m
        done = m.run(*[x.format(m=m) for x in argv], NOMEM=order, PRELOAD=NOMEM, **more)
        loads = sum(x.startswith("kexec_load ") for x in m.lines())
        self.touched = bool(m.calls()) or done.returncode != 0
        return Outcome(done, m.lines(), [m.segments(i) for i in range(loads)], m.is_loaded())


def has_lost_parts(usual: Outcome, now: Outcome) -> bool:
    """Kernel, initrd and vmcore headers do not depend on what else there is memory for."""
    fixed = [x for x in (usual.parts[0] if usual.parts else [])
             if x.data.startswith(b"\x7fELF") or len(x.data) == KERNEL or len(x.data) == INITRD]
    return any(not all(x in parts for x in fixed) for parts in now.parts if parts)


def judge(usual: Outcome, now: Outcome, before: bool) -> str:
    """What is wrong; "" if nothing is. @before: a crash kernel was loaded."""
    said = now.done.stderr.splitlines()
    about_memory = any("emory" in x for x in said + now.done.stdout.splitlines())
    if has_lost_parts(usual, now):
        return f"not all parts of the image: {said}"
    if now.done.returncode == usual.done.returncode:
        same = (now.lines, now.parts, now.text(), now.done.stderr, now.loaded) == \
            (usual.lines, usual.parts, usual.text(), usual.done.stderr, usual.loaded)
        if same or (about_memory and now.loaded == usual.loaded):
            return ""
        return f"status {now.done.returncode}, but not what it usually does: {said}"
    if now.done.returncode not in (1, UNKNOWN) or not about_memory:
        return f"status {now.done.returncode}: {said}"
    gone = before and usual.loaded and not now.loaded
    if gone and "no crash kernel is loaded" not in said[-1] and "nothing is loaded" not in said[-1]:
        return f"there is no crash kernel, and it does not say so: {said}"
    return ""


LOAD = [KEXEC, "-p", "{m.kernel}", "--initrd={m.initrd}", "--append=quiet"]
REFRESH = [KEXEC_SEED, "refresh"]
THOROUGH = [LOAD, REFRESH]

# What was done before, and the command.
COMMANDS = [
    ([], [KEXEC, "-l", "{m.kernel}", "--initrd={m.initrd}", "--append=quiet"]),
    ([], LOAD),
    ([], [*LOAD, "-s"]),
    ([], [KEXEC, "-l", "{m.kernel}", "-s", "-d"]),
    ([LOAD], [*LOAD, "--no-checks"]),
    ([LOAD], [KEXEC, "-p", "-u"]),
    ([LOAD], [KEXEC, "-S"]),
    ([], [KEXEC, "--print-ckr-size"]),
    ([], [KEXEC, "--version"]),
    ([], [KEXEC, "--help"]),
    ([[KEXEC, "-l", "{m.kernel}"]], [KEXEC, "-e"]),
    ([LOAD], REFRESH),
    ([LOAD], [KEXEC_SEED, "refresh", "--full"]),
    ([LOAD], [KEXEC_SEED, "refresh", "--json"]),
    ([LOAD], [KEXEC_SEED, "verify"]),
    ([LOAD], [KEXEC_SEED, "status"]),
    ([LOAD], [KEXEC_SEED, "status", "--json"]),
    ([], [KEXEC_SEED, "status"]),
]


def orders(argv: list[str], most: int) -> list[str]:
    """Values of $NOMEM."""
    every = range(1, most + 1)
    some = sorted({1 + i * (most - 1) // (SAMPLE - 1) for i in range(SAMPLE)}) if most else []
    return [f"{x}" for x in (every if ALL or argv in THOROUGH else some)] + \
        [f"{x}+" for x in (every if ALL else some)]


def try_command(case: tuple[list[list[str]], list[str]]) -> tuple[int, list[str]]:
    """The number of faults, and those which were not handled."""
    prepare, argv = case
    wrong, count = [], 0
    with tempfile.TemporaryDirectory(prefix="nomem.") as folder:
        scene = Scene(Path(folder), prepare)
        usual = scene.run(argv, "0", NOMEM_FD="2")
        told = usual.done.stderr.splitlines()
        most = int(told[-1].removeprefix("nomem: ")) if told and "nomem: " in told[-1] else 0
        usual = scene.run(argv, "0")
        name = " ".join(x.split("/")[-1] for x in argv)
        if "built without" in usual.done.stderr:
            return 0, []
        for order in orders(argv, most):
            count += 1
            try:
                bad = judge(usual, scene.run(argv, order), scene.loaded)
            except subprocess.TimeoutExpired:
                bad = "still running"
            if bad:
                wrong.append(f"NOMEM={order} {name}: {bad}"[:600])
    return count, wrong


def main() -> int:
    why = no_fake_here()
    if why:
        print(f"SKIPPED: {why}")
        return SKIPPED
    cases = [x for x in COMMANDS if all(y in " ".join(x[1]) for y in sys.argv[1:])]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        results = list(pool.map(try_command, cases))
    wrong = [x for _, more in results for x in more]
    print(f"{sum(x for x, _ in results)} faults, {len(wrong)} failed", *wrong[:60], sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
