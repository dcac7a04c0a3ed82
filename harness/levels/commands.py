# SPDX-License-Identifier: GPL-2.0-only
"""QEMU command lines. Pure: settings in, words out. The QMP monitor is not part of them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from harness.levels.setup import Setup
from harness.model.bootable import BootSet
from harness.model.scenario import L2Setting
from harness.model.workarounds import Workaround

# An L0 has L1 in its memory, an L1 its L2.
L0_MEMORY = "4G"
L1_MEMORY = "2G"
L2_MEMORY = "512M"

# Where a level's SSH is forwarded to in the Linux that runs it. One such guest at a time, in a Linux
# in which nobody else takes ports.
NESTED_SSH_PORT = 2222

# panic=-1 with -no-reboot: a panic ends the machine at once.
_APPEND = ("console=hvc0", "panic=-1")

# Warnings and worse, and all of an oops. Every line of an L2 goes through two emulated machines
# byte by byte: the rest of its log costs as much as its boot (measured: 3.6 s with it, 2.6 s without).
_GUEST_APPEND = ("loglevel=5",)

# Disks as Linux names them, in the order they are given to a machine.
_HANDED_DOWN = ("/dev/vda", "/dev/vdb")


@dataclass(frozen=True)
class Nonce:
    """Random, per boot. The guest joins the two halves; see images/guest/report.sh."""

    first: str
    second: str

    @classmethod
    def new(cls) -> Nonce:
        return cls(secrets.token_hex(4), secrets.token_hex(4))

    @property
    def word(self) -> str:
        """On the kernel's command line."""
        return f"kvmppc.nonce={self.first}-{self.second}"

    @property
    def joined(self) -> str:
        """In the guest's reports."""
        return self.first + self.second


def l0_command(setup: Setup, nonce: Nonce) -> list[str]:
    """L0 on emulated bare metal. Its disks are those of the kernel under test, to be handed down.

    No -nodefaults: on powernv that takes the PCI host bridges away. Each bridge has room for
    one device. The SSH port is chosen by the kernel when QEMU binds it (port 0), so that no
    other process can take it first.
    """
    assert setup.l0_boot_set is not None
    placement, around = setup.placement, setup.around(0)
    command = [*setup.qemu.argv, "-machine", _joined(placement.topology.machine, _machine(around))]
    command += ["-cpu", placement.l1.cpu.qemu_name, "-accel", "tcg", "-smp", "1", "-m", L0_MEMORY]
    command += ["-display", "none", "-no-reboot", "-serial", "mon:stdio", "-nic", "none"]
    for number, disk in enumerate((setup.boot_set.userland, setup.boot_set.kernel_disk)):
        command += ["-drive", f"file={escaped(disk)},format=raw,if=none,id=disk{number},readonly=on"]
        command += ["-device", f"virtio-blk-pci,drive=disk{number},bus=pcie.{number}"]
    command += _network("127.0.0.1:0", [*_net_device(around), "bus=pcie.2"])
    command += _kernel(str(setup.l0_boot_set.vmlinux), str(setup.l0_boot_set.initramfs))
    return [*command, "-append", _level_append(setup, around, nonce)]


def l1_command(setup: Setup, nonce: Nonce) -> list[str]:
    """L1 on an emulated pseries machine. For the SSH port see l0_command."""
    placement, boots, around = setup.placement, setup.boot_set, setup.around(1)
    command = [*setup.qemu.argv, "-machine", _l1_machine(setup, around)]
    command += ["-cpu", placement.l1.cpu.qemu_name, "-accel", "tcg", *_l1_size(), "-serial", "mon:stdio"]
    command += _drives(boots.userland, boots.kernel_disk)
    command += _network("127.0.0.1:0", _net_device(around))
    command += _kernel(str(boots.vmlinux), str(boots.initramfs))
    return [*command, "-append", _level_append(setup, around, nonce)]


