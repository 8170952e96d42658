#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A whole Debian on a disk, with systemd and kdump-tools: its own kernel, its own scripts.

    disk.py            make what the tests here need, if it is not there
    disk.py --refresh  make it anew

    disk = Disk("bookworm", tmp_path, {"/root/x": Path("x")})   # a copy of its own
    with disk.guest(cmdline="crashkernel=256M") as guest:
        guest.wait_ready(150)                           # as root, in dash
        ...
    disk.check()                                        # what the guest has left behind
    disk.take("/var/crash/kexec_cmd", tmp_path / "command")

    CACHE/debian-disk/SUITE/{root.img,vmlinuz,version}  250 MB each, of 60 MB of packages

A disk is an NVMe device and has one file system. The kernels (those for clouds) have both
drivers built in, so they boot without an initrd; that of kdump-tools needs no modules.
Files go in and come out through debugfs: nothing is mounted, nobody has to be root.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cache import MissingError
from debian import SUITES, bootstrap, kept, own_suite
from guest import Guest
from initrd import HERE, Content, Cpio

KERNEL = "linux-image-cloud-amd64"
INCLUDE = ",".join(["systemd-sysv", "udev", "kmod", "procps", KERNEL, "initramfs-tools",
                    "kdump-tools", "makedumpfile", "libelf1", "libjson-c5"])
SIZE = "1G"
ROOT = "root=/dev/nvme0n1 rw"
# Not read by anything here.
UNUSED = ["/usr/lib/x86_64-linux-gnu/gconv/*", "/usr/share/zoneinfo/*",
          "/usr/lib/udev/hwdb.d/*", "/lib/udev/hwdb.d/*"]
# Answers before the packages ask: kdump is wanted, and no drivers in an initrd.
BEFORE = """
mkdir -p "$1/etc/initramfs-tools/conf.d"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/modules"
echo kdump-tools kdump-tools/use_kdump boolean true | chroot "$1" debconf-set-selections
"""
# What kdump-tools makes when it loads for the first time, which takes minutes in a guest;
# Debian 13's does not want to in a chroot. What comes from this machine goes; so does
# Perl, which is there for a script of makedumpfile's.
AFTER = """
set -e
version=$(ls "$1/usr/lib/modules")
mkdir "$1/tmp/bin"
ln -s /bin/false "$1/tmp/bin/ischroot"
chroot "$1" env PATH=/tmp/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	/etc/kernel/postinst.d/kdump-tools "$version"
rm -r "$1/tmp/bin"
cp "$1/etc/kdump/sysctl.conf" "$1/var/lib/kdump/latest_sysctls-$version"
test -s "$1/var/lib/kdump/initrd.img-$version"
echo debian >"$1/etc/hostname"
rm -f "$1/etc/resolv.conf" "$1"/var/log/*.log "$1"/var/log/apt/*
rm -rf "$1"/usr/share/perl/* "$1"/usr/lib/x86_64-linux-gnu/perl/*
"""
# From a tar file to the image of a disk, with the owners that are in there.
TO_IMAGE = """
set -e
umask 022
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/root"
tar -C "$tmp/root" --exclude './dev/*' -x
mke2fs -q -t ext4 -E root_owner=0:0 -d "$tmp/root" "$tmp/image" "$0" >&2
cat "$tmp/image"
"""
# None of it is needed, and each takes its time to start.
MASKED = ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
          "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
          "getty-static.service", "getty@tty1.service", "serial-getty@ttyS0.service",
          "systemd-pstore.service", "systemd-udev-trigger.service",
          "modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@drm.service",
          "modprobe@efi_pstore.service", "modprobe@fuse.service",
          "modprobe@loop.service", "dev-hugepages.mount", "dev-mqueue.mount",
          "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
          "sys-kernel-config.mount", "sys-fs-fuse-connections.mount"]
SYSTEM = "/etc/systemd/system"
DEB = "/root/kexec-seed.deb"  # where install() expects our package
AGENT = b"""\
[Service]
ExecStart=/bin/sh /usr/local/sbin/agent /dev/ttyS1
"""


def _tool(*argv, **more) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(list(map(str, argv)), stderr=subprocess.PIPE, timeout=300,
                              check=False, **more)
    except FileNotFoundError:
        raise MissingError(f"{argv[0]} is not there (Debian: e2fsprogs)") from None


def _to_image(tar: Path, image: Path) -> None:
    helper = [] if os.geteuid() == 0 else ["mmdebstrap", "--unshare-helper"]
    with open(tar, "rb") as source, open(image, "wb") as target:
        done = _tool(*helper, "sh", "-c", TO_IMAGE, SIZE, stdin=source, stdout=target)
    if done.returncode:
        raise MissingError(f"no disk from {tar}: {done.stderr.decode().strip()}")
    _tool("fallocate", "--dig-holes", image)


