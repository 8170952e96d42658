# SPDX-License-Identifier: GPL-2.0-only
"""riscv64: load and jump. The next kernel has its seed from time zero, its memory, command line and
initrd; clones hand over different seeds; nothing of one is left in memory; damage is named, and
the machine reset by SBI.
"""

import re

import pytest

import cache
import test_flips
from crash import Setup, capture_cmdline, load_command, running
from flips import Flip, segment_sizes
from guest import Guest, GuestError
from initrd import build_initrd, libraries
from loaded import MAPPED, crash_status, linked
from places import ALL, kexec
from probe_arm64 import Probe, wait_for_probe
from riscv64 import CONSOLE, GIFTED, KERNEL, NEWEST, PLAIN
from riscv64 import build_riscv64 as build  # noqa: F401 (a fixture)
from test_arm64_jump import TIME_ZERO_SEED, memory_map
from test_arm64_seed import own_copy
from test_crash import crash_and_look
from test_flips import RAMDISK, SEED, choose, outcome, tell
from test_seed import copies

LOAD = f"kexec -l /probe --initrd=/ramdisk --append='{CONSOLE}' --seed=require --console-serial"
TREE_HEADER = 40  # bytes: Devicetree Specification 0.4, "Header"
NO_TREE = "Device tree not included in the provided image"
FLIPS = max(3, test_flips.COUNT // 4) if test_flips.COUNT < 100 else test_flips.COUNT


def with_kernel(build, cpu: str, loader: str, loaded: str, **more) -> Guest:
    return Guest(kernel=loader, arch="riscv64", cpu=cpu, initrd=build_initrd(
        kernels=[loaded], programs=[kexec(build)], arch="riscv64"), **more)


def with_probe(build, cpu: str = PLAIN, files=(), **more) -> dict:
    return {"kernel": KERNEL, "arch": "riscv64", "memory": "512M", "cpu": cpu,
            "initrd": build_initrd(programs=[kexec(build)], arch="riscv64", files={
                "/probe": build / "tests/probe/probe.Image", "/ramdisk": RAMDISK,
                **dict(files)}), **more}


def probed(guest: Guest) -> Probe:
    guest.send_and_jump("kexec -e")
    return wait_for_probe(guest, 60)


def check_chosen(seen: Probe) -> bytes:
    """What the kernel's own kexec_file_load() would have written, less kaslr-seed; the seed."""
    chosen = seen.tree["/chosen"]
    start, end = (int.from_bytes(chosen[f"linux,initrd-{x}"], "big") for x in ("start", "end"))
    assert end - start == len(RAMDISK)
    assert (start, end - start) in seen.reserved
    assert chosen["bootargs"] == CONSOLE.encode() + b"\0"
    assert chosen["linux,booted-from-kexec"] == b"" and "kaslr-seed" not in chosen
    assert len(chosen["rng-seed"]) == 32 and len(set(chosen["rng-seed"])) > 16
    assert not any(seen.registers[name] for name in ("satp", "sie", "gp", "tp", "sp"))
    assert seen.registers["pc"] % (2 << 20) == 0
    return chosen["rng-seed"]


@pytest.mark.parametrize("loader, loaded, cpu, mixed", [
    (KERNEL, NEWEST, PLAIN, "COUNTER, kernel memory"),
    (NEWEST, KERNEL, GIFTED, "ZKR, COUNTER, kernel memory")])
def test_next_kernel_has_all_it_needs(build, loader, loaded, cpu, mixed):
    with with_kernel(build, cpu, loader, loaded, cpus=2) as guest:
        guest.wait_ready(120)
        memory = memory_map(guest)
        guest.check(f"kexec -l /boot/vmlinuz-{loaded} --initrd=/boot/initrd --seed=require"
                    f" --console-serial --append=\"{CONSOLE} from.test='a b'\"")
        start = len(guest.console)
        guest.send_and_jump("kexec -e")
        assert guest.wait_ready(120) == cache.kernel_release(loaded, "riscv64")
        said = guest.console[start:]
        assert f"seed mixed with {mixed}\n" in said
        assert ("with Zknh" in said) == (cpu == GIFTED)
        assert re.search(TIME_ZERO_SEED, said, re.MULTILINE)
        assert guest.check("cat /proc/cmdline").strip() == f"{CONSOLE} from.test='a b'"
        assert memory and memory_map(guest) == memory


@pytest.mark.parametrize("options, alike", [("", False), ("--seed-mix=off", True)])
def test_clones(build, tmp_path, options, alike):
    """Of one snapshot, without Zkr; alike without mixing, which shows that the test can fail."""
    machine = with_probe(build)
    with Guest(**machine) as guest:
        guest.check(f"{LOAD} {options}", timeout=120)
        guest.save(tmp_path / "saved")
    seeds = []
    for _ in range(2):
        with Guest(**machine, incoming=tmp_path / "saved") as clone:
            clone.cont()
            seeds.append(check_chosen(probed(clone)))
    (tmp_path / "saved").unlink()
    assert (len(set(seeds)) == 1) == alike


def test_nothing_is_left(build, tmp_path):
    """The seed is in the tree and nowhere else; its base, which mixing makes worthless, in the
    page that the old kernel copied from."""
    with Guest(**with_probe(build)) as guest:
        guest.check(f"{LOAD} --seed-mix=off", timeout=120)
        [(_, memory)] = guest.dump_memory(tmp_path / "before")
        base = check_chosen(probed(guest))
        before = copies(memory, base)
        assert len(before) == 1 and own_copy(memory, before[0]), before
        memory.unlink()
    with Guest(**with_probe(build, "max")) as guest:
        guest.check(LOAD, timeout=120)
        seen = probed(guest)
        [(start, memory)] = guest.dump_memory(tmp_path / "after")
        slot = seen.place["/chosen/rng-seed"] - start
        assert copies(memory, check_chosen(seen)) == [slot]
        memory.unlink()


def outcome_of(guest: Guest, flip: Flip, image: str) -> str:
    """Of damage to the tree's header: kexec_load(2) may find no tree then."""
    try:
        return outcome(guest, flip, image)
    except GuestError as error:
        if flip.name != "device tree" or flip.offset >= TREE_HEADER or NO_TREE not in str(error):
            raise
        return "reported"


def test_random_flips(build, tmp_path):
    image = "/probe --initrd=/ramdisk --console-serial"
    setup = with_probe(build, files={"/flip.so": build / "tests/vm/flip.so"})
    with Guest(**setup) as guest:
        guest.wait_ready(120)
        sizes = segment_sizes(guest, image)
        guest.save(tmp_path / "saved")
    assert len(sizes) >= 4 and all(sizes.values()), sizes
    seen = {}
    flips = choose(sizes, FLIPS, SEED)
    for flip in flips:
        with Guest(**setup, incoming=tmp_path / "saved") as guest:
            guest.cont()
            seen[flip] = outcome_of(guest, flip, image)
    (tmp_path / "saved").unlink()
    tell(flips, seen)


def test_other_images_are_refused(build):
    others = {path: cache.kernel_image(KERNEL, arch).read_bytes()[:1 << 20]
              for path, arch in (("/x86", ""), ("/arm", "arm64"))}
    with Guest(**with_probe(build, files=others)) as guest:
        for path, name in (("/x86", "a bzImage, a kernel for x86"), ("/arm", "a kernel for arm64")):
            done = guest.run(f"kexec -l {path}")
            assert done.status == 1 and name in done.output, done.output


CRASHES = [(Setup(KERNEL, 2, "1G", "256M", "bios", PLAIN, "riscv64"), 2)]
if ALL:
    CRASHES += [(Setup(KERNEL, 1, "1G", "256M", "bios", "max", "riscv64"), 0),
                (Setup(NEWEST, 2, "1G", "512M", "bios", PLAIN, "riscv64"), 2),
                (Setup(KERNEL, 4, "8G", "256M", "bios", "max", "riscv64"), 1000)]


@pytest.mark.parametrize("machine, refreshes", CRASHES, ids=str)
def test_crash(build, tmp_path, machine, refreshes):
    """Also after refreshes: what they do not load is verified before the jump. A refresh
    maps few libraries."""
    seed = build / "kexec_seed/kexec-seed"
    files = {"/usr/sbin/kexec-seed": seed, **libraries(seed, "riscv64")}
    with running(build, machine, files=files) as guest:
        guest.check(load_command("-c --console-serial --seed=require",
                                 cmdline=capture_cmdline("riscv64")))
        if refreshes:
            assert linked(guest, "kexec-seed refresh") == MAPPED
        guest.check(f"for i in $(seq 2 {refreshes}); do kexec-seed refresh >/dev/null || exit 1;"
                    " done; kexec-seed verify", 60 + refreshes)
        status = crash_status(guest)
        assert (status["refreshes"], status["method"]) == (refreshes, "kexec_load")
        assert status["proven"]
        said = crash_and_look(guest, "sysrq", machine, tmp_path)
        assert "purgatory: ok" in said and "damaged" not in said
