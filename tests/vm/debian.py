#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A small Debian with systemd for a guest, made by mmdebstrap and cached.

    debian.py            make it if missing
    debian.py --refresh  make it anew

    root = debian_root()                                # MissingError names what is missing
    archive = debian_initrd(root, {"/usr/local/sbin/x": Path("x")}, folder)
    Guest(initrd=archive, cmdline="rdinit=/lib/systemd/systemd", ...)

    CACHE/debian/SUITE/{root.cpio,version}              170 MB

It is of this machine's own release, since programs built here might not run on another, and
comes from the mirror that this machine's apt uses. All of it is unpacked into guest memory:
no disk, no disk driver.
"""

import fcntl
import functools
import importlib.machinery
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from cache import FETCH, MissingError, cache_dir
from initrd import Content, Cpio

SUITES = ["bookworm", "trixie"]
INCLUDE = "systemd-sysv,udev,kmod,libelf1,libjson-c5"
# Not read by any test, and half of the size.
UNUSED = ["/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*",
          "/usr/share/man/*", "/usr/lib/x86_64-linux-gnu/perl-base/unicore/*"]
# Links into /usr in Debian; a folder of that name in an archive would replace the link.
MERGED = ("bin", "lib", "lib64", "sbin")
# Settings for reaching a server, such as a proxy, are copied from this machine; also that its
# mirror may be older than the archive says it is valid for, as sid is for a week.
WAY_OUT = re.compile(r'^(Acquire::(?:http|https|Retries|Check-Valid-Until)'
                     r'(?:::[\w:.-]+)? "[^"\n]+";)$', re.MULTILINE)


@functools.cache
def _load_fetch():
    """The script `fetch` as a module; it can query this machine's apt."""
    loader = importlib.machinery.SourceFileLoader("fetch", str(FETCH))
    module = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("fetch", loader))
    loader.exec_module(module)
    return module


def own_suite() -> str:
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            name = line.partition("=")[2].strip('"')
            return name if name in SUITES else SUITES[0]
    return SUITES[0]


class RootCpio(Cpio):
    """An archive made from a tar file, keeping owners and modes."""

    def _entry(self, info: tarfile.TarInfo, mode: int, size: int) -> None:
        self.inode += 1
        name = os.path.normpath(info.name).encode() + b"\0"
        fields = [self.inode, mode | info.mode & 0o7777, info.uid, info.gid, 1,
                  int(info.mtime), size, 0, 0, info.devmajor, info.devminor,
                  len(name), 0]
        self.out.write(b"070701" + b"".join(b"%08X" % f for f in fields) + name)
        self._pad()

    def add(self, tar: tarfile.TarFile, info: tarfile.TarInfo) -> None:
        if info.isdir():
            self._entry(info, 0o040000, 0)
        elif info.issym():
            target = info.linkname.encode()
            self._entry(info, 0o120000, len(target))
            self.out.write(target)
        elif info.isreg() or info.islnk():  # hard links become copies
            content = tar.extractfile(info)
            size = tar.getmember(info.linkname).size if info.islnk() else info.size
            self._entry(info, 0o100000, size)
            shutil.copyfileobj(content, self.out, 1 << 20)
        # no devices: devtmpfs provides them
        self._pad()


def to_cpio(source: Path, target: Path) -> None:
    with tarfile.open(source) as tar, open(target, "wb") as out:
        cpio = RootCpio(out)
        for info in tar:
            cpio.add(tar, info)
        cpio.device("/dev/console", 5, 1)  # before any file system is mounted
        cpio.end()


def bootstrap(suite: str, include: str, tar: Path, *options: str) -> None:
    """A root of a suite with these packages, as a tar file in a world-readable folder;
    `options` go to mmdebstrap."""
    fetch = _load_fetch()
    if not shutil.which("mmdebstrap"):
        raise MissingError("mmdebstrap not found (Debian: mmdebstrap)")
    site = fetch.Archive(cache_dir() / "apt").site()
    keyring = next((k for k in fetch.KEYRINGS if os.path.exists(k)), None)
    signed = f"[signed-by={keyring}] " if keyring else ""
    fetch.say(f"a small {suite} from {site}")
    conf = tar.with_suffix(".conf")
    conf.write_text("\n".join(WAY_OUT.findall(fetch.run(
        ["apt-config", "dump"], "read apt's configuration"))) + "\n")
    fetch.run(["mmdebstrap", "--variant=minbase", f"--include={include}",
               f"--aptopt={conf}", *(f"--dpkgopt=path-exclude={p}" for p in UNUSED),
               *options, suite, str(tar), f"deb {signed}{site} {suite} main"],
              f"make a root of {suite}")


def kept(name: str, version: str, fill: Callable[[Path, Path], None],
         refresh: bool = False) -> Path:
    """The cache folder of that name. If it is missing or of another version, fill(made, tmp)
    makes it, which needs the network; MissingError if that fails."""
    folder = cache_dir() / name
    stamp = folder / "version"
    fetch = _load_fetch()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{folder}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not refresh and stamp.exists() and stamp.read_text() == f"{version}\n":
            return folder
        try:
            with tempfile.TemporaryDirectory(dir=cache_dir()) as tmp:
                os.chmod(tmp, 0o755)
                made = Path(tmp) / "made"
                made.mkdir()
                fill(made, Path(tmp))
                (made / "version").write_text(f"{version}\n")
                fetch.publish(made, folder)
        except (OSError, tarfile.TarError, subprocess.SubprocessError,
                fetch.FetchError) as error:
            raise MissingError(str(error)) from None
    return folder


def debian_root(refresh: bool = False) -> Path:
    """The root as an archive; made if missing, which needs the network."""
    suite = own_suite()

    def fill(made: Path, tmp: Path) -> None:
        bootstrap(suite, INCLUDE, tmp / "root.tar")
        to_cpio(tmp / "root.tar", made / "root.cpio")

    return kept(f"debian/{suite}", f"{suite} {INCLUDE}", fill, refresh) / "root.cpio"


def _merged(path: str) -> str:
    return f"/usr{path}" if path.split("/")[1] in MERGED else path


def debian_initrd(root: Path, files: Mapping[str, Content], links: Mapping[str, str],
                  folder: Path) -> Path:
    """An archive in `folder`: the root, then `files` and `links` (path -> target), which
    replace entries of the same name. Modes are those of the host's files; 0644 for content
    given as bytes."""
    final = folder / "debian.cpio"
    with open(final, "wb") as out:
        with open(root, "rb") as source:
            shutil.copyfileobj(source, out, 1 << 20)
        cpio = Cpio(out)
        for path, content in files.items():
            on_host = isinstance(content, Path)
            mode = os.stat(content).st_mode & 0o755 if on_host else 0o644
            cpio.file(_merged(path), content, mode)
        for path, target in links.items():
            cpio.link(_merged(path), target)
        cpio.end()
    return final


def main(argv: list[str]) -> int:
    if argv not in ([], ["--refresh"]):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        debian_root(refresh=bool(argv))
    except MissingError as error:
        print(f"debian.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
