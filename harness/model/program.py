# SPDX-License-Identifier: GPL-2.0-only
"""A program of ours that is put into a level to be asked there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Program:
    """module: its name, an identifier of Python's, started as ``import module; module.main()``;
    content: of its file."""

    module: str
    content: bytes

    @property
    def directory(self) -> str:
        """Name of the directory that it is put into: another one for another content."""
        return f"{self.module}-{hashlib.sha256(self.content).hexdigest()[:16]}"
