# SPDX-License-Identifier: GPL-2.0-only
"""`make bench` without measurements: handling of a failing part, and the plots."""

import importlib.machinery
import importlib.util
import json
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[1] / "bench"
sys.path.insert(0, str(BENCH))

from guest import GuestError  # noqa: E402
from qmp import QmpError  # noqa: E402

NAMES = ["kexec-seed", "kexec-tools", "second build"]
DIGEST = {"portable": {"gb_per_s": 0.3, "ratio": 1.1, "runs": []}}
FORK = {"kernel": "x", "kmsg_ms": 9.0, "uevent_ms": 8.0, "call_ms": 2.0,
        "daemon_kib": 3000}


def sizes(*keys: str) -> list[dict]:
    """Three sizes; the bytes loaded by a refresh grow with them."""
    return [{"initrd_mib": mib, "cpu_s_ratio": 0.1, "memory_mib_ratio": 0.1} |
            {name: dict.fromkeys(keys, 1.7 if name == NAMES[0] else 3.0 * mib)
             for name in NAMES} for mib in (8, 64, 512)]


LOADER = {"kexec_tools": "kexec-tools 2", "second": "2.1", "kernel": "x",
          "sizes": sizes("cpu_s", "memory_mib")}
REFRESH = {"kernel": "x", "sizes": sizes("command_ms", "window_ms")}
OTHERS = {"machines": [{"machine": "arm64, Linux x", "kernel": "x",
                        "sizes": REFRESH["sizes"][1:2]}],
          "skipped": ["riscv64, Linux x: no build"]}
ONE = {"kernel": "x", "kexec_tools": "kexec-tools 2", "daemon_kib": 2000} | {
    name: {"cpu_s": times, "memory_mib": 2.0, "command_ms": 10.0 * times, "window_ms": times / 10}
    for name, times in zip(NAMES, (1.0, 100.0))}
COUNTED = {"machines": [{**ONE, "machine": "x86_64, Linux x", "digest": {"portable": 9, "CPU": 1}},
                        {**ONE, "machine": "arm64, Linux x", "digest": {"portable": 8}}],
           "skipped": []}


@pytest.fixture
def bench(monkeypatch):
    """tests/bench/run as a module that measures nothing."""
    loader = importlib.machinery.SourceFileLoader("bench_run", str(BENCH / "run"))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("bench_run", loader))
    loader.exec_module(module)
    monkeypatch.setattr(module.os, "geteuid", lambda: 0)
    for name, value in [("digests", DIGEST), ("loaders", LOADER), ("refresh", REFRESH),
                        ("fork", FORK), ("counted", COUNTED)]:
        monkeypatch.setattr(getattr(module, name), "measure", lambda *_, v=value: v)
    monkeypatch.setattr(module.refresh, "measure_others", lambda *_: OTHERS)
    return module


def run(module, folder: Path, monkeypatch, *options: str) -> tuple[int, dict]:
    monkeypatch.setattr(sys, "argv", ["run", f"--build={folder}", *options])
    return module.main(), json.loads((folder / "bench.json").read_text())


def test_all_parts(bench, tmp_path, monkeypatch, capsys):
    status, known = run(bench, tmp_path, monkeypatch)
    assert status == 0 and known["failed"] == []
    assert known["skipped"] == ["refresh_others, riscv64, Linux x: no build"]
    said = capsys.readouterr()
    assert "written: bench.json, bench.svg" in said.out and said.err == ""
    assert "arm64, Linux x,  64 MiB" in said.out and known["refresh_others"] == OTHERS
    rows = [re.split("  +", x) for x in said.out.splitlines()]
    for row in (["counted, initrd 64 MiB", "x86_64, Linux x", "arm64, Linux x"],
                ["refresh, ms", "10.0", "10.0"], ["", "times less", "100", "100"],
                ["digest, CPU's SHA-256, a byte", "1.00", "-"],
                ["daemon, private KiB", "2000", "2000"]):
        assert row in rows, said.out
    assert known["counted"] == COUNTED
    assert len(known["limits"]) == 15


@pytest.mark.parametrize("error", [
    GuestError("no answer\n  | console"), QmpError("QEMU has ended"), OSError(28, "full"),
    AssertionError()])
def test_part_that_fails(bench, tmp_path, monkeypatch, capsys, error):
    """Results of the other parts are printed and written, and the run fails."""
    def fail(*_):
        raise error
    monkeypatch.setattr(bench.refresh, "measure", fail)
    status, known = run(bench, tmp_path, monkeypatch)
    assert status == 1 and known["refresh"] is None
    [failed] = known["failed"]
    assert failed.startswith("refresh: ") and len(failed) > 12
    assert known["fork"] == FORK and known["digest"] == DIGEST
    said = capsys.readouterr()
    assert "fork to fresh seed" in said.out and failed in said.err
    assert (tmp_path / "bench.svg").exists()


@pytest.mark.parametrize("key, times", [("window_ms", 99), ("command_ms", 49)])
def test_missed_limit_of_others(bench, tmp_path, monkeypatch, key, times):
    """A hundred times less without a crash kernel, fifty times faster: either may be missed, by
    the clock and counted."""
    def slow(one: dict) -> dict:
        return one | {NAMES[0]: one[NAMES[0]] | {key: one[NAMES[1]][key] / times}}
    [one] = OTHERS["machines"]
    monkeypatch.setattr(bench.refresh, "measure_others", lambda *_: {
        "machines": [one | {"sizes": [slow(one["sizes"][0])]}], "skipped": []})
    monkeypatch.setattr(bench.counted, "measure", lambda *_: {
        "machines": [slow(COUNTED["machines"][1])], "skipped": []})
    known = run(bench, tmp_path, monkeypatch)[1]
    assert [kept for what, *_, kept in known["limits"] if "arm64" in what] == \
        [key != "window_ms", key != "command_ms"] * 2


@pytest.mark.parametrize("way", ["kmsg_ms", "uevent_ms"])
def test_missed_limit(bench, tmp_path, monkeypatch, way):
    slow = {**FORK, way: 100.0}
    monkeypatch.setattr(bench.fork, "measure", lambda *_: slow)
    assert run(bench, tmp_path, monkeypatch)[0] == 0
    assert run(bench, tmp_path, monkeypatch, "--strict")[0] == 1


def test_plots(bench, tmp_path, monkeypatch):
    """Four panels, a line per program in each; no text lies outside or on an axis."""
    run(bench, tmp_path, monkeypatch)
    root = ET.fromstring((tmp_path / "bench.svg").read_text())
    ns = "{http://www.w3.org/2000/svg}"
    assert len(root.findall(f"{ns}polyline")) == 4 * len(NAMES)
    lines = [x for x in root.findall(f"{ns}line") if x.get("class") != "grid"]
    assert [bool(x.get("stroke-dasharray")) for x in lines] == [False, False, True] * 2
    width, height = float(root.get("width")), float(root.get("height"))
    axes = [tuple(map(float, re.match(r"M(\d+) (\d+)v(\d+)", x.get("d")).groups()))
            for x in root.findall(f"{ns}path")]
    assert len(axes) == 4
    for word in root.findall(f"{ns}text"):
        x, y = float(word.get("x")), float(word.get("y"))
        assert 0 < x < width and 12 < y < height, word.text
        for left, top, length in axes:
            if left < x < left + 310:  # its baseline, or its upper edge
                assert not y - 9 < top + length < y + 2, word.text
