#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Lists that are derived from a table agree with it: manuals, help, messages, completions.

The programs are asked where they can tell; the table of kexec's options alone is read from
its source, and the program says of each row whether it takes a value or is refused. A
self-check alters one list at a time, and expects a failure of that list and of no other.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TOP = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2]))
PROGRAMS = {"kexec": os.environ.get("KEXEC", "kexec/kexec"),
            "kexec-seed": os.environ.get("SEED", "kexec_seed/kexec-seed")}
TABLE = "kexec/options_table.c"
BASH = {"kexec": ("kexec/completions/bash/kexec", "_kexec"),
        "kexec-seed": ("kexec_seed/completions/bash/kexec-seed", "_kexec_seed")}
ZSH = {"kexec": "kexec/completions/zsh/_kexec",
       "kexec-seed": "kexec_seed/completions/zsh/_kexec-seed"}
KEXEC_8, SEED_8 = "man/kexec.8", "man/kexec-seed.8"
CONF_5 = "man/kexec-seed.conf.5"
WORDS = "kexec/plan/cmdline.c"
VM_FILES = "tests/vm/Makefile.inc"
ERRNO_TEXT = "kexec/base/error.c"
OPTION = re.compile(r"--[a-z][a-z0-9-]*")
OTHERS = {"--now"}  # options of other programs in kexec-seed(8)
# Words for -t, and formats: a program knows its architecture's, manual and completions all.
TYPES = {"x86": {"bzImage", "bzImage64", "elf-x86_64", "uki"},
         "dt": {"Image", "vmlinuz", "uki"}}
ELSEWHERE = {"--dtb="}  # options that one architecture takes and another refuses
FORMATS = {"x86": {"bzImage", "UKI", "ELF vmlinux"}, "dt": {"Image", "zboot", "UKI"}}

# Alterations of the self-check: file or command line -> pattern and replacement.
Altered = dict[str, tuple[str, str]]


@cache
def run(program: str, *args: str) -> tuple[int, str, str]:
    done = subprocess.run([PROGRAMS[program], *args], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=False)
    return done.returncode, done.stdout, done.stderr


@cache
def run_completion(text: str, function: str, *words: str) -> set[str]:
    """What bash offers with the cursor at the end of the last word."""
    script = (f"{text}\nCOMP_WORDS=(\"$@\") COMP_CWORD=$(($# - 1)) COMPREPLY=()\n"
              f"{function}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"")
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, check=False)
    return set(done.stdout.split())


def of_others(table: dict[str, set[str]]) -> set[str]:
    """The rows of other architectures than the program's."""
    own = "dt" if "zboot" in run("kexec", "--version")[1] else "x86"
    return set().union(*(x for arch, x in table.items() if arch != own))


class Project:
    """The source tree and the programs, with alterations."""

    def __init__(self, altered: Altered):
        self.altered = altered
        self.unused = set(altered)

    def alter(self, name: str, text: str) -> str:
        if name in self.altered and re.search(self.altered[name][0], text):
            self.unused.discard(name)
            return re.sub(*self.altered[name], text)
        return text

    def read(self, file: str) -> str:
        return self.alter(file, (TOP / file).read_text())

    def page(self, file: str) -> str:
        text = self.read(file).replace("\\-", "-").replace("\\(dq", '"')
        return re.sub(r"\\f[BIRP]", "", text)

    def ask(self, *words: str) -> str:
        """Both outputs of a command."""
        return self.alter(" ".join(words), "".join(run(*words)[1:]))

    def complete(self, *words: str) -> set[str]:
        file, function = BASH[words[0]]
        return run_completion(self.read(file), function, *words)


def same(what: str, wanted: set[str], **places: set[str]) -> Iterator[str]:
    if not wanted:
        yield f"{what}: the program tells none"
    for place, found in places.items():
        yield from (f"{what}: {place} lacks {x}" for x in sorted(wanted - found))
        yield from (f"{what}: {place} alone has {x}" for x in sorted(found - wanted))


