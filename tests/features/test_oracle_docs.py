# SPDX-License-Identifier: GPL-2.0-only
"""api.rst against the header and against what a kernel answered."""

import errno

import pytest
from quoting import said
from rulebook import answer

from harness.features.compat_caps import abi, uapi
from harness.features.compat_caps.caps_checks import checks
from harness.features.compat_caps.caps_rules import Backend, Kernel
from harness.features.compat_caps.oracle_docs import judge
from harness.features.compat_caps.suite import Answers
from harness.model.verdict import Kind
from harness.parts.mutant_catalogue import all_mutants
from harness.parts.series import read_series

COMMON = """
#define KVM_CAP_PPC_COMPAT_CAPS 250
#define KVM_PPC_GET_COMPAT_CAPS	  _IO(KVMIO,  0xb8)
"""
POWERPC = """
struct kvm_ppc_compat_caps {
	__u64	size;	/* a comment; with a semicolon */
	__u64	flags;
	__u64	compat_capabilities;
};
#define KVM_PPC_COMPAT_CAP_POWER9	(1ULL << 62)
#define KVM_PPC_COMPAT_CAP_POWER10	(1ULL << 61)
#define KVM_PPC_COMPAT_CAP_POWER11	(1ULL << 60)
"""
API = """
4.144 KVM_S390_KEYOP
--------------------
:Capability: KVM_CAP_S390_KEYOP

4.145 KVM_PPC_GET_COMPAT_CAPS
-----------------------------
:Capability: KVM_CAP_PPC_COMPAT_CAPS
:Architectures: powerpc
:Type: vm ioctl
:Parameters: struct kvm_ppc_compat_caps (in/out)
:Returns: 0 on success

  ======  ====
  EFAULT  a
  EINVAL  b
  E2BIG   c
  ENOTTY  d
  ======  ====

::

  struct kvm_ppc_compat_caps {
	__u64 size;
	__u64 flags;
	__u64 compat_capabilities;
  };

- ``KVM_PPC_COMPAT_CAP_POWER9``  (bit 1)
- ``KVM_PPC_COMPAT_CAP_POWER10`` (bit 2)
- ``KVM_PPC_COMPAT_CAP_POWER11`` (bit 3)

5. The kvm_run structure
========================
  EPERM  of another section
"""
PAGE = 65536


def answers():
    kernel = Kernel(abi.MERGED, Backend.SERVES, 0x6000000000000000, PAGE)
    found = {
        check.call.line: {"answers": [answer(kernel, check.call).to_json()]}
        for revision in abi.distinct()
        for check in checks(revision, PAGE)
    }
    return Answers(PAGE, found)


def texts(api=API, powerpc=POWERPC, common=COMMON):
    return {uapi.DOCUMENTATION: api, uapi.POWERPC_HEADER: powerpc, uapi.COMMON_HEADER: common}


def failed(**changes):
    verdicts = judge(texts(**changes), abi.MERGED, answers())
    return [each.check for each in verdicts if each.kind is Kind.FAIL]


def test_what_agrees_is_fine():
    assert failed() == []


@pytest.mark.parametrize(
    ("before", "after", "check"),
    [
        ("EINVAL  b", "", "errors that can happen are listed"),
        ("EFAULT  a", "", "errors that the kernel answered are listed"),
        ("ENOTTY  d", "", "errors that can happen are listed"),
        ("4.145 KVM_PPC_GET_COMPAT_CAPS", "4.145 KVM_PPC_GET_CAPS", "section"),
        (":Capability: KVM_CAP_PPC_COMPAT_CAPS", ":Capability: KVM_CAP_PPC", "capability"),
        ("vm ioctl", "vcpu ioctl", "type"),
        ("struct kvm_ppc_compat_caps (in", "struct kvm_ppc_caps (in", "parameters"),
        ("__u64 flags", "__u32 flags", "struct's fields are the header's"),
        ("(bit 2)", "(bit 3)", "bits are the header's"),
        ("- ``KVM_PPC_COMPAT_CAP_POWER11`` (bit 3)", "", "bits are the header's"),
    ],
)
def test_a_difference_is_found_by_name(before, after, check):
    assert before in API
    assert f"api.rst: {check}" in failed(api=API.replace(before, after))


def test_a_bit_that_the_kernel_sets_and_nobody_names():
    header = POWERPC.replace("#define KVM_PPC_COMPAT_CAP_POWER10	(1ULL << 61)\n", "")
    found = failed(powerpc=header, api=API.replace("- ``KVM_PPC_COMPAT_CAP_POWER10`` (bit 2)", ""))
    assert found == ["api.rst: bits that the kernel answered are named"]


def test_a_kernel_without_the_ioctl_or_without_source_is_skipped():
    assert [each.kind for each in judge({}, abi.MERGED, answers())] == [Kind.SKIP]
    assert [each.kind for each in judge(texts("", "", ""), None, answers())] == [Kind.SKIP]


V1 = "struct kvm_ppc_compat_caps {\n __u32 flags;\n __u32 pad;\n __u64 compat_capabilities;\n};"
V2 = "struct kvm_ppc_compat_caps {\n __u64 flags;\n __u64 compat_capabilities;\n};"
V4 = "struct kvm_ppc_compat_caps {\n __u64 flags;\n __u64 size;\n __u64 compat_capabilities;\n};"