def l1_in_l0_command(setup: Setup, l0_page_kb: int, nonce: Nonce) -> list[str]:
    """L1 as a KVM guest of L0, to be typed there. Its disks are L0's own."""
    boots, around = setup.boot_set, setup.around(1, l0_page_kb)
    command = ["qemu-system-ppc64", "-machine", _l1_machine(setup, around)]
    command += ["-cpu", "host", "-accel", "kvm", *_l1_size(), "-serial", "stdio"]
    command += _drives(*_HANDED_DOWN)
    command += _network(f"127.0.0.1:{NESTED_SSH_PORT}", _net_device(around))
    command += _kernel(boots.level_kernel, boots.level_initramfs)
    return [*command, "-append", _level_append(setup, around, nonce)]


def l2_command(
    setup: Setup, setting: L2Setting, l1_page_kb: int, nonce: Nonce, *, shell: bool = False
) -> list[str]:
    """QEMU in L1 that boots L2: no virtio (on nested-papr no device interrupt reaches L2 under TCG).

    shell: it gives a shell on its console, and does not power off before that is left.
    """
    role, log = ("shell", ()) if shell else ("guest", _GUEST_APPEND)
    around = setup.around(2, l1_page_kb)
    boots: BootSet = setup.boot_set
    options = list(_machine(around))
    if setting.compat is not None:
        options.append(f"max-cpu-compat={setting.compat.qemu_name}")
    command = ["qemu-system-ppc64", "-machine", _joined("pseries", options), "-cpu", "host", "-accel", "kvm"]
    command += ["-smp", "1", "-m", L2_MEMORY, "-nodefaults", "-display", "none", "-no-reboot"]
    command += ["-serial", "stdio", *_kernel(boots.guest_kernel, boots.guest_initramfs)]
    words = [word for each in around for word in each.append]
    return [*command, "-append", " ".join([*_APPEND, *log, *words, f"kvmppc.role={role}", nonce.word])]


def _l1_machine(setup: Setup, around: Sequence[Workaround]) -> str:
    options = [*setup.placement.topology.machine_options, *_machine(around)]
    if setup.placement.l1.compat is not None:
        options.append(f"max-cpu-compat={setup.placement.l1.compat.qemu_name}")
    return _joined("pseries", options)


def _l1_size() -> list[str]:
    return ["-smp", "1", "-m", L1_MEMORY, "-nodefaults", "-display", "none", "-no-reboot"]


def _drives(*disks: object) -> list[str]:
    return [
        word
        for disk in disks
        for word in ("-drive", f"file={escaped(disk)},format=raw,if=virtio,readonly=on")
    ]


def _network(listen: str, device: Sequence[str]) -> list[str]:
    """SSH and nothing else: the guest reaches nobody."""
    netdev = f"user,id=net0,restrict=on,hostfwd=tcp:{listen}-:22"
    return ["-netdev", netdev, "-device", _joined("virtio-net-pci", ["netdev=net0", *device])]


def _kernel(image: str, initramfs: str) -> list[str]:
    return ["-kernel", image, "-initrd", initramfs]


def _level_append(setup: Setup, around: Sequence[Workaround], nonce: Nonce) -> str:
    words = [*_APPEND, *(word for each in around for word in each.append)]
    return " ".join([*words, "kvmppc.role=level", nonce.word, f"kvmppc.key={setup.key.public}"])


def _machine(around: Sequence[Workaround]) -> list[str]:
    return [option for each in around for option in each.machine]


def _net_device(around: Sequence[Workaround]) -> list[str]:
    return [option for each in around for option in each.net_device]


def _joined(first: str, options: Sequence[str]) -> str:
    return ",".join([first, *options])


def escaped(path: object) -> str:
    """A comma in a value is doubled in QEMU's option syntax (QEMU util/qemu-option.c, get_opt_value). Nothing
    else has a meaning there; a colon has one in the file of a drive, but not after a slash."""
    return str(path).replace(",", ",,")
