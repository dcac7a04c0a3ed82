# SPDX-License-Identifier: GPL-2.0-only
"""Where the folders are that come with the harness beside its packages: testcases/ and kernel-patches/.

In a checkout they are at the top. In an installed package they are inside of it, where setup.py maps them.
"""

from __future__ import annotations

from pathlib import Path

import harness
from harness.model.errors import InfrastructureError


def testcases() -> Path:
    """The scenarios as tests. pytest's rootdir is the folder around it. InfrastructureError if it is not
    there."""
    return _folder("testcases", "testcases")


def kernel_patches() -> Path:
    """Our own series, and mutants/. InfrastructureError if it is not there."""
    return _folder("kernel_patches", "kernel-patches")


def _folder(installed: str, in_checkout: str) -> Path:
    package = Path(harness.__file__).parent
    for each in (package / installed, package.parent / in_checkout):
        if each.is_dir():
            return each
    raise InfrastructureError(
        f"{package} is incomplete: there is no {installed} in it, nor {in_checkout} beside it",
        "install it again: pip install --force-reinstall kvmppc-harness, or pip install -e . in a clone",
    )
