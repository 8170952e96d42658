# SPDX-License-Identifier: GPL-2.0-only
"""The verdict of `kexec-seed status`: its first line, its JSON and the exit status of `--check`
agree, and are right in each situation. Several share a guest; a locked-down kernel is in
test_lockdown.py, one without crashkernel= in test_refresh_refused.py, kdump-tools in
test_kdump.py.
"""

import json

from crash import Setup
from forks import VMGENID, start_daemon, stop_daemon, until
from guest import Guest
from loaded import RAMDISK, flip, judged, load_probe, load_theirs, plan, refreshable
from test_refresh import age_purgatory
from test_refresh_refused import NO_KCORE, RECIPE, apart

MIXED = "mixed at the crash with RDRAND, kernel memory"
SHARED = "clones share its seed until it is refreshed"
AS_FILE = f"loaded with kexec_file_load: {SHARED}"
# where kexec_load would be allowed
NO_S = "; to mix it, take -s out of the options of kexec -p and load again"
# as an administrator loads it: with mixing
OURS = load_probe(options="")
NOBODY = "/usr/sbin/setpriv --reuid=65534 --regid=65534 --clear-groups"


def files_changed(guest: Guest) -> None:
    """The initrd is rebuilt, and put back."""
    guest.check(OURS)
    guest.check(f"cp {RAMDISK} /kept; echo x >>{RAMDISK}")
    told = judged(guest, "protected", MIXED)
    assert told["crash"]["files_unchanged"] is False
    guest.check(f"cat /kept >{RAMDISK}")
    guest.check(load_probe("-s", ""))
    guest.check(f"echo x >>{RAMDISK}")
    judged(guest, "not protected",
           f"{AS_FILE}, which is not possible: {RAMDISK} is not what was loaded{NO_S}",
           "kexec -p")
    guest.check(f"cat /kept >{RAMDISK}")  # read and compared, as its status is newer
    told = judged(guest, "protected after a refresh", f"{AS_FILE}, as the daemon does{NO_S}")
    assert told["crash"]["files_unchanged"] is True


def daemon_follows(guest: Guest) -> None:
    """It cannot refresh another tool's image, and notices the next one of ours."""
    guest.check(load_theirs())
    judged(guest, "not protected",
           r"another kexec has loaded the crash kernel \(.*another crash image is loaded.*\)",
           "kexec -p")
    guest.check("kill -HUP $(cat /run/daemon.pid); "
                + until("kexec-seed status --json | grep '\"error\":\"the loaded'"))
    guest.check(OURS)
    guest.check(until("kexec-seed status --json | grep '\"error\":null'", 5))
    judged(guest, "protected", MIXED)


def test_with_sources(build):
    with refreshable(build, Setup("6.12"), extra=VMGENID) as guest:
        judged(guest, "not protected", "no crash kernel is loaded", "kexec -p")
        judged(guest, "not protected", "no crash kernel is loaded", "kexec -p",
               f"{NOBODY} {{}}")

        # without a daemon
        guest.check(OURS)
        judged(guest, "protected", MIXED)
        guest.check(load_probe(options="--seed=off"))
        judged(guest, "not protected", "it was loaded with --seed=off: take that out of .*",
               "kexec -p")
        guest.check(load_probe())
        judged(guest, "not protected", "it was loaded with --seed-mix=off and no daemon is"
               " running: take that out of the options of kexec -p", "kexec -p")
        guest.check(load_probe("-s", ""))
        judged(guest, "not protected", f"{AS_FILE}, and no daemon is running{NO_S}",
               "kexec-seed daemon")

        # with one
        guest.check(load_probe())
        start_daemon(guest)
        judged(guest, "protected after a refresh",
               f"loaded with --seed-mix=off: {SHARED}, as the daemon does")
        guest.check(load_probe("-s", ""))
        told = judged(guest, "protected after a refresh", f"{AS_FILE}, as the daemon does{NO_S}")
        states = told["daemon"]["source_states"]
        assert states["kmsg"] == {"state": "active", "reason": None}
        assert states["uevent"]["state"] == "waiting" and states["uevent"]["reason"]
        assert {x["state"] for x in states.values()} <= {"active", "waiting", "inactive"}
        files_changed(guest)
        daemon_follows(guest)
        stop_daemon(guest)
        guest.check(load_probe("-s", ""))
        start_daemon(guest)
        guest.check("kill -9 $(cat /run/daemon.pid); "
                    + until("[ ! -d /proc/$(cat /run/daemon.pid) ]"))
        judged(guest, "not protected", f"{AS_FILE}, and no daemon is running{NO_S}",
               "kexec-seed daemon")


def test_not_for_all_to_see(build):
    """Users without privileges, hidden memory, damage, an older version; and a machine that
    cannot learn of forks."""
    with refreshable(build, Setup("6.1", cpu="qemu64")) as guest:
        # no RDRAND, and no time to gather entropy
        done = guest.check(load_probe(options="--seed-timeout=0"))
        assert "not ready" in done, "the generator was ready at once: this proves nothing"
        judged(guest, "not protected", "it has no seed: the RNG was not ready at the load",
               "kexec-seed refresh")
        guest.check("kexec-seed refresh")
        judged(guest, "protected", "mixed at the crash with kernel memory")
        for user in (NOBODY, f"{NOBODY} --inh-caps=-all"):
            told = judged(guest, "cannot tell", "/run/kexec-seed: .* needs root", None,
                          f"{user} {{}}")
            assert told["crash"]["loaded"] and told["daemon"]["running"] is None
            assert told["crash"]["method"] is None and told["crash"]["proven"] is None
        told = judged(guest, "cannot tell", "/proc/kcore: .*", None,
                      apart(NO_KCORE, "{}"))
        addr, size = plan(guest)["elfcorehdr"]
        flip(guest, addr + size // 2)
        judged(guest, "not protected", "the loaded image is damaged: .*",
               "kexec-seed refresh --full")
        done = guest.run("kexec-seed verify --json 2>/dev/null")
        told = json.loads(done.output)
        assert (done.status, told["good"], told["result"]) == (1, False, "damaged")
        assert told["remedy"] == "kexec-seed refresh --full"
        flip(guest, addr + size // 2)
        done = guest.run(apart(NO_KCORE, "kexec-seed verify --json 2>/dev/null"))
        told = json.loads(done.output)
        assert (done.status, told["good"], told["result"]) == (1, None, "unknown")
        assert "/proc/kcore" in told["reason"]

        guest.check(f"cp {RECIPE} /kept")
        guest.put(RECIPE, age_purgatory(guest.run(f"cat {RECIPE}").data))
        judged(guest, "not protected", "an older version of kexec has loaded it",
               "kexec-seed refresh")
        done = guest.run("kexec-seed verify --json 2>/dev/null")
        told = json.loads(done.output)
        assert (done.status, told["good"], told["result"]) == (0, None, "outdated")

        guest.check(load_probe("-s", ""))
        start_daemon(guest)
        judged(guest, "not protected",
               f"{AS_FILE}, and no fork source is active: refresh it after each fork{NO_S}",
               "kexec-seed refresh")
        done = guest.run("kexec-seed verify --json 2>/dev/null")
        told = json.loads(done.output)
        assert (done.status, told["good"]) == (1, None)
        assert told["result"] == "checked by the kernel" and told["remedy"] is None
        guest.check("echo 1 >/proc/sys/kernel/kexec_load_disabled")
        judged(guest, "not protected", f"{AS_FILE}, which .*kexec_load_disabled is 1.*",
               "reboot")
