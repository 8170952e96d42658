# SPDX-License-Identifier: GPL-2.0-only
"""The command line of tests/chain and its main sequence."""

import argparse
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import cache

from .arch import ARCHES, ChainArch
from .chain import FAILURES, Chain, Kernel, Plan, machine, reason
from .clones import Storm
from .files import as_json, junit
from .image import elf_entry
from .page import page
from .progress import Progress
from .records import METHODS, Run, end_early, problems
from .table import table
from .words import SHARED

CHECKOUT = Path(__file__).resolve().parents[2]
INTERRUPTED = 130
TOLD = 3  # problems named in the last line
FILES = {"junit": junit, "json": as_json, "html": page}
USAGE = """\
usage: chain [OPTION]...
Boot kernel after kernel through kexec in a QEMU guest and check, from outside,
that each one gets a random seed that is new, used at time zero, and wiped.

  --arch=ARCH       x86_64, or arm64 or riscv64: no --fork, no file [x86_64]
  --kernel=KERNEL   6.1, 6.12, 7.3 or the path of a kernel; repeatable.
                    QEMU boots the first, then they take turns [all there are]
  --depth=N         number of jumps [3]
  --method=LIST     load (kexec_load), file (kexec_file_load), or a repeating
                    pattern such as load,file [load]
  --kexec=PATH      kexec program for the guests [kexec/kexec of the build]
  --option=OPTION   another option for each load, e.g. --option=--seed-mix=off
  --cmdline=TEXT    append to each kernel's command line
  --cpu=NAME        QEMU CPU model; max has random words [one without]
  --memory=SIZE     guest memory [512M; others: 1G]
  --fork=N          load a crash kernel at the end and crash N clones [0]
  --daemon          run kexec-seed daemon in the clones [--no-daemon]
  --crash-into=     probe or kernel [probe]
  --build=FOLDER    build to test [$KEXEC_BUILD, else build/ or the checkout]
  --junit=FILE --json=FILE --html=FILE    write reports, besides the table
  --console=FILE    keep the console output of all kernels
  -h, --help        show this text; see also kexec-seed-chain(7)

Exit status: 0 all promises kept, 1 some broken, 2 usage error, 130 interrupted
"""


