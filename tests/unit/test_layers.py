#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The layers of the source tree: who includes whom, and where an architecture is known.

    layer    an include points up or across: see LAYERS
    library  a library is used by a file that LIBRARIES does not name
    word     a word of one architecture outside of arch/; comments count
    header   a header has no code and at most one user: move it into that user
    length   a source file is longer than MAX_LINES
    cycle    folders include each other

Before it reads the tree the test breaks each rule once in made-up trees and expects exactly
that failure. A new folder needs a row in LAYERS, a new architecture a word in ARCHES.
"""

import os
import re
import sys
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

TOP = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2]))
FOLDERS = ("include", "kexec", "kexec_seed", "purgatory")
APART = "kexec_seed/module/"  # kernel code: it has the kernel's headers and rules
ARCHES = ["x86", "arm64", "riscv64"]  # folders of kexec/arch and purgatory/arch
# What each purgatory/arch/ARCH provides under these names, found by -I.
PROVIDED = ["arch_defs.h", "arch_registers.h"]
ARCH_PROVIDES = " ".join(f"purgatory/arch/*/{x}" for x in PROVIDED)
MAX_LINES = 450

# Folder or file -> what it may include; * is any name. A folder may include itself; a file
# with a row of its own may not: its row says all. A folder in a row stands for all of its
# files, not for the folders below it. config.h is generated.
BASE = "config.h include kexec/base"
HOOKS = f"{BASE} kexec/arch/arch.h"
BELOW_PLAN = f"{HOOKS} kexec/image kexec/machine kexec/acpi"
BELOW_LOAD = f"{BELOW_PLAN} kexec/load_request.h kexec/plan purgatory/blob.h"
LOADER = f"{BELOW_LOAD} kexec/load"
LAYERS = {
    "include": "include/arch/*/arch_params.h",
    "kexec/base": "config.h include",
    "kexec/arch/arch.h": "include kexec/base",
    "kexec/image": HOOKS,
    "kexec/machine": f"{HOOKS} kexec/acpi/vmgenid.h",
    "kexec/machine/memory_map.h": BASE,
    "kexec/machine/phys_mem.h": f"{BASE} kexec/machine/memory_map.h",
    "kexec/acpi": f"{HOOKS} kexec/machine/memory_map.h kexec/machine/phys_mem.h",
    "kexec/load_request.h": "include kexec/base kexec/image/format.h",
    "kexec/plan": f"{BELOW_PLAN} kexec/load_request.h purgatory/blob.h",
    "kexec/load": BELOW_LOAD,
    # Shared by the architectures with device trees; on their side of the boundary.
    "kexec/arch/dt": BELOW_LOAD,
    "kexec": LOADER,
    # What the daemon does is a command, too: these two are what it knows of the commands.
    "kexec_seed/refresh.h": BASE,
    "kexec_seed/subcommand.h": BASE,
    "kexec_seed/loop": BASE,
    "kexec_seed/sources": f"{HOOKS} kexec/machine kexec/acpi kexec_seed/loop",
    "kexec_seed/daemon": f"{LOADER} kexec_seed/refresh.h kexec_seed/subcommand.h "
                         "kexec_seed/sources kexec_seed/loop",
    "kexec_seed": f"{LOADER} kexec_seed/sources kexec_seed/daemon",
    # The purgatory runs without the loader. blob.h is all that the loader sees of it.
    "purgatory/blob.h": "include",
    "purgatory/arch.h": f"include {ARCH_PROVIDES}",
    "purgatory": f"include {ARCH_PROVIDES}",
    "purgatory/arch/dt": f"include purgatory {ARCH_PROVIDES}",
}


def arch_rows(arch: str) -> dict[str, str]:
    """Headers of one architecture are for it alone, but for those that each one has."""
    # all that arch_defs.h has of its folder
    own = [f"purgatory/arch/{arch}/{x}.h" for x in ("pgtable", "setup_data")]
    rows = {f"purgatory/arch/{arch}/{x}": " ".join(["include", *own]) for x in PROVIDED}
    rows[f"include/arch/{arch}/arch_params.h"] = ""
    return rows | {x: "include" for x in own} | {
                   f"kexec/arch/{arch}": f"{BELOW_LOAD} include/arch/{arch} "
                                         f"purgatory/arch/{arch}"
                                         f"{'' if arch == 'x86' else ' kexec/arch/dt'}",
                   f"purgatory/arch/{arch}": "include purgatory"
                                             f"{'' if arch == 'x86' else ' purgatory/arch/dt'}"}


for name in ARCHES:
    LAYERS |= arch_rows(name)

# Where the compiler looks for "name", after the folder of the file that includes it.
SEARCH = ["", "include", "kexec", "purgatory",
          *(f"{y}/arch/{x}" for x in ARCHES for y in ("include", "purgatory"))]

# Library header -> folders and files that may include it.
LIBRARIES = {
    "json.h": "kexec/base/report.c",
    "json-c/*": "",  # <json.h> is the name that pkg-config's path is for
    "zlib.h": "kexec/image/decompress.c",
    "lzma.h": "kexec/image/decompress.c",
    "zstd*.h": "kexec/image/decompress.c",
    "libelf.h": "",  # <gelf.h> has it
    "gelf.h": "kexec/arch/*/elf.c",
    "libfdt*.h": "kexec/arch/*",
    "systemd/*": "",  # the daemon draws seeds: kexec_seed/loop/loop.h
}

# Words of x86, of device trees, arm64 and riscv64. Those that mean something else in small or
# in capital letters are looked for as they are; (?i:...) in both. RDSEED and TSC in capitals name inputs of the seed and are
# the same on each machine; in small letters they are instructions.
WORDS = re.compile(r"""
    (?i: e820 | (?<!0)x86 | amd64 | cpuid | rdmsr | wrmsr | pml[45] | pdpt | sha[-_]ni\b
       | \bl?[gi]dt\b | \b0x[23][ef]8\b )
  | asm/bootparam\.h | immintrin\.h | x86intrin\.h | \bcet\.h | sys/io\.h
  | boot_params | setup_data | SETUP_[A-Z]\w* | \bMSR_\w* | \bpgt_\w*
  | \bCR[0-48]\b | \bcr[0-48]\b
  | \b(?:in|out)[bwl]\b | rdrand | rdseed | rdtsc | invlpg
  | (?i: \b(?:lib)?fdt | \bpsci\b | \bsctlr | \bttbr | \bpl011\b
       | \bsatp\b | \bstvec\b | \bscause\b | \bsbi(?:_\w+)?\b | \bzk(?:r|nh)\b )