def debian_disk(suite: str, refresh: bool = False) -> Path:
    """The folder of the cache with the disk and its kernel; MissingError."""
    def fill(made: Path, tmp: Path) -> None:
        tar = tmp / "root.tar"
        bootstrap(suite, INCLUDE, tar, *(f"--dpkgopt=path-exclude={p}" for p in UNUSED),
                  f"--essential-hook={BEFORE}", f"--customize-hook={AFTER}")
        with tarfile.open(tar) as members:
            for member in members:
                if re.fullmatch(r"\./boot/vmlinuz-\S+", member.name):
                    with members.extractfile(member) as kernel:
                        (made / "vmlinuz").write_bytes(kernel.read())
        _to_image(tar, made / "root.img")

    return kept(f"debian-disk/{suite}", f"{suite} {INCLUDE} {BEFORE} {AFTER}", fill,
                refresh)


class Disk:
    """A disk of its own for a guest, in `folder`, which QEMU writes to.

    files  guest path -> host path, whose mode it gets, or content
    links  guest path -> target

    Paths are those of the file system, without links on their way (/usr/sbin, not /sbin).
    """

    def __init__(self, suite: str, folder: Path, files: Mapping[str, Content],
                 links: Mapping[str, str] | None = None):
        self.folder = folder
        base = debian_disk(suite)
        self.kernel = base / "vmlinuz"
        self.image = folder / "disk"
        done = _tool("cp", "--sparse=always", "--reflink=auto", base / "root.img",
                     self.image)
        assert done.returncode == 0, done.stderr
        # that of mmdebstrap is empty: every boot would be the first one
        self._debugfs("rm /etc/machine-id", write=True)
        self._add({"/etc/machine-id": b"1" * 32 + b"\n",
                   f"{SYSTEM}/agent.service": AGENT,
                   "/usr/local/sbin/agent": HERE / "guest-root/agent", **files},
                  {f"{SYSTEM}/multi-user.target.wants/agent.service": "../agent.service",
                   **{f"{SYSTEM}/{name}": "/dev/null" for name in MASKED},
                   **(links or {})})

    def guest(self, cmdline: str = "", **more) -> Guest:
        """A guest that runs from this disk. A kernel goes on to the disk when the archive
        that QEMU gives it has no /init."""
        empty = self.folder / "empty.cpio"
        with open(empty, "wb") as out:
            Cpio(out).end()
        drive = f"if=none,id=disk,format=raw,cache=unsafe,file={self.image}"
        return Guest(kernel=self.kernel, initrd=empty, cmdline=f"{ROOT} {cmdline}",
                     extra=["-drive", drive, "-device", "nvme,drive=disk,serial=1"],
                     **more)

    def _debugfs(self, *requests: str, write: bool = False) -> tuple[str, list[str]]:
        """Output and complaints."""
        with tempfile.NamedTemporaryFile("w", dir=self.folder) as script:
            script.write("\n".join(requests) + "\n")
            script.flush()
            done = _tool("debugfs", *(["-w"] if write else []), "-f", script.name,
                         self.image, stdout=subprocess.PIPE)
        said = done.stderr.decode().splitlines()
        return done.stdout.decode(), [x for x in said if not x.startswith("debugfs 1.")]

    def _add(self, files: Mapping[str, Content], links: Mapping[str, str]) -> None:
        parents = {str(p) for path in [*files, *links] for p in Path(path).parents}
        # one that is there is complained about
        self._debugfs(*(f"mkdir {p}" for p in sorted(parents - {"/"})), write=True)
        requests = [f"symlink {path} {target}" for path, target in links.items()]
        for number, (path, content) in enumerate(files.items()):
            source = content
            if isinstance(content, bytes):
                source = self.folder / f"content-{number}"
                source.write_bytes(content)
            requests.append(f"write {source} {path}")
        _, complaints = self._debugfs(*requests, write=True)
        assert not complaints, complaints

    def check(self) -> None:
        """Once the guest has ended, however it did: the file system is in order after its
        journal has done its part."""
        done = _tool("e2fsck", "-p", self.image, stdout=subprocess.PIPE)
        assert done.returncode in (0, 1), done.stdout.decode()
        done = _tool("e2fsck", "-f", "-n", self.image, stdout=subprocess.PIPE)
        assert done.returncode == 0, done.stdout.decode()

    def names(self, folder: str) -> list[str]:
        """What a folder has, without the dots."""
        text, complaints = self._debugfs(f"ls -p {folder}")
        assert not complaints, complaints
        rows = [line.split("/") for line in text.splitlines() if line.startswith("/")]
        return sorted(row[5] for row in rows if row[5] not in (".", ".."))

    def take(self, path: str, target: Path) -> Path:
        """A file of the disk, copied to `target`."""
        _, complaints = self._debugfs(f"dump {path} {target}")
        assert not complaints, complaints
        return target


def suites() -> list[str]:
    """What to run tests on: $KEXEC_SUITES=all, else the release that is this machine's."""
    return SUITES if os.environ.get("KEXEC_SUITES") == "all" else [own_suite()]


def install(guest: Guest) -> None:
    """Our package, beside kexec-tools, which is there; from now on `kexec` is ours."""
    assert "kexec-tools" in guest.check("kexec --version")
    guest.check(f"dpkg -i {DEB}", 120)
    for kexec in ("kexec", "/sbin/kexec", "/usr/sbin/kexec"):
        assert "kexec-seed" in guest.check(f"{kexec} --version")


def main(argv: list[str]) -> int:
    if argv not in ([], ["--refresh"]):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        for suite in suites():
            debian_disk(suite, refresh=bool(argv))
    except MissingError as error:
        print(f"disk.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
