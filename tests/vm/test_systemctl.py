# SPDX-License-Identifier: GPL-2.0-only
"""`systemctl kexec` with our package: services stop, file systems are clean, and the next
kernel has its own seed; loaded by kexec-seed-load.service or by hand. By default on this
machine's release, with $KEXEC_SUITES=all on Debian 12, 13 and unstable, which has a systemd that
loads by itself (261) if nothing is loaded.
"""

import os
import re

import pytest

from cache import MissingError
from disk import DEB, SYSTEM, Disk, install, suites
from guest import Guest
from package import package

TIME_ZERO_SEED = r"^\[    0\.000000\] random: crng init done"
BOOT_ID = "/proc/sys/kernel/random/boot_id"
UNIT = "last-words.service"
WORDS = "/var/lib/last-words"
# Writes without a sync: the file reaches the disk only if the file system is unmounted or
# remounted in time.
FILES = {f"{SYSTEM}/{UNIT}": b"""\
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=true
ExecStop=sh -c 'sleep 1; cat /proc/sys/kernel/random/boot_id >>/var/lib/last-words'
"""}
# Masked: it would complain about the missing crash kernel.
LINKS = {f"{SYSTEM}/multi-user.target.wants/{UNIT}": f"../{UNIT}",
         f"{SYSTEM}/kdump-tools.service": "/dev/null"}
# No initrd: the kernel does not need it, and unpacking takes long.
LOAD = "kexec /vmlinuz --reuse-cmdline --append=mark=2 --seed=require"
UNIT_LOAD = "kexec-seed-load.service"
LOADED = "cat /sys/kernel/kexec/loaded 2>/dev/null || cat /sys/kernel/kexec_loaded"
UNSTABLE = ["sid"] if os.environ.get("KEXEC_SUITES") == "all" else []
# An EFI system partition: this guest has no firmware that would name one.
ESP = "/efi"
BY_ITSELF = f"SYSTEMD_RELAX_ESP_CHECKS=1 SYSTEMD_ESP_PATH={ESP} SYSTEMD_LOG_LEVEL=debug"
ITS_WORDS = "Calling kexec_file_load() kernel="
LOUD = "/usr/local/sbin/loud"
UNIT_IS_LOUD = f"""\
[Service]
ExecStart=
ExecStart=/usr/libexec/kexec-seed/load-default {LOUD}
"""


def went_down(console: str) -> None:
    """According to systemd's last messages, after the journal is closed."""
    console, jumped, _ = console.partition("kexec_core: Starting new kernel")
    assert jumped and "Rebooting with kexec" in console, console[-3000:]
    assert not re.search("Failed to|Unable to finalize|still mounted|timed out", console)


def came_up(guest: Guest, start: int, boot_ids: list[str]) -> None:
    """The next kernel runs from the same disk."""
    log = guest.check("dmesg")
    assert re.search(TIME_ZERO_SEED, guest.console[start:], re.MULTILINE)
    assert "0x9" in guest.check("cat /sys/kernel/boot_params/setup_data/*/type").split()
    assert re.search(r"EXT4-fs \(nvme0n1\): mounted filesystem", log)
    assert not re.search(r"recovery|orphan|unchecked|EXT4-fs.*error", log), log
    assert guest.check(f"cat {BOOT_ID}").strip() not in boot_ids
    assert guest.check(f"cat {WORDS}").split() == boot_ids
    last = guest.check("journalctl -b -1 -o cat --no-pager")
    assert f"Stopped {UNIT}" in last, last
    assert not re.search("timed out|Killing process|status=9/KILL", last), last


def jump(guest: Guest, command: str, boot_ids: list[str]) -> None:
    """`command` jumps into the next kernel through systemd."""
    boot_ids.append(guest.check(f"cat {BOOT_ID}").strip())
    release = guest.release
    # dirty data at the start
    guest.check("dd if=/dev/urandom of=/var/tmp/dirty bs=1M count=8 2>&1 &&"
                " sha256sum /var/tmp/dirty >/var/tmp/sum")
    start = len(guest.console)
    guest.send_and_jump(f"{command} && exec sleep 1000")
    assert guest.wait_ready(240) == release
    went_down(guest.console[start:])
    came_up(guest, start, boot_ids)
    guest.check("sha256sum -c /var/tmp/sum")


