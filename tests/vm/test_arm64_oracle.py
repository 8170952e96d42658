# SPDX-License-Identifier: GPL-2.0-only
"""The kernel as oracle on arm64: loaded by our kexec_load(2) and by kexec_file_load(2) in the same
machine, the probe is handed the same tree.

Debian's kernels for arm64 have no kexec_file_load(2). $KEXEC_PAYLOADS=all builds a small one that
has it, once (see build_kernel.py): 15 minutes. `make check` compares with its tree, too
(test_dt_oracle.c): tests/machines/arm64/file-load is what test_like_the_kernel leaves in pytest's
--basetemp.
"""

import os
import subprocess
from pathlib import Path

import pytest

from arm64 import build_arm64  # noqa: F401 (a fixture)
from build_kernel import ARM64, built_kernel, missing_tools
from cache import kexec_tools
from guest import Guest
from initrd import build_initrd
from places import kexec
from probe_arm64 import Probe, wait_for_probe

CAPTURE = Path(__file__).resolve().parents[1] / "machines/capture"
RAMDISK = bytes(range(256)) * 400 + b"end"
CMDLINE = "console=ttyAMA0 oracle='a b'"
OURS = f"kexec -l /probe --initrd=/ramdisk --append=\"{CMDLINE}\" --seed=require"
# Of kexec-tools, which only passes its arguments on.
KERNELS = f"/root/kexec -s -l /probe --initrd=/ramdisk --command-line=\"{CMDLINE}\""
# Properties of /chosen with another value, for these reasons: the list of test_dt_oracle.c.
RANDOM = {"rng-seed": "128 bytes of the kernel's: 32 fill its generator's key",
          "kaslr-seed": "random"}
PLACES = {"linux,initrd-start": "we place it elsewhere", "linux,initrd-end": "the same"}


@pytest.fixture(scope="module")
def kernel() -> Path:
    if os.environ.get("KEXEC_PAYLOADS") != "all":
        pytest.skip("`make check-long` builds a kernel with kexec_file_load(2) "
                    "(KEXEC_PAYLOADS=all)")
    if packages := missing_tools(ARM64):
        pytest.skip(f"to build kernels, install {' '.join(packages)}")
    return built_kernel(ARM64)


def initrd_of(seen: Probe) -> tuple[int, int]:
    start, end = (int.from_bytes(seen.tree["/chosen"][name], "big") for name in PLACES)
    return start, end - start


def differences(ours: Probe, kernels: Probe) -> list[str]:
    """Without those in RANDOM and PLACES."""
    def text(seen: Probe) -> dict[str, bytes]:
        known = {f"{node} {name}": value for node, properties in seen.tree.items()
                 for name, value in properties.items()
                 if node != "/chosen" or name not in {**RANDOM, **PLACES}}
        known |= {f"/chosen {name}": b"(set)" for name in {**RANDOM, **PLACES}
                  if any(seen.tree["/chosen"].get(name, b""))}
        return known | {f"{node} exists": b"" for node in seen.tree}

    a, b = text(ours), text(kernels)
    return sorted(f"{x}: {a.get(x)} != {b.get(x)}" for x in {*a, *b} if a.get(x) != b.get(x))


def handed_over(guest: Guest, command: str) -> Probe:
    guest.check(command)
    guest.send_and_jump("kexec -e")
    return wait_for_probe(guest, 60)


@pytest.mark.parametrize("cpu", ["cortex-a72", "max"])
def test_like_the_kernel(build_arm64, kernel, tmp_path, cpu):  # noqa: F811
    machine = {"kernel": kernel, "arch": "arm64", "memory": "512M", "cpu": cpu,
               "initrd": build_initrd(
                   programs=[kexec(build_arm64), ("/root/kexec", kexec_tools("arm64"))],
                   arch="arm64", files={"/probe": build_arm64 / "tests/probe/probe.Image",
                                        "/ramdisk": RAMDISK, "/capture": CAPTURE})}
    saved = tmp_path / "saved"
    with Guest(**machine) as guest:
        facts = guest.run("sh /capture /tmp/file-load && tar -C /tmp -c file-load").data
        guest.save(saved)
        guest.cont()
        ours = handed_over(guest, OURS)
    with Guest(**machine, incoming=saved) as guest:
        guest.cont()
        kernels = handed_over(guest, KERNELS)
    saved.unlink()
    subprocess.run(["tar", "-x", "-C", tmp_path], input=facts, check=True, timeout=60)
    (tmp_path / "file-load/next.dtb").write_bytes(kernels.data)
    assert differences(ours, kernels) == []
    for seen in (ours, kernels):
        assert initrd_of(seen)[1] == len(RAMDISK)
        assert seen.reserved == [initrd_of(seen)]
    assert len(kernels.tree["/chosen"]["rng-seed"]) == 128
    assert len(ours.tree["/chosen"]["rng-seed"]) == 32
    for name in ("daif", "x1", "x2", "x3", "el"):
        assert ours.registers[name] == kernels.registers[name], name


def test_sees_a_difference():
    """The comparison can fail."""
    chosen = {"bootargs": b"a\0", "rng-seed": b"1", "linux,initrd-start": b"2"}
    one = Probe(tree={"/": {}, "/chosen": chosen})
    for other in ({**chosen, "bootargs": b"b\0"}, {**chosen, "rng-seed": b"\0"},
                  {**chosen, "more": b""}, {"bootargs": b"a\0", "rng-seed": b"1"}):
        assert len(differences(one, Probe(tree={"/": {}, "/chosen": other}))) == 1
    assert len(differences(one, Probe(tree={**one.tree, "/memory": {}}))) == 1
    assert differences(one, Probe(tree={"/": {}, "/chosen": {**chosen, "rng-seed": b"3"}})) == []
