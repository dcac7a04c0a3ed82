# SPDX-License-Identifier: GPL-2.0-only
"""Lines of a call trace and of registers: which function they name."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SYMBOL = r"\.?(?P<function>[A-Za-z_][\w.$]*)\+(?P<offset>0x[0-9a-f]+)(?:/0x[0-9a-f]+)?"

# ``[c000000007a3fc40] [c0000000005bdc0c] func+0x58/0xc0 [kvm_hv] (unreliable)``: powerpc's show_stack
# (arch/powerpc/kernel/process.c) prints the stack pointer first; xmon's addresses have no second brackets;
# `` func+0x58/0xc0`` is stack_trace_print (kernel/stacktrace.c), as in KFENCE's and lockdep's reports;
# `` S: 0000000031c03b90 R: 000000003001b5c0   .func+0x60`` is skiboot's (core/stack.c).
_FRAME = re.compile(
    r"(?:"
    r"\[[0-9a-f]{8,16}\] (?:\[?[0-9a-f]{8,16}\]? )?"
    r"|\[link register   \] [0-9a-f]{8,16} "
    r"|\[<[0-9a-f]{8,16}>\] "
    r"| S: [0-9a-f]{16} R: [0-9a-f]{16} [ !E*] "
    r"| +)" + _SYMBOL
)
_INTERRUPT = re.compile(
    r"-{3,4} (?:interrupt|Exception): [0-9a-f]+(?: \([^)]*\))? at +(?:[0-9a-f]{8,16}:? )?" + _SYMBOL
)
_NIP = re.compile(r"(?:MCE: CPU\d+: )?NIP \[[0-9a-f]{8,16}\] " + _SYMBOL)
_MCE_NIP = re.compile(r"MCE: CPU\d+: NIP: \[[0-9a-f]{8,16}\] " + _SYMBOL)
_LR = re.compile(r"LR \[[0-9a-f]{8,16}\] " + _SYMBOL)
_XMON_PC = re.compile(r" {4}pc: [0-9a-f]{8,16}: " + _SYMBOL)
_XMON_LR = re.compile(r" {4}lr: [0-9a-f]{8,16}: " + _SYMBOL)
_SYMBOL_ALONE = re.compile(_SYMBOL)
# lib/smp_processor_id.c; kernel/workqueue.c, process_one_work and show_pwq.
_NAMED = re.compile(
    r"caller is (?P<function>[A-Za-z_][\w.]*)| +last function: (?P<last>[A-Za-z_][\w.]*)"
    r"| +preempt=.* workfn=(?P<work>[A-Za-z_][\w.]*)"
    r"|(?:workqueue: )? +in-flight: [\w()-]+:(?P<flight>[A-Za-z_][\w.]*)"
)
# GCC's and clang's copies of a function are that function.
_COPY = re.compile(r"\.(?:isra|constprop|part|cold|llvm|lto_priv)(?:\.\d+)*")


@dataclass(frozen=True)
class Frame:
    """kind: ``nip``, ``lr``, ``interrupt`` (what was interrupted), ``call``,
    or ``named`` (said in words); sure: False where the kernel
    says "unreliable", or the address is none to return to."""

    function: str
    kind: str
    sure: bool = True


def read_frame(text: str) -> Frame | None:
    """A line of a trace or of registers that names a function; None for any other."""
    for kind, pattern in _KINDS:
        match = pattern.match(text)
        if match:
            # A return address is never the first of a function: it is that after a call that does not return,
            # and belongs to the function before.
            sure = "(unreliable)" not in text and not (kind == "call" and match["offset"] == "0x0")
            return Frame(plain_function(match["function"]), kind, sure)
    match = _NAMED.match(text)
    return Frame(plain_function(match[match.lastgroup or 0]), "named") if match else None


_KINDS = (
    ("nip", _NIP),
    ("nip", _MCE_NIP),
    ("nip", _XMON_PC),
    ("lr", _LR),
    ("lr", _XMON_LR),
    ("interrupt", _INTERRUPT),
    ("call", _FRAME),
)


def function_in(text: str) -> str:
    """The first ``func+0x1/0x2`` in *text*, without offset; '' if there is none."""
    match = _SYMBOL_ALONE.search(text)
    return plain_function(match["function"]) if match else ""


def plain_function(name: str) -> str:
    return _COPY.sub("", name)
