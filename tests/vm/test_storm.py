# SPDX-License-Identifier: GPL-2.0-only
"""Many clones of one snapshot all crash: their seeds all differ, and differ from the loaded
one. With only the purgatory's mixing, and with the daemon too.

$KEXEC_STORM is the number of clones, default 8, 3 on arm64; a hundred take about ten minutes. If
set, the daemon and RDSEED are tested too; by default, and on arm64, only the hardest case,
without either.
"""

import os

import pytest

import test_arm64_refresh as arm64_image
from arm64 import PLAIN, build_arm64  # noqa: F401 (a fixture)
from birthdays import none_twice
from crash import read_memory
from forks import Saved, clone, machine, seed_at, snapshot, start_daemon, wait_refreshed
from guest import Guest
from loaded import SAY, SEED_SIZE, load_probe, seed_after_crash
from test_arm64_seed import guest_of

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


def test_all_differ_on_arm64(build_arm64, tmp_path):  # noqa: F811
    """Without RNDR, generation ID and daemon: one image in all of them before the crash."""
    setup = {**guest_of(build_arm64, PLAIN, "6.12"), "cmdline": "crashkernel=64M"}
    with Guest(**setup) as guest:
        load = arm64_image.load_probe(options=f"--seed=require {arm64_image.SAY}")
        guest.check(load, timeout=120)
        slot = arm64_image.parts(guest, load)["seed"]
        seeds = [base := read_memory(guest, slot, SEED_SIZE)]
        assert any(base)
        guest.save(tmp_path / "saved")
    for _ in range(CLONES if LONG else 3):
        with Guest(**setup, incoming=tmp_path / "saved") as guest:
            guest.cont()
            assert read_memory(guest, slot, SEED_SIZE) == base
            seeds.append(arm64_image.crash_into_probe(guest).tree["/chosen"]["rng-seed"])
    (tmp_path / "saved").unlink()
    assert len(set(seeds)) == len(seeds)
    print(f"{len(seeds)} seeds, {none_twice(seeds)} in all runs")
