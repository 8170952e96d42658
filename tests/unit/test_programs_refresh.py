#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""`kexec-seed refresh`, `status` and `verify` over a fake kernel: see test_programs.py."""

import errno
import os
import re
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fake_machine import CRASH, KEXEC, KEXEC_SEED, RAM, REGION, Machine  # noqa: E402
from programs import (ALL, REFRESHED, hide_iomem, is_good, load_crash, main,  # noqa: E402
                      refresh, refused, status)


# --- refreshing --------------------------------------------------------------------------


def test_refresh(m: Machine) -> None:
    """The seed is new; what else the kernel gets is what it had, and the rest stays."""
    before = load_crash(m, FAKE_SEED="65")
    for number in (1, 2):
        seed = bytes([66 + number]) * 32
        assert refresh(m, f"--source=why{number}", FAKE_SEED=str(66 + number)) == \
            f"dynamic {number}"
        assert m.lines()[0] == "reseed" and m.calls() == ["kexec_load"]
        assert m.flags() & 0xFFFF == CRASH
        after = dict(zip(REFRESHED, m.segments(), strict=True))
        for name in ("id", "elfcorehdr", "boot data"):
            assert after[name] == before[name], name
        assert after["purgatory"].data != before["purgatory"].data  # the digest of the seed
        assert after["seed"].data[16:48] == seed
        assert after["seed"].data[:16] == before["seed"].data[:16]
        assert m.recipes() == ["crash.recipe"]
        state = status(m)
        assert state["refreshes"] == str(number) and state["last source"] == f"why{number}"
        assert state["proven"] == "yes" and is_good(m)
        assert re.match(r"20\d\d-\d\d-\d\dT", state["last refresh"])
        assert seed not in (m.root / "run/kexec-seed/crash.recipe").read_bytes()


def test_refresh_full(m: Machine) -> None:
    before = load_crash(m, FAKE_SEED="65")
    assert refresh(m, "--full", FAKE_SEED="66") == "full 1" and m.calls() == ["kexec_load"]
    after = dict(zip(ALL, m.segments(), strict=True))
    for name in ("elfcorehdr", "boot data", "kernel", "initrd"):
        assert after[name] == before[name], name
    assert after["id"] != before["id"] and after["seed"].data[16:48] == b"B" * 32
    assert is_good(m) and status(m)["last source"] == "manual" and m.recipes() == ["crash.recipe"]
    assert refresh(m) == "dynamic 2"


def test_refresh_json(m: Machine) -> None:
    load_crash(m)
    done = m.run(KEXEC_SEED, "refresh", "--json")
    assert done.returncode == 0 and '"refresh":"dynamic"' in done.stdout, done
    m.run(KEXEC, "-p", "-u")
    done = m.run(KEXEC_SEED, "refresh", "--json")
    assert done.returncode == 1 and '"refresh":"none"' in done.stdout
    assert '"loaded":false' in done.stdout and "no crash kernel is loaded" in done.stderr


def test_source_words(m: Machine) -> None:
    """A reason that would make the recipe unreadable is refused before anything is done."""
    load_crash(m)
    for word in ("", "two words", "tab\t", "line\n", "x" * 24, "\x7f", "\x01"):
        done = m.run(KEXEC_SEED, "refresh", f"--source={word}")
        assert done.returncode == 2 and "must be one word" in done.stderr, (word, done)
        assert m.calls() == []
    longest = "x" * 15
    assert refresh(m, f"--source={longest}") == "dynamic 1"
    assert status(m)["last source"] == longest and refresh(m) == "dynamic 2"


def test_refresh_nothing(m: Machine) -> None:
    refused(m, "no crash kernel is loaded: load one with kexec -p", KEXEC_SEED, "refresh")
    load_crash(m)
    m.put("sys/kernel/kexec_crash_loaded", "0\n")
    refused(m, "it was unloaded, or a later load has failed; --full loads it again",
            KEXEC_SEED, "refresh")
    assert m.calls() == [] and not m.is_loaded()
    assert refresh(m, "--full") == "full 1" and m.is_loaded() and is_good(m)


