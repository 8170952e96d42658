# SPDX-License-Identifier: GPL-2.0-only
"""A dry run and the load itself agree on method, seed and mixing, and where a load is refused,
so is the dry run, with the same line. test_lockdown.py does the same with Secure Boot.
"""

import json
import shutil
from pathlib import Path

import pytest

from crash import Setup
from guest import Guest
from initrd import build_initrd
from loaded import agree, load_probe, refreshable
from places import kexec, probe

TRACED = "/usr/sbin/strace -f --seccomp-bpf -qq -o /dev/null"  # only these calls
NO_CALL = f"{TRACED} -e trace=kexec_load -e inject=kexec_load:error="
LOAD = "-l /probe --append=x --seed-timeout=0"
LIMIT = "/proc/sys/kernel/kexec_load_limit_panic"


def test_crash_kernel(build):
    with refreshable(build, Setup("6.12")) as guest:
        cases = {
            "": ("kexec_load", "mixed", "the default"),
            "-c": ("kexec_load", "mixed", "-c was given"),
            "--seed-mix=off": ("kexec_load", "unmixed", "the default"),
            "--seed=off": ("kexec_load", "none", "--seed=off needs it"),
            "--entry-32bit": ("kexec_load", "mixed", "--entry-32bit needs it"),
            "-s": ("kexec_file_load", "kernel", "-s was given"),
            "-s --seed-mix=off": ("kexec_file_load", "kernel", "-s was given"),
        }
        for how, (method, seed, reason) in cases.items():
            plan = agree(guest, load_probe(how, ""))
            assert (plan["method"], plan["seed"]) == (method, seed), f"{how}: {plan}"
            assert plan["method_reason"] == reason

        # a kernel without the call, or a security module or a container that refuses it
        for error, reason in (("ENOSYS", "this kernel has no kexec_load"),
                              ("EPERM", "kexec_load is not permitted")):
            program = f"{NO_CALL}{error} kexec"
            plan = agree(guest, load_probe("", "", program=program))
            assert plan["method"] == "kexec_file_load" and reason in plan["method_reason"]
            assert agree(guest, load_probe("-c", "", program=program)) is None
            assert agree(guest, load_probe("", "--seed=off", program=program)) is None
        no_page = (f"{TRACED} -e trace=memfd_secret,mlock -e inject=memfd_secret:error=ENOSYS"
                   " -e inject=mlock:error=ENOMEM kexec")
        assert agree(guest, load_probe("", "", program=no_page))["seed"] == "none"
        assert agree(guest, load_probe("", "--seed=require", program=no_page)) is None

        # facts that only kexec_load() needs
        guest.check("sed 's/[0-9a-f]*-[0-9a-f]* :/00000000-00000000 :/' /proc/iomem >/iomem"
                    " && mount --bind /iomem /proc/iomem")
        dry = guest.check(load_probe("", "--dry-run --json 2>/dev/null"))
        assert json.loads(dry)["method"] == "kexec_file_load"
        assert "using kexec_file_load: /proc/iomem" in guest.check(load_probe("", ""))
        guest.check("umount /proc/iomem")

        # a dry run costs none of the loads that are left
        guest.check(f"echo 3 >{LIMIT}")
        guest.check(load_probe("", "--dry-run"))
        assert guest.check(f"cat {LIMIT}").strip() == "3"
        assert agree(guest, load_probe("", ""))["method"] == "kexec_load"  # and unload
        guest.check("kexec -p -u")
        both_refused(guest, "kexec -p /probe", f"{LIMIT.rsplit('/')[-1]} is 0")
        guest.check("echo 1 >/proc/sys/kernel/kexec_load_disabled")
        both_refused(guest, "kexec -l /probe", "kexec is switched off")


def both_refused(guest: Guest, command: str, says: str) -> None:
    dry, real = guest.run(f"{command} --dry-run"), guest.run(command)
    assert dry.status == real.status == 1, dry.output + real.output
    assert dry.output == real.output and says in dry.output, dry.output + real.output


def test_not_ready(build):
    """The RNG (a slow host makes it ready before the first command, so getrandom(2) says so;
    test_jump.py has one that is not), and then no crash region."""
    strace = Path(shutil.which("strace") or pytest.fail("no strace"))
    initrd = build_initrd(files={"/probe": probe(build)}, programs=[kexec(build), strace])
    load = f"{TRACED} -e trace=getrandom -e inject=getrandom:error=EAGAIN kexec {LOAD}"
    with Guest(kernel="6.1", memory="512M", initrd=initrd) as guest:
        for how in ("", "-s"):
            plan = json.loads(guest.check(f"{load} {how} --dry-run --json 2>/run/planned"))
            guest.check(f"{load} {how} -d 2>/run/done")
            said = guest.check("cat /run/done")
            assert plan["seed"] == "none" and plan["seed_slot"] is None, plan
            assert plan["method"] == ("kexec_file_load" if how else "kexec_load")
            assert "not ready" in plan["seed_reason"] and plan["seed_mix"] is None
            assert f"method       {plan['method']}: {plan['method_reason']}\n" in said
            assert f"seed         {plan['seed_reason']}\n" in said and "seed mix" not in said
            note = guest.check("cat /run/planned")
            assert note.startswith("kexec: loading without a seed: ") and note in said
        both_refused(guest, f"{load} --seed=require", "nothing loaded, because --seed=require")
        assert json.loads(guest.check(f"kexec {LOAD} --dry-run --json"))["seed"] == "mixed"
        for how in ("", "-s", "-c"):
            both_refused(guest, f"kexec -p {how} /probe", "no memory is reserved")
