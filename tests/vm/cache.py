# SPDX-License-Identifier: GPL-2.0-only
"""Where `fetch` has put the kernels; see there for the layout."""

import os
import subprocess
import sys
from pathlib import Path

FETCH = Path(__file__).resolve().parent / "fetch"
KERNELS = ["6.1", "6.12", "7.3"]


class MissingError(Exception):
    """A piece of the cache that is not there."""


def cache_dir() -> Path:
    own = os.environ.get("KEXEC_SEED_CACHE")
    if own:
        return Path(own).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base).absolute() / "kexec-seed"


def ensure() -> None:
    """Fetches what is missing; MissingError names it when that does not work."""
    done = subprocess.run([sys.executable, FETCH], capture_output=True, text=True,
                          timeout=580, check=False)
    if done.returncode:
        raise MissingError(done.stderr.strip() or f"{FETCH} failed")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise MissingError(f"{path} is not there; tests/vm/fetch brings it")
    return path


def kernel_image(slot: str) -> Path:
    return _existing(cache_dir() / "kernels" / slot / "vmlinuz")


def kernel_release(slot: str) -> str:
    """What `uname -r` says when it runs."""
    return _existing(cache_dir() / "kernels" / slot / "version").read_text().split()[0]


def kexec_tools() -> Path:
    """Debian's kexec, to compare with; build_initrd() finds its libraries."""
    return _existing(cache_dir() / "kexec-tools" / "sbin" / "kexec")