@pytest.mark.parametrize(
    ("struct", "capability", "request_", "names"),
    [
        (POWERPC, 250, "_IO(KVMIO, 0xb8)", ("merged",)),
        (POWERPC, 250, "_IO(KVMIO, 0xe4)", ("v5",)),
        (POWERPC, 251, "_IO(KVMIO, 0xb8)", ()),
        (V1, 249, "_IOR(KVMIO, 0xe4, struct kvm_ppc_compat_caps)", ("v1",)),
        (V2, 249, "_IOR(KVMIO, 0xe4, struct kvm_ppc_compat_caps)", ("v2", "v3")),
        (V4, 249, "_IOR(KVMIO, 0xe4, struct kvm_ppc_compat_caps)", ("v4",)),
    ],
)
def test_a_header_names_its_revision(struct, capability, request_, names):
    common = f"#define KVM_CAP_PPC_COMPAT_CAPS {capability}\n#define KVM_PPC_GET_COMPAT_CAPS {request_}\n"
    header = uapi.read_header(texts(powerpc=struct, common=common))
    assert header.revisions == names


def test_seen_errors_are_those_of_the_kernel():
    assert errno.errorcode[errno.E2BIG] == "E2BIG"
    found = {each.check: each for each in judge(texts(), abi.MERGED, answers())}
    assert said(found["api.rst: errors that the kernel answered are listed"]) == "E2BIG EFAULT EINVAL"


def test_a_tree_of_which_nothing_is_understood_is_not_fine():
    header = POWERPC.replace("__u64	flags", "__u64 flags; __u8 reserved[4]").replace("__u64", "u64")
    found = failed(powerpc="", api=API[: API.index("::")])
    for check in ("struct's fields are the header's", "bits are the header's"):
        assert f"api.rst: {check}" in found
    assert uapi.read_header(texts(powerpc=header)).revisions == ()
    odd = COMMON.replace("_IO(KVMIO,", "_IORW(KVMIO,")
    assert uapi.read_header(texts(common=odd)).request is None


def test_an_errno_without_a_name_is_told_by_its_number():
    asked = answers()
    line = next(line for line in asked.asked if "plain 10" in line and "0x2000aeb8" in line)
    asked.asked[line] = {"answers": [{"result": -1, "errno": 524, "changed": []}]}
    found = {each.check: each for each in judge(texts(), abi.MERGED, asked)}
    assert "errno 524" in said(found["api.rst: errors that the kernel answered are listed"])


def test_a_kernel_that_answers_nothing_shows_nothing():
    found = {each.check: each.kind for each in judge(texts(), abi.MERGED, Answers(PAGE, {}))}
    assert found["api.rst: errors that the kernel answered are listed"] is Kind.FAIL
    assert found["api.rst: bits that the kernel answered are named"] is Kind.FAIL


BITS = API[API.index("- ``KVM_PPC_COMPAT_CAP_POWER9``") : API.index("5. The kvm_run")]
NAMES = [f"KVM_PPC_COMPAT_CAP_POWER{number}" for number in (9, 10, 11)]


@pytest.mark.parametrize(
    "line",
    [
        "{0}, {1}, {2} = (1ULL << 62), (1ULL << 61), (1ULL << 60)",
        "{0}, {1} and {2} are bits 1, 2 and 3.",
        "{0} (bit 1), {1} (bit 2), {2} (bit 3)",
        "{0}, {1} and {2} are bits 1-3.",
    ],
)
def test_bits_may_be_described_on_one_line(line):
    assert failed(api=API.replace(BITS, line.format(*NAMES) + "\n\n")) == []
    swapped = line.format(NAMES[1], NAMES[0], NAMES[2]).replace("1-3", "2-4")
    assert failed(api=API.replace(BITS, swapped + "\n\n")) == ["api.rst: bits are the header's"]


def added(patch):
    """(file, line) of what a patch adds."""
    file = ""
    for line in patch.mail.splitlines():
        if line.startswith("+++ b/"):
            file = line.removeprefix("+++ b/")
        elif line.startswith("+") and not line.startswith("+++"):
            yield file, line[1:]


def series_texts():
    """Of compat-caps-merged, as far as its own patches say it."""
    found = dict.fromkeys(uapi.FILES, "")
    for patch in read_series("compat-caps-merged", "7.2").patches:
        for file, line in added(patch):
            if file in found:
                found[file] += line + "\n"
    return found


def failed_of(texts):
    return [each.check for each in judge(texts, abi.MERGED, answers()) if each.kind is Kind.FAIL]


def test_our_own_documentation_is_fine():
    assert failed_of(series_texts()) == []


@pytest.mark.parametrize("name", ["docs-wrong-field", "docs-lack-einval"])
def test_mutants_of_it_are_caught(name):
    (mutant,) = [each for each in all_mutants() if each.name == name]
    (patch,) = read_series(f"mutants/{name}").patches
    found = series_texts()
    text = found[uapi.DOCUMENTATION]
    for hunk in patch.mail.split("\n@@ ")[1:]:
        lines = hunk.split("\n-- \n")[0].splitlines()[1:]
        before = "\n".join(line[1:] for line in lines if line[:1] in (" ", "-"))
        after = "\n".join(line[1:] for line in lines if line[:1] in (" ", "+"))
        assert before.strip("\n") in text
        text = text.replace(before.strip("\n"), after.strip("\n"))
    assert mutant.caught_by in failed_of(found | {uapi.DOCUMENTATION: text})
