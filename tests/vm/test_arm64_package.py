# SPDX-License-Identifier: GPL-2.0-only
"""The arm64 packages, cross-built: the same files with the same modes as amd64's, programs for
arm64, installable; in guests installed in all orders, and the module built by DKMS.

What `make install` brings is compared, and the module built, at any time. The packages need a
chroot with packages of both architectures, root, the network and some minutes, and so do the
guests: `make check-long` ($KEXEC_PACKAGES). The machine's own dpkg knows nothing of it.
"""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

import cache
import debian
import foreign
import test_package
from arm64 import build_arm64  # noqa: F401 (a fixture)
from disk import SYSTEM, Disk, suites
from forks import until
from forks_arm64 import CONNECT, VMGENID, ForkGuest, write_tree
from guest import Guest
from initrd import busybox
from package import package
from test_module import LISTEN
from test_package import APT, BUILD, HERE, MADE, Root, copy_tree, make_root

PACKAGES = test_package.pytestmark
PROGRAMS = ["usr/sbin/kexec", "usr/sbin/kexec-seed"]
# Of the profiles of cross builds: no tests, which could not run.
NO_TESTS = BUILD.replace("env ", "env DEB_BUILD_OPTIONS=nocheck ")


def listing(folder: Path) -> dict[str, str]:
    """Path in the package -> type and mode; the unit's folder depends on configure."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder)).replace("usr/local", "usr")
        if not path.is_dir():
            found[re.sub("^lib/", "usr/lib/", name)] = stat.filemode(path.lstat().st_mode)
    return found


def machines(folder: Path) -> dict[str, str]:
    """ELF files, and for which machine they are."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file() and path.read_bytes()[:4] == b"\x7fELF":
            said = subprocess.run(["readelf", "-h", path], capture_output=True, text=True,
                                  env={"LC_ALL": "C", "PATH": "/usr/bin"}, check=True).stdout
            found[str(path.relative_to(folder))] = re.search(r"Machine: +(.*)", said)[1]
    return found


def test_installed(build, build_arm64, tmp_path):  # noqa: F811
    """Of a build for arm64, beside one for this machine."""
    for made, name in ((build, "own"), (build_arm64, "arm64")):
        subprocess.run(["make", "-C", made, "install", f"DESTDIR={tmp_path / name}"],
                       capture_output=True, timeout=300, check=True)
    assert listing(tmp_path / "arm64") == listing(tmp_path / "own")
    assert machines(tmp_path / "arm64") == {name: "AArch64" for name in PROGRAMS}


# What DKMS does on such a machine: the settings, and the command.
DKMS = """kernel_source_dir=$1; . ./dkms.conf
grep -x "$BUILD_EXCLUSIVE_CONFIG=[ym]" "$1/.config"
[[ $2 =~ $BUILD_EXCLUSIVE_KERNEL ]]
eval "${MAKE[0]}" && readelf -h "${BUILT_MODULE_NAME[0]}.ko" """


