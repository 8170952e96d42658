# SPDX-License-Identifier: GPL-2.0-only
"""arm64: the next kernel is started on a CPU that lacks what the CPU of the load had.

On x86_64 a guest is saved, and resumed with another `-cpu` (test_lesser_cpu.py). For arm64 QEMU
refuses that by construction: it compares the ID registers of both CPUs, as test_qemu_refuses
shows. Two tests stand for it: here the load alone is told of RNDR, which the CPU has not; and
test_arm64_purgatory.py runs the blob under a hypervisor that takes SHA2 and RNDR away.

$KEXEC_MACHINES=all also has QEMU refuse.
"""

import json
import re

import pytest

from arm64 import PLAIN, Machine, build_arm64  # noqa: F401 (a fixture)
from guest import Guest, GuestError
from places import ALL
from probe_arm64 import wait_for_probe
from test_arm64_seed import LOAD, check_chosen, guest_of


@pytest.mark.skipif(not ALL, reason="KEXEC_MACHINES is not \"all\"")
def test_qemu_refuses(build_arm64, tmp_path):  # noqa: F811
    setup = guest_of(build_arm64, Machine("max", False, "bios"))
    with Guest(**setup) as guest:
        guest.check(LOAD, timeout=120)
        guest.save(tmp_path / "saved")
    with pytest.raises((GuestError, OSError), match="load of migration failed"):
        with Guest(**{**setup, "cpu": "neoverse-n1"}, incoming=tmp_path / "saved") as lesser:
            lesser.wait_exit(60)
            raise lesser._error("the end")
    (tmp_path / "saved").unlink()


def test_load_that_knows_another_cpu(build_arm64):  # noqa: F811
    """What is found at the jump counts."""
    with Guest(**guest_of(build_arm64, PLAIN)) as guest:
        features = "sed '/^Features/s/$/ rng/' /proc/cpuinfo"
        guest.check(f"{features} >/tmp/cpuinfo && mount -o bind /tmp/cpuinfo /proc/cpuinfo",
                    timeout=120)
        plan = json.loads(guest.check(f"{LOAD} --dry-run --json 2>/dev/null"))
        assert "RNDR" in plan["seed_mix"]["inputs"]
        guest.check(LOAD)
        guest.send_and_jump("kexec -e")
        check_chosen(wait_for_probe(guest, 60), b"console=ttyAMA0")
        mixed = re.search(r"purgatory: seed mixed with (.*)", guest.console)[1]
        assert "RNDR" not in mixed and "COUNTER" in mixed
        assert "exception" not in guest.console
