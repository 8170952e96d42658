# SPDX-License-Identifier: GPL-2.0-only
"""arm64: the purgatory alone, between two kernels of a few instructions: each way to be
entered, what is left in memory, damage, and instructions and memory that are not there."""

import hashlib
import random
import struct

import pytest

from arm64 import build_arm64  # noqa: F401 (a fixture)
from bare_arm64 import PCI_UART, Bare

BASE = bytes(range(0x40, 0x60))  # image.c
SEED_SIZE, KASLR_SIZE = 32, 8
SCTLR_EL1, SCTLR_EL2 = 0x30500800, 0x30C50830
SMC = ["conduit=2", "smc_off=1"]  # QEMU's PSCI with EL2
# name -> cpu, el2, settings; EL, SCTLR at the next kernel's entry
MODES = {
    "el1": ("max", False, [], 1, SCTLR_EL1),
    "el1-a72": ("cortex-a72", False, [], 1, SCTLR_EL1),
    "el1-below-el2": ("max", True, ["mode=2", *SMC], 1, SCTLR_EL1),
    "nvhe": ("max", True, SMC, 2, SCTLR_EL2),
    "nvhe-a72": ("cortex-a72", True, SMC, 2, SCTLR_EL2),
    "vhe": ("max", True, ["mode=1", *SMC], 2, SCTLR_EL1),
}
# what the small hypervisor of stubs.S does -> settings, what the console has, what not
LESSER = {
    "serror-pending": (["hcr=0x120"], "mixed with COUNTER", "exception"),
    "serror-while-mixing": (["trng=2"], "mixed with COUNTER, gen", "exception"),
    "trng": (["trng=1"], "mixed with TRNG, COUNTER", "exception"),
    "trng-stuck": (["trng=3"], "mixed with COUNTER, gen", "exception"),
    "no-such-sha2": (["cptr=0x37ff"], "exception 0, verifying without SHA2", "not mixed"),
    "no-such-rndr": (["hcr=0x40000", "isar0=0x1000000000001000"], "mixed with COUNTER", "RNDR"),
    "no-sha2": (["hcr=0x40000", "isar0=0"], "verifying 6 ranges, 1 MiB\n", "SHA2"),
    "no-physical-counter": (["cnthctl=0"], "mixed with COUNTER", "exception"),
}


@pytest.fixture(scope="module")
def bare(build_arm64, tmp_path_factory) -> Bare:  # noqa: F811
    return Bare(build_arm64, tmp_path_factory.mktemp("bare"))


def changed_outside(run, allowed: list[tuple[int, int]]) -> list[int]:
    """Addresses of pages of RAM that changed although nobody may write there."""
    ram, after = run.places["ram"], bytearray(run.after)
    for start, size in allowed:
        after[start - ram:start - ram + size] = run.before[start - ram:start - ram + size]
    return [ram + i for i in range(0, len(after), 4096)
            if after[i:i + 4096] != run.before[i:i + 4096]]


def check_memory(run) -> bytes:
    """The seed is in its slot and nowhere else; only what has to be is written to."""
    at = run.places
    seed = run.at("rng_slot", SEED_SIZE)
    derived = hashlib.sha256(b"kexec-seed kaslr" + seed).digest()
    assert run.at("kaslr_slot", KASLR_SIZE) == derived[:KASLR_SIZE]
    assert changed_outside(run, [
        (at["ram"], 2 << 20),  # QEMU's device tree
        (at["start"], 0x3000),  # the old kernel
        (at["purgatory"] + at["file_size"], at["mem_size"] - at["file_size"]),
        (at["rng_slot"], SEED_SIZE), (at["kaslr_slot"], KASLR_SIZE),
        (at["seed"], SEED_SIZE)]) == []
    # any 8 bytes of a secret, also as words of SHA-256's state; the slots are known
    clear = bytearray(run.after)
    for place, size in (("rng_slot", SEED_SIZE), ("kaslr_slot", KASLR_SIZE)):
        start = at[place] - at["ram"]
        clear[start:start + size] = bytes(size)
    pages = (clear[i:i + 4096] for i in range(0, len(clear), 4096))
    used = b"".join(x for x in pages if any(x))
    for secret in (BASE, seed, derived):
        for form in (secret, struct.pack("<8I", *struct.unpack(">8I", secret))):
            for i in range(0, SEED_SIZE - 7, 4):
                assert form[i:i + 8] not in used
    return seed


