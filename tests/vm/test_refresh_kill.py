# SPDX-License-Identifier: GPL-2.0-only
"""Refreshes and loads that end early, fail half-way, or have company.

A command meets SIGKILL, or an error, at one of its system calls (strace injects it); then
`status` has to tell the truth, what is loaded has to be whole, and a plain `kexec-seed
refresh` mends what there is to mend. The same with ten refreshes at once, and against
kexec-tools. Guests do all positions of a command in one go: SWEEP.

By default only some positions, near those that change something above all;
$KEXEC_KILLS=all does every one, of every command, on every kernel (about an hour).
"""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

import cache
from crash import crash, parse_probe
from guest import Guest
from initrd import build_initrd
from places import KERNELS, kexec, probe

ALL = os.environ.get("KEXEC_KILLS") == "all"
KILLED = 128 + 9
RAMDISK = bytes(i * i >> 3 & 0xff for i in range(4096)) * 16
IMAGE = "/probe --initrd=/ramdisk --command-line=panic=-1"
LOAD = f"kexec -p -c {IMAGE} --console-serial --serial=ttyS0"
THEIRS = f"their-kexec -p {IMAGE}"
REFRESH, FULL, UNLOAD = "kexec-seed refresh", "kexec-seed refresh --full", "kexec -p -u"

# Reads lines "CALL HOW N": COMMAND meets HOW at its Nth CALL. Writes a line with tabs for
# each: the call, N, what became of the command, the state, what became of a refresh after
# it, and the state again. A state is its own three fields.
SWEEP = rb"""
before=$1 command=$2
flat() { tr '\n\t' '| ' <"$1"; }
state() {
	kexec-seed verify >/tmp/verify 2>&1
	verify=$?
	kexec-seed status --json >/tmp/status 2>&1
	printf '\t%s %s %s\t' "$?" "$verify" "$(cat /sys/kernel/kexec_crash_loaded)"
	grep -E '"(loaded|method|proven|interrupted|refreshes)"' /tmp/status | tr -d ' "\n'
}
while read -r call how n; do
	$before >/dev/null 2>&1
	timeout 30 strace -qq -o /dev/null -e "inject=$call:$how:when=$n" $command \
		2>/tmp/said >/dev/null
	printf '%s\t%s\t%s\t%s\t' "$call" "$how" "$n" "$?"
	flat /tmp/said
	state
	kexec-seed refresh 2>/tmp/said >/dev/null
	printf '\t%s\t' "$?"
	flat /tmp/said
	state
	echo
done
"""


@dataclass(frozen=True)
class Position:
    call: str
    number: int  # how many of this call it is, from 1

    def line(self, how: str) -> str:
        return f"{self.call} {how} {self.number}\n"


@dataclass
class State:
    status: int  # exit statuses
    verify: int
    loaded: bool  # what the kernel says
    told: dict[str, str]  # what `status` says

    def is_whole(self) -> bool:
        return (self.loaded and self.verify == 0 and self.told["method"] == "kexec_load"
                and self.told["proven"] == "true")

    def is_honest(self) -> bool:
        """What is told is so, and never a damaged image."""
        if self.status or self.told["loaded"] != str(self.loaded).lower():
            return False
        return self.is_whole() or (not self.loaded and self.verify == 1
                                   and self.told["method"] == "none")


@dataclass
class Step:
    where: str
    status: int
    said: list[str]
    then: State
    mend_status: int
    mend_said: list[str]
    after: State

    def is_mended(self) -> bool:
        counts = [int(s.told["refreshes"]) for s in (self.then, self.after)]
        return (self.mend_status == 0 and self.after.is_whole()
                and self.after.told["interrupted"] == "false"
                and (not self.then.loaded or counts[1] == counts[0] + 1))

    def has_nothing(self) -> bool:
        """Nothing is loaded, the refresh says so, and it stays so."""
        return (not self.then.loaded and self.mend_status == 1 and not self.after.loaded
                and len(self.mend_said) == 1
                and "no crash kernel is loaded" in self.mend_said[0]
                and self.after.is_honest())


