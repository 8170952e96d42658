#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Plans are those of the golden files in tests/unit/plans.

Runs `kexec --dry-run --facts=MACHINE ...` on every captured machine of the architecture that
kexec was built for, with every kind of image. A golden file has one case a line: its name is the rest of the command line, its
value the plan (--json), the segment lines (without), the exit status of a refusal, or the
name of a case with the same plan. The first files were of commit 0b25c6b, before a refactoring.
A commit that changes plans on purpose writes them anew and says what has changed.

Every key and value of a golden plan must be there. Keys that a golden plan lacks are not
compared: the program may add some. The wording of messages and text output is not
compared either.

Two values depend on the compiler that built the purgatory: how many bytes of code there
are (`content` of its segment), and where its entry point is (`entry`). They are only
checked to be within the segment. The segment's size is compared, and it is in pages: code
and constants of 21,524 bytes from gcc 12 and 23,060 from clang 14 both take 6 pages.
Another number of pages changes many addresses; the test then says so.

To write the files anew, from a build with all libraries:
    cd build && ../tests/unit/test_plans.py --write ../tests/unit/plans

Those of another architecture than x86 are in a folder of its name, like its machines.
"""

import copy
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.dont_write_bytecode = True  # the source folder may be read-only
from small_images import make_images  # pylint: disable=wrong-import-position

TOP = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2])).resolve()
KEXEC = Path(os.environ.get("KEXEC", "kexec/kexec")).resolve()
ALL_MACHINES = Path(os.environ.get("MACHINES", TOP / "tests/machines")).resolve()
LIMIT = 30 * float(os.environ.get("KEXEC_TEST_SLOW", "1"))  # seconds
SKIPPED = 77
MANY = "many-e820"  # made by make-many-e820, with one plan only


# Folder of what kexec plans for -> as in `uname -m`.
NAMES = {"x86": "x86_64", "arm64": "aarch64", "riscv64": "riscv64"}


def find_arch() -> str:
    """What kexec plans for: it alone knows."""
    shown = subprocess.run([str(KEXEC), "--version"], capture_output=True, text=True,
                           timeout=LIMIT, check=False).stdout
    [arch] = [arch for arch, name in NAMES.items() if f"\nfor {name}\n" in shown]
    return arch


ARCH = find_arch()
BRANCH = "" if ARCH == "x86" else ARCH  # folder below machines and plans
MACHINES = ALL_MACHINES / BRANCH
GOLDEN = TOP / "tests/unit/plans" / BRANCH
KERNEL = "bzImage" if ARCH == "x86" else "Image"

# Options in use: one machine for -l, one for -p.
OPTIONS = {
    "vmgenid-efi": ["-l bzImage " + words for words in (
        "--seed=off", "--seed=off --noefi", "--seed-mix=off", "--noefi",
        "--mem-min=0x20000000", "--mem-max=0x20000000", "--mem-max=0x1400000",
        "--mem-min=0x4000000 --mem-max=0x8000000 --initrd=initrd", "--entry-32bit",
        "--entry-32bit --initrd=initrd", "--vmgenid-addr=0x3ff00028",
        "--vmgenid-addr=0x10000000", "--vmgenid-addr=0x3ff00028 --seed-mix=off",
        "--console-serial --serial=ttyS1 --serial-baud=9600", "--console-vga", "-i",
        "--on-corruption=boot", "--append=console=ttyS1,9600", "--reuse-cmdline",
        "--reuse-cmdline --append=more", "-s", "-c", "--type=bzImage", "--type=uki")] + [
        "-l uki --append=own", "-l uki --type=uki", "-l uki --entry-32bit",
        "-l uki --reuse-cmdline", "-l vmlinux --entry-32bit", "-l vmlinux -s",
        "-l vmlinux --type=elf-x86_64", "-l bzImage-32bit -s"],
    "crash-4cpus": ["-p bzImage " + words for words in (
        "--seed=off", "--seed-mix=off", "--noefi", "--mem-min=0x28000000",
        "--mem-min=0x28000000 --initrd=initrd", "--mem-max=0x28000000",
        "--mem-max=0x20100000", "--entry-32bit", "-i", "--console-serial",
        "--append=quiet", "--reuse-cmdline", "-s",
        "--hotplug --pass-memmap-cmdline --initrd=initrd")],
    "virt": ["-l Image " + words for words in (
        "--seed=off", "--seed=off --initrd=initrd", "--seed-mix=off", "--noefi", "-i",
        "--mem-min=0x80000000", "--mem-max=0x80000000", "--mem-max=0x40200000",
        "--mem-min=0x50000000 --mem-max=0x58000000 --initrd=initrd", "--entry-32bit",
        "--append=console=ttyAMA0", "--reuse-cmdline", "--reuse-cmdline --append=more",
        "-s", "-c", "--type=Image", "--type=vmlinuz", "--type=vmlinux")] + [
        "-l uki --append=own", "-l zboot.gz --type=vmlinuz", "-l zboot.gz -s",
        "-p Image", "-p Image -s"],
    "uefi": ["-l Image --noefi"],
    "virt-acpi": ["-l Image --noefi", "-l Image --serial=uart8250,mmio,0x10000000",
                  "-p Image --noefi", "-p Image --reuse-cmdline", "-p Image --seed=off"],
    "virt-uefi": ["-l Image --noefi", "-p Image --reuse-cmdline", "-p Image --seed=off"],
    "virt-rv": ["-l Image " + words for words in (
        "--seed=off", "--seed-mix=off", "--mem-min=0x90000000", "--mem-max=0x90000000",
        "--reuse-cmdline", "--serial=ttyS0", "--type=bzImage")] + [
        "-p Image " + words for words in (
            "--seed=off", "--seed-mix=off", "--initrd=initrd", "--reuse-cmdline", "-s")],
    "vmgenid": ["-l Image " + words for words in (
        "--seed-mix=off", "--vmgenid-addr=0x4c800040", "--vmgenid-addr=0x50000000")],
    "crash": ["-p Image " + words for words in (
        "--seed=off", "--seed-mix=off", "--mem-min=0x72000000", "--mem-max=0x6b000000", "-i",
        "--mem-min=0x72000000 --initrd=initrd", "--append=quiet", "--reuse-cmdline", "-s",
        "--append=elfcorehdr=0x1000", "--console-serial")],
}


class Build:
    """What this build can do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images = make_images(folder, ARCH)
        lacks = re.search(r"^built without (.*)$", self.run("--version").stdout, re.M)
        self.missing = lacks[1] if lacks else ""
        self.has_json = "json-c" not in self.run(
            "--dry-run", "--json", f"--facts={next(list_machines())}", KERNEL).stderr

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(KEXEC), *argv], cwd=self.folder, capture_output=True,
                              text=True, timeout=LIMIT, check=False)

    def lacks(self, case: str) -> str:
        """Why the case cannot be run, or nothing."""
        words = case.split()
        if words[0] == "--json" and not self.has_json:
            return "this build lacks json-c"
        image = next(word for word in words if word in self.images)
        if not (self.folder / image).exists():
            return "Python lacks lzma"
        needs = [self.images[image]]
        lacking = sorted({need for need in needs if need in self.missing})
        return f"this build lacks {' and '.join(lacking)}" if lacking else ""


