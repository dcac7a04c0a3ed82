# SPDX-License-Identifier: GPL-2.0-only
"""SSH into a level: run commands, open a stream that pexpect can read."""

from __future__ import annotations

import base64
import io
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import paramiko
import pexpect
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pexpect.spawnbase import SpawnBase

from harness.model.errors import InfrastructureError

_OPEN_SECONDS = 20


@dataclass(frozen=True)
class ClientKey:
    """An ed25519 key of one run. public: base64 of the wire format, as in authorized_keys; text: the
    private half as a key file has it."""

    private: paramiko.Ed25519Key
    public: str
    text: str


def new_key() -> ClientKey:
    """A key that lives in memory only, unless somebody writes its text."""
    text = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(text.decode()))
    return ClientKey(key, key.get_base64(), text.decode())


@dataclass(frozen=True)
class Completed:
    """A command that ended. status: exit status, -1 when it died of a signal."""

    status: int
    stdout: str
    stderr: str


class Connection:
    """One authenticated SSH connection."""

    def __init__(self, transport: paramiko.Transport, keep: object = None):
        """keep: whatever must live as long."""
        self._transport = transport
        self._keep = keep

    @classmethod
    def to_port(cls, port: int, host_key: str, key: ClientKey, timeout: float) -> Connection:
        """To 127.0.0.1:*port*. host_key: base64 of the only key the server may have (it told us over
        its console). InfrastructureError if that fails."""
        return cls._open_to(
            f"127.0.0.1:{port}",
            lambda: socket.create_connection(("127.0.0.1", port), timeout=timeout),
            host_key, key, timeout,
        )  # fmt: skip

    @classmethod
    def through(
        cls, outer: Connection, port: int, host_key: str, key: ClientKey, timeout: float
    ) -> Connection:
        """To 127.0.0.1:*port* as the other end of *outer* sees it."""
        return cls._open_to(
            f"port {port} in its host",
            lambda: outer._transport.open_channel(
                "direct-tcpip", ("127.0.0.1", port), ("127.0.0.1", 0), timeout=timeout
            ),
            host_key, key, timeout,
        )  # fmt: skip

    @classmethod
    def _open_to(
        cls, where: str, dial: Callable[[], Any], host_key: str, key: ClientKey, timeout: float
    ) -> Connection:
        began = time.monotonic()
        expected = paramiko.Ed25519Key(data=base64.b64decode(host_key))
        try:
            transport = paramiko.Transport(dial())
            transport.banner_timeout = transport.auth_timeout = transport.handshake_timeout = timeout
            transport.connect(hostkey=expected, username="root", pkey=key.private)
        except (OSError, EOFError, paramiko.SSHException) as error:
            seconds = time.monotonic() - began
            raise InfrastructureError(f"SSH to {where} failed after {seconds:.1f} s: {error}") from None
        return cls(transport)

    def run(self, command: str, timeout: float, stdin: bytes = b"") -> Completed:
        """Run through the level's shell. InfrastructureError when it takes longer than *timeout*
        seconds or the connection breaks."""
        deadline = time.monotonic() + timeout
        try:
            channel = self._open(command, timeout)
            if stdin:
                channel.sendall(stdin)
            channel.shutdown_write()
            with channel.makefile("rb") as output:
                stdout = output.read()
            with channel.makefile_stderr("rb") as errors:
                stderr = errors.read()
            if not channel.status_event.wait(max(0.0, deadline - time.monotonic())):
                raise TimeoutError("no exit status")
            return Completed(
                channel.recv_exit_status(), stdout.decode(errors="replace"), stderr.decode(errors="replace")
            )
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise InfrastructureError(
                f"over SSH, {_short(command)!r} failed: {error or f'no answer within {timeout:g} s'}"
            ) from None

    def stream(self, command: str, timeout: float) -> ChannelSpawn:
        """Start a command whose output goes on for long, stderr with stdout."""
        try:
            return ChannelSpawn(self._open(command, timeout, combine=True))
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise InfrastructureError(
                f"over SSH, {_short(command)!r} failed: {error or f'no answer within {timeout:g} s'}"
            ) from None

    @property
    def active(self) -> bool:
        """Whether the connection still stands, as far as this end knows."""
        return self._transport.is_active()

    def terminal(self, command: str, width: int, height: int, kind: str) -> paramiko.Channel:
        """Start a command, '' for a login shell, on a terminal of its own. width, height: in characters;
        kind: as in TERM. InfrastructureError if that fails."""
        try:
            channel = self._transport.open_session(timeout=_OPEN_SECONDS)
            channel.get_pty(kind, width, height)
            if command:
                channel.exec_command(command)
            else:
                channel.invoke_shell()
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise InfrastructureError(f"over SSH, no terminal: {error}") from None
        return channel

    def close(self) -> None:
        self._transport.close()

    def _open(self, command: str, timeout: float, combine: bool = False) -> paramiko.Channel:
        channel = self._transport.open_session(timeout=timeout)
        channel.settimeout(timeout)
        channel.set_combine_stderr(combine)
        _execute(channel, command, timeout)
        return channel


def _execute(channel: paramiko.Channel, command: str, timeout: float) -> None:
    """paramiko waits for ever for the answer to this request, and a level may hang before it gives one."""
    failed: list[Exception] = []

    def ask() -> None:
        try:
            channel.exec_command(command)
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=ask, name="ssh exec", daemon=True)
    thread.start()
    thread.join(timeout)
    if thread.is_alive():
        channel.close()
        raise TimeoutError(f"not started within {timeout:g} s")
    if failed:
        raise failed[0]


def _short(command: str) -> str:
    return command if len(command) < 60 else f"{command[:60]}..."


# Generic for the type checker only; at run time the class is plain.
if TYPE_CHECKING:
    _TextSpawn = SpawnBase[str]
else:
    _TextSpawn = SpawnBase


class ChannelSpawn(_TextSpawn):
    """An SSH channel as pexpect reads it."""

    def __init__(self, channel: paramiko.Channel):
        super().__init__(encoding="utf-8", codec_errors="replace", maxread=65536)
        self.channel = channel

    def read_nonblocking(self, size: int = 1, timeout: float | None = -1) -> str:
        self.channel.settimeout(self.timeout if timeout == -1 else timeout)
        try:
            data = self.channel.recv(size)
        except TimeoutError:
            raise pexpect.TIMEOUT("no output") from None
        if not data:
            self.flag_eof = True
            raise pexpect.EOF("channel closed")
        text: str = self._decoder.decode(data, final=False)  # type: ignore[attr-defined]
        self._log(text, "read")  # type: ignore[attr-defined]
        return text

    def exit_status(self, timeout: float) -> int | None:
        """Exit status of the remote command, None if it is not known within *timeout* seconds."""
        return self.channel.recv_exit_status() if self.channel.status_event.wait(timeout) else None

    def close(self) -> None:
        self.channel.close()
        self.closed = True
