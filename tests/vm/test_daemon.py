# SPDX-License-Identifier: GPL-2.0-only
"""The daemon when idle, in event storms, and with pieces missing. Its main job is tested in
test_fork.py.

$KEXEC_FORKS=all watches an idle daemon for a minute, floods it in four ways, and makes a
million forks (half an hour).
"""

import os
import re
import time
from pathlib import Path

import pytest

from forks import (FORKS, FORKS_SOURCE, MODULE, PIDFILE, RESEEDED, build_module,
                   daemon_status, forks_command, machine, refreshes, said,
                   seed_at, start_daemon, stop_daemon, timed, until)
from guest import SLOW, Guest
from loaded import (RAMDISK, crash_status, load_probe, load_theirs, refused, seed_after_crash,
                    seed_slot)

ALL = os.environ.get("KEXEC_FORKS") == "all"
KERNEL = "6.12"
IDLE_SECONDS = 60 if ALL else 15
MANY = 1000000 if ALL else 10000
PRIVATE_MAX = 2560  # KiB
GROWTH_MAX = 64  # KiB: allocated at the first event only
FORKS_SEEN = 3
AFTER_WINDOW = 2.5  # seconds
HANDFUL = 12  # plus one for every 1.6 s of the storm
KICKED = "event: signal"
UUID = "fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed"


