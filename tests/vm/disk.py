#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A Debian on a disk, with systemd, kdump-tools and its own kernel and scripts.

    disk.py               make the disks that the tests need, if missing
    disk.py --arch=arm64  those of arm64 guests: they are set up in a guest, for some minutes
    disk.py --refresh     make them anew

    disk = Disk("bookworm", tmp_path, {"/root/x": Path("x")})   # a private copy
    disk = Disk(..., selinux=True)          # with Debian's policy, and every file labelled
    disk = Disk(..., arch="arm64")          # dkms=True: with DKMS, headers and a compiler
    with disk.guest(cmdline="crashkernel=256M") as guest:
        guest.wait_ready(150)                           # as root, in dash
        ...
    disk.check()                                        # fsck after the guest's end
    disk.take("/var/crash/kexec_cmd", tmp_path / "command")

    CACHE/debian-disk/SUITE/{root.img,vmlinuz,version}  250 MB each, of 60 MB of packages
    CACHE/debian-disk/{SUITE-selinux,SUITE-arm64,SUITE-arm64-dkms}/...

A disk is an NVMe device with one file system. The cloud kernels have both drivers built in,
so they boot without an initrd; kdump-tools' initrd needs no modules. Files go in and out
through debugfs: no mount, no root.
"""

import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import debian
import foreign
from arches import ARCHES
from cache import MissingError
from debian import SUITES, bootstrap, kept, own_suite
from guest import Guest, GuestError
from initrd import HERE, Content, Cpio

INCLUDE = ",".join(["systemd-sysv", "udev", "kmod", "procps", "linux-image-cloud-amd64",
                    "initramfs-tools", "dracut-core", "kdump-tools", "makedumpfile",
                    "libelf1", "libjson-c5"])
INCLUDE_ARM64 = INCLUDE.replace("amd64", "arm64") + ",libfdt1,usr-is-merged"
DKMS_ARM64 = "dkms,linux-headers-cloud-arm64,gcc,libc6-dev"
SELINUX = "selinux-policy-default,policycoreutils,selinux-utils"
SIZE = "1G"
ROOT = "root=/dev/nvme0n1 rw"
# Where plug() can plug a disk in: arm64's first PCI bus takes none while the guest runs.
PORTS = {"x86_64": [], "arm64": ["-device", "pcie-root-port,id=below,chassis=1"]}
# Not read by anything here.
UNUSED = ["/usr/lib/x86_64-linux-gnu/gconv/*", "/usr/share/zoneinfo/*",
          "/usr/lib/udev/hwdb.d/*", "/lib/udev/hwdb.d/*"]
# Answers to package questions: use kdump, no drivers in an initrd.
BEFORE = """
mkdir -p "$1/etc/initramfs-tools/conf.d"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/modules"
echo kdump-tools kdump-tools/use_kdump boolean true | chroot "$1" debconf-set-selections
"""
# Made in advance: kdump-tools' first load would make it in the guest, which takes minutes.
# ischroot fails because Debian 13's script refuses to run in a chroot. Traces of this machine
# are removed, and so is Perl, which only a makedumpfile script uses.
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
AFTER_ARM64 = AFTER.replace("x86_64", "aarch64")
# From a tar file to a disk image, keeping the owners.
TO_IMAGE = """
set -e
umask 022
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/root"
tar -C "$tmp/root" --exclude './dev/*' -x
labels=/etc/selinux/default/contexts/files/file_contexts
[ ! -e "$tmp/root$labels" ] || unshare --mount --pid --fork --mount-proc="$tmp/root/proc" \
	chroot "$tmp/root" setfiles -F -e /proc $labels / >&2
mke2fs -q -t ext4 -E root_owner=0:0 -d "$tmp/root" "$tmp/image" "$0" >&2
dd if="$tmp/image" bs=1M conv=sparse status=none
"""
UNSHARED = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
# IMAGE FILES SCRIPT
IN_ROOT = """
set -e
umask 022
tmp=$(mktemp -d)
trap 'umount -R "$tmp"; rmdir "$tmp"' EXIT
mount -t tmpfs -o mode=755 root "$tmp"
debugfs -R "rdump / $tmp" "$0" >&2
tar -C "$tmp" --no-same-owner -xf "$1"
mount --rbind /dev "$tmp/dev"
mount -t proc proc "$tmp/proc"
chroot "$tmp" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
	DEBIAN_FRONTEND=noninteractive sh -ec "$2"
