# SPDX-License-Identifier: GPL-2.0-only
"""From words to a plan."""

from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.engine import drive
from harness.engine.environment import Prepared
from harness.engine.options import OPTIONS, RunOptions
from harness.engine.plan import make
from harness.levels.limits import LIMITS, Limits
from harness.model.bootable import BootSet
from harness.model.errors import UsageError
from harness.parts.kernels import file_identity, kernel_label


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
    plan = make(RunOptions(kernels=tuple(map(str, paths)), only=("papr-p11-l2host",)))
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
        make(options)
    assert "\n" not in str(raised.value)
    assert raised.value.hint


def test_a_control_is_added_to_every_l1_once():
    plan = make(RunOptions(matrix="patches", control=True, kernels=("debian:7.3",), topologies=("papr",)))
    assert [each.id for each in plan.scenarios] == [
        "papr-p11@p10-l2host", "papr-p11@p10-l2p11", "papr-p11@p10-l2p10",
        "papr-p11-l2host", "papr-p11-l2p11",
    ]  # fmt: skip
    only = make(RunOptions(control=True, kernels=("debian:7.3",), only=("hv-p11@p10-l2p11",)))
    assert [each.id for each in only.scenarios] == ["hv-p11@p10-l2p11", "hv-p11@p10-l2p10"]
    there = make(RunOptions(control=True, kernels=("debian:7.3",), only=("hv-p9-l2p9",)))
    assert [each.id for each in there.scenarios] == ["hv-p9-l2p9"]
    assert "--control" in RunOptions(control=True).arguments()


def test_jobs_are_bound_by_the_number_of_l1s():
    assert drive.default_jobs(make(RunOptions(only=("papr-p11-l2host",), kernels=("debian:7.3",)))) == 1


@pytest.mark.parametrize(
    ("topology", "available", "jobs"),
    [("papr", 2 << 30, 1), ("papr", 7 << 30, 2), ("papr", 99 << 30, 4),
     ("powernv11", 7 << 30, 1), ("powernv11", 11 << 30, 2)],
)  # fmt: skip
def test_jobs_are_bound_by_the_memory_that_is_available(monkeypatch, topology, available, jobs):
    monkeypatch.setattr(drive.memory, "available", lambda: available)
    monkeypatch.setattr(drive.os, "sched_getaffinity", lambda pid: {0, 1, 2, 3})
    plan = make(RunOptions(matrix="full", topologies=(topology,), kernels=("debian:7.3",)))
    assert drive.default_jobs(plan) == jobs


@pytest.mark.parametrize(("text", "factor"), [("1", 1), ("0.1", 0.1), ("2.5", 2.5), ("100", 100)])
def test_a_timeout_scale_reaches_the_plan(text, factor):
    assert make(RunOptions(timeout_scale=text)).timeout_scale == factor


def test_a_repetition_has_the_same_timeouts():
    assert RunOptions(timeout_scale="3").needed_to_repeat().arguments() == ["--timeout-scale", "3"]


def test_every_limit_is_scaled():
    scaled = asdict(LIMITS.scaled(3))
    assert scaled == {name: 3 * seconds for name, seconds in asdict(LIMITS).items()}
    assert LIMITS.scaled(1) == LIMITS == Limits()


def test_a_setup_has_the_limits_of_its_run():
    """What levels are made from; of a run without the option the usual ones."""
    kernel = SimpleNamespace(boots=None)
    plan = make(RunOptions(only=("papr-p11-l2host",), kernels=("debian:7.3",)))
    for limits, settings in ((LIMITS, {}), (LIMITS.scaled(2), {"limits": LIMITS.scaled(2)})):
        prepared = Prepared(
            SimpleNamespace(label="", argv=(), version=(1, 2, 3)), None, {"7.3": kernel}, {}, **settings
        )
        assert prepared.setup(plan.placements[0], None, ()).limits == limits


class OneCache:
    """A cache with one tree, of which it knows what has become."""

    def __init__(self, tree, words):
        self.tree, self.words, self.asked = tree, words, []

    def tree_of(self, file):
        return self.tree if self.tree in file.parents else None

    def damage_since(self, files):
        self.asked += files
        return self.words


@pytest.mark.parametrize("words", ["", "kernel/key: boot/vmlinux: is missing"])
def test_what_a_run_boots_from_may_change_under_it(tmp_path, words):
    tree, image = tmp_path / "tree", tmp_path / "vmlinux"
    image.write_text("an image")
    boots = BootSet(image, tree / "cpio", tree / "userland", tree / "disk", "7.2", (7, 2), (11, 1, 3))
    kernel = SimpleNamespace(boots=boots, build=SimpleNamespace(vmlinux=image, identity=file_identity(image)))
    plan = make(RunOptions(only=("papr-p11-l2host",), kernels=("debian:7.3",)))
    cache = OneCache(tree, words)
    qemu = SimpleNamespace(label="", argv=("/tree/qemu", "-L", "x"), version=(1, 2, 3))
    prepared = Prepared(qemu, None, {"7.3": kernel}, {}, cache=cache)
    assert prepared.damage(plan.placements[0]) == words
    assert cache.asked[:1] == [Path("/tree/qemu")]
    assert cache.asked[-4:] == [image, tree / "cpio", tree / "userland", tree / "disk"]
    image.write_text("another")
    other = f"{image} is another one than when this run began"
    assert prepared.damage(plan.placements[0]) == (words or other)
    image.unlink()
    assert prepared.damage(plan.placements[0]) == (words or f"{image}: No such file or directory")


def test_without_a_cache_nothing_is_known():
    prepared = Prepared(SimpleNamespace(argv=()), None, {"7.3": SimpleNamespace(boots=None)}, {})
    plan = make(RunOptions(only=("papr-p11-l2host",), kernels=("debian:7.3",)))
    assert prepared.damage(plan.placements[0]) == ""


@pytest.mark.parametrize("more", [{"fuzz": "3"}, {"calls": ("ioctl vm v1 0",)}])
def test_what_is_of_the_suite_alone_is_not_ignored_without_it(more):
    with pytest.raises(UsageError, match="is of the conformance suite; add --suite abi"):
        make(RunOptions(**more))
