# SPDX-License-Identifier: GPL-2.0-only
"""Obstacles between kexec or kexec-seed and a crash kernel: exit status 1, one clear line on
standard error, and the loaded image stays, to the byte.

Notes may precede that line, one each: why a refresh could not replace the seed alone ("loading
all of it again"), or why kexec falls back to the other system call ("using kexec_file_load").
Each test names the notes it expects; any other line fails it. Output of verify on standard
output is ignored.
"""

import json

import pytest

from crash import PROBE, Setup
from loaded import (THEIRS, crash_status, judged, load_probe, load_theirs, refreshable,
                    refused, seed_after_crash, seed_in_slot, unchanged)
from places import KERNELS, some

AGAIN = "loading all of it again"
FOLDER = "/run/kexec-seed"
RECIPE = f"{FOLDER}/crash.recipe"
SETPRIV = "/usr/sbin/setpriv --bounding-set"
LOADS = (load_probe(), load_probe("-s", ""), load_probe(""))
REFRESHES = ("kexec-seed refresh", "kexec-seed refresh --full")


def apart(change: str, command: str) -> str:
    """`command` in a mount namespace of its own, after `change` has mounted something."""
    return f'unshare -m sh -c "{change} && {command}"'


def status_of(guest, change: str) -> dict:
    return json.loads(guest.check(apart(change, "kexec-seed status --json")))["crash"]


NO_KCORE = "mount --bind /dev/null /proc/kcore"
UNPROVEN = "whether kexec of kexec-seed has loaded the crash kernel cannot be told"
KCORE_SAYS = "/proc/kcore: not the memory of an x86_64 kernel"


def test_no_kcore(build):
    with refreshable(build, Setup("6.12")) as guest:
        guest.check(load_probe())
        with unchanged(guest):
            refused(guest, apart(NO_KCORE, load_probe()), KCORE_SAYS)
            for command in REFRESHES:
                refused(guest, apart(NO_KCORE, command), KCORE_SAYS, UNPROVEN)
            refused(guest, apart(NO_KCORE, "kexec-seed verify"), "cannot verify",
                    KCORE_SAYS)
            status = status_of(guest, NO_KCORE)
            assert status["method"] == "foreign" and not status["proven"]
            assert KCORE_SAYS in status["why"] and status["seed_slots"] == []
        assert crash_status(guest)["proven"]  # to whom can read it, it is ours
        guest.check(REFRESHES[0])
        # loaded by the kernel, while it could not be read; then by another tool
        for load in (apart(NO_KCORE, load_probe("-s", "")), load_theirs("-s", "ours"),
                     load_theirs()):
            guest.check(load)
            with unchanged(guest):
                for change in (NO_KCORE, "true"):
                    for command in REFRESHES:
                        done = guest.run(apart(change, command))
                        assert done.status == 1, done.output
                    assert status_of(guest, change)["method"] == "foreign"
        seed_after_crash(guest, "theirs")


# Recipe folders that are read-only or full.
FULL = ("mkdir -p /mnt && mount -t tmpfs -o size=256k none /mnt && cp -a /run/kexec-seed"
        " /mnt && mount --bind /mnt /run && { head -c 300000 /dev/zero >/run/fill"
        " 2>/dev/null; true; }")
READ_ONLY = "mount --bind /run /run && mount -o remount,bind,ro /run"