"""
# Not needed, and slow to start.
MASKED = ["apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer",
          "e2scrub_all.timer", "e2scrub_reap.service", "fstrim.timer",
          "getty-static.service", "getty@tty1.service", "serial-getty@{console}.service",
          "systemd-pstore.service", "systemd-udev-trigger.service",
          "modprobe@configfs.service", "modprobe@dm_mod.service", "modprobe@drm.service",
          "modprobe@efi_pstore.service", "modprobe@fuse.service",
          "modprobe@loop.service", "dev-hugepages.mount", "dev-mqueue.mount",
          "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
          "sys-kernel-config.mount", "sys-fs-fuse-connections.mount",
          "ldconfig.service", "systemd-hwdb-update.service",
          "systemd-journal-catalog-update.service", "systemd-update-done.service"]
SYSTEM = "/etc/systemd/system"
DEB = "/root/kexec-seed.deb"  # read by install()
AGENT = """\
[Service]
ExecStart=/bin/sh /usr/local/sbin/agent /dev/{line}
"""


def _tool(*argv, limit: int = 300, **more) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(list(map(str, argv)), stderr=subprocess.PIPE, timeout=limit,
                              check=False, **more)
    except FileNotFoundError:
        raise MissingError(f"{argv[0]} not found (Debian: e2fsprogs)") from None


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["mmdebstrap", "--unshare-helper"]


def _to_image(tar: Path, image: Path, script: str = TO_IMAGE, *arguments: str) -> None:
    with open(tar, "rb") as source, open(image, "wb") as target:
        done = _tool(*_as_root(), *UNSHARED, "sh", "-c", script, SIZE, *arguments,
                     limit=1200, stdin=source, stdout=target)
    if done.returncode:
        raise MissingError(f"no disk from {tar}: {done.stderr.decode().strip()[-2000:]}")
    _tool("fallocate", "--dig-holes", image)


def _start(image: Path, kernel: Path, folder: Path, cmdline: str, arch: str = "x86_64",
           initrd: Path | None = None, plugged: bool = True, extra=(),
           kind: type[Guest] = Guest, **more) -> Guest:
    """By default the kernel mounts the disk, because the archive that QEMU passes has no
    /init."""
    if not initrd:
        initrd = folder / "empty.cpio"
        with open(initrd, "wb") as out:
            Cpio(out).end()
    drive = f"if=none,id=disk,format=raw,cache=unsafe,file={image}"
    device = ["-device", "nvme,drive=disk,serial=1"] if plugged else PORTS[arch]
    return kind(kernel=kernel, initrd=initrd, cmdline=f"{ROOT} {cmdline}", arch=arch,
                extra=["-drive", drive, *device, *extra], **more)


def _fill(suite: str, include: str, made: Path, tmp: Path) -> None:
    tar = tmp / "root.tar"
    bootstrap(suite, include, tar, *(f"--dpkgopt=path-exclude={p}" for p in UNUSED),
              f"--essential-hook={BEFORE}", f"--customize-hook={AFTER}")
    with tarfile.open(tar) as members:
        for member in members:
            if re.fullmatch(r"\./boot/vmlinuz-\S+", member.name):
                with members.extractfile(member) as kernel:
                    (made / "vmlinuz").write_bytes(kernel.read())
    _to_image(tar, made / "root.img")


def _fill_arm64(suite: str, include: str, made: Path, tmp: Path) -> None:
    """Set up in a guest, since this machine may be unable to run arm64's programs."""
    (tmp / "debs").mkdir()
    debs = foreign.download("arm64", suite, include.split(","), tmp / "debs")
    (made / "vmlinuz").write_bytes(foreign.kernel(debs))
    foreign.pack(debs, BEFORE, AFTER_ARM64, tmp / "packages.tar")
    _to_image(tmp / "packages.tar", made / "root.img", foreign.UNPACK, "arm64",
              *(f"--path-exclude={p.replace('x86_64', '*')}"
                for p in (*debian.UNUSED, *UNUSED)))
    try:
        with _start(made / "root.img", made / "vmlinuz", tmp, foreign.CMDLINE,
                    arch="arm64") as guest:
            guest.wait_console(f"^{foreign.DONE}$", foreign.LIMIT)
            guest.wait_exit(60)
    except GuestError as error:
        raise MissingError(f"{suite} for arm64 is not set up: {error}") from None
    done = _tool("e2fsck", "-f", "-p", made / "root.img", stdout=subprocess.PIPE)
    if done.returncode not in (0, 1):
        raise MissingError(f"the disk of {suite} for arm64: {done.stdout.decode()}")
    _tool("fallocate", "--dig-holes", made / "root.img")