@pytest.mark.parametrize("more", [[], ["caches=0"], ["va_bits=48"]], ids=" ".join)
@pytest.mark.parametrize("mode", MODES)
def test_modes(bare, mode, more):
    cpu, el2, settings, level, sctlr = MODES[mode]
    run = bare.run(*settings, *more, cpu=cpu, el2=el2)
    assert run.entered, run.console
    assert run.entered["el"] == level << 2 and run.entered["sctlr"] == sctlr
    assert run.entered["x0"] == run.places["boot_data"] and run.entered["x123"] == 0
    assert run.entered["daif"] == 0x3C0
    assert run.entered.get("hcr", 0) in (0, 0x80000000, 0x488000000)
    mixed = "RNDR, COUNTER" if cpu == "max" else "COUNTER"
    assert f"mixed with {mixed}, generation ID, kernel memory" in run.console
    assert "with SHA2" in run.console and "exception" not in run.console
    assert ("MMU and caches are off" in run.console) == ("caches=0" in more)
    assert check_memory(run) not in (BASE, bytes(SEED_SIZE))


def test_seeds_differ(bare):
    """Two clones without RNDR."""
    assert len({check_memory(bare.run(cpu="cortex-a72")) for _ in range(2)}) == 2


def test_unmixed(bare):
    run = bare.run("mix=0")
    assert run.entered and "mixed" not in run.console
    assert run.at("rng_slot", SEED_SIZE) == BASE
    assert run.at("seed", SEED_SIZE) == bytes(SEED_SIZE)


def test_no_seed(bare):
    run = bare.run("seed=0")
    assert run.entered and "mixed" not in run.console
    assert run.at("rng_slot", SEED_SIZE) == bytes(SEED_SIZE)


@pytest.mark.parametrize("name", LESSER)
def test_lesser_cpu(bare, name):
    """A missing instruction or an SError never costs the boot."""
    settings, said, unsaid = LESSER[name]
    run = bare.run("mode=2", "conduit=1", *settings, cpu="cortex-a72", el2=True)
    assert run.entered, run.console
    assert said in run.console and unsaid not in run.console
    check_memory(run)


def test_bad_memory(bare):
    """The old kernel's memory cannot be read: an external abort."""
    run = bare.run("kernel_memory=0x200000000")
    assert run.entered and "mixed with RNDR, COUNTER, generation ID\n" in run.console
    check_memory(run)


def test_no_generation_id(bare):
    """Nothing is at its address, on which firmware was wrong: the same."""
    for more in ([], ["caches=0"]):
        run = bare.run("generation_id=0x200000000", *more)
        assert run.entered, run.console
        assert "mixed with RNDR, COUNTER, kernel memory\n" in run.console
        check_memory(run)


UART_8250, UART_8250_32 = "uart_type=2", "uart_type=3"  # arch_params.h
UART_IN_RAM = 0x42100000
ROOM = 0x20
VERBOSE = "console=4"  # purgatory_params.h: without a UART
QUIET = "console=1"  # with one, for damage alone


@pytest.mark.parametrize("caches", [1, 0])
def test_8250(bare, caches):
    """Registers of one byte."""
    run = bare.run(*PCI_UART, UART_8250, f"caches={caches}")
    assert run.entered and "purgatory" not in run.console
    assert "purgatory: verifying 6 ranges, 1 MiB, with SHA2\r\n" in run.uart
    assert run.uart.endswith("purgatory: jumping to the kernel at 0x40400000\r\n"), run.uart
    run = bare.run(*PCI_UART, UART_8250, "flip=0x40600007", f"caches={caches}")
    assert "initrd at 0x40600000" in run.uart and run.ended and not run.entered


