# SPDX-License-Identifier: GPL-2.0-only
"""The programs of ours that run inside guests."""

from __future__ import annotations

import hashlib
from importlib import resources

# Those that ask a Linux, whoever booted it.
PROGRAMS = ("levelfacts.py", "microguest.py", "vcpus.py", "ask.py")
NAMES = ("init", "level", "report.sh", *PROGRAMS)


def read(name: str) -> bytes:
    """Content of images/guest/NAME."""
    return resources.files("harness.images").joinpath("guest", name).read_bytes()


def digest() -> str:
    """sha256 over all of them: part of every image's key."""
    state = hashlib.sha256()
    for name in NAMES:
        state.update(name.encode() + b"\0" + read(name))
    return state.hexdigest()
