#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Each command that a page shows is run by a test: tests/commands.txt says by which.

A command that somebody adds to a page, and to no test, is not in there, and this fails.
What is in there has to stand in a page still, and the test has to be there. That the test
runs it is for who writes the line to see to; the guests type most of them off the page.
"""

import os
import re
import sys
from pathlib import Path

TOP = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2]))
LIST = TOP / "tests/commands.txt"
PAGES = ["README.md", "CONTRIBUTING.md", "BENCHMARKS.md", "SECURITY.md",
         "debian/README.Debian", *(f"kexec_seed/{x}README.md" for x in
                                   ("", "module/", "integration/"))]
# Words in a text are a command when they begin so, and there is more than one of them.
PROGRAM = re.compile(
    r"(?:\S*/)?(?:apt-get|bootstrap|chain|configure|dkms|dpkg-buildpackage|dracut|echo|"
    r"insmod|journalctl|kdump-config|kdumpctl|kexec|kexec-seed|make|man|modprobe|openssl|"
    r"python3|quickstart|run|sh|shutdown|systemctl|udevadm|update-initramfs) +\S")
# What is before a command in the blocks of a manual page; in files, # begins a comment.
SETTING = r"^reload-command = "
PROMPTS = {section: rf"{SETTING}|^(?:[#$]|\(qemu\)) " for section in (".7", ".8")}
# Where a group of them in the list is no test.
OTHERWISE = ("by unit/test_cli_seed.sh", "by quickstart check", "by make check-long",
             "not run: ")


def one_line(text: str) -> str:
    """Without the comment, and with single blanks."""
    return " ".join(re.sub(r"(^|  )#.*", "", text).replace("\\\n", " ").split())


def in_markdown(text: str) -> set[str]:
    fenced = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
    found = set()
    for language, block in fenced.findall(text):
        if language == "sh":
            found |= set(map(one_line, re.findall(r"(?:.*\\\n)*.+", block)))
    words = map(one_line, re.findall(r"`([^`]+)`", fenced.sub("", text)))
    return found | {x for x in words if PROGRAM.match(x)}


def in_text(text: str) -> set[str]:
    """README.Debian: lines of their own, or in quotes."""
    words = re.findall(r"^  (\S.*)", text, re.MULTILINE) + re.findall(r'"([^"]+)"', text)
    return {x for x in map(one_line, words) if PROGRAM.match(x)}


def in_manual(text: str, prompt: str) -> set[str]:
    """Behind a prompt, or lines of an example; or in bold."""
    for mark, meaning in (("\\-", "-"), ("\\(dq", '"'), ("\\e\n", "\\\n"), ("\\fP", "")):
        text = text.replace(mark, meaning)
    found = set()
    for block in re.findall(r"^\.nf\n(.*?)^\.fi", text, re.MULTILINE | re.DOTALL):
        for line in re.findall(r"(?:.*\\\n)*.+", block):
            plain = one_line(re.sub(prompt, "", line))
            if plain and (plain != one_line(line) or PROGRAM.match(plain)):
                found.add(plain)
    for word in re.findall(r'^\.(?:B|BR) (?:"([^"\n]*)".*|(.*))', text, re.MULTILINE):
        words = one_line("".join(word)).replace('"', "")
        if PROGRAM.match(words) and not re.match(r"\S+ (?:\(|[,.;])", words):
            found.add(words)
    return found


def shown() -> dict[str, str]:
    """Each command, and a page that shows it."""
    found = {}
    for page in sorted((TOP / "man").glob("*.[1-8]")):
        found |= {x: f"man/{page.name}" for x in
                  in_manual(page.read_text(), PROMPTS.get(page.suffix, SETTING))}
    for name in PAGES:
        text = (TOP / name).read_text()
        reader = in_markdown if name.endswith(".md") else in_text
        found |= {x: name for x in reader(text) if x}
    return found


def listed(wrong: list[str]) -> set[str]:
    """The commands of the list; what is wrong with it is added."""
    found: set[str] = set()
    for line in LIST.read_text().splitlines():
        if line.startswith("\t"):
            if line.strip() in found:
                wrong.append(f"is there twice: {line.strip()}")
            found.add(line.strip())
        elif line and not line.startswith(("#", *OTHERWISE)):
            file, _, name = line.partition("::")
            source = TOP / "tests" / file
            if not source.is_file() or f"def {name}(" not in source.read_text():
                wrong.append(f"there is no test {line}")
    return found


def main() -> int:
    wrong: list[str] = []
    pages, known = shown(), listed(wrong)
    wrong += [f"{pages[x]} shows, and no test runs: {x}" for x in pages.keys() - known]
    wrong += [f"no page shows: {x}" for x in known - pages.keys()]
    print(f"{len(pages)} commands, {len(wrong)} things wrong", *sorted(wrong), sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
