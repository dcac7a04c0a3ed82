# SPDX-License-Identifier: GPL-2.0-only
"""A machine over SSH: what is known of it before it is asked, and what only it says of itself."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine import remote_environment as remote
from harness.engine import running_l1
from harness.engine.options import RunOptions
from harness.engine.resolve import resolve
from harness.engine.rundir import RunDirectory
from harness.engine.state import environment_of
from harness.engine.wanted import wanted
from harness.levels.limits import LIMITS
from harness.levels.remote import Facts
from harness.model.cpu import GuestMode, Mode
from harness.model.errors import UsageError
from harness.model.observation import Boot, LevelObservation, Probe
from harness.model.outcome import Outcome
from harness.model.scenario import L1Setting, Placement
from harness.model.topology import NestedApi, topology
from harness.model.verdict import Kind
from harness.reports.sentences import expected_of

DATA = Path(__file__).parent.parent / "data"
RUNNING, OTHER = "ab" * 20, "cd" * 20


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    probe = Probe.from_json(json.loads((DATA / "probe-7.3-papr-p11@p10.json").read_text()))
    facts = Facts(
        "7.3.0", "Linux version 7.3.0 (a@b)", RUNNING, GuestMode(Mode.P10), GuestMode(Mode.P11, raw=True),
        NestedApi.V2, probe,
    )  # fmt: skip
    monkeypatch.setattr(remote, "_look", lambda _target, _scale: facts)
    return facts


def options(build_id=""):
    given = RunOptions(suite="abi", expect_build_id=build_id)
    return remote.options_for("root@lpar7", given, lambda _words: None)


def verdicts(prepared, release="7.3.0", build_id=RUNNING):
    """What is said of which kernel it is."""
    placement = Placement("lpar7", topology("papr"), L1Setting.parse("p11@p10"))
    l1 = running_l1.RunningL1(placement, prepared, None, Path("x"))
    boot = Boot(Outcome.BOOTED, "ssh", "x", GuestMode(Mode.P10), release, build_id=build_id)
    _, found = l1.oracle.l1(LevelObservation("x", boot, "v2"))
    return {each.check: each for each in found}


def prepared(build_id=""):
    chosen = options(build_id)
    return environment_of(resolve(wanted(chosen), chosen, lambda _words: None))


def test_a_machine_is_not_compared_with_itself():
    found = verdicts(prepared())
    assert (found["L1 kernel"].kind, found["L1 build id"].kind) == (Kind.SKIP, Kind.SKIP)
    assert "--expect-build-id" in expected_of(found["L1 build id"])
    assert found["L1 mode"].kind is Kind.OK


def test_what_runs_there_is_told_all_the_same(tmp_path):
    kernel = RunDirectory(tmp_path, prepared().plan).info.kernels[0]
    assert (kernel.release, kernel.identity, kernel.build_id) == ("7.3.0", RUNNING, "")
    # So it is judged again as it was.
    assert kernel.found_running and kernel.claimed_release == ""


@pytest.mark.parametrize(
    ("given", "kind"), [(RUNNING, Kind.OK), (RUNNING.upper(), Kind.OK), (OTHER, Kind.FAIL)]
)
def test_a_build_id_that_is_given_is_held_against_it(given, kind):
    found = verdicts(prepared(given))
    assert (found["L1 kernel"].kind, found["L1 build id"].kind) == (Kind.SKIP, kind)
    assert expected_of(found["L1 build id"]) == given.lower()


@pytest.fixture
def image(tmp_path, monkeypatch):
    """An image with a build id; what reading one takes is tests/parts' business."""
    path = tmp_path / "vmlinux"
    path.touch()

    def give(release, build_id):
        facts = remote.kernel_facts.__globals__["KernelFacts"](
            release, f"Linux version {release} x", build_id
        )
        monkeypatch.setattr(remote, "kernel_facts", lambda _path: facts)
        return str(path)

    return give


@pytest.mark.parametrize(
    ("release", "build_id", "kinds"),
    [
        ("7.3.0", RUNNING, (Kind.OK, Kind.OK)),
        ("7.3.0", OTHER, (Kind.OK, Kind.FAIL)),
        ("7.2.12", RUNNING, (Kind.FAIL, Kind.OK)),
    ],
)
def test_an_image_that_is_given_says_both(image, release, build_id, kinds):
    found = verdicts(prepared(image(release, build_id)))
    assert (found["L1 kernel"].kind, found["L1 build id"].kind) == kinds


def test_a_machine_is_judged_by_the_release_of_its_image(image):
    kernel = prepared(image("7.2.12", RUNNING)).plan.kernels["lpar7"]
    assert (kernel.expected["compat_caps"].name, kernel.info.found_running) == ("validation", False)
    assert prepared().plan.kernels["lpar7"].expected["compat_caps"].name == "merged"


def test_an_image_without_a_build_id_proves_nothing(image):
    with pytest.raises(UsageError, match="has no build id"):
        options(image("7.3.0", ""))


@pytest.mark.parametrize("word", ["abc", "12g4" * 10, "no/such/vmlinux"])
def test_what_is_neither_a_build_id_nor_an_image(word):
    with pytest.raises(UsageError, match="neither a build id nor a file"):
        options(word)


def test_no_qemu_of_ours_is_under_it():
    assert prepared().qemu_version is None


def test_a_machine_of_ours_needs_no_word_for_its_kernel():
    chosen = RunOptions(kernels=("debian:7.3",), expect_build_id=RUNNING)
    with pytest.raises(UsageError, match="is for a machine over SSH"):
        resolve(wanted(chosen), chosen, lambda _words: None)


def test_limits_are_scaled_for_it_too(tmp_path):
    chosen = replace(options(), timeout_scale="2.5")
    there = environment_of(resolve(wanted(chosen), chosen, lambda _words: None))
    placement = Placement("lpar7", topology("papr"), L1Setting.parse("p11@p10"))
    (level,) = there.levels(placement, [tmp_path, tmp_path], 1, None, ())
    assert level._limits == LIMITS.scaled(2.5)
