# SPDX-License-Identifier: GPL-2.0-only
"""QEMU command lines. Pure: settings in, words out."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass

from harness.model.machine import BootSet, QemuProgram
from harness.model.scenario import L1Setting, L2Setting
from harness.model.topology import Topology
from harness.model.workarounds import Circumstances, applying

L1_MEMORY = "2G"
L2_MEMORY = "512M"

# panic=-1 with -no-reboot: a panic ends the machine at once.
_APPEND = ("console=hvc0", "panic=-1")

# Warnings and worse, and all of an oops. Every line of an L2 goes through two emulated machines
# byte by byte: the rest of its log costs as much as its boot (measured: 3.6 s with it, 2.6 s without).
_GUEST_APPEND = ("loglevel=5",)


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


def l1_command(
    qemu: QemuProgram,
    boot_set: BootSet,
    topology: Topology,
    setting: L1Setting,
    kernel: tuple[int, int],
    nonce: Nonce,
    client_key: str,
    switched_off: Collection[str],
) -> list[str]:
    """The whole command for L1's machine; the QMP monitor is not part of it.

    client_key: base64 of the SSH key that may log in. The SSH port is chosen by the
    kernel when QEMU binds it (port 0), so that no other process can take it first.
    """
    around = applying(Circumstances(guest=False, l1=setting, kernel=kernel), switched_off)
    machine = [topology.machine, *topology.machine_options]
    machine += [option for each in around for option in each.machine]
    if setting.compat is not None:
        machine.append(f"max-cpu-compat={setting.compat.qemu_name}")
    device = ["virtio-net-pci", "netdev=net0", *(option for each in around for option in each.net_device)]
    append = [*_APPEND, *(word for each in around for word in each.append)]
    append += ["kvmppc.role=level", nonce.word, f"kvmppc.key={client_key}"]
    command = [*qemu.argv, "-machine", ",".join(machine), "-cpu", setting.cpu.qemu_name, "-accel", "tcg"]
    command += ["-smp", "1", "-m", L1_MEMORY, "-nodefaults", "-display", "none", "-no-reboot"]
    command += ["-serial", "mon:stdio"]
    for disk in (boot_set.userland, boot_set.kernel_disk):
        command += ["-drive", f"file={_escaped(disk)},format=raw,if=virtio,readonly=on"]
    command += [
        "-netdev",
        "user,id=net0,restrict=on,hostfwd=tcp:127.0.0.1:0-:22",
        "-device",
        ",".join(device),
    ]
    command += ["-kernel", str(boot_set.vmlinux), "-initrd", str(boot_set.initramfs)]
    return [*command, "-append", " ".join(append)]


def l2_command(
    boot_set: BootSet,
    l1: L1Setting,
    setting: L2Setting,
    kernel: tuple[int, int],
    l1_page_kb: int,
    nonce: Nonce,
    switched_off: Collection[str],
) -> list[str]:
    """QEMU in L1 that boots L2: no virtio (on nested-papr no device interrupt reaches L2 under TCG)."""
    around = applying(Circumstances(guest=True, l1=l1, kernel=kernel, l1_page_kb=l1_page_kb), switched_off)
    machine = ["pseries", *(option for each in around for option in each.machine)]
    if setting.compat is not None:
        machine.append(f"max-cpu-compat={setting.compat.qemu_name}")
    command = ["qemu-system-ppc64", "-machine", ",".join(machine), "-cpu", "host", "-accel", "kvm"]
    command += ["-smp", "1", "-m", L2_MEMORY, "-nodefaults", "-display", "none", "-no-reboot"]
    command += ["-serial", "stdio", "-kernel", boot_set.guest_kernel, "-initrd", boot_set.guest_initramfs]
    return [*command, "-append", " ".join([*_APPEND, *_GUEST_APPEND, "kvmppc.role=guest", nonce.word])]


def _escaped(path: object) -> str:
    """A comma in a file name is doubled in QEMU's option syntax."""
    return str(path).replace(",", ",,")
