# SPDX-License-Identifier: GPL-2.0-only
"""What a console knows of its machine, and when whoever waits for it is let go."""

import threading
import time

import pexpect
import pytest
from fakelevels import Channel, Pipe

from harness.levels import console as console_module
from harness.levels.console import Ended
from harness.levels.ssh import ChannelSpawn

PANIC = "Kernel panic - not syncing: Fatal exception"
NULL = "[    1.000000] BUG: Kernel NULL pointer dereference on read at 0x00000008"
WARNING = "[    1.000000] WARNING: arch/powerpc/kvm/book3s_hv.c:1 at kvmppc_x+0x10/0x20, CPU#0: init/1"
END = "[    1.100000] ---[ end trace 0000000000000000 ]---"
NEVER = 9


@pytest.fixture
def pipe(tmp_path):
    made = Pipe(tmp_path / "l1")
    yield made
    made.close()


@pytest.fixture
def inner(tmp_path, pipe):
    made = Pipe(tmp_path / "l2", outer=pipe.console)
    yield made
    made.close()


def heard(pipe, *lines):
    """Say them, and wait until they were read."""
    pipe.say(*lines, "all said")
    assert pipe.console.wait(lambda seen: seen.lines[-1:] == ["all said"], NEVER, NEVER) is Ended.MET
    pipe.console.lines.pop()
    return pipe.console


def until(condition):
    deadline = time.monotonic() + NEVER
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


# -- lines -----------------------------------------------------------------------------------------


def test_a_report_is_dated_and_is_no_line_of_the_kernels(pipe):
    pipe.report("up", a=1)
    seen = heard(pipe, "after it")
    assert seen.reports == {"up": {"a": 1}}
    assert 0 < seen.report_times["up"] < NEVER
    assert (seen.finding, seen.warnings, seen.splats()) == (None, [], ())


def test_a_report_that_is_no_document_is_told(pipe):
    seen = heard(pipe, "kvmppc:aaaabbbb:up:{x}")
    assert (seen.reports, seen.report_times) == ({}, {})
    assert seen.warnings == ["unreadable report: kvmppc:aaaabbbb:up:{x}"]


def test_a_report_in_which_a_panic_is_spoken_of_is_none(pipe):
    pipe.report("up", cpu=PANIC)
    assert not heard(pipe).panicked


def test_the_first_line_that_decides_is_kept_unless_a_final_one_comes(pipe):
    assert heard(pipe, "qemu-system-ppc64: one").finding.line == "qemu-system-ppc64: one"
    assert heard(pipe, "qemu-system-ppc64: two").finding.line == "qemu-system-ppc64: one"
    assert not pipe.console.final
    assert heard(pipe, "error: kvm run failed Invalid argument").finding.key == "run-refused"
    assert pipe.console.final and not pipe.console.panicked
    assert heard(pipe, PANIC).finding.key == "run-refused"


def test_qemus_first_error_is_kept(pipe):
    assert pipe.console.qemu_line == ""
    seen = heard(pipe, "  error: kvm run failed x", "qemu-system-ppc64: one ", "qemu-system-ppc64: two")
    assert seen.qemu_line == "qemu-system-ppc64: one"


def test_the_first_line_about_a_disk_is_kept(pipe):
    assert pipe.console.disk_line == ""
    seen = heard(pipe, " Buffer I/O error on dev vda, logical block 1 ", "I/O error, dev vdb")
    assert seen.disk_line == "Buffer I/O error on dev vda, logical block 1"


def test_warnings_of_kvm_are_kept_and_harmless_ones_are_not(pipe):
    seen = heard(
        pipe,
        " KVM: x hcall failed, rc=-7 ",
        "kvm: Couldn't do it",
        "KVM: TLB LPID invalidation hcall failed, rc=-2",
    )
    assert seen.warnings == ["KVM: x hcall failed, rc=-7", "kvm: Couldn't do it"]


