# SPDX-License-Identifier: GPL-2.0-only
"""Clones of the machine at the end of a chain: any number of guests resume from one
snapshot with a crash kernel loaded, each with its own generation ID, and crash."""

import re
import shlex
import tempfile
import time
from pathlib import Path

from crash import PROBE
from guest import GuestError

from .chain import (FAILURES, OPTION, RAMDISK, Chain, generator, machine, pack,
                    reason, seed_record)
from .records import Clone, mark_fresh
from .watch import ChainGuest, Watch

SYMBOL = "kexec_crash_image"
LOG = "/run/chain-daemon"
FRESH = r"has a fresh seed \(event: ([^,)]+)"
CRASH_WORDS = "nr_cpus=1 reset_devices"
CRASH = "echo c >/proc/sysrq-trigger"


def load_command(chain: Chain) -> str:
    """Uses the method of the hop after the last one."""
    plan = chain.plan
    how = f"kexec {OPTION[plan.method(plan.depth + 1)]} -p"
    if plan.crash_into == "probe":
        # kexec_file_load needs an initial RAM disk; any content will do
        return (f"head -c 65536 /dev/zero >{RAMDISK}; {how} {PROBE} --initrd={RAMDISK}"
                f" --command-line=clone {plan.options}")
    kernel = plan.kernel(plan.depth).path
    pack(chain.guest, RAMDISK, [*{k.path for k in plan.kernels}, PROBE])
    cmdline = shlex.quote(f"{plan.arch.cmdline} {CRASH_WORDS} {plan.cmdline}".strip())
    return f"{how} {kernel} --initrd={RAMDISK} --command-line={cmdline} {plan.options}"


def wait_for(guest: ChainGuest, condition: str, seconds: int = 30) -> bool:
    return guest.run(f"n=0; until {condition}; do n=$((n + 1));"
                     f" [ $n -lt {seconds * 5} ] || exit 1; sleep 0.2; done",
                     2 * seconds).status == 0


def start_daemon(guest: ChainGuest) -> None:
    """Logs to a file; the first refresh shows that the daemon is up."""
    guest.check(f"kexec-seed daemon </dev/null >{LOG} 2>&1 &")
    if not wait_for(guest, f"grep -q 'event: start' {LOG}"):
        raise GuestError(f"the daemon did not start: {guest.run(f'cat {LOG}').output}")


def refreshed_by(guest: ChainGuest) -> str:
    """The source that reported the fork to the daemon; empty if none did."""
    wait_for(guest, f"[ $(grep -c 'a fresh seed' {LOG}) -gt 1 ]")
    found = re.findall(FRESH, guest.check(f"cat {LOG}"))
    return found[1] if len(found) > 1 else ""


class Storm:
    def __init__(self, chain: Chain, workdir: Path):
        self.chain, self.plan, self.run = chain, chain.plan, chain.run
        self.tell = chain.tell
        self.workdir = workdir
        self.saved = workdir / "saved"
        self.entries: tuple[int, ...] = ()

    def prepare(self) -> None:
        """Loads the crash kernel, saves the chain's guest and ends it."""
        guest = self.chain.guest
        self.tell("forks: loading the crash kernel")
        guest.check(load_command(self.chain), 120)
        # After a refresh, the kernel's image does not list the kernel segment, which stays
        # in place: find its entries now.
        watch = Watch(guest, self.plan.arch)
        watch.arm(SYMBOL, self.plan.kernel(self.plan.depth).elf_entry)
        self.entries = watch.disarm()
        if self.plan.daemon:
            self.tell("forks: starting the daemon")
            start_daemon(guest)
        self.tell("forks: saving the machine")
        guest.save(self.saved)
        guest.close()

    def crash(self, guest: ChainGuest, clone: Clone) -> None:
        begin = time.monotonic()
        guest.cont()
        if self.plan.daemon:
            self.tell(f"{clone.name}: waiting for the daemon")
            clone.refreshed = refreshed_by(guest)
        watch = Watch(guest, self.plan.arch)
        watch.arm(SYMBOL, entries=self.entries)
        self.tell(f"{clone.name}: crashing")
        start = len(guest.console)
        guest.send_and_jump(CRASH)
        seen = watch.follow()
        clone.seed, _ = seed_record(seen)
        clone.unseen = seen.why
        if self.plan.crash_into == "kernel":
            self.tell(f"{clone.name}: booting the crash kernel")
            guest.wait_ready(120)
            clone.used = bool(generator(guest.console[start:])[0])
        clone.seconds = time.monotonic() - begin

    def clone(self, number: int) -> None:
        clone = Clone(number, daemon=self.plan.daemon is not None)
        self.run.clones.append(clone)
        self.tell(f"{clone.name}: starting")
        with tempfile.TemporaryDirectory(dir=self.workdir) as folder:
            try:
                with machine(self.plan, Path(folder), self.saved) as guest:
                    self.crash(guest, clone)
            except FAILURES as error:
                clone.error = reason(error)
                if isinstance(error, KeyboardInterrupt):
                    raise
            finally:
                mark_fresh(self.run)

    def all_clones(self) -> None:
        try:
            self.prepare()
            for number in range(1, self.plan.forks + 1):
                self.clone(number)
                self.chain.progress.done()
        finally:
            self.saved.unlink(missing_ok=True)
