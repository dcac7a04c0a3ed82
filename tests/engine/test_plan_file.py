# SPDX-License-Identifier: GPL-2.0-only
"""A plan as a file: what is written is read again, on any machine; what is none is refused in one line."""

import dataclasses
import json
import random
from pathlib import Path

import jsonschema
import plans
import pytest

from harness.engine import plan_file
from harness.engine.options import RunOptions
from harness.engine.part_of_plan import chosen, digest_of, part_of, require_files
from harness.engine.wanted import wanted
from harness.model.bootable import BootSet, QemuProgram
from harness.model.errors import UsageError
from harness.model.plan import Machine

CACHE, OTHER = Path("/home/a/cache"), Path("/home/b/cache")
MIXED = RunOptions(
    matrix="mixed", suite="all", fuzz="3", seed="7", calls=("ioctl vm 0x2000aeb8 plain 18,00*23",),
    timeout_scale="2", allow_splat=("WARNING in x",),
)  # fmt: skip


def made(options=None, root=CACHE):
    options = options or RunOptions(matrix="ci")
    plan = plans.resolve(wanted(options), options, lacking={"7.3-papr-p11@p10": "no"})
    boots = BootSet(
        root / "trees/k/1/vmlinux", root / "trees/k/1/cpio", root / "u", root / "d",
        "7.3.1", (7, 3), (11, 1, 3), symbols=Path("/elsewhere/vmlinux"),
    )  # fmt: skip
    kernels = {
        label: dataclasses.replace(each, boots=boots, texts=root / "t.json")
        for label, each in plan.kernels.items()
    }
    qemu = QemuProgram("debian", (f"{root}/q/ld.so", "--library-path", f"{root}/q/a:{root}/q/b"), (11, 1, 3))
    return dataclasses.replace(plan, kernels=kernels, qemu=qemu)


@pytest.mark.parametrize("options", [RunOptions(matrix="ci"), RunOptions(matrix="powernv"), MIXED])
def test_what_is_written_is_read_again(tmp_path, options):
    plan = made(options)
    plan_file.write(plan, tmp_path / "plan.json", CACHE)
    assert plan_file.read(tmp_path / "plan.json", CACHE) == plan


def test_a_plan_of_a_machine_over_ssh(tmp_path):
    plan = made()
    kernels = {
        label: dataclasses.replace(each, boots=None, texts=None, machine=Machine("root@lpar7", "/c"))
        for label, each in plan.kernels.items()
    }
    plan = dataclasses.replace(plan, kernels=kernels, qemu=None)
    plan_file.write(plan, tmp_path / "plan.json", CACHE)
    assert plan_file.read(tmp_path / "plan.json", CACHE) == plan


def test_it_is_good_where_the_cache_is_elsewhere(tmp_path):
    plan_file.write(made(root=CACHE), tmp_path / "plan.json", CACHE)
    assert str(CACHE) not in (tmp_path / "plan.json").read_text()
    assert plan_file.read(tmp_path / "plan.json", OTHER) == made(root=OTHER)


def test_the_schema_is_a_schema_and_knows_every_key():
    jsonschema.Draft202012Validator.check_schema(plan_file.schema())
    document = plan_file.to_json(made(), CACHE)
    assert set(document) == set(plan_file.schema()["properties"]) == set(plan_file.schema()["required"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no plan"), ("[1]", "of a known format"), ("{}", "of a known format"),
        ('{"plan": 2}', "of a known format (plan: 2)"), ('{"plan": 1}', "required property"),
    ],
)  # fmt: skip
def test_what_is_no_plan(tmp_path, text, words):
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(UsageError) as raised:
        plan_file.read(path, CACHE)
    assert words in str(raised.value) and "\n" not in str(raised.value)
    with pytest.raises(UsageError, match="cannot be read"):
        plan_file.read(tmp_path / "none.json", CACHE)


def test_a_damaged_plan_is_refused_in_one_line(tmp_path):
    """Any value of it made another kind of value: refused, or another plan, and never a traceback."""
    path = tmp_path / "plan.json"
    random.seed(1)
    text = json.dumps(plan_file.to_json(made(), CACHE))
    for _ in range(200):
        document = json.loads(text)
        place, key = random.choice(list(_places(document)))
        place[key] = random.choice([None, [], {}, "x", -1, True])
        path.write_text(json.dumps(document))
        try:
            plan_file.read(path, CACHE)
        except UsageError as error:
            assert "\n" not in str(error)


def _places(value):
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def test_a_part_has_what_its_scenarios_need():
    plan = made(RunOptions(matrix="mixed"))
    part = part_of(plan, plan.scenarios[:1])
    assert part.scenarios == plan.scenarios[:1]
    at = part.scenarios[0].placement
    assert (list(part.kernels), list(part.l0_kernels)) == ([at.kernel], [at.l0])
    assert chosen(plan, ()) == plan
    only = chosen(plan, [plan.scenarios[0].full_id])
    assert only == part
    with pytest.raises(UsageError, match="the plan has no scenario 'x'"):
        chosen(plan, ["x"])


def test_a_plan_whose_files_are_not_here_says_which(tmp_path):
    root = tmp_path / "cache"
    plan = made(root=root)
    with pytest.raises(UsageError) as raised:
        require_files(plan, Path("plan.json"))
    words = f"kernel 7.3 (debian:7.3): there is no {root}/trees/k/1/vmlinux (and "
    assert words in str(raised.value) and "kvmppc run --matrix ci" in str(raised.value)
    for name in ("trees/k/1/vmlinux", "trees/k/1/cpio", "u", "d", "t.json", "q/ld.so"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    require_files(plan, Path("plan.json"))
    own = tmp_path / "qemu"
    own.write_text("a")
    theirs = dataclasses.replace(
        plan, qemu=QemuProgram("x", (str(own),), (1, 2, 3)), qemu_sha256=digest_of(own)
    )
    require_files(theirs, Path("plan.json"))
    own.write_text("b")
    with pytest.raises(UsageError, match="is another one than when the plan was made"):
        require_files(theirs, Path("plan.json"))