@pytest.fixture(scope="module")
def modules(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("modules")
    return {MODULE: build_module(KERNEL, folder / "uevent"),
            FORKS: build_module(KERNEL, folder / "forks", FORKS_SOURCE)}


def private_memory(guest: Guest, pid: int) -> int:
    """KiB."""
    text = guest.check(f"cat /proc/{pid}/smaps_rollup")
    return sum(map(int, re.findall(r"^Private_\w+: *(\d+) kB$", text, re.M)))


def descriptors(guest: Guest, pid: int) -> int:
    return int(guest.check(f"ls /proc/{pid}/fd | wc -l"))


def system_calls(guest: Guest, pid: int, seconds: float) -> list[str]:
    """All calls in this time; the last one has not returned."""
    guest.check(f"strace -f -qq -o /run/trace -p {pid} & tracer=$!; sleep {seconds};"
                " kill $tracer; wait", seconds + 30)
    calls = guest.check("cat /run/trace").splitlines()
    assert "epoll_wait(" in calls[-1], calls
    return calls


def kick(guest: Guest, says: str = "has a fresh seed") -> None:
    """SIGHUP, and wait for the result."""
    words = rf"{says} ({KICKED}"
    seen = len(said(guest, words))
    guest.check(f"kill -HUP $(cat {PIDFILE}); "
                + until(f"[ $(dmesg | grep -c '{words}') -gt {seen} ]"))


def libraries(text: str) -> set[str]:
    return set(re.findall(r"/([\w.-]+\.so[\w.]*)", text)) - {"ld.so.cache", "ld.so.preload"}


def opens(guest: Guest, command: str) -> set[str]:
    """Libraries that a command finds."""
    guest.check(f"strace -f -qq -e trace=open,openat -z -o /run/opened {command}")
    return libraries(guest.check("cat /run/opened"))


def test_idle(build):
    """An idle daemon sleeps, in little memory. No process that draws a seed opens a library."""
    with Guest(**machine(build, KERNEL)) as guest:
        assert opens(guest, load_probe()) == {"libc.so.6"}
        pid = start_daemon(guest)
        kick(guest)
        maps = libraries(guest.check(f"cat /proc/{pid}/maps"))
        assert maps == {"libc.so.6", "ld-linux-x86-64.so.2"}
        assert opens(guest, "kexec-seed refresh") == {"libc.so.6"}
        assert opens(guest, "kexec-seed refresh --full") == {"libc.so.6"}
        assert "libjson-c.so.5" in opens(guest, "kexec-seed refresh --json")
        guest.check("sleep 2")
        assert len(system_calls(guest, pid, IDLE_SECONDS)) == 1
        private = private_memory(guest, pid)
        print(f"{private} KiB")
        assert private <= PRIVATE_MAX
        stop_daemon(guest)
        pid = start_daemon(guest, "--sources=genid")  # a polling source: the test can fail
        assert len(system_calls(guest, pid, 4)) > 3


def test_each_fork_is_one_refresh(build, modules):
    """Of the refreshed segments alone, though two sources report it. How long one takes is
    measured by `make bench`."""
    with Guest(**machine(build, KERNEL, files=modules)) as guest:
        guest.check(f"{load_probe()} && insmod {MODULE}")
        start_daemon(guest)
        for count in range(1, FORKS_SEEN + 1):
            seen = f"[ $(dmesg | grep -c 'fresh seed (event: [a-z]*, dynamic') = {count} ]"
            guest.check(f"{forks_command()}; {until(seen)}; sleep {AFTER_WINDOW}")
        assert refreshes(guest) == FORKS_SEEN


def uptime(guest: Guest) -> float:
    return float(guest.check("cut -d' ' -f1 /proc/uptime"))


def storm(guest: Guest, pid: int, command: str, timeout: float = 120) -> int:
    """The number of refreshes this causes. The last must come after the storm, and nothing
    may leak."""
    slot = seed_slot(guest)
    seed = seed_at(guest, slot)
    before = refreshes(guest), descriptors(guest, pid), private_memory(guest, pid)
    guest.check(f"{command}; echo the storm is over >/dev/kmsg; sleep 2.5", timeout)
    [(over, _)] = timed(guest, "the storm is over")[-1:]
    done = timed(guest, "has a fresh seed")
    assert done and done[-1][0] > over
    assert seed_at(guest, slot) != seed
    assert descriptors(guest, pid) == before[1]
    assert private_memory(guest, pid) - before[2] <= GROWTH_MAX
    return refreshes(guest) - before[0]


def test_storm(build, modules):
    """Thousands of forks, each reported by two sources, as fast as a guest can take them; then
    as many signals; then fakes of events."""
    with Guest(**machine(build, KERNEL, files=modules)) as guest:
        guest.check(f"{load_probe()} && insmod {MODULE}")
        pid = start_daemon(guest)
        told = daemon_status(guest)["sources"]
        assert told["uevent"] == told["kmsg"] == "active"
        guest.check(forks_command())
        kick(guest)
        guest.check("sleep 4")
        start = uptime(guest)
        count = storm(guest, pid, forks_command(MANY), 2400)
        took = uptime(guest) - start
        print(f"{MANY} forks in at most {took:.1f} s: {count} refreshes")
        assert 2 <= count <= HANDFUL + took
        count = storm(guest, pid, f"i=0; while [ $i -lt {MANY} ]; do kill -HUP {pid};"
                      " i=$((i + 1)); done", 2400)
        print(f"{MANY} signals: {count} refreshes")
        assert 2 <= count <= HANDFUL + MANY // 1000
        # a log line written by root is not the kernel's, nor is this uevent
        before = refreshes(guest)
        guest.check("for i in 1 2 3 4 5; do"
                    f" echo '<5>random: {RESEEDED}'; done >/dev/kmsg;"
                    " for i in /sys/bus/*/drivers/vmgenid/QEMUVGID:00/uevent; do"
                    f" echo 'change {UUID} NEW_VMGENID=1' >$i; done; sleep 1")
        assert refreshes(guest) == before


def test_without_source(build):
    """No source, no crash kernel: the daemon waits for either."""
    with Guest(**machine(build, KERNEL, extra=())) as guest:
        pid = start_daemon(guest, first="no crash kernel is loaded (event: start)")
        assert any("no VM fork source available: SIGHUP refreshes" in x
                   for x in said(guest))
        told = daemon_status(guest)
        assert told["running"] and "active" not in told["sources"].values()
        assert not crash_status(guest)["loaded"]
        assert len(system_calls(guest, pid, 3)) == 1
        guest.check(load_probe())
        slot = seed_slot(guest)
        seed = seed_at(guest, slot)
        kick(guest)
        assert seed_at(guest, slot) != seed
        assert crash_status(guest)["last_source"] == "signal"

        refused(guest, "kexec-seed daemon", "another kexec-seed daemon is running")
        assert daemon_status(guest)["running"]

        guest.check("kexec -p -u")  # while the daemon runs
        kick(guest, "no crash kernel is loaded")
        assert not said(guest, "no fresh seed")
        stop_daemon(guest)
        assert not daemon_status(guest)["running"]
        assert said(guest)[-1].endswith("ending on signal 15")


def test_end(build):
    """SIGTERM is a clean exit; SIGKILL leaves nothing that blocks the next daemon."""
    with Guest(**machine(build, KERNEL)) as guest:
        guest.check(load_probe())
        out = guest.check("kexec-seed daemon 2>/run/log & pid=$!; sleep 1; kill $pid;"
                          " wait $pid; echo status $?")
        assert out == "status 0\n"
        start_daemon(guest)
        guest.check(f"kill -KILL $(cat {PIDFILE}); sleep 0.1")
        assert not daemon_status(guest)["running"]
        seed = seed_at(guest, seed_slot(guest))
        start_daemon(guest, first="was not forked since the last refresh (event: start)")
        assert seed_at(guest, seed_slot(guest)) == seed
        assert daemon_status(guest)["running"]

        # the clock is set back; the timer is monotonic
        stop_daemon(guest)
        start_daemon(guest, "--every=2 --sources=none")
        guest.check("date -s '2001-01-01 00:00:00'; "
                    + until("dmesg | grep -q 'fresh seed (event: timer'"))
        assert crash_status(guest)["last_refresh"].startswith("2001-01-01T00:00:")
        stop_daemon(guest)

        # all state is lost: the image counts as foreign; status still finds the daemon
        start_daemon(guest)
        guest.check("rm -rf /run/kexec-seed; sleep 2.5")
        assert daemon_status(guest)["running"]
        assert crash_status(guest)["method"] == "foreign"
        refused(guest, "kexec-seed daemon", "another kexec-seed daemon is running")
        kick(guest, "has no fresh seed")
        guest.check(load_probe())
        kick(guest)
        assert crash_status(guest)["refreshes"] == 1


KILLED = 128 + 9
# The calls that change state; with ALL every call, until the daemon begins to wait.
CHANGING = ("getrandom", "kexec_load", "renameat")


def calls_of_start(guest: Guest) -> list[tuple[str, int]]:
    """System calls of a starting daemon, each with its occurrence number."""
    guest.check("strace -qq -o /run/trace kexec-seed daemon </dev/null >/dev/null 2>&1 &"
                " sleep 3; kill $(pidof kexec-seed); wait")
    calls = re.findall(r"^(\w+)\(", guest.check("cut -c1-40 /run/trace"), re.M)
    calls = calls[calls.index("prlimit64") + 1:calls.index("epoll_wait")]
    return [(call, calls[:n + 1].count(call)) for n, call in enumerate(calls)]


def test_killed_at_work(build):
    """Killed in its first refresh: the image is whole, and the next daemon recognizes it."""
    with Guest(**machine(build, KERNEL)) as guest:
        guest.check(load_probe())
        places = calls_of_start(guest) if ALL else [(call, 1) for call in CHANGING]
        for call, number in places:
            # never forked since the load, it would wait: SIGHUP asks for the refresh
            done = guest.run("(sleep 1; kill -HUP $(pidof kexec-seed)) & strace -qq -o /dev/null"
                             f" -e inject={call}:signal=KILL:when={number}"
                             " kexec-seed daemon </dev/null 2>&1; s=$?; wait; (exit $s)")
            assert done.status == KILLED, f"{call} {number}: {done.output}"
            assert crash_status(guest)["proven"], f"{call} {number}"
            assert not daemon_status(guest)["running"]
            guest.check("kexec-seed verify")
        slot = seed_slot(guest)
        seed = seed_at(guest, slot)
        start_daemon(guest)
        kick(guest)
        assert seed_at(guest, slot) != seed
        status = crash_status(guest)
        assert status["proven"] and not status["interrupted"]


def test_suspended(build):
    """Suspend to RAM and resume: the image is whole, and the daemon still listens."""
    with Guest(**machine(build, KERNEL)) as guest:
        guest.check(load_probe())
        start_daemon(guest)
        slot = seed_slot(guest)
        seed = seed_at(guest, slot)
        start = len(guest.console)
        guest.check("(sleep 0.5; echo mem >/sys/power/state; echo RESUMED >/dev/console)"
                    " </dev/null >/dev/null 2>&1 &")
        deadline = time.monotonic() + 30 * SLOW
        while guest.qmp.command("query-status")["status"] != "suspended":
            assert time.monotonic() < deadline, "the guest does not go to sleep"
            time.sleep(0.1)
        guest.qmp.command("system_wakeup")
        guest.wait_console("^RESUMED", 60, start)  # until then the agent does not answer
        assert daemon_status(guest)["sources"]["kmsg"] == "active"
        kick(guest)
        assert seed_at(guest, slot) != seed and crash_status(guest)["proven"]
        guest.check("kexec-seed verify")
        waits = seed_at(guest, slot)
        assert seed_after_crash(guest)[0] == waits


def flood(guest: Guest, seconds: int) -> None:
    """Overruns the kernel log again and again, each time with the reader stopped."""
    guest.check(f"pid=$(cat {PIDFILE}); head -c 900 /dev/zero | tr '\\0' x >/run/line;"
                f" end=$(($(date +%s) + {seconds}));"
                " while [ $(date +%s) -lt $end ]; do kill -STOP $pid; i=0;"
                " while [ $i -lt 400 ]; do cat /run/line >/dev/kmsg; i=$((i + 1)); done;"
                " kill -CONT $pid; sleep 0.3; done; sleep 1", 120 + seconds)


@pytest.mark.parametrize("how, known", [("-c", True), ("-s", False)] + (
    [("-s", True), ("-c", False)] if ALL else []))
def test_kernel_log_flood(build, how, known):
    """An overrun without a new generation is no fork; where that cannot be read, at most one
    refresh."""
    hide = "" if known else "mount --bind /dev/null /dev/mem && "
    with Guest(**machine(build, KERNEL)) as guest:
        guest.check(hide + load_probe(how, ""))
        start_daemon(guest)
        before = refreshes(guest)
        assert before == (0 if known else 1)
        guest.check("dmesg -c >/dev/null")
        flood(guest, 20)
        assert refreshes(guest) - before == 0
        assert crash_status(guest)["proven"]
        guest.check("dmesg -c >/dev/null")
        kick(guest)
        assert refreshes(guest) - before == 1


# Loads with kexec-tools, unless told to fail.
RELOAD = f"""#!/bin/sh
echo "$1" >>/run/reloads
[ ! -e /run/fails ] && {load_theirs()}
""".encode()


def test_image_of_others(build):
    """A foreign image: without a command, one failure that is not retried; with one, it runs
    and is retried until it succeeds."""
    with Guest(**machine(build, KERNEL)) as guest:
        guest.put("/run/reload", RELOAD)
        guest.check(f"chmod +x /run/reload; {load_probe()}")
        start_daemon(guest)
        guest.check(load_theirs())  # while the daemon runs
        kick(guest, "has no fresh seed")
        stop_daemon(guest)
        start_daemon(guest, first="has no fresh seed (event: start)")
        guest.check("sleep 2")
        assert not said(guest, "next attempt")
        assert crash_status(guest)["method"] == "foreign"
        stop_daemon(guest)

        guest.check("touch /run/fails")
        start_daemon(guest, "--reload-command='/run/reload \"one word\"'",
                     first="the reload command ended with status 1")
        guest.check(until("[ $(wc -l </run/reloads) -ge 3 ]"))
        assert guest.check("sort -u /run/reloads") == "one word\n"
        tries = said(guest, "next attempt in")
        assert [x.split("next attempt in ")[1] for x in tries][:2] == ["1 s", "2 s"]
        guest.check("rm /run/fails; "
                    + until("dmesg | grep -q 'fresh seed (event: start, command'"))
        done = len(guest.check("cat /run/reloads").splitlines())
        guest.check("sleep 3")
        assert len(guest.check("cat /run/reloads").splitlines()) == done

        guest.check(load_probe())  # ours again: no command runs
        kick(guest)
        assert crash_status(guest)["refreshes"] == 1
        assert len(guest.check("cat /run/reloads").splitlines()) == done
        guest.check(load_theirs())  # and theirs
        kick(guest)
        assert crash_status(guest)["method"] == "foreign"
        assert len(guest.check("cat /run/reloads").splitlines()) == done + 1


def test_files_are_gone(build):
    """An image of ours whose initrd was removed: the reload command loads another one."""
    with Guest(**machine(build, KERNEL)) as guest:
        guest.put("/run/reload", RELOAD)
        guest.check(f"chmod +x /run/reload; cp {RAMDISK} /gone; "
                    + load_probe("-s", "").replace(RAMDISK, "/gone"))
        start_daemon(guest, "--reload-command='/run/reload gone'")
        guest.check("mv /gone /kept")
        kick(guest)
        assert said(guest, "/gone: No such file")
        assert guest.check("cat /run/reloads") == "gone\n"
        assert crash_status(guest)["method"] == "foreign"


def test_kernel_refuses(build):
    """A refresh that cannot succeed is retried with growing delays, and does no harm."""
    with Guest(**machine(build, KERNEL)) as guest:
        guest.check(load_probe())
        start_daemon(guest)
        slot = seed_slot(guest)
        seed = seed_at(guest, slot)
        guest.check("echo 1 >/proc/sys/kernel/kexec_load_disabled")
        kick(guest, "has no fresh seed")
        guest.check("sleep 4")
        tries = timed(guest, "next attempt in")
        assert [x.split()[-2] for _, x in tries] == ["1", "2", "4"]
        assert seed_at(guest, slot) == seed
        assert crash_status(guest)["loaded"] and crash_status(guest)["proven"]
        assert daemon_status(guest)["running"]
        stop_daemon(guest)
