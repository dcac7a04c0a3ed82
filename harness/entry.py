# SPDX-License-Identifier: GPL-2.0-only
"""Where ``kvmppc`` begins and ends: whatever happens is one line and an exit code that is true.

Exit code 1 says that a kernel failed, and git bisect takes whatever is below 128 for an answer. So nothing
that is not about a kernel may come out as such: no exception that nobody expected, and no package that
cannot be imported. Hence only the standard library is imported before main() watches.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING, NoReturn

from harness.engine.endings import Endings
from harness.model.errors import HarnessError
from harness.processes import outlet

if TYPE_CHECKING:
    import click

# By which a shell asks for completion; click makes this name of the command's.
_COMPLETION = "_KVMPPC_COMPLETE"
_FOREIGN = 3
_NO_ANSWER = 128


class ForeignError(Exception):
    """Around an exception that somebody on its way up would take for something else; see __cause__."""


def main() -> None:
    """The command line's words to its exit code."""
    outlet.install()
    if _COMPLETION in os.environ:
        _complete()
    endings = Endings()
    endings.install()
    try:
        status = _run()
    except KeyboardInterrupt:
        _say(endings.words)
        status = endings.exit_code
    except HarnessError as error:
        _say(str(error))
        status = error.exit_code
    except Exception as error:
        _say(_foreign(error))
        status = _FOREIGN
    endings.remove()
    if endings.first:
        status = endings.exit_code
    said = _all_said()
    if not said and status == 0:
        status = _FOREIGN
    if sys.argv[1:2] == ["bisect-step"] and status not in (0, 1, 125):
        status = max(status, _NO_ANSWER)
    if not said:
        os._exit(status)  # or Python tries to write it once more, and has an exit code for that
    sys.exit(status)


def _complete() -> NoReturn:
    """Answer a shell that asks what may come next. Whatever fails, nothing is said: it would be in the middle
    of the line that somebody types."""
    try:
        from harness.cli import cli
        from harness.commands import completion_bash

        completion_bash.install()
        cli.main(standalone_mode=False)  # it ends with SystemExit
    except (Exception, KeyboardInterrupt):
        sys.exit(1)
    sys.exit(0)


def _all_said() -> bool:
    """Whether all that was printed is where it should be; a disk may be full."""
    said = True
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            said = False
            _say(f"{stream.name}: {error.strerror}")
    return said


def _run() -> int:
    import click

    from harness.cli import cli

    try:
        return cli.main(standalone_mode=False) or 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        _say(f"{error.format_message().rstrip('.')}; see {_command(error)} --help")
        return 2


def _command(error: click.ClickException) -> str:
    """``kvmppc report``: the command whose words are wrong, however this program was started."""
    names: list[str] = []
    context: click.Context | None = getattr(error, "ctx", None)
    while context is not None and context.parent is not None:
        names.insert(0, context.info_name or "")
        context = context.parent
    return " ".join(["kvmppc", *names])


def _say(words: str) -> None:
    with contextlib.suppress(OSError):
        print(f"kvmppc: {words}", file=sys.stderr, flush=True)


def _foreign(error: Exception) -> str:
    """One line of an exception that none of ours is, its traceback in a file."""
    if isinstance(error, ForeignError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, OSError) and error.strerror:
        words = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    else:
        words = f"{type(error).__name__}: {' '.join(str(error).split()) or 'no words'}"
    text = "".join(traceback.format_exception(error))
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="kvmppc-traceback-", suffix=".txt", delete=False, errors="backslashreplace"
        ) as file:
            file.write(text)
    except OSError as unwritten:
        return f"unexpected {words} (the traceback cannot be written: {unwritten.strerror})"
    return f"unexpected {words}; please report it with the traceback (log: {file.name})"