def loaded_at_boot(guest: Guest) -> None:
    """By the unit, which is not enabled by the package, and leaves alone what is loaded."""
    assert guest.run(f"systemctl is-enabled {UNIT_LOAD}").output.strip() == "disabled"
    assert guest.check(LOADED).strip() == "0"
    guest.check(f"rm -f /initrd.img; systemctl enable --now {UNIT_LOAD}", 120)
    assert guest.check(LOADED).strip() == "1"
    guest.check(f"systemctl start {UNIT_LOAD}")
    said = guest.check(f"journalctl -b -o cat --no-pager -u {UNIT_LOAD}")
    assert "a kernel is loaded already: left as it is" in said, said


@pytest.mark.parametrize("suite", [*suites(), *UNSTABLE])
def test_systemctl_kexec(build, suite, tmp_path):
    try:
        disk = Disk(suite, tmp_path, {DEB: package(build), **FILES}, LINKS)
    except MissingError as error:
        pytest.skip(f"no Debian with the package: {error}")
    # no RDRAND
    with disk.guest(memory="1G", cpu="qemu64") as guest:
        guest.wait_ready(150)
        install(guest)
        loaded_at_boot(guest)
        boot_ids: list[str] = []
        jump(guest, "systemctl kexec", boot_ids)
        # again, at the boot
        guest.check(f"n=0; until [ $({LOADED}) = 1 ]; do n=$((n + 1));"
                    " [ $n -lt 300 ] || exit 1; sleep 1; done", 400)
        jump(guest, LOAD, boot_ids)
        assert guest.check("cat /proc/cmdline").split()[-1] == "mark=2"
    disk.check()
    disk.image.unlink()


def add_entry(guest: Guest) -> None:
    """The default boot entry, of the Boot Loader Specification."""
    options = guest.check("cat /proc/cmdline").strip()
    entry = f"title x\nlinux /vmlinuz\noptions {options} mark=entry\n"
    guest.check(f"mkdir -p {ESP}/loader/entries; cp -L /vmlinuz {ESP}/vmlinuz")
    guest.put(f"{ESP}/loader/entries/x.conf", entry.encode())


def loads_alone(guest: Guest) -> None:
    """systemd, without a kexec program; where it cannot go on to jump."""
    guest.check("chmod a-x /usr/sbin/kexec; systemctl mask --runtime kexec.target")
    said = guest.run(f"{BY_ITSELF} systemctl kexec")
    assert said.status and f"{ITS_WORDS}\"{ESP}/vmlinuz\"" in said.output, said.output
    assert guest.check(LOADED).strip() == "1"
    guest.check("systemctl unmask --runtime kexec.target; chmod a+x /usr/sbin/kexec; kexec -u")


@pytest.mark.parametrize("suite", UNSTABLE)
def test_systemd_loads_by_itself(build, suite, tmp_path):
    """From 261 on, unless our unit has loaded the same entry: then our purgatory runs."""
    try:
        disk = Disk(suite, tmp_path, {DEB: package(build)},
                    {f"{SYSTEM}/kdump-tools.service": "/dev/null"})
    except MissingError as error:
        pytest.skip(f"no Debian with the package: {error}")
    with disk.guest(memory="1G", cpu="qemu64", cmdline="systemd.show_status=0") as guest:
        guest.wait_ready(150)
        assert int(re.match(r"systemd (\d+)", guest.check("systemctl --version"))[1]) >= 261
        install(guest)
        refused = guest.run("systemctl kexec")
        assert refused.status == 1 and "No kexec kernel loaded" in refused.output
        assert guest.check(LOADED).strip() == "0"
        add_entry(guest)
        loads_alone(guest)

        guest.check(f"printf '#!/bin/sh\\nexec kexec --console-serial \"$@\"\\n' >{LOUD};"
                    f" chmod +x {LOUD}; mkdir -p {SYSTEM}/{UNIT_LOAD}.d")
        guest.put(f"{SYSTEM}/{UNIT_LOAD}.d/loud.conf", UNIT_IS_LOUD.encode())
        guest.check(f"systemctl daemon-reload; systemctl enable --now {UNIT_LOAD}", 200)
        start = len(guest.console)
        guest.send_and_jump(f"{BY_ITSELF} systemctl kexec >/dev/ttyS0 2>&1 && exec sleep 1000")
        guest.wait_console(r"purgatory: seed mixed with ", 240, start)
        assert ITS_WORDS not in guest.console[start:]
    disk.image.unlink()
