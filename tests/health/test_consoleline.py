# SPDX-License-Identifier: GPL-2.0-only
import pytest

from harness.health.consoleline import Writer, read_line
from harness.health.frames import function_in, read_frame
from harness.health.titles import plain


@pytest.mark.parametrize(
    ("line", "text", "writer", "level", "time"),
    [
        ("[   12.345678] text", "text", Writer.KERNEL, None, 12.345678),
        ("[123456.345678] text", "text", Writer.KERNEL, None, 123456.345678),
        ("[   12.345678][    T1] text", "text", Writer.KERNEL, None, 12.345678),
        ("[   12.345678][   C0] text", "text", Writer.KERNEL, None, 12.345678),
        ("[   12.345678]  two spaces: the second is the text's", " two spaces: the second is the text's",
         Writer.KERNEL, None, 12.345678),
        ("[   12.345678]", "", Writer.KERNEL, None, 12.345678),
        ("<4>[   12.345678] text", "text", Writer.KERNEL, 4, 12.345678),
        ("<12>[   12.345678] text", "text", Writer.USER, 4, 12.345678),
        ("<4>text", "text", Writer.KERNEL, 4, None),
        ("<12>text", "text", Writer.USER, 4, None),
        ("[   12.345678901,5] text", "text", Writer.FIRMWARE, 5, None),
        ("/ # [   12.345678] text", "text", Writer.KERNEL, None, 12.345678),
        ("text", "text", Writer.UNKNOWN, None, None),
        ("  text  \r", "  text", Writer.UNKNOWN, None, None),
        ("[c000000003ebfb70] text", "[c000000003ebfb70] text", Writer.UNKNOWN, None, None),
        ("[12.3] text", "[12.3] text", Writer.UNKNOWN, None, None),
        ("<text>", "<text>", Writer.UNKNOWN, None, None),
    ],
)  # fmt: skip
def test_whose_line_it_is(line, text, writer, level, time):
    read = read_line(line)
    assert (read.text, read.writer, read.level, read.time) == (text, writer, level, time)
    assert read.raw == line.rstrip()


@pytest.mark.parametrize(
    ("text", "frame"),
    [
        ("[c000000003ebfb70] [c00000000062656c] f+0x9c/0xc0", ("f", "call", True)),
        ("[c000000003ebfb70] [c00000000062656c] f+0x9c/0xc0 [kvm_hv]", ("f", "call", True)),
        ("[c000000003ebfb70] [c00000000062656c] f+0x9c/0xc0 (unreliable)", ("f", "call", False)),
        ("[c000000003ebfb70] [c00000000062656c] f+0x0/0xc0", ("f", "call", False)),
        ("[c000000003ebfb70] [c00000000062656c] f.isra.0+0x9c/0xc0", ("f", "call", True)),
        ("[c000000003ebfb70] [c00000000062656c] f.constprop.0.isra.1+0x9c/0xc0", ("f", "call", True)),
        ("[c000000003ebfb70] [c00000000062656c] f.part.0.cold+0x9c/0xc0", ("f", "call", True)),
        ("[c000000003ebfb70] c00000000062656c f+0x9c/0xc0", ("f", "call", True)),
        ("[link register   ] c00000000062656c f+0x9c/0xc0", ("f", "call", True)),
        ("[<c00000000062656c>] f+0x9c/0xc0", ("f", "call", True)),
        (" f+0x9c/0xc0", ("f", "call", True)),
        (" S: 0000000031c03b90 R: 000000003001b5c0   .f+0x60", ("f", "call", True)),
        (" S: 0000000031c03b90 R: 000000003001b5c0 * .f+0x60", ("f", "call", True)),
        ("NIP [c00000000062656c] f+0x0/0xc0", ("f", "nip", True)),
        ("LR [c00000000062656c] f+0x9c/0xc0", ("f", "lr", True)),
        ("MCE: CPU0: NIP: [c00000000062656c] f+0x30/0x54", ("f", "nip", True)),
        ("    pc: c00000000062656c: f+0x30/0x54", ("f", "nip", True)),
        ("    lr: c00000000062656c: f+0x30/0x54", ("f", "lr", True)),
        ("---- interrupt: 900 at f+0x30/0x54", ("f", "interrupt", True)),
        ("--- interrupt: 901 at f+0x30/0x54", ("f", "interrupt", True)),
        ("---- Exception: 900 (Decrementer) at  c00000000062656c f+0x30/0x54", ("f", "interrupt", True)),
        ("caller is f+0x30/0x54", ("f", "named", True)),
        ("     last function: f", ("f", "named", True)),
        ("     preempt=0x00000000 lock=0->1 RCU=0->0 workfn=f", ("f", "named", True)),
        ("    in-flight: 80:f", ("f", "named", True)),
        ("    in-flight: 80(RESCUER):f for 33s", ("f", "named", True)),
        ("workqueue:     in-flight: 80:f for 5s", ("f", "named", True)),
        ("NIP:  c00000000062656c LR: c000000000627b40 CTR: 0000000000000000", None),
        ("NIP [00000000100bb2e8] 0x100bb2e8", None),
        ("---- interrupt: 3000 at 0x100bb2e8", None),
        ("---- interrupt: 3000", None),
        ("[c000000003ebfb70] [c00000000062656c] 0xc00000000062656c", None),
        ("f+0x9c/0xc0 at the beginning of a line", None),
        ("hardirqs last disabled at (0): [<c000000000146f98>] copy_process+0xcb0/0x2220", None),
    ],
)
def test_a_line_of_a_trace(text, frame):
    read = read_frame(text)
    assert (read and (read.function, read.kind, read.sure)) == frame


@pytest.mark.parametrize(
    ("text", "function"),
    [("f+0x1/0x2 [kvm]", "f"), ("in f.isra.0+0x1/0x2", "f"), ("0xc000000000146f98", ""), ("f", "")],
)
def test_the_function_of_a_line(text, function):
    assert function_in(text) == function


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("vcpu 3 at f+0x1c/0x40 [kvm_hv]!", "vcpu N at f!"),
        ("address 0xc00000000a3c1a00, and c00000000a3c1a00.", "address N, and N"),
        ("deadbeefs and decades are words", "deadbeefs and decades are words"),
        ("KVM: Create Guest hcall failed, rc=-55", "KVM: Create Guest hcall failed, rc=N"),
        ("sh/80 on CPU#1, sh[80], 12ms", "sh/N on CPU#N, sh[N], Nms"),
        ("kvm1 in power10-mode", "kvm1 in power10-mode"),
        ("  two   spaces :", "two spaces"),
        ("x" * 300, "x" * 120),
    ],
)
def test_words_that_are_the_same_each_time(text, title):
    assert plain(text) == title
