# SPDX-License-Identifier: GPL-2.0-only
"""The Debian package of this checkout, for guests to install.

$KEXEC_DEB names an existing one; else it is built in the build folder, once per state of the
tree, which needs the build dependencies of debian/control.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from cache import MissingError
from initrd import HERE

CHECKOUT = HERE.parents[1]
# Build products in the checkout, and files that are not ours.
NO_SOURCE = shutil.ignore_patterns(".git", "build", "build-*", "autom4te.cache",
                                   "__pycache__", ".pytest_cache", "*.deb")
NAME = "kexec-seed_*_amd64.deb"


def _newest(folder: Path) -> float:
    """When a build input last changed."""
    parts = [folder / name for name in ("debian", "include", "kexec", "kexec_seed", "man",
                                        "purgatory", "configure.ac", "Makefile.am")]
    files = [f for part in parts for f in [part, *part.rglob("*")] if f.is_file()]
    return max(f.stat().st_mtime for f in files)


def _run(argv: list[str], folder: Path) -> None:
    env = dict(os.environ, LC_ALL="C", DEB_BUILD_OPTIONS="nocheck parallel=2")
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        env.pop(name, None)
    try:
        done = subprocess.run(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=580, check=False)
    except FileNotFoundError:
        raise MissingError(f"{argv[0]} not found (Debian: dpkg-dev)") from None
    if done.returncode:
        end = (done.stdout + done.stderr).strip().splitlines()[-15:]
        raise MissingError("\n".join([" ".join(argv), *end]))


def package(build: Path) -> Path:
    """The file; MissingError with the end of the build's output."""
    if own := os.environ.get("KEXEC_DEB"):
        return Path(own)
    folder = build / "package"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = list(folder.glob(NAME))
        if len(made) == 1 and made[0].stat().st_mtime > _newest(CHECKOUT):
            return made[0]
        _run(["dpkg-checkbuilddeps"], CHECKOUT)
        source = folder / "source"
        for old in [source, *made]:
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        shutil.copytree(CHECKOUT, source, ignore=NO_SOURCE, symlinks=True)
        _run(["dpkg-buildpackage", "-us", "-uc", "-b"], source)
        shutil.rmtree(source)
        [deb] = folder.glob(NAME)
        os.utime(deb)  # a package's dates come from its changelog
        return deb
