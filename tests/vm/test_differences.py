# SPDX-License-Identifier: GPL-2.0-only
"""Where kexec-tools and this kexec differ, as the tables in kexec(8) say: both run the same
command. Rows of machines and images that kexec-tools cannot be run on here have a test of ours
alone: test_machines.py (Xen), unit/test_placement.c (32-bit kernels)."""

import re
import sys
from pathlib import Path

import pytest

import cache
from cache import kexec_tools
from crash import KERNEL, Setup, running
from formats import archive, make_uki, memtest
from guest import CMDLINE, Guest
from initrd import build_initrd, libraries
from places import kexec

sys.path.append(str(Path(__file__).resolve().parents[1] / "unit"))
from small_images import make_bzimage  # noqa: E402

THEIRS = "/usr/sbin/their-kexec"
COMMAND = (" -c -l /boot/vmlinuz-6.12 --initrd=/boot/first --initrd=/boot/initrd --reuse-cmdline"
           " --append=mark=2 --append=mark=3")


@pytest.mark.parametrize("loader", ["kexec", THEIRS])
def test_command_lines_and_initrds(build, tmp_path, loader):
    first = archive(tmp_path / "first", {"/first": b"12345"})
    with open(first, "ab") as out:
        out.write(bytes(-first.stat().st_size % 4 + 1))  # padding has to follow
    initrd = build_initrd(kernels=["6.12"], files={"/boot/first": first},
                          programs=[kexec(build), (THEIRS, kexec_tools())])
    with Guest(kernel="6.12", initrd=initrd,
               cmdline="elfcorehdr=0x1000 mark=1 -- mark=init") as guest:
        guest.check(loader + COMMAND)
        guest.send_and_jump("kexec -e")
        guest.wait_ready()
        words = guest.check("cat /proc/cmdline").split()
        inherited = [x for x in words if x.startswith(("mark=", "elfcorehdr=")) or x == "--"]
        has_first = guest.run("test -e /first").status == 0
        if loader == "kexec":
            assert inherited == ["mark=1", "mark=2", "mark=3", "--", "mark=init"]
            assert has_first
        else:  # a stale word is kept, the first two are lost, the third goes to init
            assert inherited == ["elfcorehdr=0x1000", "mark=1", "--", "mark=init", "mark=3"]
            assert not has_first
        assert set(CMDLINE.split()) <= set(words)


# A row of the manual, what to do before, the command, and status and words of both.
HIDE_IOMEM = ("sed 's/[0-9a-f]*-[0-9a-f]* :/00000000-00000000 :/' /proc/iomem >/iomem"
              " && mount --bind /iomem /proc/iomem")
HIDE_FIRMWARE = "umount /proc/iomem; mount -t tmpfs tmpfs /sys/firmware"
MAKE_BIG = "mkdir /mnt; mount -t tmpfs -o size=2G tmpfs /mnt && truncate -s {}K /mnt/big"
NOTHING = (0, "")
ROWS = [
    ("memory devices, -p", "", f"-c -d -p {KERNEL} --append=x", NOTHING,
     (0, " acpi_no_memhotplug x")),
    ("file in /proc", "", f"-c -l {KERNEL} --initrd=/proc/cmdline", NOTHING,
     (1, "/proc/cmdline: a file that cannot be mapped, as in /proc")),
    ("character device", "", f"-c -l {KERNEL} --initrd=/dev/null", (1, "Cannot read /dev/null"),
     (1, "/dev/null: not a regular file")),
    ("--reset-vga", "", f"-l --reset-vga {KERNEL}", NOTHING, (0, "--reset-vga has no effect")),
    ("over half of memory", MAKE_BIG, f"-c -i -l {KERNEL} --initrd=/mnt/big",
     (255, "kexec_load failed: Invalid argument"), (1, "half of the memory")),
    ("-a, masked iomem, -p", HIDE_IOMEM, f"-a -p {KERNEL}", NOTHING,
     (0, "using kexec_file_load: /proc/iomem hides its addresses")),
    ("--console-vga", "", f"-c -l {KERNEL} --console-vga", NOTHING, (0, "--console-vga")),
    ("EFI, no /sys/firmware", HIDE_FIRMWARE, f"-c -l {KERNEL}", NOTHING,
     (1, "/sys/firmware/efi: No such file")),
    ("EFI, no /sys/firmware", "", f"-l {KERNEL}", NOTHING, (0, "using kexec_file_load: /sys/")),
]
DIMM = ["-m", "size=1G,slots=2,maxmem=4G", "-object", "memory-backend-ram,id=dimm,size=256M",
        "-device", "pc-dimm,id=d,memdev=dimm", "-vga", "std"]