def test_dkms_source(build_arm64, tmp_path):  # noqa: F811
    """As installed, with the headers of a kernel whose driver is for device trees. DKMS itself is
    no different there: see test_package.py."""
    subprocess.run(["make", "-C", build_arm64, "install", f"DESTDIR={tmp_path}"],
                   capture_output=True, timeout=300, check=True)
    [source] = tmp_path.glob("usr/src/vmgenid-uevent-*")
    done = subprocess.run(
        ["bash", "-ec", DKMS, "dkms", cache.kernel_headers("arm64/6.12"),
         cache.kernel_release("6.12", "arm64")], cwd=source, text=True, timeout=300,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0 and "AArch64" in done.stdout, done.stdout


def packages(marked):
    for mark in PACKAGES:
        marked = mark(marked)
    return marked


@pytest.fixture(scope="module", params=debian.SUITES)
def root(request, tmp_path_factory):
    """With the packages of both architectures built from the tree."""
    if not shutil.which("mmdebstrap"):
        pytest.skip("mmdebstrap not found")
    folder = tmp_path_factory.mktemp("package") / request.param
    make_root(request.param, folder, architectures="amd64,arm64")
    made = Root(folder)
    copy_tree(made.path(HERE))
    made.run(f"chown -R 65534:65534 {MADE}; apt-get -q update;"
             f"{APT} build-dep -Pnocheck {HERE}; {NO_TESTS} -Pnocheck;"
             f"mkdir {MADE}/own; mv {MADE}/*.deb {MADE}/own", 1800)
    made.run(f"{APT} install crossbuild-essential-arm64;"
             f"{APT} build-dep -aarm64 -Pcross,nocheck {HERE};"
             f"{NO_TESTS} -aarm64 -Pcross,nocheck", 1800)
    yield made
    shutil.rmtree(folder)


def field(root: Root, deb: str, name: str) -> str:
    return root.run(f"dpkg-deb -f {deb} {name}").strip()


def needs(root: Root, deb: str) -> set[str]:
    return {part.split()[0] for part in field(root, deb, "Depends").split(", ")}


@packages
def test_contents(root):
    own = f"{MADE}/own/" + next(p.name for p in root.path(f"{MADE}/own").glob("kexec-seed_*"))
    arm64 = root.debs()["kexec-seed"]
    assert field(root, own, "Architecture") == "amd64" and own.endswith("_amd64.deb")
    assert field(root, arm64, "Architecture") == "arm64" and arm64.endswith("_arm64.deb")
    assert needs(root, arm64) == needs(root, own) | {"libfdt1"}
    root.run("; ".join(f"dpkg-deb -R {deb} {MADE}/{name}" for deb, name in (
        (own, "own.d"), (arm64, "arm64.d"))))
    folders = [root.path(f"{MADE}/{name}") for name in ("own.d", "arm64.d")]
    assert listing(folders[0]) == listing(folders[1])
    assert machines(folders[1]) == {name: "AArch64" for name in PROGRAMS}
    # a package for all architectures is the same from both builds
    root.run(f"cmp {MADE}/own/vmgenid-uevent-dkms_*.deb {root.debs()['vmgenid-uevent-dkms']}")


@packages
def test_lintian(root):
    root.run(f"{APT} install lintian")
    said = root.run(f"cd {MADE} && lintian --allow-root --fail-on none *_arm64.changes")
    assert not [line for line in said.splitlines() if line.startswith(("E:", "W:"))], said


@packages
def test_installable(root):
    """With arm64's libraries; its scripts run, and undo what they did."""
    root.run(f"{APT} install {root.debs()['kexec-seed']}")
    assert "kexec-seed" in root.run("dpkg-divert --list '*kexec*'")
    assert root.run("dpkg --verify kexec-seed") == ""
    root.run("dpkg --purge kexec-seed")
    assert "kexec-seed" not in root.run("dpkg-divert --list '*kexec*'")


@packages
@pytest.mark.parametrize("suite", suites())
def test_orders(build_arm64, suite, tmp_path):  # noqa: F811
    """Beside kexec-tools, in a guest."""
    (tmp_path / "theirs").mkdir()
    theirs = foreign.download_one("arm64", suite, "kexec-tools", tmp_path / "theirs")
    disk = Disk(suite, tmp_path, {
        "/root/ours.deb": package(build_arm64, "arm64"), "/root/theirs.deb": theirs,
        "/root/package-orders": Path(__file__).with_name("package-orders")}, arch="arm64")
    with disk.guest() as guest:
        guest.wait_ready(150)
        guest.check("dpkg --purge kdump-tools kexec-tools", 300)
        said = guest.check("sh /root/package-orders /root/ours.deb /root/theirs.deb", 1200)
        assert said.splitlines()[-1] == "all orders work"
    disk.image.unlink()


def wants_the_device(guest: ForkGuest) -> None:
    """The installed module sends an uevent at a fork, and is refused without the driver's
    device."""
    guest.check(f"modprobe vmgenid_uevent; /root/busybox sh -c '{CONNECT}';"
                f" /root/busybox {LISTEN} >/run/uevents 2>&1 &")
    guest.check(until("echo change >/sys/class/mem/null/uevent; sleep 0.2;"
                      " grep -q '^DEVNAME=null' /run/uevents"))  # it listens
    guest.ram.write(VMGENID.addr, VMGENID.state(1))
    guest.interrupt()
    guest.check(until("grep -qx NEW_VMGENID=1 /run/uevents"))
    guest.check("modprobe -r vmgenid_uevent; cd /sys/bus/platform/drivers/vmgenid &&"
                f" echo {VMGENID.addr:x}.vmgenid >unbind; dmesg -C")
    done = guest.run("modprobe vmgenid_uevent")
    assert done.status and "No such device" in done.output, done.output
    assert ("vmgenid_uevent: no VM generation ID device that the kernel's vmgenid driver uses"
            in guest.check("dmesg"))


def wants_the_driver(guest: Guest, module: str) -> None:
    """DKMS does not build it for a kernel without the driver, and says why."""
    guest.check(f"dkms unbuild {module} --all; cd /lib/modules/*/build;"
                " sed -i /CONFIG_VMGENID=/d .config include/config/auto.conf", 300)
    done = guest.run(f"dkms install {module}", 300)
    assert done.status == 77 and "BUILD_EXCLUSIVE" in done.output, done
    assert "installed" not in guest.check("dkms status", 120)


@packages
def test_dkms(build_arm64, tmp_path):  # noqa: F811
    """The module, built by DKMS in a guest. Not Debian 12: its cloud kernel lacks the driver."""
    [deb] = package(build_arm64, "arm64").parent.glob("vmgenid-uevent-dkms_*_all.deb")
    disk = Disk("trixie", tmp_path, {
        "/root/module.deb": deb, "/root/busybox": busybox("arm64")},
        {f"{SYSTEM}/kdump-tools.service": "/dev/null"}, arch="arm64", dkms=True)
    write_tree(tmp_path / "guest.dtb", VMGENID)
    with disk.guest(kind=ForkGuest, device=VMGENID,
                    extra=["-S", "-dtb", str(tmp_path / "guest.dtb")]) as guest:
        guest.wait_ready(150)
        guest.check("chmod 755 /root/busybox; dpkg -i /root/module.deb", 900)
        module = f"vmgenid-uevent/{deb.name.split('_')[1]}"
        said = guest.check("dkms status", 120)
        assert re.search(f"^{module}, .*-arm64, aarch64: installed", said, re.M), said
        wants_the_device(guest)
        wants_the_driver(guest, module)
        guest.check("dpkg --purge vmgenid-uevent-dkms", 300)
        assert "vmgenid" not in guest.check("dkms status", 120)
        assert not guest.check("find /lib/modules -name 'vmgenid_uevent*'")
    disk.image.unlink()
