# SPDX-License-Identifier: GPL-2.0-only
"""Debian's archive, through a private apt configuration: for `fetch` and its parts.

Nothing of this machine changes: not its package lists, not dpkg's architectures.
"""

import functools
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

SUITES = ["bookworm", "bookworm-backports", "trixie-backports"]
# For what is asked of them by name, never for anything else.
OTHER_SUITE, NEWEST_SUITE = "trixie", "sid"
# Debian's architecture -> its folder of libraries.
TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu",
            "riscv64": "riscv64-linux-gnu"}
LIST_TRIES, LIST_PAUSE = 4, 30  # a mirror changes its lists for a minute or two; seconds
KEYRINGS = ["/usr/share/keyrings/debian-archive-keyring.pgp",
            "/usr/share/keyrings/debian-archive-keyring.gpg"]


class FetchError(Exception):
    """A missing piece and, if possible, the way out."""


def say(text: str) -> None:
    print(f"fetch: {text}", flush=True)


def run(argv: list[str], what: str, cwd: Path | None = None) -> str:
    """Standard output of a command; `what` names its purpose in an error."""
    env = dict(os.environ, LC_ALL="C")
    try:
        done = subprocess.run(argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=540, check=False)
    except FileNotFoundError:
        raise FetchError(f"{argv[0]} not found, needed to {what}") from None
    except subprocess.TimeoutExpired:
        raise FetchError(f"gave up after 9 minutes trying to {what}") from None
    if done.returncode:
        lines = [x for x in done.stderr.splitlines() if x.strip()] or ["no message"]
        errors = [x for x in lines if x.startswith(("E:", "Err", "dpkg-deb: error"))]
        raise FetchError(f"cannot {what}: {'; '.join((errors or lines)[:2])}")
    return done.stdout


@functools.cache
def machine_arch() -> str:
    """This machine's architecture, by Debian's name."""
    return run(["dpkg", "--print-architecture"], "ask for the architecture").strip()


