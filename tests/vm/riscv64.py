# SPDX-License-Identifier: GPL-2.0-only
"""Fixture and machines of the riscv64 guest tests.

$KEXEC_BUILD_RISCV64 names the build folder; default: build-riscv64/ in the checkout, as
`./quickstart build riscv64` makes it.
"""

import os
from pathlib import Path

import pytest

import cache

BUILT = ["kexec/kexec", "kexec_seed/kexec-seed", "tests/probe/probe.Image",
         "tests/vm/flip.so"]
KERNEL, NEWEST = "6.12", "sid"
PLAIN = "rv64"  # neither Zkr nor Zknh
GIFTED = "rv64,zkr=true,zknh=true"  # starts much faster than "max"
CONSOLE = "console=ttyS0 panic=-1"


@pytest.fixture(scope="session")
def build_riscv64() -> Path:
    """The riscv64 build, the source of all files given to riscv64 guests."""
    try:
        cache.ensure("riscv64", "sysroot-riscv64")
    except cache.MissingError as error:
        pytest.fail(str(error), pytrace=False)
    checkout = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("KEXEC_BUILD_RISCV64") or checkout / "build-riscv64").absolute()
    missing = [name for name in BUILT if not (folder / name).is_file()]
    if missing:
        pytest.fail(f"{folder} has no {', '.join(missing)}: run ./quickstart build riscv64, or "
                    "set KEXEC_BUILD_RISCV64", pytrace=False)
    return folder
