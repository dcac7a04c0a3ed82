# SPDX-License-Identifier: GPL-2.0-only
"""One run of kvmppc into which a fault is injected: started, watched until the moment, then looked at."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.model.record import Record
from harness.parts.cache import Cache
from harness.processes.single import dying_with_us
from harness.reports import recordlog
from injection import cachecopy, inside
from injection.found import UNHARMED, Found, differences

ROOT = Path(__file__).absolute().parent.parent.parent

# Between two looks for an event, in seconds: files and /proc tell nobody of a change in a way that all
# of them share.
_LOOK = 0.02
# For what must end by itself once its parent is gone: a guard's shell, a QEMU with a lot of memory to free.
_LEFTOVER_SECONDS = 10


class Missed(Exception):
    """The moment for a fault did not come."""


@dataclass(frozen=True)
class Moment:
    """A line that matches *pattern* in a file below the run's directory. path: with wildcards."""

    words: str
    path: str
    pattern: str = ""


L0_READY = Moment("L0 is ready", "*/l0/console.log", r":ready:\{")
L1_BOOTS = Moment("L1 boots", "*/l1/console.log", r"\[ +\d+\.\d+\]")
L1_READY = Moment("L1 is logged in to", "*/l1/console.log", r":ready:\{")
PROBED = Moment("L1 was probed", "*/l1/probe.json")
SUITE_ASKS = Moment("the suite asks", "*/now.json", '"questions of compat_caps"')
L2_STARTS = Moment("L2's QEMU starts", "*/l2p10/console.log")
L2_BOOTS = Moment("L2 boots", "*/l2p10/console.log", r"\[ +\d+\.\d+\]")
L2_UP = Moment("L2 was up", "*/l2p10/console.log", r":up:\{")
AT_THE_END = Moment("L1 is looked at for the last time", "records.jsonl", '"topic": "l2"')


class Parts:
    """What all trials use. kernel: as for --kernel; cache: never damaged; scratch: for copies of it."""

    def __init__(self, kernel: str, cache: Path, scratch: Path):
        self.kernel = kernel
        self.cache = cache
        self.scratch = scratch
        self._copy: Path | None = None

    def copy(self) -> Path:
        """Of what a run uses in the cache. Made once, and proven by a run with no fault at all: Missed if not
        even that is ok."""
        if self._copy is None:
            began = time.time() - 1  # times of files may be a little coarse
            trial = Trial(self, self.scratch / "no-fault", 300)
            trial.start()
            differs = differences(trial.finish(""), UNHARMED)
            if differs:
                raise Missed(f"without a fault a run is not ok: {'; '.join(differs)}")
            self._copy = self.scratch / "cache"
            cachecopy.copy_used(self.cache, self._copy, began)
        return self._copy


