# SPDX-License-Identifier: GPL-2.0-only
"""tests/chain with guests: chains that keep every promise, and broken ones that it must
notice. Guest-free tests are in test_chain_report.py.

$KEXEC_CHAINS=all makes the long chain and more clones: six minutes.
"""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

import cache
from birthdays import none_twice
from formats import make_uki, vmlinux
from guest import SLOW

TESTS = Path(__file__).resolve().parents[1]
ALL = os.environ.get("KEXEC_CHAINS") == "all"
long = pytest.mark.skipif(not ALL, reason="KEXEC_CHAINS is not \"all\"")
PARTS = {"shutdown", "purgatory", "decompression", "boot"}


@dataclass
class Done:
    status: int
    output: str
    error: str
    known: dict

    def seeds(self) -> list[str]:
        return [x["seed"]["fingerprint"] for x in
                self.known["hops"] + self.known["clones"] if x["seed"]]


def run_chain(build, folder: Path, *options: str, limit: float = 100) -> Done:
    """Run the tool; it writes folder/report.json."""
    report = folder / "report.json"
    done = subprocess.run(
        [sys.executable, TESTS / "chain", f"--build={build}", f"--json={report}",
         *options], capture_output=True, text=True, timeout=limit * SLOW, check=False)
    assert report.is_file(), done.stderr
    return Done(done.returncode, done.stdout, done.stderr, json.loads(report.read_text()))


@pytest.fixture
def chain(build, tmp_path):
    return partial(run_chain, build, tmp_path)


def check_good(done: Done, hops: int, clones: int = 0, seed=(9, 32)) -> None:
    assert done.status == 0 and done.error == "", done.error + done.output
    assert done.known["held"] and done.known["problems"] == []
    assert len(done.known["hops"]) == hops and len(done.known["clones"]) == clones
    assert len(set(done.seeds())) == hops + clones
    none_twice(x.encode() for x in done.seeds())  # nor in any earlier run
    for hop in done.known["hops"]:
        assert hop["nodes"].count([*seed]) == 1 and hop["used"] and hop["ready_at"] == 0
        assert hop["seed"]["count"] == 1 and hop["seed"]["length"] == 32
        times = hop["times"]
        assert all(times[part] > 0 for part in PARTS)
        assert times["total"] == pytest.approx(sum(times[part] for part in PARTS))


def check_bad(done: Done, problem: str) -> None:
    """The problem is reported in one line, and in the table."""
    assert done.status == 1 and not done.known["held"], done.output
    assert any(problem in x for x in done.known["problems"]), done.known["problems"]
    assert done.error.startswith("chain: ") and len(done.error.splitlines()) == 1
    assert problem in done.output


def test_chain_with_clones(chain, tmp_path):
    """Both system calls, and the reports for people and programs."""
    done = chain("--kernel=6.1", "--kernel=6.12", "--depth=2", "--method=load,file",
                 "--fork=2", f"--junit={tmp_path}/j.xml", f"--html={tmp_path}/p.html",
                 f"--console={tmp_path}/console", limit=180)
    check_good(done, 2, 2)
    first, second = done.known["hops"]
    assert (first["method"], first["passed_by"]) == ("kexec_load", "kexec")
    assert (second["method"], second["passed_by"]) == ("kexec_file_load", "the kernel")
    assert "6.12" in first["release"] and "6.1." in second["release"]
    assert first["seed"]["mixed"] and not second["seed"]["mixed"]
    assert first["copies"] == [0, 0]
    assert "4 of 4 kept every promise; 4 distinct seeds from 2 hops and 2 clones" in done.output
    assert "\r" not in done.output and "\033" not in done.output
    suite = ET.parse(tmp_path / "j.xml").getroot().find("testsuite")
    assert (suite.get("tests"), suite.get("failures")) == ("4", "0")
    assert (tmp_path / "p.html").read_text().count('<li class="hop"') == 2
    console = (tmp_path / "console").read_text(errors="replace")
    assert len(re.findall(r"\] Linux version ", console)) == 3


