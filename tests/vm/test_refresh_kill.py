# SPDX-License-Identifier: GPL-2.0-only
"""Refreshes and loads that are killed, or run concurrently.

A command meets SIGKILL at one of its system calls; then `status` must tell the truth, the
loaded image must be whole, and a plain `kexec-seed refresh` must repair the rest (faults.py;
errors instead of SIGKILL: test_faults.py). Then ten refreshes at once, and refreshes against
kexec-tools.

By default only some positions, mostly near calls that change state; $KEXEC_KILLS=all does all
positions of all commands on all kernels of every architecture (some hours).
"""

import os

import pytest

from arm64 import build_arm64  # noqa: F401 (a fixture)
from crash import crash
from faults import (FILE, FULL, HERE, HIDING, IMAGE, KILLED, LOAD, OTHERS, RAMDISK, REFRESH,
                    THEIRS, UNLOAD, Position, Step, boot, build_of, fail_with,  # noqa: F401
                    seed_of, state_of, sweep, thinned, trace)
from forks import until
from guest import Guest
from test_riscv64 import build as build_riscv64  # noqa: F401 (a fixture)

ALL = os.environ.get("KEXEC_KILLS") == "all"

# Killed

MOSTLY = ("kexec_load", "renameat", "renameat2")
CHANGING = (*MOSTLY, "mkdir", "mkdirat", "unlinkat", "write", "flock",
            "exit_group")
# name -> (setup before each run, command, whether the result may be no image)
COMMANDS = {
    "refresh": (":", REFRESH, False),
    "full": (":", FULL, False),
    "load": (":", LOAD, False),
    "first": (UNLOAD, LOAD, True),
    "unload": (LOAD, UNLOAD, True),
    "file": (LOAD, FILE, False),
    "refile": (FILE, REFRESH, False),
}
OTHER_KERNELS = [kernel for x in OTHERS.values() for kernel in x.kernels]
# kexec_file_load() takes ten times as long; one kernel each is enough.
FILE_KERNELS = {"file": ["6.12"], "refile": ["7.3"]}
KILLS = [((name,), kernel) for name in COMMANDS
         for kernel in FILE_KERNELS.get(name, [*HERE.kernels, *OTHER_KERNELS])] if ALL else [
    (("refresh",), "7.3"), (("full", "load"), "6.12"), (("first", "unload"), "6.1"),
    (("refresh", "load"), HIDING)]


def kernels(*some: str) -> list[str]:
    """For a test that runs once per architecture; the first alone by default."""
    return list(some) if ALL else [some[0]]


def choose(positions: list[Position], changing: tuple[str, ...]) -> list[Position]:
    """Positions around a change of state, and some others."""
    if ALL:
        calls = {p.call for p in positions}
        some = {p for call in calls
                for p in thinned([p for p in positions if p.call == call])}
        return [p for p in positions if p in some]
    chosen = set(range(0, len(positions), 100 if changing == CHANGING else 300))
    for i, p in enumerate(positions):
        if p.call in changing:
            chosen |= {i, i + 1} if p.call in MOSTLY else {i}
    return [positions[i] for i in sorted(chosen)]


def kill_everywhere(guest: Guest, name: str) -> list[Step]:
    """The steps that failed."""
    before, command, may_be_gone = COMMANDS[name]
    guest.check(LOAD)
    every = trace(guest, before, command)
    if name == "refresh":  # the recipe is written after the seed is fresh
        calls = [p.call for p in every]
        assert calls.index("kexec_load") < calls.index("write")
    positions = choose(every, MOSTLY if guest.arch.name else CHANGING)
    steps = sweep(guest, before, command, [p.line("signal=KILL") for p in positions])
    print(f"{name}: {len(steps)} positions, {sum(not s.then.loaded for s in steps)} times"
          " nothing was loaded")
    return [s for s in steps if s.status != KILLED or not s.then.is_honest()
            or not (s.is_mended() or (may_be_gone and s.has_nothing()))]


@pytest.mark.parametrize("names, kernel", KILLS,
                         ids=[f"{'-'.join(names)}-{kernel}" for names, kernel in KILLS])
def test_killed(build_of, names, kernel):  # noqa: F811
    with boot(build_of(kernel), kernel) as guest:
        fail_with([step for name in names for step in kill_everywhere(guest, name)])


