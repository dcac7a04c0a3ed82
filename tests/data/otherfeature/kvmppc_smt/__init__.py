# SPDX-License-Identifier: GPL-2.0-only
"""A feature of somebody else's: KVM_CAP_PPC_SMT, the threads that a virtual core may have.

Linux arch/powerpc/kvm/powerpc.c, kvm_vm_ioctl_check_extension: KVM HV answers how many there are at most.
"""

from dataclasses import dataclass

from harness.features.feature import Expectation, Feature, Topic
from harness.model.fact import Fact
from harness.model.facts import NotAsked, Quote
from harness.model.verdict import Kind, Verdict

QUESTION = "cap vm 64"
SOURCE = "powerpc.c, kvm_vm_ioctl_check_extension: 8 on POWER9 and later, with KVM HV"


@dataclass(frozen=True)
class Threads(Fact):
    """Without a sentence: reports tell it by its kind and its field."""

    kind = "smt-threads"
    of_a_core: int


EXPECTED = Threads(8)


def judge(topic, evidence):
    """One claim: a virtual core may have as many threads as one of POWER9 has in its larger form."""
    answer = evidence.answers.get(QUESTION, {})
    threads = answer.get("value")
    if threads is None:
        said = Quote(answer["trouble"]) if "trouble" in answer else NotAsked()
        return [Verdict("threads of a core", Kind.UNKNOWN, EXPECTED, said, QUESTION, SOURCE)]
    observed = Threads(threads)
    right = observed == EXPECTED
    kind = Kind.OK if right else Kind.FAIL
    return [Verdict("threads of a core", kind, EXPECTED, observed, QUESTION, SOURCE, right=right)]


FEATURE = Feature(
    name="smt",
    title="KVM_CAP_PPC_SMT",
    topics=(Topic("smt", "threads"),),
    expect=lambda kernel: Expectation("8 threads"),
    questions=lambda page: (QUESTION,),
    judge=judge,
)