def parse_state(statuses: str, told: str) -> State:
    status, verify, loaded = statuses.split()
    words = dict(w.split(":") for w in told.split(",") if w.count(":") == 1)
    found = re.search(r"loaded:(\w+)", told)
    words["loaded"] = found[1] if found else "?"
    return State(int(status), int(verify), loaded == "1", words)


def lines_of(text: str) -> list[str]:
    return [line for line in text.split("|") if line]


def parse_step(line: str) -> Step:
    (call, how, number, status, said, *then, mend_status, mend_said, statuses,
     told) = line.split("\t")
    return Step(f"{call} {number} {how}", int(status), lines_of(said), parse_state(*then),
                int(mend_status), lines_of(mend_said), parse_state(statuses, told))


def boot(build: Path, kernel: str, memory: str = "256M", region: str = "64M",
         ramdisk: bytes = RAMDISK, **more) -> Guest:
    strace = shutil.which("strace")
    assert strace, "strace is not there"
    initrd = build_initrd(
        programs=[kexec(build), build / "kexec_seed/kexec-seed", Path(strace),
                  ("/usr/sbin/their-kexec", cache.kexec_tools())],
        files={"/probe": probe(build), "/ramdisk": ramdisk, "/sweep": SWEEP}, name="kill")
    return Guest(kernel=kernel, memory=memory, initrd=initrd,
                 cmdline=f"crashkernel={region}", **more)


def trace(guest: Guest, before: str, command: str) -> list[Position]:
    """The command's system calls, in their order, without those of its own start."""
    guest.check(f"{before}; strace -o /tmp/trace {command}")
    calls = re.findall(r"^(\w+)\(", guest.check("cut -c1-40 /tmp/trace"), re.MULTILINE)
    counts: dict[str, int] = {}
    found = []
    for call in calls:
        counts[call] = counts.get(call, 0) + 1
        found.append(Position(call, counts[call]))
    assert any(p.call == "kexec_load" for p in found)
    return found[calls.index("prlimit64") + 1:]


def sweep(guest: Guest, before: str, command: str, lines: list[str]) -> list[Step]:
    guest.put("/tmp/positions", "".join(lines).encode())
    out = guest.check(f"sh /sweep '{before}' '{command}' </tmp/positions",
                      30 + 10 * len(lines))
    steps = [parse_step(line) for line in out.splitlines()]
    assert len(steps) == len(lines)
    return steps


def fail_with(bad: list[Step]) -> None:
    if bad:
        pytest.fail("\n".join(map(str, bad)), pytrace=False)


# Killed

CHANGING = ("kexec_load", "mkdir", "renameat", "unlinkat", "write", "flock", "exit_group")
# What is done before each one, the command; whether nothing may be loaded afterwards.
COMMANDS = {
    "refresh": (":", REFRESH, False),
    "full": (":", FULL, False),
    "load": (":", LOAD, False),
    "first": (UNLOAD, LOAD, True),
    "unload": (LOAD, UNLOAD, True),
}
KILLS = [((name,), kernel) for name in COMMANDS for kernel in KERNELS] if ALL else [
    (("refresh",), "7.3"), (("full", "load"), "6.12"), (("first", "unload"), "6.1")]


def choose(positions: list[Position]) -> list[Position]:
    """Those before and after which something is different, and some others."""
    if ALL:
        return positions
    chosen = set(range(0, len(positions), 100))
    for i, p in enumerate(positions):
        if p.call in CHANGING:
            chosen |= {i, i + 1} if p.call in ("kexec_load", "renameat") else {i}
    return [positions[i] for i in sorted(chosen)]


