# SPDX-License-Identifier: GPL-2.0-only
"""QEMU command lines, and the scripts that repeat them."""

import shlex
import subprocess
from pathlib import Path

from harness.levels import commands, repro
from harness.model.machine import BootSet, QemuProgram
from harness.model.scenario import L1Setting, L2Setting
from harness.model.topology import topology

BOOT = BootSet(
    Path("/k/vmlinux"), Path("/k/init,rd"), Path("/a,b/u.erofs"), Path("/k.erofs"), "7.3", (11, 1, 3)
)
QEMU = QemuProgram("debian", ("loader", "qemu-system-ppc64"), (11, 1, 3))


def l1(setting="p11@p10", topology_name="papr", off=(), kernel=(7, 3)):
    nonce = commands.Nonce("aaaa", "bbbb")
    return commands.l1_command(
        QEMU, BOOT, topology(topology_name), L1Setting.parse(setting), kernel, nonce, "KEY", off
    )


def value(command, flag):
    return command[command.index(flag) + 1]


def test_l1_gets_its_topology_and_mode():
    assert value(l1(), "-machine").split(",")[0] == "pseries"
    assert {"cap-nested-papr=on", "max-cpu-compat=power10"} <= set(value(l1(), "-machine").split(","))
    assert value(l1(), "-cpu") == "power11"
    native = l1("p10", "hv")
    assert "max-cpu-compat" not in value(native, "-machine")
    assert "cap-nested-hv=on" in value(native, "-machine")


def test_the_nonce_never_stands_joined_on_a_command_line():
    assert "aaaa-bbbb" in value(l1(), "-append")
    assert "aaaabbbb" not in " ".join(l1())


def test_ssh_is_bound_to_this_machine_and_the_port_left_to_the_kernel():
    assert "hostfwd=tcp:127.0.0.1:0-:22" in value(l1(), "-netdev")


def test_commas_in_file_names_are_doubled_where_qemu_wants_it():
    assert "file=/a,,b/u.erofs,format=raw" in " ".join(l1())
    assert value(l1(), "-initrd") == "/k/init,rd"


def test_workarounds_are_in_and_can_be_left_out():
    assert "damon_stat.enabled=0" in value(l1(), "-append")
    assert "damon_stat.enabled=0" not in value(l1(off=("damon-stat-off",)), "-append")


def test_l2_is_host_without_virtio():
    command = commands.l2_command(
        BOOT, L1Setting.parse("p11@p9"), L2Setting.parse("p9"), (7, 3), 64, commands.Nonce("a", "b"), ()
    )
    assert value(command, "-cpu") == "host"
    assert {"max-cpu-compat=power9", "cap-dawr1=off"} <= set(value(command, "-machine").split(","))
    assert not any("virtio" in word or word == "-drive" for word in command)


def test_repro_runs_exactly_the_command(tmp_path):
    command = ["printf", "%s|", "a b", "it's", "$HOME", "`x`"]
    repro.write(tmp_path, command, "L1 of nothing")
    done = subprocess.run([tmp_path / "repro.sh"], capture_output=True, text=True, check=True)
    assert done.stdout == "a b|it's|$HOME|`x`|"
    assert shlex.split((tmp_path / "qemu-command.txt").read_text()) == command


def test_repro_of_an_l2_starts_l1_and_says_what_to_type(tmp_path):
    repro.write(tmp_path, ["qemu-system-ppc64", "-append", "a 'b'"], "L2", inside=["echo", "L1 runs"])
    done = subprocess.run([tmp_path / "repro.sh"], capture_output=True, text=True, check=True)
    assert "qemu-system-ppc64 -append " in done.stdout
    assert done.stdout.endswith("L1 runs\n")
