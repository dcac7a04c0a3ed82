# SPDX-License-Identifier: GPL-2.0-only
"""Files that are no kernel in ways that are not in their first bytes."""

import os

import pytest
from test_elf import BANNER, elf

from harness.model.errors import UsageError
from harness.parts.elf import check_ppc64le_kernel, kernel_facts, module_depends


def test_what_never_ends_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", os.devnull):
        with pytest.raises(UsageError, match="device, pipe or socket"):
            check_ppc64le_kernel(type(tmp_path)(path))


def test_an_arm64_image(tmp_path):
    path = tmp_path / "Image"
    path.write_bytes(b"MZ" + b"\0" * 54 + b"ARM\x64" + b"\0" * 100)
    with pytest.raises(UsageError, match="arm64 Image"):
        check_ppc64le_kernel(path)


def test_a_kernel_passes(tmp_path):
    path = tmp_path / "vmlinux"
    path.write_bytes(elf(payload=b"Linux version %s in a message\0" + BANNER))
    check_ppc64le_kernel(path)
    assert kernel_facts(path).release == "7.3.0-test"


def test_module_depends(tmp_path):
    path = tmp_path / "x.ko"
    path.write_bytes(elf(kind=1, sections=((".modinfo", b"depends=a,b\0softdep=pre: c\0"),)))
    assert module_depends(path) == ["a", "b", "c"]