def section(page: str, title: str) -> str:
    """The part of a page, with its parts below."""
    m = re.search(rf"^\.(S[HS]) [^\n]*{title}\"?\n(.*?)(?=^\.SH|^\.\1|\Z)", page,
                  re.MULTILINE | re.DOTALL)
    return m[2] if m else ""


def entry(page: str, head: str) -> str:
    m = re.search(rf"^\.TP\n[^\n]*{head}[^\n]*\n(.*?)(?=^\.TP|^\.PP|^\.S[HS]|\Z)", page,
                  re.MULTILINE | re.DOTALL)
    return m[1] if m else ""


def bold_words(text: str) -> set[str]:
    """No options, and no pages as kexec(8)."""
    words = re.findall(r"^\.BR? (\S+)(?! \(\d)", text, re.MULTILINE)
    return {x for x in words if re.fullmatch(r"[A-Za-z][\w-]*", x)}


def heads(text: str) -> list[str]:
    return re.findall(r"^\.TP\n\.B (.*)", text, re.MULTILINE)


def last_list(line: str) -> set[str]:
    """'must be a, b or c' -> a, b, c"""
    word, between = r"[\w-]+", r"(?:, | or | and |, or |, and )"
    m = re.search(rf"{word}(?:{between}{word})+(?=[.)]?$)", line, re.MULTILINE)
    return set(re.split(between, m[0])) if m else set()


@cache
def kind_of(name: str) -> str:
    """'--seed=', '--load', 'refused' or '': no option. One that can have a value, and can do
    without, is listed as '--load'."""
    status, _, said = run("kexec", f"--{name}=0", "--help")
    if said == run("kexec", "--help=0")[2].replace("--help", f"--{name}", 1):
        status, _, said = run("kexec", f"--{name}", "--help")
        value = ""
    elif said == run("kexec", "--unheard-of=0")[2].replace("--unheard-of", f"--{name}", 1):
        return ""
    else:
        value = "=" if run("kexec", f"--{name}", "--help")[0] else ""
    if status == 1 and said.startswith(f"kexec: --{name}: "):
        return "refused"
    return f"--{name}{value}"


def table(project: Project) -> dict[str, str]:
    """Each long option of kexec, and its kind."""
    rows = re.findall(r"[{(]\s*(?:\.\w+ = )?\"([a-z][a-z0-9-]+)\"", project.read(TABLE))
    return {f"--{x}": kind_of(x) for x in rows if kind_of(x)}


def check_options(project: Project) -> Iterator[str]:
    known = table(project)
    taken = {x for x in known.values() if x != "refused"}
    zsh = project.read(ZSH["kexec"])
    helped = set(OPTION.findall(project.ask("kexec", "--help")))
    shown = set(OPTION.findall(project.page(KEXEC_8)))
    keys = {f"--{x}" for x in settings_of_page(project)}
    if len(known) < 50:
        yield f"options: {TABLE} has only {len(known)}"
        return
    yield from same("options", taken | ELSEWHERE, bash=project.complete("kexec", "--"),
                    zsh=set(re.findall(r"^\t'.*?(--[a-z0-9-]*=?)(?:=-)?[]}]*'?\[", zsh,
                                       re.M)))
    yield from same("options", set(known), manual=shown - (keys - set(known)))
    # those for kexec-tools alone ask for what is done anyway
    needless = set(re.findall(r"^\t'(--[a-z0-9-]*)=?\[for kexec-tools", zsh, re.M))
    wanted = {x.rstrip("=") for x in taken} - needless
    yield from same("options", wanted, help=helped - (needless & set(known)))


