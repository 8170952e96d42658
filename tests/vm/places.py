# SPDX-License-Identifier: GPL-2.0-only
"""What the tests load and where a build has it."""

from pathlib import Path

KERNELS = ["6.1", "6.12", "7.3"]


def kexec(build: Path) -> Path:
    return build / "kexec/kexec"


def probe(build: Path) -> Path:
    return build / "tests/probe/probe.bzImage"
