#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""One matrix by pytest, by pytest with xdist, by avocado's process spawner and by its remote spawner: are
the verdicts the same?

    .venv/bin/python bench/engines.py [--matrix ci] [--table docs/engines.md]

The remote spawner goes to an sshd of our own, on a free port of 127.0.0.1, with a key of this run (package
openssh-server). Exit code 1 if two of them differ.
"""

from __future__ import annotations

import argparse
import contextlib
import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from harness.model.record import Record
from harness.processes import single
from harness.reports import jsonfile

ROOT = Path(__file__).absolute().parent.parent
BIN = Path(sys.executable).parent

# L1s side by side, of xdist and of avocado.
TASKS = 2

# Of one record: what must not depend on who runs it.
Verdicts = dict[tuple[str, str], tuple[str, ...]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--matrix", default="ci")
    parser.add_argument("--table", type=Path)
    parser.add_argument("--without", action="append", default=[], help="leave this one out: 'pytest'")
    words = parser.parse_args()
    found: dict[str, Verdicts] = {}
    with tempfile.TemporaryDirectory(prefix="kvmppc-engines-") as name:
        work = Path(name)
        took: dict[str, float] = {}
        for title, run in ENGINES.items():
            if title in words.without:
                continue
            began = time.monotonic()
            found[title] = verdicts(run(words.matrix, work))
            took[title] = time.monotonic() - began
            ratio = f", {took[title] / took[XDIST]:.2f} of xdist's" if XDIST in took else ""
            print(f"{title}: {len(found[title])} records in {took[title]:.1f} s{ratio}", flush=True)
    first = next(iter(found.values()))
    same = all(each == first for each in found.values())
    if words.table:
        words.table.write_text("\n".join(table(words.matrix, found)) + "\n")
    print("all the same" if same else "they differ", flush=True)
    sys.exit(0 if same and first else 1)


def verdicts(reports: list[Path]) -> Verdicts:
    records: list[Record] = []
    for path in reports:
        records += jsonfile.read(path)[1]
    return {
        (record.id, record.topic): tuple(
            f"{each.check}: {each.kind.mark}: {each.observed.token}" for each in record.verdicts
        )
        for record in records
    }  # fmt: skip


def run(*command: object) -> None:
    # The remote spawner looks for aexpect's helper on PATH.
    environment = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    words = [str(word) for word in command]
    done = single.run(
        words, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, check=False, env=environment,
    )  # fmt: skip
    if done.returncode not in (0, 1, 9):  # 9: a job of avocado in which tests failed or were interrupted
        raise SystemExit(f"{command[0]} ended with {done.returncode}:\n{done.stdout[-3000:]}")


def by_pytest(matrix: str, work: Path) -> list[Path]:
    run(BIN / "pytest", "testcases", "-q", "--kvmppc-matrix", matrix,
        "--kvmppc-run-dir", work / "pytest")  # fmt: skip
    return [work / "pytest/report.json"]


def by_xdist(matrix: str, work: Path) -> list[Path]:
    run(BIN / "pytest", "testcases", "-q", "-n", TASKS, "--kvmppc-matrix", matrix,
        "--kvmppc-run-dir", work / "xdist")  # fmt: skip
    return [work / "xdist/report.json"]


def by_avocado(matrix: str, work: Path) -> list[Path]:
    results = work / "avocado"
    run(BIN / "avocado", "run", f"kvmppc:{matrix}", "--max-parallel-tasks", TASKS, "--disable-sysinfo",
        "--job-results-dir", results)  # fmt: skip
    return sorted(results.glob("job-*/test-results/*-*/report.json"))


def by_avocado_elsewhere(matrix: str, work: Path) -> list[Path]:
    results, settings = work / "remote", work / "avocado.conf"
    with sshd(work) as slot:
        slots = [str(slot), *(f"{slot}-{number}" for number in range(2, TASKS + 1))]  # one for each task
        for each in slots[1:]:
            shutil.copyfile(slot, each)
        settings.write_text(f"[spawner.remote]\nslots = {slots}\nsetup_hook = export PATH={BIN}:$PATH\n")
        run(BIN / "avocado", "--config", settings, "run", f"kvmppc:{matrix}", "--spawner", "remote",
            "--max-parallel-tasks", TASKS, "--disable-sysinfo", "--job-results-dir", results)  # fmt: skip
    return sorted(results.glob("job-*/test-results/*-*/report.json"))


@contextlib.contextmanager
def sshd(work: Path) -> Iterator[Path]:
    """An sshd of ours; yields what avocado's remote spawner calls a slot, a file that says how to log in."""
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    if not Path(program).exists():
        raise SystemExit("there is no sshd: sudo apt-get install openssh-server")
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", work / name], check=True)
    shutil.copy(work / "user.pub", work / "authorized")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = work / "sshd_config"
    config.write_text(
        "".join(
            f"{line}\n"
            for line in (
                f"Port {port}",
                "ListenAddress 127.0.0.1",
                f"HostKey {work}/host",
                "PidFile none",
                f"AuthorizedKeysFile {work}/authorized",
                "StrictModes no",
                "UsePAM no",
                "PermitRootLogin prohibit-password",
                "PasswordAuthentication no",
            )
        )
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    slot = work / "slot.json"
    slot.write_text(json.dumps({
        "client": "ssh", "host": "127.0.0.1", "port": str(port), "username": getpass.getuser(),
        "password": "", "prompt": r"[#$]\s*$", "identity_file": str(work / "user"), "timeout": 30,
    }))  # fmt: skip
    process = subprocess.Popen(
        [program, "-D", "-e", "-f", config], stderr=subprocess.DEVNULL, preexec_fn=single.dying_with_us()
    )
    try:
        _listening(port)
        yield slot
    finally:
        # aexpect's helpers keep their logins, and so sshd's sessions, when the job has ended.
        subprocess.run(["pkill", "-f", str(work / "user")], check=False)
        process.terminate()
        process.wait()


def _listening(port: int) -> None:
    """Until it is, for ten seconds at most: there is no event to wait for."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit("sshd does not listen")


XDIST = "pytest -n 2 (xdist)"
ENGINES = {
    "pytest": by_pytest,
    XDIST: by_xdist,
    "avocado, process spawner": by_avocado,
    "avocado, remote spawner": by_avocado_elsewhere,
}


def table(matrix: str, found: dict[str, Verdicts]) -> list[str]:
    rows = list(dict.fromkeys(key for each in found.values() for key in each))
    lines = [
        "# One matrix, four engines",
        "",
        f"Written by `bench/engines.py --matrix {matrix} --table docs/engines.md`; do not edit. A cell is",
        "what the verdicts of a record come to, `=` where all are, word for word, those of the first column.",
        "",
        f"| record | {' | '.join(found)} |",
        "|---" * (len(found) + 1) + "|",
    ]
    first = next(iter(found.values()))
    for key in rows:
        cells = []
        for number, each in enumerate(found.values()):
            if key not in each:
                cells.append("no record")
            elif number and each[key] == first.get(key):
                cells.append("=")
            else:
                kinds = dict.fromkeys(words.split(": ")[1] for words in each[key])
                cells.append(", ".join(kinds))
        lines.append(
            f"| {key[0]} {key[1] if key[1] != 'l2' else ''} | {' | '.join(cells)} |".replace("  |", " |")
        )
    return lines


if __name__ == "__main__":
    main()
