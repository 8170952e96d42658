# SPDX-License-Identifier: GPL-2.0-only
"""Machines that hide something or have memory of another kind."""

import pytest

from crash import CMDLINE, Setup, crash, load_command, running
from guest import Guest
from initrd import build_initrd
from places import kexec

NEXT = "kexec -l /boot/vmlinuz-6.12 --initrd=/boot/initrd --append='console=ttyS0,115200 panic=-1'"
MASKS = {
    "firmware": "mount -t tmpfs tmpfs /sys/firmware",
    "sys": "umount -l /sys",
}


@pytest.mark.parametrize("mask", MASKS)
def test_efi_masked(build, mask):
    """The next kernel has ACPI, and both processors."""
    initrd = build_initrd(kernels=["6.12"], programs=[kexec(build)])
    with Guest(kernel="6.12", cpus=2, firmware="efi", initrd=initrd) as guest:
        guest.wait_ready()
        guest.check(MASKS[mask])
        done = guest.run(NEXT.replace("-l", "-c -l", 1))
        assert done.status == 1 and "/sys/" in done.output
        assert "using kexec_file_load: /sys/" in guest.check(NEXT)
        guest.send_and_jump("kexec -e -x")
        guest.wait_ready()
        assert guest.check("nproc").strip() == "2"
        guest.check("test -d /sys/firmware/acpi/tables")


def test_no_iomem(build):
    """A crash kernel where /proc/iomem has no addresses."""
    with running(build, Setup("6.12", 1, "1G", "256M", "bios", "max")) as guest:
        guest.check("sed 's/[0-9a-f]*-[0-9a-f]* :/00000000-00000000 :/' /proc/iomem >/iomem"
                    " && mount --bind /iomem /proc/iomem")
        done = guest.run(load_command("-c"))
        assert done.status == 1 and "/proc/iomem hides its addresses" in done.output
        assert "using kexec_file_load: /proc/iomem" in guest.check(load_command(""))
        assert guest.check("cat /sys/kernel/kexec_crash_loaded").strip() == "1"


@pytest.mark.parametrize("options", ["", "--pass-memmap-cmdline"])
def test_persistent_memory(build, options):
    """The crash kernel has the same, in boot_params and on its command line."""
    with running(build, Setup("6.12", 1, "1G", "128M", "bios", "max"),
                 cmdline="memmap=64M!512M") as guest:
        name = "20000000-23ffffff : Persistent Memory (legacy)"
        assert name in guest.check("cat /proc/iomem")
        guest.check(load_command(f"-c {options}"))
        crash(guest)
        guest.wait_ready()
        assert name in guest.check("cat /proc/iomem")


@pytest.mark.parametrize("own, forbidden", [("", True), (" memhp_default_state=online", False)])
def test_memory_device(build, own, forbidden):
    """The crash kernel does not take the crashed one's DIMM, unless the user wants it to. The
    second case is the fault."""
    extra = ["-m", "size=1G,slots=2,maxmem=4G",
             "-object", "memory-backend-ram,id=dimm,size=256M",
             "-device", "pc-dimm,id=d,memdev=dimm"]
    with running(build, Setup("6.12"), kind=Guest, extra=extra) as guest:
        guest.check("test -d /sys/bus/acpi/devices/PNP0C80:00")
        said = guest.check(load_command("-c -d", cmdline=CMDLINE + own))
        assert ("must not use: acpi_no_memhotplug" in said) == forbidden
        crash(guest)
        guest.wait_ready()
        assert ("acpi_no_memhotplug" in guest.check("cat /proc/cmdline")) == forbidden
        ram = guest.check("grep 'System RAM' /proc/iomem")
        assert ("100000000-" not in ram) == forbidden, ram


def test_half_of_memory(build):
    """The limit is half of MemTotal; what does not fit is refused before the system call."""
    initrd = build_initrd(kernels=["6.12"], programs=[kexec(build)])
    with Guest(kernel="6.12", memory="1G", initrd=initrd) as guest:
        guest.wait_ready()
        guest.check("mkdir /mnt && mount -t tmpfs -o size=2G tmpfs /mnt")
        total = int(guest.check("awk '/^MemTotal/ {print $2}' /proc/meminfo"))
        # between half of MemTotal and half of what firmware calls RAM, with a kernel of 56 MiB
        size = (total // 2 + 511 * 1024) // 2 - 56 * 1024
        guest.check(f"truncate -s {size}K /mnt/half && truncate -s 540M /mnt/most")
        for how in "-c", "-s", "-a":
            for name in "half", "most":
                done = guest.run(f"kexec {how} -i -l /boot/vmlinuz-6.12 --initrd=/mnt/{name}")
                assert done.status == 1 and "half of the memory" in done.output, done.output
        assert guest.check("cat /sys/kernel/kexec_loaded").strip() == "0"
