# SPDX-License-Identifier: GPL-2.0-only
"""UKIs, ELF vmlinux files and memtest86+: loaded, jumped into, crashed into; each also
compressed with gzip, xz and zstd."""

import json
import re
import subprocess
from pathlib import Path

import pytest

import cache
from crash import Setup, crash, load_command, running
from formats import archive, make_uki, memtest, vmlinux, wrap
from guest import CMDLINE, Guest
from initrd import build_initrd, libraries
from loaded import crash_status, refused
from places import kexec
from test_jump import TIME_ZERO_SEED, node_types

MACHINES = Path(__file__).resolve().parents[1] / "machines"
UKI_CMDLINE = f"{CMDLINE} from.uki='a b'"
MARKS = {"/first": b"microcode goes first", "/second": b"then the initrd"}
# No 5-level paging, with which memtest86+ cannot be entered, and a vendor without known
# cache sizes: it would measure cache speed for minutes.
MEMTEST_CPU = "qemu64,vendor=CentaurHauls"


@pytest.fixture(scope="module", params=["6.12", "7.3"])
def elf(request, tmp_path_factory) -> tuple[str, Path]:
    """With per-CPU data in its own segment, and without."""
    path = tmp_path_factory.mktemp("elf") / "vmlinux"
    return request.param, vmlinux(request.param, path)


