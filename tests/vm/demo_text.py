# SPDX-License-Identifier: GPL-2.0-only
"""The demo's output: timed steps, colours, and a picture of memory."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 46
# Each segment's purpose; a plan may have others too.
PURPOSE = {
    "kernel": "the next kernel, with room to unpack",
    "initrd": "its initial RAM disk",
    "boot_params": "boot_params, command line, memory map",
    "device tree": "device tree, command line",
    "seed": "the SEED: 32 secret bytes",
    "purgatory": "checks all of it (SHA-256), then jumps",
    "elfcorehdr": "memory map for the crash dump",
}


def _colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def paint(text: str, code: str) -> str:
    return f"\033[{code}m{text}\033[0m" if _colours() else text


def bold(text: str) -> str:
    return paint(text, "1")


def good(text: str) -> str:
    return paint(text, "32")


def headline(text: str) -> None:
    print(f"\n{bold(text)}", flush=True)


def say(text: str) -> None:
    print(f"  {text}", flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """One line: the step, and when done, how long it took."""
    print(f"  {text} ...", end="", flush=True)
    start = time.monotonic()
    try:
        yield
    except BaseException:
        print(flush=True)
        raise
    print(f" {time.monotonic() - start:.1f} s", flush=True)


def size_text(size: int) -> str:
    if size >= 10 << 20:
        return f"{size / (1 << 20):.0f} MiB"
    return f"{-(-size // 1024)} KiB"


def memory_picture(plan: dict) -> list[str]:
    """The segments of `kexec --json`, highest address first."""
    lines = []
    previous = None
    for segment in sorted(plan["segments"], key=lambda s: -s["addr"]):
        end = segment["addr"] + segment["size"]
        if previous is None or end != previous:
            if previous is not None:
                lines.append(f"{previous:#14x}  +{'-' * WIDTH}+")
                lines.append(f"{'':14}  :{'not used by the plan':^{WIDTH}}:")
            previous = end
        lines.append(f"{previous:#14x}  +{'-' * WIDTH}+")
        name = PURPOSE.get(segment["kind"], segment["kind"])
        row = f"{'':14}  | {name:<{WIDTH - 1}}|  {size_text(segment['size'])}"
        lines.append(good(row) if segment["kind"] == "seed" else row)
        previous = segment["addr"]
    if previous is not None:
        lines.append(f"{previous:#14x}  +{'-' * WIDTH}+")
    return lines