""", re.VERBOSE)
# File -> words that may stand in it, with the reason. Few are expected: segment names, JSON
# keys and messages with such words are printed by the hooks of kexec/arch/arch.h.
ALLOWED_WORDS: dict[str, set[str]] = {
    "kexec/image/unsupported.c": {"x86"},  # names the architecture of a file it refuses
}

INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Failure(NamedTuple):
    file: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: {self.text}"


class Include(NamedTuple):
    file: str
    line: int
    target: str  # from the top; as it is written where it is <...> or not there
    kind: str  # "own", "system" or "missing"


def folder(file: str) -> str:
    return os.path.dirname(file)


def layer(file: str, layers: dict[str, str]) -> str:
    return file if file in layers else folder(file)


def matches(file: str, names: str) -> bool:
    """One of @names is the file or its folder; * stands for a part between slashes."""
    patterns = [re.escape(x).replace(r"\*", "[^/]*") for x in names.split()]
    return any(re.fullmatch(x, y) for x in patterns for y in (file, folder(file)))


def read_tree(top: Path) -> dict[str, list[str]]:
    """File -> its lines."""
    found = (x for name in FOLDERS for x in sorted((top / name).rglob("*.[chS]")))
    names = {x.relative_to(top).as_posix(): x for x in found}
    return {name: x.read_text().splitlines() for name, x in names.items()
            if not name.startswith(APART)}


def find(file: str, name: str, tree: dict[str, list[str]]) -> str | None:
    own = re.search(r"/arch/(\w+)/", file)
    # of files that each architecture has, its own code finds its own
    search = sorted(SEARCH, key=lambda x: not (own and x.endswith(own[0][:-1])))
    for start in (folder(file), *search):
        path = os.path.normpath(os.path.join(start, name))
        if path in tree or path == "config.h":
            return path
    return None


def read_includes(tree: dict[str, list[str]]) -> list[Include]:
    found = []
    for file, lines in tree.items():
        for number, line in enumerate(lines, 1):
            if m := INCLUDE.match(line):
                path = None if m[1] == "<" else find(file, m[2], tree)
                kind = "system" if m[1] == "<" else "own" if path else "missing"
                found.append(Include(file, number, path or m[2], kind))
    return found


def check_layers(tree: dict, includes: list[Include], layers: dict[str, str]):
    for file in tree:
        if layer(file, layers) not in layers:
            yield Failure(file, 1, "layer", f"{folder(file)} has no row in LAYERS")
    for i in includes:
        here = layer(i.file, layers)
        if i.kind == "missing":
            yield Failure(i.file, i.line, "layer", f"{i.target} is not in the tree")
        elif i.kind == "own" and here in layers:
            own = here if here != i.file else ""
            if not matches(i.target, f"{layers[here]} {own}"):
                yield Failure(i.file, i.line, "layer",
                              f"{here} may not include {i.target}")


def check_libraries(includes: list[Include]):
    for i in includes:
        for library, users in LIBRARIES.items():
            if i.kind == "system" and fnmatch(i.target, library) and (
                    not matches(i.file, users)):
                yield Failure(i.file, i.line, "library",
                              f"<{i.target}> is for {users or 'no file'}")


def check_words(tree: dict[str, list[str]]):
    for file, lines in tree.items():
        if "/arch/" in file and folder(file) != "kexec/arch":
            continue
        for number, line in enumerate(lines, 1):
            if (m := INCLUDE.match(line)) and m[1] == '"':
                continue  # the rule "layer" has these
            words = set(WORDS.findall(line)) - ALLOWED_WORDS.get(file, set())
            if words:
                yield Failure(file, number, "word", " ".join(sorted(words)))


def check_headers(tree: dict, includes: list[Include], layers: dict[str, str]):
    """A header with a row of its own is a boundary, with the code on its other side."""
    code = {Path(x).stem for x in tree if not x.endswith(".h")}
    for file in tree:
        users = sorted({i.file for i in includes if i.target == file})
        alone = Path(file).stem not in code and file not in layers
        if file.endswith(".h") and alone and len(users) < 2:
            yield Failure(file, 1, "header",
                          f"no code, and no user but {users[0] if users else 'none'}")


def check_length(tree: dict[str, list[str]]):
    for file, lines in tree.items():
        if len(lines) > MAX_LINES:
            yield Failure(file, MAX_LINES + 1, "length", f"{len(lines)} lines")


def check_cycles(includes: list[Include], layers: dict[str, str]):
    """One failure for each set of folders, or files with a row, that reach each other."""
    edges: dict[str, dict[str, Include]] = {}
    for i in includes:
        start, end = layer(i.file, layers), layer(i.target, layers)
        if i.kind == "own" and start != end:
            edges.setdefault(start, {}).setdefault(end, i)

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        ahead = [start]
        while ahead:
            new = set(edges.get(ahead.pop(), ())) - seen
            seen |= new
            ahead += new
        return seen

    reached = {x: reach(x) for x in edges}
    cycles = {frozenset(y for y in reached[x] if x in reached.get(y, ()))
              for x in edges if x in reached[x]}
    for cycle in sorted(map(sorted, cycles)):
        first = min(i for x in cycle for y, i in edges[x].items() if y in cycle)
        yield Failure(first.file, first.line, "cycle", " <-> ".join(cycle))


def check(top: Path, layers: dict[str, str]) -> list[Failure]:
    tree = read_tree(top)
    includes = read_includes(tree)
    return sorted([*check_layers(tree, includes, layers), *check_libraries(includes),
                   *check_words(tree), *check_headers(tree, includes, layers),
                   *check_length(tree), *check_cycles(includes, layers)])


# Nothing is wrong with this tree; each case adds to it and has one thing wrong.
GOOD = {
    "include/bytes.h": "#include <stdint.h>\n",
    "kexec/base/bytes.c": '#include "config.h"\n#include "bytes.h"\n',
    "kexec/plan/plan.h": '#include "bytes.h"\n',
    "kexec/plan/plan.c": '#include "plan/plan.h"\n#include "arch/arch.h"\n',
    "kexec/arch/arch.h": '#include "bytes.h"\n',
    "kexec/arch/x86/boot.h": '#include "purgatory/arch/x86/paging.h"\n',
    "kexec/arch/x86/boot.c": '#include "boot.h"\n#include "arch/arch.h"\n'
                             "#include <asm/bootparam.h>\n/* e820, CR3 */\n",
    "kexec/image/decompress.c": "#include <zlib.h>\n/* scr3, 0x8600, outbound */\n",
    "kexec/main.c": '#include "plan/plan.h"\n',
    "purgatory/arch/x86/paging.h": "",
    "purgatory/arch/x86/paging.c": '#include "paging.h"\n',
    "purgatory/arch/x86/arch_defs.h": '#include "bytes.h"\n#include "pgtable.h"\n',
    "purgatory/arch/x86/pgtable.h": "",
    "purgatory/arch/x86/reset.c": '#include "arch.h"\n',
    "purgatory/arch.h": '#include "arch_defs.h"\n',
    "purgatory/main.c": '#include "arch.h"\n',
    "kexec_seed/module/module.c": '#include "nowhere.h"\n/* x86 */\n',
}
CYCLE = LAYERS | {"kexec/image": "kexec/machine", "kexec/machine": "kexec/image"}
# What fails -> the files added, and the table where it is not LAYERS.
BROKEN: list[tuple[str, dict[str, str]] | tuple[str, dict[str, str], dict[str, str]]] = [
    ("kexec/base/up.c:2: layer", {"kexec/base/up.c": '\n#include "plan/plan.h"\n'}),
    ("kexec/image/x.c:1: layer", {"kexec/machine/x.h": "", "kexec/machine/x.c": "",
                                  "kexec/image/x.c": '#include "machine/x.h"\n'}),
    ("kexec/plan/x.c:1: layer", {"kexec/plan/x.c": '#include "arch/x86/boot.h"\n'}),
    ("kexec/arch/arm64/x.c:1: layer",
     {"kexec/arch/arm64/x.c": '#include "arch/x86/boot.h"\n'}, LAYERS | arch_rows("arm64")),
    ("purgatory/x.c:1: layer", {"purgatory/x.c": '#include "kexec/plan/plan.h"\n'}),
    ("purgatory/x.c:1: layer", {"purgatory/x.c": '#include "paging.h"\n'}),
    ("purgatory/x.c:1: layer", {"purgatory/x.c": '#include "arch/x86/paging.h"\n'}),
    ("kexec_seed/x.c:1: layer", {"kexec_seed/x.c": '#include "kexec/options.h"\n',
                                 "kexec/options.c": "", "kexec/options.h": ""}),
    ("kexec/plan/x.c:1: layer", {"kexec/plan/x.c": '#include "nowhere.h"\n'}),
    ("kexec/new/x.c:1: layer", {"kexec/new/x.c": ""}),
    ("kexec/machine/memory_map.h:1: layer",
     {"kexec/machine/memory_map.h": '#include "machine/iomem.h"\n',
      "kexec/machine/memory_map.c": "", "kexec/machine/iomem.h": "",
      "kexec/machine/iomem.c": ""}),
    ("kexec_seed/x.c:1: library", {"kexec_seed/x.c": "#include <systemd/sd-bus.h>\n"}),
    ("kexec/image/x.c:1: library", {"kexec/image/x.c": "# include <zstd_errors.h>\n"}),
    *(("kexec/plan/x.c:2: word", {"kexec/plan/x.c": f"\n/* {word} */\n"}) for word in (
        "E820", "boot_params", "setup_data", "SETUP_RNG_SEED", "CPUID", "rdmsr", "wrmsr",
        "MSR_EFER", "CR3", "cr4", "PML4", "pdpt", "pgt_map", "0x3F8", "x86-64", "outb",
        "sha_ni", "IDT", "fdt_getprop", "PSCI", "SCTLR_EL1", "pl011")),
    ("kexec/arch/x86/x.c:1: layer",
     {"kexec/arch/x86/x.c": '#include "arch/dt/tree.h"\n', "kexec/arch/dt/tree.h": "",
      "kexec/arch/dt/tree.c": ""}),
    ("purgatory/arch/x86/x.c:1: layer",
     {"purgatory/arch/x86/x.c": '#include "arch/dt/uart.h"\n', "purgatory/arch/dt/uart.h": "",
      "purgatory/arch/dt/uart.c": ""}),
    ("include/x.c:1: word", {"include/x.c": "#include <asm/bootparam.h>\n"}),
    ("kexec/arch/x.c:1: word",
     {"kexec/arch/x.c": "/* boot_params */\n"}, LAYERS | {"kexec/arch": ""}),
    ("kexec/plan/alone.h:1: header", {"kexec/plan/alone.h": "",
                                      "kexec/plan/x.c": '#include "alone.h"\n'}),
    ("kexec/plan/alone.h:1: header", {"kexec/plan/alone.h": ""}),
    ("kexec/plan/x.S:451: length", {"kexec/plan/x.S": "\n" * 451}),
    ("kexec/image/x.h:1: cycle",
     {"kexec/image/x.h": '#include "machine/y.h"\n', "kexec/image/x.c": "",
      "kexec/machine/y.h": '#include "image/x.h"\n', "kexec/machine/y.c": ""}, CYCLE),
]


def check_check(want: list[str], files: dict[str, str], layers: dict[str, str]) -> str:
    with tempfile.TemporaryDirectory() as name:
        for file, text in (GOOD | files).items():
            path = Path(name, file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        failures = check(Path(name), layers)
    got = [f"{x.file}:{x.line}: {x.rule}" for x in failures]
    return "" if got == want else f"self-check: {failures}, not {want}: {files}"


def main() -> int:
    wrong = [check_check([], {}, LAYERS)]
    for want, files, *table in BROKEN:
        wrong.append(check_check([want], files, *(table or [LAYERS])))
    wrong = [x for x in wrong if x]
    wrong += map(str, check(TOP, LAYERS))
    print(f"{len(BROKEN)} ways to fail, {len(wrong)} things wrong", *wrong, sep="\n")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
