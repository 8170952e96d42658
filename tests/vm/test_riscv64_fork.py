# SPDX-License-Identifier: GPL-2.0-only
"""Forks of riscv64 guests with a device tree, as test_arm64_fork.py: the daemon hears of the fork
of a real snapshot, every clone's crash kernel gets its own seed, and the plan mixes the generation ID.

$KEXEC_FORKS=all makes three clones, not one.
"""

from forks import MODULE
from forks_riscv64 import ForkGuest, machine
from riscv64 import KERNEL, build_riscv64  # noqa: F401 (a fixture)
from test_arm64_fork import check_kernel_log, check_uevent, module_of


def test_kernel_log(build_riscv64, tmp_path):  # noqa: F811
    setup = machine(build_riscv64, tmp_path)
    with ForkGuest(**setup) as guest:
        check_kernel_log(setup, guest, tmp_path)


def test_uevent(build_riscv64, tmp_path):  # noqa: F811
    """vmgenid_uevent builds, and finds the driver's device."""
    setup = machine(build_riscv64, tmp_path,
                    files={MODULE: module_of(f"riscv64/{KERNEL}", tmp_path)})
    with ForkGuest(**setup) as guest:
        check_uevent(setup, guest, tmp_path)
