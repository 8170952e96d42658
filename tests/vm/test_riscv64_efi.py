# SPDX-License-Identifier: GPL-2.0-only
"""riscv64 under UEFI, with ACPI ("efi") and with a device tree: load, crash, refresh. With ACPI
the tree in /sys/firmware/fdt has no CPUs and no devices.

Seeds are compared byte by byte. A kernel's "crng init done" proves nothing here: it may have
credited an RNG table of the firmware, after a crash one of zeroes.

KEXEC_MACHINES=all: every test with both.
"""

import itertools
import json
import re

import pytest

from birthdays import none_twice
from cache import kernel_release
from crash import (KERNEL, PROBE, RAMDISK, Setup, capture_cmdline, crash, load_command,
                   running)
from guest import Guest
from initrd import build_initrd, libraries
from loaded import AS_DRAWN, CPIO, SEED_SIZE, crash_status, strays
from places import ALL, kexec, some
from probe_arm64 import wait_for_probe
from test_arm64_jump import memory_map
from test_crash import crash_and_look
from test_refresh import refresh
from test_riscv64 import KERNEL as OLDER
from test_riscv64 import GIFTED, NEWEST, PLAIN, build, probed  # noqa: F401 (build: a fixture)

ACPI, TREE = "efi", "efi-tree"
BOTH = [ACPI, TREE]
LOAD = "--reuse-cmdline --console-serial --seed=require"
HARDWARE = ("nproc; ls /sys/firmware /sys/firmware/acpi/tables /proc/device-tree 2>/dev/null;"
            " true")


def machine(firmware: str, kernel: str = OLDER, cpus: int = 1, cpu: str = PLAIN) -> Setup:
    """The newer kernel's crash kernel sets 128 MiB aside for itself."""
    return Setup(kernel, cpus, "1G" if kernel == OLDER else "2G",
                 "256M" if kernel == OLDER else "512M", firmware, cpu, "riscv64")


def with_seed_tool(build, setup: Setup, **more):  # noqa: F811
    tool = build / "kexec_seed/kexec-seed"
    return running(build, setup, files={"/usr/sbin/kexec-seed": tool, "/ramdisk": CPIO * 1000,
                                        **libraries(tool, "riscv64")}, **more)


@pytest.mark.parametrize("firmware", BOTH if ALL else [ACPI])
def test_two_hops(build, firmware):  # noqa: F811
    """The next kernel finds memory, harts and firmware as the first one did, and loads the probe,
    which shows a seed. CPU features are known at each load."""
    initrd = build_initrd(kernels=[NEWEST], programs=[kexec(build)], arch="riscv64",
                          files={PROBE: build / "tests/probe/probe.Image"})
    with Guest(kernel=OLDER, arch="riscv64", cpu=GIFTED, cpus=2, firmware=firmware,
               initrd=initrd, cmdline="retain_initrd") as guest:
        guest.wait_ready(120)
        before = memory_map(guest), guest.check(HARDWARE)
        assert ("RHCT" in before[1]) == (firmware == ACPI)
        for image in (f"/boot/vmlinuz-{NEWEST}", PROBE):
            told = json.loads(guest.check(
                f"kexec -l {image} --reuseinitrd {LOAD} --dry-run --json 2>/run/said", 120))
            assert told["seed_mix"]["inputs"] == ["ZKR", "COUNTER", "KERNEL_MEMORY"]
            guest.check(f"kexec -l {image} --reuseinitrd {LOAD}", 120)
            start = len(guest.console)
            if image != PROBE:
                guest.send_and_jump("kexec -e")
                assert guest.wait_ready(120) == kernel_release(NEWEST, "riscv64")
                assert (memory_map(guest), guest.check(HARDWARE)) == before
            else:
                seed = probed(guest).tree["/chosen"]["rng-seed"]
                assert len(seed) == SEED_SIZE and len(set(seed)) > SEED_SIZE // 2
            said = guest.console[start:]
            assert "with Zknh" in said
            assert "seed mixed with ZKR, COUNTER, kernel memory\n" in said


@pytest.mark.parametrize("firmware", BOTH if ALL else [TREE])
def test_last_seed_is_used(build, firmware):  # noqa: F811
    """After refreshes, the crash kernel is handed the last seed, byte by byte."""
    load = f"kexec -c -p {PROBE} --initrd=/ramdisk {LOAD} {AS_DRAWN}"
    with with_seed_tool(build, machine(firmware)) as guest:
        assert "crashkernel=256M" in guest.check("cat /proc/cmdline")
        guest.check(load)
        told = json.loads(guest.check(f"{load} --dry-run --json 2>/run/said"))
        [base] = [s["addr"] for s in told["segments"] if s["kind"] == "seed"]
        seeds = [guest.ram.read(base, SEED_SIZE)]
        for done in (1, 2, 3):
            told = refresh(guest)
            assert (told["refresh"], told["refreshes"]) == ("dynamic", done), told
            seeds.append(guest.ram.read(base, SEED_SIZE))
        none_twice(seeds)
        status = crash_status(guest)
        assert status["method"] == "kexec_load" and status["proven"], status
        guest.check("kexec-seed verify")
        assert strays(guest, *seeds[:-1]) == [] and strays(guest, seeds[-1]) == [base]
        start = crash(guest)
        chosen = wait_for_probe(guest, 60).tree["/chosen"]
        assert "purgatory: ok" in guest.console[start:]
        assert chosen["rng-seed"] == seeds[-1]
        # under UEFI a crash kernel hangs early if it is to reserve memory for another one
        assert b"console=ttyS0" in chosen["bootargs"] and b"crashkernel" not in chosen["bootargs"]


@pytest.mark.parametrize("firmware, kernel", [
    *itertools.product(BOTH, [OLDER, NEWEST])] if ALL else [(ACPI, NEWEST)])
def test_crash(build, tmp_path, firmware, kernel):  # noqa: F811
    """The dump is complete, with an inherited command line, after a refresh."""
    setup = machine(firmware, kernel, cpus=2)
    with with_seed_tool(build, setup) as guest:
        guest.check(f"kexec -c -p {KERNEL} --initrd={RAMDISK} {LOAD}"
                    " --append='nr_cpus=1 reset_devices'")
        assert refresh(guest)["refresh"] == "dynamic"
        guest.check("kexec-seed verify")
        said = crash_and_look(guest, "sysrq", setup, tmp_path)
        assert "purgatory: ok" in said and "damaged" not in said
        assert "crashkernel" not in guest.check("cat /proc/cmdline")


@pytest.mark.parametrize("word, early", some([
    ("", False), ("random.trust_bootloader=on", True)], 0))
def test_no_zeroes(build, word, early):  # noqa: F811
    """Without a seed, a crash kernel does not take firmware's table, which is zeroed, for one. The
    second case is the fault."""
    with running(build, machine(TREE), extra=["-device", "virtio-rng-pci"]) as guest:
        guest.check(load_command("-c --seed=off", cmdline=f"{capture_cmdline('riscv64')} {word}"))
        start = crash(guest)
        guest.wait_ready()
        times = re.findall(r"\[ *(\d+\.\d+)\] random: crng init done", guest.console[start:])
        assert bool(times and float(times[0]) == 0) == early