def test_8250_with_wide_registers(bare):
    """In RAM, which keeps the last character; without room for one it keeps what it had."""
    def data(run) -> bytes:
        start = UART_IN_RAM - run.places["ram"]
        return run.after[start:start + 32]

    run = bare.run(UART_8250_32, f"uart={UART_IN_RAM}", f"lsr={ROOM}")
    assert run.entered and "purgatory" not in run.console
    assert data(run) == b"\n" + bytes(19) + bytes([ROOM]) + bytes(11)
    run = bare.run(UART_8250_32, f"uart={UART_IN_RAM}", f"lsr={0xff - ROOM}")
    assert run.entered and data(run) == bytes(20) + bytes([0xff - ROOM]) + bytes(11)


NO_UART = "uart=0x200000000"
# what the purgatory wants to say -> settings, CPU
TO_SAY = {
    "progress": ([], "max"),
    "progress-caches-off": (["caches=0"], "max"),
    "damage-but-start": ([QUIET, "flip=0x40600007", "on_corruption=2"], "max"),
    "no-such-sha2": ([QUIET, "mode=2", "conduit=1", "cptr=0x37ff"], "cortex-a72"),
}


@pytest.mark.parametrize("name", TO_SAY)
def test_nothing_is_there(bare, name):
    """Nothing is at the UART's address: silence, and the kernel starts."""
    settings, cpu = TO_SAY[name]
    run = bare.run(NO_UART, *settings, cpu=cpu, el2="mode=2" in settings)
    assert run.entered and "purgatory" not in run.console
    check_memory(run)


def test_damage_without_uart(bare):
    """Nobody is told, but what is damaged is not started either."""
    run = bare.run(NO_UART, "flip=0x40600007")
    assert run.ended and not run.entered


def test_own_memory_is_not_trusted(bare):
    """It is not verified. Without its zeroes, too, the kernel starts and damage is reported."""
    for more in ([], [VERBOSE], ["kernel_memory=0x200000000"]):
        run = bare.run("state=255", *more)
        assert run.entered, (more, run.console)
        assert ("mixed with RNDR" in run.console) == (more != [VERBOSE])
    run = bare.run("state=255", "flip=0x40600007")
    assert "initrd at 0x" in run.console and run.ended and not run.entered


def flips(places: dict[str, int]) -> list[tuple[str, int]]:
    draw = random.Random(18)
    at = {"purgatory": ("purgatory", places["params_size"] + 0x4000, 0x800),
          "its tables": ("purgatory", places["pool"] - places["purgatory"], 0x1000),
          "device tree": ("boot_data", 0, places["boot_size"]), "seed": ("seed", 0, 4096),
          "kernel": ("kernel", 0x500, 0xA00), "initrd": ("initrd", 0, places["initrd_size"]),
          "parameter block": ("purgatory", 0x300, 0x200)}
    return [(name, places[place] + start + draw.randrange(size))
            for name, (place, start, size) in at.items()]


def test_damage(bare):
    """It is named, and the machine is reset by PSCI or the kernel started, as wished."""
    for name, addr in flips(bare.run().places):
        run = bare.run(f"flip={addr}")
        what = "purgatory" if name == "its tables" else name
        # a flip in a table in use may fault before it is found
        assert f"{what} at 0x" in run.console or "exception" in run.console, (name, run.console)
        assert "resetting the machine" in run.console and run.ended and not run.entered, name
    run = bare.run(f"flip={run.places['initrd'] + 7}", "on_corruption=2")
    assert "initrd at 0x" in run.console and run.entered
    run = bare.run(f"flip={run.places['initrd'] + 7}", "on_corruption=1", seconds=10)
    assert "stopping the processor" in run.console and not run.entered and not run.ended


def test_reset_by_smc(bare):
    run = bare.run("flip=0x40600007", *SMC, el2=True)
    assert "resetting the machine" in run.console and run.ended and not run.entered
