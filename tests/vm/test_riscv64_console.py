# SPDX-License-Identifier: GPL-2.0-only
"""riscv64: where the purgatory reports if firmware has no console, or there is nothing at the UART
that the user names; and that it reports a fault of its own."""

import json
import subprocess
from pathlib import Path

from arches import ARCHES
from crash import PROBE, Setup, crash, running
from guest import Guest
from loaded import write_memory
from probe_arm64 import wait_for_probe
from test_riscv64 import CONSOLE, KERNEL, LOAD, PLAIN, build, with_kernel, with_probe  # noqa: F401

NOTHING = 0xE000000  # of QEMU's virt: an access fault
FILE_SIZE = slice(20, 24)  # of the blob: purgatory_params.h


def tree_of_another_uart(folder: Path) -> Path:
    """QEMU's own, but OpenSBI's drivers do not take its UART for one of theirs; Linux's do."""
    arch, path = ARCHES["riscv64"], folder / "dtb"
    subprocess.run([*arch.qemu(""), "-machine", f"virt,dumpdtb={path}", "-cpu", arch.cpu(PLAIN),
                    "-m", "1G", "-display", "none", "-serial", "null"],
                   capture_output=True, timeout=60, check=True)
    tree, names = path.read_bytes(), (b"ns16550a\0", b"ns8250\0\0\0")
    assert tree.count(names[0]) == 1
    path.write_bytes(tree.replace(*names))
    return path


def test_no_console_of_firmware(build, tmp_path):  # noqa: F811
    """The UART of stdout-path is used: SBI does not say that its calls print nothing."""
    more = {"extra": ["-dtb", str(tree_of_another_uart(tmp_path))]}
    with with_kernel(build, PLAIN, KERNEL, KERNEL, **more) as guest:
        guest.wait_ready(120)
        assert "SBI DBCN extension detected" not in guest.check("dmesg")
        guest.check(f"kexec -l /boot/vmlinuz-{KERNEL} --initrd=/boot/initrd --seed=require"
                    f" --console-serial --append='{CONSOLE}'")
        start = len(guest.console)
        guest.send_and_jump("kexec -e")
        guest.wait_ready(120)
        assert "purgatory: seed mixed with COUNTER, kernel memory\n" in guest.console[start:]


def test_no_uart(build):  # noqa: F811
    """Firmware's console is used; the jump is not lost."""
    with Guest(**with_probe(build)) as guest:
        guest.check(f"{LOAD} --serial=uart8250,mmio,{NOTHING:#x}", timeout=120)
        guest.send_and_jump("kexec -e")
        assert "rng-seed" in wait_for_probe(guest, 60).tree["/chosen"]
        assert "purgatory: seed mixed with COUNTER, kernel memory\n" in guest.console


def test_fault(build):  # noqa: F811
    """It is reported, and the machine reset, in any state of the purgatory's memory, which no
    digest covers."""
    blob = (build / "purgatory/purgatory.bin").read_bytes()
    names = subprocess.run(["riscv64-linux-gnu-nm", build / "purgatory/purgatory.elf"],
                           capture_output=True, text=True, timeout=60, check=True).stdout
    symbols = {name: int(at, 16) for at, _, name in map(str.split, names.splitlines())}
    start = int.from_bytes(blob[FILE_SIZE], "little")
    assert start == len(blob) == symbols["purgatory_file_end"]
    with running(build, Setup(KERNEL, cpu=PLAIN, arch="riscv64")) as guest:
        load = f"kexec -c -p {PROBE} --append=quiet"
        guest.check(load)
        told = json.loads(guest.check(f"{load} --dry-run --json 2>/run/said"))
        [addr] = [s["addr"] for s in told["segments"] if s["kind"] == "purgatory"]
        assert guest.ram.read(addr, 8) == blob[:8]
        write_memory(guest, addr + start, b"\xff" * (symbols["purgatory_end"] - start))
        write_memory(guest, addr + symbols["verify_params"], bytes(4))  # no instruction
        begin = crash(guest)
        guest.wait_exit(60)
        assert "purgatory: exception 2 at 0x" in guest.console[begin:]
        assert guest.console.rstrip().endswith("resetting the machine")