def debian_disk(suite: str, refresh: bool = False, selinux: bool = False,
                arch: str = "x86_64", dkms: bool = False) -> Path:
    """The cache folder with the disk and its kernel; MissingError."""
    include = f"{INCLUDE},{SELINUX}" if selinux else INCLUDE
    name, version, fill = suite, f"{suite} {include} {BEFORE} {AFTER}", _fill
    if selinux:
        name += "-selinux"
        if os.geteuid() != 0:
            raise MissingError("only root can label files")
    elif arch == "arm64":
        name, include, fill = f"{suite}-arm64", INCLUDE_ARM64, _fill_arm64
        if dkms:
            name, include = f"{name}-dkms", f"{include},{DKMS_ARM64}"
        version = (f"{suite} {include} {BEFORE} {AFTER_ARM64} {foreign.UNPACK}"
                   f" {foreign.SETUP}")
    return kept(f"debian-disk/{name}", version,
                lambda made, tmp: fill(suite, include, made, tmp), refresh)


class Disk:
    """A private disk for a guest, in `folder`; QEMU writes to it.

    files  guest path -> content, or host path whose mode is kept
    links  guest path -> target

    Paths must not cross links (/usr/sbin, not /sbin).
    """

    def __init__(self, suite: str, folder: Path, files: Mapping[str, Content],
                 links: Mapping[str, str] | None = None, selinux: bool = False,
                 arch: str = "x86_64", dkms: bool = False):
        self.folder = folder
        self.arch = arch
        base = debian_disk(suite, selinux=selinux, arch=arch, dkms=dkms)
        self.kernel = base / "vmlinuz"
        self.image = folder / "disk"
        done = _tool("cp", "--sparse=always", "--reflink=auto", base / "root.img",
                     self.image)
        assert done.returncode == 0, done.stderr
        # mmdebstrap's is empty, which would make every boot a first boot
        self._debugfs("rm /etc/machine-id", write=True)
        console = ARCHES[arch].console
        agent = AGENT.format(line=console.replace("0", "1")).encode()
        self._add({"/etc/machine-id": b"1" * 32 + b"\n",
                   f"{SYSTEM}/agent.service": agent,
                   "/usr/local/sbin/agent": HERE / "guest-root/agent", **files},
                  {f"{SYSTEM}/multi-user.target.wants/agent.service": "../agent.service",
                   **{f"{SYSTEM}/{name.format(console=console)}": "/dev/null"
                      for name in MASKED},
                   **(links or {})})

    def guest(self, cmdline: str = "", **more) -> Guest:
        """A guest that runs from this disk; `more` is for _start() and Guest()."""
        return _start(self.image, self.kernel, self.folder, cmdline, arch=self.arch, **more)

    @staticmethod
    def plug(guest: Guest) -> None:
        """Add the disk to a running guest: QEMU cannot save one with an NVMe device."""
        where = {"bus": "below"} if PORTS[guest.arch.name or "x86_64"] else {}
        guest.qmp.command("device_add", driver="nvme", drive="disk", serial="1", **where)

    def run(self, script: str, files: Mapping[str, Content], out: BinaryIO) -> None:
        """Run a shell script on this machine in a copy of the disk's root, as its root user,
        with more files; its standard output goes to `out`."""
        more = self.folder / "more.tar"
        with tarfile.open(more, "w") as tar:
            for path, content in files.items():
                info = tarfile.TarInfo(path.lstrip("/"))
                data = content if isinstance(content, bytes) else content.read_bytes()
                info.size, info.mode = len(data), 0o755
                tar.addfile(info, io.BytesIO(data))
        done = _tool(*_as_root(), *UNSHARED, "sh", "-c", IN_ROOT, self.image, more, script,
                     stdout=out)
        assert done.returncode == 0, done.stderr.decode()[-8000:]

    def rebuild(self, script: str, files: Mapping[str, Content]) -> None:
        """The same, but the root that the script leaves, without the files of this machine, is
        the new disk; with SELinux' policy every file of it is labelled."""
        tar = self.folder / "root.tar"
        with open(tar, "wb") as out:
            self.run(f"{{ {script}\n}} >&2; tar -C / --one-file-system -c .", files, out)
        _to_image(tar, self.image)
        tar.unlink()

    def _debugfs(self, *requests: str, write: bool = False) -> tuple[str, list[str]]:
        """Output and error lines."""
        with tempfile.NamedTemporaryFile("w", dir=self.folder) as script:
            script.write("\n".join(requests) + "\n")
            script.flush()
            done = _tool("debugfs", *(["-w"] if write else []), "-f", script.name,
                         self.image, stdout=subprocess.PIPE)
        said = done.stderr.decode().splitlines()
        return done.stdout.decode(), [x for x in said if not x.startswith("debugfs 1.")]

    def _add(self, files: Mapping[str, Content], links: Mapping[str, str]) -> None:
        parents = {str(p) for path in [*files, *links] for p in Path(path).parents}
        # debugfs complains about existing ones
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
        """After the guest's end, however it ended: the file system is clean once its journal
        is replayed."""
        done = _tool("e2fsck", "-p", self.image, stdout=subprocess.PIPE)
        assert done.returncode in (0, 1), done.stdout.decode()
        done = _tool("e2fsck", "-f", "-n", self.image, stdout=subprocess.PIPE)
        assert done.returncode == 0, done.stdout.decode()

    def names(self, folder: str) -> list[str]:
        """Names in a folder, without the dots."""
        text, complaints = self._debugfs(f"ls -p {folder}")
        assert not complaints, complaints
        rows = [line.split("/") for line in text.splitlines() if line.startswith("/")]
        return sorted(row[5] for row in rows if row[5] not in (".", ".."))

    def take(self, path: str, target: Path) -> Path:
        """Copy a file of the disk to `target`."""
        _, complaints = self._debugfs(f"dump {path} {target}")
        assert not complaints, complaints
        return target


def suites() -> list[str]:
    """Suites to test on: all with $KEXEC_SUITES=all, else this machine's release."""
    return SUITES if os.environ.get("KEXEC_SUITES") == "all" else [own_suite()]


def install(guest: Guest) -> str:
    """Install our package beside kexec-tools; from now on `kexec` is ours. What dpkg and the
    package's scripts print."""
    assert "kexec-tools" in guest.check("kexec --version")
    said = guest.check(f"dpkg -i {DEB}", 120)
    for kexec in ("kexec", "/sbin/kexec", "/usr/sbin/kexec"):
        assert "kexec-seed" in guest.check(f"{kexec} --version")
    return said


def main(argv: list[str]) -> int:
    if set(argv) - {"--refresh", "--arch=arm64"}:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    arch = "arm64" if "--arch=arm64" in argv else "x86_64"
    try:
        for suite in suites():
            debian_disk(suite, refresh="--refresh" in argv, arch=arch)
        if os.environ.get("KEXEC_SELINUX") and os.geteuid() == 0 and arch == "x86_64":
            debian_disk(own_suite(), refresh="--refresh" in argv, selinux=True)
    except MissingError as error:
        print(f"disk.py: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
