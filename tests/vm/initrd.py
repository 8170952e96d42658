# SPDX-License-Identifier: GPL-2.0-only
"""Makes the guests' initramfs: cpio archives, written without root.

    small = build_initrd()                              # busybox, our init and agent
    first = build_initrd(
        kernels=["6.1", "7.3"],                         # -> /boot/vmlinuz-6.1, -7.3
        programs=[build / "kexec/kexec"],              # -> /usr/sbin/kexec, its libraries
        files={"/etc/notes": Path("notes"), "/etc/motd": b"hello"})

An archive with kernels also has /boot/initrd, a small one, for the kernel after the jump.
Archives are cached and rebuilt when any input has changed.
"""

import hashlib
import os
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from arches import ARCHES, LibraryError
from cache import cache_dir, kernel_image

HERE = Path(__file__).resolve().parent
FOLDERS = ["/bin", "/boot", "/dev", "/etc", "/proc", "/root", "/run", "/sbin", "/sys",
           "/tmp", "/usr", "/usr/bin", "/usr/sbin", "/usr/share", "/var"]
KEEP_SECONDS = 4 * 3600

# A file's source: its path on the host, or its content.
Content = Path | bytes


class InitrdError(Exception):
    """A file that the archive needs is missing."""


class Cpio:
    """An archive in the "newc" format (the kernel's
    Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self, out):
        self.out = out
        self.inode = 0
        self.seen: set[str] = set()

    def _pad(self) -> None:
        self.out.write(bytes(-self.out.tell() % 4))

    def _header(self, name: str, mode: int, size: int, rdev=(0, 0)) -> None:
        self.inode += 1
        encoded = name.encode() + b"\0"
        fields = [self.inode, mode, 0, 0, 1, 0, size, 0, 0, *rdev, len(encoded), 0]
        self.out.write(b"070701" + b"".join(b"%08X" % f for f in fields) + encoded)
        self._pad()

    def _parents(self, path: str) -> None:
        for parent in reversed(Path(path).parents):
            if str(parent) != "/":
                self.folder(str(parent))

    def _once(self, path: str) -> bool:
        if path in self.seen:
            return False
        self.seen.add(path)
        return True

    def folder(self, path: str) -> None:
        if self._once(path):
            self._parents(path)
            self._header(path[1:], stat.S_IFDIR | 0o755, 0)

    def device(self, path: str, major: int, minor: int) -> None:
        if self._once(path):
            self._parents(path)
            self._header(path[1:], stat.S_IFCHR | 0o600, 0, (major, minor))

    def link(self, path: str, target: str) -> None:
        if self._once(path):
            self._parents(path)
            self._header(path[1:], stat.S_IFLNK | 0o777, len(target))
            self.out.write(target.encode())
            self._pad()

    def file(self, path: str, content: Content, mode: int = 0o644) -> None:
        if not self._once(path):
            return
        self._parents(path)
        if isinstance(content, bytes):
            self._header(path[1:], stat.S_IFREG | mode, len(content))
            self.out.write(content)
        else:
            with open(content, "rb") as source:
                size = os.fstat(source.fileno()).st_size
                self._header(path[1:], stat.S_IFREG | mode, size)
                start = self.out.tell()
                shutil.copyfileobj(source, self.out, 1 << 20)
                if self.out.tell() - start != size:
                    raise InitrdError(f"{content} changed while it was read")
        self._pad()

    def end(self) -> None:
        self._header("TRAILER!!!", 0, 0)
        self.out.write(bytes(-self.out.tell() % 512))


def busybox(arch: str = "x86_64") -> Path:
    if ARCHES[arch].name:
        return cache_dir() / arch / "busybox-static/sbin/busybox"
    found = shutil.which("busybox", path="/bin:/usr/bin:" + os.environ.get("PATH", ""))
    if not found:
        raise InitrdError("busybox not found (Debian: busybox-static)")
    return Path(found)


def libraries(program: Path, arch: str = "x86_64") -> dict[str, Path]:
    """Guest path -> host path of a program's loader and shared libraries."""
    try:
        return ARCHES[arch].libraries(program)
    except LibraryError as error:
        raise InitrdError(str(error)) from None