def test_machines_and_files(build):
    """Where kexec-tools says nothing, ours says why."""
    files = {THEIRS: kexec_tools(), **libraries(kexec_tools())}
    with running(build, Setup("6.12", crashkernel="128M", firmware="efi"), files=files,
                 kind=Guest, extra=DIMM) as guest:
        total = int(guest.check("awk '/^MemTotal/ {print $2}' /proc/meminfo"))
        for row, before, command, theirs, ours in ROWS:
            guest.run(before.format(total // 2 - 20 * 1024))
            for loader, (status, words) in ((THEIRS, theirs), ("kexec", ours)):
                done = guest.run(f"{loader} {command}", 120)
                assert (done.status, words in done.output) == (status, True), (row, done.output)
                assert loader == "kexec" or ours[1] not in done.output, (row, done.output)


# Not the real ones, but what tells them: no entry point, no code (boot.rst).
NEEDS_BIOS = {"/ipxe.lkrn": {"code32_start": 0, "version": 0x207},
              "/memdisk": {"syssize": 0, "version": 0x203}}
DISK = "/dev/nvme0n1"
IMAGES = [
    *[(path, f"-c -l {path}", NOTHING, (1, "needs the BIOS")) for path in NEEDS_BIOS],
    ("5-level paging", "-c -l /memtest", NOTHING, (0, "in 32-bit mode")),
    ("block device", f"-c -d -l {KERNEL} --initrd={DISK}", NOTHING, (0, "")),
    ("addon of a UKI", "-c -d -l /uki.efi", (255, "Cannot determine the file type"),
     (0, "from.uki from.addon")),
]


def test_images(build, tmp_path):
    """What kexec-tools loads without a word, ours refuses, or says what it does with it. (Debian's
    kexec-tools is older than its support for UKIs.)"""
    addon = make_uki(tmp_path / "addon", {".cmdline": b"from.addon"})
    image = make_uki(tmp_path / "uki", {".linux": cache.kernel_image("6.12"),
                                        ".cmdline": b"from.uki"})
    files = {"/memtest": memtest("x64"), "/uki.efi": image,
             "/uki.efi.extra.d/a.addon.efi": addon, THEIRS: kexec_tools(),
             **libraries(kexec_tools()),
             **{path: make_bzimage(relocatable_kernel=0, cmdline_size=2047, **fields) for path, fields in NEEDS_BIOS.items()}}
    disk = tmp_path / "disk"
    disk.write_bytes(archive(tmp_path / "first", {"/first": b"12345"}).read_bytes()
                     .ljust(1 << 20, b"\0"))
    extra = ["-drive", f"if=none,id=disk,format=raw,file={disk}",
             "-device", "nvme,drive=disk,serial=1"]
    with running(build, Setup("6.12", cpu="max,+la57"), files=files, kind=Guest,
                 extra=extra) as guest:
        for row, command, theirs, ours in IMAGES:
            for loader, (status, words) in ((THEIRS, theirs), ("kexec", ours)):
                done = guest.run(f"{loader} {command}", 120)
                assert (done.status, words in done.output) == (status, True), (row, done.output)
                assert loader == "kexec" or not ours[1] or ours[1] not in done.output, row


# Persistent memory, ACPI tables and reserved memory in the middle of RAM.
MEMORY = "memmap=64M!512M memmap=32M#640M memmap=16M$704M"
E820 = {"RAM": 1, "reserved": 2, "ACPI": 3, "PRAM": 12}


def test_memory_map_of_a_crash_kernel(build):
    """All that is not RAM is passed on alike."""
    files = {THEIRS: kexec_tools(), **libraries(kexec_tools())}
    with running(build, Setup("6.12", crashkernel="128M"), files=files, kind=Guest,
                 cmdline=MEMORY) as guest:
        theirs = guest.check(f"{THEIRS} -c -d -p {KERNEL} --append=x 2>&1")
        ours = guest.check(f"kexec -c -d -p {KERNEL} --append=x 2>&1")
    theirs = re.findall(r"^(\w+)-(\w+) \((\d+)\)$", theirs.partition("E820 memmap:")[2], re.M)
    ours = re.findall(r"^  0x(\w+)-0x(\w+)  (\w+)$", ours.partition("memory map")[2], re.M)
    theirs = {(int(a, 16), int(b, 16), int(kind)) for a, b, kind in theirs if kind != "1"}
    ours = {(int(a, 16), int(b, 16), E820[kind]) for a, b, kind in ours if kind != "RAM"}
    assert {(32 << 24, (36 << 24) - 1, 12), (40 << 24, (42 << 24) - 1, 3)} < ours
    assert ours == theirs