def list_machines() -> Iterator[Path]:
    return (m for m in sorted(MACHINES.iterdir())
            if (m / "proc").is_dir() and (m / "sys").is_dir())


def list_cases(machine: Path, images: dict[str, str]) -> list[str]:
    if machine.name == MANY:
        return ["--json -l bzImage"]
    ways = ["-l"]
    if "Crash kernel" in (machine / "proc/iomem").read_text("ascii"):
        ways.append("-p")
    cases = [f"{way} {KERNEL}" for way in ways]
    planned = [f"{way} {image}{initrd}" for way in ways for image in images
               for initrd in ("", " --initrd=initrd")]
    if "-p" in ways:
        planned += [f"-p {KERNEL} --pass-memmap-cmdline", f"-p {KERNEL} --hotplug"]
    return cases + [f"--json {words}" for words in planned + OPTIONS.get(machine.name, [])]


def normalise(plan: dict) -> dict:
    """Replaces what depends on the compiler of the purgatory."""
    for s in plan["segments"]:
        if s["kind"] == "purgatory":
            if 0 < s["content"] <= s["size"]:
                s["content"] = "fits"
            if s["addr"] <= plan["entry"] < s["addr"] + s["size"]:
                plan["entry"] = "in the purgatory"
    return plan


def run_case(build: Build, machine: Path, case: str) -> object:
    done = build.run("--dry-run", f"--facts={machine}", *case.split())
    if done.returncode:
        return {"status": done.returncode, "stderr": done.stderr}
    if case.startswith("--json"):
        return normalise(json.loads(done.stdout))
    return [[int(first, 16), int(last, 16), int(kib)] for first, last, kib in
            re.findall(r"0x([0-9a-f]+)-0x([0-9a-f]+) +(\d+) KiB", done.stdout)]


