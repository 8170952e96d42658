#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kexec when a system call fails: each one, with each error that it can return.

strace injects them while the built program plans a load on a captured machine (--dry-run
--facts=DIR: no privileges, no kernel). It must end in time with a plan and status 0, or
with status 1 and a line with the reason. tests/vm/faults.txt lists the errors;
tests/vm/test_faults.py has the tests that need a kernel.

By default each call gets EINVAL and one more error; $KEXEC_FAULTS=all tries all.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TOP = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2]))
KEXEC = os.environ.get("KEXEC", "kexec/kexec")
PROBE = os.environ.get("PROBE", "tests/probe/probe.bzImage")
MACHINES = Path(os.environ.get("MACHINES", TOP / "tests/machines"))
ALL = os.environ.get("KEXEC_FAULTS") == "all"
LIMIT = 20 * float(os.environ.get("KEXEC_TEST_SLOW", "1"))  # seconds
SKIPPED = 77
STRACE = ["strace", "-qq"]
JSON_C = "error from getrandom(): "  # json-c's own use of it


def known_errors() -> dict[str, list[str]]:
    text = (TOP / "tests/vm/faults.txt").read_text(encoding="utf-8")
    rows = re.search(r"^\[errors\]\n(.*?)^\[", text, re.M | re.S)[1].splitlines()
    return {row.split()[0]: [e for e in row.split()[1:] if e != "-"] for row in rows if row}


def positions(argv: list[str]) -> list[tuple[str, int]]:
    """The program's system calls after its start, each with its number among its kind."""
    with tempfile.NamedTemporaryFile() as log:
        subprocess.run([*STRACE, "-o", log.name, *argv], capture_output=True,
                       timeout=LIMIT, check=True)
        calls = re.findall(r"^(\w+)\(", Path(log.name).read_text(errors="replace"), re.M)
    found = [(call, calls[:n].count(call) + 1) for n, call in enumerate(calls)]
    return found[calls.index("prlimit64") + 1:]


def faults(places: list[tuple[str, int]]) -> list[tuple[str, str, str]]:
    """Tuples of call, error and number."""
    errors, found = known_errors(), []
    for turn, (call, number) in enumerate(places):
        some = errors[call]
        if not ALL and some:
            some = {some[turn % len(some)]} | ({"EINVAL"} & set(some))
        found += [(call, error, str(number)) for error in sorted(some)]
    return found


def judge(argv: list[str], fault: tuple[str, str, str]) -> str:
    """The fault of the answer; empty if it is fine."""
    call, error, number = fault
    try:
        done = subprocess.run(
            [*STRACE, "-o", "/dev/null", "-e", f"trace={call}",
             "-e", f"inject={call}:error={error}:when={number}", *argv],
            capture_output=True, text=True, errors="replace", timeout=LIMIT, check=False)
    except subprocess.TimeoutExpired:
        return f"{fault}: still running after {LIMIT:.0f} s"
    said = [x for x in done.stderr.splitlines() if not x.startswith(JSON_C)]
    fine = all(len(x.removeprefix("kexec: ")) > 10 and x.startswith("kexec: ")
               and "Success" not in x and not x.endswith((": ", ": Invalid argument"))
               for x in said)
    if done.returncode == 0:
        fine = fine and bool(done.stdout)
    else:
        fine = fine and done.returncode == 1 and 1 <= len(said) <= 3
    return "" if fine else f"{fault}: status {done.returncode}: {said[:5]}"


def commands() -> list[list[str]]:
    return [[KEXEC, *words.split(), f"--facts={MACHINES / machine}", PROBE, "--append=x"]
            for words, machine in [("--dry-run", "efi-1g"), *([
                ("-p --dry-run --json", "crash-256m"),
                ("--dry-run", "vmgenid-efi")] if ALL else [])]]


def main() -> int:
    config = Path("config.h")
    if config.exists() and "#define WITH_SANITIZERS 1" in config.read_text():
        print("SKIPPED: LeakSanitizer does not work under strace")
        return SKIPPED
    if not shutil.which("strace") or \
            subprocess.run([*STRACE, "-o", "/dev/null", "true"], check=False).returncode:
        print("SKIPPED: strace is missing or may not trace")
        return SKIPPED
    count, wrong = 0, []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for argv in commands():
            usual = subprocess.run(argv, capture_output=True, text=True, check=False)
            if "built without" in usual.stderr:
                print(f"skipped: {usual.stderr.strip()}")
                continue
            todo = faults(positions(argv))
            count += len(todo)
            wrong += [f"{' '.join(argv)}: {bad}" for bad in
                      pool.map(lambda fault, argv=argv: judge(argv, fault), todo) if bad]
    print(f"{count} faults, {len(wrong)} failed", *wrong[:40], sep="\n")
    return bool(wrong) or not count


if __name__ == "__main__":
    sys.exit(main())
