# SPDX-License-Identifier: GPL-2.0-only
"""The Debian package of this checkout, for guests to install.

$KEXEC_DEB names an existing one; else it is built in the build folder, once per state of the
tree, which needs the build dependencies of debian/control. arm64's ($KEXEC_DEB_ARM64) is
cross-built with the sysroot that `fetch` makes. This machine's dpkg does not know the libraries
in it, so that package does not depend on the C library; test_arm64_package.py makes real ones.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from archive import TRIPLETS
from cache import MissingError, cache_dir, ensure
from initrd import HERE

CHECKOUT = HERE.parents[1]
# Build products in the checkout, and files that are not ours.
NO_SOURCE = shutil.ignore_patterns(".git", "build", "build-*", "autom4te.cache",
                                   "__pycache__", ".pytest_cache", "*.deb")
CROSS_RULES = """
unitdir := {unitdir}

override_dh_shlibdeps:
	dh_shlibdeps -l{libraries} -- --ignore-missing-info
"""


def _newest(folder: Path) -> float:
    """When a build input last changed."""
    parts = [folder / name for name in ("debian", "include", "kexec", "kexec_seed", "man",
                                        "purgatory", "configure.ac", "Makefile.am")]
    files = [f for part in parts for f in [part, *part.rglob("*")] if f.is_file()]
    return max(f.stat().st_mtime for f in files)


def _run(argv: list[str], folder: Path, **more: str) -> str:
    env = dict(os.environ, LC_ALL="C", DEB_BUILD_OPTIONS="nocheck parallel=2", **more)
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
    return done.stdout


def _cross_build(source: Path, arch: str) -> None:
    """In a copy of the tree, whose rules are changed."""
    ensure(f"sysroot-{arch}")
    triplet = TRIPLETS[arch]
    sysroot = cache_dir() / arch / "sysroot"
    libraries = sysroot / "usr/lib" / triplet
    unitdir = _run(["pkg-config", "--variable=systemdsystemunitdir", "systemd"], source)
    with open(source / "debian/rules", "a", encoding="ascii") as rules:
        rules.write(CROSS_RULES.format(unitdir=unitdir.strip(), libraries=libraries))
    _run(["dpkg-buildpackage", "-d", "-us", "-uc", "-b", f"-a{arch}", "-Pcross,nocheck"],
         source, CC=f"{triplet}-gcc --sysroot={sysroot}", PKG_CONFIG="pkg-config",
         PKG_CONFIG_LIBDIR=f"{libraries}/pkgconfig:{sysroot}/usr/share/pkgconfig",
         PKG_CONFIG_SYSROOT_DIR=str(sysroot))


def package(build: Path, arch: str = "amd64") -> Path:
    """The file; MissingError with the end of the build's output."""
    own = os.environ.get("KEXEC_DEB" if arch == "amd64" else f"KEXEC_DEB_{arch.upper()}")
    if own:
        return Path(own)
    folder = build / "package"
    name = f"kexec-seed_*_{arch}.deb"
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = list(folder.glob(name))
        if len(made) == 1 and made[0].stat().st_mtime > _newest(CHECKOUT):
            return made[0]
        if arch == "amd64":
            _run(["dpkg-checkbuilddeps"], CHECKOUT)
        source = folder / "source"
        for old in [source, *made]:
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        shutil.copytree(CHECKOUT, source, ignore=NO_SOURCE, symlinks=True)
        if arch == "amd64":
            _run(["dpkg-buildpackage", "-us", "-uc", "-b"], source)
        else:
            _cross_build(source, arch)
        shutil.rmtree(source)
        [deb] = folder.glob(name)
        os.utime(deb)  # a package's dates come from its changelog
        return deb
