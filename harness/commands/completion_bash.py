# SPDX-License-Identifier: GPL-2.0-only
"""Completion for bash. click's own takes bash's words, and bash cuts words at ``@``, ``:`` and ``=``, which
ids and kernels of ours have. So this one reads the line, and answers with what comes after the last cut."""

from __future__ import annotations

import os
import shlex

from click.shell_completion import BashComplete, CompletionItem, add_completion_class, split_arg_string

# COMPREPLY may have values while -o default is on: readline looks for files only if there are none.
_SOURCE = """\
%(complete_func)s() {
    local each found
    mapfile -t found < <(env "COMP_LINE=${COMP_LINE:0:COMP_POINT}" "COMP_WORDBREAKS=$COMP_WORDBREAKS" \\
        %(complete_var)s=bash_complete "${1/#\\~/$HOME}" 2>/dev/null)
    COMPREPLY=()
    for each in "${found[@]}"; do
        case $each in
        plain,*) COMPREPLY+=("${each#*,}") ;;
        file,*) compopt -o default ;;
        dir,*) compopt -o dirnames ;;
        esac
    done
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class KvmppcBashComplete(BashComplete):
    """COMP_LINE: the line up to the cursor; COMP_WORDBREAKS: where bash cuts words."""

    source_template = _SOURCE

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ.get("COMP_LINE", "")
        words = split_arg_string(line)
        while words and "=" in words[0]:
            words.pop(0)  # VARIABLE=value before the command
        incomplete = words.pop() if len(words) > 1 and not line[-1:].isspace() else ""
        return words[1:], incomplete

    def format_completion(self, item: CompletionItem) -> str:
        words = super().format_completion(item)
        if item.type != "plain" or _in_quotes(os.environ.get("COMP_LINE", "")):
            return words
        _, incomplete = self.get_completion_args()
        return f"plain,{after_the_cut(item.value, incomplete, os.environ.get('COMP_WORDBREAKS', ''))}"


def _in_quotes(line: str) -> bool:
    """Whether the line ends inside of quotes, where bash cuts nothing."""
    try:
        shlex.split(line)
    except ValueError:
        return True
    return False


def after_the_cut(value: str, incomplete: str, breaks: str) -> str:
    """What bash is to put in for *value*: it keeps what it cut off *incomplete*, the word that is typed."""
    if incomplete.startswith("-"):
        incomplete = incomplete.partition("=")[2]  # of --option=value: click completes the value alone
    cut = max((incomplete.rfind(each) for each in breaks if not each.isspace()), default=-1) + 1
    return value[cut:] if value.startswith(incomplete[:cut]) else value


def install() -> None:
    """In place of click's."""
    add_completion_class(KvmppcBashComplete)
