# SPDX-License-Identifier: GPL-2.0-only
"""The text table at the end of a run."""

from . import words
from .records import Clone, Hop, Run, clone_problems, hop_problems

HOP_HEAD = ["hop", "from", "to", "system call", "seed", "passed by", "how", "used", "new",
            "wiped"]
# A separate table: one with all columns is too wide for a terminal.
TIME_HEAD = ["hop", "load s", "shutdown", "purgatory", "decompression", "boot", "hop s"]
CLONE_HEAD = ["clone", "seed", "how", "new", "used", "daemon", "s"]
NUMBERS = {*TIME_HEAD, "clone", "s"}


def hop_row(hop: Hop) -> list[str]:
    return [str(hop.number), words.short(hop.source), words.short(hop.target),
            words.method(hop), words.fingerprint(hop.seed), hop.passed_by,
            words.handed(hop.seed),
            words.used(hop), words.fresh(hop.seed), words.wiped(hop)]


def time_row(hop: Hop) -> list[str]:
    t = hop.times
    return [str(hop.number), *map(words.seconds, (
        t.load, t.shutdown, t.purgatory, t.decompression, t.boot, t.total() or None))]


def clone_row(clone: Clone) -> list[str]:
    used = "-" if clone.used is None else words.yes(clone.used)
    return [str(clone.number), words.fingerprint(clone.seed), words.handed(clone.seed),
            words.fresh(clone.seed), used, words.clone_end(clone),
            words.seconds(clone.seconds)]


def columns(head: list[str], rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[n]) for row in [head, *rows]) for n in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [text.rjust(width) if name in NUMBERS else text.ljust(width)
                 for name, text, width in zip(head, row, widths)]
        lines.append("  ".join(cells).rstrip())
    return lines


def table(run: Run) -> str:
    lines = [f"{words.title(run)}; {run.machine}; first kernel {run.first or '?'}", ""]
    if run.hops:
        lines += [*columns(HOP_HEAD, [hop_row(h) for h in run.hops]), ""]
    if notes := words.notes(run):
        lines += [*notes, ""]
    if run.hops:
        lines += [*columns(TIME_HEAD, [time_row(h) for h in run.hops]), ""]
    if run.clones:
        lines += [f"clones of {run.kernels[run.depth % len(run.kernels)]}, crashed into"
                  f" the {run.crash_into}:", "",
                  *columns(CLONE_HEAD, [clone_row(c) for c in run.clones]), ""]
    bad = [f"  {h.name}: {x}" for h in run.hops for x in hop_problems(h)]
    bad += [f"  {c.name}: {x}" for c in run.clones for x in clone_problems(c)]
    if run.error:
        bad.append(f"  {run.error}")
    if bad:
        lines += ["broken promises:", *bad, ""]
    return "\n".join([*lines, words.summary(run)]) + "\n"
