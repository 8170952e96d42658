# SPDX-License-Identifier: GPL-2.0-only
"""Secure Boot, as on real machines: Debian's signed kernel detects it, locks itself down and
accepts only kernels signed by a key that the firmware trusts. And the same without Secure
Boot, with lockdown=integrity on the command line.

Debian's kernels contain no Debian key: they take the keys from the firmware. Here that is the
certificate that signs Debian's kernels, extracted from a signature and written into the
firmware's memory before the machine starts.

$KEXEC_CRASHES=all does it with each of the kernels.
"""

import json
import os
import re
import struct
import uuid
from pathlib import Path

import pytest

from arches import ARCHES
from cache import kernel_image
from crash import KERNEL, Setup, crash, load_command
from forks import VMGENID, start_daemon, stop_daemon
from guest import CMDLINE, Guest
from initrd import build_initrd
from loaded import (agree, crash_status, judged, refreshable, refused, seed_in_slot,
                    unchanged)
from places import KERNELS, kexec
from test_efi_hops import SECURE_BOOT_AT, boot_params
from test_jump import TIME_ZERO_SEED, node_types

# Running kernel, kernel it loads, and whether Secure Boot is on.
SOME = [("6.12", "7.3", True), ("6.1", "6.1", False)]
ALL = [*SOME, ("6.1", "6.12", True), ("7.3", "6.1", True), ("7.3", "7.3", False)]
MANY = os.environ.get("KEXEC_CRASHES") == "all"
LOADED = "/sys/kernel/kexec_loaded"
NOTE = "using kexec_file_load: the kernel is locked down (integrity)"
ONLY_SIGNED = ("locked down (integrity)", "signed kernels only", "kexec_file_load (-s)")
# Ways to spoil a signed kernel, and the message each yields: with Secure Boot the kernel
# tells why it refuses a file, without it does not.
SPOILED = {
    "kernel": ("takes signed kernels only", "the signature of this file does not fit it"),
    "signature": ("locked down (integrity)", "this file or its signature for invalid"),
    "stripped": ("takes signed kernels only", "this file is not signed"),
}
UNTRUSTED = ("locked down (integrity)", "this file has no signature that it trusts")
WAY_OUT = "use a kernel that the distribution has signed"
SECURE_BOOT_DISABLED, SECURE_BOOT_ENABLED = 2, 3  # linux/efi.h, efi_secureboot_mode
SETUP_RNG_SEED = 9

# The firmware's memory: a volume header with its size at 48 (UEFI PI specification), the
# store's header, and records (EDK II, AuthenticatedVariableFormat.h).
FIRMWARE = Path(ARCHES["x86_64"].firmware[0])
VOLUME_HEADER_SIZE_AT, STORE_HEADER_SIZE = 48, 28
RECORD = struct.Struct("<HBBIQ16sIII16s")
RECORD_START, RECORD_VALID = 0x55aa, 0x3f
# UEFI specification: GUIDs of the variable owners and of an X.509 certificate list. The
# attributes: non-volatile, boot, runtime, time-based authentication.
DATABASE = uuid.UUID("d719b2cb-3d3a-4596-a3bc-dad00e67656f")
GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
ATTRIBUTES = 0x27
TIMESTAMP = struct.pack("<HBB", 2020, 1, 1) + bytes(12)


def security_entry(image: bytes) -> int:
    """Offset of a PE file's certificate table entry (PE format, optional header PE32+)."""
    [pe] = struct.unpack_from("<I", image, 0x3c)
    assert struct.unpack_from("<H", image, pe + 24)[0] == 0x20b
    return pe + 24 + 112 + 4 * 8


def der(data: bytes, at: int) -> tuple[int, int]:
    """Start and end of the content of a DER element."""
    length, start = data[at + 1], at + 2
    if length & 0x80:
        start += length & 0x7f
        length = int.from_bytes(data[at + 2:start], "big")
    return start, start + length


def signer(image: bytes) -> bytes:
    """The certificate in a kernel's signature (RFC 2315, SignedData)."""
    at, size = struct.unpack_from("<II", image, security_entry(image))
    data = image[at + 8:at + size]
    at, _ = der(data, 0)
    _, at = der(data, at)  # over the type
    at, _ = der(data, der(data, at)[0])
    for _ in ("version", "digest algorithms", "content"):
        _, at = der(data, at)
    assert data[at] == 0xa0, "the signature has no certificate"
    start, _ = der(data, at)
    return data[start:der(data, start)[1]]


