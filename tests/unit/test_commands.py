#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Every command that a page shows is run by a test, named in tests/commands.txt.

Fails if a page shows a command that is not listed, or if a listed command is on no page or
names a missing test. Whether the test really runs it is up to the author of the entry; the
guest tests type most commands off the page.
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
# Text of more than one word that starts like this is a command.
PROGRAM = re.compile(
    r"(?:\S*/)?(?:apt-get|bootstrap|chain|configure|dkms|dpkg-buildpackage|dracut|echo|"
    r"insmod|journalctl|kdump-config|kdumpctl|kexec|kexec-seed|make|man|modprobe|openssl|"
    r"python3|quickstart|run|sh|shutdown|systemctl|udevadm|update-initramfs) +\S")
# Prompts in the blocks of a manual page; in configuration files, # begins a comment.
SETTING = r"^reload-command = "
PROMPTS = {section: rf"{SETTING}|^(?:[#$]|\(qemu\)) " for section in (".7", ".8")}
# Prefixes of groups in the list that do not name a test.
OTHERWISE = ("by unit/test_cli_seed.sh", "by quickstart check", "by make check-long",
             "not run: ")


def one_line(text: str) -> str:
    """Without comment, single-spaced."""
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
    """README.Debian: separate lines, or in quotes."""
    words = re.findall(r"^  (\S.*)", text, re.MULTILINE) + re.findall(r'"([^"]+)"', text)
    return {x for x in map(one_line, words) if PROGRAM.match(x)}


def in_manual(text: str, prompt: str) -> set[str]:
    """After a prompt, lines of an example, or in bold."""
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
    """The commands of the list; its errors are added to `wrong`."""
    found: set[str] = set()
    for line in LIST.read_text().splitlines():
        if line.startswith("\t"):
            if line.strip() in found:
                wrong.append(f"listed twice: {line.strip()}")
            found.add(line.strip())
        elif line and not line.startswith(("#", *OTHERWISE)):
            file, _, name = line.partition("::")
            source = TOP / "tests" / file
            if not source.is_file() or f"def {name}(" not in source.read_text():
                wrong.append(f"no such test: {line}")
    return found


def main() -> int:
    wrong: list[str] = []
    pages, known = shown(), listed(wrong)
    wrong += [f"{pages[x]} shows an untested command: {x}" for x in pages.keys() - known]
    wrong += [f"no page shows: {x}" for x in known - pages.keys()]
    print(f"{len(pages)} commands, {len(wrong)} errors", *sorted(wrong), sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
