# SPDX-License-Identifier: GPL-2.0-only
"""The guest harness itself. kexec here is Debian's."""

import hashlib
import itertools
import re
import shutil

import pytest

import cache
from guest import Guest, GuestError
from initrd import InitrdError, build_initrd
from places import some
from probe import ProbeError, parse_probe, wait_for_probe

SLOTS = cache.KERNELS
MEBIBYTE = 1 << 20


@pytest.mark.parametrize("kernel", some(SLOTS, 2))
def test_commands_and_memory(kernel):
    with Guest(kernel=kernel, memory="512M") as guest:
        assert guest.wait_ready() == cache.kernel_release(kernel)
        assert guest.check("uname -r").strip() == cache.kernel_release(kernel)
        guest.wait_console(rf"^GUEST READY {re.escape(guest.release)}$")

        # status, standard error and awkward bytes arrive unchanged
        result = guest.run("printf 'a\\000\\r\\n>ANSWER 1 0 .\\377'; echo e >&2; exit 37")
        assert (result.status, result.data) == (37, b"a\0\r\n>ANSWER 1 0 .\xffe\n")
        assert guest.run("kill -9 $$").status == 137
        assert guest.check("true") == ""
        result = guest.run(f"head -c {MEBIBYTE} /dev/urandom | tee /tmp/random", 120)
        assert len(result.data) == MEBIBYTE
        assert guest.check("sha256sum </tmp/random").split()[0] == \
            hashlib.sha256(result.data).hexdigest()

        # the needle is assembled in the guest: no command line holds it whole
        guest.check("for i in $(seq 64); do printf 'harness-%s-' needle; done >/tmp/n")
        assert len(guest.find_in_memory(b"harness-needle-" * 64)) >= 1
        assert guest.find_in_memory(b"harness-" b"absent" b"-") == []

        guest.put("/tmp/put", result.data[:5000])
        assert guest.check("sha256sum </tmp/put").split()[0] == \
            hashlib.sha256(result.data[:5000]).hexdigest()


def test_programs_come_first():
    """A program added by a test takes precedence over busybox's applet of that name."""
    tool = shutil.which("setpriv")
    with Guest(initrd=build_initrd(programs=[tool]), memory="256M") as guest:
        assert "util-linux" in guest.check("setpriv --version")
        assert "BusyBox" in guest.run("hostname --help").output


def test_failures_are_told():
    with Guest(memory="512M") as guest:
        guest.wait_ready()
        with pytest.raises(GuestError, match=r"status 3: echo why; exit 3\nwhy"):
            guest.check("echo why; exit 3")
        with pytest.raises(GuestError, match="does not show 'no such line'"):
            guest.wait_console("no such line", 0.2)
        guest.send_and_jump("echo not today; exit 9")
        with pytest.raises(GuestError, match="no jump, but status 9: not today"):
            guest.wait_ready()
        with pytest.raises(GuestError, match="no answer in time: sl(.|\n)*GUEST READY"):
            guest.run("sleep 60", 0.5)
    with Guest(memory="512M") as guest:
        guest.wait_ready()
        guest.send_and_jump("echo c >/proc/sysrq-trigger")
        with pytest.raises(GuestError, match="QEMU has ended(.|\n)*Kernel panic"):
            guest.wait_ready()
        assert guest.wait_exit() == 0


def test_nothing_is_left_behind():
    with Guest(memory="256M") as guest:
        process, folder = guest._process, guest.workdir
    assert process.returncode is not None
    assert not folder.exists()


@pytest.mark.parametrize("memory, cpu, cpus", [("8G", "max", 1), ("512M", "qemu64", 2)])
def test_machines(memory, cpu, cpus):
    with Guest(kernel="6.12", memory=memory, cpu=cpu, cpus=cpus) as guest:
        assert guest.check("nproc").strip() == str(cpus)
        flags = guest.check("grep -m1 flags /proc/cpuinfo").split()
        assert ("la57" in flags, "rdrand" in flags) == (cpu == "max", cpu == "max")
        total = int(re.search(r"\d+", guest.check("grep MemTotal /proc/meminfo"))[0])
        assert total > guest.memory * 0.85 / 1024


def test_efi():
    with Guest(kernel="6.12", firmware="efi") as guest:
        assert guest.check("ls /sys/firmware/efi/runtime-map").split()


@pytest.mark.parametrize("arch, setup", [
    ("x86_64", {}), ("arm64", {"cpu": "cortex-a72"}), ("riscv64", {"kernel": "6.12", "cpu": "rv64"}),
    ("riscv64", {"kernel": "6.12", "cpu": "rv64", "cpus": 2})])
