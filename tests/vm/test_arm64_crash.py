# SPDX-License-Identifier: GPL-2.0-only
"""arm64: real crashes. The crash kernel has its seed from time zero, and its /proc/vmcore is all of
the crashed machine's memory, in a form that makedumpfile and readelf accept: the checks of
test_crash.py. Also after refreshes, on kernels that hide the loaded image and on others.

KEXEC_MACHINES=all: every kernel with 1, 2 and 4 CPUs, both kinds of crash region, device tree
and UEFI (48, about 15 s each).
"""

import itertools

import pytest

from arm64 import build_arm64  # noqa: F401 (a fixture)
from crash import Setup, capture_cmdline, load_command, running
from places import ALL
from test_arm64_jump import KERNELS
from test_crash import crash_and_look

CMDLINE = capture_cmdline("arm64")
SAY = "--console-serial"
COVERING = [
    Setup("6.1", 2, "1G", "256M", "bios", "cortex-a72", "arm64"),
    Setup("7.3-16k", 4, "8G", "512M,high", "efi", "max", "arm64", True),
]
MORE = [Setup("6.12", 1, "8G", "256M", "bios", "max", "arm64", True),
        Setup("7.3", 1, "8G", "512M,high", "bios", "cortex-a72", "arm64")]
# A Cortex-A72 has no pages of 16 KiB.
EVERY = [Setup(kernel, cpus, memory, region, firmware,
               "cortex-a72" if (n + n // 2) % 2 and "16k" not in kernel else "max", "arm64",
               n % 3 == 0)
         for n, (kernel, cpus, (memory, region), firmware) in enumerate(itertools.product(
             KERNELS, [1, 2, 4], [("1G", "256M"), ("8G", "512M,high")], ["bios", "efi"]))]
CRASHES = [*COVERING, *MORE, *EVERY] if ALL else COVERING


@pytest.mark.parametrize("machine", CRASHES, ids=str)
def test_crash(build_arm64, tmp_path, machine):  # noqa: F811
    with running(build_arm64, machine) as guest:
        guest.check(load_command(f"{SAY} --seed=require", cmdline=CMDLINE))
        said = crash_and_look(guest, "sysrq", machine, tmp_path)
        assert "purgatory: ok" in said and "damaged" not in said
