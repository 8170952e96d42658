# SPDX-License-Identifier: GPL-2.0-only
"""The table of faults (faults.txt), injected in guests.

Errors of system calls, limits, out of memory, /run, /proc and /sys missing or corrupt. Every
command ends in time with status 0, or with 1 and a line that says why; `status` tells the
truth, `verify` finds the loaded image whole; a refresh repairs; and no seed is left in memory
outside the image.

On x86_64 and arm64. A sample by default; all with $KEXEC_FAULTS=all (some hours), also on
riscv64. SIGKILL at each system
call, and racing tools: test_refresh_kill.py. Without a guest: tests/unit/test_nomem.py,
test_nonsense.py.
"""

import os
import re
from pathlib import Path

import pytest

import cache
from arm64 import build_arm64  # noqa: F401 (a fixture)
from crash import Setup, resources, running
from faults import (COMMON_FACTS, FILE, FULL, HERE, HIDING, KILLED, LOAD, OTHERS, REFRESH,
                    TABLE, UNLOAD, Differs, Position, Step, arch_of, attempts, boot,
                    build_of, differs, fail_with, inject, manual, read_errors,  # noqa: F401
                    read_rows, state_of, sweep, trace)
from guest import Guest
from loaded import strays
from test_riscv64 import build as build_riscv64  # noqa: F401 (a fixture)

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


def is_announced(step: Step) -> bool:
    """A load that its kernel hides said that it cannot be refreshed as others can."""
    return not step.then.is_hidden() or step.status != 0 or any(
        "refresh will load all of this image again" in line for line in step.said)


