# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's monitor protocol (QEMU's docs/interop/qmp-spec) and its test interface (system/qtest.c in
its source): commands with answers."""

import json
import socket
import time
from pathlib import Path


class QmpError(Exception):
    """QEMU refused a command, or does not answer."""


class Qmp:
    def __init__(self, sock: socket.socket, timeout: float = 30):
        self.sock = sock
        self.buffer = b""
        self.events: list[dict] = []
        self._next(time.monotonic() + timeout)  # the greeting
        self.command("qmp_capabilities", timeout)

    def _next(self, deadline: float) -> dict:
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise QmpError("QEMU's monitor does not answer")
            self.sock.settimeout(left)
            try:
                data = self.sock.recv(65536)
            except TimeoutError:
                continue
            except OSError as error:
                raise QmpError(f"QEMU's monitor: {error}") from None
            if not data:
                raise QmpError("QEMU has ended")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def command(self, execute: str, timeout: float = 60, **arguments):
        """The command's "return" value."""
        deadline = time.monotonic() + timeout
        request = {"execute": execute}
        if arguments:
            request["arguments"] = arguments
        try:
            self.sock.settimeout(timeout)
            self.sock.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise QmpError(f"QEMU's monitor: {error}") from None
        while True:
            answer = self._next(deadline)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise QmpError(f"{execute}: {answer['error'].get('desc')}")
            self.events.append(answer)


def qtest(path: Path, commands: list[str], timeout: float = 30) -> list[str]:
    """The test interface at a socket: reads and writes of device registers, interrupt lines.
    The answers' values, "" if they have none."""
    values = []
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(timeout)
        line.connect(str(path))
        for command in commands:
            line.sendall(command.encode() + b"\n")
            answer = b""
            while not answer.endswith(b"\n"):
                if not (data := line.recv(1000)):
                    raise QmpError("QEMU has ended")
                answer += data
            word, _, value = answer.decode().strip().partition(" ")
            if word != "OK":
                raise QmpError(f"{command}: {answer.decode().strip()}")
            values.append(value)
    return values
