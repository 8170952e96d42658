# SPDX-License-Identifier: GPL-2.0-only
"""The kernel as oracle: loaded by our kexec_load(2) and by kexec_file_load(2) in the same
machine, the probe is handed the same data."""

import pytest

from guest import Guest
from initrd import build_initrd
from places import KERNELS, kexec, probe, spread
from probe import Probe, parse_probe

CMDLINE = "console=ttyS0,115200 oracle"

# boot_params fields that depend on the loader's placement: (offset, size, name).
ADDRESSES = [
    (0x0c0, 4, "ext_ramdisk_image"),
    (0x0c8, 4, "ext_cmd_line_ptr"),
    (0x1d0, 4, "efi_info.efi_memmap"),
    (0x1dc, 4, "efi_info.efi_memmap_hi"),
    (0x218, 4, "hdr.ramdisk_image"),
    (0x228, 4, "hdr.cmd_line_ptr"),
    (0x250, 8, "hdr.setup_data"),
]

# setup_data that only a kernel can fill in, because it describes the kernel's own state.
KERNEL_ONLY = {
    8: "SETUP_IMA: the measurement log of the running kernel",
    10: "SETUP_KEXEC_KHO: memory that the running kernel preserves (kexec handover)",
}

MACHINES = {
    "bios": {"memory": "1G"},
    "efi": {"memory": "1G", "firmware": "efi"},
    "8g": {"memory": "8G"},
    "qemu64": {"memory": "1G", "cpu": "qemu64"},
}


def handed_over(guest: Guest, how: str) -> Probe:
    guest.check(f"kexec {how} -l /probe --initrd=/ramdisk --append='{CMDLINE}'"
                " --seed=require")
    guest.send_and_jump("kexec -e")
    guest.wait_console("PROBE END", 120)
    return parse_probe(guest.console)


def both(build, tmp_path, kernel: str, machine: dict, *ways: str) -> list[Probe]:
    """Data handed to the probe in one machine resumed twice from the same moment."""
    files = {"/probe": probe(build), "/ramdisk": bytes(range(256)) * 400}
    setup = {"kernel": kernel, **machine,
             "initrd": build_initrd(programs=[kexec(build)], files=files)}
    saved = tmp_path / "saved"
    with Guest(**setup) as guest:
        guest.wait_ready()
        guest.save(saved)
        guest.cont()
        found = [handed_over(guest, ways[0])]
    for way in ways[1:]:
        with Guest(**setup, incoming=saved) as guest:
            guest.cont()
            found.append(handed_over(guest, way))
    saved.unlink()
    return found


def without_addresses(boot_params: bytes) -> bytes:
    page = bytearray(boot_params)
    for offset, size, _ in ADDRESSES:
        page[offset:offset + size] = bytes(size)
    return bytes(page)


def differences(a: bytes, b: bytes) -> list[str]:
    assert len(a) == len(b) == 4096
    return [f"0x{i:03x}: {x:02x} != {y:02x}" for i, (x, y) in enumerate(zip(a, b)) if x != y]


@pytest.mark.parametrize("kernel, machine", spread(KERNELS, MACHINES))
def test_like_the_kernel(build, tmp_path, kernel, machine):
    ours, kernels = both(build, tmp_path, kernel, MACHINES[machine], "-c", "-s")
    assert differences(without_addresses(ours.boot_params),
                       without_addresses(kernels.boot_params)) == []
    assert ours.e820 == kernels.e820
    assert ours.cmdline == kernels.cmdline == CMDLINE
    assert ([(n.type, n.len) for n in ours.setup_data] ==
            [(n.type, n.len) for n in kernels.setup_data if n.type not in KERNEL_ONLY])
    for a, b in zip(ours.setup_data, (n for n in kernels.setup_data
                                      if n.type not in KERNEL_ONLY)):
        assert a.type == 9 or a.data == b.data
    assert ours.setup_data[0].type == 9 and ours.setup_data[0].len == 32
    if machine == "efi":
        assert 4 in [n.type for n in ours.setup_data]
        assert ours.efi_map and ours.efi_map == kernels.efi_map


def test_sees_a_difference(build, tmp_path):
    """The comparison can fail: without EFI an EFI machine's boot_params differ."""
    ours, kernels = both(build, tmp_path, "6.12", MACHINES["efi"], "-c --noefi", "-s")
    assert differences(without_addresses(ours.boot_params),
                       without_addresses(kernels.boot_params))
    assert [n.type for n in ours.setup_data] == [9]
