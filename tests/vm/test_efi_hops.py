# SPDX-License-Identifier: GPL-2.0-only
"""A chain of kernels on EFI firmware: in each, runtime services work, tables and memory map are
those of the first kernel, and the seed is new.

The CPU has no RDRAND, so a generator that is ready at time zero has used a seed.
"""

import lzma
import re
import struct

import pytest

from cache import cache_dir
from guest import CMDLINE, Guest
from initrd import build_initrd
from places import kexec, some
from test_jump import TIME_ZERO_SEED, node_types

CHAIN = ["6.1", "6.12", "7.3", "6.1"]
EFI = "/sys/firmware/efi"
VARIABLES = f"{EFI}/efivars"
# This test's own variables: their efivarfs name, and their attributes, which precede the
# data (UEFI specification, GetVariable()): non-volatile, boot, runtime.
OWN = "KexecSeedHop{}-f1a3c05e-52f4-4d06-9be1-1d3a59f3e0c7"
ATTRIBUTES = r"\007\000\000\000"
# The firmware's own records, which it may change at any call.
RECORDS = ("MTC-", "VarErrorFlag-")
SETUP_EFI = 4
SETUP_RNG_SEED = 9
# asm/bootparam.h: efi_info and secure_boot. A descriptor of the map has 48 bytes.
EFI_INFO = struct.Struct("<4sIIIIIII")
EFI_INFO_AT, SECURE_BOOT_AT = 0x1c0, 0x1ec
DESCRIPTOR = 48


def efivarfs(kernel: str) -> bytes:
    [module] = (cache_dir() / f"kernels/{kernel}/modules").rglob("efivarfs.ko*")
    data = module.read_bytes()
    return lzma.decompress(data) if module.suffix == ".xz" else data


def nested_initrd(build, chain: list[str]):
    """For the first of these kernels; nested in it, the second and its own initrd."""
    inner = None
    for kernel, following in reversed([*zip(chain, [*chain[1:], None])]):
        inner = build_initrd(programs=[kexec(build)], name="hop", next_initrd=inner,
                             files={"/efivarfs.ko": efivarfs(kernel)},
                             kernels=[following] if following else [])
    return inner


def jump(guest: Guest, kernel: str, options: str) -> None:
    """Into the next kernel, which must be seeded from time zero."""
    guest.check(f"kexec -l {options} --seed=require /boot/vmlinuz-{kernel}"
                f" --initrd=/boot/initrd --command-line='{CMDLINE}'")
    start = len(guest.console)
    guest.send_and_jump("kexec -e")
    assert guest.wait_ready(120).startswith(f"{kernel}.")
    assert node_types(guest)[0] == SETUP_RNG_SEED
    assert re.search(TIME_ZERO_SEED, guest.console[start:], re.MULTILINE)


def variables(guest: Guest) -> dict[str, str]:
    """Name -> digest of each variable, read through the firmware's service."""
    out = guest.check(f"cd {VARIABLES} && sha256sum *")
    return {name: digest for digest, name in map(str.split, out.splitlines())
            if not name.startswith(RECORDS)}


def firmware(guest: Guest) -> tuple[str, list[str]]:
    """The kernel's view of the firmware's tables and map, which must never change."""
    tables = guest.check(f"cat {EFI}/systab {EFI}/fw_platform_size {EFI}/fw_vendor"
                         f" {EFI}/config_table")
    runtime_map = guest.check(
        f"cd {EFI}/runtime-map && for i in *; do cat $i/type $i/phys_addr $i/virt_addr"
        " $i/num_pages $i/attribute | tr '\\n' ' '; echo; done")
    return tables, sorted(runtime_map.splitlines())


def boot_params(guest: Guest) -> bytes:
    return guest.run("cat /sys/kernel/boot_params/data").data


def efi_info(guest: Guest) -> tuple:
    return EFI_INFO.unpack_from(boot_params(guest), EFI_INFO_AT)


def check_boot_params(guest: Guest, first: bytes, entries: int) -> None:
    """The first kernel's, except that the map has only runtime services."""
    now = boot_params(guest)
    signature, table, size, version, _, map_size, table_high, _ = \
        EFI_INFO.unpack_from(now, EFI_INFO_AT)
    was = EFI_INFO.unpack_from(first, EFI_INFO_AT)
    assert (signature, table, table_high) == (was[0], was[1], was[6])
    assert (size, version) == (was[2], was[3]) == (DESCRIPTOR, 1)
    assert map_size == entries * DESCRIPTOR < was[5]
    assert now[SECURE_BOOT_AT] == first[SECURE_BOOT_AT] != 0
    assert SETUP_EFI in node_types(guest)


@pytest.mark.parametrize("calls", some([("-c", "-c", "-c"), ("-s", "-c", "-s")], 1))
def test_services_after_each_hop(build, calls):
    with Guest(kernel=CHAIN[0], firmware="efi", cpu="qemu64", memory="1G",
               initrd=nested_initrd(build, CHAIN)) as guest:
        guest.wait_ready(120)
        first = boot_params(guest)
        before, seen = None, None
        for number, call in enumerate([None, *calls]):
            if call:
                jump(guest, CHAIN[number], call)
            guest.check(f"insmod /efivarfs.ko && mount -t efivarfs none {VARIABLES}")
            now, told = variables(guest), firmware(guest)
            assert len(now) > 10 and len(told[1]) > 1
            if call:
                assert (now, told) == (before, seen), f"hop {number}"
                check_boot_params(guest, first, len(told[1]))
            # the following kernels must read this kernel's variable
            guest.check(f"printf '{ATTRIBUTES}hop {number}' >"
                        f"{VARIABLES}/{OWN.format(number)}")
            before, seen = variables(guest), told
            assert len(before) == len(now) + 1
        for number in range(len(CHAIN)):
            assert guest.check(f"tail -c +5 {VARIABLES}/{OWN.format(number)}"
                               ) == f"hop {number}"


def test_noefi(build):
    """A kernel booted with noefi logs no errors, finds its ACPI tables, and passes on its
    boot data."""
    chain = ["6.12"] * 3
    with Guest(kernel=chain[0], firmware="efi", cpu="qemu64", memory="512M",
               initrd=nested_initrd(build, chain)) as guest:
        tables = "ls -R /sys/firmware/acpi/tables"
        acpi = guest.check(tables)
        assert "APIC" in acpi and efi_info(guest)[0] == b"EL64"
        for options in ("--noefi", ""):
            jump(guest, chain[0], f"-c {options}")
            assert node_types(guest) == [SETUP_RNG_SEED]
            assert efi_info(guest) == (bytes(4), 0, 0, 0, 0, 0, 0, 0)
            assert guest.run(f"test -e {EFI}").status == 1
            assert guest.check(tables) == acpi
            bad = guest.run("dmesg -r | grep '^<[0-3]>'").output
            assert bad == "" and " efi: " not in guest.check("dmesg")
