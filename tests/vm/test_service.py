# SPDX-License-Identifier: GPL-2.0-only
"""kexec-seed.service in a Debian with systemd, as installed by `make install`.

One guest runs all steps: the sandbox must leave enough rights for a refresh after a real fork,
and systemd-analyze scores the rest.
"""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from cache import MissingError, kernel_image
from crash import read_memory
from debian import debian_initrd, debian_root
from guest import SLOW, Guest
from initrd import HERE, build_initrd

UNIT = "kexec-seed.service"
LOADER = "kdump-tools.service"  # one of the two units it is ordered after
RECIPE = "/run/kexec-seed/crash.recipe"
CONF = "/etc/kexec-seed.conf.d/test.conf"
RESEEDED = "crng reseeded due to virtual machine fork"
EXPOSURE_MAX = 2.0
LOAD = "kexec -p /boot/vmlinuz --initrd=/boot/initrd --command-line='console=ttyS0'"
# Not needed, and slow to start.
MASKED = ["e2scrub_reap.service", "getty-static.service", "apt-daily.timer",
          "apt-daily-upgrade.timer", "dpkg-db-backup.timer"]
SYSTEM = "/etc/systemd/system"
FILES = {
    f"{SYSTEM}/agent.service": f"""
[Service]
ExecStart=/bin/sh /usr/local/sbin/agent /dev/ttyS1
""",
    f"{SYSTEM}/{LOADER}": f"""
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={LOAD}
""",
}
# A short watchdog, to not wait for ten minutes. The daemon pings at half the interval, but not
# during a refresh, which may take seconds on a slow machine: the other steps use the unit's.
WATCHDOG = f"{SYSTEM}/{UNIT}.d/watchdog.conf"


@pytest.fixture(scope="module")
def root() -> Path:
    try:
        return debian_root()
    except MissingError as error:
        pytest.skip(f"no Debian to run the service in: {error}")


