# SPDX-License-Identifier: GPL-2.0-only
"""What was seen, as plain data. Saved as JSON; can be judged again later.

Nothing here says whether it is right: see oracle.py.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from harness.model.cpu import GuestMode, Mode, mode_of_cpuinfo, mode_of_pvr
from harness.model.level_facts import Ended, InMode
from harness.model.looks import Look
from harness.model.outcome import Outcome, Side
from harness.model.splat import Splat

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class IoctlAnswer:
    """One KVM_PPC_GET_COMPAT_CAPS call.

    request: ioctl number; result: return value, -1 on error; errno: 0 when result >= 0;
    before, after: the buffer as hex, all of its bytes.
    """

    name: str
    request: int
    result: int
    errno: int
    before: str
    after: str

    def field64(self, offset: int) -> int:
        """The unsigned 64-bit little-endian value at *offset* bytes after the call."""
        return int.from_bytes(bytes.fromhex(self.after)[offset : offset + 8], "little")

    @property
    def changed(self) -> tuple[int, ...]:
        """Offsets of the bytes the kernel changed."""
        pairs = zip(bytes.fromhex(self.before), bytes.fromhex(self.after), strict=True)
        return tuple(offset for offset, (old, new) in enumerate(pairs) if old != new)


@dataclass(frozen=True)
class RegisterAnswer:
    """KVM_SET_ONE_REG(ARCH_COMPAT, value), then KVM_GET_ONE_REG. errno 0 means success.

    stored: what GET_ONE_REG holds afterwards, None if it failed too.
    """

    value: int
    errno: int
    stored: int | None


@dataclass(frozen=True)
class Probe:
    """What harness/images/guest/levelfacts.py printed in L1."""

    release: str
    cpuinfo: str
    cpu_version: int | None
    raw_pvr: int | None
    kvm: str  # "hv", "pr", "none": the KVM that answered
    capability: dict[str, int]  # capability number -> KVM_CHECK_EXTENSION on the VM
    ioctls: tuple[IoctlAnswer, ...]
    arch_compat: tuple[RegisterAnswer, ...]
    notes: tuple[str, ...] = ()
    page: int = 0  # bytes; 0 in probes from before it was told

    @property
    def mode(self) -> GuestMode | None:
        """Mode L1 finds itself in: its device tree's cpu-version, else /proc/cpuinfo."""
        if self.cpu_version is not None:
            return mode_of_pvr(self.cpu_version)
        return mode_of_cpuinfo(self.cpuinfo)

    def ioctl(self, name: str) -> IoctlAnswer | None:
        return next((each for each in self.ioctls if each.name == name), None)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Probe:
        """From the probe's JSON document. KeyError/TypeError when it is none."""
        known = {each.name for each in fields(cls)}
        values = {name: value for name, value in data.items() if name in known}
        values["ioctls"] = tuple(IoctlAnswer(**each) for each in data["ioctls"])
        values["arch_compat"] = tuple(RegisterAnswer(**each) for each in data["arch_compat"])
        values["notes"] = tuple(data.get("notes", ()))
        return cls(**values)


@dataclass(frozen=True)
class End:
    """How a guest that was up went. rule: ``off`` for one that said that it leaves and whose QEMU then ended
    by itself with status 0; proof: the line or value that shows it; side: whose fault it is if not."""

    rule: str
    proof: str
    side: Side


