# SPDX-License-Identifier: GPL-2.0-only
"""Guests: a real kernel under QEMU (TCG), driven over two serial lines.

    from guest import Guest, GuestError
    from initrd import build_initrd

    def test_jump(build):                                # fixtures: see conftest.py
        initrd = build_initrd(kernels=["6.12"], programs=[build / "kexec/kexec"])
        with Guest(kernel="6.1", memory="1G", initrd=initrd) as guest:
            guest.wait_ready()                           # -> "6.1.0-50-cloud-amd64"
            guest.check("kexec -l /boot/vmlinuz-6.12 --initrd=/boot/initrd"
                        " --command-line='console=ttyS0 panic=-1'")
            guest.send_and_jump("kexec -e")
            guest.wait_ready()                           # the next kernel's agent
            assert "6.12" in guest.check("uname -r")
            guest.wait_console(r"random: crng init done")

  run(cmd)       Result(status, output, data); any exit status
  check(cmd)     the output; GuestError (with the output) unless the status is 0
  put(path, b)   writes a file in the guest (up to a few 100 KiB; more: build_initrd)
  console        output of kernel and probe so far
  find_in_memory(b"...")      physical addresses, all of the guest's RAM
  dump_memory(path)           the same RAM as files
  qmp.command("stop")         any monitor command; see also stop(), cont(), save(path)
  Guest(incoming=path, ...)   resumes what save(path) wrote; call cont(), then run()

Commands run in busybox's sh, one at a time. A guest never reboots: QEMU exits instead
(wait_exit()). All waits have limits in seconds, multiplied by $KEXEC_TEST_SLOW; on timeout,
GuestError carries the end of the console. A guest does not outlive its test.
"""

import base64
import mmap
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from arches import ARCHES
from cache import MissingError, kernel_image
from initrd import build_initrd
from qmp import Qmp, QmpError, qtest

SLOW = float(os.environ.get("KEXEC_TEST_SLOW", "1"))
CMDLINE = ARCHES["x86_64"].cmdline
NO_TIMER_CHECK = CMDLINE.split()[-1]
TAIL_LINES = 80  # a panic with its stack dump has 50
# With a thread per CPU, one CPU may execute stale bytes of code that another is patching: a
# boot of 7.3 with two CPUs died of an oops at an int3. CPUs that share one thread cannot, and
# boot as fast.
ACCEL = "tcg,thread=single"
READY = re.compile(rb">READY (\S+) \.")
ANSWER = re.compile(rb">ANSWER (\d+) (\d+) ([A-Za-z0-9+/=]*) \.")


class GuestError(Exception):
    """A failure in or of a guest, with the end of its console."""


@dataclass
class Result:
    status: int
    data: bytes  # standard output and standard error, as they came

    @property
    def output(self) -> str:
        return self.data.decode(errors="replace")


def _bytes(size: str) -> int:
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    return int(size[:-1]) * units[size[-1]]


