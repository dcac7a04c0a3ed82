# SPDX-License-Identifier: GPL-2.0-only
"""``ci/setup``: brings what is missing, says what to type where it cannot, is done once."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_machine import Machine, kill

INSTALL = "apt-get -qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends"
UPDATE = "apt-get -qq -o DPkg::Lock::Timeout=300 update"
PIP = "python -m pip install --quiet --editable .[dev]"


@pytest.fixture
def ready(machine: Machine) -> Machine:
    """A machine that was set up."""
    assert machine.run("ci/setup").returncode == 0
    machine.calls()
    return machine


def _change_pyproject(machine: Machine) -> None:
    with (machine.root / "pyproject.toml").open("a") as file:
        file.write("# changed\n")


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not appear"
        time.sleep(0.01)


# --- nothing to do ---


def test_it_says_and_calls_nothing_when_all_is_there(ready: Machine) -> None:
    result = ready.run("ci/setup")
    assert (result.returncode, result.stdout, result.stderr, ready.calls()) == (0, "", "", [])


def test_the_first_time_makes_an_environment_and_calls_no_apt(machine: Machine) -> None:
    result = machine.run("ci/setup")
    assert result.returncode == 0
    assert result.stdout == ""
    assert machine.calls() == [f"python -m venv {machine.venv}", PIP]
    assert all(line.startswith("[setup] ") for line in result.stderr.splitlines())


# --- system packages ---


def test_without_root_or_sudo_it_says_what_to_type(machine: Machine) -> None:
    machine.without("mmdebstrap", "mkfs.erofs")
    result = machine.run("ci/setup")
    assert result.returncode == 3
    assert result.stderr.splitlines()[-1] == (
        "[setup]     su -c 'apt-get install --no-install-recommends mmdebstrap erofs-utils'"
    )
    assert machine.calls() == []


def test_where_sudo_wants_a_password_it_says_what_to_type(machine: Machine) -> None:
    machine.without("mmdebstrap", "qemu-ppc64le-static")
    machine.sudo(password=True)
    result = machine.run("ci/setup")
    assert result.returncode == 3
    assert result.stderr.splitlines()[-1] == (
        "[setup]     sudo apt-get install --no-install-recommends mmdebstrap qemu-user"
    )
    assert machine.calls() == ["sudo -n true"]


def test_what_to_type_reads_package_lists_where_there_are_none(machine: Machine) -> None:
    machine.without("gpg")
    machine.sudo(password=True)
    machine.set("no-lists")
    assert machine.run("ci/setup").stderr.splitlines()[-1] == (
        "[setup]     sudo apt-get update && sudo apt-get install --no-install-recommends gpg"
    )


def test_a_refusal_is_repeated_until_the_packages_are_there(machine: Machine) -> None:
    machine.without("mmdebstrap")
    assert machine.run("ci/setup").returncode == 3
    assert machine.run("ci/setup").returncode == 3
    machine.fake("mmdebstrap", "")
    assert machine.run("ci/setup").returncode == 0


def test_root_installs_just_what_is_missing(machine: Machine) -> None:
    machine.uid(0)
    machine.without("mkfs.erofs", "qemu-ppc64le-static")
    (machine.state / "keyring").unlink()
    assert machine.run("ci/setup").returncode == 0
    assert machine.calls()[:2] == [f"{INSTALL} erofs-utils debian-archive-keyring", f"{INSTALL} qemu-user"]
    assert machine.run("ci/setup").stderr == ""


def test_what_builds_kernels_is_installed_but_not_needed(machine: Machine) -> None:
    machine.uid(0)
    machine.without("bison", "powerpc64le-linux-gnu-gcc")
    machine.set("apt-says", "E: no such thing")
    result = machine.run("ci/setup")
    assert result.returncode == 0
    assert "going on without bison gcc-powerpc64le-linux-gnu: no kernels from source" in result.stderr
    (machine.state / "apt-says").unlink()
    assert machine.run("ci/setup").returncode == 0
    assert f"{INSTALL} bison gcc-powerpc64le-linux-gnu" in machine.calls()


def test_sudo_without_a_password_is_used(machine: Machine) -> None:
    machine.sudo(password=False)
    machine.without("mmdebstrap")
    assert machine.run("ci/setup").returncode == 0
    assert machine.calls()[:3] == [
        "sudo -n true",
        f"sudo -n env DEBIAN_FRONTEND=noninteractive {INSTALL} mmdebstrap",
        f"{INSTALL} mmdebstrap",
    ]


def test_package_lists_are_read_where_there_are_none(machine: Machine) -> None:
    machine.uid(0)
    machine.without("mmdebstrap")
    machine.set("no-lists")
    assert machine.run("ci/setup").returncode == 0
    assert machine.calls()[:2] == [UPDATE, f"{INSTALL} mmdebstrap"]


def test_package_lists_are_read_where_they_are_out_of_date(machine: Machine) -> None:
    machine.uid(0)
    machine.without("mmdebstrap")
    machine.set("stale")
    assert machine.run("ci/setup").returncode == 0
    assert machine.calls()[:3] == [f"{INSTALL} mmdebstrap", UPDATE, f"{INSTALL} mmdebstrap"]


def test_apts_error_is_shown_without_addresses(machine: Machine) -> None:
    machine.uid(0)
    machine.without("mmdebstrap")
    machine.set(
        "apt-says",
        "E: Failed to fetch http://mirror.example.net/debian/x.deb  Could not resolve 'mirror.example.net'\n"
        "E: Could not connect to mirror.example.net:80 (192.0.2.7), connection timed out\n",
    )
    result = machine.run("ci/setup")
    assert result.returncode == 3
    assert "Failed to fetch" in result.stderr
    assert "connection timed out" in result.stderr
    assert "example" not in result.stderr
    assert "192.0" not in result.stderr


def test_without_what_only_saves_time_it_goes_on(machine: Machine) -> None:
    machine.without("qemu-ppc64le-static")
    result = machine.run("ci/setup")
    assert result.returncode == 0
    assert "apt-get install --no-install-recommends qemu-user" in result.stderr
    assert machine.run("ci/setup").stderr == ""


def test_a_machine_without_apt_is_told_the_packages(machine: Machine) -> None:
    machine.without("apt-get", "mmdebstrap")
    result = machine.run("ci/setup")
    assert result.returncode == 3
    assert "no apt-get" in result.stderr
    assert "mmdebstrap" in result.stderr


@pytest.fixture
def nobodys() -> Iterator[Machine]:
    """A machine that belongs to nobody, where nobody can reach it; its ``id`` is the real one."""
    if os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    if shutil.which("setpriv") is None:
        pytest.skip("no setpriv here")
    base = Path(tempfile.mkdtemp())
    try:
        machine = Machine(base)
        base.chmod(0o755)
        machine.without("id")
        (machine.bin / "id").symlink_to(shutil.which("id") or "")
        for path in (base, *base.rglob("*")):
            os.chown(path, 65534, 65534, follow_symlinks=False)
        yield machine
    finally:
        shutil.rmtree(base)


def test_a_real_unprivileged_user_is_told_what_to_type(nobodys: Machine) -> None:
    nobodys.without("mmdebstrap")
    become = (shutil.which("setpriv") or "", "--reuid=65534", "--regid=65534", "--clear-groups")
    result = nobodys.run("ci/setup", prefix=become)
    assert result.returncode == 3
    assert "su -c 'apt-get install --no-install-recommends mmdebstrap'" in result.stderr
    assert nobodys.calls() == []


# --- Python ---


def test_an_old_python_is_refused_in_one_line(machine: Machine) -> None:
    machine.python_version("3.10")
    result = machine.run("ci/setup")
    assert result.returncode == 3
    assert result.stderr == "[setup] this needs Python 3.11 or newer, and here is 3.10\n"


def test_a_newer_python_under_another_name_is_found(machine: Machine) -> None:
    machine.python_version("3.10")
    shutil.copy(machine.bin / "python3", machine.bin / "python3.12")
    (machine.bin / "python3.12.version").write_text("3.12\n")
    result = machine.run("ci/setup")
    assert result.returncode == 0
    assert "making .venv with Python 3.12" in result.stderr


def test_debians_venv_is_installed_where_it_is_missing(machine: Machine) -> None:
    machine.uid(0)
    machine.set("no-ensurepip")
    assert machine.run("ci/setup").returncode == 0
    assert machine.calls()[0] == f"{INSTALL} python3-venv"


def test_without_root_debians_venv_is_in_what_to_type(machine: Machine) -> None:
    machine.set("no-ensurepip")
    machine.without("mmdebstrap")
    result = machine.run("ci/setup")
    assert result.returncode == 3
    assert "apt-get install --no-install-recommends mmdebstrap python3-venv" in result.stderr


def test_virtualenv_does_as_well(machine: Machine) -> None:
    machine.set("no-ensurepip")
    machine.fake("virtualenv", 'exec "$bin/python3" -m venv "${@: -1}"')
    assert machine.run("ci/setup").returncode == 0
    assert not any("apt-get" in call for call in machine.calls())


def test_a_python_that_is_not_debians_is_not_cured_by_a_package(machine: Machine) -> None:
    machine.uid(0)
    machine.set("no-ensurepip")
    machine.set("own-python")
    result = machine.run("ci/setup")
    assert result.returncode == 3
    assert "pip install virtualenv" in result.stderr
    assert machine.calls() == []


# --- when .venv is made again ---


def test_a_changed_pyproject_is_installed_into_the_same_environment(ready: Machine) -> None:
    _change_pyproject(ready)
    assert ready.run("ci/setup").returncode == 0
    assert ready.calls() == [PIP]
    assert ready.run("ci/setup").stderr == ""


def test_a_broken_python_in_it_makes_it_anew(ready: Machine) -> None:
    (ready.venv / "bin/python").unlink()  # as after the upgrade of a distribution
    ready.python_version("3.13")
    assert ready.run("ci/setup").returncode == 0
    assert ready.calls() == [f"python -m venv {ready.venv}", PIP]
    assert "python 3.13" in (ready.venv / "setup.stamp").read_text()


def test_a_copied_environment_is_made_anew(ready: Machine) -> None:
    copy = ready.root.with_name("a copy")
    shutil.copytree(ready.root, copy)
    ready.root = copy
    assert ready.run("ci/setup").returncode == 0
    assert ready.calls() == [f"python -m venv {copy}/.venv", PIP]


def test_an_environment_made_by_hand_is_kept(ready: Machine) -> None:
    (ready.venv / "setup.stamp").unlink()
    (ready.venv / "theirs").touch()
    assert ready.run("ci/setup").returncode == 0
    assert ready.calls() == [PIP]
    assert (ready.venv / "theirs").exists()


def test_a_failed_pip_is_no_setup(machine: Machine) -> None:
    machine.set("pip-says", "ERROR: HTTPSConnectionPool(host='index.example.net', port=443): Max retries\n")
    result = machine.run("ci/setup")
    assert result.returncode == 3
    assert "Max retries" in result.stderr
    assert "example" not in result.stderr
    (machine.state / "pip-says").unlink()
    machine.calls()
    assert machine.run("ci/setup").returncode == 0
    assert machine.calls()[-1] == PIP


def test_a_pip_that_fails_to_update_leaves_the_environment(ready: Machine) -> None:
    _change_pyproject(ready)
    ready.set("pip-says", "ERROR: no network\n")
    assert ready.run("ci/setup").returncode == 3
    (ready.state / "pip-says").unlink()
    ready.calls()
    assert ready.run("ci/setup").returncode == 0
    assert ready.calls() == [PIP]


def test_a_setup_killed_half_way_is_not_taken_for_complete(machine: Machine) -> None:
    machine.set("slow-pip", "1000")
    process = machine.start("ci/setup")
    _wait_for(machine.state / "in-pip")
    kill(process)
    (machine.state / "slow-pip").unlink()
    machine.calls()
    assert machine.run("ci/setup").returncode == 0
    assert machine.calls() == [f"python -m venv {machine.venv}", PIP]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_update_interrupted_half_way_is_not_taken_for_complete(
    ready: Machine, number: signal.Signals, status: int
) -> None:
    _change_pyproject(ready)
    ready.set("slow-pip", "1000")
    process = ready.start("ci/setup")
    _wait_for(ready.state / "in-pip")
    os.killpg(process.pid, number)
    try:
        process.wait(20)
    finally:
        kill(process)
    assert process.returncode == status
    (ready.state / "slow-pip").unlink()
    ready.calls()
    assert ready.run("ci/setup").returncode == 0
    assert ready.calls() == [f"python -m venv {ready.venv}", PIP]


def test_two_at_once_do_the_work_once(machine: Machine) -> None:
    machine.set("slow-pip", "10")
    first = machine.start("ci/setup")
    _wait_for(machine.state / "in-pip")
    second = machine.run("ci/setup")
    assert second.returncode == 0
    assert "another setup is at work here" in second.stderr
    first.communicate(timeout=20)
    assert first.returncode == 0
    assert machine.calls() == [f"python -m venv {machine.venv}", PIP]
