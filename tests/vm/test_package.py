# SPDX-License-Identifier: GPL-2.0-only
"""The Debian packages: built with only their build dependencies, checked by lintian, installed
beside kexec-tools in all orders, the module built by DKMS.

Makes a chroot of each release, which needs root, the network and some minutes, so it is part of
`make check-long` ($KEXEC_PACKAGES). No kernel is booted.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

import debian

TOP = Path(__file__).resolve().parents[2]
HERE = "/build/kexec-seed"  # in the root
MADE = HERE.rpartition("/")[0]
NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent"
BUILD = f"cd {HERE} && {NOBODY} dpkg-buildpackage -us -uc -b"
APT = "env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends"

pytestmark = [
    pytest.mark.skipif(not os.environ.get("KEXEC_PACKAGES"),
                       reason="$KEXEC_PACKAGES is not set: part of make check-long"),
    pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root"),
    pytest.mark.skipif(not (TOP / ".git").exists(), reason="not a git checkout"),
]


class Root:
    """A Debian in a folder; no process outlives its command."""

    def __init__(self, folder: Path):
        self.folder = folder

    def run(self, script: str, limit: int = 900) -> str:
        done = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child",
             f"--mount-proc={self.folder}/proc", "chroot", self.folder, "sh", "-ec",
             script], env={"PATH": "/usr/sbin:/usr/bin", "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=limit, check=False)
        assert done.returncode == 0, f"{script}\n{done.stdout[-8000:]}"
        return done.stdout

    def path(self, name: str) -> Path:
        return self.folder / name.lstrip("/")

    def debs(self) -> dict[str, str]:
        return {p.name.partition("_")[0]: f"{MADE}/{p.name}"
                for p in self.path(MADE).glob("*.deb")}


def make_root(suite: str, folder: Path, variant: str = "buildd",
              architectures: str = "amd64") -> None:
    """Debian, by default with build-essential; its apt is ready to use, for all of
    `architectures`, of which the first is the root's own."""
    fetch = debian._load_fetch()
    site = fetch.Archive(debian.cache_dir() / "apt").site()
    conf = folder / "etc/apt/apt.conf.d/99test"
    tar = folder.with_suffix(".tar")
    keyring = next((k for k in fetch.KEYRINGS if os.path.exists(k)), None)
    signed = f"[signed-by={keyring}] " if keyring else ""
    fetch.run(["mmdebstrap", f"--variant={variant}",
               f"--architectures={architectures}", suite, str(tar),
               f"deb {signed}{site} {suite} main"], f"make a root of {suite}")
    folder.mkdir()
    fetch.run(["tar", "-C", str(folder), "-xf", str(tar)], "unpack it")
    tar.unlink()
    (folder / "etc/apt/sources.list").write_text(f"deb {site} {suite} main\n")
    conf.write_text("\n".join(debian.WAY_OUT.findall(
        fetch.run(["apt-config", "dump"], "read apt's configuration"))) + "\n")
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")


def copy_tree(target: Path) -> None:
    """The tracked and untracked (not ignored) files of git, as they are now."""
    target.mkdir(parents=True)
    names = subprocess.run(["git", "-C", TOP, "ls-files", "-z", "-co",
                            "--exclude-standard"], capture_output=True, check=True).stdout
    packed = subprocess.run(["tar", "-C", TOP, "--null", "-T", "-", "-c"], input=names,
                            capture_output=True, check=True).stdout
    subprocess.run(["tar", "-C", target, "-x"], input=packed, check=True)


@pytest.fixture(scope="module", params=debian.SUITES)
def root(request, tmp_path_factory):
    """With the packages built from those files, tests included."""
    if not shutil.which("mmdebstrap"):
        pytest.skip("mmdebstrap not found")
    folder = tmp_path_factory.mktemp("package") / request.param
    make_root(request.param, folder)
    made = Root(folder)
    source = made.path(HERE)
    copy_tree(source)
    for name in ("control", "changelog"):  # as in a release: MAINTAINERS
        file = source / "debian" / name
        file.write_text(file.read_text().replace("<>", "<builder@kexec-seed.invalid>"))
    made.run(f"chown -R 65534:65534 {MADE}; apt-get -q update;"
             f"{APT} build-dep {HERE}; {BUILD}")
    yield made
    shutil.rmtree(folder)


