# SPDX-License-Identifier: GPL-2.0-only
"""The example of kexec-seed(8), typed into a guest; its output must match the page."""

import re
import time
from pathlib import Path

import pytest

from cache import VMGENID_KERNELS
from guest import NO_TIMER_CHECK, SLOW, Guest
from initrd import build_initrd
from places import some

PAGE = Path(__file__).resolve().parents[2] / "man/kexec-seed.8"
CRASH = "echo c >/proc/sysrq-trigger"
MONITOR = "(qemu) "
# Varies with machine and time.
TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NUMBERS = re.compile(r"0x[0-9a-f]+|\d+\.\d+|\d{7,}")


def plain(text: str) -> str:
    for mark, meaning in [("\\-", "-"), ("\\(dq", '"'), ("\\e\n", "\\\n")]:
        text = text.replace(mark, meaning)
    return text


def session() -> list[tuple[str, str]]:
    """The page's commands with their output; those for QEMU with their prompt."""
    page = PAGE.read_text()
    examples = page[page.index(".SH EXAMPLES"):page.index(".SH SEE ALSO")]
    blocks = re.findall(r"^\.RS.*?\n(.*?)^\.RE", examples, re.M | re.S)
    commands = []
    prompt = re.compile(r"^(?:# |(?=\(qemu\) ))", re.M)
    for part in prompt.split(plain("".join(blocks)))[1:]:
        command, output = re.fullmatch(r"((?:.*\\\n)*.*)\n([^\0]*)", part).groups()
        commands.append((command, output))
    return commands


def shape(text: str) -> str:
    return NUMBERS.sub("NUMBER", TIMES.sub("TIME", text)).rstrip()


def answers(guest: Guest, kernel: str, command: str, output: str) -> None:
    """Retries, because the daemon acts a little later."""
    deadline = time.monotonic() + 20 * SLOW
    while True:
        said = guest.check(command).replace(f"/boot/vmlinuz-{kernel}", "/boot/vmlinuz")
        said = said.replace("ttyS0,115200", "ttyS0").replace(f"{NO_TIMER_CHECK} ", "")
        said = shape(said)
        if said == shape(output):
            return
        if "status" not in command or time.monotonic() > deadline:
            assert said == shape(output), command
        time.sleep(0.5)


def type_in(setup: dict, kernel: str, commands: list, saved: Path) -> Guest:
    """The guest, or its clone, after all commands."""
    guest = Guest(**setup)
    try:
        guest.wait_ready()
        guest.check(f"ln -s vmlinuz-{kernel} /boot/vmlinuz")
        for command, output in commands:
            match command.removeprefix(MONITOR):
                case "stop":
                    guest.stop()
                case 'migrate "exec:cat >/tmp/saved"':
                    guest.save(saved)
                case "cont":
                    guest.close()
                    guest = Guest(**setup, incoming=saved)
                    guest.cont()
                case _:
                    answers(guest, kernel, command, output)
    except BaseException:
        guest.close()
        raise
    return guest


@pytest.mark.parametrize("kernel", some(VMGENID_KERNELS, 0))
def test_example(build, kernel, tmp_path):
    programs = [build / "kexec/kexec", build / "kexec_seed/kexec-seed"]
    setup = {"kernel": kernel, "memory": "1G", "cmdline": "crashkernel=256M",
             "initrd": build_initrd(kernels=[kernel], programs=programs),
             "extra": ["-device", "vmgenid,guid=auto"]}
    *commands, last = session()
    assert last == (CRASH, "")
    assert f"{MONITOR}cont" in [command for command, _ in commands]
    with type_in(setup, kernel, commands, tmp_path / "saved") as guest:
        guest.send_and_jump(CRASH)
        guest.wait_ready()
        assert int(guest.check("stat -c %s /proc/vmcore")) > 512 << 20
