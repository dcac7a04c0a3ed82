# SPDX-License-Identifier: GPL-2.0-only
"""A feature of somebody else's: KVM_CAP_PPC_SMT, the threads that a virtual core may have.

Linux arch/powerpc/kvm/powerpc.c, kvm_vm_ioctl_check_extension: KVM HV answers how many there are at most.
"""

from harness.features.feature import Expectation, Feature, Topic
from harness.model.verdict import Kind, Verdict

QUESTION = "cap vm 64"
SOURCE = "powerpc.c, kvm_vm_ioctl_check_extension: 8 on POWER9 and later, with KVM HV"


def judge(topic, evidence):
    """One claim: a virtual core may have as many threads as one of POWER9 has in its larger form."""
    answer = evidence.answers.get(QUESTION, {})
    threads = answer.get("value")
    if threads is None:
        words = answer.get("trouble", "not asked")
        return [Verdict("threads of a core", Kind.UNKNOWN, "8", words, QUESTION, SOURCE)]
    right = threads == 8
    kind = Kind.OK if right else Kind.FAIL
    return [Verdict("threads of a core", kind, "8", str(threads), QUESTION, SOURCE, right=right)]


FEATURE = Feature(
    name="smt",
    title="KVM_CAP_PPC_SMT",
    topics=(Topic("smt", "threads"),),
    expect=lambda kernel: Expectation("8 threads"),
    questions=lambda page: (QUESTION,),
    judge=judge,
)
