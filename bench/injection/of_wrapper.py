# SPDX-License-Identifier: GPL-2.0-only
"""A QEMU of the user's (--qemu PATH) that is a script, and not a good one."""

from __future__ import annotations

import os
import shlex
import signal

from harness.parts.cache import Cache
from harness.parts.qemu import resolve_qemu
from injection import inside
from injection.fault import Action, Fault, at, both, from_the_start
from injection.found import UNHARMED, Expect
from injection.trial import L1_BOOTS, L2_BOOTS, Trial

# It behaves when it is asked what it is; "boots" is the line for when it must boot something.
_SCRIPT = """#!/bin/sh
real() {{ {real} "$@"; }}
case " $* " in
*" -kernel "*) ;;
*) {asked}; exit ;;
esac
{boots}
"""


def script(boots: str, asked: str = 'exec {real} "$@"') -> Action:
    """Give the run this for a QEMU. ``{real}`` in the lines: what starts the real one."""

    def act(trial: Trial) -> None:
        real = shlex.join(resolve_qemu("debian", Cache(trial.parts.cache)).argv)
        path = trial.directory / "qemu-system-ppc64"
        lines = {"asked": asked.replace("{real}", real), "boots": boots.replace("{real}", real)}
        path.write_text(_SCRIPT.format(real=real, **lines))
        path.chmod(0o755)
        trial.words += ["--qemu", str(path)]

    return act


def wrapped(boots: str, asked: str = 'exec {real} "$@"') -> Action:
    return from_the_start(script(boots, asked))


_EXEC = 'exec {real} "$@"'
_CHILD = '{real} "$@" & wait $!'


def kill_the_script(number: signal.Signals) -> Action:
    """Not the QEMU that it has started."""

    def act(trial: Trial) -> None:
        shells = [
            pid for pid in trial.processes()
            if str(trial.directory / "qemu-system-ppc64") in inside.command_of(pid)[:2]
        ]  # fmt: skip
        os.kill(min(shells), number)

    return act


_NO_QMP = (
    "for word; do shift; case $word in chardev:qmp) word=null;; -qmp) word=-serial;; esac; "
    f'set -- "$@" "$word"; done; {_EXEC}'
)

_OTHER_CPU = f'for word; do shift; [ "$word" = power11 ] && word=power99; set -- "$@" "$word"; done; {_EXEC}'

FAULTS = (
    Fault("wrapper-late", "a script that starts QEMU after 5 s", wrapped(f"sleep 5; {_EXEC}"), UNHARMED),
    Fault(
        "wrapper-never", "a script that never starts it", wrapped("exec sleep 1000"),
        Expect(says="monitor|output"),
    ),
    Fault(
        "wrapper-garbage", "a script that prints binary garbage first",
        wrapped(f"head -c 20000 /dev/urandom; echo; {_EXEC}"), UNHARMED,
    ),
    Fault(
        "wrapper-exit-1", "a script that ends with status 1 at once", wrapped("exit 1"),
        Expect(says="status 1"), ci=True,
    ),
    Fault(
        "wrapper-exit-0", "a script that ends with status 0 at once", wrapped("exit 0"),
        Expect(says="status 0"),
    ),
    Fault(
        "wrapper-no-qmp", "a QEMU that never answers its monitor", wrapped(_NO_QMP),
        Expect(says="monitor"),
    ),
    Fault(
        "wrapper-dies", "a script that kills QEMU after 3 s",
        wrapped('{real} "$@" & sleep 3; kill -9 $!; exit 7'),
        Expect(says="status 7"),
    ),
    Fault(
        "wrapper-child", "a script that starts QEMU as a child, and waits",
        from_the_start(script(_CHILD)), UNHARMED,
    ),
    Fault(
        "wrapper-child-killed", "the same; the script gets SIGKILL while L2 boots",
        at(L2_BOOTS, kill_the_script(signal.SIGKILL), first=script(_CHILD)), Expect(says="SIGKILL"),
    ),
    Fault(
        "wrapper-child-stopped", "the same; its QEMU gets SIGSTOP while L1 boots",
        at(L1_BOOTS, lambda trial: os.kill(trial.qemu(), signal.SIGSTOP), first=script(_CHILD)),
        Expect(says="stopped"),
    ),
    Fault(
        "wrapper-no-machine", "a QEMU without pseries",
        wrapped(_EXEC, 'real "$@" | grep -v "^pseries"'), Expect(exits=(2,), says="pseries", report=False),
    ),
    Fault(
        "wrapper-no-powernv", "a QEMU without powernv11",
        from_the_start(
            both(
                script(_EXEC, 'real "$@" | grep -v "^powernv11"'),
                lambda trial: setattr(trial, "scenarios", ("pnv11-p11@p10-l2p10",)),
                lambda trial: trial.words.extend(("--l0-kernel", "same")),
            )
        ),
        Expect(skip=True, says="powernv11"),
    ),
    Fault(
        "wrapper-no-cpu", "a QEMU that has lost -cpu power11 since it was asked",
        wrapped(_OTHER_CPU),
        Expect(says="power99"),
    ),
)  # fmt: skip
