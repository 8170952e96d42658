# SPDX-License-Identifier: GPL-2.0-only
"""Many clones of one snapshot all crash: their seeds all differ, and differ from the loaded
one. With only the purgatory's mixing, and with the daemon too.

$KEXEC_STORM is the number of clones, default 8; a hundred take about ten minutes. If set, the
daemon and RDSEED are tested too; by default only the hardest case, without either.
"""

import os

import pytest

from birthdays import none_twice
from forks import Saved, clone, machine, seed_at, snapshot, start_daemon, wait_refreshed
from guest import Guest
from loaded import SAY, load_probe, seed_after_crash

KERNEL = "6.12"  # detects a fork by itself
CLONES = int(os.environ.get("KEXEC_STORM", "8"))
LONG = "KEXEC_STORM" in os.environ
MODES = ["alone", "daemon"] if LONG else ["alone"]


def crash_clone(setup: dict, saved: Saved, daemon: bool) -> list[bytes]:
    """The seed in the crash region if the daemon has changed it, and the one handed over."""
    with clone(setup, saved) as guest:
        if daemon:
            wait_refreshed(guest, saved, "kmsg", 20)
        waits = seed_at(guest, saved.slot)
        assert (waits == saved.seed) == (not daemon)
        handed, _ = seed_after_crash(guest, "ours")
    return [waits, handed] if daemon else [handed]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("cpu", ["max", "qemu64"] if LONG else ["qemu64"])
def test_all_differ(build, tmp_path, cpu, mode):
    """With RDSEED and without."""
    setup = machine(build, KERNEL, cpu=cpu)
    with Guest(**setup) as guest:
        guest.check(load_probe(options=f"{SAY} --seed=require --seed-timeout=60"))
        if mode == "daemon":
            start_daemon(guest)
        saved = snapshot(guest, tmp_path / "saved")
    seeds = [saved.seed]
    for _ in range(CLONES):
        seeds += crash_clone(setup, saved, mode == "daemon")
    saved.path.unlink()
    assert len(set(seeds)) == 1 + CLONES * (2 if mode == "daemon" else 1)
    print(f"{len(seeds)} seeds, {none_twice(seeds)} in all runs")