@pytest.mark.parametrize("kernel", some(["6.1", "7.3"], 0))
def test_run_full(build, kernel):
    """A full folder must not cost the fresh seed or the crash kernel: only commands that need
    the new image's recipe fail."""
    with refreshable(build, Setup(kernel)) as guest:
        guest.check(load_probe())
        first = seed_in_slot(guest)
        out = guest.check(apart(FULL, REFRESHES[0]))
        [note] = [x for x in out.splitlines() if x.startswith("kexec-seed: ")]
        assert "is not counted" in note and "file system is full" in note
        second = seed_in_slot(guest)
        status = crash_status(guest)
        assert first != second and status["proven"] and status["refreshes"] == 0
        with unchanged(guest):
            refused(guest, apart(FULL, REFRESHES[1]), RECIPE, "file system is full")
            guest.check(apart(FULL, "kexec-seed verify"))
            assert guest.check(f"ls -A {FOLDER}").split() == ["crash.recipe", "lock"]
        out = guest.check(apart(FULL, load_probe()))
        [note] = out.splitlines()
        assert "cannot refresh this image" in note and "file system is full" in note
        seed, _ = seed_after_crash(guest)
        assert seed not in (first, second)


def test_run_read_only(build):
    with refreshable(build, Setup("6.12")) as guest:
        guest.check(load_probe())
        with unchanged(guest):
            refused(guest, apart(READ_ONLY, REFRESHES[1]), FOLDER, "is read-only")
            assert status_of(guest, READ_ONLY)["proven"]
            guest.check(apart(READ_ONLY, "kexec-seed verify"))
        done = guest.check(apart(READ_ONLY, "kexec-seed refresh 2>&1"))
        assert "is not counted" in done and "dynamic" in done
        assert crash_status(guest)["refreshes"] == 0
        # as a killed refresh leaves it
        guest.check(f"mv {FOLDER}/crash.recipe {FOLDER}/crash.recipe.next")
        before = seed_in_slot(guest)
        done = guest.check(apart(READ_ONLY, "kexec-seed refresh 2>&1"))
        assert "leftovers of an interrupted load stay" in done and "is not counted" in done
        assert seed_in_slot(guest) != before
        assert guest.check(f"ls -A {FOLDER}").split() == ["crash.recipe.next", "lock"]
        guest.check("kexec-seed refresh")
        assert crash_status(guest)["refreshes"] == 1
        [note] = guest.check(apart(READ_ONLY, load_probe())).splitlines()
        assert "cannot refresh this image" in note and "is read-only" in note
        assert crash_status(guest)["method"] == "foreign"
        seed_after_crash(guest)


def test_rules_of_the_kernel(build):
    """Capabilities, then switches that stay until the next boot, one after the other in one
    guest. The image loaded before all of it boots."""
    with refreshable(build, Setup("7.3")) as guest:
        guest.check(load_probe())
        with unchanged(guest):
            for command in LOADS:
                refused(guest, f"{SETPRIV} -sys_boot {command}", "root (CAP_SYS_BOOT)")
            for command in REFRESHES:
                refused(guest, f"{SETPRIV} -sys_boot {command}", "root (CAP_SYS_BOOT)")
            guest.check(f"{SETPRIV} -sys_boot kexec-seed verify")
            refused(guest, f"{SETPRIV} -sys_boot kexec -p -u", "root (CAP_SYS_BOOT)")

            needs = "root with CAP_SYS_RAWIO"
            refused(guest, f"{SETPRIV} -sys_rawio {load_probe()}", needs)
            refused(guest, f"{SETPRIV} -sys_rawio {REFRESHES[0]}", needs, UNPROVEN)
            refused(guest, f"{SETPRIV} -sys_rawio {REFRESHES[1]}", needs)
            refused(guest, f"{SETPRIV} -sys_rawio kexec-seed verify", needs)

            guest.check("echo 0 >/proc/sys/kernel/kexec_load_limit_panic")
            for command in (*LOADS, *REFRESHES):
                refused(guest, command, "no more loads", "kexec_load_limit_panic is 0")
            guest.check("echo 1 >/proc/sys/kernel/kexec_load_disabled")
            for command in (*LOADS, *REFRESHES):
                refused(guest, command, "kexec_load_disabled is 1")
            guest.check("kexec-seed verify")
            assert crash_status(guest)["refreshes"] == 0
        seed = seed_in_slot(guest)
        assert seed_after_crash(guest)[0] == seed