def test_the_last_line_is_the_last_with_something_in_it(pipe):
    assert pipe.console.last_line == ""
    assert heard(pipe, "one", " two ", "", "  ").last_line == "two"


def test_lines_are_as_they_were_said(pipe):
    assert heard(pipe, "one", "", "two \r", " three").lines == ["one", "two ", " three"]
    pipe.hang_up()
    until(lambda: pipe.console.ended)
    assert pipe.console.lines == ["one", "two ", " three"]


def test_nothing_for_a_while_is_not_the_end(pipe):
    time.sleep(0.2)
    assert heard(pipe, "after it").lines == ["after it"]


# -- splats ----------------------------------------------------------------------------------------


def test_splats_come_in_order_also_the_one_that_is_being_printed(pipe):
    seen = heard(pipe, WARNING, END, NULL)
    assert [each.title for each in seen.splats()] == ["WARNING in kvmppc_x", "BUG: NULL dereference"]
    assert not seen.panicked


def test_the_one_that_is_being_printed_is_waited_for(pipe, monkeypatch):
    monkeypatch.setattr(console_module, "_REPORT_PAUSE", NEVER)
    seen = heard(pipe, WARNING, "[    1.0] Modules linked in:")
    threading.Timer(
        0.05, lambda: pipe.say("[    1.000001] NIP [c0000000000d1234] other+0x1/0x2", END)
    ).start()
    began = time.monotonic()
    assert seen.settled_splats()[0].trace == ("other",)
    assert time.monotonic() - began < 2


def test_but_not_for_long(pipe, monkeypatch):
    monkeypatch.setattr(console_module, "_REPORT_PAUSE", 0.1)
    seen = heard(pipe, WARNING)
    began = time.monotonic()
    assert len(seen.settled_splats()) == 1
    assert 0.1 <= time.monotonic() - began < 2


def test_and_not_at_all_if_none_is(pipe, monkeypatch):
    monkeypatch.setattr(console_module, "_REPORT_PAUSE", NEVER)
    seen = heard(pipe, WARNING, END)
    began = time.monotonic()
    assert len(seen.settled_splats()) == 1
    assert time.monotonic() - began < 1


def test_the_end_of_the_console_ends_a_splat(pipe):
    heard(pipe, NULL)
    pipe.hang_up()
    until(lambda: pipe.console.ended)
    assert len(pipe.console.splats()) == 1
    assert not pipe.console._reader.reading


# -- what is over ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "panic_line"),
    [(PANIC, PANIC), ("qemu-system-ppc64: OS terminated: OS panic: x", None), ("0:mon> ", "")],
)
def test_a_kernel_that_is_of_no_more_use(pipe, line, panic_line):
    assert not pipe.console.over
    seen = heard(pipe, line)
    assert seen.panicked and seen.final and seen.over and not seen.ended
    if panic_line is not None:
        assert seen.panic_line == panic_line


def test_the_end_of_output_is_the_end(pipe):
    heard(pipe, "x")
    assert not pipe.console.over
    pipe.hang_up()
    until(lambda: pipe.console.over)
    assert pipe.console.ended and not pipe.console.panicked and not pipe.console.final
    assert pipe.console.wait(lambda _seen: False, NEVER, NEVER) is Ended.EOF


def test_what_is_in_a_level_is_over_with_it(pipe, inner):
    assert not inner.console.over
    heard(pipe, PANIC)
    assert inner.console.over and not inner.console.panicked


def test_a_last_line_counts_though_it_has_no_end(pipe):
    import os

    os.write(pipe.end, PANIC.encode())
    pipe.hang_up()
    until(lambda: pipe.console.ended)
    assert pipe.console.panicked


# -- waiting ---------------------------------------------------------------------------------------


def waited(console, seconds, silence, met=lambda _seen: False):
    began = time.monotonic()
    return console.wait(met, seconds, silence), time.monotonic() - began


def test_what_is_there_already_is_not_waited_for(pipe):
    heard(pipe, "x")
    assert pipe.console.wait(lambda seen: "x" in seen.lines, 0, 0) is Ended.MET