def record(name: str, vendor: uuid.UUID, certificates: set[bytes]) -> bytes:
    data = b"".join(X509.bytes_le + struct.pack("<III", 44 + len(c), 0, 16 + len(c))
                    + vendor.bytes_le + c for c in sorted(certificates))
    encoded = f"{name}\0".encode("utf-16-le")
    made = RECORD.pack(RECORD_START, RECORD_VALID, 0, ATTRIBUTES, 0, TIMESTAMP, 0,
                       len(encoded), len(data), vendor.bytes_le) + encoded + data
    return made + b"\xff" * (-len(made) % 4)


def firmware_memory(trusted: set[bytes], secure_boot: bool) -> bytes:
    """Firmware memory with these certificates. For Secure Boot one of them is also the
    platform key, whose presence enables it."""
    empty = bytearray((FIRMWARE / "OVMF_VARS_4M.fd").read_bytes())
    [at] = struct.unpack_from("<H", empty, VOLUME_HEADER_SIZE_AT)
    at += STORE_HEADER_SIZE
    records = record("db", DATABASE, trusted)
    if secure_boot:
        records += record("PK", GLOBAL, {min(trusted)})
    assert empty[at:at + len(records)] == b"\xff" * len(records), "not empty"
    empty[at:at + len(records)] = records
    return bytes(empty)


def firmware(folder: Path, secure_boot: bool = True) -> list[str]:
    """QEMU options: a guest whose firmware trusts the signer of Debian's kernels."""
    code = FIRMWARE / ARCHES["x86_64"].firmware[1][0]
    if not code.exists():
        pytest.fail(f"{code} not found (Debian: ovmf)", pytrace=False)
    memory = folder / "firmware"
    trusted = {signer(kernel_image(k).read_bytes()) for k in KERNELS}
    memory.write_bytes(firmware_memory(trusted, secure_boot))
    return ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
            "-drive", f"if=pflash,format=raw,unit=1,file={memory}"]


def spoil(image: Path, name: str) -> str:
    """A command that turns a signed kernel in the guest into /spoiled."""
    data = image.read_bytes()
    entry = security_entry(data)
    at, size = struct.unpack_from("<II", data, entry)

    def poke(where: int, what: bytes) -> str:
        octal = "".join(f"\\{byte:03o}" for byte in what)
        return (f"printf '{octal}' | dd of=/spoiled bs=1 seek={where} conv=notrunc"
                " 2>/dev/null")

    if name == "stripped":
        return f"head -c {at} {{}} >/spoiled && {poke(entry, bytes(8))}"
    where = at // 2 if name == "kernel" else at + size - 64
    return f"cp {{}} /spoiled && {poke(where, bytes([data[where] ^ 1]))}"


def check_locked(guest: Guest, secure_boot: int = SECURE_BOOT_ENABLED) -> None:
    guest.check("mount -t securityfs none /sys/kernel/security")
    assert "[integrity]" in guest.check("cat /sys/kernel/security/lockdown")
    assert boot_params(guest)[SECURE_BOOT_AT] == secure_boot


def check_seeded(guest: Guest, start: int) -> None:
    assert node_types(guest)[0] == SETUP_RNG_SEED
    assert re.search(TIME_ZERO_SEED, guest.console[start:], re.MULTILINE)


@pytest.mark.parametrize("kernel, following, secure_boot", ALL if MANY else SOME)
def test_signed_kernels_only(build, tmp_path, kernel, following, secure_boot):
    image = f"/boot/vmlinuz-{following}"
    lock = "" if secure_boot else "lockdown=integrity"
    state = SECURE_BOOT_ENABLED if secure_boot else SECURE_BOOT_DISABLED
    options = f"--initrd=/boot/initrd --command-line='{CMDLINE} {lock}'"
    initrd = build_initrd(
        kernels=[following], programs=[kexec(build)],
        next_initrd=build_initrd(kernels=[following], programs=[kexec(build)]))
    with Guest(kernel=kernel, cpu="qemu64", initrd=initrd, cmdline=lock,
               extra=firmware(tmp_path, secure_boot)) as guest:
        guest.wait_ready(120)
        check_locked(guest, state)
        refused(guest, f"kexec -c -l {image} {options}", *ONLY_SIGNED)
        [note] = guest.check(f"kexec -l --seed=require {image} {options}").splitlines()
        assert NOTE in note
        for name, says in SPOILED.items():
            says = (*(says if secure_boot else UNTRUSTED), WAY_OUT)
            guest.check(spoil(kernel_image(following), name).format(image))
            refused(guest, f"kexec -l /spoiled {options}", *says, notes=(NOTE,))
            assert guest.check(f"cat {LOADED}").strip() == "1"

        refused(guest, f"kexec -s -l /spoiled {options}", *says)

        start = len(guest.console)
        guest.send_and_jump("kexec -e")
        assert guest.wait_ready(120).startswith(f"{following}.")
        check_seeded(guest, start)
        check_locked(guest, state)
        refused(guest, f"kexec -c -l {image} {options}", *ONLY_SIGNED)
        assert NOTE in guest.check(f"gzip -1c {image} >/packed; kexec -l /packed")
        guest.check("kexec -u")
        assert guest.check(f"cat {LOADED}").strip() == "0"


