# SPDX-License-Identifier: GPL-2.0-only
"""arm64 with pages of 64 KiB, as Red Hat's and SUSE's kernel-64k: load, crash kernel, refresh.
kexec_load(2) takes no segment that is not a multiple of the running kernel's page.

Debian has no such kernel. $KEXEC_PAYLOADS=all builds a small one, once (see build_kernel.py).
"""

import json
import os
from pathlib import Path

import pytest

import cache
from arm64 import CONSOLE, build_arm64  # noqa: F401 (a fixture)
from birthdays import none_twice
from build_kernel import ARM64_64K, built_kernel, missing_tools
from crash import PROBE, Before, CrashGuest, Vmcore, capture_cmdline, crash
from initrd import build_initrd
from loaded import AS_DRAWN, CPIO, RAMDISK, strays
from places import kexec, probe
from test_arm64_jump import TIME_ZERO_SEED
from test_arm64_refresh import base_seed, check_verified, crash_into_probe, load_probe, parts
from test_crash import check_headers
from test_refresh import refresh

PAGE = 64 << 10
SAME, SMALLER = "/boot/vmlinuz-64k", "/boot/vmlinuz-6.1"
INITRD = "/boot/initrd"


@pytest.fixture(scope="module")
def kernel() -> Path:
    if os.environ.get("KEXEC_PAYLOADS") != "all":
        pytest.skip("`make check-long` builds a kernel with pages of 64 KiB "
                    "(KEXEC_PAYLOADS=all)")
    if packages := missing_tools(ARM64_64K):
        pytest.skip(f"to build kernels, install {' '.join(packages)}")
    return built_kernel(ARM64_64K)


@pytest.fixture
def guest(build_arm64, kernel):  # noqa: F811
    files = {SAME: kernel, SMALLER: cache.kernel_image("6.1", "arm64"),
             PROBE: probe(build_arm64, "arm64"), INITRD: build_initrd(arch="arm64"),
             RAMDISK: CPIO + bytes(range(256)) * 2000}
    initrd = build_initrd(files=files, programs=[
        kexec(build_arm64), build_arm64 / "kexec_seed/kexec-seed"], arch="arm64")
    with CrashGuest(kernel=kernel, arch="arm64", cpu="cortex-a72", cpus=2, memory="2G",
                    initrd=initrd, cmdline="crashkernel=512M") as guest:
        guest.wait_ready(120)
        yield guest


def load(guest, how: str, image: str, cmdline: str, options: str = "") -> None:
    command = f'kexec {how} {image} --initrd={INITRD} --append="{cmdline}" {options}'
    planned = json.loads(guest.check(f"{command} --dry-run --json 2>/dev/null"))
    for segment in planned["segments"]:
        assert segment["addr"] % PAGE == 0 and segment["size"] % PAGE == 0, segment
    guest.check(command)


@pytest.mark.parametrize("image", [SAME, SMALLER])
def test_jump(guest, image):
    load(guest, "-l", image, CONSOLE, "--seed=require")
    start = len(guest.console)
    guest.send_and_jump("kexec -e")
    release = guest.wait_ready(120)
    assert release.startswith("6.1." if image == SMALLER else "6.12")
    guest.wait_console(TIME_ZERO_SEED, 1, start)


def test_refresh(guest):
    guest.check(load_probe())
    place = parts(guest)
    seeds = [base_seed(guest, place)]
    for _ in range(3):
        check_verified(guest, "6.12")
        assert refresh(guest)["refresh"] == "dynamic"
        seeds.append(base_seed(guest, place))
    none_twice(seeds)
    assert strays(guest, seeds[0], seeds[-2]) == []
    seen = crash_into_probe(guest)
    assert seen.tree["/chosen"]["rng-seed"] == seeds[-1]
    assert AS_DRAWN in load_probe()
    assert strays(guest, *seeds[:-1]) == []


def test_crash(guest):
    load(guest, "-p", SAME, capture_cmdline("arm64"), "--seed=require --console-serial")
    assert refresh(guest)["refresh"] == "dynamic"
    before = Before(guest)
    start = crash(guest)
    guest.wait_ready(120)
    said = guest.console[start:]
    assert "purgatory: ok" in said and "damaged" not in said
    guest.wait_console(TIME_ZERO_SEED, 1, start)
    check_headers(Vmcore(guest), before, 2)