def check_types(project: Project) -> Iterator[str]:
    lists = {"zsh": r":type:\(([^)]*)\)", "help": r"--type=\S+ +([^;\n]*)"}
    texts = {"zsh": project.read(ZSH["kexec"]), "help": project.ask("kexec", "--help")}
    found = {x: re.search(y, texts[x]) for x, y in lists.items()}
    words = {x: set(re.findall(r"[\w-]+", y[1] if y else "")) - {"or"}
             for x, y in found.items()}
    own = last_list(project.ask("kexec", "-t", "nonsense", "x"))
    yield from same("types", own, help=words["help"])
    yield from same("types", own | of_others(TYPES), zsh=words["zsh"],
                    manual=bold_words(entry(project.page(KEXEC_8), "--type=")),
                    bash=project.complete("kexec", "-t", ""))


def check_formats(project: Project) -> Iterator[str]:
    """A build may lack some: they are in a line of their own, with the library."""
    lines = [x for x in project.ask("kexec", "--version").splitlines()[1:]
             if not x.startswith("for ")]
    formats = set(re.split(r"[,;] ", ", ".join(
        re.sub(r"^(opens|built without) | \([^)]*\)", "", x) for x in lines)))
    page = project.page(KEXEC_8)
    text = section(page, r"(?i:formats)")
    yield from same("formats", formats | of_others(FORMATS), manual=set(heads(text)) | {
        x for x in formats & {"gzip", "xz", "zstd"} if re.search(rf"\b{x}\b", page)})


def commands(project: Project) -> set[str]:
    return set(re.findall(r"^  ([a-z]+) ", project.ask("kexec-seed", "--help"), re.M))


def check_commands(project: Project) -> Iterator[str]:
    zsh = project.read(ZSH["kexec-seed"])
    synopsis = section(project.page(SEED_8), "SYNOPSIS")
    yield from same("commands", commands(project),
                    bash={x for x in project.complete("kexec-seed", "") if x[0] != "-"},
                    zsh=set(re.findall(r"^\t'([a-z]+):", zsh, re.M)),
                    manual=set(re.findall(r"kexec-seed ([a-z]+)", synopsis)))
    # the options of each but the daemon: what bash offers is in the help
    helped = set(OPTION.findall(project.ask("kexec-seed", "--help")))
    for name in sorted(commands(project) - {"daemon"}):
        bash = project.complete("kexec-seed", name, "--")
        case = re.search(rf"^\t(?:.*\| )?{name}(?: \|.*)?\)$(.*?);;", zsh, re.M | re.S)
        found = re.findall(r"^\t*'.*?(--[a-z-]*=?)\[", case[1] if case else "", re.M)
        yield from same(f"options of {name}", bash, zsh=set(found))
        yield from (f"options of {name}: help lacks {x}" for x in sorted(bash)
                    if x.rstrip("=") not in helped)


def sources(project: Project) -> set[str]:
    with tempfile.NamedTemporaryFile() as empty:  # not the machine's own file
        said = run("kexec-seed", "daemon", f"--config={empty.name}", "--sources=nonsense")
    return last_list(project.alter("sources", said[2]))


def check_sources(project: Project) -> Iterator[str]:
    zsh = re.search(r"'--sources=.* - ([a-z ]+)'", project.read(ZSH["kexec-seed"]))
    helped = re.search(r"(?m)^  fork sources +((?:\w+, )+\w+)$",
                       project.ask("kexec-seed", "daemon", "--help"))
    known = sources(project)
    paragraphs = section(project.page(SEED_8), "daemon").split("\n.PP\n")
    manual = {x for y in paragraphs for x in heads(y) if known & set(heads(y))}
    yield from same("sources", known,
                    bash=project.complete("kexec-seed", "daemon", "--sources", "=", "")
                    - {"none"},
                    zsh=set(zsh[1].split() if zsh else ()), manual=manual,
                    help=set(helped[1].split(", ") if helped else ()),
                    conf=bold_words(entry(project.page(CONF_5), "sources=")) - {"none"})


def settings_of_page(project: Project) -> set[str]:
    keys = section(project.page(CONF_5), "KEYS")
    return set(re.findall(r"^\.TP\n\.BI ([a-z-]+)= ", keys, re.M))


