# SPDX-License-Identifier: GPL-2.0-only
"""Which kernels have the registers of DEXCR: by their source, else by their release."""

import pytest

from harness.features.dexcr.registers import (
    ENTRY,
    NOT_LOADED,
    ONE_REG,
    REGISTERS,
    SOURCE_FILES,
    UAPI,
    expect,
)
from harness.model.kernel import Kernel, SeriesOn

ALL = [each.name for each in REGISTERS]
UAPI_TEXT = "".join(f"#define {each.macro}\t(KVM_REG_PPC | {each.number:#x})\n" for each in REGISTERS)
ONE_REG_TEXT = "".join(f"\tcase {each.macro}:\n" for each in REGISTERS) * 2
FULL = {UAPI: UAPI_TEXT, ONE_REG: ONE_REG_TEXT, ENTRY: "static void load_spr_state()\n"}
OLD = {UAPI: "#define KVM_REG_PPC_PTCR\n", ONE_REG: "case KVM_REG_PPC_PTCR:\n" * 2, ENTRY: "x\n"}


def kernel(release, texts=None, series=(), banner=""):
    version = tuple(int(each) for each in release.split("-")[0].split(".") if each.isdigit())
    return Kernel("k", release, banner, version, series, texts or {})


def has(*arguments, **more):
    return expect(kernel(*arguments, **more)).data["has"]


@pytest.mark.parametrize(
    ("release", "found"),
    [
        ("6.1.0-44-powerpc64le", []),
        ("6.10.14", []),
        ("6.11.0-rc1", ALL),
        ("6.11.0", ALL),
        ("6.12.95", ALL),
        ("7.3-powerpc64le-64k", ALL),
        ("8.0.0", ALL),
        # A uapi is not taken back, whatever a distribution adds.
        ("6.14.0-37-generic", ALL),
        ("7.2.0-next-20260901", ALL),
    ],
)
def test_by_release(release, found):
    told = expect(kernel(release))
    assert told.known
    assert told.data == {"has": found, "defects": [NOT_LOADED.name] if found else []}
    assert (told.name == "none of them") == (not found)


@pytest.mark.parametrize(
    "release", ["5.14.0-570.el9.ppc64le", "6.10.0-next-20240701", "6.10.0-00012-gabcdef123456", "mine"]
)
def test_of_what_may_have_them_nothing_is_known(release):
    told = expect(kernel(release))
    assert not told.known
    assert "any kernel" in told.note
    assert told.data == {"has": [], "defects": []}


def test_a_source_decides_what_a_release_has_not():
    told = expect(kernel("6.6.0", FULL))
    assert (told.known, told.data["has"], told.note) == (True, ALL, "")
    assert has("6.6.0", OLD) == []
    assert has("mine", FULL) == ALL
    assert expect(kernel("mine", OLD)).data == {"has": [], "defects": []}
    one = {**FULL, UAPI: f"#define {REGISTERS[0].macro}\n"}
    assert has("6.6.0", one) == ALL[:1]
    # Get without set is not all of it.
    half = {**FULL, ONE_REG: f"case {REGISTERS[0].macro}:\n"}
    assert has("6.6.0", half) == []


def test_what_a_source_has_lost_is_told_and_still_expected():
    told = expect(kernel("7.2.12", OLD))
    assert told.data["has"] == ALL
    assert "HASHPKEYR" in told.note and "7.2.12" in told.note


def test_a_source_of_which_a_file_was_not_read_says_nothing():
    for file in (UAPI, ONE_REG):
        assert has("6.6.0", {name: text for name, text in FULL.items() if name != file}) == []
        assert has("6.12.0", {name: text for name, text in OLD.items() if name != file}) == ALL


def test_a_mutant_is_judged_as_what_it_is_a_mutant_of():
    mutant = (SeriesOn("x", mutant=True),)
    told = expect(kernel("7.2.12", OLD, mutant))
    assert (told.data, told.note) == ({"has": ALL, "defects": [NOT_LOADED.name]}, "")
    assert has("6.6.0", FULL, mutant) == []


def test_a_series_is_judged_by_the_source_it_made():
    assert has("6.6.0", FULL, (SeriesOn("theirs"),)) == ALL


def test_a_source_that_switches_the_registers_has_not_the_defect():
    mended = {**FULL, ENTRY: "mtspr(SPRN_DEXCR, vcpu->arch.dexcr);\n"}
    assert expect(kernel("7.2.12", mended)).data["defects"] == []
    assert expect(kernel("7.2.12", FULL)).data["defects"] == [NOT_LOADED.name]
    assert expect(kernel("mine", {name: FULL[name] for name in (UAPI, ONE_REG)})).data["defects"] == []
    assert set(SOURCE_FILES) == set(FULL)
