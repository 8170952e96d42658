# SPDX-License-Identifier: GPL-2.0-only
"""Small guest kernels in the shapes that Debian's archive lacks.

    image = built_kernel("bzip2")       # one of BUILT; a path in the cache
    words = missing_tools()             # packages to install first

Built from Debian's linux-source packages: downloads of 138 MB, 2 GB of cache during the build,
some minutes. 20 MB stay:

    CACHE/small-kernels/NAME, NAME.version

They have only what the guests' init needs: two serial lines, an initramfs, /proc, /sys. Those of
a family differ in one option, so nearly all objects are shared.
"""

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path

from cache import FETCH, MissingError, cache_dir

COMPRESSIONS = ["gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd"]
# Not relocatable, unlike the others: runs only at its link address.
FIXED = "fixed"
# 32-bit; shares no objects with the others.
I386 = "i386"
# For arm64, and with kexec_file_load(2), which Debian's kernels for it lack.
ARM64 = "arm64"
# The same with pages of 64 KiB.
ARM64_64K = "arm64-64k"
BUILT = [*COMPRESSIONS, FIXED, I386, ARM64, ARM64_64K]
# program -> Debian's package
TOOLS = {"make": "make", "gcc": "gcc", "ld": "binutils", "flex": "flex",
         "bison": "bison", "bc": "bc", "perl": "perl", "xz": "xz-utils",
         "lzma": "xz-utils", "gzip": "gzip", "bzip2": "bzip2", "lzop": "lzop",
         "lz4": "lz4", "zstd": "zstd"}
HEADERS = {"/usr/include/gelf.h": "libelf-dev"}
ARM64_TOOLS = {"aarch64-linux-gnu-gcc": "gcc-aarch64-linux-gnu"}
# EXPERT allows switching off options that are otherwise forced on.
WANTED = ["EXPERT", "PRINTK", "PRINTK_TIME", "TTY", "BLK_DEV_INITRD", "BINFMT_ELF",
          "BINFMT_SCRIPT", "MULTIUSER", "PROC_FS", "SYSFS", "SHMEM", "TMPFS", "DEVTMPFS",
          "FUTEX", "EPOLL", "POSIX_TIMERS", "RELOCATABLE"]
X86_WANTED = ["SERIAL_8250", "SERIAL_8250_CONSOLE", "RANDOM_TRUST_BOOTLOADER"]
# RANDOMIZE_BASE: the address of a kernel depends on its tree's kaslr-seed. KEXEC needs SUSPEND.
ARM64_WANTED = ["SERIAL_AMBA_PL011", "SERIAL_AMBA_PL011_CONSOLE", "SUSPEND", "KEXEC", "KEXEC_FILE",
                "RANDOMIZE_BASE", "CRASH_DUMP", "PROC_VMCORE", "PROC_KCORE", "PROC_SYSCTL",
                "KALLSYMS", "ADVISE_SYSCALLS", "FILE_LOCKING", "MAGIC_SYSRQ"]


@dataclass(frozen=True)
class Family:
    """Kernels that share a source and objects."""

    suite: str
    source: str  # Debian's package
    arch: str  # as kbuild has it
    image: str  # in the objects' folder
    names: tuple[str, ...]
    wanted: tuple[str, ...] = (*WANTED, *X86_WANTED)
    make: tuple[str, ...] = ()


FAMILIES = [
    Family("bookworm", "linux-source-6.1", "x86_64", "arch/x86/boot/bzImage",
           (*COMPRESSIONS, FIXED), (*WANTED, *X86_WANTED, "64BIT")),
    Family("bookworm", "linux-source-6.1", "i386", "arch/x86/boot/bzImage", (I386,)),
    Family("bookworm-backports", "linux-source-6.12", "arm64", "arch/arm64/boot/Image",
           (ARM64, ARM64_64K), (*WANTED, *ARM64_WANTED), ("CROSS_COMPILE=aarch64-linux-gnu-",)),
]
MINUTES = 45  # per kernel: the first takes longest, and machines may be slow