class Archive:
    """The archive's packages for one architecture; sources, lists and downloads are kept in
    a folder of the cache. Packages of another architecture than this machine's are resolved
    as if nothing were installed."""

    def __init__(self, root: Path, arch: str = "amd64",
                 suites: tuple[str, ...] = (*SUITES, OTHER_SUITE)):
        self.root = root
        self.arch = arch
        self.suites = suites
        self.triplet = TRIPLETS[arch]
        for folder in ("lists/partial", "cache/archives/partial", "machine/partial"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        self.options = [
            "-o", f"Dir::Etc::sourcelist={root}/sources.list",
            "-o", "Dir::Etc::sourceparts=/dev/null",
            "-o", f"Dir::Etc::preferences={root}/preferences",
            "-o", "Dir::Etc::preferencesparts=/dev/null",
            "-o", f"Dir::State::lists={root}/lists",
            "-o", f"Dir::Cache={root}/cache",
            "-o", "APT::Sandbox::User=root",
            "-o", "Acquire::Retries=3",
        ]
        if arch != machine_arch():
            (root / "status").touch()
            self.options += ["-o", f"APT::Architecture={arch}",
                             "-o", f"APT::Architectures={arch}",
                             "-o", f"Dir::State::status={root}/status"]

    def _site_in_lists(self, options: list[str]) -> str | None:
        fields = "$(ORIGIN) $(LABEL) $(COMPONENT) $(CODENAME) $(REPO_URI)"
        rows = run(["apt-get", *options, "indextargets", "--format", fields,
                    "Created-By: Packages"], "read apt's configuration")
        for row in rows.splitlines():
            words = row.split(" ", 4)
            if words[:3] == ["Debian", "Debian", "main"] and len(words) == 5 \
                    and words[3] in ("bookworm", "trixie"):
                return words[4]
        return None

    def site(self) -> str:
        """The URL of this machine's Debian mirror."""
        site = self._site_in_lists([])
        if site:
            return site
        # No package lists on this machine: read its sources into private ones.
        say("this machine has no package lists; reading its sources into private ones")
        mine = ["-o", f"Dir::State::lists={self.root}/machine",
                "-o", f"Dir::Cache={self.root}/cache", "-o", "APT::Sandbox::User=root"]
        run(["apt-get", *mine, "-q", "update"], "read the machine's package sources")
        site = self._site_in_lists(mine)
        if not site:
            raise FetchError("apt knows no source of Debian 12 or 13 (main); add one to "
                             "/etc/apt/sources.list.d and run apt-get update")
        return site

    def update(self) -> None:
        site = self.site()
        keyring = next((k for k in KEYRINGS if os.path.exists(k)), None)
        option = f"arch={self.arch} target=Packages"
        if keyring:
            option += f" signed-by={keyring}"
        (self.root / "sources.list").write_text(
            "".join(f"deb [{option}] {site} {suite} main\n"
                    for suite in self.suites))
        (self.root / "preferences").write_text(
            "\n".join(f"Package: *\nPin: release n={suite}\nPin-Priority: 1\n"
                      for suite in (OTHER_SUITE, NEWEST_SUITE)))
        say(f"package lists of {', '.join(self.suites)} for {self.arch} from {site}")
        for left in range(LIST_TRIES - 1, -1, -1):
            try:
                run(["apt-get", *self.options, "-q", "--error-on=any", "update"],
                    "read the package lists")
                return
            except FetchError as error:
                if not left:
                    raise
                say(f"{error}; trying again in {LIST_PAUSE} s")
                time.sleep(LIST_PAUSE)

    @functools.cache
    def packages(self, suite: str) -> list[dict[str, str]]:
        """Every package of a suite: name, version, depends, size."""
        files = run(["apt-get", *self.options, "indextargets", "--format",
                     "$(RELEASE) $(FILENAME)", "Created-By: Packages"],
                    "find the package lists")
        names = [x.split(" ", 1)[1] for x in files.splitlines()
                 if x.split(" ", 1)[0] == suite]
        if not names:
            raise FetchError(f"the package list of {suite} is missing")
        text = run(["/usr/lib/apt/apt-helper", "cat-file", *names], "read a package list")
        wanted = ("Package", "Version", "Depends", "Pre-Depends", "Size")
        return [{key: value for key, _, value in
                 (line.partition(": ") for line in stanza.splitlines()) if key in wanted}
                for stanza in text.split("\n\n") if stanza.strip()]

    def newest(self, suite: str, name: str, prefix: str = "") -> dict[str, str] | None:
        """The newest version, starting with `prefix`, of a package (a pattern) in a suite."""
        best = None
        for package in self.packages(suite):
            if not re.fullmatch(name, package["Package"]) \
                    or not package["Version"].startswith(prefix):
                continue
            if best is None or subprocess.run(
                    ["dpkg", "--compare-versions", package["Version"], "gt",
                     best["Version"]], check=False).returncode == 0:
                best = package
        return best

    def not_installed(self, suite: str, *names: str) -> list[tuple[str, str]]:
        """Names and versions that apt would install for packages: on this machine, or, of
        another architecture, all that they need."""
        plan = run(["apt-get", *self.options, "-q", "-s", "--no-install-recommends",
                    "-t", suite, "install", *names], f"find what {names[0]} needs")
        return re.findall(r"^Inst (\S+) (?:\[\S+\] )?\((\S+) ", plan, re.MULTILINE)

    def unpack(self, package: dict[str, str], into: Path) -> None:
        """Download one package, which apt verifies, and unpack its files."""
        name, version = package["Package"], package["Version"]
        say(f"{name} {version} ({int(package['Size']) / 1e6:.1f} MB)")
        self.unpack_all([(name, version)], into)

    def unpack_all(self, packages: list[tuple[str, str]], into: Path) -> None:
        """The same for packages by name and version."""
        with tempfile.TemporaryDirectory(dir=self.root) as tmp:
            for deb in self.download(packages, Path(tmp)):
                run(["dpkg-deb", "-x", str(deb), str(into)], f"unpack {deb.name}")

    def download(self, packages: list[tuple[str, str]], into: Path) -> list[Path]:
        """The files of packages by name and version, which apt verifies, in a folder of
        their own."""
        what = packages[0][0] if len(packages) == 1 else f"{len(packages)} packages"
        run(["apt-get", *self.options, "-q", "download",
             *(f"{name}={version}" for name, version in packages)],
            f"download {what}", cwd=into)
        debs = sorted(into.glob("*.deb"))
        if len(debs) != len(packages):
            raise FetchError(f"apt-get brought {len(debs)} files for {what}")
        return debs


def publish(made: Path, final: Path) -> None:
    """Atomic: readers of the cache see all of a folder or none of it."""
    if final.exists():
        shutil.rmtree(final)
    final.parent.mkdir(parents=True, exist_ok=True)
    made.rename(final)


def move_libraries(tree: Path, made: Path, triplet: str) -> None:
    for folder in ("usr/lib", "lib"):
        for library in (tree / folder / triplet).glob("*.so*"):
            library.rename(made / "lib" / library.name)
