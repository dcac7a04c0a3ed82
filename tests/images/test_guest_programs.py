# SPDX-License-Identifier: GPL-2.0-only
"""The programs that run in guests agree with the model, and run here as far as they can."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import harness.images
from harness.model import abi, oracle_arch_compat, oracle_caps
from harness.model.observation import Probe

GUEST = Path(harness.images.__file__).parent / "guest"


def probe_constants():
    """Top-level assignments of probe.py, by evaluating them alone."""
    tree = ast.parse((GUEST / "probe.py").read_text())
    names = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if node.targets[0].id == "libc":
                continue
            exec(compile(ast.Module([node], []), "probe.py", "exec"), names)
    return names


def test_probes_numbers_are_the_models():
    names = probe_constants()
    assert names["KVM_CREATE_VM"] == abi.io(0x01)
    assert names["KVM_CHECK_EXTENSION"] == abi.io(0x03)
    assert names["KVM_CREATE_VCPU"] == abi.io(0x41)
    assert names["KVM_ENABLE_CAP"] == abi.iow(0xA3, 104)
    assert names["KVM_GET_ONE_REG"] == abi.iow(0xAB, 16)
    assert names["KVM_SET_ONE_REG"] == abi.iow(0xAC, 16)
    assert names["KVM_REG_PPC_ARCH_COMPAT"] == abi.KVM_REG_PPC_ARCH_COMPAT
    assert names["CAPABILITIES"] == oracle_caps.CAPABILITIES
    assert names["ARCH_COMPAT_VALUES"] == oracle_arch_compat.VALUES
    asked = {name: (request, header) for name, request, header in names["CAPS_REQUESTS"]}
    for request, revisions in abi.requests().items():
        assert asked[revisions[0]][0] == request
    for revision in abi.REVISIONS:
        if revision.offset_size is None:
            continue
        header = asked[revision.name][1]
        size = header[revision.offset_size : revision.offset_size + 8]
        assert int.from_bytes(size, "little") == revision.struct_size
        assert header[revision.offset_flags : revision.offset_flags + 8] == bytes(8)


def test_probe_prints_its_document_where_there_is_no_kvm_for_power():
    """On this machine nothing answers, and that is what it must say: one document, exit 0."""
    done = subprocess.run(
        [sys.executable, str(GUEST / "probe.py")], capture_output=True, text=True, check=True
    )
    probe = Probe.from_json(json.loads(done.stdout))
    assert probe.cpu_version is None
    assert probe.kvm == "none"


@pytest.mark.parametrize("name", ["init", "level", "report.sh"])
def test_shell_programs_parse(name):
    busybox = shutil.which("busybox")
    shell = [busybox, "sh"] if busybox else ["sh"]
    subprocess.run([*shell, "-n", str(GUEST / name)], check=True)