def compare(golden: object, got: object, where: str = "") -> list[str]:
    """Where the output lacks something of the golden value or differs from it."""
    if isinstance(golden, dict) and isinstance(got, dict):
        return [line for key, value in golden.items() for line in (
            compare(value, got[key], f"{where}/{key}") if key in got else
            [f"{where}/{key}: missing, was {value}"])]
    if isinstance(golden, list) and isinstance(got, list) and len(golden) == len(got):
        return [line for i, value in enumerate(golden)
                for line in compare(value, got[i], f"{where}/{i}")]
    return [] if golden == got and type(golden) is type(got) else \
        [f"{where}: {got}, was {golden}"]


def find_purgatory(plan: object) -> object:
    segments = plan.get("segments", []) if isinstance(plan, dict) else []
    return next((s["size"] for s in segments if s["kind"] == "purgatory"), None)


def read_golden(path: Path) -> dict:
    cases = json.loads(path.read_text(encoding="ascii"))
    return {name: cases[value] if isinstance(value, str) else value
            for name, value in cases.items()}


def write_golden(path: Path, plans: dict) -> None:
    first, lines = {}, []
    for name, plan in sorted(plans.items()):
        if "stderr" in plan:
            del plan["stderr"]
        text = json.dumps(plan, sort_keys=True, separators=(",", ":"))
        if "segments" in plan and first.setdefault(text, name) != name:
            text = json.dumps(first[text])
        lines.append(f"{json.dumps(name)}:{text}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="ascii")


def walk(value: object, path: tuple = ()) -> Iterator[tuple]:
    """The path of each value within."""
    yield path
    items = value.items() if isinstance(value, dict) else \
        enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from walk(item, (*path, key))


def changed(plan: object, path: tuple, change: object) -> object:
    """A copy of the plan in which `change` was done to (parent, key)."""
    root = [copy.deepcopy(plan)]
    parent = root
    for key in (0, *path)[:-1]:
        parent = parent[key]
    change(parent, (0, *path)[-1])
    return root[0]


def increment(parent: object, key: object) -> None:
    parent[key] += 1


def remove(parent: object, key: object) -> None:
    del parent[key]


def add_key(parent: object, key: object) -> None:
    parent[key]["added"] = 1


def check_comparison(plan: object) -> list[str]:
    """Each number that changes and each item that goes is found, a new key is fine."""
    wrong = [] if not compare(plan, copy.deepcopy(plan)) else ["differs from itself"]
    for path in walk(plan):
        value = plan
        for key in path:
            value = value[key]
        at = "".join(f"/{key}" for key in path)
        if isinstance(value, int):
            found = compare(changed(plan, path, increment), plan)
            if len(found) != 1 or not found[0].startswith(f"{at}: "):
                wrong.append(f"a changed golden number at {at}: {found}")
        if path and not compare(plan, changed(plan, path, remove)):
            wrong.append(f"{at} removed: no difference")
        if isinstance(value, dict) and compare(plan, changed(plan, path, add_key)):
            wrong.append(f"a key added to {at}: a difference")
    return wrong


def test_comparison() -> list[str]:
    cases = read_golden(TOP / "tests/unit/plans/crash-4cpus.json")
    names = ("--json -p bzImage --initrd=initrd", "--json -p bzImage-fixed", "-p bzImage")
    wrong = [line for name in names for line in check_comparison(cases[name])]
    # the normalised values count, too
    plan = {"entry": 0x1000, "segments": [
        {"kind": "purgatory", "addr": 0x1000, "size": 0x1000, "content": 0x1000}]}
    good = normalise(copy.deepcopy(plan))
    for path, value in ((("entry",), 0x2000), (("entry",), 0xFFF),
                        (("segments", 0, "content"), 0x1001),
                        (("segments", 0, "content"), 0), (("segments", 0, "kind"), "x")):
        bad = changed(plan, path, lambda p, key, v=value: p.__setitem__(key, v))
        if not compare(good, normalise(bad)):
            wrong.append(f"{path} is {value}: no difference")
    return wrong


def compare_machine(golden: dict, got: dict, left_out: set[str]) -> list[str]:
    wrong = []
    for name in sorted(golden.keys() | got.keys()):
        if name not in golden:
            wrong.append(f"'{name}': no golden plan")
        elif name not in got:
            wrong += [] if name in left_out else [f"'{name}': not run any more"]
        elif found := compare(golden[name], got[name]):
            sizes = find_purgatory(golden[name]), find_purgatory(got[name])
            if None not in sizes and sizes[0] != sizes[1]:
                found.insert(0, f"the purgatory takes {sizes[1]} bytes, not {sizes[0]}: "
                                "addresses behind it differ")
            if "stderr" in got[name]:
                found.insert(0, f"status {got[name]['status']}: {got[name]['stderr']}")
            wrong += [f"'{name}': {line[:300]}" for line in found[:8]]
    return wrong


def test_other_machine(build: Build) -> list[str]:
    """Built for another architecture than this machine's, kexec plans for captures alone."""
    if os.uname().machine == NAMES[ARCH]:
        return []
    wrong = []
    for words in (["-l", KERNEL], ["-l", KERNEL, "-s"], ["--dry-run", KERNEL]):
        done = build.run(*words)
        if done.returncode != 1 or f"only plans for {NAMES[ARCH]} machines" not in done.stderr \
                or done.stdout or len(done.stderr.splitlines()) != 1:
            wrong.append(f"{words}: status {done.returncode}, {done.stderr!r}")
    return wrong


def main(argv: list[str]) -> int:
    wrong, ran, skipped = test_comparison() if not argv else [], 0, []
    with tempfile.TemporaryDirectory(prefix="kexec-seed-plans-") as tmp:
        folder = Path(tmp)
        build = Build(folder)
        wrong += test_other_machine(build)
        machines = list(list_machines())
        if ARCH == "x86":
            subprocess.run([MACHINES / "make-many-e820", MACHINES / "bios-8g-hole",
                            folder / MANY], check=True)
            machines.append(folder / MANY)
        if not argv:
            names = {machine.name for machine in machines}
            wrong += [f"{path.name}: there is no such machine"
                      for path in sorted(GOLDEN.glob("*.json")) if path.stem not in names]
        for machine in machines:
            cases = list_cases(machine, build.images)
            lacking = {case: build.lacks(case) for case in cases}
            got = {case: run_case(build, machine, case)
                   for case, why in lacking.items() if not why}
            left_out = {case for case, why in lacking.items() if why}
            skipped += [f"{machine.name} '{case}': {lacking[case]}"
                        for case in cases if case in left_out]
            ran += len(got)
            path = (Path(argv[1], BRANCH) if argv else GOLDEN) / f"{machine.name}.json"
            if argv:
                write_golden(path, got)
            elif not path.exists():
                wrong.append(f"{machine.name}: there is no {path}")
            else:
                wrong += [f"{machine.name} {line}" for line in
                          compare_machine(read_golden(path), got, left_out)]
    print(*(f"SKIPPED: {line}" for line in skipped), sep="\n", end="\n" if skipped else "")
    print(f"{ran} plans, {len(wrong)} differences", *wrong, sep="\n")
    if argv and skipped:
        print("golden files need a build that lacks nothing")
        return 1
    return 1 if wrong else 0 if ran else SKIPPED


if __name__ == "__main__":
    if sys.argv[1:] and (len(sys.argv) != 3 or sys.argv[1] != "--write"):
        sys.exit("usage: test_plans.py [--write DIR]")
    sys.exit(main(sys.argv[1:]))
