# SPDX-License-Identifier: GPL-2.0-only
"""A preloaded process is as real as one of a new interpreter: the same program told in both says the same."""

import json
import os
import signal
import subprocess
import sys

import living
import preloaded
import pytest

TELL = """
import json, os, signal, sys
found = {"argv": sys.argv, "cwd": os.getcwd(), "x": os.environ.get("X"), "home": os.environ.get("HOME"),
    "path": sys.path[:3], "parent": os.getppid(), "main": __name__, "leads": os.getpgrp() == os.getpid(),
    "group": os.getpgrp() if os.getpgrp() != os.getpid() else 0, "input": sys.stdin.read(),
    "interrupt": signal.getsignal(signal.SIGINT) is signal.default_int_handler,
    "files": sorted(os.listdir("/proc/self/fd"))[:-1], "encoding": sys.stdout.encoding}
print(json.dumps(found))
print("beside", file=sys.stderr)
"""


def new(args, **settings):
    return subprocess.Popen([sys.executable, *args], **settings)


def tell(start, tmp_path, **settings):
    env = {"X": "größer", "PYTHONPATH": "/one:/two", "PYTHONIOENCODING": "utf-8"}
    process = start(
        ["-c", TELL, "a", "b c"], cwd=tmp_path, env=env, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, **settings,
    )  # fmt: skip
    out, err = process.communicate("given", timeout=30)
    assert process.returncode == 0, err
    return json.loads(out), err


@pytest.mark.parametrize("session", [False, True])
def test_it_finds_what_a_new_interpreter_finds(tmp_path, session):
    expected = tell(new, tmp_path, start_new_session=session)
    assert tell(preloaded.Popen, tmp_path, start_new_session=session) == expected
    found, err = expected
    assert (found["parent"], found["leads"], found["input"]) == (os.getpid(), session, "given")
    assert err == "beside\n"


THREAD = """
import os, threading, time
def end():
    time.sleep(0.1)
    os._exit(6)
threading.Thread(target=end).start()
"""


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("pass", 0),
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit('words')", 1),
        ("import sys; sys.exit(256 + 7)", 7),
        ("import sys; sys.stdout = open('/dev/full', 'w'); print('x')", 120),
        ("import atexit, os; atexit.register(os._exit, 5)", 5),
        (THREAD, 6),
        ("import os; os._exit(4)", 4),
        ("raise RuntimeError('x')", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("import os, signal; os.kill(os.getpid(), signal.SIGINT)", -signal.SIGINT),
    ],
)
def test_it_ends_as_it_would(code, status):
    for start in (preloaded.Popen, new):
        assert start(["-c", code], stderr=subprocess.DEVNULL).wait(30) == status


def test_a_module_is_run_by_its_name():
    command = ["-m", "json.tool", "--compact"]
    assert preloaded.run(command, input="[1,\n2]", capture_output=True, text=True).stdout == "[1,2]\n"


def test_what_is_asked_for_is_imported_and_a_module_of_no_such_name_is_told():
    code = "import sys; sys.exit('tabnanny' in sys.modules)"
    assert preloaded.Popen(["-c", code]).wait(30) == 0
    assert preloaded.Popen(["-c", code], imports=["tabnanny"]).wait(30) == 1
    with pytest.raises(OSError, match="ModuleNotFoundError: No module named 'nothing_of_this_name'"):
        preloaded.Popen(["-c", code], imports=["nothing_of_this_name"])
    assert preloaded.Popen(["-c", "pass"]).wait(30) == 0


def test_what_it_cannot_do_is_refused():
    with pytest.raises(ValueError, match="new interpreter"):
        preloaded.Popen(["-c", "pass"], preexec_fn=print)


def test_nothing_of_one_process_is_in_the_next():
    code = "import os, json; print(hasattr(json, 'M'), 'M' in os.environ); json.M = os.environ['M'] = 'is'"
    for _ in range(2):
        assert preloaded.run(["-c", code], capture_output=True, text=True).stdout == "False False\n"


# Two workers as pytest-xdist has them, by execnet: who they are, and whose.
GATEWAYS = """
import json, os, execnet, time
group = execnet.Group()
ids = []
for _ in range(2):
    gateway = group.makegateway("popen")
    code = "import os, sys; loaded = 'json.tool' in sys.modules;"
    code += "channel.send((os.getpid(), os.getppid(), os.getpgrp(), loaded))"
    ids.append(gateway.remote_exec(code).receive())
print(json.dumps([os.getpid(), os.getpgrp(), ids]), flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("group", [False, True])
def test_workers_are_children_of_whoever_started_them_and_end_with_it(group):
    process = preloaded.Popen(
        ["-c", "import json.tool\n" + GATEWAYS], imports=["execnet.gateway_io"], workers=True,
        stdout=subprocess.PIPE, text=True, start_new_session=group,
    )  # fmt: skip
    own, own_group, workers = json.loads(process.stdout.readline())
    pids = [pid for pid, *_ in workers]
    assert own == process.pid and (own_group == own) is group
    # Of what the process itself has imported, a worker has nothing.
    assert [rest for _, *rest in workers] == [[own, own_group, False]] * 2
    assert len({*pids}) == 2 and set(pids) <= set(living.group(own_group))
    process.kill()
    process.wait()
    process.stdout.close()
    assert living.gone(pids)
