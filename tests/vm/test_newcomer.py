# SPDX-License-Identifier: GPL-2.0-only
"""README.md, followed to the letter on a minimal Debian.

Makes a chroot of each release with mmdebstrap, with Debian's required packages plus those that
README.md names, and no more. For `make check-long`, like test_package.py. All tests are run by
`./quickstart check`.
"""

import re
import shutil

import pytest

import debian
from test_package import NOBODY, TOP, Root, copy_tree, make_root, pytestmark  # noqa: F401
from test_readme import readme_commands

# README.md's names -> Debian packages.
NEEDED = {"make": "make", "a C compiler": "gcc libc6-dev", "autoconf": "autoconf",
          "automake": "automake", "pkg-config": "pkg-config",
          "the kernel's uapi headers": "linux-libc-dev"}
TREE = "/build/a newcomer/kexec-seed"
OTHER_TREE = "/build/kexec-seed"


def needed() -> str:
    said = re.search(r"^Required: (make,[^.]*)\.", (TOP / "README.md").read_text(), re.M)[1]
    return " ".join(NEEDED[x] for x in re.split(r", | and ", " ".join(said.split())))


def by_hand(root: Root) -> None:
    """In a path with blanks, as an unprivileged user."""
    copy_tree(root.path(TREE))
    root.run(f"apt-get -q --no-install-recommends install {needed()};"
             f"mkdir /somewhere; chown -R 65534:65534 '{TREE}' /somewhere")
    for command in readme_commands("./bootstrap"):
        root.run(f"cd '{TREE}'; {NOBODY} {command}", limit=1800)
    said = root.run("/somewhere/usr/local/sbin/kexec --version;"
                    "/somewhere/usr/local/sbin/kexec-seed --version")
    assert said.count("kexec-seed ") == 2, said
    shutil.rmtree(root.path(TREE))


def packages(root: Root) -> None:
    """Without the tests of a package build, which by_hand() has run."""
    copy_tree(root.path(OTHER_TREE))
    for command in readme_commands("apt-get build-dep"):
        root.run(f"cd {OTHER_TREE}; export DEB_BUILD_OPTIONS=nocheck; {command}", 1800)
    assert root.run("command -v kexec").strip() == "/usr/sbin/kexec"
    assert "kexec-seed" in root.run("kexec --version; kexec-seed --help")
    shutil.rmtree(root.path(OTHER_TREE))


def quickstart(root: Root) -> None:
    copy_tree(root.path(TREE))
    said = root.run(f"cd '{TREE}'; {readme_commands('./quickstart')[0]}", limit=3600)
    assert "A kernel was booted through kexec -l with a fresh seed." in said, said[-3000:]


@pytest.mark.parametrize("suite", debian.SUITES)
def test_readme_from_nothing(suite, tmp_path):
    if not shutil.which("mmdebstrap"):
        pytest.skip("mmdebstrap not found")
    make_root(suite, tmp_path / suite, variant="minbase")
    root = Root(tmp_path / suite)
    conf = root.path("/etc/apt/apt.conf.d/99answers")
    conf.write_text('APT::Get::Assume-Yes "true";\n')
    root.run("apt-get -q update")
    by_hand(root)
    packages(root)
    quickstart(root)
    shutil.rmtree(root.folder)
