#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kexec and kexec-seed as a whole, over a fake kernel: which system calls they make, in which
order, with which segments; what they say, and what they leave in /run.

Only the kernel's side is replaced (fake_machine.c); tests/vm does the same with real ones. With
arguments, only the tests are run whose names contain one of them.
"""

import errno
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fake_machine import (CRASH, KEXEC, KEXEC_SEED, LIMIT, RAM, REGION, TEXT, Machine,  # noqa: E402
                          Segment, no_fake_here)

SKIPPED = 77
FORK_LINE = "4,100,200,-;random: crng reseeded due to virtual machine fork\n"
FILE_NO_INITRAMFS, FILE_ON_CRASH, FILE_UNLOAD = 4, 2, 1
REFRESHED = ["id", "purgatory", "elfcorehdr", "boot data", "seed"]  # in this order
ALL = [*REFRESHED, "kernel", "initrd"]


def load_crash(m: Machine, *argv: str, **more: str) -> dict[str, Segment]:
    """Loads a crash kernel; returns its segments by name."""
    done = m.run(KEXEC, "-p", m.kernel, f"--initrd={m.initrd}", "--append=quiet", *argv, **more)
    assert (done.returncode, done.stdout) == (0, ""), done
    return dict(zip(ALL, m.segments())) if m.calls() == ["kexec_load"] else {}


def refused(m: Machine, words: str, *argv: str, **more: str) -> None:
    """Status 1 and one line on stderr."""
    done = m.run(*argv, **more)
    assert done.returncode == 1, done
    assert len(done.stderr.splitlines()) == 1 and words in done.stderr, done.stderr


def refresh(m: Machine, *argv: str, **more: str) -> str:
    """Refreshes; returns the mode and the number of refreshes. Notes may come with it."""
    done = m.run(KEXEC_SEED, "refresh", *argv, **more)
    assert done.returncode == 0, done
    found = dict(x.split(maxsplit=1) for x in done.stdout.splitlines())
    assert found["loaded"] == "yes", done.stdout
    return f"{found['refresh']} {found['refreshes']}"


def status(m: Machine) -> dict[str, str]:
    done = m.run(KEXEC_SEED, "status")
    assert (done.returncode, done.stderr) == (0, ""), done
    return {x[:18].strip(): x[18:].strip() for x in done.stdout.splitlines()}


def is_good(m: Machine) -> bool:
    done = m.run(KEXEC_SEED, "verify")
    assert done.returncode == (0 if not done.stderr else 1), done
    return done.returncode == 0


# --- loading -----------------------------------------------------------------------------


def test_crash_segments(m: Machine) -> None:
    """The kernel gets each part whole, at its place, and the seed lies in one of them only."""
    parts = load_crash(m, FAKE_SEED="65")
    assert m.lines()[0] == "reseed"
    assert list(parts) == ALL and m.flags() & 0xFFFF == CRASH
    assert parts["id"].addr == REGION
    assert b"A" * 16 in parts["id"].data
    kernel = Path(m.kernel).read_bytes()[1024:]
    assert parts["kernel"].data == kernel
    assert parts["initrd"].data == Path(m.initrd).read_bytes()
    assert parts["elfcorehdr"].data[:4] == b"\x7fELF"
    assert b"quiet" in parts["boot data"].data
    assert f"elfcorehdr={parts['elfcorehdr'].addr:#x} ".encode() in parts["boot data"].data
    seed = b"A" * 32
    assert parts["seed"].data[16:48] == seed
    assert sum(seed in x.data for x in parts.values()) == 1
    for name in m.recipes():
        assert seed not in (m.root / "run/kexec-seed" / name).read_bytes()
    for part in parts.values():
        memory = m.memory(part.addr, part.size)
        assert memory == part.data.ljust(part.size, b"\0")
    assert m.recipes() == ["crash.recipe"] and m.is_loaded()
    assert is_good(m)


def test_vmcore_headers(m: Machine) -> None:
    """A program header for each part of RAM above 1 MiB and outside the region."""
    headers = load_crash(m)["elfcorehdr"].data
    count, = struct.unpack_from("<H", headers, 56)
    rows = [struct.unpack_from("<IIQQQQQQ", headers, 64 + 56 * i) for i in range(count)]
    kinds = [x[0] for x in rows]
    assert kinds == [4] * kinds.count(4) + [1] * kinds.count(1) and 4 in kinds  # PT_NOTE, PT_LOAD
    ram = sorted((x[4], x[5]) for x in rows if x[0] == 1 and x[3] < TEXT)
    assert ram == [(0x100000, 0x2EF00000), (0x3F000000, 0xFE0000)], ram


def test_normal_segments(m: Machine) -> None:
    done = m.run(KEXEC, "-l", m.kernel, f"--initrd={m.initrd}", "--append=quiet", FAKE_SEED="66")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
    assert m.lines()[0] == "reseed" and m.calls() == ["kexec_load"]
    assert m.flags() & 0xFFFF == 0
    assert sum(b"B" * 32 in x.data for x in m.segments()) == 1
    assert Path(m.initrd).read_bytes() in [x.data for x in m.segments()]
    assert m.is_loaded("kexec_loaded") and not m.is_loaded()
    assert not (m.root / "run/kexec-seed").exists()
    assert m.run(KEXEC, "-u").returncode == 0
    assert m.lines() == [f"kexec_load 0 0 {m.flags():#x}"] and not m.is_loaded("kexec_loaded")


def test_seed_off(m: Machine) -> None:
    load_crash(m, "--seed=off")
    assert m.calls() == ["kexec_load"] and "reseed" not in m.lines()
    assert len(m.segments()) == len(ALL) - 1
    refused(m, "--seed=off: nothing to refresh", KEXEC_SEED, "refresh", "--full")
    assert m.calls() == []


def test_hotplug(m: Machine) -> None:
    m.put("sys/kernel/crash_elfcorehdr_size", "8192\n")
    load_crash(m, "--hotplug")
    assert m.flags() & 0xFFFF == CRASH | 4
    m.remove("sys/kernel/crash_elfcorehdr_size")
    done = m.run(KEXEC, "-p", m.kernel, "--hotplug")
    assert done.returncode == 0 and "--hotplug: the running kernel cannot" in done.stderr
    assert m.flags() & 0xFFFF == CRASH


def test_debug(m: Machine) -> None:
    done = m.run(KEXEC, "-p", m.kernel, "-d", "--append=x")
    for words in (f"kernel       {m.kernel}, 16 KiB, bzImage\n", "initrd       none\n",
                  "method       kexec_load: the default\n", "loading      as the crash kernel\n",
                  "seed         32 bytes, mixed at the jump: clones pass different ones\n",
                  "digests      checked before the jump\n", "purgatory\n"):
        assert words in done.stderr, (words, done.stderr)
    done = m.run(KEXEC, "-l", m.kernel, "-d", "-s", f"--initrd={m.initrd}", "--append=x")
    for words in ("initrd       " + m.initrd,
                  "method       kexec_file_load: -s was given\n", "loading      as the next kernel\n",
                  "seed         drawn by the kernel; clones share it\n", "command line x\n"):
        assert words in done.stderr, (words, done.stderr)
    assert "digests" not in done.stderr
    for option, words in (("--seed=off", "seed         none: --seed=off\n"),
                          ("--seed-mix=off", "seed         32 bytes, not mixed; clones share them\n"),
                          ("--no-checks", "digests      not checked\n")):
        done = m.run(KEXEC, "-l", m.kernel, "-d", option)
        assert words in done.stderr, (words, done.stderr)


# --- which of the two calls --------------------------------------------------------------

GOES_OVER = ("EPERM", "ENOSYS")
STAYS = ("ENOMEM", "EINVAL", "EADDRNOTAVAIL", "ENODEV", "EIO", "ENOEXEC", "ENOKEY")


def test_goes_over(m: Machine) -> None:
    """Only what kexec_file_load() can do better goes there; --seed=off and -c never."""
    for target in ("-l", "-p"):
        for name in GOES_OVER + STAYS:
            code = str(getattr(errno, name))
            done = m.run(KEXEC, target, m.kernel, "--append=x", FAKE_KEXEC_LOAD=code)
            if name in GOES_OVER:
                assert done.returncode == 0 and m.calls() == ["kexec_load", "kexec_file_load"], done
                assert done.stderr.startswith("kexec: using kexec_file_load: "), done.stderr
                assert m.lines()[-1].split()[1:] == \
                    ["kernel", "none", "2", "'x'",
                     hex(FILE_NO_INITRAMFS | (FILE_ON_CRASH if target == "-p" else 0))]
            else:
                assert done.returncode == 1 and m.calls() == ["kexec_load"], (name, done, m.lines())
                assert len(done.stderr.splitlines()) == 1, done.stderr
            for option in ("--seed=off", "-c"):
                done = m.run(KEXEC, target, m.kernel, option, FAKE_KEXEC_LOAD=code)
                assert done.returncode == 1 and m.calls() == ["kexec_load"], (name, option, done)
                assert len(done.stderr.splitlines()) == 1, done.stderr
            assert not m.recipes() or name in GOES_OVER
            m.run(KEXEC, "-p", "-u")


def test_file_load(m: Machine) -> None:
    done = m.run(KEXEC, "-l", m.kernel, f"--initrd={m.initrd}", "-s", "--append=a b")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert m.lines() == ["reseed", "kexec_file_load kernel initrd 4 'a b' 0"]
    done = m.run(KEXEC, "-p", m.kernel, f"--initrd={m.initrd}", "-s", "--no-cma", "-d")
    assert m.lines()[-1] == f"kexec_file_load kernel initrd 1 '' {FILE_ON_CRASH | 0x18:#x}"
    # the image is not where kexec_file_load would have put it
    assert "the loaded image was not checked" in done.stderr
    assert m.recipes() == ["crash.recipe"]
    state = status(m)
    assert state["method"] == "foreign" and state["proven"] == "no"
    # the kernel is asked about the file before it gives up the loaded image
    done = m.run(KEXEC, "-p", m.kernel, "-s", FAKE_KEXEC_FILE_LOAD=str(errno.ENOKEY))
    assert done.returncode == 1 and m.is_loaded() and len(m.calls()) == 1, done
    assert "a key that the kernel does not trust" in done.stderr
    done = m.run(KEXEC, "-p", m.kernel, "-s")
    assert done.returncode == 0
    assert [x.split()[-1] for x in m.lines()[1:]] == ["0", hex(FILE_ON_CRASH | FILE_NO_INITRAMFS)]


def test_last_load(m: Machine) -> None:
    """A refused call has used up kernel.kexec_load_limit_*: say so."""
    m.put("proc/sys/kernel/kexec_load_limit_panic", "0\n")
    refused(m, "no more loads are allowed until the next boot", KEXEC, "-p", m.kernel)
    assert m.calls() == []
    m.put("proc/sys/kernel/kexec_load_limit_panic", "1\n")
    m.put("proc/sys/kernel/loadpin/enforce", "1\n")
    done = m.run(KEXEC, "-p", m.kernel)
    assert done.returncode == 0 and m.calls() == ["kexec_file_load"], done
    assert "using kexec_file_load: the security module LoadPin" in done.stderr
    m.put("proc/sys/kernel/kexec_load_limit_panic", "1\n")
    done = m.run(KEXEC, "-p", m.kernel, "-c")
    assert done.returncode == 0 and m.calls() == ["kexec_load"], done


def test_spent(m: Machine) -> None:
    """The refused call was the last one: kexec_file_load() would be in vain."""
    for target, name in (("-p", "panic"), ("-l", "reboot")):
        m.put(f"proc/sys/kernel/kexec_load_limit_{name}", "1\n")
        refused(m, f"; that was the last load that kernel.kexec_load_limit_{name} allows",
                KEXEC, target, m.kernel, FAKE_KEXEC_LOAD=str(errno.EPERM))
        assert m.calls() == ["kexec_load"]


def test_file_load_would_not_take_it(m: Machine) -> None:
    refused(m, "kexec_file_load would not take it, and kexec_load is not possible: ", KEXEC, "-l",
            f"{m.images}/vmlinux", FAKE_KEXEC_LOAD=str(errno.EPERM))
    assert m.calls() == ["kexec_load"]
    refused(m, "kexec_file_load (-s) does not take it", KEXEC, "-l", f"{m.images}/vmlinux", "-s")
    assert m.calls() == []


def test_no_gap(m: Machine) -> None:
    code = str(errno.EADDRNOTAVAIL)
    refused(m, "no gap of 8 MiB is free in memory for the kernel; a smaller one", KEXEC, "-l",
            m.kernel, f"--initrd={m.initrd}", "-s", FAKE_KEXEC_FILE_LOAD=code)
    with open(m.initrd, "r+b") as file:
        file.truncate((20 << 20) + 1)
    refused(m, "no gap of 21 MiB is free in memory for the initrd; a smaller one", KEXEC, "-l",
            m.kernel, f"--initrd={m.initrd}", "-s", FAKE_KEXEC_FILE_LOAD=code)
    refused(m, "it does not fit into the 256 MiB that crashkernel= reserves", KEXEC, "-p",
            m.kernel, "-s", FAKE_KEXEC_FILE_LOAD=code)


def test_file_changes(m: Machine) -> None:
    """The digests are of what the file was before the call: it is unloaded."""
    for target in ("-l", "-p"):
        for path in (m.kernel, m.initrd):
            argv = [KEXEC, target, m.kernel, f"--initrd={m.initrd}"]
            refused(m, f"nothing is loaded now: {path}: ", *argv, FAKE_TOUCH=path)
            assert m.calls() == ["kexec_load"] * 2 and not m.is_loaded()
            refused(m, "DO NOT JUMP, the image is bad and stays loaded", *argv, FAKE_TOUCH=path,
                    FAKE_KEXEC_LOAD=f"0 {errno.ENOMEM}")
            refused(m, f"{path}: ", *argv, FAKE_TOUCH=path, FAKE_KEXEC_LOAD=str(errno.EPERM))
            assert m.calls() == ["kexec_load"]  # nor is the other call tried


def test_available_memory(m: Machine) -> None:
    """The kernel would let the OOM killer end processes."""
    m.put("proc/meminfo", "MemTotal: 1048576 kB\nMemAvailable: 4096 kB\n")
    for option in ("-c", "-s", "-a"):
        refused(m, "loading needs 8 MiB, and 4 MiB of memory are available", KEXEC, "-l", m.kernel,
                option)
        assert m.calls() == []
    assert m.run(KEXEC, "-p", m.kernel).returncode == 0
    m.put("proc/meminfo", "MemTotal: 16000 kB\nMemAvailable: 16000 kB\n")
    refused(m, "kernel and initrd need 8 MiB, more than half of the memory (7 MiB)", KEXEC, "-l",
            m.kernel, "-s")


def test_no_permission(m: Machine) -> None:
    m.put("proc/self/status", "Name:\tkexec\nCapEff:\t0000000000000000\n")
    for argv in ([KEXEC, "-l", m.kernel], [KEXEC, "-p", m.kernel]):
        refused(m, "not permitted: this needs root (CAP_SYS_BOOT)", *argv)
        assert m.calls() == []
    m.put("proc/self/status", "Name:\tkexec\nCapEff:\t000001ffffffffff\n")
    m.put("proc/sys/kernel/kexec_load_disabled", "1\n")
    refused(m, "kexec is switched off", KEXEC, "-l", m.kernel)
    m.put("proc/sys/kernel/kexec_load_disabled", "0\n")
    m.put("sys/kernel/security/lockdown", "none [integrity] confidentiality\n")
    done = m.run(KEXEC, "-l", m.kernel)
    assert done.returncode == 0 and m.calls() == ["kexec_file_load"], done
    refused(m, "the kernel is locked down (integrity)", KEXEC, "-l", m.kernel, "-c")


def test_no_region(m: Machine) -> None:
    m.put("sys/kernel/kexec_crash_size", "0\n")
    refused(m, "no memory is reserved for a crash kernel", KEXEC, "-p", m.kernel)
    refused(m, "no memory is reserved for a crash kernel", KEXEC, "-p", m.kernel, "-s")
    assert m.calls() == []


# --- the seed ----------------------------------------------------------------------------


def test_rng_not_ready(m: Machine) -> None:
    """Without a seed the load goes on with a note; required, it stops."""
    again, broken = str(errno.EAGAIN), str(errno.EPERM)
    for codes, words in ((f"{again} {errno.EINTR} 0", "was not ready within 1 s"),
                         (f"{broken} {broken} {broken} 0", "getrandom: Operation not permitted"),
                         (f"{again} {broken} 0", "getrandom: Operation not permitted")):
        done = m.run(KEXEC, "-l", m.kernel, "--seed-timeout=1", FAKE_GETRANDOM=codes)
        assert done.returncode == 0 and m.calls() == ["kexec_load"], done
        assert len(m.segments()) == 3 and "reseed" not in m.lines()
        assert done.stderr.startswith("kexec: loading without a seed: ") and words in done.stderr
        refused(m, "nothing loaded, because --seed=require: ", KEXEC, "-l", m.kernel,
                "--seed-timeout=1", "--seed=require", FAKE_GETRANDOM=codes)
        assert m.calls() == []
    done = m.run(KEXEC, "-l", m.kernel, "-d", "--seed-timeout=1",
                 FAKE_GETRANDOM=f"{again} {errno.EINTR} 0")
    assert "seed         none: the kernel's random number generator was not ready" in done.stderr, done
    # ready at last
    done = m.run(KEXEC, "-l", m.kernel, "--append=x", "--seed-timeout=1",
                 FAKE_GETRANDOM=f"{again} 0")
    assert (done.returncode, done.stderr) == (0, "") and len(m.segments()) == 4
    # without a timeout there is no second try
    done = m.run(KEXEC, "-l", m.kernel, "--seed-timeout=0", FAKE_GETRANDOM=f"{again} 0")
    assert done.returncode == 0 and len(m.segments()) == 3
    # the draw itself fails after all
    refused(m, "getrandom: ", KEXEC, "-l", m.kernel, "-c", FAKE_GETRANDOM=f"0 {broken}")
    assert m.calls() == []
    done = m.run(KEXEC, "-l", m.kernel, "-s", FAKE_GETRANDOM=f"{broken}")
    assert done.returncode == 0 and "loading without a seed: getrandom" in done.stderr


def test_crash_kernel_without_seed(m: Machine) -> None:
    code = str(errno.EPERM)
    done = m.run(KEXEC, "-p", m.kernel, FAKE_GETRANDOM=f"0 {code} 0")
    assert done.returncode == 0 and done.stderr.count("loading without a seed") == 1, done


# --- unloading, jumping ------------------------------------------------------------------


def test_unload(m: Machine) -> None:
    load_crash(m)
    refused(m, "kernel", KEXEC, "-p", "-u", FAKE_KEXEC_LOAD=str(errno.ENOMEM))
    assert m.is_loaded() and m.recipes() == ["crash.recipe"] and m.calls() == ["kexec_load"]
    done = m.run(KEXEC, "-u", "-p")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert m.lines() == [f"kexec_load 0 0 {m.flags():#x}"] and m.flags() & 0xFFFF == CRASH
    assert not m.is_loaded() and m.recipes() == []
    load_crash(m)
    done = m.run(KEXEC, "-p", "-u", FAKE_KEXEC_LOAD=str(errno.ENOSYS))
    assert done.returncode == 0 and m.calls() == ["kexec_load", "kexec_file_load"]
    assert m.lines()[1] == f"kexec_file_load none none 0 '' {FILE_UNLOAD | FILE_ON_CRASH:#x}"
    assert not m.is_loaded() and m.recipes() == []
    # the normal kernel is no affair of the recipes
    load_crash(m)
    assert m.run(KEXEC, "-u").returncode == 0 and m.recipes() == ["crash.recipe"]
    # unloads, then loads
    done = m.run(KEXEC, "-u", "-l", m.kernel)
    assert done.returncode == 0 and m.calls() == ["kexec_load", "kexec_load"]
    refused(m, "kernel", KEXEC, "-u", "-l", m.kernel, FAKE_KEXEC_LOAD=str(errno.ENOMEM))
    assert m.calls() == ["kexec_load"]


def test_status_option(m: Machine) -> None:
    for argv, name in ((["-S"], "crash_loaded"), (["-p", "-S"], "crash_loaded"),
                       (["-l", "-S"], "loaded")):
        for text, result in (("0\n", 0), ("1\n", 1)):
            m.put(f"sys/kernel/kexec_{name}", text)
            done = m.run(KEXEC, *argv)
            assert (done.returncode, done.stdout, done.stderr) == (result, "", ""), (argv, done)
        m.put(f"sys/kernel/kexec_{name}", "0\n")
    m.remove("sys/kernel/kexec_crash_loaded")
    done = m.run(KEXEC, "-S")
    assert done.returncode == 255 and "does this kernel have kexec?" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_jump(m: Machine) -> None:
    refused(m, "no kernel is loaded: use kexec -l first", KEXEC, "-e")
    assert m.lines() == []
    m.put("sys/kernel/kexec_loaded", "1\n")
    jump, down = "reboot 0xfee1dead 0x28121969 0x45584543", "flags of eth0 0x2"
    for option, lines in (("", ["sync", down, jump]), ("-x", ["sync", jump]), ("-y", [down, jump])):
        done = m.run(KEXEC, "-e", option)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
        assert m.lines() == lines, (option, m.lines())
    m.run(KEXEC, "-f", m.kernel)
    assert [x for x in m.lines() if x[0] != " " and "kexec_load" not in x] == \
        ["reseed", "sync", down, jump] and m.calls()[0] == "kexec_load", m.lines()
    for name, words in (("EPERM", "not permitted: this needs root (CAP_SYS_BOOT)"),
                        ("EINVAL", "no kernel is loaded: use kexec -l first"),
                        ("EIO", "the kernel did not jump: Input/output error")):
        refused(m, words, KEXEC, "-e", FAKE_REBOOT=str(getattr(errno, name)))
    # if the kernel does not tell, the jump does
    m.remove("sys/kernel/kexec_loaded")
    m.run(KEXEC, "-e")
    assert m.lines() == ["sync", down, jump]


def make_program(m: Machine, path: str) -> None:
    m.put(path, "")
    (m.root / path).chmod(0o755)


def test_load_and_shut_down(m: Machine) -> None:
    """`kexec KERNEL` shuts down: through systemd where it runs, and never jumps by itself."""
    load = ["reseed", "kexec_load"]
    done = m.run(KEXEC, m.kernel)
    assert done.returncode == 1 and "cannot run shutdown: " in done.stderr, done
    make_program(m, "bin/shutdown")
    for path in ("bin/shutdown", "etc/shutdown", "sbin/shutdown"):
        make_program(m, path)
        m.run(KEXEC, m.kernel)
        assert m.lines()[-1] == f"execv /{path} shutdown -r now"
        assert [x.split()[0] for x in m.lines() if x[0] != " "] == [*load, "execv"]
    make_program(m, "bin/systemctl")
    m.run(KEXEC, m.kernel)
    assert m.lines()[-1] == "execv /sbin/shutdown shutdown -r now"
    (m.root / "run/systemd/system").mkdir(parents=True)
    m.run(KEXEC, m.kernel)
    assert m.lines()[-1] == "execv /bin/systemctl systemctl kexec"
    make_program(m, "usr/bin/systemctl")
    m.run(KEXEC, m.kernel)
    assert m.lines()[-1] == "execv /usr/bin/systemctl systemctl kexec"
    # a failed load ends it
    refused(m, "kernel", KEXEC, m.kernel, FAKE_KEXEC_LOAD=str(errno.ENOMEM))
    assert m.calls() == ["kexec_load"]
    m.run(KEXEC, "--dry-run", m.kernel)
    assert m.lines() == []


# --- what kexec tells --------------------------------------------------------------------


def test_console_notes(m: Machine) -> None:
    for text, noted in (("0 EFI VGA\n", True), ("", False), (None, False)):
        if text is None:
            m.remove("proc/fb")
        else:
            m.put("proc/fb", text)
        done = m.run(KEXEC, "-l", m.kernel, "--console-vga")
        assert done.returncode == 0 and m.calls() == ["kexec_load"]
        assert ("--console-vga: the screen shows graphics" in done.stderr) == noted, done.stderr
        done = m.run(KEXEC, "-l", m.kernel, "--append=x")
        assert done.stderr == ""
    done = m.run(KEXEC, "-l", m.kernel, "--reset-vga")
    assert done.returncode == 0 and "--reset-vga has no effect" in done.stderr


def test_consoles(m: Machine) -> None:
    """The flags, port and baud of the purgatory's console: purgatory_params.h."""
    for options, want in (([], (0, 0x3F8, 0)), (["--console-vga"], (6, 0x3F8, 0)),
                          (["--console-serial"], (5, 0x3F8, 0)),
                          (["--serial=0x2f8"], (1, 0x2F8, 0)),
                          (["--console-serial", "--append=console=ttyS1"], (5, 0x2F8, 0)),
                          (["--append=console=ttyS1,9600"], (1, 0x2F8, 0)),
                          (["--console-serial", "--serial-baud=9600"], (5, 0x3F8, 9600))):
        load_crash(m)
        done = m.run(KEXEC, "-p", m.kernel, "--append=x", *options)
        assert (done.returncode, done.stderr) == (0, "")
        assert struct.unpack_from("<III", m.segments()[1].data, 76) == want, options