def kill_everywhere(guest: Guest, name: str) -> list[Step]:
    """The steps that did not go as they should."""
    before, command, may_be_gone = COMMANDS[name]
    guest.check(LOAD)
    positions = choose(trace(guest, before, command))
    steps = sweep(guest, before, command, [p.line("signal=KILL") for p in positions])
    print(f"{name}: {len(steps)} positions, {sum(not s.then.loaded for s in steps)} times"
          " nothing was loaded")
    return [s for s in steps if s.status != KILLED or not s.then.is_honest()
            or not (s.is_mended() or (may_be_gone and s.has_nothing()))]


@pytest.mark.parametrize("names, kernel", KILLS,
                         ids=[f"{'-'.join(names)}-{kernel}" for names, kernel in KILLS])
def test_killed(build, names, kernel):
    with boot(build, kernel) as guest:
        fail_with([step for name in names for step in kill_everywhere(guest, name)])


def test_killed_other_way(build):
    """A load with kexec_file_load() that was killed before the call has loaded nothing:
    what is there is still what it was."""
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


# What a kill leaves is not only said to be good: the crash kernel starts.

CRASHES = ["refresh", "full", "load"]


def crash_positions(positions: list[Position]) -> list[Position]:
    """Right after the call that changes memory, and more of them when there is time."""
    load = [p.call for p in positions].index("kexec_load")
    renames = [p for p in positions if p.call == "renameat"]
    return [positions[load + 1], *([positions[load], *renames] if ALL else [])]


def crash_boots(guest: Guest) -> None:
    """The purgatory has checked the image and found nothing, the probe has its seed."""
    start = crash(guest)
    guest.wait_console(r"^PROBE END$", 30, start)
    said = guest.console[start:]
    assert "purgatory: " in said and "damaged" not in said, said
    [seed] = parse_probe(said).seeds()
    assert seed.len == 32 and any(seed.data)


@pytest.mark.parametrize("kernel", KERNELS if ALL else ["6.12"])
def test_killed_then_crash(build, kernel, tmp_path):
    killed = []
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


# Refused

ERRORS = {
    "mmap": ["ENOMEM"], "mlock": ["ENOMEM", "EPERM"], "madvise": ["EINVAL"],
    "memfd_secret": ["ENOSYS", "ENOMEM"], "openat": ["EPERM", "EIO"],
    "read": ["EIO", "EINTR"], "pread64": ["EIO", "EINTR"], "flock": ["EINTR", "EIO"],
    "write": ["ENOSPC", "EINTR"], "renameat": ["ENOSPC", "EIO"],
    "mkdir": ["EPERM", "ENOSPC"], "getrandom": ["EINTR", "EIO"],
    "kexec_load": ["EBUSY", "ENOMEM", "EPERM"],
}
# brk() does not tell by an error that it failed.
CANNOT_FAIL = ("geteuid", "exit_group", "brk")
FAULTS = [(name, kernel) for name in ("refresh", "full", "load") for kernel in KERNELS] \
    if ALL else [("refresh", "6.12")]
IMPORTANT = ("kexec_load", "renameat", "flock", "write", "mlock")