def test_refresh_foreign(m: Machine) -> None:
    """Another tool's image stays; several facts show that it is not ours."""
    m.put("sys/kernel/kexec_crash_loaded", "1\n")
    refused(m, "was not loaded by kexec of kexec-seed", KEXEC_SEED, "refresh", "--full")
    load_crash(m)
    m.damage(REGION, b"another tool's ")
    for option in ("--full", "--source=x"):
        refused(m, "the loaded crash kernel was not loaded by kexec of kexec-seed",
                KEXEC_SEED, "refresh", option)
        assert m.calls() == []
    assert status(m)["method"] == "foreign"
    m.remove("proc/kcore")
    refused(m, "cannot be told, so it stays", KEXEC_SEED, "refresh")
    assert m.calls() == []
    refused(m, "cannot verify the loaded crash kernel", KEXEC_SEED, "verify")


def test_refresh_damaged(m: Machine) -> None:
    """What lies outside the refreshed parts is repaired by a full reload, with the reason."""
    parts = load_crash(m)
    m.damage(parts["kernel"].addr + 16, b"ruin")
    done = m.run(KEXEC_SEED, "refresh")
    assert done.returncode == 0 and "full" in done.stdout, done
    assert "loading all of it again: the loaded image cannot be verified" in done.stderr
    assert is_good(m)
    m.damage(parts["purgatory"].addr + 100, b"ruin")
    assert refresh(m) == "full 2" and is_good(m)


def test_damaged_by_the_load(m: Machine) -> None:
    """The kernel's control pages have overwritten the image: it is unloaded."""
    plan = load_crash(m)
    at = f"{plan['kernel'].addr + 8:x}"
    m.run(KEXEC, "-p", "-u")
    done = m.run(KEXEC, "-p", m.kernel, f"--initrd={m.initrd}", "--append=quiet", FAKE_DAMAGE=at)
    assert done.returncode == 1 and "was damaged, nothing is loaded now" in done.stderr, done
    assert m.calls() == ["kexec_load", "kexec_load"] and not m.is_loaded() and m.recipes() == []
    done = m.run(KEXEC, "-p", m.kernel, f"--initrd={m.initrd}", "--append=quiet", FAKE_DAMAGE=at,
                 FAKE_KEXEC_LOAD=f"0 {errno.ENOMEM}")
    assert done.returncode == 1 and "STAYS LOADED" in done.stderr, done
    m.run(KEXEC, "-p", "-u")


def test_damaged_by_the_refresh(m: Machine) -> None:
    plan = load_crash(m)
    at = f"{plan['kernel'].addr + 8:x}"
    done = m.run(KEXEC_SEED, "refresh", FAKE_DAMAGE=at)
    # it is unloaded, and the reload that follows is damaged as well
    assert done.returncode == 1 and not m.is_loaded(), done
    assert m.calls() == ["kexec_load"] * 4, m.calls()
    assert "loading all of it again: the refreshed image is damaged" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("kexec-seed: no crash kernel is loaded") or \
        "nothing is loaded now" in done.stderr
    # samples find what the guard bytes do not
    load_crash(m)
    done = m.run(KEXEC_SEED, "refresh", FAKE_DAMAGE=f"{plan['initrd'].addr:x}")
    assert m.calls()[:2] == ["kexec_load"] * 2 and "another tool has loaded" in done.stderr
    # another tool's image is not unloaded
    load_crash(m)
    done = m.run(KEXEC_SEED, "refresh", FAKE_DAMAGE=f"{plan['id'].addr:x}")
    assert done.returncode == 1 and m.calls() == ["kexec_load"] and m.is_loaded(), done