def test_met_comes_before_the_end(pipe):
    heard(pipe, "x")
    pipe.hang_up()
    until(lambda: pipe.console.ended)
    assert pipe.console.wait(lambda seen: "x" in seen.lines, 0, 0) is Ended.MET


def test_its_own_end_comes_before_that_of_the_level_around_it(pipe, inner):
    inner.hang_up()
    pipe.hang_up()
    until(lambda: inner.console.ended and pipe.console.ended)
    assert inner.console.wait(lambda _seen: False, NEVER, NEVER) is Ended.EOF


def test_silence_begins_with_the_wait(pipe):
    heard(pipe, "x")
    time.sleep(0.2)
    ended, seconds = waited(pipe.console, NEVER, 0.15)
    assert ended is Ended.SILENCE
    assert 0.14 < seconds < 2


def test_a_byte_ends_silence(pipe):
    timers = [threading.Timer(0.1 * number, lambda: pipe.say("x")) for number in (1, 2, 3)]
    for each in timers:
        each.start()
    ended, seconds = waited(pipe.console, NEVER, 0.2)
    assert ended is Ended.SILENCE
    assert seconds > 0.45


def test_a_limit_is_one_however_much_is_said(pipe):
    assert waited(pipe.console, 0.1, NEVER)[0] is Ended.TIMEOUT
    assert waited(pipe.console, 0.1, 0.1)[0] is Ended.TIMEOUT


@pytest.mark.parametrize(("seconds", "silence"), [(0.1, NEVER), (NEVER, 0.1)])
def test_time_in_which_a_machine_was_kept_from_running_does_not_count(tmp_path, seconds, silence):
    """Nor does what was lost before the wait."""
    began, lost = time.monotonic(), 100.0
    pipe = Pipe(tmp_path / "slow", lag=lambda: lost + min(0.3, time.monotonic() - began))
    _, took = waited(pipe.console, seconds, silence)
    pipe.close()
    assert 0.38 < took < 2


def test_a_guest_in_a_level_that_failed_is_not_waited_for_in_vain(pipe, inner, monkeypatch):
    monkeypatch.setattr(console_module, "_AFTER_HOST_FAILED", 0.2)
    threading.Timer(0.05, lambda: pipe.say(NULL)).start()
    monkeypatch.setattr(console_module, "_LOOK_UP_SECONDS", NEVER)
    ended, seconds = waited(inner.console, NEVER, NEVER)
    assert ended is Ended.SILENCE
    assert 0.2 < seconds < 3


def test_nor_as_long_as_that_level_speaks(pipe, inner, monkeypatch):
    monkeypatch.setattr(console_module, "_AFTER_HOST_FAILED", 0.2)
    stop = threading.Event()

    def talk():
        while not stop.wait(0.05):
            pipe.say("x")

    heard(pipe, NULL)
    threading.Thread(target=talk, daemon=True).start()
    ended, seconds = waited(inner.console, NEVER, NEVER)
    stop.set()
    assert ended is Ended.SILENCE
    assert seconds < 3


def test_a_complaint_of_one_line_is_a_failure(pipe):
    heard(pipe, "[    1.000000] BUG: Bad rss-counter state mm:1 type:MM_FILEPAGES val:1")
    assert pipe.console._failed_at is not None


def test_but_as_long_as_it_speaks_itself(pipe, inner, monkeypatch):
    monkeypatch.setattr(console_module, "_AFTER_HOST_FAILED", 0.3)
    heard(pipe, NULL)
    until(lambda: pipe.console._failed_at is not None)
    timers = [threading.Timer(0.1 * number, lambda: inner.say("x")) for number in range(1, 6)]
    for each in timers:
        each.start()
    ended, seconds = waited(inner.console, NEVER, NEVER)
    assert ended is Ended.SILENCE
    assert seconds > 0.6