class Trial:
    """directory: for all of it, made here; seconds: that the run may take."""

    def __init__(self, parts: Parts, directory: Path, seconds: float):
        self.parts = parts
        self.directory = directory
        self.seconds = seconds
        self.run_dir = directory / "run"
        self.cache = parts.cache
        self.command = "run"
        self.scenarios: tuple[str, ...] = ("papr-p11@p10-l2p10",)
        self.words: list[str] = ["-j", "1"]
        self.subject = ["--kernel", parts.kernel]
        self.environment: dict[str, str] = {}
        self.notes: list[str] = []  # what went wrong in a way that no record tells
        self.guest = 0  # process id of the kvmppc boot that runs the machine which is asked over SSH
        self.wrapped: Callable[[list[str]], list[str]] = lambda command: command
        self.stdout: int | None = None  # instead of a file
        self.undo: list[Callable[[], object]] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.before: list[Record] = []
        self._mark, self._helpers_mark = (f"KVMPPC_FAULT={uuid.uuid4()}" for _ in range(2))
        self._began = time.monotonic()
        self._own_cache = False
        (directory / "tmp").mkdir(parents=True)

    # -- before it starts ----------------------------------------------------------------

    def own_cache(self, name: str = "cache") -> Path:
        """From now on a copy of the cache that may be damaged. Missed if there is none to copy."""
        target = self.directory / name
        cachecopy.link(self.parts.copy(), target)
        self.cache, self._own_cache = target, True
        return target

    @property
    def output(self) -> Path:
        return self.directory / "output.txt"

    # -- while it runs -------------------------------------------------------------------

    def start(self) -> None:
        """The run, in a session of its own."""
        only = [word for each in self.scenarios for word in ("--only", each)]
        settings = [*only] if self.command == "run" else []
        command = [
            sys.executable, "-m", "harness", self.command, *self.words, *self.subject, *settings,
            "--run-dir", str(self.run_dir),
        ]  # fmt: skip
        self._began = time.monotonic()
        self.process = self._spawn(self._mark, self.wrapped(command), self.output, stdout=self.stdout)

    def _spawn(
        self, mark: str, command: Sequence[str], output: Path, *, stdin: int = subprocess.DEVNULL,
        stdout: int | None = None,
    ) -> subprocess.Popen[bytes]:  # fmt: skip
        """A program whose processes are all known by a word in their environment. output: file for stderr,
        and for stdout unless that is given."""
        name, _, value = mark.partition("=")
        environment = {
            **os.environ, name: value, "PYTHONPATH": str(ROOT), "KVMPPC_CACHE": str(self.cache),
            "TMPDIR": str(self.directory / "tmp"), "NO_COLOR": "1", **self.environment,
        }  # fmt: skip
        with output.open("ab") as file:
            return subprocess.Popen(
                command, cwd=self.directory, env=environment, stdin=stdin,
                stdout=file if stdout is None else stdout, stderr=file, start_new_session=True,
                preexec_fn=dying_with_us(),
            )  # fmt: skip

    @property
    def harness(self) -> int:
        """Process id of the run's own process, the controller."""
        assert self.process is not None
        return self.process.pid

    def until(self, moment: Moment) -> None:
        """Wait for it. Missed if the run ends before, or takes too long."""
        self.wait_for(lambda: self.has(moment), moment.words)

    def has(self, moment: Moment) -> bool:
        for path in self.run_dir.glob(moment.path):
            with contextlib.suppress(OSError):
                if re.search(moment.pattern, path.read_text(errors="replace")):
                    return True
        return False

    def wait_for(self, happened: Callable[[], object], words: str) -> None:
        while not happened():
            if self.process is not None and self.process.poll() is not None:
                raise Missed(f"the run ended before: {words}")
            if time.monotonic() - self._began > self.seconds:
                raise Missed(f"not within {self.seconds:.0f} s: {words}")
            time.sleep(_LOOK)

    def processes(self) -> list[int]:
        return inside.marked(self._mark)

    def helpers(self) -> list[int]:
        return inside.marked(self._helpers_mark)

    def qemus(self, among: str = "") -> list[int]:
        """Outermost QEMUs, those with *among* in their words. Of a script that starts one and the QEMU, the
        QEMU."""
        found = []
        for pid in self.processes():
            words = inside.command_of(pid)
            is_qemu = "chardev:qmp" in words and not words[0].endswith(("/sh", "/bash", "/python3"))
            if is_qemu and any(among in word for word in words):
                found.append(pid)
        return found

    def qemu(self, among: str = "") -> int:
        """The outermost QEMU, as soon as it is there."""
        found: list[int] = []

        def there() -> bool:
            found[:] = self.qemus(among)
            return bool(found)

        self.wait_for(there, "QEMU starts")
        return found[-1]

    def remember(self) -> None:
        """What has been delivered up to now: none of it may be lost."""
        self.before = self.records() or []

    def records(self) -> list[Record] | None:
        try:
            return recordlog.of_run(self.run_dir)[1]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def connection(self) -> int:
        """Descriptor of the harness's SSH connection, as soon as there is one."""
        found: list[int] = []

        def there() -> bool:
            found[:] = inside.tcp_connections(self.harness)
            return bool(found)

        self.wait_for(there, "an SSH connection")
        return found[-1]

    def type_in_outermost(self, command: str) -> None:
        """Run a shell command in the outermost Linux, on its console."""
        inside.type_on_terminal(self.harness, f"\n{command}\n")

    def type_in_monitor(self, command: str) -> None:
        """Give QEMU's human monitor a command: it is on the same terminal (``-serial mon:stdio``)."""
        inside.type_on_terminal(self.harness, f"\x01c\n{command}\n")

    # -- when it has ended ---------------------------------------------------------------

    def finish(self, missing: str) -> Found:
        """Wait for its end, clean up, and collect. missing: why the fault was not injected, '' if it was."""
        code: int | None = None
        if self.process is not None:
            left = max(1.0, self._began + self.seconds - time.monotonic())
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = self.process.wait(left)
            if code is None:
                self._end(self.process.pid)
                self.process.wait()
        seconds = time.monotonic() - self._began
        leftovers = self._leftovers(self._mark)
        records = self.records()
        for each in reversed(self.undo):
            each()
        leftovers += self._leftovers(self._helpers_mark)
        leftovers += self._files_left()
        return Found(
            code, seconds, records, self.before, leftovers,
            self._text(self.output), self._text(self.run_dir / "errors.txt"), missing, self.notes,
        )  # fmt: skip

    def _text(self, path: Path) -> str:
        try:
            return path.read_text(errors="replace")
        except OSError:
            return ""

    def _end(self, pid: int) -> None:
        """A run that does not end: SIGINT may have it clean up; what it does not is told as left behind."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGINT)
        assert self.process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _leftovers(self, mark: str) -> list[str]:
        """Processes, which are ended."""
        deadline = time.monotonic() + _LEFTOVER_SECONDS
        while inside.marked(mark) and time.monotonic() < deadline:
            time.sleep(_LOOK)
        found = []
        for pid in inside.marked(mark):
            words = inside.command_of(pid)
            if words:
                found.append(f"process {pid}: {' '.join(words)[:100]}")
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return found

    def _files_left(self) -> list[str]:
        found = [f"temporary {each.name}" for each in (self.directory / "tmp").iterdir()]
        if self._own_cache and self.cache.is_dir():
            found += [f"in the cache: tmp/{each.name}" for each in (self.cache / "tmp").glob("*")]
            found += [f"a lock is held: {each.name}" for each in self._held()]
        return found

    def _held(self) -> list[Path]:
        found = []
        for path in (self.cache / "in-use", *(self.cache / "locks").glob("*")):
            with contextlib.suppress(FileNotFoundError), path.open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    found.append(path)
        return found

    # -- helpers that a fault starts -----------------------------------------------------

    def helper(self, command: Sequence[str], *, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """A program of the fault itself, such as a busy loop; ended with the trial. Its output is in
        helper.txt."""
        process = self._spawn(self._helpers_mark, command, self.directory / "helper.txt", stdin=stdin)

        def end() -> None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

        self.undo.append(end)
        return process

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


def default_cache() -> Path:
    return Cache.default().root
