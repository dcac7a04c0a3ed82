# SPDX-License-Identifier: GPL-2.0-only
"""Memory and undefined behaviour: KASAN, KFENCE, KCSAN, UBSAN, slub, kmemleak, pages."""

from __future__ import annotations

from harness.health.reporters import REPORTERS, WAITERS
from harness.health.splatrules.rule import End, Where, rule

_ALLOCATORS = (REPORTERS, WAITERS)

RULES = (
    rule(
        "kasan",
        r"BUG: KASAN: (?P<what>[\w-]+)(?: in (?P<at>\S.*))?",
        "KASAN: {what} in {at}",
        "mm/kasan/report.c, print_error_description",
        where=Where.CALLS,
        end=End.BAR,
    ),
    rule(
        "kfence",
        r"BUG: KFENCE: (?P<what>[\w -]+?) in (?P<at>\S.*)",
        "KFENCE: {what} in {at}",
        "mm/kfence/report.c, kfence_report_error",
        where=Where.CALLS,
        end=End.BAR,
    ),
    rule(
        "kcsan",
        r"BUG: KCSAN: (?P<what>[\w: -]+? in [\w.]+ / [\w.]+)",
        "KCSAN: {what}",
        "kernel/kcsan/report.c, print_report",
        where=Where.NOWHERE,
        end=End.BAR,
    ),
    rule(
        "kcsan",
        r"BUG: KCSAN: (?P<what>[\w: -]+?) in (?P<at>\S.*)",
        "KCSAN: {what} in {at}",
        "kernel/kcsan/report.c, print_report, race at unknown origin",
        where=Where.CALLS,
        end=End.BAR,
    ),
    rule(
        "ubsan",
        r"UBSAN: (?P<what>[\w -]+?) in \S+:\d+(?::\d+)?",
        "UBSAN: {what} in {at}",
        "lib/ubsan.c, ubsan_prologue",
        where=Where.CALLS,
        end=End.MARK,
    ),
    rule(
        "slub",
        r"BUG (?P<what>\S+) \([^)]*\): (?P<more>\S.*)",
        "BUG {what}: {more}",
        "mm/slub.c, __slab_bug",
        where=Where.NOWHERE,
        rank=1,
        verbatim=True,
    ),
    rule(
        "bad-page",
        r"BUG: (?P<what>Bad page (?:state|map)) in process ",
        "BUG: {what} in {at}",
        "mm/page_alloc.c, bad_page; mm/memory.c, print_bad_page_map",
        where=Where.CALLS,
    ),
    rule(
        "rss-counter",
        r"BUG: Bad rss-counter state ",
        "BUG: Bad rss-counter state",
        "kernel/fork.c, check_mm",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
    rule(
        "kmemleak",
        r"kmemleak: \d+ new suspected memory leaks",
        "kmemleak: suspected memory leaks",
        "mm/kmemleak.c, kmemleak_scan",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
    rule(
        "kmemleak-object",
        r"(?:kmemleak: )?unreferenced object 0x[0-9a-f]+ \(size \d+\):",
        "kmemleak: unreferenced object of {at}",
        "mm/kmemleak.c, print_unreferenced; in debugfs as on the console",
        where=Where.CALLS,
        skip=_ALLOCATORS,
        bare=True,
    ),
    rule(
        "page-allocation",
        r"\S.*: page allocation (?P<what>failure|stall)",
        "page allocation {what} in {at}",
        "mm/page_alloc.c, warn_alloc",
        where=Where.CALLS,
        skip=_ALLOCATORS,
    ),
    rule(
        "oom",
        r"(?:Out of memory(?: \([^)]*\))?|Memory cgroup out of memory): Killed process ",
        "OOM kill",
        "mm/oom_kill.c, __oom_kill_process",
        where=Where.NOWHERE,
        end=End.LINE,
    ),
)
