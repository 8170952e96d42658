# SPDX-License-Identifier: GPL-2.0-only
"""tests/chain without a guest: its verdicts on observations (see test_chain_seen.py), and
its reports."""

import dataclasses
import io
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

import cache  # noqa: E402
from guest import GuestError  # noqa: E402
from qmp import QmpError  # noqa: E402
from chainlib import chain, cli, words  # noqa: E402
from chainlib.cli import USAGE, UsageError, make_plan, parser, verdict  # noqa: E402
from chainlib.files import as_json, junit  # noqa: E402
from chainlib.page import page  # noqa: E402
from chainlib.progress import done_lines, now_line  # noqa: E402
from chainlib.records import (Clone, Hop, Run, Seed, Times, fingerprint,  # noqa: E402
                              end_early, hop_problems, mark_fresh, problems)
from chainlib.table import table  # noqa: E402

SEED = bytes(range(100, 132))
BROWSERS = ["chromium", "chromium-browser", "google-chrome"]
# Hosts that the browser itself contacts, for any page.
BROWSERS_OWN = (".google.com", ".googleapis.com", ".gvt1.com")


def good_hop(number: int, **other) -> Hop:
    seed = Seed(1, 32, fingerprint(bytes([number]) * 32), True)
    hop = Hop(number, "6.1", "7.3", "load", "7.3.4", seed, [(9, 32)], True, 0.0,
              [0, 0, 0], Times(2, 0.25, 0.5, 0.75, 3))
    return dataclasses.replace(hop, **other)


def good_run(hops: int = 3, clones: int = 2) -> Run:
    run = Run(["6.1", "7.3"], ["load"], "kexec", hops, "512M", "6.1.0",
              [good_hop(n + 1) for n in range(hops)],
              [Clone(n + 1, Seed(1, 32, fingerprint(bytes([n + 100]) * 32), True),
                     seconds=2.5) for n in range(clones)], clones, "probe", seconds=30)
    mark_fresh(run)
    return run


# Problems

def test_reason_has_the_last_word_of_qemu():
    said = "QEMU has ended\n  | of the console\n  qemu: q: warning: x\n  qemu: q: no CPU\n"
    assert chain.reason(GuestError(said)) == "QEMU has ended; q: no CPU"
    assert chain.reason(GuestError("slow\n  qemu: q: warning: x")) == "slow"


def test_reason_has_the_panic():
    said = "QEMU has ended\n  | x\n  | [ 1.0] Kernel panic - not syncing: no init\n  | [ 2] y"
    assert chain.reason(GuestError(said)) == \
        "QEMU has ended; Kernel panic - not syncing: no init"


@pytest.mark.parametrize("option, says", [
    ("--kernel=5.10", "6.1, 6.1-generic, 6.12, 7.3"),
    ("--kexec=/none", "--kexec=/none: no such file"),
])
def test_wrong_usage_says_what_would_be_right(option, says, monkeypatch):
    monkeypatch.setattr(cache, "ensure", lambda: pytest.fail("the network was asked"))
    with pytest.raises(UsageError, match=re.escape(says)):
        make_plan(parser().parse_args([option]))