def test_a_level_further_out_counts_as_well(tmp_path, pipe, inner, monkeypatch):
    monkeypatch.setattr(console_module, "_AFTER_HOST_FAILED", 0.1)
    innermost = Pipe(tmp_path / "l3", outer=inner.console)
    heard(pipe, NULL)
    assert waited(innermost.console, NEVER, NEVER)[0] is Ended.SILENCE
    innermost.close()


def test_a_warning_in_the_level_around_it_is_no_failure(pipe, inner, monkeypatch):
    monkeypatch.setattr(console_module, "_AFTER_HOST_FAILED", 0.0)
    heard(pipe, WARNING, END)
    assert waited(inner.console, 0.3, NEVER)[0] is Ended.TIMEOUT


def test_the_silence_that_was_asked_for_is_not_made_longer_by_a_failure(pipe, inner):
    heard(pipe, NULL)
    assert waited(inner.console, NEVER, 0.1)[1] < 2


@pytest.mark.parametrize("end", [lambda pipe: pipe.hang_up(), lambda pipe: pipe.say(PANIC)])
def test_the_end_of_the_level_around_it_wakes_who_waits(tmp_path, pipe, inner, monkeypatch, end):
    monkeypatch.setattr(console_module, "_LOOK_UP_SECONDS", NEVER)
    innermost = Pipe(tmp_path / "l3", outer=inner.console)
    threading.Timer(0.05, lambda: end(pipe)).start()
    for each in (innermost, inner):
        ended, seconds = waited(each.console, NEVER, NEVER)
        assert ended is Ended.OUTER
        assert seconds < 3
    innermost.close()


def test_a_line_wakes_who_waits(pipe, monkeypatch):
    monkeypatch.setattr(console_module, "_LOOK_UP_SECONDS", NEVER)
    threading.Timer(0.05, lambda: pipe.say("x")).start()
    ended, seconds = waited(pipe.console, NEVER, NEVER, lambda seen: "x" in seen.lines)
    assert ended is Ended.MET
    assert seconds < 3


# -- its log ---------------------------------------------------------------------------------------


def test_how_long_it_has_been_silent(pipe):
    assert not pipe.console.spoke
    time.sleep(0.05)
    assert 0.05 <= pipe.console.silent_for < 2
    heard(pipe, "x")
    assert pipe.console.spoke
    assert pipe.console.silent_for < 0.5


def test_a_log_that_is_whole_has_no_trouble(pipe, tmp_path):
    heard(pipe, "x")
    assert pipe.console.log_trouble == ""
    assert "x" in (tmp_path / "l1/console.log").read_text(), "flushed"


def test_a_log_that_cannot_be_written_is_trouble(pipe):
    pipe.console._log.error = OSError(28, "No space left on device")
    assert pipe.console.log_trouble == f"cannot write {pipe.console.path}: No space left on device"
    pipe.console._log.error = OSError("odd")
    assert pipe.console.log_trouble.endswith(": odd")


def test_who_is_closed_is_no_longer_told(pipe, inner):
    assert pipe.console._inner == [inner.console]
    inner.close()
    assert pipe.console._inner == []
    inner.console.close()  # again does no harm


def test_its_thread_has_a_name_and_keeps_no_process_alive(pipe):
    thread = pipe.console._thread
    assert (thread.name, thread.daemon) == ("console l1", True)


def test_one_that_does_not_end_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(console_module, "_REST_SECONDS", 0.2)
    channel = Channel()
    (tmp_path / "l1").mkdir()
    seen = console_module.Console(ChannelSpawn(channel), tmp_path / "l1/console.log", "n")
    channel.say("x")
    seen.wait(lambda each: bool(each.lines), NEVER, NEVER)
    seen.close()
    assert channel.closed and seen.ended and not seen._thread.is_alive()
    assert seen._log._file.closed


