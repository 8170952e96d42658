# SPDX-License-Identifier: GPL-2.0-only
"""Small guest kernels in the shapes that Debian's archive lacks.

    image = built_kernel("bzip2")       # one of BUILT; a path in the cache
    words = missing_tools()             # packages to install first

Built from Debian's linux-source package: a 138 MB download, 2 GB of cache during the build,
some minutes. 10 MB stay:

    CACHE/small-kernels/NAME, version

They have only what the guests' init needs: two serial lines, an initramfs, /proc, /sys. Each
differs from the first in one option, so nearly all objects are shared.
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import tempfile
from importlib.machinery import SourceFileLoader
from pathlib import Path

from cache import FETCH, MissingError, cache_dir

SUITE, SOURCE = "bookworm", "linux-source-6.1"
COMPRESSIONS = ["gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd"]
# Not relocatable, unlike the others: runs only at its link address.
FIXED = "fixed"
# 32-bit; shares no objects with the others.
I386 = "i386"
BUILT = [*COMPRESSIONS, FIXED, I386]
# program -> Debian's package
TOOLS = {"make": "make", "gcc": "gcc", "ld": "binutils", "flex": "flex",
         "bison": "bison", "bc": "bc", "perl": "perl", "xz": "xz-utils",
         "lzma": "xz-utils", "gzip": "gzip", "bzip2": "bzip2", "lzop": "lzop",
         "lz4": "lz4", "zstd": "zstd"}
HEADERS = {"/usr/include/gelf.h": "libelf-dev"}
# EXPERT allows switching off options that are otherwise forced on.
WANTED = ["EXPERT", "PRINTK", "PRINTK_TIME", "TTY", "SERIAL_8250", "SERIAL_8250_CONSOLE",
          "BLK_DEV_INITRD", "BINFMT_ELF", "BINFMT_SCRIPT", "MULTIUSER", "PROC_FS",
          "SYSFS", "SHMEM", "TMPFS", "DEVTMPFS", "FUTEX", "EPOLL", "POSIX_TIMERS",
          "RANDOM_TRUST_BOOTLOADER", "RELOCATABLE"]
MINUTES = 45  # per kernel: the first takes longest, and machines may be slow


def missing_tools() -> list[str]:
    """Names of Debian's packages."""
    names = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    names += [package for path, package in HEADERS.items() if not os.path.exists(path)]
    return sorted(set(names))


def folder() -> Path:
    return cache_dir() / "small-kernels"


def _run(argv: list[str], what: str, cwd: Path) -> None:
    env = dict(os.environ, LC_ALL="C", KBUILD_BUILD_USER="kexec-seed",
               KBUILD_BUILD_HOST="test")
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):  # set by `make check-long`
        env.pop(name, None)
    try:
        done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=MINUTES * 60,
                              check=False)
    except subprocess.TimeoutExpired:
        raise MissingError(f"gave up after {MINUTES} minutes trying to {what}") from None
    if done.returncode:
        lines = (done.stderr + done.stdout).strip().splitlines()[-5:]
        raise MissingError(f"cannot {what}: {' / '.join(lines)}")


def _source(work: Path) -> tuple[Path, str]:
    """Debian's kernel source, unpacked, and its version."""
    loader = SourceFileLoader("fetch", str(FETCH))
    fetch = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("fetch", loader))
    loader.exec_module(fetch)
    archive = fetch.Archive(cache_dir() / "apt")
    try:
        archive.update()
        package = archive.newest(SUITE, SOURCE)
        if package is None:
            raise MissingError(f"{SUITE} has no {SOURCE}")
        archive.unpack(package, work)
    except fetch.FetchError as error:
        raise MissingError(str(error)) from None
    packed = work / f"usr/src/{SOURCE}.tar.xz"
    _run(["tar", "-xf", str(packed)], "unpack the kernel source", work)
    packed.unlink()
    return work / SOURCE, package["Version"]


def _config(name: str) -> str:
    """A configuration fragment; options it does not name are off."""
    chosen = name if name in COMPRESSIONS else "gzip"
    on = [w for w in WANTED if w != "RELOCATABLE" or name not in (FIXED, I386)]
    if name != I386:
        on.append("64BIT")
    off = [f"KERNEL_{c.upper()}" for c in COMPRESSIONS if c != chosen]
    off += [w for w in WANTED if w not in on]
    return "".join([*(f"CONFIG_{x}=y\n" for x in [f"KERNEL_{chosen.upper()}", *on]),
                    *(f"# CONFIG_{x} is not set\n" for x in off)])


def _make(source: Path, work: Path, name: str) -> Path:
    """Build one kernel; return its bzImage."""
    objects = work / ("objects-32" if name == I386 else "objects")
    objects.mkdir(exist_ok=True)
    arch = "i386" if name == I386 else "x86_64"
    wanted = objects / "wanted.config"
    wanted.write_text(_config(name))
    make = ["make", "-s", f"ARCH={arch}", f"O={objects}"]
    what = f"configure the small kernel {name}"
    # allnoconfig: options the fragment does not name are off
    _run([*make, f"KCONFIG_ALLCONFIG={wanted}", "allnoconfig"], what, source)
    have = (objects / ".config").read_text().splitlines()
    for line in wanted.read_text().splitlines():
        if line.endswith("=y") and line not in have:
            raise MissingError(f"cannot {what}: {line} does not hold")
    _run([*make, f"-j{os.cpu_count() or 1}", "bzImage"], f"build the small kernel {name}",
         source)
    return objects / "arch/x86/boot/bzImage"


def _build(names: list[str]) -> None:
    with tempfile.TemporaryDirectory(dir=folder(), prefix="work-") as tmp:
        work = Path(tmp)
        source, version = _source(work)
        for name in names:
            image = _make(source, work, name)
            shutil.copyfile(image, work / name)
            (work / name).rename(folder() / name)
        (folder() / "version").write_text(f"{version}\n")


def built_kernel(name: str) -> Path:
    """One of BUILT. Builds every missing kernel that shares objects with it; MissingError
    says why it cannot."""
    if packages := missing_tools():
        raise MissingError(f"to build kernels, install {' '.join(packages)}")
    folder().mkdir(parents=True, exist_ok=True)
    with open(folder() / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the tests run in several processes
        family = [n for n in BUILT if (n == I386) == (name == I386)]
        if missing := [n for n in family if not (folder() / n).exists()]:
            _build(missing)
    return folder() / name
