# SPDX-License-Identifier: GPL-2.0-only
"""The facts that any feature may use; those about levels are in level_facts.py, those about one series in its
folder below harness/features. What each is in words is in reports/sentences.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.model.fact import ErrnoNumber, Fact, Hex

# -- of answers that are none, and of any answer ---------------------------------------------


@dataclass(frozen=True)
class NotKnown(Fact):
    kind = "not-known"


@dataclass(frozen=True)
class KernelNotKnown(Fact):
    """In place of an expectation: too little is known of the kernel to have one."""

    kind = "kernel-not-known"


@dataclass(frozen=True)
class NotAsked(Fact):
    kind = "not-asked"


@dataclass(frozen=True)
class NoAnswer(Fact):
    kind = "no-answer"


@dataclass(frozen=True)
class SomeAnswer(Fact):
    """Expected where any answer will do."""

    kind = "some-answer"


@dataclass(frozen=True)
class AllAnswers(Fact):
    """Expected of a list of questions."""

    kind = "all-answers"


@dataclass(frozen=True)
class Absent(Fact):
    """Something that may be there is not."""

    kind = "absent"


@dataclass(frozen=True)
class Anything(Fact):
    """Nothing is specified."""

    kind = "anything"


@dataclass(frozen=True)
class Yes(Fact):
    """Expected of what is a condition."""

    kind = "yes"


@dataclass(frozen=True)
class Quote(Fact):
    """What a machine, a program or a file says, as it says it. Not for sentences of ours."""

    kind = "quote"

    text: str


# -- values ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Number(Fact):
    kind = "number"

    value: int


@dataclass(frozen=True)
class Bitmap(Fact):
    """64 bits."""

    kind = "bitmap"

    value: Hex


@dataclass(frozen=True)
class Register(Fact):
    """value: None where it cannot be read."""

    kind = "register"

    value: Hex | None


@dataclass(frozen=True)
class Errno(Fact):
    """number: 0 for success, None where the call was not made."""

    kind = "errno"

    number: ErrnoNumber | None


@dataclass(frozen=True)
class Returned(Fact):
    """Of a system call. errno: 0 unless value is negative."""

    kind = "returned"

    value: int
    errno: ErrnoNumber = 0


@dataclass(frozen=True)
class Refusal(Fact):
    """A call that returned -1. changed: so many bytes of its argument are not as they were."""

    kind = "refusal"

    errno: ErrnoNumber
    changed: int = 0


@dataclass(frozen=True)
class Written(Fact):
    """runs: (offset, bytes as hex) in a buffer, apart from each other; none if nothing was written; free:
    first and last offset of bytes that may be anything."""

    kind = "written"

    runs: tuple[tuple[int, str], ...] = ()
    free: tuple[int, int] | None = None

    @classmethod
    def of(cls, data: dict[int, int], free: tuple[int, int] | None = None) -> Written:
        """data: byte by offset."""
        runs: list[tuple[int, bytearray]] = []
        for at in sorted(data):
            if runs and runs[-1][0] + len(runs[-1][1]) == at:
                runs[-1][1].append(data[at])
            else:
                runs.append((at, bytearray([data[at]])))
        return cls(tuple((at, bytes(values).hex()) for at, values in runs), free)


# -- how KVM_RUN ends, beside an errno -------------------------------------------------------


@dataclass(frozen=True)
class ExitReason(Fact):
    """number: KVM_EXIT_*."""

    kind = "exit-reason"

    number: int


@dataclass(frozen=True)
class Hypercall(Fact):
    kind = "hypercall"

    number: Hex


# -- what a test of levels says of itself ----------------------------------------------------


@dataclass(frozen=True)
class AssertionHolds(Fact):
    """Expected of an assertion of a test's own."""

    kind = "assertion-holds"


@dataclass(frozen=True)
class TestPasses(Fact):
    """Expected of a test that ends itself as failed."""

    kind = "test-passes"


@dataclass(frozen=True)
class Checked(Fact):
    """any: whether a test makes a check."""

    kind = "checked"

    any: bool


# -- several ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class OneOf(Fact):
    """Any of these."""

    kind = "one-of"

    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class AllOf(Fact):
    """All of these, of one answer."""

    kind = "all-of"

    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Each(Fact):
    """What each of several of a kind did, in their order: vcpus of one VM."""

    kind = "each"

    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Steps(Fact):
    """What was done, in the order of time."""

    kind = "steps"

    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Named(Fact):
    """name: of the question, the place or the thing that was answered."""

    kind = "named"

    name: str
    answer: Fact


@dataclass(frozen=True)
class AndMore(Fact):
    """The first of several that are wrong. more: so many others."""

    kind = "and-more"

    first: Fact
    more: int = 0


@dataclass(frozen=True)
class Differing(Fact):
    """Answers of one call that was made several times. answers: so many that differ; facts: what is told of
    them, each once."""

    kind = "differing"

    answers: int
    facts: tuple[Fact, ...]


def one_of(facts: tuple[Fact, ...] | list[Fact]) -> Fact:
    """Each once; the only one by itself."""
    found = tuple({each.token: each for each in facts}.values())
    return found[0] if len(found) == 1 else OneOf(found)
