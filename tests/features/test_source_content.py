# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel's source shows, at every boundary of every series of ours and on shapes that it may meet."""

import pytest
from excerpts import states

from harness.features.compat_caps.behaviour import Refusal, of_series
from harness.features.compat_caps.source_content import BACKEND, DISPATCH, FILES, body_of, read
from harness.features.compat_caps.uapi import COMMON_HEADER, POWERPC_HEADER
from harness.model.topology import NestedApi
from harness.parts import ownseries
from harness.parts.series import read_series

OPEN = "static int kvmppc_set_arch_compat(struct kvm_vcpu *vcpu, u32 arch_compat) {"
HOST = "\tif (cpu_has_feature(CPU_FTR_P11_PVR) || cpu_has_feature(CPU_FTR_ARCH_31))\n\t\thost = 1;\n"
CASES = """\tswitch (arch_compat) {
\tcase PVR_ARCH_31:
\tcase PVR_ARCH_31_P11:
@\t\tguest = 1;
\t\tbreak;
\t}
"""
TAIL = """out:
\tspin_lock(&vc->lock);
\tvc->arch_compat = arch_compat;
\treturn kvmppc_sanity_check(vcpu);
}
"""
STORES = """\t\tif (!cpu_has_feature(CPU_FTR_P11_PVR)) {
\t\t\tarch_compat = PVR_ARCH_INVALID;
\t\t\tgoto out;
\t\t}
"""
CLEAN = "\t\tif (!cpu_has_feature(CPU_FTR_P11_PVR))\n\t\t\treturn -EINVAL;\n"


def set_arch_compat(check="", host=HOST, tail=TAIL):
    return f"{OPEN}\n{host}{CASES.replace('@', check)}{tail}"


# Where the patches of a base do not show the function, or not all of it: line -> what stands there.
PRESET = {
    # The case labels are at 443 to 450, the rest is shown by compat-caps-merged alone.
    ("6.12", "compat-caps-v1"): {442: f"{OPEN} switch (arch_compat) {{", 452: "} return 0; }"},
    ("6.12", "compat-caps-merged"): {
        442: f"{OPEN} switch (arch_compat) {{",
        452: "}",
        466: "if (kvmhv_on_pseries()) {",
    },
    ("7.2", "compat-caps-v1"): {1: set_arch_compat(STORES)},
    ("7.2", "compat-caps-merged"): {1: set_arch_compat(STORES)},
}
CHAINS = [
    ("6.12", "compat-caps-v1"),
    ("6.12", "compat-caps-merged"),
    ("7.2", "compat-caps-merged", "compat-caps-v5"),
    ("7.2", "compat-caps-v1", "compat-caps-v2"),
    ("7.2", "compat-caps-v1", "compat-caps-v3"),
    ("7.2", "compat-caps-v1", "compat-caps-v4"),
]


def boundaries(base, *names):
    """(what series.toml says, texts) at each."""
    patches, said = [], []
    for name in names:
        own = read_series(name, base).patches
        words = ownseries.find(name).words(base)
        said += [of_series(name, words, count) for count in range(bool(patches), len(own) + 1)]
        patches += own
    preset = {(BACKEND, line): text for line, text in PRESET[base, names[0]].items()}
    preset[DISPATCH, 1] = ""
    return list(zip(said, states(patches, preset), strict=True))


@pytest.mark.parametrize("chain", CHAINS, ids="+".join)
def test_our_series_show_what_they_say_of_themselves(chain):
    found = boundaries(*chain)
    assert len(found) > 5
    for said, texts in found:
        shown = read(texts)
        assert shown.refusal is said.refusal, said.name
        assert set(shown.served) == set(said.served), said.name
        if said.revision is None:
            assert shown.revisions == (), said.name
        else:
            assert said.revision.name in shown.revisions, said.name