def test_saved_guests_go_on(tmp_path, arch, setup):
    """Two clones of one state resume independently, and wake from what they slept in."""
    state = tmp_path / "state"
    setup = {"arch": arch, "memory": "256M", **setup}
    with Guest(**setup) as guest:
        guest.check("echo before >/tmp/mark")
        guest.check("(while sleep 0.5; do echo tick >/dev/console; done) </dev/null >/dev/null"
                    " 2>&1 &")
        guest.save(state)
    for number in ("1", "2"):
        with Guest(**setup, incoming=state) as clone:
            clone.cont()
            clone.wait_console("tick\ntick\n")
            clone.check(f"echo {number} >>/tmp/mark")
            assert clone.check("cat /tmp/mark") == f"before\n{number}\n"


def test_cpu_that_does_not_resume(tmp_path):
    with pytest.raises(GuestError, match='QEMU resumes riscv64 with cpu="rv64" alone'):
        Guest(arch="riscv64", kernel="6.12", cpu="max", incoming=tmp_path / "state")


def test_next_kernel():
    initrd = build_initrd(kernels=SLOTS, programs=[cache.kexec_tools()])
    with Guest(kernel="6.1", initrd=initrd) as guest:
        assert len(guest.check("ls /boot").split()) == len(SLOTS) + 1
        guest.check("kexec -c -l /boot/vmlinuz-7.3 --initrd=/boot/initrd"
                    " --command-line='console=ttyS0 panic=-1'")
        guest.send_and_jump("kexec -e")
        assert guest.wait_ready() == cache.kernel_release("7.3")
        assert guest.check("cat /proc/cmdline").strip() == "console=ttyS0 panic=-1"


@pytest.mark.parametrize("kernel, how", some(
    itertools.product(SLOTS, ["-c", "-s"]), 2, 5))
def test_probe(build, kernel, how):
    files = {"/probe": build / "tests/probe/probe.bzImage", "/ramdisk": b"ram" * 1000}
    initrd = build_initrd(files=files, programs=[cache.kexec_tools()])
    with Guest(kernel=kernel, initrd=initrd, memory="512M") as guest:
        guest.check(f"kexec {how} -l /probe --initrd=/ramdisk"
                    " --command-line='a\\b \u00e9'")
        memory = guest.check("cat /sys/firmware/memmap/*/start").split()
        guest.send_and_jump("kexec -e")
        seen = wait_for_probe(guest)
        assert seen.bad == []
        assert seen.registers["rsi"] == seen.boot_params_addr
        assert seen.registers["cs"] == 0x10 and seen.registers["ds"] == 0x18
        assert seen.registers["cr0"] & 0x80000001 == 0x80000001
        assert seen.registers["efer"] & 0x500 == 0x500
        assert seen.load_addr % (2 << 20) == 0
        assert seen.boot_params[0x202:0x206] == b"HdrS"
        assert seen.cmdline.encode("latin-1").decode() == "a\\b \u00e9"
        # below 1 MiB kexec-tools deviates
        assert {int(x, 16) for x in memory if int(x, 16) >= MEBIBYTE} <= \
            {a for a, _, _ in seen.e820}
        assert sum(s for _, s, kind in seen.e820 if kind == 1) > guest.memory * 0.95
        assert [(n.type, n.len, len(n.data)) for n in seen.setup_data] == [(9, 32, 32)]
        assert len(set(seen.seeds()[0].data)) > 16


def test_probe_resets(build):
    initrd = build_initrd(files={"/probe": build / "tests/probe/probe.bzImage"},
                          programs=[cache.kexec_tools()])
    with Guest(initrd=initrd, memory="512M", firmware="efi") as guest:
        guest.check("kexec -s -l /probe --command-line='x probe.reset'")
        guest.send_and_jump("kexec -e")
        seen = wait_for_probe(guest)
        assert seen.efi_systab and len(seen.efi_map) % seen.efi_desc_size == 0
        assert 4 in [n.type for n in seen.setup_data]
        guest.wait_exit()


def test_probe_parser_is_strict():
    good = "PROBE BEGIN\nreg rsi 10\nsetup_data 10 9 2\nhex 0 beef\nPROBE END\n"
    assert parse_probe(f"noise\n{good}noise").setup_data[0].data == b"\xbe\xef"
    for spoilt in ("", good[:-4], good.replace("9 2", "9 3"),
                   good.replace("hex 0", "hex 4"), good.replace("beef", "bee"),
                   good.replace("reg", "peg"),
                   good.replace("10 9", "10 9 9")):
        with pytest.raises(ProbeError):
            parse_probe(spoilt)


def test_initrd_names_what_is_missing(tmp_path):
    with pytest.raises(InitrdError, match="no-such not found"):
        build_initrd(programs=[tmp_path / "no-such"])
    with pytest.raises(cache.MissingError, match="kernels/5.5/vmlinuz not found"):
        build_initrd(kernels=["5.5"])