def bad_of(steps: list[Step]) -> list[Step]:
    def is_good(s: Step) -> bool:
        end = s.is_mended() or s.has_nothing()
        return is_mute(s) or (is_answer(s) and is_announced(s) and (
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
FILE_LOADS = ("file", "refile")
# Calls are retried on these, so injecting them forever would never end.
AGAIN = {"EINTR", "EAGAIN"}


def all_commands(machine: Differs) -> list[tuple[tuple[str, ...], str]]:
    """Each with one of the kernels, in rotation."""
    names = [name for name in COMMANDS if machine.file_load or name not in FILE_LOADS]
    return [((name,), machine.kernels[i % len(machine.kernels)])
            for i, name in enumerate(names)]


ERRORS = [x for machine in (HERE, *OTHERS.values()) for x in all_commands(machine)] if ALL \
    else [(("refresh",), "6.12"), (("load",), "7.3"), (("refresh", "load"), HIDING)]


def kernels(*some: str) -> list[str]:
    """For a test that runs once per architecture; the first alone by default."""
    return list(some) if ALL else [some[0]]


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
def test_errors(build_of, names, kernel):  # noqa: F811
    known, bad = read_errors(), []
    with boot(build_of(kernel), kernel) as guest:
        guest.check(LOAD)
        for name in names:
            before, command = COMMANDS[name]
            positions = trace(guest, before, command)
            missing = {p.call for p in positions} - set(known)
            assert not missing, f"{TABLE.name} has no {missing}"
            lines = choose(positions, known)
            if not ALL and arch_of(kernel) in OTHERS:
                lines = lines[::4]
            steps = sweep(guest, before, command, lines)
            report(name, steps)
            bad += bad_of(steps)
    fail_with(bad)


# Limits and memory

OURS = (LOAD, REFRESH, FULL, "kexec-seed verify", "kexec-seed status")
# For prlimit(1), in bytes. The recipe has 26 KiB.
LIMITS = [*(f"--as={size}000000" for size in (range(6, 50) if ALL else (9, 12, 20))),
          *(f"--nofile={files}" for files in (range(3, 14) if ALL else (5, 7))),
          "--fsize=1000", "--fsize=9000", "--stack=65536", "--data=200000", "--memlock=0"]
NO_LOCK = "--memlock=0 /usr/sbin/setpriv --bounding-set -ipc_lock"


def limited(limit: str, command: str) -> str:
    """A program that cannot even start under the limit is not our failure."""
    program = command.split()[0]
    return (f"prlimit {limit} {program} --version >/dev/null 2>&1 || {{ echo {program}:"
            f" does not start within that >&2; exit 1; }}; prlimit {limit} {command}")


# 6.1 has no memfd_secret(), so mlock() counts. On 7.3 its memory meets the limit only when it is
# first accessed.
@pytest.mark.parametrize("kernel", ["6.1", *kernels("7.3", "arm64/6.1", "riscv64/6.12")])
def test_limits(build_of, kernel):  # noqa: F811
    """Of address space, files, file size, stack, data and locked memory."""
    with boot(build_of(kernel), kernel) as guest:
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


@pytest.mark.parametrize("kernel", kernels("7.3", "arm64/7.3", "riscv64/6.12"))
def test_no_memory(build_of, kernel):  # noqa: F811
    """malloc() fails: every allocation on the host (tests/unit/test_nomem.py), some here."""
    build = build_of(kernel)
    with boot(build, kernel, files={"/nomem.so": build / "tests/unit/nomem.so"}) as guest:
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
FOLDERS = [EMPTY.format("/proc"), EMPTY.format("/sys"), "umount -l /proc; umount -l /sys",
           EMPTY.format("/run"), "mount -t tmpfs -o ro none /run",
           EMPTY.format("/sys/firmware"), EMPTY.format("/sys/kernel"),
           EMPTY.format("/sys/devices/system/cpu")]
# The recipe is lost with that /run, so the image rightly counts as another tool's.
NOT_KEPT = (LOAD, EMPTY.format("/run"))


@pytest.mark.parametrize("kernel", kernels("6.12", "arm64/6.12", HIDING, "riscv64/6.12"))
def test_nonsense(build_of, kernel):  # noqa: F811
    """Each in its own mount namespace; the states before and after are the machine's. Hundreds
    more corrupt machines, on the host: tests/unit/test_nonsense.py."""
    facts = [*COMMON_FACTS, *differs(kernel).facts]
    places = [*FOLDERS, *(RANDOM.format(fact) for fact in facts),
              *(ENDLESS.format(fact) for fact in (facts if ALL else facts[:1]))]
    with boot(build_of(kernel), kernel) as guest:
        bad = []
        for command in OURS if ALL else (LOAD,):
            steps = attempts(guest, LOAD, {
                place: f"unshare -m sh -c '{{ {place}; }} || exit 9; {command}'"
                for place in places if (command, place) != NOT_KEPT})
            report(command, steps)
            bad += bad_of(steps)
    fail_with(bad)


# Two at once; kexec-tools beside ours: test_refresh_kill.py

PAIRS = [(LOAD, LOAD), (REFRESH, UNLOAD), (UNLOAD, REFRESH), (LOAD, UNLOAD),
         (FULL, REFRESH), (FULL, UNLOAD), (LOAD, FILE), (FILE, REFRESH)]
DELAYS = range(0, 500000, 25000) if ALL else (60000,)  # microseconds


@pytest.mark.parametrize("kernel", kernels("7.3", "arm64/7.3-16k", HIDING, "riscv64/6.12"))
def test_two_at_once(build_of, kernel):  # noqa: F811
    """They wait for each other; the last one decides the state."""
    pairs = [p for p in PAIRS if differs(kernel).file_load or FILE not in p]
    with boot(build_of(kernel), kernel) as guest:
        steps = attempts(guest, LOAD, {
            f"{one} | {other} after {delay} us":
                f"{one} & usleep {delay}; {other}; status=$?; wait; exit $status"
            for one, other in pairs for delay in DELAYS})
        report("pairs", steps)
    fail_with(bad_of(steps))


@pytest.mark.parametrize("kernel", kernels("6.12", "arm64/6.12", "riscv64/6.12"))
def test_beside_the_daemon(build_of, kernel):  # noqa: F811
    """A refresh by hand while the daemon refreshes."""
    with boot(build_of(kernel), kernel) as guest:
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


def seed_faults(positions: list[Position], few: bool) -> list[tuple[Position, str]]:
    """The faults to inject between drawing the seed and wiping it."""
    drawn = max(i for i, p in enumerate(positions) if p.call == "getrandom")
    some = positions[drawn:] if ALL else positions[drawn:drawn + 5]
    found = [(p, "signal=KILL") for p in some]
    for p in some:
        errors = read_errors()[p.call]
        keep = len(errors) if ALL or p.call == "kexec_load" and not few else 1
        found += [(p, f"error={e}") for e in errors[:keep]]
    return found


SEED_KERNELS = [*HERE.kernels, *(k for x in OTHERS.values() for k in x.kernels)] if ALL else [
    "6.12", "arm64/6.12"]


@pytest.mark.parametrize("kernel", SEED_KERNELS)
def test_no_seed_is_left(build_of, kernel):  # noqa: F811
    """In all of RAM the seed is only in the image, or nowhere. A process killed before the
    wipe leaves its page to the kernel, which wipes memfd_secret() pages; without that call
    (6.1), the page may keep its content until it is reused."""
    build, (arch, slot) = build_of(kernel), (arch_of(kernel), kernel.rpartition("/")[2])
    programs = [build / "kexec_seed/kexec-seed",
                cache.guest_tool("strace", arch if arch in OTHERS else "")]
    files = {"/mark.so": build / "tests/vm/mark.so", "/ramdisk": bytes(5000)}
    wrong, number = [], 0
    with running(build, Setup(slot, memory=differs(kernel).memory, crashkernel="64M", arch=arch),
                 files=files, programs=programs) as guest:
        [(low, high)] = resources(guest.check("cat /proc/iomem"), "Crash kernel")
        guest.check(LOAD)
        for command in (REFRESH, LOAD) if ALL else (REFRESH,):
            options = "-E LD_PRELOAD=/mark.so -E MARK={}"
            positions = trace(guest, ":", f"{options.format(0)} {command}")
            for p, how in seed_faults(positions, arch in OTHERS):
                number += 1
                guest.check(LOAD)
                done = guest.run(inject(p.call, how, p.number,
                                        f"{options.format(number)} {command}"))
                found = strays(guest, marked(number))
                inside = [at for at in found if low <= at < high]
                may_be_left = 1 if how == "signal=KILL" and slot == "6.1" else 0
                if len(inside) > 1 or len(found) - len(inside) > may_be_left \
                        or done.status not in ([KILLED] if "KILL" in how else [0, 1]):
                    wrong.append(f"{command} {p} {how}: status {done.status}, at"
                                 f" {[hex(at) for at in found]}")
        guest.check(f"LD_PRELOAD=/mark.so MARK={number + 1} {REFRESH}")
        assert strays(guest, marked(number + 1)), "the marks do not work"
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
