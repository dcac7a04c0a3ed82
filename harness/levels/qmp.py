# SPDX-License-Identifier: GPL-2.0-only
"""Talk QMP to a QEMU we started, over a socket pair that has no name anyone could take."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

from qemu.qmp import QMPClient, QMPError

from harness.model.errors import InfrastructureError


def _reason(event: Any) -> str:
    return str(event.get("data", {}).get("reason", ""))


# An event that was sent is here by then: the socket pair is local.
_EVENT_SECONDS = 0.3


class Monitor:
    """ours is kept here; theirs is for the child's ``-chardev socket,fd=``."""

    def __init__(self) -> None:
        self.ours, self.theirs = socket.socketpair()
        self._runner = asyncio.Runner()
        self._client = QMPClient("harness")
        self.connected = False
        self._shutdown = ""

    @property
    def arguments(self) -> list[str]:
        return ["-chardev", f"socket,id=qmp,fd={self.theirs.fileno()}", "-qmp", "chardev:qmp"]

    def connect(self, timeout: float) -> None:
        """Negotiate. InfrastructureError if QEMU does not answer within *timeout* seconds."""
        self.theirs.close()
        self._do(self._client.connect(self.ours), "greeting", timeout)
        self.connected = True

    def execute(self, command: str, arguments: dict[str, Any] | None = None, timeout: float = 5) -> Any:
        """Return value of a QMP command; InfrastructureError if it fails or takes too long."""
        return self._do(self._client.execute(command, arguments), command, timeout)

    def human(self, line: str, timeout: float = 5) -> str:
        """Output of a human monitor command."""
        return str(self.execute("human-monitor-command", {"command-line": line}, timeout))

    def shutdown_reason(self) -> str:
        """Of the SHUTDOWN event that QEMU sends before it ends, '' if none came (QEMU qapi/run-state.json,
        ShutdownCause). Also for a QEMU that has ended: what it sent last is still to be read."""
        if not self.connected:
            return ""

        async def drain() -> str:
            with contextlib.suppress(asyncio.TimeoutError):
                while True:
                    event = await asyncio.wait_for(self._client.events.get(), _EVENT_SECONDS)
                    if event["event"] == "SHUTDOWN":
                        return _reason(event)
            return ""

        if not self._shutdown:
            try:
                self._shutdown = self._runner.run(drain())
            except (QMPError, OSError, EOFError):
                self._shutdown = ""
        return self._shutdown

    def close(self) -> None:
        """Harmless when QEMU is gone."""
        try:
            if self.connected:
                self._do(self._client.disconnect(), "disconnect", 2)
        except InfrastructureError:
            pass
        finally:
            self._runner.close()
            self.ours.close()
            self.theirs.close()

    def _do(self, coroutine: Any, what: str, timeout: float) -> Any:
        async def bounded() -> Any:
            return await asyncio.wait_for(coroutine, timeout)

        try:
            return self._runner.run(bounded())
        except TimeoutError:
            raise InfrastructureError(f"QEMU did not answer QMP {what} within {timeout:g} s") from None
        except (QMPError, OSError, EOFError) as error:
            raise InfrastructureError(f"QMP {what} failed: {error}") from None
