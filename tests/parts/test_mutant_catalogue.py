# SPDX-License-Identifier: GPL-2.0-only
"""The list of mutants: each has a patch, and is caught by a check that there is."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from rulebook import answer

from harness.engine.kernel_description import description_of
from harness.features.compat_caps import abi, conformance
from harness.features.compat_caps import source_content as kernelsource
from harness.features.compat_caps.behaviour import MERGED_SERIES, V1_SERIES
from harness.features.compat_caps.caps_checks import checks
from harness.features.compat_caps.caps_rules import Kernel
from harness.features.compat_caps.expected_behaviour import expectation
from harness.features.compat_caps.oracle_ioctl import Subject
from harness.features.compat_caps.suite import Answers, questions
from harness.model.cpu import Mode
from harness.model.errors import UsageError
from harness.model.topology import NestedApi
from harness.parts import ownseries
from harness.parts.kernelspec import parse_spec
from harness.parts.mutant_catalogue import Mutant, all_mutants, patch_of
from harness.parts.series import read_series

PAGE = 65536
DATA = Path(__file__).parent.parent / "data"

# Checks that are about no answer: what a level complains of, and that it answers and ends at all.
HEALTH = {
    "L0 health", "L1 health", "L2 health", "L1 boots", "L1 answers", "L2 outcome", "L2 ends",
}  # fmt: skip


def check_names(behaviour):
    """All that the suite may say of an L1. What is answered does not matter: of calls what is right, else
    what another kernel answered."""
    subject = Subject(behaviour, NestedApi.V2, Mode.P10)
    kernel: Kernel = subject.kernel(PAGE)
    found = json.loads((DATA / "suite-7.3-papr-p11@p10.json").read_text())["asked"]
    assert set(questions(PAGE)) <= set(found)
    for revision in abi.distinct():
        for check in checks(revision, PAGE):
            found[check.call.line] = {"answers": [answer(kernel, check.call).to_json()]}
    text = (
        "4.1 KVM_PPC_GET_COMPAT_CAPS\n---\n"
        "struct kvm_ppc_compat_caps {\n__u64 size;\n};\n"
    )  # fmt: skip
    probe = type("Probe", (), {"raw_pvr": 0x00821200, "cpuinfo": ""})()
    asked = conformance.SuiteEvidence(
        subject, probe, Answers(PAGE, found), {"Documentation/virt/kvm/api.rst": text}
    )
    return {verdict.check for judge in conformance.TOPICS.values() for verdict in judge(asked)}


MUTANTS = all_mutants()


def test_there_are_enough_and_each_has_its_patch():
    assert len([each for each in MUTANTS if each.caught_by in HEALTH]) >= 26
    assert len([each for each in MUTANTS if each.kind == "ok"]) >= 5
    files = {path.stem for path in (ownseries.directory() / "mutants").glob("*.patch")}
    assert files == {each.name for each in MUTANTS}
    assert len(files) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda each: each.name)
def test_a_mutant_is_one_patch_on_one_of_our_series(mutant):
    (patch,) = read_series(f"mutants/{mutant.name}").patches
    assert patch.subject.endswith(f"Mutant: {mutant.name}")
    assert ownseries.find(mutant.on) is not None
    behaviour = V1_SERIES if mutant.on.endswith("v1") else MERGED_SERIES
    if mutant.kind == "fail":
        assert mutant.caught_by in HEALTH | check_names(behaviour)
    # A complaint must be told with its title: that some complaint was found proves nothing.
    assert mutant.title or not mutant.caught_by.endswith(" health")
    if mutant.kind == "ok" and mutant.title:
        assert mutant.title.rstrip("+") in patch.mail


@pytest.mark.parametrize(
    "fields",
    [
        {"command": "boot"}, {"kind": "bad"}, {"caught_by": ""}, {"kind": "ok"},
        {"scenario": ("hv-p11-l2p10",)}, {"command": "run", "scenario": ("hv-p11",)}, {"surprise": "x"},
    ],
    ids=str,
)  # fmt: skip
def test_an_entry_that_makes_no_sense_is_refused(fields):
    with pytest.raises((ValueError, TypeError, UsageError)):
        Mutant(**{"name": "x", "base": "7.2", "on": "s", "defect": "d", "caught_by": "c", **fields})


def test_a_wrong_list_is_told_with_its_file(tmp_path, monkeypatch):
    monkeypatch.setattr(ownseries, "directory", lambda: tmp_path)
    (tmp_path / "mutants").mkdir()
    path = tmp_path / "mutants" / "mutants.toml"
    entry = 'base = "7.2"\n[[mutant]]\nname = "x"\non = "s"\ndefect = "d"\ncaught_by = "c"\n'
    path.write_text(entry + 'command = "run"\n')
    (found,) = all_mutants()
    assert found.scenario == ("papr-p11@p10-l2p10", "hv-p11@p10-l2p10")
    path.write_text(entry + 'command = "run"\nscenario = "hv-p11-l2p10"\n')
    assert all_mutants()[0].scenario == ("hv-p11-l2p10",)
    assert "(run, hv-p11-l2p10)" in all_mutants()[0].summary
    for wrong in ('kind = "ok"\n', "number = 1\n", 'command = "run"\nscenario = "nonsense"\n', "= x"):
        path.write_text(entry + wrong)
        with pytest.raises(UsageError, match=re.escape(str(path))):
            all_mutants()


def build(spec, texts=None):
    return SimpleNamespace(
        spec=spec,
        label="k",
        version=(7, 2, 12),
        release="7.2.12",
        banner="",
        texts=texts or {},
        symbol_names=frozenset(),
    )


def test_a_mutant_is_judged_as_the_kernel_without_the_defect():
    mutant = next(each for each in MUTANTS if each.on == "compat-caps-merged")
    assert re.fullmatch(r"debian-source:7\.2\+compat-caps-merged\+mutants/[\w-]+", mutant.kernel)
    # Its source shows the defect, and is not asked.
    shown = {kernelsource.BACKEND: "x", kernelsource.DISPATCH: "y"}
    seen = expectation(description_of(build(mutant.kernel, shown)))
    assert (seen.sure, seen.note, seen.behaviour.revision) == (True, "", abi.MERGED)


def test_what_is_no_mutant_is_not_taken_for_one(tmp_path):
    assert patch_of("mutants/none-such") is None
    assert patch_of("mutants/../compat-caps-v1/series") is None
    assert patch_of("compat-caps-merged") is None
    (tmp_path / "x.patch").touch()
    assert patch_of(str(tmp_path / "x")) is None


@pytest.mark.parametrize("revision", ["v2", "v3", "v4", "v5"])
def test_variants_are_judged_by_their_own_revision(revision):
    on = "compat-caps-merged" if revision == "v5" else "compat-caps-v1"
    spec = f"debian-source:7.2+{on}+compat-caps-{revision}"
    assert parse_spec(spec).label.endswith(f"compat_caps_{revision}")
    behaviour = expectation(description_of(build(spec))).behaviour
    assert (behaviour.revision.name, behaviour.refusal.value) == (revision, "stored")