def test_refresh_refused(m: Machine) -> None:
    """If the call leaves the image alone it is kept, else it is loaded again."""
    load_crash(m)
    refused(m, "kernel", KEXEC_SEED, "refresh", FAKE_KEXEC_LOAD=str(errno.ENOMEM))
    assert m.calls() == ["kexec_load"] and m.is_loaded() and m.recipes() == ["crash.recipe"]
    assert refresh(m) == "dynamic 1"
    done = m.run(KEXEC_SEED, "refresh", FAKE_KEXEC_LOAD=f"{errno.ENOMEM} 0", FAKE_GONE="1")
    assert done.returncode == 0 and m.calls() == ["kexec_load"] * 2 and "full" in done.stdout
    assert "loading all of it again: the kernel has not enough" in done.stderr, done.stderr
    assert m.recipes() == ["crash.recipe"]
    done = m.run(KEXEC_SEED, "refresh", FAKE_KEXEC_LOAD=str(errno.EPERM))
    assert done.returncode == 0 and m.calls() == ["kexec_load", "kexec_load", "kexec_file_load",
                                                  "kexec_file_load"], (done, m.lines())
    m.run(KEXEC, "-p", "-u")
    load_crash(m)
    done = m.run(KEXEC_SEED, "refresh", "--full", FAKE_KEXEC_LOAD=str(errno.ENOMEM), FAKE_GONE="1")
    assert done.returncode == 1 and "no crash kernel is loaded now" in done.stderr, done
    assert m.recipes() == ["crash.recipe"] and not m.is_loaded()
    assert refresh(m, "--full") == "full 1"


def test_refresh_without_rng(m: Machine) -> None:
    load_crash(m)
    code = str(errno.EPERM)
    refused(m, "getrandom", KEXEC_SEED, "refresh", FAKE_GETRANDOM=code)
    assert m.calls() == [] and m.is_loaded()
    refused(m, "no new seed; the loaded image stays", KEXEC_SEED, "refresh", "--full",
            FAKE_GETRANDOM=f"0 {code}")
    assert m.calls() == [] and m.is_loaded() and m.recipes() == ["crash.recipe"]


def test_changed_files(m: Machine) -> None:
    """A full reload takes the files that were loaded, or none."""
    load_crash(m)
    for path in (m.initrd, m.kernel):
        saved = Path(path).read_bytes()
        Path(path).write_bytes(saved[:-1] + b"!")
        refused(m, f"{path} is not what was loaded", KEXEC_SEED, "refresh", "--full")
        assert m.calls() == [] and m.is_loaded() and m.recipes() == ["crash.recipe"]
        Path(path).write_bytes(saved)
    os.unlink(m.initrd)
    refused(m, f"{m.initrd}: No such file", KEXEC_SEED, "refresh", "--full")
    assert m.calls() == [] and refresh(m) == "dynamic 1"


def test_interrupted(m: Machine) -> None:
    """A pending recipe of the loaded image is committed, one of another image removed."""
    folder = m.root / "run/kexec-seed"
    load_crash(m)
    os.rename(folder / "crash.recipe", folder / "crash.recipe.next")
    state = status(m)
    assert state["interrupted"] == "yes" and state["proven"] == "yes"
    assert refresh(m) == "dynamic 1" and m.recipes() == ["crash.recipe"]
    old = (folder / "crash.recipe").read_bytes()
    load_crash(m, FAKE_SEED="7")
    (folder / "crash.recipe.next").write_bytes(old)
    (folder / "crash.recipe.next").chmod(0o600)
    assert status(m)["interrupted"] == "yes"
    assert refresh(m, FAKE_SEED="8") == "dynamic 1" and m.recipes() == ["crash.recipe"]
    assert is_good(m)
    # killed while it was being refreshed: nothing is loaded, and it is to be again
    (folder / "crash.recipe.next").write_bytes(b"")
    (folder / "crash.recipe.next").chmod(0o600)
    m.put("sys/kernel/kexec_crash_loaded", "0\n")
    assert refresh(m) == "full 2" and m.recipes() == ["crash.recipe"]


def test_interrupted_file_load(m: Machine) -> None:
    """Its image is looked for; one that is not there is another tool's."""
    folder = m.root / "run/kexec-seed"
    m.run(KEXEC, "-p", m.kernel, "-s", "--append=x")
    os.rename(folder / "crash.recipe", folder / "crash.recipe.next")
    state = status(m)
    assert (state["method"], state["interrupted"]) == ("foreign", "yes"), state
    refused(m, "was not loaded by kexec of kexec-seed", KEXEC_SEED, "refresh")


