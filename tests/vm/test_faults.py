# SPDX-License-Identifier: GPL-2.0-only
"""The table of faults (faults.txt), injected in guests.

Errors of system calls, limits, out of memory, /run, /proc and /sys missing or corrupt. Every
command ends in time with status 0, or with 1 and a line that says why; `status` tells the
truth, `verify` finds the loaded image whole; a refresh repairs; and no seed is left in memory
outside the image.

A sample by default; all with $KEXEC_FAULTS=all (more than an hour). SIGKILL at each system
call, and racing tools: test_refresh_kill.py. Without a guest: tests/unit/test_nomem.py,
test_nonsense.py.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

from crash import Setup, resources, running
from faults import (FILE, FULL, KILLED, LOAD, REFRESH, TABLE, UNLOAD, Position,
                    Step, attempts, boot, fail_with, inject, manual, read_errors,
                    read_rows, state_of, sweep, trace)
from guest import Guest
from initrd import libraries
from loaded import strays
from places import KERNELS

ALL = os.environ.get("KEXEC_FAULTS") == "all"
TOP = Path(__file__).resolve().parents[2]


def is_clear(line: str) -> bool:
    """One of our lines, with a cause; or json-c's about getrandom()."""
    if line.startswith("error from getrandom(): "):
        return True
    words = re.sub("^kexec(-seed)?: ", "", line)
    return words != line and len(words) > 10 and "Success" not in words \
        and not words.endswith(": ")


def is_answer(step: Step) -> bool:
    """Success, or failure with a message; all lines are clear. 3: verify could not look."""
    clear = all(is_clear(line) for line in step.said)
    return clear and (step.status == 0 or (step.status in (1, 3) and len(step.said) > 0))


def is_mute(step: Step) -> bool:
    """It could write nothing: neither a recipe nor a line on standard error."""
    return step.where.startswith("write ") and step.where.endswith("+") \
        and not step.said and (step.then.is_honest() or step.then.is_foreign())


def bad_of(steps: list[Step]) -> list[Step]:
    def is_good(s: Step) -> bool:
        end = s.is_mended() or s.has_nothing()
        return is_mute(s) or (is_answer(s) and (
            s.then.is_honest() and end or s.is_on_its_own() or s.is_not_looked_at()))

    return [s for s in steps if not is_good(s)]


def report(what: str, steps: list[Step]) -> None:
    print(f"{what}: {len(steps)} faults, {sum(s.status != 0 for s in steps)} failed,"
          f" nothing was loaded after {[s.where for s in steps if not s.then.loaded]}")


# System calls

# name -> (setup before each run, command)
COMMANDS = {
    "refresh": (":", REFRESH), "full": (":", FULL), "load": (LOAD, LOAD),
    "first": (UNLOAD, LOAD), "unload": (LOAD, UNLOAD), "file": (LOAD, FILE),
    "refile": (FILE, REFRESH),
    "verify": (":", "kexec-seed verify"), "status": (":", "kexec-seed status --json"),
}
# Calls are retried on these, so injecting them forever would never end.
AGAIN = {"EINTR", "EAGAIN"}
ERRORS = [((name,), KERNELS[i % 3]) for i, name in enumerate(COMMANDS)] if ALL else [
    (("refresh",), "6.12"), (("load",), "7.3")]


MANY_PLACES = 40  # of one call: searching memory for an image makes thousands of reads


