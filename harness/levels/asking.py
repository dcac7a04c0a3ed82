# SPDX-License-Identifier: GPL-2.0-only
"""A conversation with images/guest/ask.py, or a program like it, in a Linux: questions there, documents
back."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Sequence
from typing import Any

import pexpect

from harness.levels.ssh import ChannelSpawn, Completed, Connection
from harness.model.errors import InfrastructureError
from harness.model.program import Program

# Where they are in a userland of ours.
OUR_PROGRAMS = "/usr/lib/kvmppc"
# Where those go there that are not in it; gone with the level.
MORE_PROGRAMS = "/run/kvmppc"

# Questions that are on their way at a time: little against what a channel's window takes.
_AHEAD = 50

# Within this time the exit status of a program follows the end of its output, in seconds.
_STATUS_SECONDS = 2.0

# One that fails says why within this time, in seconds.
_REST_SECONDS = 2.0


def start_of(program: str, directory: str, others: str = "") -> str:
    """The command that starts levelfacts.py, ask.py or another there. As a module, so that what is compiled
    of it is used; without -m, which would cost more than that saves: it imports half of importlib. The shell
    waits for it: of a signal that ends it SSH says only that there was one. others: directory of what it
    imports, '' if that is where it is."""
    path = f"PYTHONPATH={others} " if others else ""
    return f'cd {directory} && {path}python3 -S -c "import {program}; {program}.main()"; exit $?'


def put(
    run: Callable[[str, float, bytes], Completed], program: Program, directory: str, timeout: float
) -> str:
    """Put a program into a directory of its own below *directory* in a Linux, and return that.
    InfrastructureError if it is not there whole afterwards. run: a command there, as Level.run does it;
    timeout: seconds."""
    there = f"{directory}/{program.directory}"
    file = shlex.quote(f"{there}/{program.module}.py")
    # Renamed when it is whole: one that is cut off is never imported.
    command = (
        f"mkdir -p {shlex.quote(there)} && cat >{file}.part && wc -c <{file}.part && mv {file}.part {file}"
    )
    done = run(command, timeout, program.content)
    if done.status or done.stdout.strip() != str(len(program.content)):
        words = (done.stderr.strip() or f"{done.stdout.strip() or 'no'} bytes arrived").splitlines()[-1]
        raise InfrastructureError(f"cannot write {program.module}.py into {there}: {words}")
    return there


def signal_of(status: int | None) -> int:
    """The signal that a shell's exit status tells of (POSIX, Shell & Utilities 2.8.2); 0 for none."""
    return status - 128 if status is not None and status > 128 else 0


class ProgramEnded(InfrastructureError):
    """A program of ours ended without its answer. signal: that ended it, 0 for none."""

    def __init__(self, program: str, done: Completed):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        super().__init__(f"{program} ended with {done.status}: {last}")
        self.signal = signal_of(done.status)


class NoAnswer(InfrastructureError):
    """A question was not answered. question: it; answers: those to the questions before it; ended: words of
    the program if it ended, '' if it still runs or nobody knows; signal: that ended it, 0 for none."""

    def __init__(
        self, what: str, question: str, answers: Sequence[dict[str, Any]], ended: str = "", signal: int = 0
    ):
        super().__init__(what)
        self.question = question
        self.answers = list(answers)
        self.ended = ended
        self.signal = signal


class QuerySession:
    """Starts ask.py, or another that answers as it does; to be used with ``with``, for it runs until then.

    programs: directory that has it; timeout: seconds, for each question and for starting it; module: its
    name; others: directory of what it imports, '' if that is *programs*.
    """

    def __init__(
        self, connection: Connection, programs: str, timeout: float, module: str = "ask", others: str = ""
    ):
        command = f"({start_of(module, programs, others)}) 2>&1"
        self._spawn: ChannelSpawn = connection.stream(command, timeout)
        self._timeout = timeout
        self._file = f"{module}.py"

    def __enter__(self) -> QuerySession:
        return self

    def __exit__(self, *_: object) -> None:
        self._spawn.close()

    def ask(self, questions: Sequence[str]) -> list[dict[str, Any]]:
        """A document for each. NoAnswer if the program ends, or says nothing for *timeout* seconds."""
        found: list[dict[str, Any]] = []
        for start in range(0, len(questions), _AHEAD):
            batch = questions[start : start + _AHEAD]
            self._send("".join(f"{each}\n" for each in batch), batch[0], found)
            for question in batch:
                found.append(self._read(question, found))
        return found

    def _send(self, text: str, question: str, so_far: Sequence[dict[str, Any]]) -> None:
        try:
            self._spawn.channel.sendall(text.encode())
        except OSError as error:
            words = f"{self._file} takes no more questions: {error or 'it is gone'}"
            raise NoAnswer(words, question, so_far, words, self._signal()) from None

    def _read(self, question: str, so_far: Sequence[dict[str, Any]]) -> dict[str, Any]:
        began = time.monotonic()
        shown = question if len(question) < 100 else f"{question[:100]}..."
        found = self._spawn.expect_exact(["\n", pexpect.EOF, pexpect.TIMEOUT], timeout=self._timeout)
        line = self._spawn.before if isinstance(self._spawn.before, str) else ""
        if found == 2:
            seconds = time.monotonic() - began
            raise NoAnswer(f"no answer to {shown!r} in {seconds:.0f} s", question, so_far)
        try:
            document = json.loads(line)
        except ValueError:
            document = None
        if found == 1 or not isinstance(document, dict):
            rest = "" if found == 1 else self._rest()
            words = [each for each in (line + "\n" + rest).splitlines() if each.strip()]
            said = words[-1] if words else "no output"
            words_of_it = f"{self._file}: {said}"
            raise NoAnswer(
                f"{self._file} failed at {shown!r}: {said}", question, so_far, words_of_it, self._signal()
            )
        return document

    def _signal(self) -> int:
        """That ended the program, 0 for none."""
        return signal_of(self._spawn.exit_status(_STATUS_SECONDS))

    def _rest(self) -> str:
        """What else it says when it fails: the last line of a traceback tells."""
        self._spawn.expect_exact([pexpect.EOF, pexpect.TIMEOUT], timeout=_REST_SECONDS)
        return self._spawn.before if isinstance(self._spawn.before, str) else ""
