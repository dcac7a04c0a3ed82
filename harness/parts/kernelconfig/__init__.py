# SPDX-License-Identifier: GPL-2.0-only
"""Kernel configurations: our fragments, or the user's own file, and whether a kernel took them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from harness.model.errors import UsageError

# In this order, on top of allnoconfig.
FRAGMENTS = ("base.config", "devices.config")

# Without these nothing of ours boots, whoever wrote the configuration. Modules will do for what
# a level loads from its initramfs.
_NEEDED = (
    "KVM_BOOK3S_64_HV", "PPC_PSERIES", "BLK_DEV_INITRD", "DEVTMPFS", "TMPFS", "EROFS_FS", "EROFS_FS_ZIP",
    "VIRTIO_PCI", "VIRTIO_BLK", "VIRTIO_NET", "HVC_CONSOLE", "INET", "UNIX",
)  # fmt: skip


# Old name -> new name: a kernel that drops the old one but has the new has what was asked for.
# Linux 7.3 fs/proc/Kconfig: SYSCTL took over what PROC_SYSCTL had selected it for.
_RENAMED = {"PROC_SYSCTL": "SYSCTL"}


@dataclass(frozen=True)
class KernelConfig:
    """text: a fragment for allnoconfig, or, where *whole*, a .config; name: for messages."""

    name: str
    text: str
    whole: bool

    @property
    def fragment(self) -> str:
        """What make reads: symbols that got another name stand under both."""
        asked = symbols(self.text)
        more = [f"CONFIG_{new}={asked[old]}" for old, new in _RENAMED.items() if old in asked]
        return self.text if self.whole else "\n".join([self.text, *more, ""])

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.whole}\n{self.text}".encode()).hexdigest()[:16]


def small_config() -> KernelConfig:
    """Ours: one image that boots at every level."""
    files = resources.files(__package__)
    return KernelConfig("small", "\n".join(files.joinpath(name).read_text() for name in FRAGMENTS), False)


def user_config(path: Path) -> KernelConfig:
    """UsageError for a file that is no configuration of a ppc64le kernel."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"config {path} cannot be read: {error}") from None
    if not re.search(r"^CONFIG_\w+=", text, re.M):
        raise UsageError(f"config {path} sets no symbol", "give a kernel's .config")
    match = re.search(r"^# Linux/(\S+) \S+ Kernel Configuration", text, re.M)
    if match and match[1] != "powerpc":
        raise UsageError(f"config {path} is for {match[1]}, not for powerpc")
    values = symbols(text)
    if values.get("PPC64") != "y" or values.get("CPU_LITTLE_ENDIAN") != "y":
        raise UsageError(f"config {path} is not for ppc64le: it lacks PPC64=y or CPU_LITTLE_ENDIAN=y")
    return KernelConfig(path.name, text, True)


def symbols(text: str) -> dict[str, str]:
    """Symbol -> value; "n" where it is said to be not set."""
    found = dict(re.findall(r"^CONFIG_(\w+)=(.*)$", text, re.M))
    return found | dict.fromkeys(re.findall(r"^# CONFIG_(\w+) is not set$", text, re.M), "n")


def check(wanted: KernelConfig, got: Mapping[str, str], version: str) -> None:
    """UsageError that names what the kernel dropped. got: symbols of the final .config."""
    if wanted.whole:
        lacking = [name for name in _NEEDED if got.get(name) not in ("y", "m")]
        if lacking:
            raise UsageError(
                f"config {wanted.name} lacks {', '.join(lacking)}", "set them; every level needs them"
            )
        return
    asked = symbols(wanted.text)
    dropped = [
        name
        for name, value in asked.items()
        if got.get(name, "n") != value and got.get(_RENAMED.get(name, name), "n") != value
    ]
    if dropped:
        checked = re.search(r"^# checked: (.*)$", wanted.text, re.M)
        words = ", ".join(f"{name}={asked[name]}" for name in dropped)
        raise UsageError(
            f"Linux {version} drops {words} of our configuration",
            f"it was checked with {checked[1] if checked else 'no version'}; "
            "see harness/parts/kernelconfig/, or give your own with --config",
        )
