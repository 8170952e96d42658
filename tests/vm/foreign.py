# SPDX-License-Identifier: GPL-2.0-only
"""A disk with a Debian of another architecture, whose programs this machine cannot run.

This machine's dpkg unpacks the packages into an empty root, where no script of theirs runs. A
guest of that architecture runs the scripts, once: its first process is SETUP. So no emulator is
registered with the kernel, and dpkg's own architectures stay as they are.

    debs = download("arm64", "bookworm", ["systemd-sysv", "linux-image-cloud-arm64"], folder)
    pack(debs, before, after, tar)                      # for UNPACK, which makes an image
    kernel(debs)                                        # to start it with, and with CMDLINE
"""

import io
import subprocess
import tarfile
from pathlib import Path

from archive import Archive, FetchError, say
from cache import cache_dir

CMDLINE = "init=/setup/run quiet"
LIMIT = 2400  # seconds for the guest; it takes two minutes on an idle machine
DONE = "setup: done"
ESSENTIAL = "?essential"  # an apt pattern
# Each script of a package expects these to work.
FIRST = "base-passwd base-files libc6 mawk"
# SIZE ARCH DPKG-OPTION...: from a tar file with debs/ and setup/ to a disk image.
UNPACK = """
set -e
umask 022
tmp=$(mktemp -d)
trap 'umount "$tmp"; rmdir "$tmp"' EXIT
mount -t tmpfs -o mode=755 unpack "$tmp" # dpkg waits for a disk after each package
root=$tmp/root
for folder in bin lib sbin; do
	mkdir -p "$root/usr/$folder"
	ln -s "usr/$folder" "$root/$folder"
done
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
: >"$root/var/lib/dpkg/status"
echo "$1" >"$root/var/lib/dpkg/arch"
shift
tar -C "$tmp" -x
dpkg --root="$root" --log=/dev/null --force-all --force-unsafe-io --no-triggers "$@" \
	--unpack "$tmp"/debs/*.deb >&2
mv "$tmp/setup" "$root"
mke2fs -q -t ext4 -E root_owner=0:0 -d "$root" "$tmp/image" "$0" >&2
dd if="$tmp/image" bs=1M conv=sparse status=none
"""
# INITRD=No: the kernel's package makes no initrd. policy-rc.d: no service is started.
SETUP = f"""\
#!/bin/sh
export PATH=/usr/sbin:/usr/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
exec </dev/null >/dev/console 2>&1
(
	set -e
	export INITRD=No
	printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d
	ln -s mawk /usr/bin/awk
	dpkg --force-depends --configure {FIRST}
	for script in /setup/preinst/*; do
		export DPKG_MAINTSCRIPT_PACKAGE=${{script##*/}} DPKG_MAINTSCRIPT_NAME=preinst
		chmod 755 "$script"
		DPKG_ADMINDIR=/var/lib/dpkg DPKG_ROOT= "$script" install
	done
	unset DPKG_MAINTSCRIPT_PACKAGE DPKG_MAINTSCRIPT_NAME
	dpkg --configure debconf
	sh -e /setup/before /
	dpkg --force-unsafe-io --configure -a
	unset INITRD
	sh -e /setup/after /
	rm -r /setup/before /setup/after /setup/preinst /usr/sbin/policy-rc.d
	: >/etc/machine-id
)
# with this script removed, it would be busy
[ $? -eq 0 ] && mount -o remount,ro / && echo "{DONE}"
echo o >/proc/sysrq-trigger
sleep 60
"""


def _members(archive: bytes):
    """Header and content of each file in an ar(5) archive."""
    at = 8
    while at < len(archive):
        header = archive[at:at + 60]
        size = int(header[48:58])
        yield header, archive[at + 60:at + 60 + size]
        at += 60 + size + size % 2


def _without_preinst(deb: Path) -> tuple[bytes, bytes | None]:
    """The package without the script that dpkg runs before it unpacks; the script."""
    done = subprocess.run(["dpkg-deb", "--ctrl-tarfile", deb], capture_output=True,
                          timeout=60, check=True)
    script, control = None, io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as old, \
            tarfile.open(fileobj=control, mode="w") as new:
        for info in old:
            content = old.extractfile(info) if info.isreg() else None
            if content and info.name == "./preinst":
                script = content.read()
            else:
                new.addfile(info, content)
    made = b"!<arch>\n"
    for header, content in _members(deb.read_bytes()):
        if header.startswith(b"control.tar"):
            content = control.getvalue()
            header = b"%-16s%s%-10d%s" % (b"control.tar", header[16:48], len(content),
                                          header[58:])
        made += header + content + b"\n" * (len(content) % 2)
    return made, script


def kernel(debs: list[Path]) -> bytes:
    """The one in these packages."""
    for deb in debs:
        if deb.name.startswith("linux-image-"):
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb],
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) as files, \
                    tarfile.open(fileobj=files.stdout, mode="r|") as tar:
                for info in tar:
                    if info.name.startswith("./boot/vmlinuz-"):
                        return tar.extractfile(info).read()
    raise FetchError("the packages have no kernel")


def pack(debs: list[Path], before: str, after: str, target: Path) -> None:
    """What UNPACK reads. The two scripts run when debconf works, and when everything does;
    their argument is the root's path."""
    with tarfile.open(target, "w") as tar:
        def add(name: str, content: bytes) -> None:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))

        for name, text in (("run", SETUP), ("before", before), ("after", after)):
            add(f"setup/{name}", text.encode())
        for deb in debs:
            package, preinst = _without_preinst(deb)
            add(f"debs/{deb.name}", package)
            if preinst is not None:
                add(f"setup/preinst/{deb.name.partition('_')[0]}", preinst)


def _archive(arch: str, suite: str) -> Archive:
    archive = Archive(cache_dir() / f"apt-{arch}-{suite}", arch, suites=(suite,))
    archive.update()
    return archive


def download(arch: str, suite: str, names: list[str], folder: Path) -> list[Path]:
    """Packages, all that they need, and the essential ones; `folder` is for them alone."""
    archive = _archive(arch, suite)
    packages = archive.not_installed(suite, *names, ESSENTIAL)
    say(f"{len(packages)} packages of {suite} for {arch}, to be set up in a guest")
    return archive.download(packages, folder)


def download_one(arch: str, suite: str, name: str, folder: Path) -> Path:
    """A package alone; `folder` is for it alone."""
    archive = _archive(arch, suite)
    package = archive.newest(suite, name)
    if package is None:
        raise FetchError(f"{suite} has no {name}")
    return archive.download([(name, package["Version"])], folder)[0]