def hide_iomem(m: Machine) -> None:
    m.put("proc/iomem", re.sub(r"^( *)[0-9a-f]+-[0-9a-f]+", r"\g<1>00000000-00000000",
                               (m.root / "proc/iomem").read_text(), flags=re.M))


def test_crash_size(m: Machine) -> None:
    done = m.run(KEXEC, "--print-ckr-size")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{256 << 20}\n", "")
    m.put("sys/kernel/kexec_crash_size", "12345\n")
    hide_iomem(m)
    done = m.run(KEXEC, "--print-ckr-size")
    assert (done.returncode, done.stdout, done.stderr) == (0, "12345\n", "")
    m.remove("sys/kernel/kexec_crash_size")
    refused(m, "/proc/iomem hides its addresses", KEXEC, "--print-ckr-size")


def test_full_output(m: Machine) -> None:
    for argv in ([KEXEC, "--version"], [KEXEC, "--help"], [KEXEC, "--dry-run", "--append=x", m.kernel],
                 [KEXEC, "--print-ckr-size"], [KEXEC_SEED, "--help"], [KEXEC_SEED, "--version"],
                 [KEXEC_SEED, "status"], [KEXEC_SEED, "refresh", "--help"]):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run(argv, env=m.environment({}), stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=LIMIT, check=False)
        assert done.returncode == 1 and "cannot write: No space" in done.stderr, (argv, done)
        done = m.run(*argv)
        assert done.returncode == 0 and done.stdout and not done.stderr, (argv, done)


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


# --- running them ------------------------------------------------------------------------


def run_one(test) -> str:
    """The trace of its failure; "": it passes."""
    with tempfile.TemporaryDirectory(prefix="programs.") as folder:
        try:
            test(Machine(Path(folder)))
        except Exception:  # pylint: disable=broad-exception-caught
            return f"FAILED: {test.__name__}\n{traceback.format_exc()}"
    return ""


def main() -> int:
    why = no_fake_here()
    if why:
        print(f"SKIPPED: {why}")
        return SKIPPED
    chosen = [f for name, f in globals().items() if name.startswith("test_")
              and (not sys.argv[1:] or any(x in name for x in sys.argv[1:]))]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        failures = [x for x in pool.map(run_one, chosen) if x]
    print(*failures, f"{len(chosen)} tests, {len(failures)} failed", sep="\n")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
