# SPDX-License-Identifier: GPL-2.0-only
"""Records as short text, shared by all reports."""

from .records import (METHODS, SEED_SIZE, Clone, Hop, Run, Seed, clone_problems, copies,
                      distinct, hop_problems)


def counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def short(text: str, limit: int = 20) -> str:
    return text if len(text) <= limit else text[:limit - 1] + "…"


def yes(value: bool | None) -> str:
    return {True: "yes", False: "NO", None: "?"}[value]


def seconds(value: float | None) -> str:
    return "?" if value is None else f"{value:.2f}"


def fingerprint(seed: Seed | None) -> str:
    if seed is None:
        return "?"
    return seed.fingerprint or "-"


def has_seed(seed: Seed | None) -> bool:
    return seed is not None and seed.count > 0


def fresh(seed: Seed | None) -> str:
    return yes(seed.fresh) if has_seed(seed) else "-" if seed else "?"


def used(hop: Hop) -> str:
    return yes(hop.used) if has_seed(hop.seed) else "-" if hop.seed else "?"


def wiped(hop: Hop) -> str:
    if not has_seed(hop.seed):
        return "-" if hop.seed else "?"
    if not any(hop.copies):
        return "yes" if hop.copies else "?"
    return copies(max(hop.copies)) + {True: ", gone", False: "", None: " (1)"}[hop.wiped]


def handed(seed: Seed | None) -> str:
    """The state of the seed at the handover."""
    if seed is None:
        return "unseen"
    if not seed.count:
        return "no node"
    if seed.count > 1:
        return f"{seed.count} nodes"
    size = "" if seed.length == SEED_SIZE else f", {seed.length} bytes"
    return {True: "mixed", False: "unmixed", None: "?"}[seed.mixed] + size


def method(hop: Hop) -> str:
    return METHODS[hop.method]


def title(run: Run) -> str:
    parts = [f"a chain of {counted(run.depth, 'hop')}"] if run.depth else []
    if run.forks:
        parts.append(counted(run.forks, "clone"))
    return " and ".join(parts) or "no hop"


def held(run: Run) -> tuple[int, int]:
    """Number of hops and clones that kept every promise, and number requested."""
    good = sum(not hop_problems(h) for h in run.hops)
    good += sum(not clone_problems(c) for c in run.clones)
    return good, run.depth + run.forks


def summary(run: Run) -> str:
    """Ends like: 1 distinct seed from 2 clones (35 s)."""
    good, asked = held(run)
    parts = [counted(len(x), what) for x, what in ((run.hops, "hop"), (run.clones, "clone"))
             if x]
    seeds = f"{counted(distinct(run)[1], 'distinct seed')} from {' and '.join(parts) or '0 hops'}"
    return f"{good} of {asked} kept every promise; {seeds} ({run.seconds:.0f} s)"


def clone_end(clone: Clone) -> str:
    return clone.refreshed or ("none" if clone.daemon else "-")


NOTE = ("(1) kexec_file_load's own copy in pages freed by the jump; fails only if still"
        " there two hops later")


SHARED = ("clones share the seed of an image that kexec_file_load loaded; --daemon refreshes"
          " it in each")


def notes(run: Run) -> list[str]:
    """Footnotes of the table."""
    found = [NOTE] if any(h.wiped is None and any(h.copies) for h in run.hops) else []
    shared = run.clones_by == "file" and any(
        not c.daemon and c.seed and c.seed.count and not c.seed.fresh for c in run.clones)
    return found + ([SHARED] if shared else [])
