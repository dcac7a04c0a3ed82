# SPDX-License-Identifier: GPL-2.0-only
"""A machine for the scripts of ``ci/``: a copy of them, and a PATH on which nothing real can install."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

# All the scripts may use of the host, besides what is faked.
TOOLS = (
    "bash", "cat", "chmod", "dirname", "env", "find", "flock", "grep", "mkdir", "mv", "readlink", "rm", "sed",
    "sha256sum", "sleep", "tail", "touch", "true",
)  # fmt: skip

# Stands for python3 and, copied, for .venv/bin/python. What it is like is in files of $state.
FAKE_PYTHON = r"""
note() { echo "python $*" >>"$state/calls"; }
case "$*" in
*version_info*) cat "$0.version" ;;
*_base_executable*) command -v "$0" ;;
*ensurepip*) [[ ! -e $state/no-ensurepip ]] ;;
"-m virtualenv"*) exit 1 ;;
"-m venv "*)
    note "$@"
    mkdir -p "$3/bin"
    cat "$0" >"$3/bin/python"
    cat "$0.version" >"$3/bin/python.version"
    chmod +x "$3/bin/python"
    echo "#!$3/bin/python" >"$3/bin/pip"
    chmod +x "$3/bin/pip"
    ;;
"-m pip install"*)
    note "$@"
    trap 'exit 1' INT # as pip does
    if [[ -e $state/slow-pip ]]; then
        rounds=$(cat "$state/slow-pip")
        touch "$state/in-pip"
        # Short sleeps: bash runs a trap between commands only.
        for ((; rounds > 0; rounds--)); do sleep 0.05; done
    fi
    [[ ! -e $state/pip-says ]] || { cat "$state/pip-says" >&2; exit 1; }
    for name in kvmppc ruff mypy lint-imports pytest; do
        { echo "#!$bin/bash"; cat "$state/tool"; } >"${0%/*}/$name"
        chmod +x "${0%/*}/$name"
    done
    ;;
bench/faults.py* | bench/installed.py*)
    # Runs kvmppc, and ends as that does.
    echo "faults in $PWD with ${#@}: $*"
    echo "faults NO_COLOR=${NO_COLOR-} FORCE_COLOR=${FORCE_COLOR-} stdin=$(cat | tail -n 1)"
    exit "$(cat "$state/exit-kvmppc" 2>/dev/null || echo 0)"
    ;;
*) echo "unexpected: python $*" >&2; exit 99 ;;
esac
"""

# What pip "installs": says how it was called, ends as told to.
FAKE_TOOL = r"""
name=${0##*/}
echo "$name in $PWD with ${#@}: $*"
echo "$name NO_COLOR=${NO_COLOR-} FORCE_COLOR=${FORCE_COLOR-} stdin=$(cat | tail -n 1)"
exit "$(cat "$state/exit-$name" 2>/dev/null || echo 0)"
"""

FAKE_APT_GET = r"""
echo "apt-get $*" >>"$state/calls"
case " $* " in
*" update "*) rm -f "$state/no-lists" ;;
*" install "*)
    if [[ -e $state/stale ]]; then
        rm "$state/stale"
        echo "E: Failed to fetch http://mirror.example.net/pool/m/x.deb  404  Not Found [IP: 192.0.2.7 80]"
        exit 100
    fi
    if [[ -e $state/apt-says ]]; then cat "$state/apt-says"; exit 100; fi
    for word; do
        case $word in
        mmdebstrap | gpg) program=$word ;;
        erofs-utils) program=mkfs.erofs ;;
        qemu-user) program=qemu-ppc64le ;;
        gcc-powerpc64le-linux-gnu) program=powerpc64le-linux-gnu-gcc ;;
        debian-archive-keyring) touch "$state/keyring"; continue ;;
        *-venv) rm -f "$state/no-ensurepip"; continue ;;
        *) continue ;;
        esac
        { echo "#!$bin/bash"; } >"$bin/$program"
        chmod +x "$bin/$program"
    done
    ;;
esac
"""

FAKE_DPKG_QUERY = r"""
case $1 in
-S) [[ ! -e $state/own-python ]] ;;
*) [[ ${@: -1} == debian-archive-keyring && ! -e $state/keyring ]] || echo -n installed ;;
esac
"""


# What a kernel is built with.
COMPILING = ("make", "gcc", "bc", "bison", "flex", "git", "ccache", "powerpc64le-linux-gnu-gcc")


class Machine:
    """root: the project's tree; bin: the only directory on PATH; state: what the fakes read and write."""

    def __init__(self, base: Path):
        self.root = base / "a project"
        self.bin = base / "bin"
        self.state = base / "state"
        self.elsewhere = base / "elsewhere"
        for directory in (self.root, self.bin, self.state, self.elsewhere):
            directory.mkdir()
        shutil.copytree(PROJECT / "ci", self.root / "ci")
        shutil.copytree(PROJECT / ".ci", self.root / ".ci")
        shutil.copy(PROJECT / "pyproject.toml", self.root)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, f"this test needs {tool}"
            (self.bin / tool).symlink_to(found)
        (self.state / "tool").write_text(f"state='{self.state}'\n{FAKE_TOOL}")
        self.fake("python3", FAKE_PYTHON)
        self.python_version("3.11")
        self.fake("apt-get", FAKE_APT_GET)
        self.fake("apt-cache", '[[ -e $state/no-lists ]] || echo "Package: ${@: -1}"')
        self.fake("dpkg-query", FAKE_DPKG_QUERY)
        self.uid(1000)
        for program in ("mmdebstrap", "gpg", "mkfs.erofs", "qemu-ppc64le-static", *COMPILING):
            self.fake(program, "")
        self.set("keyring")

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    def fake(self, name: str, script: str) -> None:
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!{self.bin}/bash\nstate='{self.state}' bin='{self.bin}'\n{script}\n")
        path.chmod(0o755)

    def set(self, name: str, text: str = "") -> None:
        (self.state / name).write_text(text)

    def without(self, *names: str) -> None:
        for name in names:
            (self.bin / name).unlink()

    def uid(self, number: int) -> None:
        self.fake("id", f"echo {number}")

    def sudo(self, *, password: bool) -> None:
        rest = "exit 1" if password else 'shift; exec "$@"'
        self.fake("sudo", f'echo "sudo $*" >>"$state/calls"; {rest}')

    def python_version(self, version: str) -> None:
        (self.bin / "python3.version").write_text(version + "\n")

    def start(
        self, script: str, *words: str, env: Mapping[str, str] | None = None, prefix: tuple[str, ...] = ()
    ) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*prefix, str(self.bin / "bash"), str(self.root / script), *words],
            cwd=self.elsewhere, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={"PATH": str(self.bin), "HOME": str(self.elsewhere), **(env or {})},
            start_new_session=True,
        )  # fmt: skip

    def run(
        self, script: str, *words: str, env: Mapping[str, str] | None = None, prefix: tuple[str, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        process = self.start(script, *words, env=env, prefix=prefix)
        try:
            out, err = process.communicate("typed by somebody\n", timeout=30)
        except subprocess.TimeoutExpired:
            kill(process)
            raise
        return subprocess.CompletedProcess([script, *words], process.returncode, out, err)

    def calls(self) -> list[str]:
        """What was asked of the fakes since the last time."""
        path = self.state / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines


def kill(process: subprocess.Popen[str]) -> None:
    """As the kernel does when memory is short, or a CI when time is up: with all it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