class UsageError(Exception):
    """An invalid option value, or a missing file."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise UsageError(message)


def parser() -> Parser:
    p = Parser(add_help=False, allow_abbrev=False)
    p.add_argument("--arch", default="x86_64", choices=ARCHES)
    p.add_argument("--kernel", action="append", default=[])
    p.add_argument("--depth", type=int, default=3)
    p.add_argument("--method", default="load")
    p.add_argument("--kexec", type=Path)
    p.add_argument("--option", action="append", default=[])
    p.add_argument("--cmdline", default="")
    p.add_argument("--cpu")
    p.add_argument("--memory")
    p.add_argument("--fork", type=int, default=0)
    p.add_argument("--daemon", action=argparse.BooleanOptionalAction, default=False)
    p.add_argument("--crash-into", choices=["probe", "kernel"], default="probe")
    p.add_argument("--build", type=Path)
    for name in (*FILES, "console"):
        p.add_argument(f"--{name}", type=Path)
    p.add_argument("-h", "--help", action="store_true")
    return p


def slot(name: str, arch: ChainArch) -> Path:
    if not re.fullmatch(r"\d+\.\d+(-\w+)?", name):
        raise UsageError(f"--kernel={name}: neither a file nor a slot of the cache")
    try:
        return cache.kernel_image(name, arch.slot_folder)
    except cache.MissingError:
        if name not in arch.slots:
            raise UsageError(f"--kernel={name}: no slot of the cache; use one of"
                             f" {', '.join(arch.slots)} or the path of a kernel") from None
        print("chain: fetching the test kernels, once", file=sys.stderr, flush=True)
        cache.ensure(*filter(None, [arch.slot_folder]))
        return cache.kernel_image(name, arch.slot_folder)


def start_of(image: Path) -> bytes:
    try:
        with image.open("rb") as file:
            return file.read(1 << 16)
    except OSError as error:
        raise UsageError(str(error)) from None


def find_kernels(names: list[str], arch: ChainArch) -> list[Kernel]:
    known: dict[str, Kernel] = {}
    for name in names or arch.kernels:
        if name in known:
            continue
        path = f"/boot/vmlinuz-{len(known)}"
        if "/" in name or Path(name).is_file():
            image = Path(name).absolute()
            label = re.sub(r"^(vmlinuz|bzImage)[-.]", "", image.name)
        else:
            image, label = slot(name, arch), name
        if not image.is_file():
            raise UsageError(f"--kernel={name}: no such file")
        if not arch.is_kernel(start := start_of(image)):
            raise UsageError(f"--kernel={name}: not a kernel: {arch.formats}")
        if label in [k.name for k in known.values()]:
            label = f"{label} ({len(known) + 1})"
        known[name] = Kernel(label, image, path, elf_entry(start))
    return [known[name] for name in names or arch.kernels]


def find_build(given: Path | None, arch: ChainArch = ARCHES["x86_64"]) -> Path:
    """--build, or $KEXEC_BUILD, or where the checkout was built: in build/, or in itself. For
    arm64: --build, $KEXEC_BUILD_ARM64 or build-arm64/; and so on."""
    if arch.slot_folder:
        from_env = os.environ.get(f"KEXEC_BUILD_{arch.name.upper()}")
        return (given or Path(from_env or CHECKOUT / f"build-{arch.name}")).absolute()
    if given or (from_env := os.environ.get("KEXEC_BUILD")):
        return (given or Path(from_env)).absolute()
    return next((x for x in (CHECKOUT / "build", CHECKOUT) if (x / "kexec/kexec").is_file()),
                CHECKOUT / "build")


def existing(path: Path) -> Path:
    if not path.is_file():
        raise UsageError(f"{path}: no such file; build it, or name the build with --build")
    return path


def check_file(option: str, file: Path) -> None:
    """Rejects an output file before the run that could not be written after it."""
    file = file.absolute()
    if not file.parent.is_dir():
        raise UsageError(f"--{option}={file}: no such folder")
    if file.is_dir():
        raise UsageError(f"--{option}={file}: is a folder")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise UsageError(f"--{option}={file}: not writable")


def make_plan(o: argparse.Namespace) -> Plan:
    methods, arch = o.method.split(","), ARCHES[o.arch]
    memory = o.memory or arch.memory
    if unknown := [m for m in methods if m not in METHODS]:
        raise UsageError(f"--method={o.method}: {unknown[0]!r} is neither load nor file")
    if unknown := [m for m in methods if m not in arch.methods]:
        raise UsageError(f"--method={o.method}: {arch.name} guests have no"
                         f" {METHODS[unknown[0]]}")
    if o.fork and not arch.probe:
        raise UsageError(f"--fork={o.fork}: {arch.name} guests have no VM generation ID")
    if o.depth < 0 or o.fork < 0 or o.depth + o.fork == 0:
        raise UsageError("--depth and --fork must not be negative, nor both 0")
    if not re.fullmatch(r"[1-9]\d{0,6}[MG]", memory):
        raise UsageError(f"--memory={memory}: not a size such as 512M or 2G")
    for name in (*FILES, "console"):
        if file := getattr(o, name):
            check_file(name, file)
    build = find_build(o.build, arch)
    if o.kexec and not o.kexec.is_file():
        raise UsageError(f"--kexec={o.kexec}: no such file")
    if o.fork:
        existing(build / arch.probe)
    return Plan(
        kernels=find_kernels(o.kernel, arch), methods=methods, depth=o.depth,
        program=existing(o.kexec or build / "kexec/kexec").absolute(),
        options=shlex.join(o.option), cmdline=o.cmdline, memory=memory,
        cpu=o.cpu or arch.cpu, forks=o.fork, crash_into=o.crash_into, build=build, arch=arch,
        daemon=existing(build / "kexec_seed/kexec-seed") if o.fork and o.daemon else None)


def new_run(plan: Plan) -> Run:
    words = [f"{plan.arch.name}, {plan.memory}, CPU {plan.cpu}, {plan.program.name}"]
    if plan.options:
        words.append(plan.options)
    return Run([k.name for k in plan.kernels], plan.methods, str(plan.program),
               plan.depth, machine=" ".join(words), forks=plan.forks,
               crash_into=plan.crash_into if plan.forks else "")


def keep(log: Path, console: Path, run: Run) -> None:
    try:
        if log.exists():
            shutil.copyfile(log, console)
    except OSError as error:
        run.error = run.error or f"--console: {error}"


def execute(plan: Plan, run: Run, progress: Progress, console: Path | None) -> None:
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kexec-seed-chain-") as folder:
        workdir = Path(folder)
        try:
            with machine(plan, workdir) as guest:
                chain = Chain(plan, guest, run, progress)
                chain.boot()
                chain.all_hops()
                if plan.forks:
                    Storm(chain, workdir).all_clones()
        except FAILURES as error:
            end_early(run, reason(error))
            if isinstance(error, KeyboardInterrupt):
                raise
        finally:
            run.seconds = time.monotonic() - begin
            if console:
                keep(workdir / "console.log", console, run)


def report(run: Run, options: argparse.Namespace) -> list[str]:
    """Writes all reports; returns an error for each that failed."""
    failed = []
    for name, make in FILES.items():
        if file := getattr(options, name):
            try:
                file.write_text(make(run), encoding="utf-8")
            except OSError as error:
                failed.append(f"--{name}: {error}")
    try:
        print(table(run), end="", flush=True)
    except OSError as error:
        failed.append(f"the table: {error}")
        sys.stdout = None  # or Python flushes it again at exit
    return failed


def verdict(bad: list[str]) -> str:
    more = f"; and {len(bad) - TOLD} more" if len(bad) > TOLD else ""
    return "; ".join(bad[:TOLD]) + more


def interrupted(*_) -> None:
    """Has SIGTERM clean up like ^C: end the guest, remove its files."""
    raise KeyboardInterrupt


def main(argv: list[str]) -> int:
    try:
        options = parser().parse_args(argv)
        if options.help:
            print(USAGE, end="")
            return 0
        plan = make_plan(options)
    except (UsageError, cache.MissingError) as error:
        print(f"chain: {error}\nTry 'chain --help'.", file=sys.stderr)
        return 2
    run, status = new_run(plan), 0
    if plan.forks > 1 and run.clones_by == "file" and not plan.daemon:
        print(f"chain: {SHARED}", file=sys.stderr, flush=True)
    signal.signal(signal.SIGTERM, interrupted)
    try:
        with Progress(run, sys.stdout) as progress:
            execute(plan, run, progress, options.console)
    except KeyboardInterrupt:
        status = INTERRUPTED
    failed = report(run, options)
    if bad := [*problems(run), *failed]:
        print(f"chain: {verdict(bad)}", file=sys.stderr)
        return status or 1
    return status
