# SPDX-License-Identifier: GPL-2.0-only
"""A conversation with ask.py: every question has its answer, or it is told at which one it ended, and how."""

import threading

import pytest
from fakelevels import Channel, Connection

from harness.levels import asking
from harness.levels.asking import NoAnswer, QuerySession, start_of


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    """For the status of what has ended, which most of these channels never tell."""
    monkeypatch.setattr(asking, "_STATUS_SECONDS", 0.05)


@pytest.fixture
def channel():
    made = Channel()
    yield made
    made.close()


def session(channel, timeout=0.3):
    connection = Connection(streams=[channel])
    return QuerySession(connection, "/usr/lib/kvmppc", timeout), connection


def far(channel, react):
    """A far end that reacts to each line it is sent; ends when the channel does."""

    def serve():
        text = b""
        while True:
            try:
                data = channel.theirs.recv(65536)
            except OSError:
                return
            if not data:
                return
            text += data
            *lines, text = text.split(b"\n")
            for line in lines:
                react(line.decode())

    threading.Thread(target=serve, daemon=True).start()


def failed(channel, *questions, timeout=0.1):
    talk, _ = session(channel, timeout)
    with pytest.raises(NoAnswer) as error, talk:
        talk.ask(questions)
    return error.value


def test_how_a_program_of_ours_is_started(channel):
    assert (
        start_of("levelfacts", "/there")
        == 'cd /there && python3 -S -c "import levelfacts; levelfacts.main()"; exit $?'
    )
    _, connection = session(channel)
    assert connection.asked == [f"({start_of('ask', '/usr/lib/kvmppc')}) 2>&1"]


def test_each_question_has_its_answer_in_order(channel):
    far(channel, lambda line: channel.say(f'{{"to": "{line}"}}'))
    talk, _ = session(channel, 5)
    questions = [f"q{number}" for number in range(2 * asking._AHEAD + 3)]
    with talk as same:
        assert same is talk
        assert talk.ask(questions) == [{"to": each} for each in questions]
        assert talk.ask([]) == []
    assert channel.closed


def test_no_more_are_on_their_way_than_fit(channel, monkeypatch):
    monkeypatch.setattr(asking, "_AHEAD", 2)
    seen = []

    def react(line):
        seen.append(line)
        if len(seen) == 2:
            channel.say("{}", "{}")

    far(channel, react)
    found = failed(channel, "a", "b", "c", "d", "e", timeout=0.5)
    assert (found.question, found.answers, found.ended) == ("c", [{}, {}], "")
    assert seen == ["a", "b", "c", "d"]


def test_silence_is_told_with_the_question_and_what_was_answered_before(channel):
    channel.say('{"a": 1}')
    found = failed(channel, "one", "two", "three")
    assert (found.question, found.answers, found.ended) == ("two", [{"a": 1}], "")
    assert str(found) == "no answer to 'two' in 0 s"


def test_a_long_question_is_shortened(channel):
    found = failed(channel, "x" * 100)
    assert str(found) == f"no answer to {'x' * 100 + '...'!r} in 0 s"
    assert found.question == "x" * 100


def test_a_question_that_is_just_not_long_is_not(channel):
    assert repr("x" * 99) in str(failed(channel, "x" * 99))


def test_an_end_is_told_with_its_last_words(channel):
    channel.say('{"a": 1}', "Traceback", "  File x", "OSError: no")
    channel.end()
    found = failed(channel, "one", "two")
    assert (found.question, found.answers, found.ended) == ("two", [{"a": 1}], "ask.py: OSError: no")
    assert str(found) == "ask.py failed at 'two': OSError: no"


def test_an_end_without_a_word(channel):
    channel.end()
    assert failed(channel, "one").ended == "ask.py: no output"


@pytest.mark.parametrize(("status", "signal"), [(128 + 11, 11), (128, 0), (1, 0), (-1, 0)])
def test_a_signal_that_ended_it_is_told(channel, status, signal):
    channel.say("Segmentation fault")
    channel.end(status)
    found = failed(channel, "one")
    assert (found.ended, found.signal) == ("ask.py: Segmentation fault", signal)


def test_an_end_within_a_line(channel):
    """Not even if what came would be an answer: there is none without its end."""
    channel.theirs.sendall(b'{"a": 1}')
    channel.end()
    found = failed(channel, "one")
    assert (found.answers, found.ended) == ([], 'ask.py: {"a": 1}')


@pytest.mark.parametrize("line", ["no document", "[1]", "3", "null", '"x"', "{broken"])
def test_what_is_no_document_is_no_answer(channel, line):
    channel.say(line)
    channel.end()
    found = failed(channel, "one")
    assert (found.answers, found.ended) == ([], f"ask.py: {line}")


def test_what_fails_may_go_on_for_a_while(channel):
    """The last line of a traceback tells; it may come later."""
    channel.say("Traceback")
    threading.Timer(0.1, lambda: (channel.say("Error: x"), channel.end())).start()
    assert failed(channel, "one", timeout=5).ended == "ask.py: Error: x"


def test_what_fails_and_does_not_end_is_not_waited_for(channel, monkeypatch):
    monkeypatch.setattr(asking, "_REST_SECONDS", 0.1)
    channel.say("no document", "and more")
    assert failed(channel, "one").ended == "ask.py: and more"


def test_a_program_that_takes_no_more_questions(channel):
    channel.ours.close()
    found = failed(channel, "one")
    assert found.question == "one"
    assert found.answers == []
    assert found.ended.startswith("ask.py takes no more questions: ")
    assert str(found) == found.ended
