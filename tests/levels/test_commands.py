# SPDX-License-Identifier: GPL-2.0-only
"""QEMU command lines, and the scripts that repeat them."""

import dataclasses
import shlex
import subprocess
from pathlib import Path
from types import SimpleNamespace

from harness.levels import commands, repro
from harness.levels.setup import Setup
from harness.model.bootable import BootSet, QemuProgram
from harness.model.scenario import L1Setting, L2Setting, Placement
from harness.model.topology import topology


def boot_set(name):
    return BootSet(
        Path(f"/{name}/vmlinux"), Path(f"/{name}/init,rd"), Path("/a,b/u.erofs"), Path(f"/{name}.erofs"),
        "7.3", (7, 3), (11, 1, 3),
    )  # fmt: skip


KEY = SimpleNamespace(public="KEY")
QEMU = QemuProgram("debian", ("loader", "qemu-system-ppc64"), (11, 1, 3))
NONCE = commands.Nonce("aaaa", "bbbb")


def setup(l1="p11@p10", where="papr", off=()):
    place = topology(where)
    placement = Placement("7.3", place, L1Setting.parse(l1), "7.2" if place.has_l0 else "")
    return Setup(placement, QEMU, boot_set("k"), boot_set("l0") if place.has_l0 else None, KEY, off)


def l1(setting="p11@p10", where="papr", off=()):
    return commands.l1_command(setup(setting, where, off), NONCE)


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


def test_a_workaround_is_for_the_qemu_of_the_machine_itself():
    """L0's QEMU for the outermost machine, the userland's for those inside it."""
    old = QemuProgram("old", ("qemu-system-ppc64",), (6, 0, 0))
    pseries, powernv = (dataclasses.replace(setup("p11@p9", where), qemu=old) for where in ("papr", "pnv11"))

    def given(made, level):
        return {each.name for each in made.around(level)}

    assert "x-vof" not in given(pseries, 1) and "x-vof" in given(pseries, 2)
    assert "x-vof" in given(powernv, 1) and "x-vof" in given(powernv, 2)
    inside = dataclasses.replace(
        pseries, qemu=QEMU, boot_set=dataclasses.replace(pseries.boot_set, l1_qemu=(9, 2, 0))
    )
    assert "x-vof" in given(inside, 1)
    assert "dawr1-off" not in given(inside, 2) and "dawr1-off" in given(pseries, 2)


def test_l2_is_host_without_virtio():
    command = commands.l2_command(setup("p11@p9"), L2Setting.parse("p9"), 64, NONCE)
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
    repro.write(tmp_path, ["qemu-system-ppc64", "-append", "a 'b'"], "L2", inside=[["echo", "L1 runs"]])
    done = subprocess.run([tmp_path / "repro.sh"], capture_output=True, text=True, check=True)
    assert "qemu-system-ppc64 -append " in done.stdout
    assert done.stdout.endswith("L1 runs\n")


def test_repro_of_an_l2_in_an_l1_in_an_l0_says_what_to_type_where(tmp_path):
    repro.write(tmp_path, ["three"], "L2", inside=[["echo", "L0 runs"], ["two"]])
    done = subprocess.run([tmp_path / "repro.sh"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "In the shell that comes up, type this:", "two", "In the shell in that, type this:", "three",
        "L0 runs",
    ]  # fmt: skip


def test_l0_is_bare_metal_with_the_disks_of_the_kernel_under_test():
    command = commands.l0_command(setup("p11@p10", "pnv11"), NONCE)
    assert (value(command, "-machine"), value(command, "-cpu")) == ("powernv11", "power11")
    assert "-nodefaults" not in command
    assert (value(command, "-kernel"), value(command, "-initrd")) == ("/l0/vmlinux", "/l0/init,rd")
    words = " ".join(command)
    assert "file=/a,,b/u.erofs," in words
    assert "file=/k.erofs," in words
    buses = [word.rpartition("bus=")[2] for word in command if "bus=" in word]
    assert buses == ["pcie.0", "pcie.1", "pcie.2"], "a bridge has room for one device"


def test_l1_in_l0_is_a_kvm_guest_with_l0s_disks():
    command = commands.l1_in_l0_command(setup("p11@p10", "pnv11"), 64, NONCE)
    assert {"pseries", "cap-nested-hv=on", "max-cpu-compat=power10", "cap-cfpc=broken"} <= set(
        value(command, "-machine").split(",")
    )
    assert (value(command, "-accel"), value(command, "-cpu")) == ("kvm", "host")
    assert "/dev/vda" in value(command, "-drive")
    assert value(command, "-kernel") == "/kernel/vmlinux"
