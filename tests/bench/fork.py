# SPDX-License-Identifier: GPL-2.0-only
"""From a VM fork to the fresh seed: the daemon, in a guest whose kernel sees faked forks one
after the other (tests/vm/vmforks), after one to warm up.

    reaction   from the kernel's line about the fork to the daemon's that the seed is fresh:
               with the kernel's log, then with the uevent of vmgenid_uevent as source
    call       the kexec_load(2) call that every refresh needs
"""

import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "vm"))

import cache  # noqa: E402
import forks  # noqa: E402
from loaded import load_probe  # noqa: E402
from guest import Guest  # noqa: E402

KERNEL = "6.12"
LEAST = 15  # forks, half a second each; the delay of the log source varies
HEARD_FROM = {"kmsg": "the kernel's log", "uevent": "vmgenid_uevent"}
# Private memory of a process, see proc_pid_smaps(5).
PRIVATE = "awk '/^Private_/ { s += $2 } END { print s }' /proc/{}/smaps_rollup"


def one_fork(guest: Guest, source: str) -> dict:
    """{"SOURCE_ms", "call_ms"}."""
    guest.check(forks.forks_command() + "; sleep 0.5")
    reaction = forks.latency(guest) * 1e3
    assert f"event: {source}, dynamic" in forks.said(guest, "has a fresh seed")[-1]
    told = json.loads(guest.check("kexec-seed refresh --json"))
    return {f"{source}_ms": reaction, "call_ms": told["window"] * 1e3}


def heard(guest: Guest, source: str, rounds: int) -> list[dict]:
    return [one_fork(guest, source) for _ in range(max(rounds, LEAST) + 1)][1:]


def measure(build: Path, rounds: int) -> dict:
    """{"kernel": release, "kmsg_ms", "uevent_ms", "call_ms", "daemon_kib"}; medians."""
    with tempfile.TemporaryDirectory(prefix="fork.", dir=build) as folder:
        modules = {forks.FORKS: forks.build_module(KERNEL, Path(folder) / "vmforks",
                                                   forks.FORKS_SOURCE),
                   forks.MODULE: forks.build_module(KERNEL, Path(folder) / "uevent")}
        setup = forks.machine(build, KERNEL, files=modules)
        with Guest(**setup) as guest:
            guest.check(load_probe())
            pid = forks.start_daemon(guest)
            runs = heard(guest, "kmsg", rounds)
            private = int(guest.check(PRIVATE.replace("{}", str(pid), 1)))
            forks.stop_daemon(guest)
            guest.check(f"insmod {forks.MODULE}")
            forks.start_daemon(guest, "--sources=uevent")
            runs += heard(guest, "uevent", rounds)
    return {"kernel": cache.kernel_release(KERNEL), "daemon_kib": private} | {
        key: round(statistics.median(one[key] for one in runs if key in one), 3)
        for key in (*(f"{source}_ms" for source in HEARD_FROM), "call_ms")}
