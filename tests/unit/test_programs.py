#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""kexec as a whole, over a fake kernel: which system calls it makes, in which order, with which
segments; what it says, and what it leaves in /run.

Only the kernel's side is replaced (fake_machine.c); tests/vm does the same with real ones. For
kexec-seed: test_programs_refresh.py, test_programs_daemon.py. Arguments: see programs.py.
"""

import errno
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from fake_machine import CRASH, KEXEC, KEXEC_SEED, LIMIT, REGION, TEXT, Machine  # noqa: E402
from programs import (ALL, FILE_NO_INITRAMFS, FILE_ON_CRASH, FILE_UNLOAD, hide_iomem,  # noqa: E402
                      is_good, load_crash, main, refused, status)


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

if __name__ == "__main__":
    sys.exit(main(globals()))
