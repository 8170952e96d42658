# SPDX-License-Identifier: GPL-2.0-only
"""Digest throughput: our implementations, kexec-tools' purgatory, OpenSSL."""

import json
import os
import re
import shlex
import shutil
import statistics
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
BASELINE = "kexec-tools"
# In the order of the table.
MEMORY = "kernel memory"
WAYS = ["SHA-NI", "SHA-NI ceiling", f"SHA-NI, {MEMORY}", "portable", f"portable, {MEMORY}", BASELINE,
        "OpenSSL"]

# Flags for that file in kexec-tools' purgatory/Makefile and its x86_64 fragment. The last -O
# counts; no SSE, as the purgatory must not use it.
PURGATORY_FLAGS = ["-Os", "-O2", "-fno-strict-aliasing", "-fno-builtin", "-ffreestanding",
                   "-fno-zero-initialized-in-bss", "-fno-PIC", "-fno-PIE",
                   "-fno-stack-protector", "-fno-tree-vectorize", "-mcmodel=large",
                   "-march=x86-64", "-mno-mmx", "-mno-sse", "-mno-sse2", "-mno-avx"]


class BenchError(Exception):
    """One line for the user."""


def run(command: list, **more) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False,
                          **more)
    if done.returncode:
        raise BenchError(f"{command[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def build_baseline(source: Path, folder: Path) -> Path:
    """A program that measures the SHA-256 in a checkout of kexec-tools."""
    cc = shlex.split(os.environ.get("CC", "cc"))
    theirs = source / "util_lib" / "sha256.c"
    if not theirs.is_file():
        raise BenchError(f"KEXEC_TOOLS_SOURCE: {theirs} not found")
    include = f"-I{source / 'util_lib' / 'include'}"
    run([*cc, *PURGATORY_FLAGS, include, "-w", "-c", "-o", folder / "theirs.o", theirs])
    run([*cc, "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-fno-pie", "-no-pie", include, "-o",
         folder / "theirs", HERE / "bench_kexec_tools.c", folder / "theirs.o"])
    return folder / "theirs"


def run_ours(program: Path) -> dict:
    """{implementation: GB/s} from one of the C programs."""
    lines = run([program]).splitlines()
    return {one["name"]: one["gb_per_s"] for one in map(json.loads, lines)}


def run_openssl() -> dict:
    """Empty if no suitable openssl is installed."""
    if not shutil.which("openssl"):
        return {}
    out = run(["openssl", "speed", "-evp", "sha256", "-bytes", "65536", "-seconds", "1"])
    found = re.search(r"^sha256\s+([\d.]+)k", out, re.MULTILINE | re.IGNORECASE)
    return {"OpenSSL": float(found[1]) * 1000 / 1e9} if found else {}


def measure(build: Path, scratch: Path, rounds: int) -> dict:
    """{implementation: {"gb_per_s", "ratio" to kexec-tools or None, "runs"}}."""
    programs = [build / "tests" / "bench" / "bench_digest"]
    source = os.environ.get("KEXEC_TOOLS_SOURCE")
    if source:
        programs.append(build_baseline(Path(source).absolute(), scratch))
    runs: dict = {}
    for _ in range(rounds):
        for one in [*map(run_ours, programs), run_openssl()]:
            for way, speed in one.items():
                runs.setdefault(way, []).append(speed)
    middle = {way: statistics.median(runs[way]) for way in WAYS if way in runs}
    base = middle.get(BASELINE)
    return {way: {"gb_per_s": round(speed, 3), "runs": runs[way],
                  "ratio": round(speed / base, 2) if base else None}
            for way, speed in middle.items()}


def memory_limits(found: dict) -> list:
    """Mixing 20 MiB of the old kernel's memory: at the digest's speed, and within a time."""
    checks = []
    for way, most in [("SHA-NI", 10), ("portable", 70)]:
        runs = [found.get(name, {}).get("runs", []) for name in [way, f"{way}, {MEMORY}"]]
        if not all(runs):
            continue
        ratio = statistics.median(mixed / plain for plain, mixed in zip(*runs))
        ms = (20 << 20) / 1e6 / found[f"{way}, {MEMORY}"]["gb_per_s"]
        checks += [(f"{MEMORY}, {way}, x digest", ">= 0.9", f"{ratio:.2f}", ratio >= 0.9),
                   (f"20 MiB of {MEMORY}, {way}", f"<= {most} ms", f"{ms:.1f} ms", ms <= most)]
    return checks