@pytest.mark.parametrize("kernel", some(["6.1", "7.3"], 1))
def test_lockdown(build, kernel):
    with refreshable(build, Setup(kernel)) as guest:
        guest.check("mount -t securityfs securityfs /sys/kernel/security")
        guest.check(load_probe())
        with unchanged(guest):
            guest.check("echo integrity >/sys/kernel/security/lockdown")
            says = "locked down (integrity), as under Secure Boot, and takes signed kernels only"
            refused(guest, load_probe(), says, "(-s)")
            refused(guest, REFRESHES[0], says, notes=(AGAIN,))
            refused(guest, REFRESHES[1], says)
            guest.check("kexec-seed verify")
            guest.check("echo confidentiality >/sys/kernel/security/lockdown")
            says = "/proc/kcore: Operation not permitted"
            refused(guest, load_probe(), says, "lockdown=confidentiality")
            for command in REFRESHES:
                refused(guest, command, says, UNPROVEN)
            refused(guest, "kexec-seed verify", "cannot verify", says)
            status = crash_status(guest)
            assert status["method"] == "foreign" and not status["proven"]
        seed_after_crash(guest)


@pytest.mark.parametrize("how", ["", "-s"])
def test_lockdown_after_the_load(build, how):
    """The kernel drops the loaded image before it checks the next one's signature, so a refresh
    that must fail may not get that far."""
    with refreshable(build, Setup("6.12")) as guest:
        guest.check("mount -t securityfs securityfs /sys/kernel/security")
        guest.check(load_probe(how, ""))
        with unchanged(guest):
            guest.check("echo integrity >/sys/kernel/security/lockdown")
            for command in REFRESHES:
                done = guest.run(command)
                assert done.status == 1 and "locked down" in done.output, done.output
        seed_after_crash(guest)


SIZE = "--print-ckr-size"
NOBODY = "/usr/sbin/setpriv --reuid=65534 --clear-groups"


def test_no_region(build):
    with refreshable(build, Setup("6.12", crashkernel="0M")) as guest:
        says = "no memory is reserved for a crash kernel: boot with crashkernel="
        for how in ("-c", "-s", ""):
            refused(guest, load_probe(how), says)
        for command in (*REFRESHES, "kexec-seed verify"):
            refused(guest, command, "no crash kernel is loaded")
        status = crash_status(guest)
        assert not status["loaded"] and status["method"] == "none"
        judged(guest, "not protected", "no crash kernel is loaded, and no memory is reserved"
               " for one", "boot with crashkernel=")
        assert guest.check(f"{NOBODY} kexec {SIZE}").strip() == "0"


def test_two_regions(build):
    """The kernel's total includes the low part, where no image goes."""
    with refreshable(build, Setup("6.12", 1, "8G", "256M,high")) as guest:
        for command in (f"kexec {SIZE}", f"{THEIRS} {SIZE}"):
            assert int(guest.check(command)) == 256 << 20
        assert int(guest.check(f"{NOBODY} kexec {SIZE}")) > 256 << 20


def filled(length: int) -> str:
    """A command line of this length; it begins with "ours ", of load_probe()."""
    return f"--append=$(head -c {length - len('ours ')} /dev/zero | tr '\\0' x)"


@pytest.mark.parametrize("kernel", some(KERNELS, 1))
def test_what_the_kernel_would_find_too_late(build, kernel):
    """kexec_file_load checks the command line and the available space only after it has dropped
    the loaded image, so kexec checks them first."""
    with refreshable(build, Setup(kernel)) as guest:
        guest.check("truncate -s 300M /large")
        for command in (f"{NOBODY} kexec {SIZE}", f"kexec {SIZE}", f"{THEIRS} {SIZE}"):
            assert int(guest.check(command)) == 256 << 20
        for most in (load_probe("-s", filled(2016)), load_probe()):
            guest.check(most)
            with unchanged(guest):
                refused(guest, load_probe("-s", filled(2017)), "has 2017 bytes",
                        "takes 2016")
                refused(guest, load_probe("-s", "--initrd=/large"), "do not fit into the",
                        "256 MiB")
        # the reason: without these checks the loaded image is lost
        assert guest.run(load_theirs("-s", "x" * 2017)).status != 0
        assert guest.check("cat /sys/kernel/kexec_crash_loaded").strip() == "0"