def faults(positions: list[Position]) -> list[str]:
    lines, stride = [], max(10, len(positions) // 8)
    for i, p in enumerate(positions):
        if p.call not in CANNOT_FAIL and (ALL or p.call in IMPORTANT or i % stride == 0):
            errors = ERRORS.get(p.call, ["EIO"])
            lines += [p.line(f"error={e}") for e in (errors if ALL else
                                                     errors[i % len(errors):][:1])]
    if not ALL:
        call = Position("kexec_load", 1)
        lines += [call.line(f"error={e}") for e in ERRORS[call.call]]
    return lines


def is_answer(step: Step, program: str) -> bool:
    """Done or failed; nothing but lines that begin with the program's name, one at least
    when it failed."""
    named = all(line.startswith(f"{program}: ") for line in step.said)
    return named and (step.status == 0 or (step.status == 1 and len(step.said) > 0))


@pytest.mark.parametrize("name, kernel", FAULTS)
def test_refused(build, name, kernel):
    before, command, _ = COMMANDS[name]
    with boot(build, kernel) as guest:
        guest.check(LOAD)
        steps = sweep(guest, before, command, faults(trace(guest, before, command)))
    print(f"{len(steps)} faults, {sum(s.status for s in steps)} failed")
    program = command.split()[0]
    fail_with([s for s in steps if not (
        is_answer(s, program) and s.then.is_honest() and s.is_mended())])


# In company

def state_of(guest: Guest) -> State:
    out = guest.check("sed -n '/^state/,/^}/p' /sweep >/tmp/state; . /tmp/state; state")
    return parse_state(*out.strip().split("\t"))


def test_ten_at_once(build):
    with boot(build, "6.12") as guest:
        guest.check(LOAD)
        out = guest.check("for i in 1 2 3 4 5 6 7 8 9 10; do"
                          " (kexec-seed refresh >/dev/null 2>&1; echo $?) & done; wait", 120)
        assert out.split() == ["0"] * 10
        state = state_of(guest)
        assert state.is_whole() and state.told["refreshes"] == "10"
        crash_boots(guest)


def check_round(guest: Guest, command: str, delay: int) -> str:
    """kexec-tools loads some time after the command has begun. What that one said."""
    out = guest.check(f"(usleep {delay}; {THEIRS} >/dev/null 2>&1) &"
                      f" {command} >/tmp/said 2>&1; status=$?; wait;"
                      " echo $status $(cat /tmp/said)", 60)
    state = state_of(guest)
    assert out.split()[0] in "01" and state.status == 0 and state.loaded, out
    if state.told["method"] == "foreign":
        assert guest.run(REFRESH).status == 1, out
    else:
        assert state.is_whole(), out
    return out


def slow(when: str, command: str) -> str:
    return f"strace -qq -o /dev/null -e inject=kexec_load:{when}=3000000:when=1 {command}"


def test_beside_kexec_tools(build):
    """They take turns without asking each other. Whatever comes of it, something is
    loaded, and what is said to be ours is whole."""
    with boot(build, "6.1", memory="512M", region="40M", ramdisk=RAMDISK * 256) as guest:
        for i in range(60 if ALL else 4):
            guest.check(LOAD)
            check_round(guest, REFRESH, i * 41000 % 290000)
        guest.check(LOAD)  # between our call and the look at what came of it
        check_round(guest, slow("delay_exit", LOAD), 1500000)
        assert state_of(guest).told["method"] == "foreign"
        guest.check(LOAD)  # the same for a refresh: not ours to unload, nor to replace
        out = check_round(guest, slow("delay_exit", REFRESH), 1500000)
        assert "another crash image is loaded" in out and out.startswith("1 ")
        assert state_of(guest).told["method"] == "foreign"
        guest.check(LOAD)  # between our proof and the call, and their image is elsewhere
        check_round(guest, slow("delay_enter", REFRESH), 1500000)


def test_leftovers_prove_nothing(build):
    """After a load with each of the two calls and the same command line, what the first
    has left in memory is not taken for the second, nor for what another tool loads."""
    ours = "kexec -p {} /probe --command-line=panic=-1"
    with boot(build, "6.1") as guest:
        guest.check(ours.format("-c"))
        guest.check(ours.format("-s"))
        assert state_of(guest).told["method"] == "kexec_file_load"
        guest.check(THEIRS)
        assert state_of(guest).told["method"] == "foreign"


def test_count_after_another_way(build):
    """A refresh that has to load everything is one refresh."""
    with boot(build, "6.12") as guest:
        guest.check(LOAD)
        guest.check("strace -qq -o /dev/null -e inject=kexec_load:error=ENOSYS:when=1"
                    f" {REFRESH}")
        assert state_of(guest).told["refreshes"] == "1"
