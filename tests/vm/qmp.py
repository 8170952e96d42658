# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's monitor protocol (QEMU's docs/interop/qmp-spec): commands with answers."""

import json
import socket
import time


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