def archive(build: Path, root: Path, folder: Path) -> Path:
    """The root with our installation and the guest's agent."""
    stage = folder / "stage"
    done = subprocess.run(["make", "-C", build, "install", f"DESTDIR={stage}"],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(stage.rglob(UNIT))
    files = {f"/{p.relative_to(stage)}": p for p in stage.rglob("*") if p.is_file()}
    files |= {path: text.encode() for path, text in FILES.items()}
    files |= {"/boot/vmlinuz": kernel_image("6.1"),
              "/boot/initrd": build_initrd(name="next"),
              "/usr/local/sbin/agent": HERE / "guest-root/agent"}
    links = {f"{SYSTEM}/multi-user.target.wants/agent.service": "../agent.service"}
    links |= {f"{SYSTEM}/{name}": "/dev/null" for name in MASKED}
    return debian_initrd(root, files, links, folder)


class Service:
    """The unit, as seen by the manager and the journal."""

    def __init__(self, guest: Guest):
        self.guest = guest

    def get(self, name: str, unit: str = UNIT) -> str:
        return self.guest.check(f"systemctl show --value -p {name} {unit}").strip()

    def journal(self) -> list[dict]:
        text = self.guest.check(f"journalctl -b -u {UNIT} -o json --no-pager")
        return [json.loads(line) for line in text.splitlines()]

    def said(self) -> str:
        return "\n".join(e["MESSAGE"] for e in self.journal())

    def refreshes(self) -> list[dict]:
        """The journal's entries on successful refreshes, oldest first."""
        return [e for e in self.journal()
                if e["MESSAGE"].startswith("the crash kernel has a fresh seed")]

    def status(self) -> dict:
        return json.loads(self.guest.check("kexec-seed status --json"))

    def wait_refresh(self, count: int, source: str, method: str) -> dict:
        """Wait for that many refreshes; returns the last one's entry."""
        self.until(lambda: len(self.refreshes()) >= count, f"refresh {count}, {source}")
        done = self.refreshes()
        last = len(done), done[-1]["KEXEC_SEED_SOURCE"], done[-1]["KEXEC_SEED_METHOD"]
        assert last == (count, source, method), self.said()
        assert int(done[-1]["KEXEC_SEED_DURATION_USEC"]) > 0
        return done[-1]

    def wait_start(self, count: int) -> None:
        """Wait for that many starts of the daemon that found nothing to do."""
        words = "was not forked since the last refresh (event: start)"
        self.until(lambda: self.said().count(words) >= count, f"start {count}")
        assert self.said().count(words) == count, self.said()

    def until(self, holds, what: str, timeout: float = 40) -> None:
        deadline = time.monotonic() + timeout * SLOW
        while not holds():
            if time.monotonic() > deadline:
                pytest.fail(f"{what}: did not happen; the journal says\n{self.said()}")
            time.sleep(0.5)

    def until_said(self, words: str) -> None:
        self.until(lambda: any(words in e["MESSAGE"] for e in self.journal()), words)


def seed(guest: Guest, service: Service) -> bytes:
    [slot] = service.status()["crash"]["seed_slots"]
    return read_memory(guest, slot["addr"], slot["len"])


def starts(guest: Guest, service: Service) -> None:
    """By its preset, after the unit that loads the crash kernel."""
    guest.check(f"systemctl preset {UNIT}")
    assert guest.check(f"systemctl is-enabled {UNIT}").strip() == "enabled"
    guest.check(f"systemctl start {LOADER} {UNIT}")
    assert int(service.get("ActiveEnterTimestampMonotonic", LOADER)) \
        <= int(service.get("InactiveExitTimestampMonotonic"))
    assert service.get("Type") == "notify" and service.get("ActiveState") == "active"
    service.wait_start(1)
    assert service.get("StatusText") == "Listening to: kmsg; 0 refreshes, 0 failed"
    status = service.status()
    assert status["daemon"]["running"] and status["crash"]["proven"]
    assert status["daemon"]["sources"]["kmsg"] == "active"
    told = {e["KEXEC_SEED_SOURCE"] for e in service.journal()
            if e["MESSAGE"].startswith("source ")}
    assert told == {"uevent", "kmsg", "vmclock", "genid"}
    assert told == set(status["daemon"]["sources"])


def is_locked_in(guest: Guest) -> None:
    text = guest.check(f"systemd-analyze security {UNIT} --no-pager | cat")
    exposure = re.search(r"exposure level for \S+: (\d+\.\d+)", text)
    assert float(exposure[1]) <= EXPOSURE_MAX, text


def reloads(guest: Guest, service: Service) -> None:
    """A reload survives a bad configuration; a start does not."""
    guest.check(f"systemctl reload {UNIT}")
    service.wait_refresh(1, "signal", "dynamic")
    guest.check(f"mkdir -p {Path(CONF).parent}; echo evrey = 60 >{CONF}")
    guest.check(f"systemctl reload {UNIT}")
    service.wait_refresh(2, "signal", "dynamic")
    assert any(f"{CONF}:1: " in e["MESSAGE"] and "evrey" in e["MESSAGE"]
               for e in service.journal())
    pid = service.get("MainPID")
    assert pid != "0" and service.get("NRestarts") == "0"
    assert guest.run(f"systemctl restart {UNIT}").status
    assert service.get("ExecMainStatus") == "2"
    assert service.get("ActiveState") == "failed"  # and is not restarted over and over
    guest.check(f"rm {CONF}; systemctl enable --now {UNIT}")
    service.wait_start(2)


def is_kept_alive(guest: Guest, service: Service) -> None:
    """After SIGKILL, and after SIGSTOP by the watchdog."""
    restart = f"systemctl daemon-reload; systemctl restart {UNIT}"
    guest.check(f"mkdir -p {Path(WATCHDOG).parent};"
                f" printf '[Service]\\nWatchdogSec=20\\n' >{WATCHDOG}; {restart}")
    service.wait_start(3)
    before = service.get("WatchdogTimestampMonotonic")
    service.until(lambda: service.get("WatchdogTimestampMonotonic") != before, "a ping")
    assert service.get("NRestarts") == "0"
    guest.check(f"systemctl kill -s KILL {UNIT}")
    service.wait_start(4)
    assert service.get("NRestarts") == "1"
    guest.check(f"systemctl kill -s STOP {UNIT}")
    service.wait_start(5)
    assert service.get("NRestarts") == "2"
    service.until_said("Watchdog timeout")
    guest.check(f"rm {WATCHDOG}; {restart}")
    service.wait_start(6)


def asks_others(guest: Guest, service: Service) -> None:
    """The recipe is lost; the reload command may do things that the daemon may not."""
    guest.check(f"rm {RECIPE}; systemctl reload {UNIT}")
    service.until_said("was not loaded by kexec of")
    guest.check(f"echo reload-command = systemctl restart {LOADER} >{CONF};"
                f" systemctl reload {UNIT}")
    service.wait_refresh(4, "signal", "command")
    assert service.status()["crash"]["method"] == "kexec_load"


def makes_its_folder_again(guest: Guest, service: Service) -> None:
    """After /run was wiped; with the recipe lost, the loader must load again."""
    guest.check("rm -rf /run/kexec-seed")
    service.until(lambda: service.status()["daemon"]["running"], "a folder")
    guest.check(f"systemctl restart {LOADER}; systemctl reload {UNIT}")
    service.wait_refresh(5, "signal", "dynamic")
    assert service.get("NRestarts") == "0" and service.status()["crash"]["proven"]


def loads_all(guest: Guest, service: Service) -> None:
    """With the kernel's help in the sandbox; without it, if a drop-in allows it."""
    guest.check(f"rm {CONF}; {LOAD.replace('-p', '-s -p')} && systemctl reload {UNIT}")
    service.wait_refresh(6, "signal", "full")
    status = service.status()["crash"]
    assert status["method"] == "kexec_file_load" and status["proven"]
    # as if a load was killed halfway: a full reload is due
    killed = (f"{LOAD} && cp -a {RECIPE} /run/copy && kexec -p -u && cp -a /run/copy {RECIPE} &&"
              f" cp -a /run/copy {RECIPE}.next && systemctl reload {UNIT}")
    guest.check(killed)
    service.wait_refresh(7, "signal", "full")
    service.until_said("using kexec_file_load: /proc/iomem")
    assert service.status()["crash"]["method"] == "kexec_file_load"
    guest.check("printf '[Service]\\nCapabilityBoundingSet=CAP_SYS_ADMIN\\n'"
                f" >{SYSTEM}/{UNIT}.d/full.conf; systemctl daemon-reload;"
                f" systemctl restart {UNIT}; {killed}")
    service.wait_refresh(8, "signal", "full")
    assert service.status()["crash"]["method"] == "kexec_load"


def ends(guest: Guest, service: Service) -> None:
    """The loaded image and its recipe outlive the daemon."""
    said = guest.check(f"journalctl -u {UNIT} KEXEC_SEED_METHOD=dynamic")
    methods = [e["KEXEC_SEED_METHOD"] for e in service.refreshes()]
    assert said.count("has a fresh seed") == methods.count("dynamic"), said
    assert "Listening to: " in guest.check("systemctl status kexec-seed")
    guest.check(f"systemctl disable --now {UNIT}")
    assert service.get("Result") == "success"
    assert guest.check(f"stat -c %a {RECIPE}").strip() == "600"
    status = service.status()
    assert not status["daemon"]["running"] and status["crash"]["proven"]


def test_service(build, root, tmp_path):
    setup = {"kernel": "6.1-generic", "memory": "2G",
             "initrd": archive(build, root, tmp_path),
             "cmdline": "crashkernel=256M rdinit=/lib/systemd/systemd",
             "extra": ["-device", "vmgenid,guid=auto"]}
    saved = tmp_path / "saved"
    with Guest(**setup) as guest:
        guest.wait_ready(150)
        service = Service(guest)
        starts(guest, service)
        is_locked_in(guest)
        reloads(guest, service)
        before = seed(guest, service)
        guest.save(saved)
    with Guest(**setup, incoming=saved) as guest:
        guest.cont()
        guest.wait_console(RESEEDED)
        service = Service(guest)
        service.wait_refresh(3, "kmsg", "dynamic")
        assert seed(guest, service) != before
        assert service.status()["crash"]["last_source"] == "kmsg"
        for path in (saved, setup["initrd"]):  # large; QEMU has read them
            path.unlink()
        is_kept_alive(guest, service)
        asks_others(guest, service)
        makes_its_folder_again(guest, service)
        loads_all(guest, service)
        ends(guest, service)