def check_settings(project: Project) -> Iterator[str]:
    zsh = re.search(r"^\tdaemon\)(.*?);;", project.read(ZSH["kexec-seed"]), re.M | re.S)
    helped = set(re.findall(r"^  (--[a-z-]+=)",
                            project.ask("kexec-seed", "daemon", "--help"), re.M))
    yield from same("settings", helped,
                    bash=project.complete("kexec-seed", "daemon", "--") - {"--help"},
                    zsh=set(re.findall(r"^\t*'(--[a-z-]*=)", zsh[1] if zsh else "", re.M)),
                    conf={f"--{x}=" for x in settings_of_page(project)} | {"--config="})


def check_manual(project: Project) -> Iterator[str]:
    """kexec-seed(8) and the help; keys of the configuration have a page of their own."""
    helped = set(OPTION.findall(project.ask("kexec-seed", "--help") +
                                project.ask("kexec-seed", "daemon", "--help")))
    keys = {f"--{x}" for x in settings_of_page(project)}
    shown = set(OPTION.findall(project.page(SEED_8)))
    yield from same("kexec-seed(8)", helped - keys,
                    manual=shown - keys - (set(table(project)) - helped) - OTHERS)


def check_words(project: Project) -> Iterator[str]:
    """Words that --reuse-cmdline leaves out, when and why."""
    when = {"ALWAYS": "always", "FOR_CRASH": "-p", "FROM_CAPTURE": "capture"}
    rows = re.findall(r'\{ "([\w.]+)",\s*DROP_(\w+),\s*"([^"]*)" \}', project.read(WORDS))
    page = section(project.page(KEXEC_8), "Words that are not inherited")
    shown = re.findall(r"^([\w.]+) +(always|-p|capture) +(.*)$", page, re.M)
    yield from same("words not inherited", {f"{x} {when[y]}: {z}" for x, y, z in rows},
                    manual={f"{x} {y}: {z}" for x, y, z in shown})


def check_dist(project: Project) -> Iterator[str]:
    """A guest test that a release tarball lacks cannot run there."""
    files = {x.name for x in (TOP / "tests/vm").glob("*.py")}
    listed = set(re.findall(r"%D%/(\w+\.py)", project.read(VM_FILES)))
    yield from same("guest tests", files, dist=listed)


def check_strerror(project: Project) -> Iterator[str]:
    """Only errno_text() calls it: what it says of EINVAL names no cause."""
    names = [str(x.relative_to(TOP)) for part in ("kexec", "kexec_seed")
             for x in (TOP / part).rglob("*.c")]
    yield from same("strerror()", {ERRNO_TEXT}, callers={
        x for x in names if re.search(r"\bstrerror\(", project.read(x))})


CHECKS = (check_options, check_types, check_formats, check_commands, check_sources,
          check_settings, check_manual, check_words, check_dist, check_strerror)
