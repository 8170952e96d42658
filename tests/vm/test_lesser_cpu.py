# SPDX-License-Identifier: GPL-2.0-only
"""A machine is saved on one host and resumed on another, whose CPU lacks instructions that it had
when the image was loaded: the next kernel starts all the same, and with a seed of its own."""

import re
from dataclasses import replace

import pytest

import cache
from birthdays import none_twice
from crash import Setup, crash, crash_guest, load_command
from guest import Guest
from initrd import build_initrd
from places import KERNELS, kexec, probe, some, spread
from probe import parse_probe

SAY = "--console-serial --serial=ttyS0"
FEWER = ["-sha-ni", "-rdseed", "-rdrand", "-pdpe1gb", "-sha-ni,-rdseed,-rdrand,-pdpe1gb"]
ALL_FEWER = FEWER[-1]


def machine(build, kernel: str, cpu: str, cmdline: str = "") -> dict:
    programs = [kexec(build), build / "kexec_seed/kexec-seed"]
    return {"kernel": kernel, "memory": "512M", "cpu": cpu, "cmdline": cmdline, "qemu": "10",
            "initrd": build_initrd(programs=programs, files={"/probe": probe(build)})}


def seed_at_probe(guest: Guest, how: str) -> bytes:
    guest.send_and_jump(how)
    guest.wait_console("PROBE END", 120)
    [seed] = [n.data for n in parse_probe(guest.console).setup_data if n.type == 9]
    assert len(seed) == 32 and any(seed)
    return seed


def check_said(said: str, fewer: str) -> None:
    assert ("verifying without SHA-NI" in said) == ("-sha-ni" in fewer)
    mixed = re.search(r"purgatory: seed mixed with (.*)", said)[1]
    assert ("RDSEED" in mixed) == ("-rdseed" not in fewer)
    if "-rdseed" in fewer:  # one source of words is enough: RDRAND fills in for RDSEED
        assert ("RDRAND" in mixed) == ("-rdrand" not in fewer)
    assert "TSC" in mixed


def resumed(build, tmp_path, kernel: str, fewer: str, load: str, jump: str,
            cmdline: str = "") -> None:
    saved = tmp_path / "saved"
    seeds = []
    with Guest(**machine(build, kernel, "max", cmdline)) as guest:
        guest.check(load)
        guest.save(saved)
    for _ in range(2):
        with Guest(**machine(build, kernel, f"max,{fewer}", cmdline), incoming=saved) as guest:
            guest.cont()
            seeds.append(seed_at_probe(guest, jump))
            check_said(guest.console, fewer)
    none_twice(seeds)


@pytest.mark.parametrize("kernel, fewer", spread(KERNELS, FEWER))
def test_next_kernel(build, tmp_path, kernel, fewer):
    resumed(build, tmp_path, kernel, fewer, f"kexec -c -l /probe --seed=require {SAY}",
            "kexec -e")


@pytest.mark.parametrize("fewer", some(FEWER, 4))
def test_crash_kernel(build, tmp_path, fewer):
    resumed(build, tmp_path, "6.12", fewer, f"kexec -c -p /probe --seed=require {SAY}",
            "echo c >/proc/sysrq-trigger", "crashkernel=64M")


@pytest.mark.parametrize("ours", [True, False])
def test_dump(build, tmp_path, ours):
    """The capture kernel comes up and has its dump, as it has with kexec-tools."""
    program = None if ours else cache.kexec_tools()
    more = {"program": program, "kind": Guest, "qemu": "10"}
    setup = Setup("6.12", 1, "1G", "256M", "bios", "max")
    with crash_guest(build, setup, **more) as guest:
        guest.check(load_command(f"-c {SAY}" if ours else ""))
        guest.save(tmp_path / "saved")
    lesser = replace(setup, cpu=f"max,{ALL_FEWER}")
    with crash_guest(build, lesser, incoming=tmp_path / "saved", **more) as guest:
        guest.cont()
        start = crash(guest)
        guest.wait_ready()
        guest.check("makedumpfile -l -d 31 /proc/vmcore /tmp/dump && [ -s /tmp/dump ]", 180)
        assert ("purgatory: exception 6" in guest.console[start:]) == ours


# A kernel that found RDSEED or RDRAND at boot executes them in its own RNG, without a way out.
@pytest.mark.parametrize("before, after", [("max", "max,-sha-ni"), (f"max,{ALL_FEWER}", "max")])
def test_refresh(build, tmp_path, before, after):
    """A refresh takes the CPU anew: nothing is tried in vain, and nothing is left unused."""
    saved = tmp_path / "saved"
    with Guest(**machine(build, "7.3", before, "crashkernel=64M")) as guest:
        guest.check(f"kexec -c -p /probe --seed=require {SAY}")
        guest.save(saved)
    with Guest(**machine(build, "7.3", after, "crashkernel=64M"), incoming=saved) as guest:
        guest.cont()
        # the kernel saw the first CPU when it booted; this is what it would see now
        flags = "sed '/^flags/s/ sha_ni//' /proc/cpuinfo"
        if after == "max":
            flags = "sed '/^flags/s/$/ sha_ni rdseed rdrand/' /proc/cpuinfo"
        guest.check(f"{flags} >/tmp/cpuinfo && mount -o bind /tmp/cpuinfo /proc/cpuinfo")
        assert '"refresh":"dynamic"' in guest.check("kexec-seed refresh --json").replace(" ", "")
        assert '"good":true' in guest.check("kexec-seed verify --json").replace(" ", "")
        seed_at_probe(guest, "echo c >/proc/sysrq-trigger")
        assert "exception" not in guest.console
        assert ("with SHA-NI" in guest.console) == (after == "max")
        assert "mixed with RDSEED" in guest.console
