# SPDX-License-Identifier: GPL-2.0-only
"""riscv64: jumps from any hart, also while the boot hart is offline, and on harts that lack what
the load was told of. The next kernel starts on that hart, and has all of them.

$KEXEC_MACHINES=all crashes on each of four harts.
"""

import json
import re

import pytest

from crash import Setup, load_command, running
from guest import Guest
from places import ALL
from riscv64 import CONSOLE, KERNEL, PLAIN, build_riscv64  # noqa: F401 (a fixture)
from test_arm64_jump import TIME_ZERO_SEED
from test_riscv64 import LOAD, check_chosen, probed, with_kernel, with_probe
from test_seed import copies

OFFLINE = "echo 0 >/sys/devices/system/cpu/cpu0/online"


def harts(guest: Guest) -> list[int]:
    """Of each CPU that is online, by its number."""
    return [int(x) for x in re.findall(r"^hart\s*: (\d+)", guest.check("cat /proc/cpuinfo"), re.M)]


def check_next(guest: Guest, start: int, hart: int, all_harts: list[int]) -> None:
    """The next kernel is up: on this hart, with all others, and with its seed."""
    said = guest.console[start:]
    assert f"from hart id {hart}\n" in said
    assert "purgatory: ok" in said and re.search(TIME_ZERO_SEED, said, re.M)
    found = harts(guest)
    assert found[0] == hart and sorted(found) == sorted(all_harts)


def test_boot_hart_is_offline(build_riscv64, tmp_path):  # noqa: F811
    """What the purgatory passes on; of the seed nothing is left."""
    with Guest(**with_probe(build_riscv64, cpus=2)) as guest:
        _, other = harts(guest)
        guest.check(f"{LOAD} && {OFFLINE}", timeout=120)
        seen = probed(guest)
        assert seen.registers["a0"] == other
        [(start, memory)] = guest.dump_memory(tmp_path / "after")
        slot = seen.place["/chosen/rng-seed"] - start
        assert copies(memory, check_chosen(seen)) == [slot]
        memory.unlink()


def test_all_harts_come_up(build_riscv64):  # noqa: F811
    with with_kernel(build_riscv64, PLAIN, KERNEL, KERNEL, cpus=2) as guest:
        guest.wait_ready(120)
        all_harts = harts(guest)
        guest.check(f"kexec -l /boot/vmlinuz-{KERNEL} --initrd=/boot/initrd --seed=require"
                    f" --console-serial --append='{CONSOLE}' && {OFFLINE}")
        assert harts(guest) == all_harts[1:]
        start = len(guest.console)
        guest.send_and_jump("kexec -e")
        guest.wait_ready(120)
        check_next(guest, start, all_harts[1], all_harts)


@pytest.mark.parametrize("cpus, cpu", [(4, n) for n in range(4)] if ALL else [(2, 1)])
def test_crash_on_any_cpu(build_riscv64, cpus, cpu):  # noqa: F811
    setup = Setup(KERNEL, cpus, "1G", "256M", "bios", PLAIN, "riscv64")
    with running(build_riscv64, setup) as guest:
        all_harts = harts(guest)
        guest.check(load_command("-c --console-serial --seed=require", cmdline=CONSOLE))
        start = len(guest.console)
        guest.send_and_jump(f"taskset -c {cpu} sh -c 'echo c >/proc/sysrq-trigger'")
        guest.wait_ready(120)
        check_next(guest, start, all_harts[cpu], all_harts)


def test_load_that_knows_another_cpu(build_riscv64):  # noqa: F811
    """Told of Zkr and Zknh, on harts without: what is found at the jump counts. To resume a machine
    on another CPU is no way to test it: QEMU 10 does not save mseccfg, and a kernel that has found
    Zkr dies when it draws from it."""
    with Guest(**with_probe(build_riscv64)) as guest:
        isa = "sed '/isa/s/$/_zkr_zknh/' /proc/cpuinfo"
        guest.check(f"{isa} >/tmp/cpuinfo && mount -o bind /tmp/cpuinfo /proc/cpuinfo", timeout=120)
        plan = json.loads(guest.check(f"{LOAD} --dry-run --json 2>/dev/null"))
        assert "ZKR" in plan["seed_mix"]["inputs"]
        guest.check(LOAD)
        check_chosen(probed(guest))
        assert "purgatory: exception 2, verifying without Zknh\n" in guest.console
        assert "purgatory: seed mixed with COUNTER, kernel memory\n" in guest.console
        assert guest.console.count("exception") == 1
