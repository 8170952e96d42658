# SPDX-License-Identifier: GPL-2.0-only
"""Fault injection, and the table of faults: faults.txt.

    with boot(build, "6.12") as guest:              # kexec, kexec-seed, strace, the probe
        guest.check(LOAD)                           # build: the fixture of the architecture
        calls = trace(guest, ":", REFRESH)          # -> [Position("openat", 5), ...]
        steps = sweep(guest, ":", REFRESH, [calls[0].line("error=EIO")])

A kernel of another architecture is called "arm64/6.12", and the tests are the same: OTHERS has
what differs.

A command meets a signal or an error at one of its system calls (injected by strace). Then
`verify` and `status` report the state, a plain `kexec-seed refresh` must repair it, and they
report again: a Step. A guest does any number of Steps in one run: SWEEP.

    read_errors()           errors of each system call
    read_rows()             rows of the table
    python3 faults.py       the same rows for man/kexec-seed-faults.7
"""

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

import cache
import probe_arm64
from guest import Guest
from initrd import build_initrd
from places import KERNELS, kexec, probe
from probe import parse_probe
from riscv64 import PLAIN

TABLE = Path(__file__).with_name("faults.txt")
KILLED = 128 + 9
RAMDISK = b"070701" + (bytes(i * i >> 3 & 0xff for i in range(4096)) * 16)[6:]
IMAGE = "/probe --initrd=/ramdisk --command-line=panic=-1"
LOAD = f"kexec -p -c {IMAGE} --console-serial"
FILE = f"kexec -p -s {IMAGE}"
THEIRS = f"their-kexec -p {IMAGE}"
REFRESH, FULL, UNLOAD = "kexec-seed refresh", "kexec-seed refresh --full", "kexec -p -u"


@dataclass(frozen=True)
class Differs:
    """Between guests of one architecture and another."""

    kernels: list[str]
    build: str  # fixture
    facts: list[str]  # read by a load, besides those of every machine
    file_load: bool = False  # its kernels have kexec_file_load(2)
    memory: str = "512M"
    cpu: str = "max"


COMMON_FACTS = ["/proc/iomem", "/proc/kcore", "/proc/cpuinfo", "/proc/cmdline",
                "/sys/kernel/vmcoreinfo", "/sys/kernel/kexec_crash_loaded"]
HERE = Differs(KERNELS, "build", ["/sys/kernel/boot_params/data"], True, "256M")
OTHERS = {
    "arm64": Differs([f"arm64/{slot}" for slot in ("6.1", "6.12", "7.3", "7.3-16k")],
                     "build_arm64", ["/sys/firmware/fdt"]),
    "riscv64": Differs(["riscv64/6.12"], "build_riscv64", ["/sys/firmware/fdt"], cpu=PLAIN),
}
# Which hides the loaded image from /proc/kcore, all of it between the two calls of a load.
HIDING = "arm64/6.1"


def arch_of(kernel: str) -> str:
    """A name in ARCHES."""
    return kernel.partition("/")[0] if "/" in kernel else "x86_64"


def differs(kernel: str) -> Differs:
    return OTHERS.get(arch_of(kernel), HERE)


@pytest.fixture(scope="session")
def build_of(request):
    """A function: kernel -> the build for its architecture. A test module that uses this
    fixture imports those for other architectures, too."""
    return lambda kernel: request.getfixturevalue(differs(kernel).build)


# Reads lines of a label, a tab and a command. Prints one tab-separated line for each: label,
# result of the command, state, result of the refresh that follows, state again. A state is
# two fields.
SWEEP = rb"""
before=$1
flat() { tr '\n\t' '| ' <"$1"; }
state() {
	kexec-seed verify >/tmp/verify 2>&1
	verify=$?
	kexec-seed status --json >/tmp/status 2>&1
	printf '\t%s %s %s\t' "$?" "$verify" "$(cat /sys/kernel/kexec_crash_loaded)"
	grep -q '^kexec-seed: cannot verify.*: the kernel hides' /tmp/verify && printf 'hidden:true,'
	grep -E '"(loaded|method|proven|interrupted|refreshes)"' /tmp/status | tr -d ' "\n'
}
while IFS='	' read -r label command; do
	$before >/dev/null 2>&1
	timeout 90 sh -c "$command" 2>/tmp/said >/dev/null </dev/null
	printf '%s\t%s\t' "$label" "$?"
	flat /tmp/said
	state
	kexec-seed refresh 2>/tmp/said >/dev/null
	printf '\t%s\t' "$?"
	flat /tmp/said
	state
	echo
done
"""