def choose(positions: list[Position], known: dict[str, list[str]]) -> list[str]:
    """Each error of each call at its first and last place, and at every place from the first
    on; and each place (or a sample of many) with one of its call's errors, in rotation. Not
    ALL: per call one error, in rotation over the calls, at one such place."""
    lines: list[str] = []
    for turn, call in enumerate(sorted({p.call for p in positions})):
        places = [p for p in positions if p.call == call]
        errors = known[call]
        if ALL and errors:
            lines += [p.line(f"error={errors[n % len(errors)]}") for n, p in
                      enumerate(places[::len(places) // MANY_PLACES + 1])]
        if not ALL and call not in ("kexec_load", "kexec_file_load"):
            errors = errors[turn % len(errors):][:1] if errors else []
        for error in errors:
            how = f"error={error}"
            some = [places[0].line(how), places[-1].line(how)]
            if error not in AGAIN:
                some.append(places[0].line(how, "+"))
            lines += some if ALL else [some[turn % len(some)]]
    return list(dict.fromkeys(lines))


@pytest.mark.parametrize("names, kernel", ERRORS,
                         ids=[f"{'-'.join(names)}-{kernel}" for names, kernel in ERRORS])
def test_errors(build, names, kernel):
    known, bad = read_errors(), []
    with boot(build, kernel) as guest:
        guest.check(LOAD)
        for name in names:
            before, command = COMMANDS[name]
            positions = trace(guest, before, command)
            missing = {p.call for p in positions} - set(known)
            assert not missing, f"{TABLE.name} has no {missing}"
            steps = sweep(guest, before, command, choose(positions, known))
            report(name, steps)
            bad += bad_of(steps)
    fail_with(bad)


# Limits and memory

OURS = (LOAD, REFRESH, FULL, "kexec-seed verify", "kexec-seed status")
# For prlimit(1), in bytes. The recipe has 26 KiB.
LIMITS = [*(f"--as={size}000000" for size in (range(6, 50) if ALL else (9, 12, 20))),
          *(f"--nofile={files}" for files in (range(3, 14) if ALL else (5, 7))),
          "--fsize=1000", "--fsize=9000", "--stack=65536", "--data=200000"]
NO_LOCK = "--memlock=0 /usr/sbin/setpriv --bounding-set -ipc_lock"


def limited(limit: str, command: str) -> str:
    """A program that cannot even start under the limit is not our failure."""
    program = command.split()[0]
    return (f"prlimit {limit} {program} --version >/dev/null 2>&1 || {{ echo {program}:"
            f" does not start within that >&2; exit 1; }}; prlimit {limit} {command}")


def test_limits(build):
    """Of address space, files, file size, stack, data and locked memory."""
    with boot(build, "6.1") as guest:  # which has no memfd_secret(), so mlock() counts
        bad = []
        for command in OURS if ALL else (REFRESH,):
            commands = {limit: limited(limit, command) for limit in LIMITS}
            commands["no locked memory"] = f"prlimit {NO_LOCK} {command}"
            steps = attempts(guest, LOAD, commands)
            report(command, steps)
            bad += bad_of(steps)
    fail_with(bad)


def requests(guest: Guest, command: str) -> list[str]:
    """Values for nomem.so: each allocation of the command, or a sample."""
    said = guest.check(f"NOMEM=0 NOMEM_FD=1 LD_PRELOAD=/nomem.so {command}")
    count = int(re.search(r"^nomem: (\d+)$", said, re.MULTILINE)[1])
    assert count > 20, said
    numbers = range(1, count + 1) if ALL else (3, count // 3, count)
    return [f"{n}{more}" for n in numbers for more in ("", "+")]


def test_no_memory(build):
    """malloc() fails: every allocation on the host (tests/unit/test_nomem.py), some here."""
    with boot(build, "7.3", files={"/nomem.so": build / "tests/unit/nomem.so"}) as guest:
        bad = []
        guest.check(LOAD)
        for command in OURS if ALL else (FULL,):
            steps = attempts(guest, ":" if command != LOAD else LOAD, {
                f"NOMEM={order}": f"env NOMEM={order} LD_PRELOAD=/nomem.so {command}"
                for order in requests(guest, command)})
            report(command, steps)
            bad += bad_of(steps)
    fail_with(bad)


# /run, /proc, /sys

RANDOM = "head -c 5000 /dev/urandom >/tmp/random; mount --bind /tmp/random {}"
ENDLESS = "mount --bind /dev/zero {}"
EMPTY = "mount -t tmpfs none {}"
FACTS = ["/proc/iomem", "/proc/kcore", "/proc/cpuinfo", "/proc/cmdline",
         "/sys/kernel/boot_params/data", "/sys/kernel/vmcoreinfo",
         "/sys/kernel/kexec_crash_loaded"]
PLACES = [EMPTY.format("/proc"), EMPTY.format("/sys"), "umount -l /proc; umount -l /sys",
          EMPTY.format("/run"), "mount -t tmpfs -o ro none /run",
          EMPTY.format("/sys/firmware"), EMPTY.format("/sys/kernel"),
          EMPTY.format("/sys/devices/system/cpu"),
          *(RANDOM.format(fact) for fact in FACTS),
          *(ENDLESS.format(fact) for fact in (FACTS if ALL else FACTS[:1]))]
# The recipe is lost with that /run, so the image rightly counts as another tool's.
NOT_KEPT = (LOAD, EMPTY.format("/run"))


def test_nonsense(build):
    """Each in its own mount namespace; the states before and after are the machine's. Hundreds
    more corrupt machines, on the host: tests/unit/test_nonsense.py."""
    with boot(build, "6.12") as guest:
        bad = []
        for command in OURS if ALL else (LOAD,):
            steps = attempts(guest, LOAD, {
                place: f"unshare -m sh -c '{{ {place}; }} || exit 9; {command}'"
                for place in PLACES if (command, place) != NOT_KEPT})
            report(command, steps)
            bad += bad_of(steps)
    fail_with(bad)


# Two at once; kexec-tools beside ours: test_refresh_kill.py

PAIRS = [(LOAD, LOAD), (REFRESH, UNLOAD), (UNLOAD, REFRESH), (LOAD, UNLOAD),
         (FULL, REFRESH), (FULL, UNLOAD), (LOAD, FILE), (FILE, REFRESH)]
DELAYS = range(0, 500000, 25000) if ALL else (60000,)  # microseconds


def test_two_at_once(build):
    """They wait for each other; the last one decides the state."""
    with boot(build, "7.3") as guest:
        steps = attempts(guest, LOAD, {
            f"{one} | {other} after {delay} us":
                f"{one} & usleep {delay}; {other}; status=$?; wait; exit $status"
            for one, other in PAIRS for delay in DELAYS})
        report("pairs", steps)
    fail_with(bad_of(steps))


def test_beside_the_daemon(build):
    """A refresh by hand while the daemon refreshes."""
    with boot(build, "6.12") as guest:
        guest.check(LOAD)
        guest.check("kexec-seed daemon --sources=none </dev/null >/run/log 2>&1 & echo $!"
                    " >/run/pid; for i in $(seq 300); do grep -q 'event: start' /run/log &&"
                    " break; usleep 100000; done")
        for _ in range(20 if ALL else 4):
            guest.check(f"kill -HUP $(cat /run/pid); {REFRESH}")
            assert state_of(guest).is_whole()
        guest.check("for i in $(seq 300); do grep -q 'event: signal' /run/log && break;"
                    " usleep 100000; done; kill $(cat /run/pid)")
        log = guest.check("cat /run/log")
        assert state_of(guest).is_whole() and "cannot" not in log, log


# The seed

def marked(number: int) -> bytes:
    """The pattern of mark.c."""
    return bytes((((i * 73 + 41) ^ (i * i * 7)) + number * 29) & 0xff for i in range(32))


def seed_faults(positions: list[Position]) -> list[tuple[Position, str]]:
    """The faults to inject between drawing the seed and wiping it."""
    drawn = max(i for i, p in enumerate(positions) if p.call == "getrandom")
    some = positions[drawn:] if ALL else positions[drawn:drawn + 5]
    found = [(p, "signal=KILL") for p in some]
    for p in some:
        errors = read_errors()[p.call]
        keep = len(errors) if ALL or p.call == "kexec_load" else 1
        found += [(p, f"error={e}") for e in errors[:keep]]
    return found


@pytest.mark.parametrize("kernel", KERNELS if ALL else ["6.12"])
def test_no_seed_is_left(build, kernel):
    """In all of RAM the seed is only in the image, or nowhere. A process killed before the
    wipe leaves its page to the kernel, which wipes memfd_secret() pages; without that call
    (6.1), the page may keep its content until it is reused."""
    strace = Path(shutil.which("strace"))
    files = {"/usr/sbin/kexec-seed": build / "kexec_seed/kexec-seed",
             "/usr/sbin/strace": strace, "/mark.so": build / "tests/vm/mark.so",
             "/ramdisk": bytes(5000), **libraries(strace),
             **libraries(build / "kexec_seed/kexec-seed")}
    wrong, number = [], 0
    with running(build, Setup(kernel, memory="256M", crashkernel="64M"),
                 files=files) as guest:
        [(low, high)] = resources(guest.check("cat /proc/iomem"), "Crash kernel")
        guest.check(LOAD)
        for command in (REFRESH, LOAD) if ALL else (REFRESH,):
            options = "-E LD_PRELOAD=/mark.so -E MARK={}"
            positions = trace(guest, ":", f"{options.format(0)} {command}")
            for p, how in seed_faults(positions):
                number += 1
                guest.check(LOAD)
                done = guest.run(inject(p.call, how, p.number,
                                        f"{options.format(number)} {command}"))
                found = strays(guest, marked(number))
                inside = [at for at in found if low <= at < high]
                may_be_left = 1 if how == "signal=KILL" and kernel == "6.1" else 0
                if len(inside) > 1 or len(found) - len(inside) > may_be_left \
                        or done.status not in ([KILLED] if "KILL" in how else [0, 1]):
                    wrong.append(f"{command} {p} {how}: status {done.status}, at"
                                 f" {[hex(at) for at in found]}")
        assert strays(guest, marked(number)) or number < 1, "the marks do not work"
    print(f"{number} faults")
    assert not wrong, "\n".join(wrong)


# The table itself

def test_the_table():
    """Each row names existing tests, and the manual has the same rows."""
    for row in read_rows():
        for name in row.tests:
            file, _, function = name.partition("::")
            text = (TOP / "tests" / file).read_text()
            assert not function or f"def {function}(" in text, name
    page = (TOP / "man/kexec-seed-faults.7").read_text()
    rows = page.partition(".SH FAULTS\n")[2].partition(".SH ")[0]
    assert rows == manual(), "the rows: tests/vm/faults.py prints them"
