#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""The daemon as a whole, over a fake kernel: see test_programs.py."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fake_machine import KEXEC, KEXEC_SEED, LIMIT, REGION, Machine  # noqa: E402
from programs import is_good, load_crash, main, refresh, status  # noqa: E402

FORK_LINE = "4,100,200,-;random: crng reseeded due to virtual machine fork\n"


# --- the daemon --------------------------------------------------------------------------


class Daemon:
    """A running daemon; its /dev/kmsg is a FIFO."""

    def __init__(self, m: Machine, *argv: str, **more: str):
        self.m, self.log = m, m.root / "log"
        if not (m.root / "dev/kmsg").exists():
            os.mkfifo(m.root / "dev/kmsg")
        self.kmsg = os.open(m.root / "dev/kmsg", os.O_RDWR)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [KEXEC_SEED, "daemon", "--window-ms=1", *argv], env=m.environment(more), stderr=log,
                stdin=subprocess.DEVNULL)

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.kmsg)

    def says(self, words: str, count: int = 1) -> bool:
        """Waits until it has said that so often."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end and self.process.poll() is None:
            if self.log.read_text().count(words) >= count:
                return True
            time.sleep(0.02)
        return self.log.read_text().count(words) >= count

    def need(self, words: str, count: int = 1) -> None:
        assert self.says(words, count), (words, self.log.read_text())

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        result = self.process.wait(LIMIT)
        assert not self.m.leftovers(), self.m.leftovers()
        return result


def status_becomes(m: Machine, key: str, value: str) -> bool:
    end = time.monotonic() + LIMIT
    while time.monotonic() < end and status(m).get(key) != value:
        time.sleep(0.02)
    return status(m).get(key) == value


def test_daemon(m: Machine) -> None:
    m.put("sys/bus/acpi/drivers/vmgenid/QEMUVGID:00/x", "")
    before = load_crash(m, FAKE_SEED="65")
    m.forget()
    with Daemon(m, FAKE_SEED="66") as d:
        d.need("source kmsg: ")
        d.need("fresh seed (event: start, dynamic")
        assert m.segments()[4].data[16:48] == b"B" * 32
        assert m.segments()[3] == before["boot data"]
        os.write(d.kmsg, FORK_LINE.encode())
        d.need("fresh seed (event: kmsg, dynamic")
        d.need("source kmsg: active")  # said after the refresh, and saved then
        assert status_becomes(m, "kmsg", "active"), status(m)
        d.process.send_signal(signal.SIGHUP)
        d.need("fresh seed (event: signal, dynamic")
        assert status_becomes(m, "refreshes", "3"), status(m)
        state = status(m)
        assert state["running"] == "yes", state
        assert state["kmsg"].startswith("waiting: no device with"), state
        assert "uevent" in state and "genid" in state and "vmclock" in state, state
        other = m.run(KEXEC_SEED, "daemon")
        assert other.returncode == 1 and "another kexec-seed daemon is running" in other.stderr
        assert d.end() == 0
        assert "ending on signal 15" in d.log.read_text()
    assert status(m)["running"] == "no" and is_good(m)


def test_daemon_deaf(m: Machine) -> None:
    """A source that the loop does not watch is not active."""
    load_crash(m)
    m.put("sys/bus/acpi/drivers/vmgenid/QEMUVGID:00/x", "")
    with Daemon(m, FAKE_EPOLL_ADD=str(errno.ENOSPC)) as d:
        d.need("fresh seed (event: start")
        d.need("source kmsg: inactive: /dev/kmsg: No space left")
        d.need("no VM fork source available")
        inactive = "inactive: /dev/kmsg: No space left on device"
        assert status_becomes(m, "kmsg", inactive), status(m)
        assert d.end(signal.SIGINT) == 0


def test_daemon_failure(m: Machine) -> None:
    load_crash(m)
    m.remove("proc/sys/kernel/random/boot_id")
    with Daemon(m) as d:
        d.need("the crash kernel has no fresh seed (event: start): /proc/sys/kernel/random/boot_id")
        d.need("next attempt in ")
        m.put("proc/sys/kernel/random/boot_id", "01234567-89ab-cdef-0123-456789abcdef\n")
        d.process.send_signal(signal.SIGHUP)
        d.need("fresh seed (event: signal, dynamic")
        m.run(KEXEC, "-p", "-u")
        d.process.send_signal(signal.SIGHUP)
        d.need("no crash kernel is loaded (event: signal)")
        load_crash(m, "--seed=off")
        d.process.send_signal(signal.SIGHUP)
        d.need("--seed=off: nothing to refresh (event: signal)")
        assert d.end() == 0


GENERATION = 0x3FFE1000  # in a reserved page


def set_generation(m: Machine, byte: int) -> None:
    with (m.root / "dev/mem").open("r+b" if (m.root / "dev/mem").exists() else "w+b") as file:
        file.seek(GENERATION)
        file.write(bytes([byte]) * 16)
        file.truncate(GENERATION + 4096)


def test_generation(m: Machine) -> None:
    """The daemon leaves an image alone whose seed was drawn since the last fork."""
    set_generation(m, 1)
    load_crash(m, f"--vmgenid-addr={GENERATION:#x}")
    m.forget()
    with Daemon(m, f"--vmgenid-addr={GENERATION:#x}", "--poll-ms=20") as d:
        d.need("the machine was not forked since the last refresh (event: start)")
        d.need("source genid: active")
        assert m.lines() == []
        set_generation(m, 0xAB)
        d.need("fresh seed (event: genid, dynamic")
        assert (m.root / "dev/urandom").read_text() == "ab" * 16
        assert d.end() == 0
    m.forget()
    with Daemon(m, f"--vmgenid-addr={GENERATION:#x}", "--poll-ms=20") as d:
        d.need("the machine was not forked since")
        assert d.end() == 0
    set_generation(m, 3)
    with Daemon(m, f"--vmgenid-addr={GENERATION:#x}", "--poll-ms=20") as d:
        d.need("fresh seed (event: start, dynamic")
        assert d.end() == 0
    # manual refreshes ask nobody
    assert refresh(m) == "dynamic 3" and is_good(m)


def test_generation_unused(m: Machine) -> None:
    """Only a seed that is mixed needs the VM generation ID."""
    set_generation(m, 1)
    for option, used in (("--seed=auto", True), ("--seed-mix=off", False), ("--seed=off", False)):
        done = m.run(KEXEC, "-l", m.kernel, "-d", option, f"--vmgenid-addr={GENERATION:#x}")
        assert done.returncode == 0 and used == ("generation ID at" in done.stderr), (option, done)


def test_daemon_settings(m: Machine) -> None:
    """SIGHUP reads the file again; a wrong one changes nothing."""
    load_crash(m)
    conf = m.root / "conf"
    conf.write_text("sources = genid\n")
    with Daemon(m, f"--config={conf}") as d:
        d.need("fresh seed (event: start")
        assert "source kmsg: inactive: " in d.log.read_text()
        conf.write_text("no such key = 1\n")
        d.process.send_signal(signal.SIGHUP)
        d.need("conf:1: ")
        d.need(": keeping the previous configuration")
        conf.write_text("sources = kmsg\nevery = 1\n")
        d.process.send_signal(signal.SIGHUP)
        d.need("source kmsg: waiting: ")
        d.need("fresh seed (event: timer", 3)  # each is said, and saved then
        state = status(m)
        assert state["genid"].startswith("inactive"), state
        assert int(state["refreshes"]) >= 4, state
        assert d.end() == 0


def test_daemon_run_wiped(m: Machine) -> None:
    """Without /run/kexec-seed the daemon goes on, and makes it again."""
    load_crash(m)
    with Daemon(m) as d:
        d.need("fresh seed (event: start")
        # at once, for the daemon may be writing there
        os.rename(m.root / "run/kexec-seed", m.root / "gone")
        m.remove("gone")
        end = time.monotonic() + LIMIT
        while status(m)["running"] != "yes" and time.monotonic() < end:
            time.sleep(0.1)
        assert status(m)["running"] == "yes"
        d.process.send_signal(signal.SIGHUP)
        d.need("no fresh seed (event: signal): the loaded crash kernel was not loaded by")
        assert d.end() == 0


def test_reload_command(m: Machine) -> None:
    """Images of other tools are left to the command; so is ours if its files are gone."""
    command = f"--reload-command=/bin/sh -c 'echo ran >>{m.root}/ran'"
    m.put("sys/kernel/kexec_crash_loaded", "1\n")
    with Daemon(m, command) as d:
        d.need("fresh seed (event: start, command")
        assert d.end() == 0
    with Daemon(m, "--reload-command=/nowhere/kdump") as d:
        d.need("no fresh seed (event: start): /nowhere/kdump: No such file")
        d.need("next attempt in ")
        assert d.end() == 0
    load_crash(m)
    with Daemon(m, command) as d:
        d.need("fresh seed (event: start, dynamic")
        os.unlink(m.initrd)
        m.damage(REGION + 0x23064, b"ruin")
        d.process.send_signal(signal.SIGHUP)
        d.need("running the reload command")
        d.need("fresh seed (event: signal, command")
        assert d.end() == 0
    assert (m.root / "ran").read_text() == "ran\nran\n"
    m.put("sys/kernel/kexec_crash_loaded", "1\n")
    with Daemon(m, "--reload-command=/bin/false") as d:
        d.need("no fresh seed (event: start): the reload command ended with status 1")
        assert d.end() == 0

if __name__ == "__main__":
    sys.exit(main(globals()))