@pytest.mark.parametrize(
    ("function", "refusal"),
    [
        (set_arch_compat(), Refusal.NONE),
        (set_arch_compat(host=""), Refusal.NONE),
        (set_arch_compat(STORES), Refusal.STORED),
        (set_arch_compat(CLEAN), Refusal.CLEAN),
        (set_arch_compat(CLEAN.replace("))\n", ")) {\n") + "\t\t}\n"), Refusal.CLEAN),
        (set_arch_compat(CLEAN.replace("(!", "(compat_host && !")), Refusal.CLEAN),
        # A comment is no check.
        (set_arch_compat(f"/* {CLEAN} */"), Refusal.NONE),
        (set_arch_compat("// arch_compat = PVR_ARCH_INVALID;\n"), Refusal.NONE),
        # What is not understood is not guessed.
        (set_arch_compat("\t\tif (kvmppc_mode_too_new(vcpu, arch_compat))\n\t\t\treturn -EINVAL;\n"), None),
        (set_arch_compat("\t\tif (!cpu_has_feature(CPU_FTR_P11_PVR))\n\t\t\treturn -EPERM;\n"), None),
        (set_arch_compat("\t\tif (arch_compat == PVR_ARCH_INVALID)\n\t\t\tbreak;\n"), None),
        (set_arch_compat().replace("\tcase PVR_ARCH_31_P11:\n", ""), None),
        ("int other(void)\n{\n}\n", None),
        (f"{OPEN}\n\tswitch (arch_compat) {{\n", None),  # cut off
    ],
)
def test_what_becomes_of_a_mode_that_is_too_new(function, refusal):
    assert read({BACKEND: function}).refusal is refusal


HEADERS = {
    COMMON_HEADER: "#define KVM_CAP_PPC_COMPAT_CAPS 250\n#define KVM_PPC_GET_COMPAT_CAPS _IO(KVMIO, 0xb8)\n",
    POWERPC_HEADER: """struct kvm_ppc_compat_caps {
\t__u64 size;
\t__u64 flags;
\t__u64 compat_capabilities;
};
""",
}
WIRED = "\tcase KVM_PPC_GET_COMPAT_CAPS: {\n\t\tr = kvm->arch.kvm_ops->get_compat_caps(&caps);\n\t}\n"
OPS = "static struct kvmppc_ops kvm_ops_hv = {\n\t.get_compat_caps = kvmppc_get_compat_caps,\n};\n"
# As in Linux 7.3, with all of it in one function.
UPSTREAM = (
    "static int kvmppc_get_compat_caps(struct kvm_ppc_compat_caps *host_caps)\n{\n"
    "\tif (kvmhv_is_nestedv2()) {\n\t\tcapabilities = nested_capabilities;\n\t}\n"
    '\tprop = of_get_property(np, "cpu-version", NULL);\n}\n'
)


def ioctl(backend=UPSTREAM + OPS, dispatch=WIRED, **headers):
    shown = read({**HEADERS, BACKEND: backend, DISPATCH: dispatch, **headers})
    return shown.revisions, shown.served


@pytest.mark.parametrize(
    ("changes", "revisions", "served"),
    [
        ({}, ("merged",), (NestedApi.V1, NestedApi.V2)),
        ({"dispatch": "nothing of it"}, (), ()),
        ({"dispatch": f"/* {WIRED} */ int x;"}, (), ()),
        ({"dispatch": ""}, None, None),
        ({"backend": UPSTREAM}, ("merged",), ()),
        ({"backend": ""}, ("merged",), None),
        ({"backend": UPSTREAM.replace('"cpu-version"', '"x"') + OPS}, ("merged",), (NestedApi.V2,)),
        ({"backend": UPSTREAM.replace("nested_capabilities", "0") + OPS}, ("merged",), (NestedApi.V1,)),
        # The first posting asked each time.
        (
            {"backend": UPSTREAM.replace("= nested_capabilities", "= plpar_guest_get_capabilities(0)") + OPS},
            ("merged",),
            (NestedApi.V1, NestedApi.V2),
        ),
        # Of an answer that comes from elsewhere nothing is known.
        ({"backend": "static int kvmppc_get_compat_caps(u64 *c)\n{\n}\n" + OPS}, ("merged",), None),
        ({"backend": OPS}, ("merged",), None),
        # Another way to the backend than kvmppc_ops' hook.
        ({"backend": UPSTREAM, "dispatch": WIRED.replace("->get_compat_caps", "->modes")}, ("merged",), None),
        ({COMMON_HEADER: HEADERS[COMMON_HEADER].replace("250", "251")}, None, (NestedApi.V1, NestedApi.V2)),
    ],
)
def test_what_the_ioctl_is_and_serves(changes, revisions, served):
    assert ioctl(**changes) == (revisions, served)


def test_where_there_is_no_source_there_is_nothing_to_read():
    assert read({}) is None
    assert read(HEADERS) is None
    assert {BACKEND, DISPATCH, *HEADERS} <= set(FILES)


def test_a_call_is_no_definition():
    text = "\tif (f(1)) {\n\t\tg();\n\t}\n\nstatic int\nf(int x)\n{\n\treturn x;\n}\n"
    assert body_of("f", text).strip() == "return x;"
    assert body_of("g", text) is None
    assert body_of("f", "int f(int x);\n") is None
    assert body_of("f", "int f(int x\n") is None
