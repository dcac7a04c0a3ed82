# SPDX-License-Identifier: GPL-2.0-only
"""Real Python processes that have imported already what they need.

To start Python and to import pytest, click and the harness takes half a second of CPU time, and some hundred
tests start a process. Here each of them is forked from one that did nothing but import. Such a process is as
real as another: it has its own process id, group, streams, environment and exit code, and is a child of
whoever started it. What it does not show is how the interpreter itself starts, what is imported when, and
how modules are taken down at the end; for that a test uses subprocess and sys.executable.

``Popen(["-m", "harness", "matrices"], imports=["needed_by_commands"], ...)`` is subprocess.Popen of
``[sys.executable, "-m", ...]``, and ``run()`` is subprocess.run of it.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import inspect
import io
import json
import os
import random
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

ROOT = str(Path(__file__).parent.parent)
_SET_CHILD_SUBREAPER, _GET_CHILD_SUBREAPER = 36, 37
_LONGEST_REQUEST = 1 << 20
_libc = ctypes.CDLL(None, use_errno=True)

# -- whoever starts a process -------------------------------------------------------------------


class Popen(subprocess.Popen):
    """args: what would follow the interpreter's name: [-u] (-m MODULE | -c CODE) WORD...
    imports: modules that it finds imported; workers: the workers that it starts by execnet, as pytest-xdist
    does, are forked as well, from a copy of it that has done nothing yet."""

    def __init__(self, args, *, imports=(), workers=False, source=None, **settings):
        self._source = source or _Source.of_this_process()
        self._request = {"imports": list(imports), "workers": workers}
        super().__init__(list(map(os.fspath, args)), **settings)

    def _execute_child(self, *args, **settings):
        asked = inspect.signature(subprocess.Popen._execute_child).bind(self, *args, **settings).arguments
        if asked["preexec_fn"] or asked["pass_fds"] or asked["shell"]:
            raise ValueError("this needs a new interpreter: use subprocess.Popen")
        streams = [asked["p2cread"], asked["c2pwrite"], asked["errwrite"]]
        env = os.environ if asked["env"] is None else asked["env"]
        self._request |= {
            "args": asked["args"],
            "cwd": os.fspath(asked["cwd"] or Path.cwd()),
            "env": {key: os.fspath(value) for key, value in env.items()},
            "group": os.getpgrp(),
            "session": asked["start_new_session"],
        }
        streams = [number if stream == -1 else stream for number, stream in enumerate(streams)]
        self.pid = self._source.fork(self._request, streams)
        self._child_created = True
        pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
        self._close_pipe_fds(*(asked[name] for name in pipes))


def run(args, *, input=None, capture_output=False, timeout=60, check=False, **settings):
    """subprocess.run, of a process like those above."""
    if capture_output:
        settings |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    if input is not None:
        settings["stdin"] = subprocess.PIPE
    with Popen(args, **settings) as process:
        try:
            out, err = process.communicate(input, timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(process.args, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


class _Source:
    """The process that is forked from, as seen from the one that asks it."""

    _mine: tuple[int, _Source] | None = None

    def __init__(self, channel, process=None):
        self._channel, self._process = channel, process

    @classmethod
    def of_this_process(cls):
        """Started when it is first needed; it ends with us."""
        if cls._mine is None or cls._mine[0] != os.getpid():
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            command = [sys.executable, __file__, str(theirs.fileno())]
            path = ":".join([ROOT, *filter(None, [os.environ.get("PYTHONPATH")])])
            process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd="/",
                env={**os.environ, "PYTHONPATH": path}, process_group=0,  # no signal of ours is for it
            )  # fmt: skip
            theirs.close()
            cls._mine = os.getpid(), cls(ours, process)
        return cls._mine[1]

    def fork(self, request, streams):
        """The process id of the new process, which is a child of this process."""
        # Its real parent ends at once. It then belongs to the next one up that adopts orphans: to us.
        adopting = ctypes.c_int()
        _libc.prctl(_GET_CHILD_SUBREAPER, ctypes.byref(adopting), 0, 0, 0)
        _libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        try:
            socket.send_fds(self._channel, [json.dumps(request).encode()], streams)
            answer = json.loads(self._channel.recv(_LONGEST_REQUEST) or '"it has ended"')
        finally:
            _libc.prctl(_SET_CHILD_SUBREAPER, adopting.value, 0, 0, 0)
        if not isinstance(answer, int):
            raise OSError(f"no process could be forked: {answer}")
        return answer


# -- the process that is forked from ------------------------------------------------------------


def _serve(channel):
    """Fork for each request. Returns in the new process alone: its arguments, as Popen takes them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    while True:
        data, streams, _, _ = socket.recv_fds(channel, _LONGEST_REQUEST, 3)
        if not data:
            os._exit(0)  # whoever asks has ended
        request = json.loads(data)
        try:
            if new := [name for name in request["imports"] if name not in sys.modules]:
                for name in new:
                    importlib.import_module(name)
                gc.collect()
                gc.freeze()  # or the first collection in a new process writes to all that they share
        except Exception as error:
            channel.send(json.dumps(f"{type(error).__name__}: {error}").encode())
        else:
            middle = os.fork()
            if middle == 0:
                middle = os.getpid()
                if os.fork():
                    os._exit(0)
                while os.getppid() == middle:
                    time.sleep(0.0005)
                _become(request, streams)
                channel.send(json.dumps(os.getpid()).encode())
                channel.close()
                return request["args"]
            os.waitpid(middle, 0)
        for each in streams:
            os.close(each)