class Guest:
    """See the top of the file.

    arch      "x86_64", "arm64" or "riscv64"
    kernel    a slot of the cache ("6.1", "6.12", "7.3"; for arm64 also "7.3-16k", for riscv64
              "6.12", "sid") or the path of a bzImage or Image
    cpu       "max", or without random words: "qemu64", which has no RDRAND, no 1 GiB pages
              and 4-level paging, or "cortex-a72"
    el2       arm64: the kernel has a hypervisor's CPU mode (with VHE if cpu="max")
    qemu      "10": its cpu="max" has SHA-NI (needs 8.2; see `fetch`)
    firmware  "bios" (SeaBIOS; a device tree on the others), "efi", or "efi-tree": without
              ACPI; in any case QEMU loads the kernel
    cmdline   added to the architecture's
    extra     more arguments for QEMU
    initrd    by default a small one from build_initrd()
    workdir   for console.log and qemu.log; default: a folder that close() removes
    """

    def __init__(self, kernel: str | Path = "6.1", memory: str = "1G", cpus: int = 1,
                 cpu: str = "max", firmware: str = "bios", cmdline: str = "",
                 extra: list[str] | tuple[str, ...] = (), initrd: Path | None = None,
                 workdir: Path | None = None, incoming: Path | None = None,
                 qemu: str = "", arch: str = "x86_64", el2: bool = False):
        self.arch = ARCHES[arch]
        self.memory = _bytes(memory)
        self.ready = incoming is not None
        self.cpus = cpus
        self.release = ""
        self._own_workdir = workdir is None
        self.workdir = Path(workdir or tempfile.mkdtemp(prefix="kexec-seed-vm-"))
        self.console_path = self.workdir / "console.log"
        self._process: subprocess.Popen | None = None
        self._agent: socket.socket | None = None
        self._received = bytearray()
        self._last_id = 0
        self._jump_id = 0
        image = kernel if isinstance(kernel, Path) else kernel_image(kernel, self.arch.name)
        if incoming is not None and self.arch.resumes not in ("", cpu):
            raise GuestError(f"QEMU resumes {arch} with cpu=\"{self.arch.resumes}\" alone")
        argv = ["-accel", ACCEL, "-machine", self.arch.machine(el2), "-m", memory,
                "-cpu", self.arch.cpu(cpu), "-smp", str(cpus),
                "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
                "-kernel", str(image), "-initrd", str(initrd or build_initrd(arch=arch)),
                "-append", f"{self.arch.cmdline} {cmdline}".strip(),
                "-chardev", f"file,id=console,path={self.console_path}",
                "-serial", "chardev:console"]
        try:
            argv += self._firmware(firmware)
            if incoming is not None:
                argv += ["-incoming", f"exec:cat '{incoming}'"]
            self._start(self._qemu(qemu), [*argv, *extra])
        except BaseException:
            self.close()
            raise

    def _firmware(self, firmware: str) -> list[str]:
        if firmware == "bios":
            return []
        folder, names = self.arch.firmware
        for name in names:
            code = Path(folder) / name
            if code.exists():
                variables = self.workdir / "efi-variables"
                shutil.copyfile(code.with_name(name.replace("CODE", "VARS")), variables)
                drive = "if=pflash,format=raw,unit="
                return [*(["-machine", "acpi=off"] if firmware == "efi-tree" else []),
                        "-drive", f"{drive}0,readonly=on,file={code}",
                        "-drive", f"{drive}1,file={variables}"]
        raise GuestError(f"no firmware in {folder} (Debian: {self.arch.firmware_package})")

    def _qemu(self, version: str) -> list[str]:
        if version not in ("", "10"):
            raise GuestError(f"no QEMU {version!r}, only \"10\"")
        try:
            return self.arch.qemu(version)
        except MissingError as error:
            raise GuestError(str(error)) from None

    def _start(self, qemu: list[str], argv: list[str]) -> None:
        self._agent, agent = socket.socketpair()
        monitor, theirs = socket.socketpair()
        argv += ["-chardev", f"socket,id=agent,fd={agent.fileno()}",
                 *self.arch.agent,
                 "-chardev", f"socket,id=monitor,fd={theirs.fileno()}",
                 "-mon", "chardev=monitor,mode=control"]
        if self.arch.timer:
            argv += ["-qtest", f"unix:{self.workdir}/qtest,server=on,wait=off",
                     "-qtest-log", "none"]
        with agent, theirs, open(self.workdir / "qemu.log", "wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *qemu, *argv],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                pass_fds=(agent.fileno(), theirs.fileno()))
        try:
            self.qmp = Qmp(monitor, 30 * SLOW)
        except QmpError as error:
            raise self._error(str(error)) from None

    def __enter__(self) -> "Guest":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        """End QEMU in any state of the guest."""
        if self._process:
            self._process.kill()
            self._process.wait()
        if self._agent:
            self._agent.close()
        if hasattr(self, "qmp"):
            self.qmp.sock.close()
        if self._own_workdir:
            shutil.rmtree(self.workdir, ignore_errors=True)

    # Console

    @property
    def console(self) -> str:
        try:
            text = self.console_path.read_bytes().decode(errors="replace")
            return text.replace("\r", "")
        except FileNotFoundError:
            return ""

    def _error(self, text: str) -> GuestError:
        lines = self.console.splitlines()
        parts = [text, *(f"  | {x}" for x in lines[-TAIL_LINES:])]
        log = self.workdir / "qemu.log"
        if log.exists():
            parts += [f"  qemu: {x}" for x in
                      log.read_text(errors="replace").splitlines()[-5:]]
        return GuestError("\n".join(parts))

    def wait_console(self, pattern: str, timeout: float = 30, start: int = 0) -> re.Match:
        """The first match of a regular expression (multi-line) in console[start:]."""
        deadline = time.monotonic() + timeout * SLOW
        while True:
            over = self._process.poll() is not None or time.monotonic() > deadline
            if hit := re.search(pattern, self.console[start:], re.MULTILINE):
                return hit
            if over:
                raise self._error(f"the console does not show {pattern!r}")
            time.sleep(0.05)

    def wait_exit(self, timeout: float = 30) -> int:
        """QEMU's exit status, once the guest has powered off or tried to reboot."""
        try:
            return self._process.wait(timeout * SLOW)
        except subprocess.TimeoutExpired:
            raise self._error("the guest is still running") from None

    # The agent

    def _line(self, deadline: float, what: str) -> bytes:
        start = 0
        while (end := self._received.find(b"\n", start)) < 0:
            start = len(self._received)
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._error(f"no answer in time: {what}")
            if not select.select([self._agent], [], [], left)[0]:
                continue
            data = self._agent.recv(1 << 16)
            if not data:
                raise self._error(f"QEMU has ended: {what}")
            self._received += data
        line = bytes(self._received[:end])
        del self._received[:end + 1]
        return line

    def wait_ready(self, timeout: float = 60) -> str:
        """Wait for the agent of this kernel, or after a jump, of the next one.

        Returns the kernel's release. If the command of send_and_jump() returns instead, that
        is an error with its output.
        """
        deadline = time.monotonic() + timeout * SLOW
        while not self.ready:
            line = self._line(deadline, "waiting for the guest's agent")
            if hit := READY.search(line):
                self.ready, self.release = True, hit[1].decode()
            elif (hit := ANSWER.search(line)) and int(hit[1]) == self._jump_id:
                self.ready = True
                text = base64.b64decode(hit[3]).decode(errors="replace")
                raise self._error(f"no jump, but status {int(hit[2])}: {text.strip()}")
        return self.release

    def _send(self, command: str) -> int:
        if not self.ready:
            self.wait_ready()
        self._last_id += 1
        encoded = base64.b64encode(command.encode())
        try:
            self._agent.settimeout(60 * SLOW)
            self._agent.sendall(b"\n%d %s\n" % (self._last_id, encoded))
        except OSError as error:
            raise self._error(f"cannot reach the agent: {error}") from None
        return self._last_id

    def run(self, command: str, timeout: float = 60) -> Result:
        deadline = time.monotonic() + timeout * SLOW
        number = self._send(command)
        while True:
            line = self._line(deadline, command[:200])
            if hit := ANSWER.search(line):
                if int(hit[1]) == number:
                    return Result(int(hit[2]), base64.b64decode(hit[3], validate=True))
            elif READY.search(line):
                raise self._error(f"the guest started anew during: {command[:200]}")

    def check(self, command: str, timeout: float = 60) -> str:
        result = self.run(command, timeout)
        if result.status:
            raise self._error(f"status {result.status}: {command[:500]}\n{result.output}")
        return result.output

    def put(self, path: str, data: bytes) -> None:
        """Write a file, in pieces, because a serial line takes only short commands."""
        self.check(f": >'{path}'")
        for start in range(0, len(data), 1500):
            piece = base64.b64encode(data[start:start + 1500]).decode()
            self.check(f"echo {piece} | base64 -d >>'{path}'")

    def send_and_jump(self, command: str) -> None:
        """Run a command that does not return, such as `kexec -e`; then wait_ready()."""
        self._jump_id = self._send(command)
        self.ready = False

    # The machine

    def stop(self) -> None:
        self.qmp.command("stop")

    def arrived(self) -> None:
        """Wait until an incoming state has arrived; the guest is still stopped."""
        deadline = time.monotonic() + 60 * SLOW
        while self.qmp.command("query-status")["status"] == "inmigrate":
            if time.monotonic() > deadline:
                raise self._error("the saved state does not arrive")
            time.sleep(0.05)

    def cont(self) -> None:
        """Resume; waits until an incoming state has arrived."""
        self.arrived()
        if self.arch.timer:
            places = [self.arch.timer + 8 * i for i in range(self.cpus)]
            values = self.qtest(*(f"readq {at}" for at in places))
            self.qtest(*(f"writeq {at} {value}" for at, value in zip(places, values)))
        self.qmp.command("cont")

    def qtest(self, *commands: str) -> list[str]:
        """Answers of QEMU's test interface, which machines with Arch.timer have."""
        return qtest(self.workdir / "qtest", list(commands), 30 * SLOW)

    def save(self, path: Path, timeout: float = 120) -> None:
        """Stop the guest and write its state for Guest(incoming=path)."""
        self.stop()
        self.qmp.command("migrate", uri=f"exec:cat > '{path}'")
        deadline = time.monotonic() + timeout * SLOW
        while (status := self.qmp.command("query-migrate").get("status")) != "completed":
            if status in ("failed", "cancelled") or time.monotonic() > deadline:
                raise self._error(f"saving the guest: {status}")
            time.sleep(0.05)

    def dump_memory(self, path: Path) -> list[tuple[int, Path]]:
        """Write RAM to `path`; its second part, if any, to `path`.high.

        Returns the physical start address of each file, and the file.
        """
        parts = [(*part, name) for part, name in
                 zip(self.arch.ram(self.memory), (Path(path), Path(f"{path}.high")))]
        for start, size, name in parts:
            self.qmp.command("pmemsave", 300 * SLOW, val=start, size=size,
                             filename=str(name.absolute()))
        return [(start, name) for start, _, name in parts]

    def find_in_memory(self, needle: bytes) -> list[int]:
        """Every physical address at which RAM holds these bytes."""
        found = []
        for start, path in self.dump_memory(self.workdir / "memory"):
            with open(path, "rb") as file, \
                    mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as memory:
                at = memory.find(needle)
                while at >= 0:
                    found.append(start + at)
                    at = memory.find(needle, at + 1)
            path.unlink()
        return found
