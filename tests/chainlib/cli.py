# SPDX-License-Identifier: GPL-2.0-only
"""The command line of tests/chain, and the order of it all."""

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
from guest import GuestError
from initrd import InitrdError

from .chain import Chain, Kernel, Plan, machine, reason
from .clones import Storm
from .files import as_json, junit
from .gdb import GdbError
from .image import ImageError
from .page import page
from .progress import Progress
from .records import METHODS, Run, problems
from .table import table

CHECKOUT = Path(__file__).resolve().parents[2]
SLOTS = sorted({*cache.KERNELS, *cache.VMGENID_KERNELS})
TOLD = 3  # of the problems, in the one line at the end
USAGE = """\
usage: chain [OPTION]...
Boot kernel after kernel through kexec in a QEMU guest, watch each jump from
outside, and tell whether each is handed a random seed: fresh, used, wiped.

  --kernel=KERNEL   6.1, 6.12, 7.3 or the path of a bzImage; again for more.
                    QEMU boots the first, then they take turns [all three]
  --depth=N         how many jumps [3]
  --method=LIST     load (kexec_load), file (kexec_file_load), or a pattern of
                    them such as load,file [load]
  --kexec=PATH      the kexec that guests use [kexec/kexec in the build]
  --option=OPTION   another option for each load, as in --option=--seed-mix=off
  --cmdline=TEXT    more for the kernels' command lines
  --cpu=NAME        QEMU's: qemu64 has no RDRAND, max has it [qemu64]
  --memory=SIZE     of the guest [512M]
  --fork=N          at the end load a crash kernel, and have N clones crash [0]
  --daemon          with kexec-seed's daemon in the clones [--no-daemon]
  --crash-into=     probe or kernel [probe]
  --build=FOLDER    what to test [$KEXEC_BUILD, else build/ of the checkout]
  --junit=FILE --json=FILE --html=FILE    reports, beside the table
  --console=FILE    what the kernels of the chain said
  -h, --help        this text; more in kexec-seed-chain(7)

Exit status: 0 all promises were held, 1 some were not, 2 wrong usage.
"""


class UsageError(Exception):
    """What was asked for makes no sense, or is not there."""


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise UsageError(message)


def parser() -> Parser:
    p = Parser(add_help=False, allow_abbrev=False)
    p.add_argument("--kernel", action="append", default=[])
    p.add_argument("--depth", type=int, default=3)
    p.add_argument("--method", default="load")
    p.add_argument("--kexec", type=Path)
    p.add_argument("--option", action="append", default=[])
    p.add_argument("--cmdline", default="")
    p.add_argument("--cpu", default="qemu64")
    p.add_argument("--memory", default="512M")
    p.add_argument("--fork", type=int, default=0)
    p.add_argument("--daemon", action=argparse.BooleanOptionalAction, default=False)
    p.add_argument("--crash-into", choices=["probe", "kernel"], default="probe")
    p.add_argument("--build", type=Path)
    for name in ("junit", "json", "html", "console"):
        p.add_argument(f"--{name}", type=Path)
    p.add_argument("-h", "--help", action="store_true")
    return p


def slot(name: str) -> Path:
    if not re.fullmatch(r"\d+\.\d+(-\w+)?", name):
        raise UsageError(f"--kernel={name}: neither a file nor a slot of the cache")
    try:
        return cache.kernel_image(name)
    except cache.MissingError:
        if name not in SLOTS:
            raise UsageError(f"--kernel={name}: no slot of the cache (there are"
                             f" {', '.join(SLOTS)}); or give the path of a bzImage") from None
        cache.ensure()  # fetches it
        return cache.kernel_image(name)


def find_kernels(names: list[str]) -> list[Kernel]:
    known: dict[str, Kernel] = {}
    for name in names or cache.KERNELS:
        if name in known:
            continue
        path = f"/boot/vmlinuz-{len(known)}"
        if "/" in name or Path(name).is_file():
            image = Path(name).absolute()
            label = re.sub(r"^(vmlinuz|bzImage)[-.]", "", image.name)
        else:
            image, label = slot(name), name
        if not image.is_file():
            raise UsageError(f"{image} is not there")
        if label in [k.name for k in known.values()]:
            label = f"{label} ({len(known) + 1})"
        known[name] = Kernel(label, image, path)
    return [known[name] for name in names or cache.KERNELS]


def existing(path: Path) -> Path:
    if not path.is_file():
        raise UsageError(f"{path} is not there: build it, or name the build with --build")
    return path


def make_plan(o: argparse.Namespace) -> Plan:
    methods = o.method.split(",")
    if unknown := [m for m in methods if m not in METHODS]:
        raise UsageError(f"--method={o.method}: {unknown[0]!r} is neither load nor file")
    if o.depth < 0 or o.fork < 0 or o.depth + o.fork == 0:
        raise UsageError("--depth and --fork must not be negative, nor both 0")
    if not re.fullmatch(r"[1-9]\d{0,6}[MG]", o.memory):
        raise UsageError(f"--memory={o.memory}: not a size such as 512M or 2G")
    for name in ("junit", "json", "html", "console"):
        file = getattr(o, name)
        if file and not file.absolute().parent.is_dir():
            raise UsageError(f"--{name}={file}: the folder is not there")
    build = o.build or Path(os.environ.get("KEXEC_BUILD") or CHECKOUT / "build")
    build = build.absolute()
    if o.kexec and not o.kexec.is_file():
        raise UsageError(f"--kexec={o.kexec} is not there")
    if o.fork:
        existing(build / "tests/probe/probe.bzImage")
    return Plan(
        kernels=find_kernels(o.kernel), methods=methods, depth=o.depth,
        program=existing(o.kexec or build / "kexec/kexec").absolute(),
        options=shlex.join(o.option), cmdline=o.cmdline, memory=o.memory, cpu=o.cpu,
        forks=o.fork, crash_into=o.crash_into, build=build,
        daemon=existing(build / "kexec_seed/kexec-seed") if o.fork and o.daemon else None)


def new_run(plan: Plan) -> Run:
    words = [f"{plan.memory}, CPU {plan.cpu}, {plan.program.name}"]
    if plan.options:
        words.append(plan.options)
    return Run([k.name for k in plan.kernels], plan.methods, str(plan.program),
               plan.depth, machine=" ".join(words), forks=plan.forks,
               crash_into=plan.crash_into if plan.forks else "")


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
        except (GuestError, GdbError, ImageError, InitrdError) as error:
            # a hop that has failed says so itself
            if not (run.hops and run.hops[-1].error):
                run.error = reason(error)
        finally:
            run.seconds = time.monotonic() - begin
            if console and (workdir / "console.log").exists():
                shutil.copyfile(workdir / "console.log", console)


def report(run: Run, options: argparse.Namespace) -> None:
    print(table(run), end="", flush=True)
    for file, make in ((options.junit, junit), (options.json, as_json),
                       (options.html, page)):
        if file:
            file.write_text(make(run), encoding="utf-8")


def verdict(bad: list[str]) -> str:
    more = f"; and {len(bad) - TOLD} more" if len(bad) > TOLD else ""
    return "; ".join(bad[:TOLD]) + more


def interrupted(*_) -> None:
    """Ends the guest and removes its files, as ^C does."""
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
    run = new_run(plan)
    signal.signal(signal.SIGTERM, interrupted)
    try:
        with Progress(run, sys.stdout) as progress:
            execute(plan, run, progress, options.console)
        report(run, options)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"chain: {error}", file=sys.stderr)
        return 1
    if bad := problems(run):
        print(f"chain: {verdict(bad)}", file=sys.stderr)
        return 1
    return 0
