# SPDX-License-Identifier: GPL-2.0-only
"""From words to a plan."""

from dataclasses import asdict, replace
from pathlib import Path

import plans
import pytest

from harness.engine import drive
from harness.engine.environment import LocalEnvironment
from harness.engine.options import OPTIONS, RunOptions
from harness.engine.part_of_plan import digest_of
from harness.engine.wanted import wanted
from harness.levels.limits import LIMITS, Limits
from harness.model.bootable import QemuProgram
from harness.model.errors import UsageError
from harness.parts.kernels import kernel_label


def test_options_say_themselves_again():
    options = RunOptions(
        matrix="full", kernels=("debian:7.2", "/x y/vmlinux"), l1=("p11",), locked=True, expect="merged"
    )
    words = options.arguments()
    assert words == [
        "--matrix", "full", "--kernel", "debian:7.2", "--kernel", "/x y/vmlinux", "--l1", "p11",
        "--expect", "merged", "--locked",
    ]  # fmt: skip
    assert RunOptions().arguments() == []


def test_every_option_is_a_field_and_the_other_way_round():
    assert {option.field for option in OPTIONS} == set(RunOptions.__dataclass_fields__)


def test_what_is_not_given_keeps_its_default():
    assert (
        RunOptions.from_mapping({"matrix": None, "kernels": (), "locked": None, "other": 1}) == RunOptions()
    )
    assert RunOptions.from_mapping({"kernels": ["a"]}).kernels == ("a",)


@pytest.mark.parametrize(
    ("spec", "name"),
    [("debian:7.3", "7.3"), ("{}/vmlinux", "vmlinux"), ("{}/my kernel@1", "my_kernel_1")],
)
def test_labels_are_fit_for_ids_and_file_names(spec, name, tmp_path):
    for file in ("vmlinux", "my kernel@1"):
        (tmp_path / file).touch()
    assert kernel_label(spec.format(tmp_path)) == name


def test_two_kernels_of_one_name_get_two_labels(tmp_path):
    paths = [tmp_path / name / "vmlinux" for name in "ab"]
    for path in paths:
        path.parent.mkdir()
        path.touch()
    plan = wanted(RunOptions(kernels=tuple(map(str, paths)), only=("papr-p11-l2host",)))
    assert plan.kernels == {"vmlinux": str(paths[0]), "vmlinux.2": str(paths[1])}
    assert [each.full_id for each in plan.scenarios] == [
        "vmlinux-papr-p11-l2host",
        "vmlinux.2-papr-p11-l2host",
    ]


@pytest.mark.parametrize(
    "options",
    [
        RunOptions(matrix="huge"),
        RunOptions(topologies=("powermac",)),
        RunOptions(l1=("p7",)),
        RunOptions(l2=("p8",)),
        RunOptions(only=("x",)),
        RunOptions(expect="v99"),
        RunOptions(no_workaround=("none",)),
    ],
)
def test_bad_words_are_usage_errors_of_one_line(options):
    with pytest.raises(UsageError) as raised:
        wanted(options)
    assert "\n" not in str(raised.value)
    assert raised.value.hint


def test_a_control_is_added_to_every_l1_once():
    plan = wanted(RunOptions(matrix="patches", control=True, kernels=("debian:7.3",), topologies=("papr",)))
    assert [each.id for each in plan.scenarios] == [
        "papr-p11@p10-l2host", "papr-p11@p10-l2p11", "papr-p11@p10-l2p10",
        "papr-p11-l2host", "papr-p11-l2p11",
    ]  # fmt: skip
    only = wanted(RunOptions(control=True, kernels=("debian:7.3",), only=("hv-p11@p10-l2p11",)))
    assert [each.id for each in only.scenarios] == ["hv-p11@p10-l2p11", "hv-p11@p10-l2p10"]
    there = wanted(RunOptions(control=True, kernels=("debian:7.3",), only=("hv-p9-l2p9",)))
    assert [each.id for each in there.scenarios] == ["hv-p9-l2p9"]
    assert "--control" in RunOptions(control=True).arguments()