@pytest.fixture(scope="module")
def uki(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("uki")
    first = archive(folder / "first", {"/first": MARKS["/first"]})
    second = build_initrd(files={"/second": MARKS["/second"]}, name="uki")
    return make_uki(folder / "uki", {
        ".osrel": b"ID=test\n", ".cmdline": UKI_CMDLINE.encode() + b"\n",
        ".uname": b"6.12", ".ucode": first, ".initrd": second,
        ".linux": cache.kernel_image("6.12")})


def plan(build: Path, *options: str | Path) -> dict:
    done = subprocess.run(
        [kexec(build), "--dry-run", "--json", f"--facts={MACHINES / 'bios-1g'}",
         *map(str, options)],
        capture_output=True, text=True, timeout=120, check=False)
    doubts = ("the command line is empty", "is no archive")
    assert done.returncode == 0 and all(
        any(x in line for x in doubts) for line in done.stderr.splitlines()), done.stderr
    return json.loads(done.stdout)


def segment(of: dict, kind: str) -> dict:
    [found] = [s for s in of["segments"] if s["kind"] == kind]
    return found


def jump(guest: Guest, load: str) -> None:
    """Load, and jump into a Linux that is seeded from time zero."""
    guest.check(f"{load} --seed=require")
    start = len(guest.console)
    guest.send_and_jump("kexec -e")
    guest.wait_ready()
    assert node_types(guest)[0] == 9
    assert re.search(TIME_ZERO_SEED, guest.console[start:], re.MULTILINE)


@pytest.mark.parametrize("kind, how", [("elf", "gzip"), ("elf", "zstd"), ("uki", "xz"),
                                       ("uki", "zstd")])
def test_wrapped(build, tmp_path, uki, kind, how):
    """Compression does not change the plan. (xz is slow on a vmlinux.)"""
    path = uki if kind == "uki" else vmlinux("6.12", tmp_path / "vmlinux")
    assert plan(build, wrap(path, how)) == plan(build, path)


def test_vmlinux(build, elf):
    """Above 4 GiB, with 5-level paging; from a compressed file."""
    slot, path = elf
    packed = wrap(path, {"6.12": "gzip", "7.3": "zstd"}[slot])
    initrd = build_initrd(files={"/vmlinux": packed}, programs=[kexec(build)],
                          next_initrd=build_initrd(name="next"))
    with Guest(kernel="6.1", memory="6G", initrd=initrd) as guest:
        if slot == "6.12":
            refused(guest, "kexec -s -l /vmlinux", "/vmlinux is an ELF vmlinux",
                    "kexec_load (-c) does")
            refused(guest, "kexec -l --entry-32bit /vmlinux", "no 32-bit entry point")
            refused(guest, "kexec -l -t bzImage /vmlinux", "type ELF vmlinux")
        jump(guest, f"kexec -l /vmlinux --initrd=/boot/initrd --command-line='{CMDLINE}'")
        assert slot in guest.release
        assert guest.check("cat /proc/cmdline").strip() == CMDLINE
        [text] = re.findall(r"^ *(\w+)-\w+ : Kernel code", guest.check("cat /proc/iomem"),
                            re.MULTILINE)
        assert int(text, 16) > 4 << 30


@pytest.mark.parametrize("kind", ["vmlinux", "uki"])
def test_after_a_crash(build, tmp_path, uki, kind):
    """As a crash kernel, refreshed before the crash. A UKI is reloaded with the initrd it
    contains."""
    seed = build / "kexec_seed/kexec-seed"
    image = uki if kind == "uki" else vmlinux("6.12", tmp_path / "vmlinux")
    files = {"/image": image, "/usr/sbin/kexec-seed": seed, **libraries(seed)}
    with running(build, Setup("6.12", memory="2G"), files=files) as guest:
        if kind == "uki":
            guest.check("kexec -s -p /image && kexec-seed refresh")  # loads it again
            assert crash_status(guest)["method"] == "kexec_file_load"
            assert crash_status(guest)["refreshes"] == 1
            guest.check("kexec -c -p /image")
        else:
            guest.check(load_command("-c", "/image"))
        guest.check("kexec-seed refresh && kexec-seed verify")
        assert crash_status(guest)["refreshes"] == 1
        start = crash(guest)
        guest.wait_ready()
        assert "6.12" in guest.release and node_types(guest)[0] == 9
        assert re.search(TIME_ZERO_SEED, guest.console[start:], re.MULTILINE)
        assert int(guest.check("stat -c %s /proc/vmcore")) > 1 << 30
        if kind == "uki":
            assert guest.check("cat /second") == MARKS["/second"].decode()


def test_uki(build, uki):
    """With its own initrd and command line; by kexec_file_load, its kernel at least."""
    initrd = build_initrd(files={"/uki": uki, "/uki.xz": wrap(uki, "xz")},
                          programs=[kexec(build)])
    with Guest(kernel="7.3", memory="2G", initrd=initrd) as guest:
        guest.check("kexec -s -l /uki && kexec -u")
        said = guest.check("kexec -d -l /uki 2>&1")
        assert "its initrd is used" in said and "its command line is used" in said
        jump(guest, "kexec -l /uki.xz")
        assert "6.12" in guest.release
        assert guest.check("cat /proc/cmdline").strip() == UKI_CMDLINE
        for path, content in MARKS.items():
            assert guest.check(f"cat {path}") == content.decode()


def test_uki_with_something_else(build, uki, tmp_path):
    own = tmp_path / "initrd"
    own.write_bytes(bytes(5000))
    whole = plan(build, uki)
    assert whole["command_line"] == UKI_CMDLINE
    assert segment(whole, "initrd")["content"] > 1 << 20
    for options, initrd, cmdline in [
            ([f"--initrd={own}"], 5000, UKI_CMDLINE),
            (["--append=mine"], None, "mine"),
            (["--command-line="], None, ""),
            ([f"--initrd={own}", "--append=mine"], 5000, "mine")]:
        seen = plan(build, uki, *options)
        assert seen["command_line"] == cmdline
        assert segment(seen, "initrd")["content"] == \
            (initrd or segment(whole, "initrd")["content"])
        assert segment(seen, "kernel") == segment(whole, "kernel")


@pytest.mark.parametrize("image, options", [
    ("x64", ""), ("x64", "--entry-32bit"), ("ia32", "")])
def test_memtest(build, image, options):
    """A 64-bit and a 32-bit program that run only at 1 MiB."""
    initrd = build_initrd(files={"/memtest": memtest(image)}, programs=[kexec(build)])
    with Guest(kernel="6.12", memory="512M", cpu=MEMTEST_CPU, initrd=initrd) as guest:
        guest.check(f"kexec -l /memtest --command-line=console=ttyS0,115200 {options}")
        start = len(guest.console)
        guest.send_and_jump("kexec -e")
        guest.wait_console(r"Memtest86\+ v\d", 60, start)
        guest.wait_console(r"Memory  :  51\dMB", 30, start)


def test_memtest_and_five_levels(build):
    """It cannot be entered with 5-level paging, and is in 32-bit mode."""
    initrd = build_initrd(files={"/memtest": memtest("x64")}, programs=[kexec(build)])
    cpu = f"{MEMTEST_CPU},+la57"
    with Guest(kernel="6.12", memory="512M", cpu=cpu, initrd=initrd) as guest:
        guest.check("grep -qw la57 /proc/cpuinfo")
        assert "in 32-bit mode" in guest.check(
            "kexec -l /memtest --command-line=console=ttyS0,115200 2>&1")
        start = len(guest.console)
        guest.send_and_jump("kexec -e")
        guest.wait_console(r"Memtest86\+ v\d", 60, start)


@pytest.mark.parametrize("image", ["x64", "ia32"])
def test_memtest_elsewhere(build, image):
    """No crash region contains its address, and kexec_file_load(2) rejects it."""
    for options, says in (["-p", "cannot be moved from 0x100000"], ["-s -l", "kexec_load (-c) does"]):
        done = subprocess.run(
            [kexec(build), "--dry-run", f"--facts={MACHINES / 'crash-256m'}",
             *options.split(), str(memtest(image))],
            capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, done
        assert says in done.stderr
