#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Boots a real kernel through `kexec -l` with a fresh seed, in a QEMU guest.

    demo.py [--arch x86_64|arm64|riscv64] [--build FOLDER] [--from SLOT] [--to SLOT]

SLOT: 6.1, 6.12 or 7.3, kernels from the cache of `fetch`; for riscv64 6.12.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import cache
from arches import ARCHES
from demo_text import bold, good, headline, memory_picture, say, size_text, step
from guest import Guest, GuestError
from initrd import InitrdError, build_initrd

CHECKOUT = Path(__file__).resolve().parents[2]
CRNG = r"^\[ *([0-9.]+)\] random: crng init done"
NODES = "/sys/kernel/boot_params/setup_data"
SEED_TYPE = "0x9"
CHOSEN = "/proc/device-tree/chosen"
CONSOLES = {"x86_64": "console=ttyS0,115200", "arm64": "console=ttyAMA0",
            "riscv64": "console=ttyS0"}
# A CPU without random words, and what they are called.
CPUS = {"x86_64": ("qemu64", "RDRAND"), "arm64": ("cortex-a72", "RNDR"),
        "riscv64": ("rv64", "Zkr")}
# The first kernel and the next.
KERNELS = {"x86_64": ("6.1", "7.3"), "arm64": ("6.1", "7.3"), "riscv64": ("6.12", "6.12")}


class DemoError(Exception):
    """The demo did not show its point."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="kexec -l with a fresh seed, in a guest")
    parser.add_argument("--arch", default="x86_64", choices=ARCHES)
    parser.add_argument("--build", type=Path)
    parser.add_argument("--from", dest="first", choices=cache.KERNELS)
    parser.add_argument("--to", dest="next", choices=cache.KERNELS)
    return parser.parse_args()


def generator_ready(console: str) -> str | None:
    """When the random number generator became ready, as the kernel logs it."""
    hit = re.search(CRNG, console, re.MULTILINE)
    return hit[1] if hit else None


def ready_text(seconds: str | None) -> str:
    return f"[{seconds:>12}] random: crng init done" if seconds else "not ready"


def show_plan(guest: Guest, load: str) -> None:
    plan = json.loads(guest.check(f"{load} --dry-run --json 2>/dev/null"))
    headline("2. What kexec is about to load, and where (physical memory)")
    print(f"  $ {bold(load + ' --dry-run')}\n")
    print("\n".join(memory_picture(plan)))
    print()
    if not plan.get("seed_slot"):
        raise DemoError("the plan has no seed")
    slot = plan["seed_slot"]
    say(f"The next kernel gets {len(plan['segments'])} segments and this command line:")
    say(f"    {plan['command_line']}")
    if plan.get("setup_data"):
        say(f"boot_params link to the seed at {slot['addr']:#x}: a setup_data node")
        say(f"of type 9 (SETUP_RNG_SEED) with {slot['len']} bytes.")
    else:
        say(f"The purgatory will write {slot['len']} bytes at {slot['addr']:#x}: the value of")
        say("/chosen/rng-seed in the device tree.")


def jump(guest: Guest, load: str) -> tuple[str, str]:
    """Into the next kernel; console output of the first kernel, then of the next."""
    headline("3. Load it, and jump")
    print(f"  $ {bold(load)}", flush=True)
    with step("drawing the seed with getrandom(2), loading it, wiping our copy"):
        guest.check(load)
    loaded = guest.check("cat /sys/kernel/kexec_loaded").strip()
    say(f"/sys/kernel/kexec_loaded is {loaded}: the kernel holds the image.")
    start = len(guest.console)
    print(f"  $ {bold('kexec -e')}", flush=True)
    with step("verifying every byte, jumping, booting"):
        guest.send_and_jump("kexec -e")
        release = guest.wait_ready(120)
    say(f"{good('Linux ' + release)} is running. No firmware was involved.")
    return guest.console[:start], guest.console[start:]


def show_node(guest: Guest) -> None:
    """x86_64: what the new kernel left of the seed's node."""
    rows = guest.run(f"cd {NODES} 2>/dev/null && for i in *; do"
                     " echo $(cat $i/type) $(wc -c <$i/data); done").output.split("\n")
    nodes = [row.split() for row in rows if row]
    say(f"In {NODES}:")
    for number, (kind, size) in enumerate(nodes):
        what = "SETUP_RNG_SEED" if kind == SEED_TYPE else "(something else)"
        say(f"    {number}/type {kind}   {what}, {size} bytes left to read")
    if not any(kind == SEED_TYPE for kind, _ in nodes):
        raise DemoError("the new kernel was handed no seed")


def show_tree(guest: Guest) -> None:
    """Others: what the new kernel left of /chosen."""
    say(f"In {CHOSEN}:")
    for name in guest.check(f"ls {CHOSEN}").split():
        say(f"    {name}")


def show_seed(guest: Guest, arch: str, before: str, after: str) -> None:
    headline("4. What the new kernel says")
    show_node(guest) if arch == "x86_64" else show_tree(guest)
    say("The seed is gone on purpose: the kernel mixed it into its generator,")
    say("then erased it, so that nobody can read it later.")
    ready = generator_ready(after)
    print()
    say("Its random number generator, from the kernel's log:")
    say(f"    new kernel     {good(ready_text(ready))}")
    say(f"    first kernel   {ready_text(generator_ready(before))}")
    if ready is None or float(ready) != 0:
        raise DemoError("the new kernel's generator was not ready at 0 seconds")
    print()
    words = f"This machine has no {CPUS[arch][1]}."
    if arch == "x86_64":
        say(f"{words} The first kernel was given no seed and had to")
        say("gather entropy; the new one could make keys before its first interrupt.")
    else:
        say(f"{words} QEMU gave the first kernel a seed; kexec-tools would")
        say("give the new one none. It could make keys before its first interrupt.")


def demo(arch: str, build: Path, first: str, following: str) -> None:
    program = build / "kexec" / "kexec"
    if not program.is_file():
        raise DemoError(f"{program} not found: build it first")
    headline("1. A guest: Debian's kernel under QEMU")
    with step("packing an initial RAM disk with busybox, kexec and the next kernel"):
        initrd = build_initrd(kernels=[following], programs=[program], name="demo",
                              arch=arch)
    say(f"{initrd.name}, {size_text(initrd.stat().st_size)}")
    load = (f"kexec -l /boot/vmlinuz-{following} --initrd=/boot/initrd"
            f" --command-line='{CONSOLES[arch]} panic=-1'")
    with Guest(kernel=first, memory="1G", cpu=CPUS[arch][0], initrd=initrd, arch=arch) as guest:
        release = cache.kernel_release(first, ARCHES[arch].name)
        with step(f"booting {release}, 1 GiB, emulated CPU (no KVM)"):
            release = guest.wait_ready(120)
        say(f"{good('Linux ' + release)} is running.")
        show_plan(guest, load)
        before, after = jump(guest, load)
        show_seed(guest, arch, before, after)
    headline(good("A kernel was booted through kexec -l with a fresh seed."))


def main() -> int:
    options = arguments()
    try:
        build = options.build or CHECKOUT / (
            "build" if options.arch == "x86_64" else f"build-{options.arch}")
        first, following = KERNELS[options.arch]
        demo(options.arch, build.absolute(), options.first or first,
             options.next or following)
    except (DemoError, GuestError, InitrdError, cache.MissingError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