def _become(request, streams):
    """What a new interpreter would find."""
    if request["session"]:
        os.setsid()
    else:
        os.setpgid(0, request["group"])
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["cwd"])
    before = [str(Path(__file__).parent), *os.environ.get("PYTHONPATH", "").split(":")]
    os.environ.clear()
    os.environ.update(request["env"])
    after = [each for each in os.environ.get("PYTHONPATH", "").split(":") if each]
    sys.path[:] = [*after, *(each for each in sys.path if each not in before)]
    unbuffered = request["args"][0] == "-u" or bool(os.environ.get("PYTHONUNBUFFERED"))
    sys.stdin = sys.__stdin__ = _stream(0, "r", "<stdin>")
    sys.stdout = sys.__stdout__ = _stream(1, "w", "<stdout>", unbuffered=unbuffered)
    sys.stderr = sys.__stderr__ = _stream(2, "w", "<stderr>", errors="backslashreplace")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    random.seed()
    if request["workers"]:
        _fork_workers()


def _stream(number, mode, name, *, errors="strict", unbuffered=False):
    raw = io.FileIO(number, mode, closefd=False)
    raw.name = name
    terminal = raw.isatty()
    buffer = io.BufferedReader(raw) if mode == "r" else raw if unbuffered else io.BufferedWriter(raw)
    return io.TextIOWrapper(
        buffer, "utf-8", errors, line_buffering=terminal or name == "<stderr>", write_through=unbuffered
    )


def _fork_workers():
    """Have execnet's processes forked from a copy of this one as it is now."""
    gateway_io = importlib.import_module("execnet.gateway_io")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        ours.close()
        os.setpgid(0, 0)  # no signal for the others is for this one
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        _run_to_the_end(_serve(theirs))
    theirs.close()
    source = _Source(ours)

    def start(self, args, execmodel):
        self.popen = Popen(args[1:], source=source, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        gateway_io.Popen2IO.__init__(self, self.popen.stdin, self.popen.stdout, execmodel=execmodel)

    gateway_io.Popen2IOMaster.__init__ = start


def _run_to_the_end(args):
    """As the interpreter does, but for the modules, which are not taken down one by one: with all those that
    are loaded this takes longer than what most of the processes are for."""
    status = 0
    try:
        _run(args)
    except SystemExit as end:
        status = end.code
        if status is not None and not isinstance(status, int):
            print(status, file=sys.stderr)
            status = 1
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        status = -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    threading._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            status = 120  # as the interpreter has it
    if status == -signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit((status or 0) & 0xFF)


def _run(args):
    words = args[1:] if args[0] == "-u" else args
    if words[0] == "-m":
        sys.path.insert(0, str(Path.cwd()))
        sys.argv = ["-m", *words[2:]]
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    elif words[0] == "-c":
        sys.path.insert(0, "")
        sys.argv = ["-c", *words[2:]]
        sys.modules["__main__"] = main = types.ModuleType("__main__")
        exec(compile(words[1], "<string>", "exec"), main.__dict__)
    else:
        raise ValueError(f"neither -m nor -c: {words[0]}")


if __name__ == "__main__":
    _run_to_the_end(_serve(socket.socket(fileno=int(sys.argv[1]))))
