# SPDX-License-Identifier: GPL-2.0-only
"""The commands of README.md and kexec(8), typed into guests; see test_manual.py for
kexec-seed(8), and test_service.py for those that need systemd. The build commands have already
been run to get here.

$KEXEC_CHAINS=all also runs those of kexec-seed-chain(7) (five minutes).
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import cache
from guest import SLOW, Guest
from initrd import build_initrd
from places import kexec
from test_manual import plain

TOP = Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / "tests"))

from chainlib.cli import parser  # noqa: E402 pylint: disable=wrong-import-position

KERNEL = "6.12"
JUMP = "kexec -e"
ALL = os.environ.get("KEXEC_CHAINS") == "all"
# Varies with kernel and machine.
NUMBERS = re.compile(r"0x[0-9a-f]+| +\d+ KiB")


def readme_commands(first: str) -> list[str]:
    """Commands of the block that starts with `first`, without comments and blank lines."""
    for block in re.findall(r"^```sh\n(.*?)^```", (TOP / "README.md").read_text(),
                            re.MULTILINE | re.DOTALL):
        if block.startswith(first):
            lines = [line.split("  #")[0].strip() for line in block.splitlines()]
            return [line for line in lines if line]
    raise AssertionError(f"no block that starts with {first!r}")


def page_commands(name: str) -> list[tuple[str, str]]:
    """Prompted commands in a manual page's examples, with their output."""
    page = (TOP / "man" / name).read_text()
    examples = page[page.index(".SH EXAMPLES"):]
    examples = examples[:examples.index("\n.SH ", 1)]
    blocks = re.findall(r"^\.RS.*?\n(.*?)^\.RE", examples, re.MULTILINE | re.DOTALL)
    parts = re.split(r"^[#$] ", plain("".join(blocks)), flags=re.MULTILINE)[1:]
    return [re.fullmatch(r"((?:.*\\\n)*.*)\n([^\0]*)", part).groups() for part in parts]


def machine(build) -> Guest:
    programs = [kexec(build), build / "kexec_seed/kexec-seed"]
    return Guest(kernel=KERNEL, memory="1G", cmdline="crashkernel=256M",
                 initrd=build_initrd(kernels=[KERNEL], programs=programs))


def prepare(guest: Guest) -> None:
    guest.wait_ready()
    guest.check(f"cd /boot && ln -s vmlinuz-{KERNEL} vmlinuz && ln -s initrd initrd.img")


def jump(guest: Guest) -> None:
    guest.send_and_jump(JUMP)
    assert KERNEL in guest.wait_ready()


def test_readme(build):
    """No block jumps if it is pasted as a whole: that is in the text."""
    text = (TOP / "README.md").read_text()
    assert f"`{JUMP}`" in text and not re.search(r"^(kexec -[ef]|systemctl kexec)", text, re.M)
    commands = [x for first in ("kexec --dry-run", "kexec -p", "systemctl enable")
                for x in readme_commands(first)]
    assert len(commands) > 6
    with machine(build) as guest:
        prepare(guest)
        for command in commands:
            if not command.startswith("systemctl"):
                guest.check(command)
        jump(guest)


def test_required_packages_are_known():
    """Those that README.md names, of which test_newcomer.py knows Debian's."""
    from test_newcomer import needed  # pylint: disable=import-outside-toplevel
    assert needed().startswith("make gcc ")


def test_page(build):
    commands = page_commands("kexec.8")
    leaves = commands.index((JUMP, ""))
    assert len(commands) > 7
    with machine(build) as guest:
        prepare(guest)
        for command, output in commands[leaves + 1:] + commands[:leaves]:
            said = guest.check(command)
            assert not output or NUMBERS.sub("N", said) == NUMBERS.sub("N", output), command
        jump(guest)


def test_chain_commands(build, tmp_path):
    """The parser takes them; with ALL they also run."""
    commands = [command for command, _ in page_commands("kexec-seed-chain.7")]
    assert len(commands) >= 4
    for command in commands:
        words = shlex.split(command.replace("\\\n", " "))
        assert words[0] == "tests/chain", command
        parser().parse_args(words[1:])
        if ALL:
            run_chain(build, tmp_path, words[1:])


def run_chain(build, folder: Path, options: list[str]) -> None:
    """A cached kernel stands in for "your own", its kexec-tools for another kexec."""
    own = {"--kernel=arch/x86/boot/bzImage": f"--kernel={cache.kernel_image('6.1')}",
           "--kexec=/sbin/kexec": f"--kexec={cache.kexec_tools()}"}
    if not any(option.startswith("--json=") for option in options):
        options = [*options, "--json=chain.json"]
    other = any(option.startswith("--arch=") for option in options)  # has its own build
    done = subprocess.run(
        [sys.executable, TOP / "tests/chain", *([] if other else [f"--build={build}"]),
         *(own.get(o, o) for o in options)],
        cwd=folder, capture_output=True, text=True, timeout=400 * SLOW, check=False)
    # another kexec keeps fewer promises
    assert done.returncode == ("--kexec=/sbin/kexec" in options), done.stdout + done.stderr
    for option in options:
        name, _, file = option.partition("=")
        if name in ("--html", "--json", "--junit"):
            written = folder / file
            assert written.stat().st_size > 0
            written.unlink()
