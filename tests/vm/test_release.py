# SPDX-License-Identifier: GPL-2.0-only
"""`make release` and `make html` from a clean clone: the archive is the commit's, the same to
the bit each time, and builds. For `make check-long` ($KEXEC_PACKAGES); no guest.
"""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.skipif(not os.environ.get("KEXEC_PACKAGES"),
                       reason="$KEXEC_PACKAGES is not set: part of make check-long"),
    pytest.mark.skipif(not (TOP / ".git").exists(), reason="not a git checkout"),
]


def run(folder: Path, *argv: str) -> str:
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    done = subprocess.run(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=1800, check=False)
    assert done.returncode == 0, f"{argv}\n{done.stdout[-4000:]}"
    return done.stdout


def release(clone: Path) -> tuple[Path, str]:
    """The archive, and its checksum."""
    run(clone, "./bootstrap")
    run(clone, "./configure")
    run(clone, "make", "release")
    run(clone, "sha256sum", "--check", "--strict", "SHA256SUMS")
    [archive] = clone.glob("kexec-seed-*.tar.xz")
    return archive, (clone / "SHA256SUMS").read_text()


def holds_commit(clone: Path, archive: Path) -> None:
    """Tracked files that matter are in it; nothing tells who made it, when or where."""
    date = int(run(clone, "git", "log", "-1", "--format=%ct"))
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
    assert {(m.mtime, m.uid, m.gid) for m in members} == {(date, 0, 0)}
    assert not [m.name for m in members if m.mode & 0o022 or not m.mode & 0o044]
    names = {m.name.partition("/")[2] for m in members}
    tracked = set(run(clone, "git", "ls-files").splitlines())
    lost = {x for x in tracked - names if not x.startswith((
        ".ci/", ".clang-tidy", ".editorconfig", ".gitignore", "tests/fuzz/corpus/"))}
    assert not {x for x in lost if not x.endswith((".inc", ".gitignore"))}, sorted(lost)


def test_release(tmp_path):
    first, second = tmp_path / "first", tmp_path / "the second"
    run(tmp_path, "git", "clone", "-q", str(TOP), str(first))
    run(tmp_path, "git", "clone", "-q", str(TOP), str(second))
    archive, checksum = release(first)
    (second / "README.md").write_text("not committed\n")
    assert release(second)[1] == checksum
    holds_commit(first, archive)

    run(first, "make", "html")
    assert (first / "html/index.html").is_file() and (first / "html/kexec.8.html").is_file()

    run(tmp_path, "tar", "-xf", str(archive))
    [tree] = [x for x in tmp_path.glob("kexec-seed-*") if x.is_dir()]
    run(tree, "./configure")
    run(tree, "make", "html", "kexec/kexec")
    with pytest.raises(AssertionError, match="no git checkout"):
        run(tree, "make", "release")
