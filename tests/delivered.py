# SPDX-License-Identifier: GPL-2.0-only
"""What was delivered, for tests of what reports say of it."""

from collections.abc import Sequence

from harness.model.record import Delivery, Record


def whole(records: Sequence[Record]) -> Delivery:
    """Of a run that got to its end, with a record of each of its tests."""
    return Delivery(complete=True, planned=len(records))


def cut_off(records: Sequence[Record]) -> Delivery:
    """Of a run that was interrupted after its last record."""
    return Delivery(complete=False, planned=len(records))
