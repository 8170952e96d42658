# SPDX-License-Identifier: GPL-2.0-only
"""The example of kexec-seed(8), typed into a guest: it answers what the page says."""

import re
from pathlib import Path

import pytest

from guest import Guest
from initrd import build_initrd
from places import KERNELS

PAGE = Path(__file__).resolve().parents[2] / "man/kexec-seed.8"
CRASH = "echo c >/proc/sysrq-trigger"
# What differs from one machine, and one minute, to the next.
TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NUMBERS = re.compile(r"0x[0-9a-f]+|\d+\.\d+|\d{7,}")


def plain(text: str) -> str:
    for mark, meaning in [("\\-", "-"), ("\\(dq", '"'), ("\\e\n", "\\\n")]:
        text = text.replace(mark, meaning)
    return text


def session() -> list[tuple[str, str]]:
    """The page's commands, each with what it prints."""
    page = PAGE.read_text()
    examples = page[page.index(".SH EXAMPLES"):page.index(".SH SEE ALSO")]
    blocks = re.findall(r"^\.RS.*?\n(.*?)^\.RE", examples, re.M | re.S)
    commands = []
    for part in re.split(r"^# ", plain("".join(blocks)), flags=re.M)[1:]:
        command, output = re.fullmatch(r"((?:.*\\\n)*.*)\n([^\0]*)", part).groups()
        commands.append((command, output))
    return commands


def shape(text: str) -> str:
    return NUMBERS.sub("NUMBER", TIMES.sub("TIME", text)).rstrip()


@pytest.mark.parametrize("kernel", KERNELS)
def test_example(build, kernel):
    initrd = build_initrd(kernels=[kernel], programs=[build / "kexec/kexec",
                                                      build / "kexec_seed/kexec-seed"])
    commands = session()
    assert commands[-1] == (CRASH, "")
    with Guest(kernel=kernel, memory="1G", initrd=initrd,
               cmdline="crashkernel=256M") as guest:
        guest.wait_ready()
        guest.check(f"ln -s vmlinuz-{kernel} /boot/vmlinuz")
        for command, output in commands[:-1]:
            said = guest.check(command)
            said = said.replace(f"/boot/vmlinuz-{kernel}", "/boot/vmlinuz")
            said = said.replace("ttyS0,115200", "ttyS0")
            assert shape(said) == shape(output), command
        guest.send_and_jump(CRASH)
        guest.wait_ready()
        assert int(guest.check("stat -c %s /proc/vmcore")) > 512 << 20
