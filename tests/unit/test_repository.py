#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What others need to join: the workflow, issue forms, ways to report, manual pages as HTML,
and no address that nobody reads.

A self-check alters one file at a time, and expects the failure of that check and of no other.
"""

import html.parser
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

try:
    import yaml
except ImportError:
    print("SKIPPED: no YAML parser (Debian: python3-yaml)")
    sys.exit(77)

TOP = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2]))
CI = ".github/workflows/ci.yml"
FORMS = {".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/machine.yml"}
CONFIG = ".github/ISSUE_TEMPLATE/config.yml"
# Files whose format has a place for an address.
ADDRESSED = ("debian/control", "debian/changelog")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# Names of units, not addresses.
UNIT = re.compile(r"@\w*\.(?:service|mount|timer|socket)$")
README_LINK = re.compile(r"\[([^]]+)\]\((man/[^)]+)\)")


class Project:
    """The source tree, with one alteration: file -> pattern and replacement."""

    def __init__(self, altered: dict[str, tuple[str, str]] | None = None):
        self.altered = altered or {}
        self.unused = set(self.altered)

    def read(self, name: str) -> str:
        text = (TOP / name).read_text()
        if name in self.altered:
            new = re.sub(*self.altered[name], text, count=1)
            if new != text:
                self.unused.discard(name)
            return new
        return text

    def parse(self, name: str) -> dict:
        """What YAML makes of a file; an empty one if it is none."""
        try:
            return yaml.safe_load(self.read(name)) or {}
        except yaml.YAMLError as error:
            return {"error": str(error)}


def check_workflow(project: Project) -> Iterator[str]:
    """It runs every test, within a limit, with no right to write."""
    flow = project.parse(CI)
    if "error" in flow:
        yield f"workflow: {flow['error']}"
        return
    # YAML 1.1, as PyYAML reads it, takes "on" for a truth value
    events = flow.get("on", flow.get(True)) or {}
    yield from (f"workflow: not on {x}" for x in ("push", "pull_request") if x not in events)
    if flow.get("permissions") != {"contents": "read"}:
        yield "workflow: it may do more than read"
    said = []
    for name, job in (flow.get("jobs") or {}).items():
        if not isinstance(job.get("timeout-minutes"), int):
            yield f"workflow: {name} has no limit"
        for step in job.get("steps") or []:
            if ("run" in step) == ("uses" in step):
                yield f"workflow: a step neither runs nor uses: {step}"
            if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1")):
                yield f"workflow: not of one version: {step['uses']}"
            said.append(step.get("run", "").strip())
            done = subprocess.run(["sh", "-n", "-c", said[-1]], capture_output=True,
                                  text=True, check=False)
            if done.returncode:
                yield f"workflow: {said[-1]}: {done.stderr}"
    yield from (f"workflow: does not run {x}"
                for x in ("./quickstart", "./quickstart check") if x not in said)


def check_forms(project: Project) -> Iterator[str]:
    """Each asks for what is needed to help, and requires it."""
    found = {str(x.relative_to(TOP)) for x in (TOP / ".github/ISSUE_TEMPLATE").glob("*.yml")}
    if found != FORMS | {CONFIG}:
        yield f"issues: {sorted(found)}"
    if project.parse(CONFIG).get("blank_issues_enabled") is not False:
        yield "issues: one may be empty"
    for name in sorted(FORMS):
        form = project.parse(name)
        if not all(isinstance(form.get(x), str) for x in ("name", "description")):
            yield f"issues: {name} is no form: {form.get('error')}"
        fields = [x for x in form.get("body") or []
                  if x.get("validations", {}).get("required") is True]
        for words in ("kexec -d", "kexec-seed status"):
            if not any(words in x["attributes"]["label"] for x in fields):
                yield f"issues: {name} does not require `{words}`"
    if "Report a vulnerability" not in project.read(".github/ISSUE_TEMPLATE/bug.yml"):
        yield "issues: bug.yml does not say where a weakness goes"


def check_ways(project: Project) -> Iterator[str]:
    if "\"Report a vulnerability\"" not in project.read("SECURITY.md"):
        yield "ways: SECURITY.md names no private report"
    page = project.read("CONTRIBUTING.md")
    for words in ("Signed-off-by:", "Developer Certificate of Origin", "(SECURITY.md)",
                  "(MAINTAINERS)"):
        if words not in page:
            yield f"ways: CONTRIBUTING.md lacks {words}"


def texts() -> Iterator[str]:
    """Pages and the files of packages."""
    for pattern in ("*.md", "MAINTAINERS", "configure.ac", "man/*", "debian/**/*",
                    "packaging/**/*", ".github/**/*", "kexec_seed/**/*", "kexec/**/*"):
        for path in sorted(TOP.glob(pattern)):
            name = str(path.relative_to(TOP))
            if path.is_file() and not re.search(r"\.(?:o|a|py[co])$|^debian/build", name):
                yield name


def check_addresses(project: Project) -> Iterator[str]:
    """None that is made up: the maintainer who makes a release fills in theirs."""
    for name in texts():
        try:
            found = ADDRESS.findall(project.read(name))
        except UnicodeDecodeError:
            continue
        made_up = [x for x in found if not UNIT.search(x)]
        yield from (f"addresses: {name} has {x}" for x in made_up if name not in ADDRESSED)
        # a release's own, filled in, is somebody's
        yield from (f"addresses: {name} has {x}" for x in made_up if name in ADDRESSED and
                    re.search(r"[@.](?:invalid|example|test|localhost|example\.\w+)$", x))
    first = project.read("MAINTAINERS").splitlines()[0]
    yield from (f"addresses: MAINTAINERS' first line lacks {x}"
                for x in ("release", *ADDRESSED) if x not in first)


class Links(html.parser.HTMLParser):
    """Links, and names that others may point to."""

    def __init__(self, text: str):
        super().__init__()
        self.to: set[str] = set()
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for key, value in attrs:
            if key == "href":
                self.to.add(value or "")
            elif key == "id":
                self.names.add(value or "")


def check_html(project: Project) -> Iterator[str]:
    """What `make html` writes: every page, in an index, with links that lead somewhere."""
    pages = {x.name: project.read(f"man/{x.name}") for x in (TOP / "man").glob("*.[1-8]")}
    with tempfile.TemporaryDirectory() as tmp:
        for name, text in pages.items():
            (Path(tmp) / name).write_text(text)
        done = subprocess.run(
            ["sh", TOP / "man/make-html", f"{tmp}/html", *(f"{tmp}/{x}" for x in sorted(pages))],
            capture_output=True, text=True, check=False)
        if done.returncode:
            yield f"html: {done.stderr.strip()}"
            return
        made = {x.name: x.read_text() for x in Path(f"{tmp}/html").iterdir()}
    links = {name: Links(text) for name, text in made.items()}
    for name, found in links.items():
        for link in found.to:
            file, _, anchor = link.partition("#")
            target = links.get(file or name)
            if "://" not in link and (not target or (anchor and anchor not in target.names)):
                yield f"html: {name} links to {link}, which is not there"
    yield from (f"html: the index lacks {x}" for x in pages
                if f"{x}.html" not in links["index.html"].to)
    if "kexec-seed.8.html" not in links["kexec.8.html"].to:
        yield "html: pages do not link to each other"


def check_readme(project: Project) -> Iterator[str]:
    """Its list has every page by its name."""
    page = project.read("README.md").partition("## Read on")[2]
    shown = {(link, name) for name, link in README_LINK.findall(page)}
    wanted = {(f"man/{x.name}", f"{x.stem}({x.suffix[1]})")
              for x in (TOP / "man").glob("*.[1-8]")}
    yield from (f"readme: the list lacks {x}" for x, _ in sorted(wanted - shown))
    if "`make html`" not in page:
        yield "readme: the list lacks make html"


CHECKS = (check_workflow, check_forms, check_ways, check_addresses, check_readme)
BUG = ".github/ISSUE_TEMPLATE/bug.yml"
ALTERATIONS = [
    ("workflow: while", CI, r"(?m)^jobs:", "jobs: ]"),
    ("workflow: does not run ./quickstart check", CI, r"quickstart check", "quickstart tests"),
    ("workflow: not on pull_request", CI, r"(?m)^  pull_request:\n", ""),
    ("workflow: it may do more than read", CI, r"contents: read", "contents: write"),
    ("workflow: check has no limit", CI, r"timeout-minutes: \d+", "timeout-minutes: x"),
    ("workflow: not of one version", CI, r"checkout@v4", "checkout@main"),
    ("workflow: apt-get", CI, r"(?m)^( +)apt-get update.*", r"\1apt-get update ("),
    ("issues: .github/ISSUE_TEMPLATE/bug.yml does not require `kexec -d`", BUG,
     r"with `kexec -d`", "at length"),
    ("issues: .github/ISSUE_TEMPLATE/bug.yml does not require `kexec-seed s", BUG,
     r"(?s)(status.*?required: )true", r"\1false"),
    ("issues: one may be empty", CONFIG, "false", "true"),
    ("issues: bug.yml does not say", BUG, "Report a", "Tell us of a"),
    ("ways: SECURITY.md", "SECURITY.md", "\"Report a vulnerability\"", "it"),
    ("ways: CONTRIBUTING.md lacks Signed-off-by", "CONTRIBUTING.md", "Signed-off-by:", ""),
    ("addresses: debian/control has x@kexec.invalid", "debian/control", "<>",
     "<x@kexec.invalid>"),
    ("addresses: SECURITY.md has a@b.org", "SECURITY.md", r"(?m)^Report it", "Write to a@b.org"),
    ("addresses: MAINTAINERS' first line lacks debian/control", "MAINTAINERS",
     "debian/control", "some"),
    ("readme: the list lacks man/kexec.8", "README.md", r"- \[kexec\(8\)\]\(man/kexec\.8\)", "-"),
]


def main() -> int:
    wrong = [x for check in CHECKS for x in check(Project())]
    for want, name, pattern, text in ALTERATIONS:
        project = Project({name: (pattern, text)})
        new = [x for check in CHECKS for x in check(project) if x not in wrong]
        if project.unused:
            wrong.append(f"self-check: {name} has no {pattern}")
        elif not new or not all(x.startswith(want) for x in new):
            wrong.append(f"self-check: {new}, not {want}...: {name}, {pattern}")
    if shutil.which("mandoc"):
        wrong += check_html(Project())
        altered = Project({"man/kexec.8": (r"(?m)^\.SH SEE ALSO", ".SZ SEE ALSO")})
        if not any(x.startswith("html: ") for x in check_html(altered)):
            wrong.append("self-check: wrong markup makes a page")
    else:
        print("SKIPPED: make html: mandoc not found")
    print(f"{len(ALTERATIONS)} ways to fail, {len(wrong)} things wrong", *wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
