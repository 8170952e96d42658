# SPDX-License-Identifier: GPL-2.0-only
"""riscv64: kexec_load(2) takes the first listed segment that begins like a device tree for the next
kernel's. That is ours, also with an initrd that is a tree. A refresh lists no initrd."""

import json
import re

import pytest

from crash import Setup, crash, running
from probe_arm64 import parse_probe
from riscv64 import KERNEL, PLAIN, build_riscv64  # noqa: F401 (a fixture)

SETUP = Setup(KERNEL, 1, "512M", "128M", "bios", PLAIN, "riscv64")
TREE = "/sys/firmware/fdt"


@pytest.mark.parametrize("how", ["-l", "-p"])
def test_initrd_that_is_a_tree(build_riscv64, how):  # noqa: F811
    with running(build_riscv64, SETUP) as guest:
        load = f"kexec {how} /probe --initrd={TREE} --append=ours --seed=require"
        plan = json.loads(guest.check(f"{load} --dry-run --json 2>/dev/null"))
        kinds = [s["kind"] for s in plan["segments"]]
        guest.check(f"{load} --console-serial")
        if how == "-l":
            assert kinds[0] == "device tree"
            start = len(guest.console)
            guest.send_and_jump("kexec -e")
        else:
            assert kinds.index("device tree") < min(map(kinds.index, ("kernel", "initrd")))
            start = crash(guest)
        guest.wait_console(r"^PROBE END$", 60, start)
        said = guest.console[start:]
        assert int(re.search(r"FDT image at ([0-9a-f]+)", said)[1], 16) == plan["device_tree"]
        seen = parse_probe(said)
        assert seen.registers["x0"] == plan["device_tree"]
        assert seen.tree["/chosen"]["bootargs"] == b"ours\0"
        assert "purgatory: ok" in said and "damaged" not in said
