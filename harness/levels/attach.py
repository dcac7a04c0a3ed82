# SPDX-License-Identifier: GPL-2.0-only
"""Put whoever runs this command on a terminal in a level."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from typing import Any

import paramiko

from harness.levels.ssh import Connection

_OPEN_SECONDS = 20


def attach(connection: Connection, command: str = "") -> int:
    """Run *command*, '' for a shell, until it ends; its exit status, -1 if the connection broke.

    Our stdin is its keyboard: a terminal is switched to raw mode, so that Ctrl-C is for the guest.
    Anything else is a script for it, and needs no terminal there either.
    """
    keyboard, screen = sys.stdin.fileno(), sys.stdout.fileno()
    if os.isatty(keyboard):
        size = shutil.get_terminal_size()
        channel = connection.terminal(command, size.columns, size.lines, os.environ.get("TERM", "dumb"))
    else:
        channel = connection.stream(command or "exec sh", _OPEN_SECONDS).channel
        channel.settimeout(None)
    with _raw(keyboard), _following_size(channel):
        _copy(channel, keyboard, screen)
    return channel.recv_exit_status() if channel.status_event.wait(_OPEN_SECONDS) else -1


def _copy(channel: paramiko.Channel, keyboard: int, screen: int) -> None:
    """Both ways until the far end closes."""
    sources: list[Any] = [channel, keyboard]
    while True:
        ready, _, _ = select.select(sources, [], [])
        if channel in ready:
            data = channel.recv(65536)
            if not data:
                return
            _write(screen, data)
        if keyboard in ready:
            typed = os.read(keyboard, 4096)
            if typed:
                channel.sendall(typed)
            else:
                channel.shutdown_write()
                sources.remove(keyboard)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    if not os.isatty(descriptor):
        yield
        return
    before = termios.tcgetattr(descriptor)
    try:
        tty.setraw(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextlib.contextmanager
def _following_size(channel: paramiko.Channel) -> Iterator[None]:
    def resize(_signal: int, _frame: object) -> None:
        size = shutil.get_terminal_size()
        with contextlib.suppress(OSError, paramiko.SSHException):
            channel.resize_pty(size.columns, size.lines)

    before = signal.signal(signal.SIGWINCH, resize)
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
