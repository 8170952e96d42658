# SPDX-License-Identifier: GPL-2.0-only
"""Progress on a terminal: a line for each finished hop and clone, and the current step
below. Prints nothing if the output is not a terminal."""

import os
import shutil
import threading
import time

from . import words
from .records import Run, clone_problems, hop_problems

CLEAR = "\r\033[K"
TICK = 0.2


def done_lines(run: Run) -> list[str]:
    """A line for each hop and clone recorded."""
    done = [(f"{h.name}, {words.method(h)}", h.seed, h.times.total(), hop_problems(h))
            for h in run.hops]
    done += [(c.name, c.seed, c.seconds, clone_problems(c)) for c in run.clones]
    return ["; ".join([f"{'✗' if bad else '✓'} {name}, {words.fingerprint(seed)},"
                       f" {seconds:.1f} s", *bad]) for name, seed, seconds, bad in done]


def now_line(run: Run, done: int, text: str, elapsed: float, width: int) -> str:
    line = f"[{done}/{run.depth + run.forks}] {text} … {elapsed:.0f} s"
    return line[:max(width - 1, 1)]


class Progress:
    """tell() announces a step, done() the end of a hop or clone."""

    def __init__(self, run: Run, out):
        self.run, self.out = run, out
        self.text, self.since, self.shown = "", time.monotonic(), 0
        self.live = out.isatty() and os.environ.get("TERM") != "dumb"
        self.lock, self.over = threading.Lock(), threading.Event()
        self.thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "Progress":
        if self.live:
            self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.over.set()
        if self.live:
            self.thread.join()
            self.done()
            self.out.write(CLEAR)
            self.out.flush()

    def _tick(self) -> None:
        while not self.over.wait(TICK):
            with self.lock:
                self._draw()

    def _draw(self) -> None:
        width = shutil.get_terminal_size().columns
        line = now_line(self.run, self.shown, self.text,
                        time.monotonic() - self.since, width)
        self.out.write(CLEAR + line)
        self.out.flush()

    def tell(self, text: str) -> None:
        with self.lock:
            self.text, self.since = text, time.monotonic()

    def done(self) -> None:
        if not self.live:
            return
        with self.lock:
            lines = done_lines(self.run)
            for line in lines[self.shown:]:
                self.out.write(f"{CLEAR}{line}\n")
            self.shown = len(lines)
            self.out.flush()