# A command that spoils the recipe, and words of the expected line.
BAD_RECIPES = [
    (f"dd if=/dev/null of={RECIPE} bs=1 seek=500 2>/dev/null", "truncated"),
    (f": >{RECIPE}", "truncated"),
    (f"printf '\\377' | dd of={RECIPE} bs=1 seek=8 conv=notrunc 2>/dev/null", "version"),
    (f"printf '\\377' | dd of={RECIPE} bs=1 seek=99 conv=notrunc 2>/dev/null", "damaged"),
    (f"printf 'KSRECIPX' | dd of={RECIPE} conv=notrunc 2>/dev/null", "recipe"),
    (f"chown 1 {RECIPE}", "belongs to user 1"),
    (f"chmod 644 {RECIPE}", "its mode is 0644"),
    (f"ln {RECIPE} {FOLDER}/other", "names, not one"),
    (f"mv {RECIPE} /tmp/moved; ln -s /tmp/moved {RECIPE}", RECIPE),
    (f"rm {RECIPE}; mkdir {RECIPE}", "not a regular file"),
    (f"rm {RECIPE}", "does not exist"),
    (f"chmod 755 {FOLDER}", "its mode is 0755"),
    (f"chown 1 {FOLDER}", "belongs to user 1"),
    (f"mv {FOLDER} /tmp/folder; ln -s /tmp/folder {FOLDER}", "symbolic link"),
]


def test_bad_recipes(build):
    with refreshable(build, Setup("6.12")) as guest:
        guest.check(load_probe())
        guest.check(f"cp -a {FOLDER} /tmp/kept")
        with unchanged(guest):
            for spoil, says in BAD_RECIPES:
                guest.check(spoil)
                for command in REFRESHES:
                    refused(guest, command, FOLDER, says)
                refused(guest, "kexec-seed verify", FOLDER, says)
                told = guest.run("kexec-seed status --json")
                if told.status:  # a folder of unknown origin: no claim
                    refused(guest, "kexec-seed status", FOLDER, says)
                else:
                    status = json.loads(told.output)["crash"]
                    assert status["loaded"] and status["method"] == "foreign", spoil
                    assert status["seed_slots"] == []
                guest.check(f"rm -rf {FOLDER}; cp -a /tmp/kept {FOLDER}")
            assert crash_status(guest)["proven"]
        guest.check(REFRESHES[0])

        # A load replaces a bad recipe
        guest.check(f"chown 1 {RECIPE}")
        assert guest.check(load_probe()) == ""
        guest.check(REFRESHES[0])
        # and if another user owns the folder, it loads and reports that it cannot.
        guest.check(f"chown 1 {FOLDER}")
        [note] = guest.check(load_probe()).splitlines()
        assert "cannot refresh this image" in note and "belongs to user 1" in note
        seed_after_crash(guest)


def test_damaged_files_leave_the_image(build):
    """kexec -p finds errors in its files before the load."""
    with refreshable(build, Setup("6.12")) as guest:
        guest.check(load_probe())
        with unchanged(guest):
            guest.check(f"head -c 3000 {PROBE} >/short; truncate -s 300M /large")
            for how in ("-c", ""):
                refused(guest, f"kexec {how} -p /short", "/short: truncated")
                refused(guest, f"kexec {how} -p /none", "/none: No such file")
                refused(guest, f"kexec {how} -p {PROBE} --initrd=/none", "/none: No such")
            refused(guest, f"kexec -c -p {PROBE} --initrd=/large", "room for the initrd")
            assert crash_status(guest)["proven"]
        guest.check(REFRESHES[0])
