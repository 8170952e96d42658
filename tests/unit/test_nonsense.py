#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kexec with /proc and /sys that are missing or full of nonsense.

Spoils the captured machines of tests/machines, one file or folder at a time, and has the
built program plan a load there (--dry-run --facts=DIR: no privileges, no kernel). It must
end in time with a plan and exit status 0, or with exit status 1 and one line with the
reason, after notes if any. A build with sanitizers finds more.

By default each file is spoiled in some ways; $KEXEC_FAULTS=all tries all, which takes
minutes. One alone: KEXEC=kexec/kexec test_nonsense.py MACHINE FILE WAY
"""

import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2]))
KEXEC = os.environ.get("KEXEC", "kexec/kexec")
PROBE = os.environ.get("PROBE", "tests/probe/probe.bzImage")
MACHINES = Path(os.environ.get("MACHINES", TOP / "tests/machines"))
ALL = os.environ.get("KEXEC_FAULTS") == "all"
LIMIT = 30 * float(os.environ.get("KEXEC_TEST_SLOW", "1"))  # seconds
MEMORY = 512 << 20
SOME = ("crash-256m", "vmgenid-efi")  # only these by default


def rng(path: Path) -> random.Random:
    return random.Random(str(path).rpartition("/machines/")[2])


def write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def endless(path: Path, device: str) -> None:
    path.unlink()
    path.symlink_to(device)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def huge(path: Path) -> None:
    os.truncate(path, 5 << 30)


def flip_bytes(path: Path) -> None:
    data, dice = bytearray(path.read_bytes()), rng(path)
    for _ in range(max(1, len(data) // 100)):
        if data:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    write(path, bytes(data))


def digits(path: Path, digit: bytes) -> None:
    data = path.read_bytes()
    write(path, bytes(digit[0] if chr(c) in "0123456789abcdef" else c for c in data))


def shuffle(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    rng(path).shuffle(lines)
    write(path, b"".join(lines))


# Names, and functions that spoil a file.
WAYS = {
    "missing": Path.unlink,
    "empty": lambda p: write(p, b""),
    "half": lambda p: write(p, p.read_bytes()[:p.stat().st_size // 2]),
    "one byte less": lambda p: write(p, p.read_bytes()[:-1]),
    "twice": lambda p: write(p, p.read_bytes() * 2),
    "some bits": flip_bytes,
    "other order": shuffle,
    "random bytes": lambda p: write(p, rng(p).randbytes(5000)),
    "a random byte": lambda p: write(p, rng(p).randbytes(1)),
    "zeroes": lambda p: write(p, bytes(p.stat().st_size)),
    "ones": lambda p: write(p, b"\xff" * p.stat().st_size),
    "digits are 0": lambda p: digits(p, b"0"),
    "digits are f": lambda p: digits(p, b"f"),
    "one long line": lambda p: write(p, b"f" * 3000000),
    "many lines": lambda p: write(p, p.read_bytes() + b"0-0 : x\n" * 200000),
    "5 GiB": huge,
    "a folder": folder,
    "a pipe": pipe,
    "never ends": lambda p: endless(p, "/dev/zero"),
    "random for ever": lambda p: endless(p, "/dev/urandom"),
    "points at itself": lambda p: endless(p, p.name),
    "points at nothing": lambda p: endless(p, "nowhere"),
}


def limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def has_sanitizers() -> bool:
    config = Path("config.h")
    return config.exists() and "#define WITH_SANITIZERS 1" in config.read_text()


def judge(machine: Path) -> list[str]:
    """The faults of the answers."""
    wrong = []
    for words in ([], ["-p"]):
        argv = [KEXEC, *words, "--dry-run", f"--facts={machine}", PROBE, "--append=x"]
        try:
            done = subprocess.run(argv, capture_output=True, timeout=LIMIT, check=False,
                                  preexec_fn=None if has_sanitizers() else limit_memory)
        except subprocess.TimeoutExpired:
            wrong.append(f"{words}: still running after {LIMIT:.0f} s")
            continue
        said = done.stderr.decode(errors="replace").splitlines()
        fine = done.returncode in (0, 1) and (done.returncode == 0) == bool(done.stdout)
        if done.returncode:  # notes, and the line with the reason
            fine = fine and 1 <= len(said) <= 3
        for line in said:
            words_of_it = line.removeprefix("kexec: ")
            fine = fine and words_of_it != line and len(words_of_it) > 10
            fine = fine and "Success" not in line and line.isprintable()
        if not fine:
            wrong.append(f"{words}: status {done.returncode}: {said[:20]}")
    return wrong


def spoiled(machine: Path, name: str, way: str) -> list[str]:
    """Spoils a file (or removes a folder) of a machine, judges, and restores it."""
    path, kept = machine / name, machine.parent / "kept"
    os.rename(path, kept)
    try:
        if kept.is_file():
            shutil.copyfile(kept, path)
            WAYS[way](path)
        return [f"{machine.name} {name} '{way}': {w}" for w in judge(machine)]
    finally:
        if path.is_dir() and not path.is_symlink():
            path.rmdir()
        else:
            path.unlink(missing_ok=True)
        os.rename(kept, path)


def faults(machine: Path) -> list[tuple[str, str]]:
    """Pairs of file and way to spoil it; a folder is only removed."""
    found, turn = [], 0
    for path in sorted(machine.rglob("*")):
        name = str(path.relative_to(machine))
        if path.is_dir():
            found.append((name, "missing"))
            continue
        if path.parent.parent.name == "memmap" and path.parent.name not in "01" \
                and not ALL:
            continue
        for i, way in enumerate(WAYS):
            if ALL or i % 8 == turn % 8 or name == "proc/iomem":
                found.append((name, way))
        turn += 1
    return found


def main(argv: list[str]) -> int:
    wrong, count = [], 0
    with tempfile.TemporaryDirectory(prefix="kexec-seed-nonsense-") as tmp:
        for source in sorted(MACHINES.iterdir()):
            if not (source / "proc").is_dir() or (
                    not ALL and source.name not in SOME and not argv):
                continue
            machine = Path(tmp) / "machines" / source.name
            shutil.copytree(source, machine)
            for path in (machine, *machine.rglob("*")):  # the source may be read-only
                path.chmod(path.stat().st_mode | 0o200)
            if bad := judge(machine):
                wrong.append(f"{source.name} unchanged: {bad}")
            for name, way in faults(machine) if not argv else [(argv[1], argv[2])]:
                if not argv or source.name == argv[0]:
                    wrong += spoiled(machine, name, way)
                    count += 1
            shutil.rmtree(machine)
    print(f"{count} faults, {len(wrong)} failed", *wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