@pytest.mark.parametrize("kernel", KERNELS if MANY else ["6.12"])
def test_crash_kernel(build, tmp_path, kernel):
    with refreshable(build, Setup(kernel, cpu="qemu64"),
                     extra=[*firmware(tmp_path), *VMGENID]) as guest:
        check_locked(guest)
        refused(guest, load_command("-c"), *ONLY_SIGNED)
        [note] = guest.check(load_command("--seed=require")).splitlines()
        assert NOTE in note
        status = crash_status(guest)
        assert status["method"] == "kexec_file_load" and status["proven"]
        for how in ("-c", "--seed=off", "-s", ""):  # the last one stays
            agree(guest, load_command(how))
        first = seed_in_slot(guest)
        shared = "loaded with kexec_file_load: clones share its seed until it is refreshed, "
        judged(guest, "not protected", shared + "and no daemon is running",
               "kexec-seed daemon")
        start_daemon(guest)
        judged(guest, "protected after a refresh", shared + "as the daemon does")
        stop_daemon(guest)
        guest.check(f"cp {KERNEL} /kept")
        with unchanged(guest):
            refused(guest, load_command("-c"), *ONLY_SIGNED)
            for name, says in SPOILED.items():
                guest.check(spoil(kernel_image(kernel), name).format(KERNEL))
                refused(guest, load_command("", "/spoiled"), *says, notes=(NOTE,))
            guest.check(f"cp /spoiled {KERNEL}")
            for how in ("", "--full"):
                done = guest.run(f"kexec-seed refresh {how}")
                assert done.status == 1 and "is not what was loaded" in done.output
        guest.check(f"cp /kept {KERNEL}")
        told = json.loads(guest.check("kexec-seed refresh --json 2>/dev/null"))
        assert told["refresh"] == "full"
        assert seed_in_slot(guest) != first

        start = crash(guest)
        guest.wait_ready(120)
        check_seeded(guest, start)
        check_locked(guest)
        guest.check("test -e /proc/vmcore")


def test_each_call_counts(build, tmp_path):
    """Calls that a locked-down kernel refuses count towards its limit, so none is wasted."""
    with refreshable(build, Setup("6.12", cpu="qemu64"),
                     extra=firmware(tmp_path)) as guest:
        check_locked(guest)
        guest.check("echo 2 >/proc/sys/kernel/kexec_load_limit_panic")
        refused(guest, load_command("-c"), *ONLY_SIGNED)
        for command, loaded in (load_command(""), "1"), ("kexec -p -u", "0"):
            guest.check(command)
            assert guest.check("cat /sys/kernel/kexec_crash_loaded").strip() == loaded
        refused(guest, load_command(""), "no more loads are allowed")


def test_locked_after_the_load(build, tmp_path):
    """A refresh of an image loaded before the lockdown wastes none either: the one call left
    is used for kexec_file_load(2)."""
    with refreshable(build, Setup("6.12", cpu="qemu64"),
                     extra=firmware(tmp_path, secure_boot=False)) as guest:
        guest.check(load_command(""))
        assert crash_status(guest)["method"] == "kexec_load"
        guest.check("mount -t securityfs none /sys/kernel/security")
        guest.check("echo integrity >/sys/kernel/security/lockdown")
        guest.check("echo 1 >/proc/sys/kernel/kexec_load_limit_panic")
        guest.check("kexec-seed refresh")
        assert crash_status(guest)["method"] == "kexec_file_load"
