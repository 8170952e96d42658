# SPDX-License-Identifier: GPL-2.0-only
"""The address read from the ACPI tables is where QEMU keeps the generation ID."""

import base64
import io
import subprocess
import tarfile
import uuid
from pathlib import Path

import pytest

from guest import Guest
from initrd import build_initrd
from places import spread

ID = uuid.UUID("324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87")
CAPTURE = Path(__file__).resolve().parents[1] / "machines/capture"
ABSENT, FOUND = 0, 1  # enum vmgenid_state


def facts(build: Path, guest: Guest, folder: Path) -> tuple[int, int]:
    """State and address, from a capture of the guest."""
    guest.wait_ready(120)
    guest.check("sh /capture /tmp/captured")
    packed = guest.check("tar -C /tmp/captured -cf - . | gzip | base64")
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(packed))) as tar:
        tar.extractall(folder)
    show = build / "tests/unit/show_vmgenid"
    text = subprocess.run([show, folder], check=True, capture_output=True, text=True,
                          timeout=60).stdout.split()
    return int(text[0]), int(text[1], 16)


def at(guest: Guest, addr: int, path: Path) -> bytes:
    guest.qmp.command("pmemsave", val=addr, size=16, filename=str(path))
    return path.read_bytes()


@pytest.mark.parametrize("kernel, firmware", spread(["6.1", "7.3"], ["bios", "efi"]))
def test_address(build, tmp_path, kernel, firmware):
    initrd = build_initrd(files={"/capture": CAPTURE})
    with Guest(kernel=kernel, firmware=firmware, initrd=initrd,
               extra=["-device", f"vmgenid,guid={ID}"]) as guest:
        state, addr = facts(build, guest, tmp_path / "captured")
        assert state == FOUND
        # the first three fields are little-endian, as in Windows GUIDs
        assert at(guest, addr, tmp_path / "id") == ID.bytes_le
        assert at(guest, addr + 16, tmp_path / "id") != ID.bytes_le


def test_no_device(build, tmp_path):
    initrd = build_initrd(files={"/capture": CAPTURE})
    with Guest(kernel="6.12", initrd=initrd) as guest:
        assert facts(build, guest, tmp_path / "captured") == (ABSENT, 0)
        assert (tmp_path / "captured/sys/firmware/acpi/tables/DSDT").stat().st_size > 1000