# What the failures begin with, and what is altered.
ALTERATIONS: list[tuple[str, str, str, str]] = [
    ("options: bash lacks --append=", BASH["kexec"][0], "--append=", ""),
    ("options: bash alone has --neww", BASH["kexec"][0], "--append=", "--append= --neww"),
    ("options: zsh", ZSH["kexec"], r"--append=\[", "--append["),
    ("options: manual lacks --dtb", KEXEC_8, r"(?<=\\-\\-)dtb", "reuse\\-cmdline"),
    ("options: manual alone has --neww", KEXEC_8, r"(?m)^\.SH FILES", r"\\-\\-neww\n\g<0>"),
    ("options: help lacks --facts", "kexec --help", "--facts", "-facts"),
    ("options: help alone has --neww", "kexec --help", "--facts", "--facts, --neww"),
    ("options: kexec/options_table.c has only", TABLE, r"\{ ", ""),
    ("types: manual lacks uki", KEXEC_8, r"(?m)^\.BR uki .*\n", ""),
    ("types: bash lacks uki", BASH["kexec"][0], r" uki\b", ""),
    ("types: zsh alone has elf", ZSH["kexec"], r" uki\b", " uki elf"),
    ("types: help lacks uki", "kexec --help", r"(, | or )uki\b", ""),
    ("types: ", "kexec -t nonsense x", r"\buki\b", "zboot"),
    ("formats: manual", KEXEC_8, r"(?m)^\.B UKI$", ".B PE"),
    ("formats: manual lacks FIT", "kexec --version", "UKI", "UKI, FIT"),
    ("commands: ", "kexec-seed --help", "  verify ", "  verity "),
    ("commands: bash", BASH["kexec-seed"][0], "refresh verify status", "refresh status"),
    ("commands: zsh lacks verify", ZSH["kexec-seed"], "'verify:", "'"),
    ("commands: manual", SEED_8, r"(?m)^(\.B kexec\\-seed) verify$", r"\1 verity"),
    ("options of refresh: zsh", ZSH["kexec-seed"], r"--full\[", "--part["),
    ("options of refresh: help lacks --part", BASH["kexec-seed"][0], "--full", "--part"),
    ("sources: bash", BASH["kexec-seed"][0], r" genid\b", " genet"),
    ("sources: zsh", ZSH["kexec-seed"], r" genid\b", " genet"),
    ("sources: manual", SEED_8, r"(?m)^\.B genid$", ".B genet"),
    ("sources: conf", CONF_5, r"\bgenid\b", "genet"),
    ("sources: help", "kexec-seed daemon --help", r"\bgenid\b", "genet"),
    ("sources: ", "sources", r"\bgenid\b", "genet"),
    ("settings: bash", BASH["kexec-seed"][0], "--every=", ""),
    ("settings: zsh", ZSH["kexec-seed"], "'--every=", "'--ever="),
    ("settings: conf", CONF_5, r"\.BI poll", ".BI poell"),
    ("settings: ", "kexec-seed daemon --help", "--every=", "--ever="),
    ("words not inherited: manual alone has cma -p", WORDS, r'(?m)^.*"cma".*\n', ""),
    ("words not inherited: manual", KEXEC_8, r"(?m)^elfcorehdr  ", "elfcorehdrs "),
    ("words not inherited: manual", KEXEC_8, r"(?m)^(crashkernel +)\\-p   ", r"\1always"),
    ("words not inherited: manual", WORDS, "disk keys", "keys"),
    ("guest tests: dist lacks test_mix.py", VM_FILES, r"%D%/test_mix\.py", ""),
    ("guest tests: dist alone has x.py", VM_FILES, r"%D%/test_mix\.py", r"\g<0> %D%/x.py"),
    ("strerror(): callers alone has kexec/main.c", "kexec/main.c", r"errno_text\(", "strerror("),
    ("kexec-seed(8): manual lacks --full", SEED_8, r"\\-\\-full", ""),
    ("kexec-seed(8): manual alone has --neww", SEED_8, r"\\-\\-full", r"\g<0> \\-\\-neww"),
]
# An alteration that two lists have to notice: what else fails with it.
ALSO = {
    "options of refresh: help lacks --part": "options of refresh: zsh",
    "settings: conf": "kexec-seed(8): manual lacks --poll-ms",
    "settings: ": "kexec-seed(8): manual lacks --ever",
    "commands: ": "options of verity: ",
    "options: kexec/options_table.c has only": "kexec-seed(8): manual alone has --",
}


def main() -> int:
    wrong = [x for check in CHECKS for x in check(Project({}))]
    for want, name, pattern, text in ALTERATIONS:
        project = Project({name: (pattern, text)})
        new = [x for check in CHECKS for x in check(project) if x not in wrong]
        also = ALSO.get(want, want)
        if project.unused:
            wrong.append(f"self-check: {name} has no {pattern}")
        elif not any(x.startswith(want) for x in new) or not all(
                x.startswith((want, also)) for x in new):
            wrong.append(f"self-check: {new}, not {want}...: {name}, {pattern}")
    print(f"{len(ALTERATIONS)} ways to fail, {len(wrong)} things wrong", *wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
