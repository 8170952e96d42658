# SPDX-License-Identifier: GPL-2.0-only
"""Fixture and machines of the arm64 guest tests.

$KEXEC_BUILD_ARM64 names the build folder; default: build-arm64/ in the checkout, as
`./quickstart build arm64` makes it.
"""

import os
from pathlib import Path
from typing import NamedTuple

import pytest

import cache
from guest import Guest

BUILT = ["kexec/kexec", "kexec_seed/kexec-seed", "tests/probe/probe.Image",
         "tests/vm/flip.so"]
CONSOLE = "console=ttyAMA0 panic=-1"


class Machine(NamedTuple):
    """What a guest is started with: the modes in which Linux enters a purgatory."""

    cpu: str
    el2: bool
    firmware: str

    def __str__(self) -> str:
        mode = "el1" if not self.el2 else "vhe" if self.cpu == "max" else "nvhe"
        return f"{self.cpu}-{mode}-{self.firmware}"

    def start(self, kernel: str, **more) -> Guest:
        return Guest(kernel=kernel, arch="arm64", cpu=self.cpu, el2=self.el2,
                     firmware=self.firmware, **more)


# "bios" is a device tree.
PLAIN = Machine("cortex-a72", False, "bios")
MACHINES = [Machine(cpu, el2, firmware) for cpu in ("cortex-a72", "max")
            for el2 in (False, True) for firmware in ("bios", "efi")]


@pytest.fixture(scope="session")
def build_arm64() -> Path:
    """The arm64 build, the source of all files given to arm64 guests."""
    try:
        cache.ensure("arm64")
    except cache.MissingError as error:
        pytest.fail(str(error), pytrace=False)
    checkout = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("KEXEC_BUILD_ARM64") or checkout / "build-arm64").absolute()
    missing = [name for name in BUILT if not (folder / name).is_file()]
    if missing:
        pytest.fail(f"{folder} has no {', '.join(missing)}: run ./quickstart build arm64, or "
                    "set KEXEC_BUILD_ARM64", pytrace=False)
    return folder
