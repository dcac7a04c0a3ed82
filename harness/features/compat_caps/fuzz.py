# SPDX-License-Identifier: GPL-2.0-only
"""Random calls of the ioctl, judged by the same rules as the named checks; what fails shrinks to one call.

hypothesis invents and shrinks here; the guest only executes. A seed gives the same calls in the same order.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import hypothesis.configuration
import hypothesis.errors
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from harness.features.compat_caps.abi import Revision, distinct
from harness.features.compat_caps.calls import POISON, Answer, Call, Memory
from harness.features.compat_caps.caps_rules import Kernel, expect
from harness.features.compat_caps.conformance import Fuzzed

# Calls in one example, and examples between two looks at the clock.
_BATCH = 40
_EXAMPLES = 10

Ask = Callable[[list[str]], list[dict[str, Any]]]


class _Wrong(Exception):
    def __init__(self, call: Call, answers: tuple[Answer, ...]):
        super().__init__(call.line)
        self.call = call
        self.answers = answers


def fuzz(
    kernel: Kernel, ask: Ask, seconds: float, seed: int, clock: Callable[[], float] = time.monotonic
) -> Fuzzed:
    """Until *seconds* have passed, or an answer is wrong and could be made no smaller. Errors of *ask* pass
    through: a level that died of a call is the caller's to tell."""
    deadline = clock() + seconds
    made = 0
    wrong: _Wrong | None = None
    trouble: Exception | None = None

    # Nothing of it is wanted where whoever runs this stands.
    hypothesis.configuration.set_hypothesis_home_dir(tempfile.gettempdir())

    def attempt(batch: list[Call]) -> None:
        nonlocal made, wrong, trouble
        if trouble is not None:
            return  # whoever answers is gone: hypothesis may stop shrinking
        try:
            documents = ask([each.line for each in batch])
        except Exception as error:
            trouble = error
            raise
        for call, document in zip(batch, documents, strict=True):
            made += 1
            answers = tuple(Answer.from_json(each) for each in document.get("answers", ()))
            expected = expect(kernel, call)
            if not answers or not all(expected.matches(call, each) for each in answers):
                wrong = _Wrong(call, answers)
                raise wrong

    number = 0
    while clock() < deadline:
        test = given(st.lists(calls(kernel), min_size=1, max_size=_BATCH))(attempt)
        test = settings(
            max_examples=_EXAMPLES, deadline=None, database=None, verbosity=Verbosity.quiet,
            phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )(test)  # fmt: skip
        # An answer that is wrong now and then is as wrong, whatever hypothesis calls it.
        with contextlib.suppress(_Wrong, hypothesis.errors.Flaky), _no_constants_of_modules():
            hypothesis.seed(seed * 1_000_000 + number)(test)()
        if trouble is not None:
            raise trouble
        if wrong is not None:
            return Fuzzed(made, wrong.call, wrong.answers)
        number += 1
    return Fuzzed(made)


@contextlib.contextmanager
def _no_constants_of_modules() -> Iterator[None]:
    """hypothesis since 6.131 also draws from the constants in the source of every module that is loaded.

    A seed would be other calls in another process, and hundreds of files would be read for it. There is no
    setting (HypothesisProvider in hypothesis/internal/conjecture/providers.py).
    """
    try:
        providers: Any = importlib.import_module("hypothesis.internal.conjecture.providers")
        theirs, none, cache = providers._get_local_constants, providers.Constants(), providers.CONSTANTS_CACHE
    except (ImportError, AttributeError):  # an older one, or one that is made otherwise
        yield
        return
    providers._get_local_constants = lambda: none
    cache.cache.clear()
    try:
        yield
    finally:
        providers._get_local_constants = theirs
        cache.cache.clear()


# -- calls -----------------------------------------------------------------------------------


@st.composite
def calls(draw: st.DrawFn, kernel: Kernel) -> Call:
    """Of every request that some revision has, most of the kernel's own. The memory is such that the rules
    know all that the kernel will look at."""
    revision = draw(_revisions(kernel.revision.request if kernel.revision else None))
    fd = draw(_DESCRIPTORS)
    memory = draw(_memories(revision, kernel.page))
    return Call(fd, revision.request, draw(_places(memory.length)), memory)


# Strategies are made once: to make one takes longer than to draw from it.
_DESCRIPTORS = st.sampled_from(("vm", "vm", "vm", "vm", "vm+vcpu", "vcpu", "kvm"))
_FLAGS = st.one_of(st.just(0), st.just(0), st.integers(0, (1 << 64) - 1))
_TAILS = st.integers(0, 48)
_FILLS = st.sampled_from((0, POISON))
_LAST = st.one_of(st.none(), st.integers(0, 255))


@functools.cache
def _revisions(request: int | None) -> st.SearchStrategy[Revision]:
    known = [each for each in distinct() if each.request == request]
    return st.sampled_from([*(known * 6), *distinct()])


@functools.cache
def _heads(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


@functools.cache
def _sizes(struct: int, page: int) -> st.SearchStrategy[int]:
    edges = (0, 8, 16, struct - 1, struct, struct, struct, struct + 1, 32, page - 1, page, page + 1, 1 << 32)
    return st.one_of(st.sampled_from(edges), st.integers(0, 96), st.integers(0, (1 << 64) - 1))


@st.composite
def _memories(draw: st.DrawFn, revision: Revision, page: int) -> Memory:
    head = bytearray(draw(_heads(revision.struct_size)))
    flags = draw(_FLAGS)
    head[revision.offset_flags : revision.offset_flags + 8] = flags.to_bytes(8, "little")
    length = revision.struct_size + draw(_TAILS)
    if revision.offset_size is not None:
        struct = revision.struct_size
        size = draw(_sizes(struct, page))
        head[revision.offset_size : revision.offset_size + 8] = size.to_bytes(8, "little")
        if struct < size <= page:
            length = size  # all of it is looked at
    fill = draw(_FILLS)
    last = draw(_LAST) if length > len(head) else None
    return Memory(bytes(head), length, fill, last)


def _places(length: int) -> st.SearchStrategy[str]:
    return _places_near(min(length, 96), length <= 4096)  # ask.py has a page before


@functools.cache
def _places_near(length: int, fits_before: bool) -> st.SearchStrategy[str]:
    near = st.integers(0, length)
    across = ("cross",) if fits_before else ()
    return st.one_of(
        st.sampled_from(("plain", "plain", "odd", "readonly", "null", "unmapped", "kernel", *across)),
        near.map(lambda count: f"end:{count}"),
        near.map(lambda count: f"roend:{count}"),
    )