def test_killed_other_way(build):
    """kexec_file_load() killed before the call has loaded nothing: the old image stays, and
    status says so."""
    killed = ("strace -qq -o /dev/null -e inject=kexec_file_load:signal=KILL:when=1"
              " kexec -p -s /probe --command-line=other")
    with boot(build, "6.1") as guest:
        guest.check(LOAD)
        assert guest.run(killed).status == KILLED
        state = state_of(guest)
        assert state.is_whole() and state.told["interrupted"] == "true"
        guest.check(REFRESH)
        assert state_of(guest).told["interrupted"] == "false"
        guest.check(THEIRS)
        assert guest.run(killed).status == KILLED
        assert state_of(guest).told["method"] == "foreign"
        assert guest.run(REFRESH).status == 1


@pytest.mark.parametrize("kernel", kernels("6.12", *OTHER_KERNELS))
def test_killed_then_refused(build_of, kernel):  # noqa: F811
    """The recipe of the loaded image exists while its seed is replaced, and survives a kill at
    that point followed by a load that is refused."""
    with boot(build_of(kernel), kernel) as guest:
        guest.check(LOAD)
        assert guest.run("strace -qq -o /dev/null -e inject=kexec_load:signal=KILL:when=1"
                         f" {REFRESH}").status == KILLED
        assert state_of(guest).told["interrupted"] == "true"
        names = guest.check("ls /run/kexec-seed").split()
        assert guest.run("strace -qq -o /dev/null -e inject=kexec_load:error=ENOMEM"
                         f" {LOAD}").status == 1
        state = state_of(guest)
        assert state.is_whole() and state.told["interrupted"] == "false", names
        guest.check(REFRESH)
        assert state_of(guest).told["refreshes"] == "1"
        assert "crash.recipe" in names


def test_killed_before_the_look(build):
    """Killed right after kexec_file_load(): the image is located and recorded later, even by a
    refresh that can do no more; and another tool's image is not taken for ours."""
    with boot(build, "7.3") as guest:
        assert guest.run("strace -qq -o /dev/null -e trace=renameat -e inject=renameat:"
                         f"signal=KILL:when=2 kexec -p -s {IMAGE}").status == KILLED
        assert state_of(guest).told["interrupted"] == "true"
        guest.check("echo more >>/ramdisk")
        assert guest.run(REFRESH).status == 1
        state = state_of(guest)
        assert state.is_their_own_way() and state.told["interrupted"] == "false"
        guest.check(THEIRS)
        assert state_of(guest).told["method"] == "foreign"


# After a kill, the image is not only reported as good: the crash kernel starts.

CRASHES = ["refresh", "full", "load"]


def crash_positions(positions: list[Position]) -> list[Position]:
    """Right after the call that changes memory; more with ALL."""
    load = [p.call for p in positions].index("kexec_load")
    renames = [p for p in positions if p.call in MOSTLY[1:]]
    return [positions[load + 1], *([positions[load], *renames] if ALL else [])]


def crash_boots(guest: Guest) -> None:
    """The purgatory reports no damage, and the probe has its seed."""
    start = crash(guest)
    guest.wait_console(r"^PROBE END$", 30, start)
    said = guest.console[start:]
    assert "purgatory: " in said and "damaged" not in said, said
    seed = seed_of(guest, said)
    assert len(seed) == 32 and any(seed)


@pytest.mark.parametrize("kernel", [*HERE.kernels, *OTHER_KERNELS] if ALL else ["6.12"])
def test_killed_then_crash(build_of, kernel, tmp_path):  # noqa: F811
    build, killed = build_of(kernel), []
    with boot(build, kernel) as guest:
        guest.check(LOAD)
        for name in CRASHES:
            before, command, _ = COMMANDS[name]
            positions = crash_positions(trace(guest, before, command))
            killed += [(command, p) for p in positions]
        guest.save(tmp_path / "saved")
    for command, p in killed:
        with boot(build, kernel, incoming=tmp_path / "saved") as guest:
            guest.cont()
            done = guest.run("strace -qq -o /dev/null -e inject="
                             f"{p.call}:signal=KILL:when={p.number} {command}")
            assert done.status == KILLED, f"{command}: {p}"
            assert guest.check("cat /sys/kernel/kexec_crash_loaded").strip() == "1"
            crash_boots(guest)
    (tmp_path / "saved").unlink()


# Concurrent

@pytest.mark.parametrize("kernel", kernels("6.12", "arm64/6.12", HIDING, "riscv64/6.12"))
def test_ten_at_once(build_of, kernel):  # noqa: F811
    with boot(build_of(kernel), kernel) as guest:
        guest.check(LOAD)
        out = guest.check("for i in 1 2 3 4 5 6 7 8 9 10; do"
                          " (kexec-seed refresh >/dev/null 2>&1; echo $?) & done; wait", 120)
        assert out.split() == ["0"] * 10
        state = state_of(guest)
        assert state.is_whole() and state.told["refreshes"] == "10"
        crash_boots(guest)


