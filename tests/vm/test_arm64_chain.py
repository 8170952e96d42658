# SPDX-License-Identifier: GPL-2.0-only
"""tests/chain --arch=arm64 with guests: a chain that keeps every promise, and broken ones that it
must notice.

$KEXEC_CHAINS=all makes all but the first: four minutes.
"""

from functools import partial

import pytest

import cache
from arm64 import build_arm64  # noqa: F401 (a fixture)
from test_chain import check_bad, check_good, long, run_chain

SEED = "rng-seed", 32


@pytest.fixture
def chain(build_arm64, tmp_path):  # noqa: F811
    return partial(run_chain, build_arm64, tmp_path, "--arch=arm64", limit=150)


def test_two_hops(chain):
    """Without RNDR; 6.1 has no addresses of variables in /proc/kallsyms."""
    done = chain("--kernel=6.1", "--kernel=7.3", "--depth=2")
    check_good(done, 2, seed=SEED)
    first, second = done.known["hops"]
    assert first["release"].startswith("7.3.") and second["release"].startswith("6.1.")
    assert first["copies"] == [0, 0] and second["copies"] == [0]
    for hop in (first, second):
        assert hop["seed"]["mixed"] and hop["passed_by"] == "kexec"
        assert ["kaslr-seed", 8] in hop["nodes"] and ["linux,booted-from-kexec", 0] in hop["nodes"]
    assert "2 of 2 kept every promise; 2 distinct seeds from 2 hops" in done.output


@long
def test_ten_hops(chain):
    """All three kernels in turn, and RNDR."""
    done = chain("--depth=10", "--cpu=max", limit=600)
    check_good(done, 10, seed=SEED)
    for hop in done.known["hops"]:
        later = 10 - hop["number"]
        assert hop["copies"] == [0] * min(later + 1, 3) and hop["seed"]["mixed"]


@long
def test_16k_pages(chain):
    check_good(chain("--kernel=7.3-16k", "--depth=2", "--cpu=max"), 2, seed=SEED)


@long
def test_chain_without_seeds(chain):
    """RNDR readies this kernel's generator as early as a seed would: no excuse."""
    done = chain("--kernel=6.12", "--depth=1", "--cpu=max", "--option=--seed=off")
    check_bad(done, "nobody passed a seed")
    [hop] = done.known["hops"]
    assert hop["passed_by"] == "nobody" and not hop["used"]


@long
def test_seed_that_is_not_mixed(chain):
    """Its base is in a page of the old kernel: not wiped."""
    done = chain("--kernel=6.1", "--depth=1", "--option=--seed-mix=off")
    check_bad(done, "1 copy of the seed in RAM")
    [hop] = done.known["hops"]
    assert hop["used"] and hop["seed"]["mixed"] is False


@long
def test_kexec_tools(chain):
    done = chain("--kernel=6.12", "--depth=1", f"--kexec={cache.kexec_tools('arm64')}")
    check_bad(done, "nobody passed a seed")
    assert ["kaslr-seed", 8] in done.known["hops"][0]["nodes"]
