# SPDX-License-Identifier: GPL-2.0-only
"""Load and jump, from every kernel into every kernel: the next one has its seed from time zero,
its command line, its initrd and all of its memory."""

import re
import sys
from pathlib import Path

import pytest

from guest import Guest
from initrd import build_initrd
from places import KERNELS, kexec, some, spread

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from chainlib.watch import ChainGuest, Watch  # noqa: E402

NEXT_CMDLINE = "console=ttyS0,115200 panic=-1 from.test='a b'"
TIME_ZERO_SEED = r"^\[    0\.000000\] random: crng init done"

# The firmware memory map: each line is start, end and type of one range.
FIRMWARE_MAP = "cd /sys/firmware/memmap && for i in *; do cat $i/start $i/end $i/type; done"


def load(guest: Guest, version: str, options: str = "") -> None:
    guest.check(f"kexec -l /boot/vmlinuz-{version} --initrd=/boot/initrd"
                f' --append="{NEXT_CMDLINE}" {options}')


def jump(guest: Guest, version: str, options: str = "") -> int:
    """Jump into the next kernel; returns where its console starts."""
    load(guest, version, options)
    start = len(guest.console)
    guest.send_and_jump("kexec -e")
    assert version in guest.wait_ready()
    return start


def node_types(guest: Guest) -> list[int]:
    return [int(x, 16) for x in
            guest.check("cat /sys/kernel/boot_params/setup_data/*/type").split()]


@pytest.mark.parametrize("loader, loaded", some(
    spread(KERNELS, KERNELS, 3), 0, 3, 4, 5))
def test_next_kernel_has_all_it_needs(build, loader, loaded):
    initrd = build_initrd(kernels=[loaded], programs=[kexec(build)])
    with Guest(kernel=loader, memory="1G", initrd=initrd) as guest:
        memory = guest.check(FIRMWARE_MAP)
        start = jump(guest, loaded, "--seed=require")
        assert node_types(guest)[0] == 9
        assert re.search(TIME_ZERO_SEED, guest.console[start:], re.MULTILINE)
        assert guest.check("cat /proc/cmdline").strip() == NEXT_CMDLINE
        assert guest.check(FIRMWARE_MAP) == memory


@pytest.mark.parametrize("firmware, cpu", spread(["bios", "efi"], ["qemu64", "max"]))
def test_processors_and_firmware(build, tmp_path, firmware, cpu):
    """With and without 5-level paging, 1 GiB pages and RDRAND; also from EFI, where firmware may be
    what makes a generator ready: the seed's bytes are seen from outside, and the kernel leaves
    nothing of what it has used."""
    initrd = build_initrd(kernels=["6.12"], programs=[kexec(build)])
    with ChainGuest(kernel="6.12", firmware=firmware, cpu=cpu, initrd=initrd,
                    workdir=tmp_path) as guest:
        efi = guest.run("ls /sys/firmware/efi/runtime-map | wc -l").output
        load(guest, "6.12")
        watch = Watch(guest)
        watch.arm("kexec_image")
        guest.send_and_jump("kexec -e")
        seen = watch.follow()
        assert "6.12" in guest.wait_ready()
        assert seen.nodes, seen.why
        [node] = [n for n in seen.nodes if n.type == 9]
        assert len(node.data) == 32 and len(set(node.data)) > 16 and seen.mixed(node)
        index = node_types(guest).index(9)
        assert guest.check(f"wc -c </sys/kernel/boot_params/setup_data/{index}/data") == "0\n"
        if firmware == "efi":
            assert guest.run("ls /sys/firmware/efi/runtime-map | wc -l").output == efi


def test_above_4g(build):
    """8 GiB: everything goes above 4 GiB, and the next kernel finds all of its memory."""
    initrd = build_initrd(kernels=["6.1"], programs=[kexec(build)])
    with Guest(kernel="6.1", memory="8G", initrd=initrd) as guest:
        total = guest.check("grep MemTotal /proc/meminfo")
        plan = guest.check("kexec --dry-run /boot/vmlinuz-6.1 --initrd=/boot/initrd")
        addresses = re.findall(r"^  0x(\w+)-0x\w+ +\d+ KiB", plan, re.MULTILINE)
        assert addresses and all(int(a, 16) > 4 << 30 for a in addresses)
        jump(guest, "6.1")
        kib = [int(re.search(r"\d+", x)[0]) for x in
               (total, guest.check("grep MemTotal /proc/meminfo"))]
        assert abs(kib[0] - kib[1]) < 8192


def test_seed_off_means_off(build):
    """The check that passes with a seed fails without one."""
    initrd = build_initrd(kernels=["6.1"], programs=[kexec(build)])
    with Guest(kernel="6.1", initrd=initrd, cpu="qemu64") as guest:
        start = jump(guest, "6.1", "--seed=off")
        assert "No such file" in guest.run("cat /sys/kernel/boot_params/setup_data/0/type"
                                           ).output
        assert not re.search(TIME_ZERO_SEED, guest.console[start:], re.MULTILINE)


@pytest.mark.parametrize("policy, loads", [("auto", True), ("require", False)])
def test_generator_that_is_not_ready(build, policy, loads):
    """No RDRAND and no time to gather entropy: reported, and the policy is obeyed."""
    initrd = build_initrd(kernels=["6.1"], programs=[kexec(build)])
    with Guest(kernel="6.1", initrd=initrd, cpu="qemu64") as guest:
        done = guest.run(f"kexec -l /boot/vmlinuz-6.1 --seed={policy} --seed-timeout=0")
        if "not ready" not in done.output:
            pytest.fail("the generator was ready at once: this guest proves nothing")
        assert done.status == (0 if loads else 1)
        assert ("loading without a seed" in done.output) == loads
        assert guest.check("cat /sys/kernel/kexec_loaded").strip() == "01"[loads]
        # given time, waiting makes the kernel gather entropy
        guest.check("kexec -l /boot/vmlinuz-6.1 --seed=require --seed-timeout=30")


def test_reuse(build):
    """--reuse-cmdline and --reuseinitrd; and a bzImage in a compressed file."""
    initrd = build_initrd(kernels=["6.12"], programs=[kexec(build)])
    with Guest(kernel="6.12", initrd=initrd, cmdline="retain_initrd mark=1") as guest:
        guest.check("gzip -1c /boot/vmlinuz-6.12 >/packed && kexec -l /packed"
                    " --reuse-cmdline --reuseinitrd --append=mark=2")
        guest.send_and_jump("kexec -e")
        guest.wait_ready()
        cmdline = guest.check("cat /proc/cmdline")
        assert "mark=1 mark=2" in cmdline
        guest.check("kexec --version")  # the same initrd: it has our program


def test_unload_and_status(build):
    initrd = build_initrd(kernels=["6.1"], programs=[kexec(build)])
    with Guest(kernel="6.1", initrd=initrd) as guest:
        assert guest.run("kexec -S -l").status == 0
        guest.check("kexec -l /boot/vmlinuz-6.1")
        assert guest.run("kexec -S -l").status == 1
        assert guest.run("kexec -S").status == 0  # of the crash kernel
        guest.check("kexec -u")
        assert guest.run("kexec -S -l").status == 0
        done = guest.run("kexec -e")
        assert done.status == 1 and "no kernel is loaded" in done.output