def test_same_again(root):
    """Rebuilt without the tests: bit for bit the same."""
    sums = root.run(f"cd {MADE} && sha256sum *.deb")
    root.run(f"{BUILD.replace('env ', 'env DEB_BUILD_OPTIONS=nocheck ')}")
    assert root.run(f"cd {MADE} && sha256sum *.deb") == sums


def test_lintian(root):
    root.run(f"{APT} install lintian")
    said = root.run(f"cd {MADE} && lintian --allow-root --fail-on none *.changes")
    assert not [line for line in said.splitlines() if line.startswith(("E:", "W:"))], said


def test_orders(root):
    """Beside kexec-tools; then with kdump-tools, which stays when ours is removed."""
    root.run(f"{APT} install kexec-tools {root.debs()['kexec-seed']};"
             "dpkg --purge kexec-seed kexec-tools;"
             f"cd {MADE}; {APT} download kexec-tools")
    shutil.copy(Path(__file__).with_name("package-orders"), root.path(MADE))
    debs = root.debs()
    said = root.run(f"{MADE}/package-orders {debs['kexec-seed']} {debs['kexec-tools']}")
    assert said.splitlines()[-1] == "all orders work"
    # in either order kdump-tools outlives our package
    plan = root.run(f"dpkg --purge kexec-tools; dpkg --install {debs['kexec-seed']};"
                    f"{APT} --simulate install kdump-tools")
    assert "Inst kdump-tools" in plan and "Inst kexec-tools" in plan
    plan = root.run(f"{APT} install kdump-tools; {APT} --simulate remove kexec-seed",
                    limit=1800)
    assert "Remv kexec-seed" in plan and "Remv kdump-tools" not in plan
    root.run("dpkg --purge kdump-tools")
    root.run("dpkg --purge kexec-seed")


def test_initramfs(root):
    """As in integration/README.md; without its setting, the initramfs has no daemon."""
    root.run(f"{APT} install initramfs-tools linux-image-amd64 {root.debs()['kexec-seed']}",
             limit=1800)
    listing = "lsinitramfs /boot/initrd.img-*"
    assert "sbin/kexec-seed" not in root.run(listing)
    root.run("echo KEXEC_SEED=yes >/etc/initramfs-tools/conf.d/kexec-seed;"
             "update-initramfs -u")
    files = root.run(listing)
    for name in ("usr/sbin/kexec", "usr/sbin/kexec-seed",
                 "scripts/init-premount/kexec-seed", "scripts/init-bottom/kexec-seed"):
        assert name in files.splitlines(), files
    root.run(f"{APT} install dracut-core; mkdir -p /etc/dracut.conf.d;"
             "echo 'add_dracutmodules+=\" kexec-seed \"' >/etc/dracut.conf.d/10-test.conf;"
             "dracut --force /tmp/image $(ls /lib/modules)", limit=1800)
    files = root.run("lsinitrd /tmp/image")
    assert "usr/sbin/kexec-seed\n" in files and "kexec-seed.service\n" in files, files
    root.run("dpkg --purge kexec-seed dracut-core")


def test_dkms(root):
    """The module, for the release's kernel."""
    root.run(f"{APT} install linux-headers-amd64 {root.debs()['vmgenid-uevent-dkms']}",
             limit=1800)
    said = root.run("dkms status")
    assert "vmgenid-uevent/" in said and "installed" in said, said
    assert list(root.path("/lib/modules").glob("*/updates/dkms/vmgenid_uevent.ko*"))
    root.run("dpkg --purge vmgenid-uevent-dkms")
    assert "vmgenid" not in root.run("dkms status")