def check_both(guest: Guest, out: str) -> str:
    """After our command, whose status and words these are, and theirs."""
    state = state_of(guest)
    assert out.split()[0] in "01" and state.status == 0 and state.loaded, out
    if state.told["method"] == "foreign":
        assert guest.run(REFRESH).status == 1, out
    else:
        assert state.is_whole(), out
    return out


def check_round(guest: Guest, command: str, delay: int) -> None:
    """kexec-tools loads `delay` us after the command starts."""
    guest.check(LOAD)
    check_both(guest, guest.check(
        f"(usleep {delay}; {THEIRS} >/dev/null 2>&1) & {command} >/tmp/said 2>&1; status=$?;"
        " wait; echo $status $(cat /tmp/said)"))


def check_stopped(guest: Guest, command: str, after: Position) -> str:
    """The command stops after one of its system calls, and goes on once kexec-tools has loaded.
    Its status and words."""
    guest.check(LOAD)
    strace = (f"strace -qq -o /tmp/trace -e trace={after.call}"
              f" -e inject={after.call}:signal=STOP:when={after.number}")
    return check_both(guest, guest.check(
        f": >/tmp/trace; {strace} {command} >/tmp/said 2>&1 & "
        + until("grep -q 'stopped by SIGSTOP' /tmp/trace", 60)
        + f"; {THEIRS}; kill -CONT $(pidof {command.split()[0]});"
        " wait $!; echo $? $(cat /tmp/said)", 120))


def is_theirs(guest: Guest) -> bool:
    return state_of(guest).told["method"] == "foreign"


@pytest.mark.parametrize("kernel", kernels("6.1", "arm64/6.12"))
def test_beside_kexec_tools(build_of, kernel):  # noqa: F811
    """They do not lock each other out. In any case an image is loaded, and if it is reported
    as ours it is whole."""
    with boot(build_of(kernel), kernel, memory="512M", region="40M",
              ramdisk=RAMDISK * 256) as guest:
        for i in range(60 if ALL else 4):
            check_round(guest, REFRESH, i * 41000 % 290000)
        call = Position("kexec_load", 1)
        check_stopped(guest, LOAD, call)  # before the result is checked
        assert is_theirs(guest)
        # before the result is checked; and while ours is read for a full reload: theirs is
        # neither unloaded nor replaced
        for command, after in ((REFRESH, call), (FULL, Position("memfd_secret", 1))):
            out = check_stopped(guest, command, after)
            assert "another crash image is loaded" in out and out.startswith("1 ")
            assert is_theirs(guest)
        # between the check and the call: their image is placed elsewhere
        calls = trace(guest, LOAD, REFRESH)
        check_stopped(guest, REFRESH, calls[calls.index(call) - 1])


def test_leftovers_prove_nothing(build):
    """After a load with each call and the same command line, the first image's remains in
    memory are not taken for the second image, nor for another tool's."""
    ours = "kexec -p {} /probe --command-line=panic=-1"
    with boot(build, "6.1") as guest:
        guest.check(ours.format("-c"))
        guest.check(ours.format("-s"))
        assert state_of(guest).told["method"] == "kexec_file_load"
        guest.check(THEIRS)
        assert state_of(guest).told["method"] == "foreign"


@pytest.mark.parametrize("kernel", kernels("6.12", "arm64/6.12", HIDING, "riscv64/6.12"))
def test_count_after_another_way(build_of, kernel):  # noqa: F811
    """A refresh that falls back to a full reload counts once."""
    with boot(build_of(kernel), kernel) as guest:
        guest.check(LOAD)
        guest.check("strace -qq -o /dev/null -e inject=kexec_load:error=ENOSYS:when=1"
                    f" {REFRESH}")
        assert state_of(guest).told["refreshes"] == "1"


@pytest.mark.parametrize("kernel", kernels("7.3", "arm64/7.3", HIDING, "riscv64/6.12"))
def test_kernel_is_busy(build_of, kernel):  # noqa: F811
    """Another load is running: the call is retried, but not forever."""
    busy = "strace -qq -o /dev/null -e inject=kexec_load:error=EBUSY{} {}"
    with boot(build_of(kernel), kernel) as guest:
        for command in (LOAD, REFRESH):
            guest.check(busy.format(":when=1..20", command))
            assert state_of(guest).is_whole()
        assert state_of(guest).told["refreshes"] == "1"
        for command in (LOAD, REFRESH):
            done = guest.run(busy.format("", command))
            assert done.status == 1 and "another load" in done.output, done.output
            assert state_of(guest).is_whole()
