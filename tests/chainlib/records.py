# SPDX-License-Identifier: GPL-2.0-only
"""Observations of a run as plain values, and the promises they break. Pure: no I/O. No
record holds a seed, only its fingerprint."""

import hashlib
from dataclasses import dataclass, field

SEED_SIZE = 32
FINGERPRINT_DIGITS = 12
METHODS = {"load": "kexec_load", "file": "kexec_file_load"}
# The party that passes the seed, by method.
GIVERS = {"load": "kexec", "file": "the kernel"}
NOBODY = "nobody"
# Parts of a hop in order, with their start and end.
PARTS = {
    "shutdown": "from kexec -e to the purgatory's first instruction",
    "purgatory": "from there to the kernel's first instruction",
    "decompression": "from there to the first line of the kernel proper",
    "boot": "from there to the first command in user space",
}
LATER = 2


def fingerprint(seed: bytes) -> str:
    return hashlib.sha256(seed).hexdigest()[:FINGERPRINT_DIGITS]


@dataclass
class Times:
    """Seconds; None: not observed. Loading is not part of the hop."""

    load: float | None = None
    shutdown: float | None = None
    purgatory: float | None = None
    decompression: float | None = None
    boot: float | None = None

    def parts(self) -> list[tuple[str, float]]:
        return [(name, seconds) for name in PARTS
                if (seconds := getattr(self, name)) is not None]

    def total(self) -> float:
        return sum(seconds for _, seconds in self.parts())


@dataclass
class Seed:
    """SETUP_RNG_SEED nodes, or rng-seed of a tree, at the kernel's first instruction."""

    count: int = 0  # number of nodes
    length: int = 0  # of the first one, in bytes
    fingerprint: str = ""
    mixed: bool | None = None  # changed by the purgatory
    fresh: bool = False  # differs from all other seeds of the run


@dataclass
class Hop:
    number: int
    source: str
    target: str
    method: str
    release: str = ""  # of the target; empty: not reached
    seed: Seed | None = None  # None: not observed
    nodes: list[tuple[int | str, int]] = field(default_factory=list)  # type or name, and length
    used: bool | None = None
    ready_at: float | None = None  # seconds of kernel time: random: crng init done
    # Places in RAM with (half of) the seed: when the kernel is up, one hop later, ...
    copies: list[int] = field(default_factory=list)
    times: Times = field(default_factory=Times)
    unseen: str = ""  # why the handover was not observed
    error: str = ""  # why the hop failed

    @property
    def passed_by(self) -> str:
        if self.seed is None:
            return "unknown"
        return GIVERS[self.method] if self.seed.count else NOBODY

    @property
    def wiped(self) -> bool | None:
        """Whether RAM holds no copy. With kexec_file_load the kernel keeps one in pages
        that the jump frees: None until two hops later, by when they must be reused."""
        if not self.copies:
            return None
        if self.method == "load" or not any(self.copies):
            return not any(self.copies)
        return not self.copies[LATER] if len(self.copies) > LATER else None

    @property
    def name(self) -> str:
        return f"hop {self.number}: {self.source} to {self.target}"


@dataclass
class Clone:
    number: int
    seed: Seed | None = None
    daemon: bool = False
    refreshed: str = ""  # source that reported the fork to the daemon
    used: bool | None = None  # None: probe, which uses no seed
    seconds: float = 0
    unseen: str = ""
    error: str = ""

    @property
    def name(self) -> str:
        return f"clone {self.number}"


@dataclass
class Run:
    """What was requested, and what was observed."""

    kernels: list[str]
    methods: list[str]
    program: str
    depth: int
    machine: str = ""
    first: str = ""  # release of the kernel that QEMU booted
    hops: list[Hop] = field(default_factory=list)
    clones: list[Clone] = field(default_factory=list)
    forks: int = 0
    crash_into: str = ""
    error: str = ""  # why the run ended early
    seconds: float = 0

    @property
    def clones_by(self) -> str:
        """The method that loads their crash kernel: that of the hop after the last one."""
        return self.methods[self.depth % len(self.methods)]


def seed_problems(seed: Seed | None, unseen: str, others: str) -> list[str]:
    if seed is None:
        return ["the handover was not observed" + (unseen and f": {unseen}")]
    if not seed.count:
        return ["nobody passed a seed"]
    found = []
    if seed.count > 1:
        found.append(f"{seed.count} seeds were passed")
    if seed.length != SEED_SIZE:
        found.append(f"the seed has {seed.length} bytes, not {SEED_SIZE}")
    if not seed.fresh:
        found.append(f"{others} had the same seed")
    return found


def hop_problems(hop: Hop) -> list[str]:
    """The promises that this hop breaks, one line each."""
    if hop.error:
        return [hop.error]
    found = seed_problems(hop.seed, hop.unseen, "another hop or clone")
    if hop.seed is not None and not hop.seed.count:
        return found
    if not hop.used and hop.seed is not None:
        found.append("the seed was not used at time zero" if hop.used is False else
                     "the kernel did not report whether it used the seed")
    if hop.wiped is False:
        found.append(f"{copies(max(hop.copies))} of the seed in RAM {copies_when(hop)}")
    return found


def copies_when(hop: Hop) -> str:
    later = [n for n, count in enumerate(hop.copies) if count][-1]
    return ["after its use", "one hop later", "two hops later"][min(later, LATER)]


def copies(count: int) -> str:
    return "1 copy" if count == 1 else f"{count} copies"


def clone_problems(clone: Clone) -> list[str]:
    if clone.error:
        return [clone.error]
    found = seed_problems(clone.seed, clone.unseen, "another clone or hop")
    if clone.seed and clone.seed.count and clone.used is False:
        found.append("the seed was not used at time zero")
    if clone.daemon and not clone.refreshed:
        found.append("the daemon did not notice the fork")
    return found


def end_early(run: Run, why: str) -> None:
    """Sets the run's error, unless the last hop or clone has one."""
    if not any(x.error for x in (run.clones or run.hops)[-1:]):
        run.error = why


def problems(run: Run) -> list[str]:
    """All problems with their hop or clone; empty if every promise was kept."""
    found = [f"{hop.name}: {x}" for hop in run.hops for x in hop_problems(hop)]
    found += [f"{clone.name}: {x}" for clone in run.clones for x in clone_problems(clone)]
    return found + ([run.error] if run.error else [])


def mark_fresh(run: Run) -> None:
    """Sets `fresh` of every seed; equal seeds are both not fresh."""
    all_seeds = [x.seed for x in [*run.hops, *run.clones] if x.seed and x.seed.count]
    prints = [s.fingerprint for s in all_seeds]
    for seed in all_seeds:
        seed.fresh = prints.count(seed.fingerprint) == 1


def distinct(run: Run) -> tuple[int, int]:
    """Number of seeds, and of different ones."""
    prints = [x.seed.fingerprint for x in [*run.hops, *run.clones]
              if x.seed and x.seed.count]
    return len(prints), len(set(prints))