@long
def test_stray_copy_of_kexec_tools(chain):
    """Its seed is handed over, but a freed page of the loader still holds it."""
    done = chain("--kernel=6.1", "--depth=1", "--cpu=max",
                 f"--kexec={cache.kexec_tools()}")
    check_bad(done, "of the seed in RAM after its use")
    [hop] = done.known["hops"]
    assert hop["copies"][0] > 0 and hop["used"] and not hop["seed"]["mixed"]


def test_chain_without_seeds(chain):
    """RDRAND readies this kernel's generator as early as a seed would: no excuse."""
    done = chain("--kernel=6.1", "--depth=1", "--cpu=max", "--option=--seed=off")
    check_bad(done, "nobody passed a seed")
    [hop] = done.known["hops"]
    assert hop["passed_by"] == "nobody" and hop["nodes"] == [] and not hop["used"]


def test_kernel_that_panics(chain):
    """The observations of the hop are kept, and the panic is quoted."""
    done = chain("--kernel=6.1", "--depth=2", "--option=--command-line="
                 "console=ttyS0,115200 panic=-1 rdinit=/none")
    check_bad(done, "Kernel panic - not syncing: VFS")
    [hop] = done.known["hops"]
    assert hop["passed_by"] == "kexec" and hop["used"] and hop["nodes"] == [[9, 32]]
    assert hop["seed"]["mixed"] and hop["seed"]["fresh"] and hop["wiped"] is None
    assert hop["times"]["purgatory"] > 0 and hop["times"]["boot"] is None


@long
def test_other_files_of_kernels(chain, tmp_path):
    """A vmlinux, which is entered directly, and a UKI; QEMU boots the first as well."""
    elf = vmlinux("6.12", tmp_path / "vmlinux")
    uki = make_uki(tmp_path / "uki", {".linux": cache.kernel_image("7.3")})
    done = chain(f"--kernel={elf}", f"--kernel={uki}", "--depth=2", "--memory=1G",
                 "--fork=1", "--crash-into=kernel", limit=300)
    check_good(done, 2, 1)
    assert done.known["clones"][0]["used"]


@long
def test_ten_hops(chain):
    done = chain("--depth=10", limit=300)
    check_good(done, 10)
    for hop in done.known["hops"]:
        later = 10 - hop["number"]
        assert hop["copies"] == [0] * min(later + 1, 3) and hop["seed"]["mixed"]


@long
def test_clones_of_a_chain_with_daemon(chain):
    """The daemon alone is enough."""
    done = chain("--kernel=6.1", "--kernel=6.12", "--depth=1", "--fork=3", "--daemon",
                 "--option=--seed-mix=off", limit=180)
    check_good(done, 1, 3)
    assert all(c["refreshed"] and not c["seed"]["mixed"] for c in done.known["clones"])


@long
def test_clones_that_boot(chain):
    done = chain("--kernel=6.12", "--depth=0", "--fork=2", "--crash-into=kernel",
                 limit=180)
    check_good(done, 0, 2)
    assert all(c["used"] for c in done.known["clones"])


@long
def test_clones_that_are_alike(chain):
    """Without daemon and mixing the seeds are equal: the tests above can fail."""
    done = chain("--kernel=6.12", "--depth=0", "--fork=2", "--option=--seed-mix=off")
    check_bad(done, "had the same seed")
    assert len(set(done.seeds())) == 1


@long
def test_kexec_tools_without_rdrand(chain):
    """It passes no seed while the generator is not ready, and does not say so."""
    done = chain("--kernel=6.1", "--depth=1", f"--kexec={cache.kexec_tools()}")
    check_bad(done, "nobody passed a seed")


@long
def test_load_that_fails(chain):
    """The chain ends there; hops not reached count as failed."""
    done = chain("--kernel=6.1", "--depth=3", "--option=--no-such-option")
    check_bad(done, "no-such-option")
    assert len(done.known["hops"]) == 1 and "0 of 3 kept" in done.output
