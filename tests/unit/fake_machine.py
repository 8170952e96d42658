# SPDX-License-Identifier: GPL-2.0-only
"""A machine with a crash kernel region, on which kexec and kexec-seed run for real: see
fake_machine.c, which is preloaded.

    m = Machine(folder); done = m.run(KEXEC, "-p", m.kernel); m.calls(); m.segments()
"""

import os
import re
import shutil
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from small_images import make_images

TOP = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2]))
MACHINES = Path(os.environ.get("MACHINES", TOP / "tests/machines"))
KEXEC = os.environ.get("KEXEC", "kexec/kexec")
KEXEC_SEED = os.environ.get("KEXEC_SEED", "kexec_seed/kexec-seed")
# relative: $LD_PRELOAD splits at blanks, which the build folder's name may have
FAKE = f"./{os.path.relpath(os.environ.get('FAKE_SO', 'tests/unit/fake_machine.so'))}"
LIMIT = 20 * float(os.environ.get("KEXEC_TEST_SLOW", "1"))  # seconds
CRASH = 1  # the flag of both system calls that means a crash kernel; file_load has 2
REGION = 0x2F000000  # where crash-256m has its region

RAM = [(0x1000, 0x9E000), (0x100000, 0x3FEE0000)]
DIRECT_MAP, TEXT, TEXT_PHYS = 0xFF11000000000000, 0xFFFFFFFF9A000000, 0x1D000000


@dataclass(frozen=True)
class Segment:
    addr: int
    size: int  # in memory
    data: bytes


def no_fake_here() -> str:
    """Why whole programs cannot be tested in this build; "": they can."""
    path = Path("config.h")
    config = path.read_text(encoding="ascii") if path.exists() else ""
    if "#define WITH_SANITIZERS 1" in config:
        return "a build with sanitizers has its own malloc()"
    lacking = [x for x in ("JSONC",) if f"#undef HAVE_{x} " in config]
    if lacking:
        return f"built without {', '.join(lacking)}"
    for text, status in (("0", 0), ("1", 1)):
        with tempfile.TemporaryDirectory() as root:
            loaded = Path(root, "sys/kernel/kexec_crash_loaded")
            loaded.parent.mkdir(parents=True)
            loaded.write_text(text, encoding="ascii")
            env = os.environ | {"LD_PRELOAD": FAKE, "FAKE_ROOT": root}
            done = subprocess.run([KEXEC, "-S"], env=env, capture_output=True, timeout=LIMIT,
                                  check=False)
        if done.returncode != status:
            return "the programs cannot be preloaded: are they linked statically?"
    return ""


class Machine:
    def __init__(self, folder: Path, captured: str = "crash-256m"):
        self.root = folder / "root"
        shutil.copytree(MACHINES / captured, self.root)
        for path in [self.root, *self.root.rglob("*")]:  # `make distcheck` has read-only sources
            path.chmod(path.stat().st_mode | 0o200)
        self.images = folder / "images"
        self.images.mkdir()
        make_images(self.images)
        self.kernel, self.initrd = str(self.images / "bzImage"), str(self.images / "initrd")
        self.env: dict[str, str] = {}
        self.put("proc/sys/kernel/random/boot_id", "01234567-89ab-cdef-0123-456789abcdef\n")
        self.put("proc/self/status", "Name:\tkexec\nCapEff:\t000001ffffffffff\n")
        self.put("sys/kernel/kexec_crash_size", f"{256 << 20}\n")
        self.put("sys/kernel/kexec_crash_loaded", "0\n")
        self.put("sys/kernel/kexec_loaded", "0\n")
        self.put("dev/urandom", "")
        (self.root / "run").mkdir()
        self.make_kcore(RAM)

    def make_kcore(self, ram: list[tuple[int, int]]) -> None:
        """Physical memory as zeroes. The kernel's text comes first."""
        path = self.root / "proc/kcore"
        path.unlink(missing_ok=True)
        loads = [(TEXT, TEXT_PHYS, 0x1000000)] + [(DIRECT_MAP + a, a, n) for a, n in ram]
        with path.open("wb") as file:
            file.write(struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1", 4, 62, 1, 0, 64, 0, 0, 64,
                                   56, len(loads), 0, 0, 0))
            for virtual, physical, size in loads:
                file.write(struct.pack("<IIQQQQQQ", 1, 7, 0x10000 + physical, virtual, physical,
                                       size, size, 4096))
            file.truncate(0x10000 + sum(ram[-1]))

    def memory(self, addr: int, size: int) -> bytes:
        with (self.root / "proc/kcore").open("rb") as file:
            file.seek(0x10000 + addr)
            return file.read(size)

    def damage(self, addr: int, data: bytes) -> None:
        with (self.root / "proc/kcore").open("r+b") as file:
            file.seek(0x10000 + addr)
            file.write(data)

    def put(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def remove(self, path: str) -> None:
        victim = self.root / path
        if victim.is_dir():
            shutil.rmtree(victim)
        else:
            victim.unlink()

    def is_loaded(self, what: str = "kexec_crash_loaded") -> bool:
        return (self.root / "sys/kernel" / what).read_text() == "1\n"

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        preload = f"{more['PRELOAD']} {FAKE}" if "PRELOAD" in more else FAKE
        return os.environ | self.env | more | {"LD_PRELOAD": preload, "FAKE_ROOT": str(self.root)}

    def forget(self) -> None:
        """Forgets the calls so far."""
        for path in self.root.glob("segment.*"):
            path.unlink()
        (self.root / "calls").unlink(missing_ok=True)

    def run(self, *argv: str, **more: str) -> subprocess.CompletedProcess:
        """Runs a program with more variables in its environment; it must end in time."""
        self.forget()
        return subprocess.run(argv, env=self.environment(more), capture_output=True, text=True,
                              errors="replace", timeout=LIMIT, check=False)

    def lines(self) -> list[str]:
        """The system calls of the last run, as fake_machine.c describes them."""
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def calls(self) -> list[str]:
        """Only their names, without the reseeding of the kernel's RNG."""
        return [x.split()[0] for x in self.lines() if not x.startswith((" ", "reseed"))]

    def segments(self, call: int = 0) -> list[Segment]:
        """What the last run has passed to this call of kexec_load."""
        loads = re.split(r"^kexec_load ", "\n".join(self.lines()), flags=re.M)[1:]
        found = []
        for number, words in enumerate(re.findall(r"^ segment (\S+) (\S+) ", loads[call], re.M)):
            addr, size = (int(x, 0) for x in words)
            data = (self.root / f"segment.{call}.{number}").read_bytes()
            found.append(Segment(addr, size, data))
        return found

    def flags(self, call: int = 0) -> int:
        """Of the last run's calls of kexec_load."""
        return int([x for x in self.lines() if x.startswith("kexec_load ")][call].split()[3], 0)

    def recipes(self) -> list[str]:
        folder = self.root / "run/kexec-seed"
        return sorted(x.name for x in folder.glob("*recipe*")) if folder.exists() else []
