# SPDX-License-Identifier: GPL-2.0-only
"""Plans without anything to boot: in the place of engine/resolve.py, resolve."""

from pathlib import Path

from harness.engine.resolve import plan_of
from harness.features.compat_caps.behaviour import MERGED_SERIES
from harness.model.bootable import BootSet, QemuProgram
from harness.model.expectation import Expectation
from harness.model.plan import PlannedKernel
from harness.model.record import KernelInfo


def planned_kernel(label, spec, boots=None, texts=None):
    info = KernelInfo(label, spec, "7.3", "", MERGED_SERIES.name, "x", build_id="b")
    expected = Expectation(MERGED_SERIES.name, MERGED_SERIES.to_json())
    return PlannedKernel(info, boots, {"compat_caps": expected}, texts)


def resolve(wanted, options, progress=print, lacking=()):
    boots = BootSet(*[Path("none")] * 4, "7.3", (7, 3), (11, 1, 3))
    kernels = {label: planned_kernel(label, spec, boots) for label, spec in wanted.kernels.items()}
    l0_kernels = {label: planned_kernel(label, spec, boots) for label, spec in wanted.l0_kernels.items()}
    return plan_of(
        wanted, options, kernels, l0_kernels, qemu=QemuProgram(options.qemu, ("qemu",), (11, 1, 3)),
        qemu_text="QEMU 11.1.3", l1_qemu_text="11.1.3", lacking=dict(lacking), notes=("a note",),
    )  # fmt: skip
