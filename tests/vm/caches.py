# SPDX-License-Identifier: GPL-2.0-only
"""Runs arm64's purgatory under the cache checker (tests/cachecheck), alone: between an old and a next
kernel of a few instructions (tests/unit/arm64), in a tenth of a second.

    bench = Bench(build_arm64, tmp_path)
    bench.run(bench.blob)                     # -> Run(mistakes, console, counts)
    bench.run(bench.mutant("entry.S", "dc civac, x2", "nop"))
"""

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

from cache import qemu_arm64_command
from guest import SLOW

TOP = Path(__file__).resolve().parents[2]
# What the loader compiles, for the program that makes the guest's RAM.
IMAGE_SOURCES = ["tests/unit/arm64/image.c", "kexec/arch/arm64/pgtable.c", "purgatory/digest.c",
                 "purgatory/sha256.c", "purgatory/arch/x86/sha256_ni.c",
                 "purgatory/arch/x86/digest_impl.c"]
IMAGE_FOLDERS = [".", "include", "include/arch/arm64", "kexec", "purgatory",
                 "purgatory/arch/x86"]
SHOW = r"""show:;@printf 'show %s\n' "$(PURGATORY_CC) $(PURGATORY_FLAGS)" \
"$(PURGATORY_LD) $(PURGATORY_LINK)" "$(PURGATORY_OBJECTS)" "$(PURGATORY_LDS)" \
"$(PURGATORY_OBJCOPY)" "$(PURGATORY_ARCH_NO_VECTORS)"
"""


class Run(NamedTuple):
    mistakes: list[str]
    console: str
    counts: str  # the checker's last line


def call(argv: list[str], cwd: Path = TOP, **more) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False,
                          timeout=120 * SLOW, **more)
    if done.returncode:
        raise AssertionError(f"{shlex.join(argv)}: {done.stderr}")
    return done.stdout


def build_plugin(folder: Path) -> Path:
    plugin = folder / "cachecheck.so"
    call(["gcc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Wshadow", "-Werror", "-fPIC",
          "-shared", "-fvisibility=hidden", "-o", str(plugin),
          "tests/cachecheck/cachecheck.c"])
    return plugin


class Bench:
    def __init__(self, build: Path, folder: Path):
        self.build, self.folder = build, folder
        self.blob = build / "purgatory/purgatory.bin"
        self.plugin = build_plugin(folder)
        call(["gcc", "-std=gnu17", "-O1", "-D_GNU_SOURCE", *(f"-I{x}" for x in IMAGE_FOLDERS),
              "-o", str(folder / "image"), *IMAGE_SOURCES])
        said = call(["make", "-s", "--no-print-directory", "--eval", SHOW, "show"], cwd=build)
        shown = re.findall(r"^show (.*)$", said, re.MULTILINE)
        self.compile, self.link, self.objects = map(str.split, shown[:3])
        self.script, self.objcopy, self.no_vectors = shown[3:6]
        call([self.compile[0], "-c", "-o", str(folder / "stubs.o"),
              "tests/unit/arm64/stubs.S"])
        call([self.objcopy, "-O", "binary", "-j", ".text", str(folder / "stubs.o"),
              str(folder / "stubs.bin")])

    def _link(self, objects: list[str]) -> Path:
        elf, blob = self.folder / "mutant.elf", self.folder / "mutant.bin"
        call([*self.link, "-T", self.script, "-o", str(elf), *objects], cwd=self.build)
        call([self.objcopy, "-O", "binary", str(elf), str(blob)])
        return blob

    def mutant(self, name: str, old: str, new: str) -> Path:
        """The blob with one change in NAME of purgatory/arch/arm64 or purgatory/arch/dt."""
        source = next(p for p in (TOP / "purgatory/arch" / x / name for x in ("arm64", "dt"))
                      if p.exists())
        text = source.read_text()
        if text.count(old) != 1:
            raise AssertionError(f"{name} has {old!r} {text.count(old)} times")
        changed = self.folder / name
        changed.write_text(text.replace(old, new))
        target = str(source.relative_to(TOP).with_suffix(".bo"))
        if target not in self.objects:
            raise AssertionError(f"{target} is not in the blob")
        made = str(self.folder / f"{source.stem}.bo")
        call([*self.compile, "-c", "-o", made, str(changed)], cwd=self.build)
        return self._link([made if x == target else x for x in self.objects])

    def optimised(self, level: str) -> Path:
        """The blob at another level of optimisation."""
        made = []
        for target in self.objects:
            source = (TOP / target).with_suffix(".S")
            source = source if source.exists() else source.with_suffix(".c")
            made.append(str(self.folder / f"{source.stem}{level}.bo"))
            flags = [x for x in self.compile if x != self.no_vectors
                     or not target.endswith("sha256_ce.bo")]
            call([*flags, level, "-c", "-o", made[-1], str(source)], cwd=self.build)
        # the linker script knows this one by its name
        vector = self.folder / "sha256_ce.bo"
        Path(self.folder / f"sha256_ce{level}.bo").rename(vector)
        return self._link([str(vector) if "sha256_ce" in x else x for x in made])

    def _write_ranges(self, places: dict[str, int]) -> None:
        def row(word: str, start: str, size: int) -> str:
            return f"{word} {places[start]:x} {places[start] + size:x}\n"

        page = 4096
        boot = places["boot_size"]
        rows = [row("blob", "purgatory", places["mem_size"]),
                row("listed", "purgatory", places["mem_size"]),
                row("listed", "pool", places["pool_size"]),
                row("listed", "boot_data", (boot + page - 1) & -page),
                row("listed", "seed", page), row("listed", "kernel", page),
                row("listed", "initrd", places["initrd_size"]),
                row("read", "boot_data", boot), row("read", "kernel", page),
                row("read", "initrd", places["initrd_size"]),
                f"entry {places['kernel']:x}\n"]
        (self.folder / "ranges").write_text("".join(rows))

    def run(self, blob: Path, *settings: str, cpu: str = "max", el2: bool = False) -> Run:
        """Settings: NAME=VALUE of image.c."""
        ram, console, out = (self.folder / x for x in ("ram", "console", "out"))
        said = call([str(self.folder / "image"), str(ram), str(self.folder / "stubs.bin"),
                     str(blob), *settings])
        places = {k: int(v) for k, v in (x.split("=") for x in said.split())}
        self._write_ranges(places)
        call([*qemu_arm64_command(), "-M",
              f"virt,virtualization={'on' if el2 else 'off'},memory-backend=ram",
              "-cpu", "max,pauth-impdef=on,lpa2=off" if cpu == "max" else cpu, "-m", "64M",
              "-object", f"memory-backend-file,id=ram,size=64M,mem-path={ram},share=on",
              "-nodefaults", "-display", "none", "-no-reboot", "-serial", f"file:{console}",
              "-device", f"loader,addr={places['start']},cpu-num=0",
              "-plugin", f"{self.plugin},ranges={self.folder}/ranges,out={out}"],
             env=dict(os.environ))
        lines = out.read_text().splitlines()
        if not lines or not re.match(r"\d+ mistakes", lines[-1]):
            raise AssertionError(f"the checker has not ended: {lines[-3:]}")
        return Run(lines[:-1], console.read_text(errors="replace"), lines[-1])