def inject(call: str, how: str, number: str | int, command: str) -> str:
    """`command` under strace, which injects `how` at that call. With --seccomp-bpf a program
    stops at no other call and runs faster, but injected signals are not delivered."""
    fast = "" if how.startswith("signal") else "-f --seccomp-bpf"
    return (f"strace {fast} -qq -o /dev/null -e trace={call}"
            f" -e inject={call}:{how}:when={number} {command}")


@dataclass(frozen=True)
class Position:
    call: str
    number: int  # occurrence of this call, from 1

    def line(self, how: str, after: str = "") -> str:
        """For sweep(). `after` "+": also at every later occurrence of the call."""
        return f"{self.call} {how} {self.number}{after}"


@dataclass
class State:
    status: int  # exit statuses
    verify: int
    loaded: bool  # from the kernel
    told: dict[str, str]  # from `status`

    def is_whole(self) -> bool:
        return (self.loaded and self.verify == 0 and self.told["method"] == "kexec_load"
                and self.told["proven"] == "true")

    def is_their_own_way(self) -> bool:
        """By kexec_file_load(): the kernel keeps the digests, so verify cannot check."""
        return (self.loaded and self.verify == 1 and self.told["proven"] == "true"
                and self.told["method"] == "kexec_file_load")

    def is_foreign(self) -> bool:
        return self.loaded and self.verify == 1 and self.told["method"] == "foreign"

    def is_hidden(self) -> bool:
        """By the kernel, between the two calls of a load (HIDING): nothing can check it."""
        return (self.loaded and self.verify == 1 and self.told["method"] == "kexec_load"
                and self.told["proven"] == "false" and "hidden" in self.told)

    def is_honest(self) -> bool:
        """`status` tells the truth, and no image is damaged."""
        if self.status or self.told["loaded"] != str(self.loaded).lower():
            return False
        if self.is_whole() or self.is_their_own_way() or self.is_hidden():
            return True
        return (not self.loaded and self.verify == 1
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
        return (self.mend_status == 0
                and (self.after.is_whole() or self.after.is_their_own_way())
                and self.after.told["interrupted"] == "false"
                and (not self.then.is_hidden() or self.was_reloaded())
                and (not self.then.loaded or counts[1] == counts[0] + 1))

    def was_reloaded(self) -> bool:
        return len(self.mend_said) == 1 and "loading all of it again" in self.mend_said[0]

    def has_nothing(self) -> bool:
        """Nothing is loaded, the refresh says so, and it stays so."""
        return (not self.then.loaded and self.mend_status == 1 and not self.after.loaded
                and len(self.mend_said) == 1
                and "no crash kernel is loaded" in self.mend_said[0]
                and self.after.is_honest())

    def is_not_looked_at(self) -> bool:
        """By kexec_file_load(), and the image was not found in memory: the command and
        `status` said so, and a refresh finds it."""
        told = self.then.told
        return (any("was not checked" in line for line in self.said)
                and self.then.loaded and told["method"] == "kexec_file_load"
                and told["proven"] == "false" and self.is_mended())

    def is_on_its_own(self) -> bool:
        """A load that could not store a recipe, and said so: it cannot be refreshed."""
        return (any("cannot refresh this image" in line for line in self.said)
                and self.then.is_foreign() and self.after.is_foreign()
                and self.mend_status == 1 and len(self.mend_said) == 1)


def parse_state(statuses: str, told: str) -> State:
    status, verify, loaded = statuses.split()
    words = dict(w.split(":") for w in told.split(",") if w.count(":") == 1)
    found = re.search(r"loaded:(\w+)", told)
    words["loaded"] = found[1] if found else "?"
    return State(int(status), int(verify), loaded == "1", words)


def lines_of(text: str) -> list[str]:
    return [line for line in text.split("|") if line]


def parse_step(line: str) -> Step:
    (where, status, said, *then, mend_status, mend_said, statuses,
     told) = line.split("\t")
    return Step(where, int(status), lines_of(said), parse_state(*then),
                int(mend_status), lines_of(mend_said), parse_state(statuses, told))


def boot(build: Path, kernel: str, memory: str = "", region: str = "64M",
         ramdisk: bytes = RAMDISK, files: dict | None = None, **more) -> Guest:
    arch = arch_of(kernel)
    folder = arch if arch in OTHERS else ""
    tools = [cache.guest_tool(x, folder) for x in ("strace", "setpriv", "prlimit")]
    if arch != "riscv64":
        tools.append(("/usr/sbin/their-kexec", cache.kexec_tools(folder)))
    initrd = build_initrd(
        programs=[kexec(build), build / "kexec_seed/kexec-seed", *tools],
        files={"/probe": probe(build, arch), "/ramdisk": ramdisk, "/sweep": SWEEP,
               **(files or {})}, name="kill", arch=arch)
    return Guest(kernel=kernel.removeprefix(f"{arch}/"), arch=arch, initrd=initrd,
                 memory=memory or differs(kernel).memory, cpu=differs(kernel).cpu,
                 cmdline=f"crashkernel={region}",
                 **more)


def seed_of(guest: Guest, said: str) -> bytes:
    """What the probe was handed, by its output."""
    if guest.arch.name:
        return probe_arm64.parse_probe(said).tree["/chosen"]["rng-seed"]
    [seed] = parse_probe(said).seeds()
    return seed.data


def trace(guest: Guest, before: str, command: str) -> list[Position]:
    """The command's system calls in order, without those of its startup (the loader's
    messages about missing libraries are not ours) and of the vDSO, which falls back to the
    kernel when the guest's clock proves unstable."""
    guest.check(f"{before}; strace -o /tmp/trace {command}")
    calls = re.findall(r"^(\w+)\(", guest.check("cut -c1-40 /tmp/trace"), re.MULTILINE)
    counts: dict[str, int] = {}
    found = []
    for call in calls:
        counts[call] = counts.get(call, 0) + 1
        found.append(Position(call, counts[call]))
    return [p for p in found[calls.index("prlimit64") + 1:] if p.call != "clock_gettime"]


def thinned(places: list[Position]) -> list[Position]:
    """Of very many occurrences of one call, a sample: searching memory for an image that the
    kernel placed makes thousands of reads."""
    return places if len(places) < 1000 else places[::len(places) // 40]


def attempts(guest: Guest, before: str, commands: dict[str, str]) -> list[Step]:
    """Run each command (by label) after `before`, followed by a refresh."""
    lines = [f"{label}\t{command}\n" for label, command in commands.items()]
    guest.put("/tmp/commands", "".join(lines).encode())
    out = guest.check(f"sh /sweep '{before}' </tmp/commands", 60 + 10 * len(lines))
    steps = [parse_step(line) for line in out.splitlines()]
    assert len(steps) == len(lines)
    return steps


def sweep(guest: Guest, before: str, command: str, lines: list[str]) -> list[Step]:
    """The command, once with each of Position.line()."""
    commands = {}
    for line in lines:
        call, how, number = line.split()
        commands[line] = inject(call, how, number, command)
    return attempts(guest, before, commands)


def fail_with(bad: list[Step]) -> None:
    if bad:
        pytest.fail("\n".join(map(str, bad)), pytrace=False)


def state_of(guest: Guest) -> State:
    out = guest.check("sed -n '/^state/,/^}/p' /sweep >/tmp/state; . /tmp/state; state")
    return parse_state(*out.strip().split("\t"))


# The table

@dataclass(frozen=True)
class Row:
    fault: str
    promised: str
    seen: str
    tests: list[str]  # FILE::FUNCTION or FILE, below tests/


def read_section(name: str) -> str:
    text = re.sub(r"^#.*\n", "", TABLE.read_text(), flags=re.MULTILINE)
    return re.search(rf"^\[{name}\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)[1]


def read_errors() -> dict[str, list[str]]:
    lines = [line.split() for line in read_section("errors").splitlines() if line]
    return {call: [e for e in errors if e != "-"] for call, *errors in lines}


def read_rows() -> list[Row]:
    rows = []
    for block in read_section("faults").strip().split("\n\n"):
        fields = {}
        for field in re.split(r"\n(?=\w+: )", block):
            name, text = field.split(": ", 1)
            fields[name] = " ".join(text.split())
        rows.append(Row(fields["fault"], fields["promised"], fields["seen"],
                        fields["tests"].split()))
    return rows


def manual() -> str:
    """The rows in the format of kexec-seed-faults(7)."""
    def text(words: str) -> str:
        return "\n".join(textwrap.wrap(words.replace("-", "\\-"), 90,
                                       break_on_hyphens=False, break_long_words=False))

    parts = []
    for row in read_rows():
        title, _, detail = row.fault.partition(": ")
        detail = detail[:1].upper() + detail[1:]
        parts += [f".SS {text(title)}", *([text(detail)] if detail else []),
                  f".TP\n.B promised\n{text(row.promised)}",
                  f".TP\n.B seen\n{text(row.seen)}"]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    print(manual(), end="")