@dataclass(frozen=True)
class Boot:
    """How one machine's boot went.

    mode: the mode the machine reported about itself, if it got that far;
    rule: key of the classify rule, "marker" for a proven success, "timeout", "silence",
    "spin" or "exit" otherwise; proof: the line that decided;
    build_id: of the running kernel, hex, '' if it has none or did not get so far;
    phases: seconds by phase; directory: where its logs are, relative to the run;
    splats: of its own console; end: how it went, None for what was not up or is not over;
    taint, taint_left: /proc/sys/kernel/tainted when it was up, and when it left, None if it did not say;
    uptime: seconds it said it was up when it said so; elapsed: seconds since its QEMU was started, then;
    samples: where the vCPUs were, if it was lost: symbols, newest last;
    stays: why its QEMU could not be ended, '' if it was, or ended by itself;
    starved: share of the time in which the outermost QEMU wanted a CPU and got none, at its worst, 0 to 1.
    """

    outcome: Outcome
    rule: str
    proof: str
    mode: GuestMode | None = None
    release: str = ""
    exit_status: int | None = None
    phases: dict[str, float] = field(default_factory=dict)
    directory: str = ""
    warnings: tuple[str, ...] = ()
    build_id: str = ""
    splats: tuple[Splat, ...] = ()
    end: End | None = None
    taint: int | None = None
    taint_left: int | None = None
    uptime: float = 0.0
    elapsed: float = 0.0
    samples: tuple[str, ...] = ()
    stays: str = ""
    starved: float = 0.0

    @property
    def ended(self) -> Ended:
        """As a fact."""
        if self.outcome is Outcome.BOOTED:
            return Ended(self.outcome, InMode.of(self.mode))
        return Ended(self.outcome, rule=self.rule if self.outcome is Outcome.INFRASTRUCTURE else "")


@dataclass(frozen=True)
class LevelObservation:
    """An L0 or L1 that was started, and what it answered. probe is None if it never got so far;
    looks: at its health when it had booted, and when it had been probed; lost: how it was lost to the
    probe, None if it was not."""

    placement: str  # Placement.full_id
    boot: Boot
    nested_api: str = ""  # that its guests use: "v1", "v2"; "" on bare metal, or if its kernel did not say
    kvm_module: str = ""
    probe: Probe | None = None
    name: str = "L1"
    looks: tuple[Look, ...] = ()
    lost: End | None = None

    @property
    def up(self) -> bool:
        """Whether it came up and answered, so that it can be asked more."""
        return self.boot.outcome is Outcome.BOOTED and self.probe is not None


def boot_to_json(boot: Boot) -> dict[str, Any]:
    data = asdict(boot)
    data["outcome"] = boot.outcome.value
    data["mode"] = None if boot.mode is None else {"mode": boot.mode.mode.name, "raw": boot.mode.raw}
    data["warnings"] = list(boot.warnings)
    data["splats"] = [each.to_json() for each in boot.splats]
    data["samples"] = list(boot.samples)
    data["end"] = _end_to_json(boot.end)
    return data


def _end_to_json(end: End | None) -> dict[str, Any] | None:
    return None if end is None else {**asdict(end), "side": end.side.value}


def _end_from_json(data: dict[str, Any] | None) -> End | None:
    return None if data is None else End(data["rule"], data["proof"], Side(data["side"]))


def boot_from_json(data: dict[str, Any]) -> Boot:
    """Inverse of boot_to_json. KeyError/ValueError for anything else."""
    values = dict(data)
    values["outcome"] = Outcome(data["outcome"])
    mode = data["mode"]
    values["mode"] = None if mode is None else GuestMode(Mode[mode["mode"]], mode["raw"])
    values["warnings"] = tuple(data["warnings"])
    values["splats"] = tuple(Splat.from_json(each) for each in data.get("splats", ()))
    values["samples"] = tuple(data.get("samples", ()))
    values["end"] = _end_from_json(data.get("end"))
    return Boot(**values)


def level_to_json(seen: LevelObservation) -> dict[str, Any]:
    data = asdict(seen)
    data["boot"] = boot_to_json(seen.boot)
    data["looks"] = [each.to_json() for each in seen.looks]
    data["lost"] = _end_to_json(seen.lost)
    return data


def level_from_json(data: dict[str, Any]) -> LevelObservation:
    """Inverse of level_to_json."""
    values = dict(data)
    values["boot"] = boot_from_json(data["boot"])
    values["probe"] = None if data["probe"] is None else Probe.from_json(data["probe"])
    values["looks"] = tuple(Look.from_json(each) for each in data.get("looks", ()))
    values["lost"] = _end_from_json(data.get("lost"))
    return LevelObservation(**values)
