# SPDX-License-Identifier: GPL-2.0-only
"""riscv64: tests/chain with guests, and the demo.

$KEXEC_CHAINS=all makes all but the first of the chains: four minutes.
"""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from guest import SLOW
from riscv64 import build_riscv64  # noqa: F401 (a fixture)
from test_chain import check_bad, check_good, long, run_chain

SEED = "rng-seed", 32


@pytest.fixture
def chain(build_riscv64, tmp_path):  # noqa: F811
    return partial(run_chain, build_riscv64, tmp_path, "--arch=riscv64", limit=150)


def test_hop(chain):
    """Without Zkr."""
    done = chain("--depth=1")
    check_good(done, 1, seed=SEED)
    [hop] = done.known["hops"]
    assert hop["copies"] == [0] and hop["seed"]["mixed"] and hop["passed_by"] == "kexec"
    assert ["linux,booted-from-kexec", 0] in hop["nodes"]
    assert "kaslr-seed" not in [name for name, _ in hop["nodes"]]
    assert "1 of 1 kept every promise; 1 distinct seed from 1 hop" in done.output


@long
def test_ten_hops(chain):
    """With Zkr."""
    done = chain("--depth=10", "--cpu=max", limit=600)
    check_good(done, 10, seed=SEED)
    for hop in done.known["hops"]:
        later = 10 - hop["number"]
        assert hop["copies"] == [0] * min(later + 1, 3) and hop["seed"]["mixed"]


@long
def test_chain_without_seeds(chain):
    done = chain("--depth=1", "--option=--seed=off")
    check_bad(done, "nobody passed a seed")
    [hop] = done.known["hops"]
    assert hop["passed_by"] == "nobody" and not hop["used"]


@long
def test_seed_that_is_not_mixed(chain):
    """Its base is in a page of the old kernel: not wiped."""
    done = chain("--depth=1", "--option=--seed-mix=off")
    check_bad(done, "1 copy of the seed in RAM")
    [hop] = done.known["hops"]
    assert hop["used"] and hop["seed"]["mixed"] is False


def test_demo(build_riscv64):  # noqa: F811
    """What `./quickstart --arch=riscv64` shows after the build."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("demo.py"), "--arch=riscv64",
         f"--build={build_riscv64}"],
        capture_output=True, text=True, timeout=120 * SLOW, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for words in ("the value of\n  /chosen/rng-seed in the device tree",
                  "new kernel     [    0.000000] random: crng init done",
                  "    linux,booted-from-kexec\n", "This machine has no Zkr.",
                  "A kernel was booted through kexec -l with a fresh seed."):
        assert words in done.stdout, done.stdout