def family_of(name: str) -> Family:
    return next(f for f in FAMILIES if name in f.names)


def missing_tools(name: str = "") -> list[str]:
    """Names of Debian's packages."""
    tools = TOOLS | (ARM64_TOOLS if name in (ARM64, ARM64_64K) else {})
    names = [package for tool, package in tools.items() if not shutil.which(tool)]
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


def _source(family: Family, work: Path) -> tuple[Path, str]:
    """Debian's kernel source, unpacked, and its version."""
    loader = SourceFileLoader("fetch", str(FETCH))
    fetch = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("fetch", loader))
    loader.exec_module(fetch)
    archive = fetch.Archive(cache_dir() / "apt")
    try:
        archive.update()
        package = archive.newest(family.suite, re.escape(family.source))
        if package is None:
            raise MissingError(f"{family.suite} has no {family.source}")
        archive.unpack(package, work)
    except fetch.FetchError as error:
        raise MissingError(str(error)) from None
    packed = work / f"usr/src/{family.source}.tar.xz"
    _run(["tar", "-xf", str(packed)], "unpack the kernel source", work)
    packed.unlink()
    return work / family.source, package["Version"]


def _config(family: Family, name: str) -> str:
    """A configuration fragment; options it does not name are off."""
    on = [w for w in family.wanted if w != "RELOCATABLE" or name not in (FIXED, I386)]
    off = [w for w in family.wanted if w not in on]
    if name in (ARM64, ARM64_64K):
        sizes = ["ARM64_4K_PAGES", "ARM64_64K_PAGES"]
        on.append(sizes.pop(name == ARM64_64K))
        off += sizes
    else:
        chosen = name if name in COMPRESSIONS else "gzip"
        on.append(f"KERNEL_{chosen.upper()}")
        off += [f"KERNEL_{c.upper()}" for c in COMPRESSIONS if c != chosen]
    return "".join([*(f"CONFIG_{x}=y\n" for x in on),
                    *(f"# CONFIG_{x} is not set\n" for x in off)])


def _make(family: Family, source: Path, work: Path, name: str) -> Path:
    """Build one kernel; return its image."""
    objects = work / "objects"
    objects.mkdir(exist_ok=True)
    wanted = objects / "wanted.config"
    wanted.write_text(_config(family, name))
    make = ["make", "-s", f"ARCH={family.arch}", f"O={objects}", *family.make]
    what = f"configure the small kernel {name}"
    # allnoconfig: options the fragment does not name are off
    _run([*make, f"KCONFIG_ALLCONFIG={wanted}", "allnoconfig"], what, source)
    have = (objects / ".config").read_text().splitlines()
    for line in wanted.read_text().splitlines():
        if line.endswith("=y") and line not in have:
            raise MissingError(f"cannot {what}: {line} does not hold")
    jobs = len(os.sched_getaffinity(0))
    _run([*make, f"-j{jobs}", Path(family.image).name], f"build the small kernel {name}",
         source)
    return objects / family.image


def _build(family: Family, names: list[str]) -> None:
    with tempfile.TemporaryDirectory(dir=folder(), prefix="work-") as tmp:
        work = Path(tmp)
        source, version = _source(family, work)
        for name in names:
            image = _make(family, source, work, name)
            shutil.copyfile(image, work / name)
            (folder() / f"{name}.version").write_text(f"{version}\n")
            (work / name).rename(folder() / name)


def built_kernel(name: str) -> Path:
    """One of BUILT. If it is missing, so are others: builds all missing ones of its family.
    MissingError says why it cannot."""
    if packages := missing_tools(name):
        raise MissingError(f"to build kernels, install {' '.join(packages)}")
    folder().mkdir(parents=True, exist_ok=True)
    family = family_of(name)
    with open(folder() / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the tests run in several processes
        if not (folder() / name).exists():
            _build(family, [n for n in family.names if not (folder() / n).exists()])
    return folder() / name