def _fingerprint(entries: Iterable[tuple[str, Content, int]]) -> str:
    digest = hashlib.sha256()
    for path, content, mode in entries:
        if isinstance(content, bytes):
            what = hashlib.sha256(content).hexdigest()
        else:
            info = os.stat(content)
            what = f"{content.resolve()} {info.st_size} {info.st_mtime_ns} {info.st_ino}"
        digest.update(f"{path}\0{mode:o}\0{what}\0".encode())
    return digest.hexdigest()[:16]


def _forget_old(folder: Path) -> None:
    for old in folder.glob("*.cpio"):
        try:
            if time.time() - old.stat().st_mtime > KEEP_SECONDS:
                old.unlink()
        except FileNotFoundError:
            pass


def build_initrd(files: Mapping[str, Content] | None = None,
                 programs: Iterable[Path | tuple[str, Path]] = (),
                 kernels: Iterable[str] = (), next_initrd: Path | None = None,
                 name: str = "initrd", arch: str = "x86_64") -> Path:
    """An archive with busybox, our init and agent, and the requested files; its path.

    files        guest path -> host path or content; mode 0755 if the host's has x
    programs     host path, or (guest path, host path); with shared libraries
    kernels      slots of the cache, to /boot/vmlinuz-SLOT
    next_initrd  for /boot/initrd; by default a small archive when there are kernels
    arch         of the guest, as for Guest()
    """
    entries: list[tuple[str, Content, int]] = [
        ("/init", HERE / "guest-root/init", 0o755),
        ("/sbin/agent", HERE / "guest-root/agent", 0o755),
        ("/bin/busybox", busybox(arch), 0o755),
    ]
    for program in programs:
        target, source = program if isinstance(program, tuple) else \
            (f"/usr/sbin/{Path(program).name}", program)
        source = Path(source)
        if not source.is_file():
            raise InitrdError(f"{source} not found: has it been built?")
        entries.append((target, source, 0o755))
        entries += [(g, h, 0o755) for g, h in libraries(source, arch).items()]
    for target, content in (files or {}).items():
        run = isinstance(content, Path) and os.access(content, os.X_OK)
        entries.append((target, content, 0o755 if run else 0o644))
    kernels = list(kernels)
    entries += [(f"/boot/vmlinuz-{k}", kernel_image(k, ARCHES[arch].name), 0o644)
                for k in kernels]
    if kernels or next_initrd:
        entries.append(("/boot/initrd", next_initrd or build_initrd(name="next", arch=arch),
                        0o644))

    folder = cache_dir() / "initrd"
    folder.mkdir(parents=True, exist_ok=True)
    # of this machine's busybox: the other one's cannot be asked
    applets = subprocess.run([busybox(), "--list"], capture_output=True, text=True,
                             timeout=60, check=True).stdout.split()
    key = _fingerprint([*entries, ("/bin", " ".join(applets).encode(), 0),
                        ("maker", Path(__file__), 0)])
    final = folder / f"{name}-{key}.cpio"
    if final.exists():
        os.utime(final)
        return final
    _forget_old(folder)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".tmp", delete=False) as out:
        try:
            cpio = Cpio(out)
            for path in FOLDERS:
                cpio.folder(path)
            cpio.device("/dev/console", 5, 1)
            for target, content, mode in entries:
                cpio.file(target, content, mode)
            for applet in applets:
                cpio.link(f"/bin/{applet}", "busybox")
            cpio.end()
            os.chmod(out.name, 0o644)
            os.rename(out.name, final)
        except BaseException:
            os.unlink(out.name)
            raise
    return final