def test_fetch_that_takes_too_long(monkeypatch, tmp_path, capsys):
    """Announced before, because it may take minutes, and reported afterwards."""
    monkeypatch.setenv("KEXEC_SEED_CACHE", str(tmp_path))
    fetch = tmp_path / "fetch"
    fetch.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(cache, "FETCH", fetch)
    monkeypatch.setattr(cache, "FETCH_LIMIT", 0.2)
    assert cli.main(["--kernel=6.1", f"--kexec={__file__}"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("chain: fetching") and "has not ended in 0.2 s" in said


# Promises

def test_good_run_has_no_problems():
    assert problems(good_run()) == []


@pytest.mark.parametrize("change, says", [
    ({"seed": None, "unseen": "no symbol"}, "was not observed: no symbol"),
    ({"seed": Seed()}, "nobody passed a seed"),
    ({"seed": Seed(2, 32, "ab", True, True)}, "2 seeds"),
    ({"seed": Seed(1, 16, "ab", True, True)}, "16 bytes, not 32"),
    ({"seed": Seed(1, 32, "ab", True, False)}, "the same seed"),
    ({"used": False}, "not used at time zero"),
    ({"used": None}, "did not report whether it used"),
    ({"copies": [2, 0, 0]}, "2 copies of the seed in RAM after its use"),
    ({"copies": [0, 1, 0]}, "1 copy of the seed in RAM one hop later"),
    ({"method": "file", "copies": [1, 1, 1]}, "two hops later"),
    ({"error": "no jump"}, "no jump"),
])
def test_each_promise_can_be_broken(change, says):
    hop = good_hop(1)
    mark_fresh(Run([], [], "", 1, hops=[hop]))
    [found] = hop_problems(dataclasses.replace(hop, **change))
    assert says in found


@pytest.mark.parametrize("copies", [[1], [1, 1], [1, 1, 0], [0, 0, 0]])
def test_copy_that_the_kernel_keeps(copies):
    """Of kexec_file_load: gone after two hops."""
    hop = good_hop(1, method="file", copies=copies)
    assert hop.wiped == (True if copies[-1] == 0 else None)


def test_same_seed_twice():
    run = good_run()
    run.clones[1].seed.fingerprint = run.hops[0].seed.fingerprint
    mark_fresh(run)
    found = problems(run)
    assert len(found) == 2 and "hop 1" in found[0] and "clone 2" in found[1]


def test_clone_problems():
    run = good_run(clones=1)
    run.clones[0].daemon, run.clones[0].used = True, False
    assert [x.split(": ")[1] for x in problems(run)] == [
        "the seed was not used at time zero", "the daemon did not notice the fork"]


def test_last_line_is_short():
    assert verdict(["a", "b"]) == "a; b"
    assert verdict(list("abcdef")) == "a; b; c; and 3 more"


# Reports

def test_table():
    run = good_run()
    text = table(run)
    rows = [x for x in text.splitlines() if "kexec_load" in x]
    assert len(rows) == 3 and all(h.seed.fingerprint in r for h, r in zip(run.hops, rows))
    assert "5 of 5 kept every promise; 5 distinct seeds from 3 hops and 2 clones" in text
    run.hops[0].copies = [1]
    run.hops[1].seed = None
    text = table(run)
    assert "broken promises:" in text and "1 copy" in text and "3 of 5" in text


def test_clones_that_share_a_seed():
    run = dataclasses.replace(good_run(0, 2), methods=["load"])
    assert words.SHARED not in table(run)
    for clone in run.clones:
        clone.seed = Seed(1, 32, "same", False)
    mark_fresh(run)
    assert "0 of 2 kept every promise; 1 distinct seed from 2 clones" in table(run)
    assert words.SHARED not in table(run)  # not kexec_file_load's doing
    run.methods = ["file"]
    assert words.SHARED in table(run)
    run.clones[0].daemon = run.clones[1].daemon = True
    assert words.SHARED not in table(run)


def test_finds_the_build(monkeypatch, tmp_path):
    monkeypatch.delenv("KEXEC_BUILD", raising=False)
    monkeypatch.setattr(cli, "CHECKOUT", tmp_path)
    assert cli.find_build(None) == tmp_path / "build"
    for place in (tmp_path, tmp_path / "build"):  # ./configure in the tree, and beside it
        (place / "kexec").mkdir(parents=True)
        (place / "kexec/kexec").write_text("")
        assert cli.find_build(None) == place
    monkeypatch.setenv("KEXEC_BUILD", "/elsewhere")
    assert cli.find_build(None) == Path("/elsewhere")
    assert cli.find_build(Path("/here")) == Path("/here")
    for name in ("arm64", "riscv64"):
        arch = cli.ARCHES[name]
        monkeypatch.delenv(f"KEXEC_BUILD_{name.upper()}", raising=False)
        assert cli.find_build(None, arch) == tmp_path / f"build-{name}"
        monkeypatch.setenv(f"KEXEC_BUILD_{name.upper()}", "/other")
        assert cli.find_build(None, arch) == Path("/other")
        assert cli.find_build(Path("/here"), arch) == Path("/here")


def test_table_fits_a_terminal():
    """100 columns, with the longest names of kernels and hops."""
    run = good_run(12, 3)
    for hop in run.hops:
        hop.source, hop.method, hop.copies = "6.1-generic", "file", [10, 10, 0]
    lines = table(run).splitlines()
    assert max(map(len, lines[2:-1])) <= 100
    [times] = [n for n, x in enumerate(lines) if "purgatory" in x]
    assert lines[times + 3].split() == ["3", "2.00", "0.25", "0.50", "0.75", "3.00", "4.50"]


def test_table_of_a_run_that_ended_early():
    run = dataclasses.replace(good_run(), hops=[], clones=[], error="the guest ended")
    text = table(run)
    assert "the guest ended" in text and "0 of 5" in text


@pytest.mark.parametrize("error, status, says", [
    (KeyboardInterrupt(), 130, "interrupted"), (QmpError("migrate: no"), 1, "migrate: no"),
    (OSError(28, "No space left on device"), 1, "No space left")])
def test_early_end_is_reported(build, tmp_path, monkeypatch, capsys, error, status, says):
    """Any end of the run reports the observations made so far."""
    def machine(*_):
        raise error
    monkeypatch.setattr(cli, "machine", machine)
    files = {name: tmp_path / name for name in ("junit", "json", "html")}
    assert cli.main([f"--build={build}", "--kernel=6.1", "--depth=1",
                     *(f"--{name}={file}" for name, file in files.items())]) == status
    said = capsys.readouterr()
    assert said.err == f"chain: {chain.reason(error)}\n" and says in said.out
    assert all(says in file.read_text() for file in files.values())
    assert not json.loads(files["json"].read_text())["held"]


def test_hop_that_fails_says_so_alone():
    run = good_run(1, 0)
    end_early(run, "x")
    assert problems(run) == ["x"]
    run = good_run(1, 0)
    run.hops[0].error = "x"
    end_early(run, "x")
    assert problems(run) == ["hop 1: 6.1 to 7.3: x"]


class Closed(io.StringIO):
    """A stream with no reader."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_report_that_cannot_be_written(tmp_path, monkeypatch, capsys):
    """That is an error; the other reports are written."""
    options = parser().parse_args([f"--junit={tmp_path}", f"--json={tmp_path}/j"])
    [failed] = cli.report(good_run(), options)
    assert failed.startswith("--junit: ") and (tmp_path / "j").stat().st_size
    assert "5 of 5" in capsys.readouterr().out
    (tmp_path / "j").unlink()
    monkeypatch.setattr(sys, "stdout", Closed())
    assert [x.split(":")[0] for x in cli.report(good_run(), options)] == \
        ["--junit", "the table"]
    assert (tmp_path / "j").stat().st_size


def test_few_are_counted():
    assert words.title(Run([], [], "", 1, forks=1)) == "a chain of 1 hop and 1 clone"
    assert "1 of 1 kept every promise; 1 distinct seed from 1 hop (" in table(good_run(1, 0))


def test_junit():
    run = good_run()
    run.hops[2].used = False
    run.clones.pop()
    run.hops[1].error, run.error = "a <b> & \"c\" \x1b[0m", ""
    root = ET.fromstring(junit(run))
    suite = root.find("testsuite")
    assert [suite.get(x) for x in ("tests", "failures")] == ["5", "3"]
    cases = suite.findall("testcase")
    assert [c.find("failure") is not None for c in cases] == [0, 1, 1, 0, 1]
    assert cases[1].find("failure").text == "a <b> & \"c\" ?[0m"
    assert cases[4].find("failure").text == "not reached"


def test_json():
    run = good_run()
    known = json.loads(as_json(run))
    assert known["held"] and known["seeds"] == known["distinct_seeds"] == 5
    assert known["hops"][0]["times"]["total"] == 4.5
    assert known["hops"][0]["passed_by"] == "kexec" and known["hops"][0]["wiped"] is True
    run.hops[0].seed = Seed()
    known = json.loads(as_json(run))
    assert not known["held"] and known["hops"][0]["passed_by"] == "nobody"
    assert known["problems"] == ["hop 1: 6.1 to 7.3: nobody passed a seed"]


def names_in(value) -> set[str]:
    if isinstance(value, list):
        return {name for x in value for name in names_in(x)}
    if isinstance(value, dict):
        return {*value, *(name for x in value.values() for name in names_in(x))}
    return set()


def test_manual_has_each_name_of_the_json():
    text = (TESTS.parent / "man/kexec-seed-chain.7").read_text()
    section = text.partition(".SS JSON\n")[2].partition("\n.S")[0]
    bold = " ".join(re.findall(r"^\.BR? (.*)", section, re.M))
    told = set(re.findall(r"\w+", re.sub('".*?"', "", bold)))
    assert names_in(json.loads(as_json(good_run()))) == told


def test_no_report_holds_a_seed():
    """A record keeps only a fingerprint."""
    run = good_run(1, 0)
    run.hops[0].seed = Seed(1, 32, fingerprint(SEED), True, True)
    for text in (table(run), junit(run), as_json(run), page(run)):
        assert SEED.hex()[:16] not in text
    assert fingerprint(SEED) in as_json(run)


def test_progress_lines():
    run = good_run(2, 1)
    run.hops[1].used = False
    lines = done_lines(run)
    assert [x[0] for x in lines] == ["✓", "✗", "✓"]
    assert "not used" in lines[1]
    assert len(now_line(run, 1, "hop 2: 6.1 to 7.3: booting", 3.2, 20)) == 19
    assert now_line(run, 1, "x", 3.2, 80) == "[1/3] x … 3 s"


def test_help_fits_a_screen():
    assert len(USAGE.splitlines()) <= 24
    assert max(map(len, USAGE.splitlines())) <= 80


def test_help_and_manual_have_every_option():
    known = {x for action in parser()._actions for x in action.option_strings}
    page = (TESTS.parent / "man/kexec-seed-chain.7").read_text().replace("\\-", "-")
    for text in (USAGE, page):
        there = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
        assert there - {"--seed-mix", "--append"} == {x for x in known if x.startswith("--")}


@pytest.mark.parametrize("argv, says", [
    (["--depth=x"], "--depth"),
    (["--depth=-1"], "negative"),
    (["--depth=0"], "both 0"),
    (["--method=load,both"], "'both'"),
    (["--kernel=nothing"], "neither a file nor a slot"),
    (["--kernel=./nothing"], "no such file"),
    (["--kernel=/proc/version"], "not a kernel: neither a bzImage, nor a vmlinux, nor a UKI"),
    ([f"--kernel={sys.executable}"], "not a kernel"),
    (["--memory=lots"], "not a size"),
    (["--arch=vax"], "'vax'"),
    (["--arch=arm64", "--method=load,file"], "arm64 guests have no kexec_file_load"),
    (["--arch=arm64", "--fork=2"], "arm64 guests have no VM generation ID"),
    (["--arch=arm64", "--kernel=5.10"], "6.1, 6.12, 7.3, 7.3-16k"),
    (["--arch=arm64", f"--kernel={cache.kernel_image('6.1')}"], "neither an Image, nor a zboot"),
    (["--arch=riscv64", "--method=file"], "riscv64 guests have no kexec_file_load"),
    (["--arch=riscv64", "--fork=2"], "riscv64 guests have no VM generation ID"),
    (["--arch=riscv64", "--kernel=6.1"], "use one of 6.12"),
    (["--arch=riscv64", f"--kernel={cache.kernel_image('6.1', 'arm64')}"], "neither an Image"),
    (["--kexec=/nowhere/kexec"], "no such file"),
    (["--json=/nowhere/x.json"], "no such folder"),
    (["--json=/tmp"], "is a folder"),
    (["--dept=3"], "--dept"),
    (["more"], "more"),
])
def test_wrong_usage(build, argv, says):
    done = subprocess.run([sys.executable, TESTS / "chain", f"--build={build}", *argv],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2 and done.stdout == ""
    first, second = done.stderr.splitlines()
    assert first.startswith("chain: ") and says in first, first
    assert second == "Try 'chain --help'."


# The page

def test_page_is_self_contained():
    run = good_run(12, 3)
    run.hops[0].release = run.hops[0].target = "<script>alert(1)</script>"
    text = page(run)
    assert not re.search(r"<(script|img|link|iframe|object|embed)\b", text)
    assert not re.search(r"""(\bsrc\s*=|\bhref\s*=|@import|url\()""", text)
    assert text.count('<li class="hop"') == 12 and text.count('<li class="clone"') == 3
    ET.fromstring(re.search(r"<svg.*?</svg>", text, re.S)[0])


def test_page_of_a_kernel_that_was_not_reached():
    run = good_run(2, 0)
    assert "not reached" not in page(run)
    run.hops[1].release, run.hops[1].error = "", "QEMU has ended"
    assert page(run).count("box bad") == page(run).count("not reached") == 1


class Requests:
    """A proxy that answers nothing and records the requested hosts."""

    def __enter__(self):
        self.hosts: set[str] = set()
        self.sock = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.sock.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                try:
                    line = connection.recv(4096).decode("latin-1")
                except OSError:
                    continue
                if hit := re.match(r"\w+ (?:http://)?([^/:\s]+)", line):
                    self.hosts.add(hit[1])

    def __exit__(self, *_) -> None:
        self.sock.close()

    def of_page(self) -> set[str]:
        return {h for h in self.hosts if not h.endswith(BROWSERS_OWN)}


def browse(folder: Path, text: str, *options: str) -> tuple[str, set[str]]:
    """A browser's DOM of a page, and the hosts that the page requests."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not browser:
        pytest.skip("no Chromium (Debian: chromium)")
    file = folder / "page.html"
    file.write_text(text, encoding="utf-8")
    with Requests() as requests:
        port = requests.sock.getsockname()[1]
        done = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
             f"--user-data-dir={folder / 'profile'}", f"--proxy-server=127.0.0.1:{port}",
             "--disable-background-networking", *options, file.as_uri()],
            capture_output=True, text=True, timeout=120, check=False)
        return done.stdout, requests.of_page()


def test_page_in_a_browser(tmp_path):
    dom, hosts = browse(tmp_path, page(good_run(10, 4)), "--dump-dom")
    assert len(re.findall(r'<li class="hop"', dom)) == 10
    assert len(re.findall(r'<svg class="bar"', dom)) == 10
    assert len(re.findall(r'<li class="clone"', dom)) == 4
    assert hosts == set()


def test_page_may_not_ask_anybody(tmp_path):
    """A request would be noticed; and the page's policy forbids them."""
    image_tag = '<img src="http://chain.example/x.png">'
    text = page(good_run(1, 0)).replace("</body>", f"{image_tag}</body>")
    assert browse(tmp_path, text, "--dump-dom")[1] == set()
    bare = re.sub(r"<meta http-equiv=.*?>\n", "", text)
    assert browse(tmp_path, bare, "--dump-dom")[1] == {"chain.example"}