def test_of_one_that_is_gone_the_rest_is_read_before_it_is_closed(tmp_path):
    class Slow:
        logfile_read = None
        closed = False
        rest = ["x"]  # noqa: RUF012

        def read_nonblocking(self, size, timeout):
            time.sleep(0.3)
            if not self.rest:
                raise pexpect.EOF("over")
            return self.rest.pop()

        def close(self):
            self.closed = True

    (tmp_path / "l1").mkdir()
    spawn = Slow()
    seen = console_module.Console(spawn, tmp_path / "l1/console.log", "n")
    seen.close()
    assert (seen.lines, spawn.closed) == (["x"], False)


@pytest.mark.parametrize("error", [OSError, ValueError])
def test_what_cannot_be_read_any_more_has_ended(tmp_path, error):
    class Broken:
        logfile_read = None

        def read_nonblocking(self, size, timeout):
            raise error("closed")

        def close(self):
            pass

    (tmp_path / "l1").mkdir()
    seen = console_module.Console(Broken(), tmp_path / "l1/console.log", "n")
    until(lambda: seen.ended)
    assert seen.lines == []
    seen.close()


# -- consoles of any length ------------------------------------------------------------------------


class Flood:
    """A spawn that says so many pieces, and ends."""

    logfile_read = None

    def __init__(self, pieces):
        self.pieces = iter(pieces)

    def read_nonblocking(self, size, timeout):
        for each in self.pieces:
            return each
        raise pexpect.EOF("over")

    def close(self):
        pass


def flood(tmp_path, pieces):
    (tmp_path / "l1").mkdir()
    seen = console_module.Console(Flood(pieces), tmp_path / "l1/console.log", "n")
    until(lambda: seen.ended)
    seen.close()
    return seen


def test_of_a_long_console_the_newest_lines_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(console_module, "_LINES_KEPT", 10)
    seen = flood(tmp_path, (f"line {number}\n" for number in range(1000)))
    assert len(seen.lines) <= 20 and seen.lines[-10:] == [f"line {number}" for number in range(990, 1000)]


def test_a_line_that_does_not_end_is_cut(tmp_path, monkeypatch):
    monkeypatch.setattr(console_module, "_LONGEST_LINE", 100)
    seen = flood(tmp_path, ["x" * 60] * 10 + ["\nafter\n"])
    assert [len(each) for each in seen.lines] == [120, 120, 120, 120, 120, 5]
    assert seen.lines[-1] == "after"


def splat(title, seconds=1):
    return f"[    {seconds}.000000] WARNING: arch/x.c:12 at {title}+0x10/0x20, CPU#0: sh/1\n"


def test_of_complaints_without_an_end_each_title_is_kept(tmp_path, monkeypatch):
    """And their number: who remembers it finds what came afterwards."""
    monkeypatch.setattr(console_module, "_SAME_TITLE_KEPT", 3)
    said = [splat("same", second % 9) for second in range(50)]
    panic = "[    9.000000] Kernel panic - not syncing: x\n"
    seen = flood(tmp_path, [*said, splat("other"), *said, panic])
    titles = [each.title for each in seen.splats()]
    assert titles[:50] == ["WARNING in same"] * 50 and titles[50] == "WARNING in other"
    assert len(titles) >= 101 and seen.splats()[-1].final and seen.panicked
    same = {id(each) for each in seen.splats() if each.title == "WARNING in same" and not each.final}
    assert len(same) <= 4, "what takes memory"


def test_of_titles_so_many_are_kept_and_the_final_one(tmp_path, monkeypatch):
    monkeypatch.setattr(console_module, "_TITLES_KEPT", 2)
    panic = "[    9.000000] Kernel panic - not syncing: x\n"
    seen = flood(tmp_path, [*(splat(f"f{number}") for number in range(9)), panic])
    assert len({each.title for each in seen.splats()}) <= 3 and seen.splats()[-1].final


def test_of_warnings_so_many_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(console_module, "_WARNINGS_KEPT", 2)
    seen = flood(tmp_path, [f"KVM: hcall failed, rc={number}\n" for number in range(5)])
    assert seen.warnings == ["KVM: hcall failed, rc=0", "KVM: hcall failed, rc=1"]
