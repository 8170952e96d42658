#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kexec when memory runs out.

nomem.so makes the Nth request for memory fail, or that one and all later ones, for each N
until the program needs no more. It must end with status 1 and one line about memory, or
with its usual output, byte for byte; it may only leave out the VM generation ID, with a
note. $KEXEC_FAULTS=all takes more machines.
"""

import os
import subprocess
import sys
from pathlib import Path

TOP = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2]))
KEXEC = os.environ.get("KEXEC", "kexec/kexec")
PROBE = os.environ.get("PROBE", "tests/probe/probe.bzImage")
# relative: $LD_PRELOAD splits at blanks, which the build folder's name may have
NOMEM = f"./{os.path.relpath(os.environ.get('NOMEM_SO', 'tests/unit/nomem.so'))}"
MACHINES = Path(os.environ.get("MACHINES", TOP / "tests/machines"))
ALL = os.environ.get("KEXEC_FAULTS") == "all"
LIMIT = 10 * float(os.environ.get("KEXEC_TEST_SLOW", "1"))  # seconds
MAY_SAY = b"kexec: the VM generation ID is not used: "
SKIPPED = 77


def run(argv: list[str], order: str | None = None) -> subprocess.CompletedProcess:
    """Runs @argv, with the order for nomem.so if there is one."""
    env = dict(os.environ)
    if order is not None:
        env |= {"NOMEM": order, "LD_PRELOAD": NOMEM}
    return subprocess.run(argv, env=env, capture_output=True, timeout=LIMIT, check=False)


def requests(argv: list[str]) -> int:
    os.environ["NOMEM_FD"] = "2"
    try:
        said = run(argv, "0").stderr.splitlines()[-1]
    finally:
        del os.environ["NOMEM_FD"]
    return int(said.removeprefix(b"nomem: "))


def without_id(text: bytes) -> bytes:
    """A plan without its lines about the VM generation ID."""
    return b"\n".join(x for x in text.splitlines()
                      if b"eneration" not in x and b"mixing" not in x)


def judge(done: subprocess.CompletedProcess, usual: subprocess.CompletedProcess) -> bool:
    lines = done.stderr.splitlines()
    if done.returncode == usual.returncode and done.stdout == usual.stdout:
        return all(x.startswith(MAY_SAY) for x in lines) or done.stderr == usual.stderr
    if done.returncode == usual.returncode and lines and lines[0].startswith(MAY_SAY):
        return without_id(done.stdout) == without_id(usual.stdout)
    # its own line, or the one for errors that cannot be described
    return done.returncode == 1 and len(lines) == 1 and b"emory" in lines[0]


def commands() -> list[list[str]]:
    found = []
    for words, machine in [("-p --dry-run --json", "crash-256m"), ("--dry-run", "efi-1g"),
                           *([("--dry-run --json", "vmgenid-efi"),
                              ("-p --dry-run --json", "crash-4cpus"),
                              ("--dry-run --json", "bios-8g-hole")] if ALL else [])]:
        found.append([KEXEC, *words.split(), f"--facts={MACHINES / machine}", PROBE,
                      "--append=x"])
    return found


def main() -> int:
    config = Path("config.h")
    if config.exists() and "#define WITH_SANITIZERS 1" in config.read_text():
        print("SKIPPED: a build with sanitizers has its own malloc()")
        return SKIPPED
    wrong, count = [], 0  # a build without libraries still has one command
    for argv in commands():
        usual, most = run(argv), requests(argv)
        if b"built without" in usual.stderr:
            print(f"skipped: {usual.stderr.decode().strip()}")
            continue
        if usual.returncode or most < 50:
            wrong.append(f"{argv}: status {usual.returncode}, {most} allocations")
        for number in range(1, most + 1):
            for order in (f"{number}", f"{number}+"):
                count += 1
                try:
                    done = run(argv, order)
                except subprocess.TimeoutExpired:
                    wrong.append(f"NOMEM={order} {' '.join(argv)}: still running")
                    continue
                if not judge(done, usual):
                    wrong.append(f"NOMEM={order} {' '.join(argv)}: status"
                                 f" {done.returncode}, {done.stderr[:300]!r}")
    print(f"{count} faults, {len(wrong)} failed", *wrong[:40], sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
