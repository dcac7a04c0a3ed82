# SPDX-License-Identifier: GPL-2.0-only
"""Kernels as they are, with nothing planted in them: they say nothing that is a splat or a complaint.

tests/data/stock/: consoles, whole (NAME-LEVEL.log), and what ``dmesg -r`` had at level 4 and worse in an L1
(NAME.dmesg). NAME is KIND-VERSION-TOPOLOGY, with KIND generic (Debian's own) or small (built with our
configuration); QEMU was 11.1.3.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.health.benign import Circumstances
from harness.health.messages import complaint, complaints, parse_messages
from harness.health.splats import read_splats
from harness.model.topology import NestedApi

STOCK = Path(__file__).parents[1] / "data/stock"
CONSOLES = sorted(STOCK.glob("*.log"))
MESSAGES = sorted(STOCK.glob("*.dmesg"))


def circumstances(path: Path) -> Circumstances:
    _, version, topology = path.stem.split("-")[:3]
    api = NestedApi.V2 if topology == "papr" else NestedApi.V1
    level = "L0" if path.stem.endswith("-l0") else "L1"
    return Circumstances(tuple(map(int, version.split("."))), (11, 1, 3), api, f"pseries-{topology}", level)


@pytest.mark.parametrize("path", CONSOLES, ids=lambda path: path.stem)
def test_a_stock_console_has_no_splat(path):
    lines = path.read_text().splitlines()
    # One L2 is refused before it runs: QEMU's own words and a register dump.
    assert len(lines) > 5 and any(" 0." in line or "kvm run failed" in line for line in lines)
    assert read_splats(lines) == []


@pytest.mark.parametrize("path", MESSAGES, ids=lambda path: path.stem)
def test_stock_messages_have_no_splat_and_no_complaint(path):
    text = path.read_text()
    ready = re.search(r"\[ *(\d+\.\d+)\] kvmppc:\w+:ready", text)
    assert ready is not None
    messages = parse_messages(text)
    assert messages and not any("kvmppc:" in each.text for each in messages)
    assert read_splats(text.splitlines()) == []
    up = float(ready[1])
    at = circumstances(path)
    assert complaints([each for each in messages if each.time < up], booting=True, at=at) == []
    assert complaints([each for each in messages if each.time >= up], booting=False, at=at) == []


def test_what_is_benign_there_would_be_a_complaint_elsewhere():
    """The files do have something in them that the rows are needed for."""
    found = {
        complaint(message, booting=True)
        for path in MESSAGES
        for message in parse_messages(path.read_text())
        if complaint(message, booting=True, at=circumstances(path)) is None
    }
    assert "KVM: TLB LPID invalidation hcall failed, rc=N" in found


def test_there_are_kernels_of_each_kind():
    names = " ".join(path.stem for path in [*CONSOLES, *MESSAGES])
    for words in ("generic-6.12-papr", "generic-6.12-hv", "generic-7.3-papr", "generic-7.3-hv"):
        assert words in names
