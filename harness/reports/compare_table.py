# SPDX-License-Identifier: GPL-2.0-only
"""Two kernels side by side: the grid with what changed, the facts, and the same for a mail."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from harness.model.comparison import Cell, Change, check_words, counts, groups
from harness.model.fact import Fact, same
from harness.model.record import KernelInfo, RunInfo
from harness.reports import columns, terminal
from harness.reports.sentences import say
from harness.reports.short import cell as of_cell
from harness.reports.short import short

_STYLE = {
    Change.BROKEN: "bold red",
    Change.FIXED: "bold green",
    Change.CHANGED: "yellow",
    Change.SAME: "dim",
    Change.UNKNOWN: "bold magenta",
}

LEGEND = (
    "before -> after. fixed: was wrong, is right; broken: was right, is wrong, or a splat that was not "
    "there; changed: another answer, both right or both wrong, or a new one. P10 = L2 booted in that mode; "
    "early, late = refused when the mode is set, when L2 runs"
)


def sentence(cells: Sequence[Cell]) -> str:
    """``In 2 L2 boots: 1 check fixed, 0 broken, 0 changed, 7 same. In 1 L1s: ...``"""
    l2s = [cell for cell in cells if cell.topic == "l2"]
    other = [cell for cell in cells if cell.topic != "l2"]
    return f"In {len(l2s)} L2 boots: {_counted(l2s)}. In {_l1s(cells)} L1s: {_counted(other)}."


def _counted(cells: Sequence[Cell]) -> str:
    found = counts(cells)
    shown = (Change.FIXED, Change.BROKEN, Change.CHANGED, Change.SAME, Change.UNKNOWN)
    words = [f"{found[each]} {each.value}" for each in shown if found[each] or each is not Change.UNKNOWN]
    checks = "check" if found[Change.FIXED] == 1 else "checks"
    return ", ".join([words[0].replace(" ", f" {checks} ", 1), *words[1:]])


def _l1s(cells: Sequence[Cell]) -> int:
    return len({(cell.topology, cell.l0, cell.l1) for cell in cells})


def text(base: KernelInfo, new: KernelInfo, cells: Sequence[Cell], width: int, colour: bool) -> list[str]:
    """Lines for a terminal."""
    target = io.StringIO()
    console = terminal.console(target, width, colour)
    console.print(f"before: {_kernel(base)}\nafter:  {_kernel(new)}", markup=False, soft_wrap=True)
    console.print()
    terminal.whole(console, _grid(cells))
    console.print()
    console.print(LEGEND, style="dim")
    changed = groups(cells)
    if changed:
        console.print()
        terminal.whole(console, _changes(cells))
    console.print()
    console.print(sentence(cells), style="bold")
    return [line.rstrip() for line in target.getvalue().splitlines()]


def _kernel(kernel: KernelInfo) -> str:
    origin = f", {kernel.origin}" if kernel.origin else ""
    return f"{kernel.spec} ({kernel.release}{origin})"


def _grid(cells: Sequence[Cell]) -> Table:
    several_l0 = len({cell.l0 for cell in cells if cell.l0}) > 1
    shown = columns.ordered(columns.column(cell.topic, cell.l2) for cell in cells)
    table = terminal.table()
    table.add_column("L1 setting", no_wrap=True)
    for each in shown:
        table.add_column(columns.heading(each), no_wrap=True)
    rows: dict[str, dict[columns.Column, Cell]] = {}
    for cell in cells:
        name = columns.row_name(cell.topology, cell.l1, cell.l0 if several_l0 else "")
        rows.setdefault(name, {})[columns.column(cell.topic, cell.l2)] = cell
    for name, row in rows.items():
        table.add_row(name, *(_words(row.get(each)) for each in shown))
    return table


def _words(cell: Cell | None) -> Text:
    if cell is None:
        return Text("")
    if cell.change is Change.SAME:
        words = _short(cell.before) if cell.topic in ("l2", "caps", "l0_caps") else ""
        return Text(f"{words} same".strip(), style=_STYLE[Change.SAME])
    if cell.topic == "arch_compat":
        changed = [each for each in cell.checks if each.change is not Change.SAME]
        words = ", ".join(
            f"{each.check.removeprefix('arch_compat ')} {each.change.value}" for each in changed
        )
    elif same(cell.before, cell.after):
        # The cell's own answer is the same: it is another of its checks.
        checks = [each.check for each in cell.checks if each.change is cell.change]
        words = f"{_short(cell.before)}, {cell.change.value}: {checks[0]}"
    else:
        words = f"{_short(cell.before)} -> {_short(cell.after)} {cell.change.value}"
    return Text(words, style=_STYLE[cell.change])


def _short(answer: Fact) -> str:
    return of_cell(answer, abbreviated=True)


def _changes(cells: Sequence[Cell]) -> Table:
    table = terminal.table("what changed")
    for heading in ("", "check", "L1", "before", "after"):
        table.add_column(heading, no_wrap=True)
    for group in groups(cells):
        difference = group.difference
        table.add_row(
            Text(difference.change.value, style=_STYLE[difference.change]),
            check_words(difference.check, group.l2),
            "; ".join(group.places),
            say(difference.before),
            say(difference.after),
        )
    return table


def markdown(info: RunInfo, base: KernelInfo, new: KernelInfo, cells: Sequence[Cell]) -> list[str]:
    """Lines for a cover letter: readable as plain text, a table where Markdown is rendered."""
    rows = [("", "check", "L1", "before", "after")]
    for group in groups(cells):
        difference = group.difference
        check = check_words(difference.check, group.l2)
        answers = (short(difference.before), short(difference.after))
        rows.append((difference.change.value, check, group.places[0], *answers))
        rows += [("", "", place, "", "") for place in group.places[1:]]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    table = [
        "| " + " | ".join(each.ljust(wide) for each, wide in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    table.insert(1, "|" + "|".join("-" * (wide + 2) for wide in widths) + "|")
    return [
        f"Tested with kvmppc-harness, L1 on {info.qemu.partition(' (')[0]} (TCG), QEMU {info.l1_qemu} in L1:",
        "",
        f"- before: {_kernel(base)}",
        f"- after:  {_kernel(new)}",
        "",
        sentence(cells),
        "",
        *(table if len(rows) > 1 else ["Nothing changed."]),
    ]
