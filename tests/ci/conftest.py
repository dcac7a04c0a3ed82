# SPDX-License-Identifier: GPL-2.0-only
from __future__ import annotations

from pathlib import Path

import pytest
from fake_machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Not root, no sudo, nothing missing but .venv."""
    return Machine(tmp_path)