def test_jobs_are_bound_by_the_number_of_l1s():
    assert drive.default_jobs(wanted(RunOptions(only=("papr-p11-l2host",), kernels=("debian:7.3",)))) == 1


@pytest.mark.parametrize(
    ("topology", "available", "jobs"),
    [("papr", 2 << 30, 1), ("papr", 7 << 30, 2), ("papr", 99 << 30, 4),
     ("powernv11", 7 << 30, 1), ("powernv11", 11 << 30, 2)],
)  # fmt: skip
def test_jobs_are_bound_by_the_memory_that_is_available(monkeypatch, topology, available, jobs):
    monkeypatch.setattr(drive.memory, "available", lambda: available)
    monkeypatch.setattr(drive.os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})
    plan = wanted(RunOptions(matrix="full", topologies=(topology,), kernels=("debian:7.3",)))
    assert drive.default_jobs(plan) == jobs


@pytest.mark.parametrize(("text", "factor"), [("1", 1), ("0.1", 0.1), ("2.5", 2.5), ("100", 100)])
def test_a_timeout_scale_reaches_the_plan(text, factor):
    assert wanted(RunOptions(timeout_scale=text)).timeout_scale == factor


def test_a_repetition_has_the_same_timeouts():
    assert RunOptions(timeout_scale="3").needed_to_repeat().arguments() == ["--timeout-scale", "3"]


def test_every_limit_is_scaled():
    scaled = asdict(LIMITS.scaled(3))
    assert scaled == {name: 3 * seconds for name, seconds in asdict(LIMITS).items()}
    assert LIMITS.scaled(1) == LIMITS == Limits()


def made(options, **changes):
    """A plan of nothing that boots."""
    return replace(plans.resolve(wanted(options), options), **changes)


ONE = RunOptions(only=("papr-p11-l2host",), kernels=("debian:7.3",))


def test_a_setup_has_the_limits_of_its_run():
    """What levels are made from; of a run without the option the usual ones."""
    for limits, options in ((LIMITS, ONE), (LIMITS.scaled(2), replace(ONE, timeout_scale="2"))):
        plan = made(options)
        assert LocalEnvironment(plan).setup(plan.placements[0], None, ()).limits == limits


class OneCache:
    """A cache with one tree, of which it knows what has become."""

    def __init__(self, tree, words):
        self.tree, self.words, self.asked = tree, words, []

    def damage_since(self, files):
        self.asked += files
        return self.words


@pytest.mark.parametrize("words", ["", "kernel/key: boot/vmlinux: is missing"])
def test_what_a_run_boots_from_may_change_under_it(tmp_path, words):
    program = tmp_path / "qemu-system-ppc64"
    program.write_text("a program")
    qemu = QemuProgram("x", ("/tree/ld.so", str(program)), (1, 2, 3))
    plan = made(ONE, qemu=qemu, qemu_sha256=digest_of(program))
    cache = OneCache(tmp_path, words)
    environment = LocalEnvironment(plan, cache)
    assert environment.damage(plan.placements[0]) == words
    assert cache.asked == [Path("/tree/ld.so"), program, *[Path("none")] * 4]
    program.write_text("another")
    other = f"{program} is another one than when this run began"
    assert environment.damage(plan.placements[0]) == (words or other)
    program.unlink()
    assert environment.damage(plan.placements[0]) == (words or other)
    # One of the cache is known by its files.
    known = LocalEnvironment(replace(plan, qemu_sha256=""), cache)
    assert known.damage(plan.placements[0]) == words


def test_without_a_cache_nothing_is_known():
    plan = made(ONE)
    assert LocalEnvironment(plan).damage(plan.placements[0]) == ""


@pytest.mark.parametrize("more", [{"fuzz": "3"}, {"calls": ("ioctl vm v1 0",)}])
def test_what_is_of_the_suite_alone_is_not_ignored_without_it(more):
    with pytest.raises(UsageError, match="is of the conformance suite; add --suite abi"):
        wanted(RunOptions(**more))