def test_more_memory(m: Machine) -> None:
    """RAM that was added: the control pages need more room, or the headers are outdated."""
    load_crash(m)
    memory = m.memory(REGION, 0x10000000)
    m.make_kcore([*RAM, (1 << 42, 1 << 40)])
    m.damage(REGION, memory)
    done = m.run(KEXEC_SEED, "refresh")
    assert done.returncode == 0 and "full" in done.stdout, done
    assert "loading all of it again: memory was added since it was loaded" in done.stderr
    m.make_kcore(RAM)
    m.run(KEXEC, "-p", "-u")
    load_crash(m)
    iomem = (m.root / "proc/iomem").read_text()
    m.put("proc/iomem", iomem + "100000000-107ffffff : System RAM\n")
    done = m.run(KEXEC_SEED, "refresh")
    assert done.returncode == 0 and "full" in done.stdout, done
    assert m.calls() == ["kexec_load"] * 2, m.calls()
    assert "loading all of it again" in done.stderr
    assert refresh(m) == "dynamic 2" and m.calls() == ["kexec_load"]


def test_no_recipe(m: Machine) -> None:
    """/run that cannot be used is no reason for having no crash kernel."""
    shutil.rmtree(m.root / "run")
    m.put("run", "a file")
    done = m.run(KEXEC, "-p", m.kernel)
    assert done.returncode == 0 and m.is_loaded() and m.calls() == ["kexec_load"], done
    assert "kexec-seed cannot refresh this image: /run/kexec-seed" in done.stderr


def test_old_boot(m: Machine) -> None:
    load_crash(m)
    m.put("proc/sys/kernel/random/boot_id", "11234567-89ab-cdef-0123-456789abcdef\n")
    refused(m, "written before the last boot", KEXEC_SEED, "refresh")
    m.put("proc/sys/kernel/random/boot_id", "rubbish\n")
    refused(m, "not a boot ID", KEXEC_SEED, "refresh")
    refused(m, "not a boot ID", KEXEC_SEED, "status")
    refused(m, "not a boot ID", KEXEC_SEED, "verify")


# --- status, verify ----------------------------------------------------------------------


def test_status(m: Machine) -> None:
    state = status(m)
    assert state["loaded"] == "no" and state["method"] == "none" and state["running"] == "no"
    load_crash(m)
    state = status(m)
    want = {"loaded": "yes", "method": "kexec_load", "proven": "yes", "interrupted": "no",
            "kernel": m.kernel, "initrd": m.initrd, "command line": "quiet", "refreshes": "0",
            "trust bootloader": "yes", "kernel memory": "yes", "found": "no", "running": "no",
            "len": "32", "crash": "", "daemon": "", "generation id": ""}
    assert {k: state.get(k) for k in want} == want, state
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", state["since"])
    assert m.run(KEXEC_SEED, "status").stdout.startswith("protected: mixed at the crash with ")
    hide_iomem(m)
    done = m.run(KEXEC_SEED, "refresh")
    assert (done.returncode, done.stderr) == (0, "") and "dynamic" in done.stdout, done
    m.remove("sys/kernel/kexec_crash_loaded")
    refused(m, "does this kernel have kexec?", KEXEC_SEED, "status")


def test_verify(m: Machine) -> None:
    """Each part that is damaged is named, with its place."""
    refused(m, "no crash kernel is loaded", KEXEC_SEED, "verify")
    parts = load_crash(m)
    names = {"purgatory": "parameters", "boot data": "boot_params"}
    for name in ALL[1:]:
        at = parts[name].addr + (100 if name == "purgatory" else 20)
        saved = m.memory(at, 1)
        m.damage(at, bytes([saved[0] ^ 1]))
        done = m.run(KEXEC_SEED, "verify", "--json")
        assert done.returncode == 1 and '"good":false' in done.stdout, (name, done)
        assert f'"part":"{names.get(name, name)}"' in done.stdout, (name, done.stdout)
        assert f'"addr":{parts[name].addr}' in done.stdout, (name, done.stdout)
        assert "the loaded crash kernel is damaged; do: kexec-seed refresh --full" in done.stderr
        m.damage(at, saved)
    assert is_good(m)
    load_crash(m, "--no-checks")
    done = m.run(KEXEC_SEED, "verify", "--json")
    assert done.returncode == 1 and '"good":null' in done.stdout, done
    assert "loaded with --no-checks: no digests" in done.stderr

if __name__ == "__main__":
    sys.exit(main(globals()))
