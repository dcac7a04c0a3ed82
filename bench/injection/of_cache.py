# SPDX-License-Identifier: GPL-2.0-only
"""Faults of the cache: files that are damaged or gone, before a run and while it uses them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from injection import cachecopy
from injection.fault import Action, Fault, at, both, from_the_start
from injection.found import UNHARMED, Expect
from injection.trial import L1_BOOTS, L1_READY, L2_BOOTS, Trial

Damage = Callable[[Path], object]

_PRUNE = [sys.executable, "-m", "harness", "parts", "prune", "--all"]


def files_of(trial: Trial, name: str) -> list[Path]:
    """In the copy of the cache, which has little more than what a run uses."""
    found = sorted(trial.cache.glob(f"trees/{name}"))
    if not found:
        raise SystemExit(f"the cache {trial.cache} has no {name}: run kvmppc run once")
    return found


USERLAND = "userland-image/*/userland.erofs"
KERNEL_DISK = "kernel-image/*/kernel.erofs"
INITRAMFS = "kernel-image/*/level.cpio"
VMLINUX = "kernel/*/vmlinux"
LIBRARY = "debian/*/tree/usr/lib/*-linux-gnu/libglib-2.0.so.0.*"
QEMU = "debian/*/tree/usr/bin/qemu-system-ppc64"


def damaged(name: str, damage: Damage) -> Action:
    """Before the run starts."""

    def act(trial: Trial) -> None:
        trial.own_cache()
        for path in files_of(trial, name):
            cachecopy.own(path)
            damage(path)

    return act


def own_copy(name: str) -> Action:
    """Before the run starts: files that can be damaged in place later."""

    def act(trial: Trial) -> None:
        trial.own_cache()
        for path in files_of(trial, name):
            cachecopy.own(path)

    return act


def damage_in_use(name: str, damage: Damage) -> Action:
    """Of the files with that name, those that the run's QEMU was given."""

    def act(trial: Trial) -> None:
        command = " ".join(
            path.read_text(errors="replace") for path in trial.run_dir.glob("*/l[01]/qemu-command.txt")
        )
        used = [path for path in files_of(trial, name) if str(path) in command]
        if not used:
            raise SystemExit(f"QEMU was given no {name}")
        for path in used:
            damage(path)

    return act


def prune(trial: Trial) -> None:
    """What somebody else types meanwhile: it waits for the run, and is let to its end then."""
    process = trial.helper(_PRUNE)
    trial.undo.append(lambda: process.wait(120))


def prune_at_once(trial: Trial) -> None:
    """The same, not to wait: it must refuse."""
    status = trial.helper([*_PRUNE, "--no-wait"]).wait(60)
    if status != 3:
        trial.notes.append(f"kvmppc parts prune --all --no-wait ended with {status}, not 3")


def own_image(trial: Trial) -> None:
    """A kernel image of the user's, as it is built: not in the cache."""
    built = next(trial.parts.copy().glob("trees/kernel/*/vmlinux"))
    image = trial.directory / "vmlinux"
    shutil.copyfile(built, image)
    trial.subject = ["--kernel", str(image), "--expect", "merged"]


def build_it_anew(trial: Trial) -> None:
    """In place, as a linker does."""
    flip_everywhere(trial.directory / "vmlinux")


def remove_tree(trial: Trial) -> None:
    """All of the cache, by rm."""
    shutil.rmtree(trial.cache / "trees")


def unreachable_mirror(trial: Trial) -> None:
    trial.environment["KVMPPC_MIRROR"] = "http://127.0.0.1:9/nothing"


def flip_everywhere(path: Path) -> None:
    """A page in each of a hundred places: some of them are read."""
    for number in range(100):
        cachecopy.flip(path, number / 100, 4096)


def empty(path: Path) -> None:
    cachecopy.truncate(path, 0.0)


def remove(path: Path) -> None:
    path.unlink()


# QEMU in L1 has read what it boots it from before.
_L2 = "l2p10 l2"


def before(name: str, what: str, file: str, damage: Damage, says: str = "") -> Fault:
    """A damaged cached file is noticed before anything boots from it, or made anew."""
    return Fault(
        name, f"{what} before the run", from_the_start(damaged(file, damage)),
        Expect(says=says, report=False, healed=True), seconds=300,
    )  # fmt: skip


FAULTS = (
    before("userland-flipped", "bits of the userland's image are flipped", USERLAND, flip_everywhere),
    before("userland-truncated", "the userland's image is cut off", USERLAND, cachecopy.truncate),
    before("userland-removed", "the userland's image is removed", USERLAND, remove),
    before("kernel-disk-flipped", "bits of the kernel's disk are flipped", KERNEL_DISK, flip_everywhere),
    before("initramfs-flipped", "bits of the initramfs are flipped", INITRAMFS, flip_everywhere),
    before("vmlinux-truncated", "the kernel's image is cut off", VMLINUX, cachecopy.truncate),
    before("vmlinux-flipped", "bits of the kernel's image are flipped", VMLINUX, flip_everywhere),
    before("library-flipped", "bits of one of QEMU's libraries are flipped", LIBRARY, flip_everywhere),
    before("library-removed", "one of QEMU's libraries is removed", LIBRARY, remove),
    before("qemu-truncated", "QEMU's program is cut off", QEMU, cachecopy.truncate),
    Fault(
        "userland-flipped-boot", "bits of the userland's image are flipped while L1 boots",
        at(L1_BOOTS, damage_in_use(USERLAND, flip_everywhere), first=own_copy(USERLAND)),
    ),
    Fault(
        "userland-truncated-ready", "the userland's image is cut off when L1 is ready",
        at(L1_READY, damage_in_use(USERLAND, empty), first=own_copy(USERLAND)),
    ),
    Fault(
        "userland-removed-l2", "the userland's image is removed while L2 boots: QEMU has it open",
        at(L2_BOOTS, damage_in_use(USERLAND, remove), first=own_copy(USERLAND)),
        Expect(spared=(_L2,), says="is missing"),
    ),
    Fault(
        "image-built-anew", "the user's own kernel image is written anew while L1 boots: a copy boots",
        at(L1_BOOTS, build_it_anew, first=own_image), UNHARMED,
    ),
    Fault(
        "kernel-disk-flipped-ready", "bits of the disk that L2 boots from are flipped when L1 is ready",
        at(L1_READY, damage_in_use(KERNEL_DISK, flip_everywhere), first=own_copy(KERNEL_DISK)),
        Expect(spared=(" l1", " caps", " arch_compat")),
    ),
    Fault(
        "cache-removed-l2", "rm of the cache's trees while L2 boots",
        at(L2_BOOTS, remove_tree, first=lambda trial: trial.own_cache()),
        Expect(spared=(_L2,), says="in the cache"),
    ),
    Fault(
        "prune-while-running", "kvmppc parts prune --all while L1 boots",
        at(L1_BOOTS, prune, first=lambda trial: trial.own_cache()), UNHARMED,
    ),
    Fault(
        "prune-at-once", "kvmppc parts prune --all --no-wait while L1 boots",
        at(L1_BOOTS, prune_at_once, first=lambda trial: trial.own_cache()), UNHARMED,
    ),
    Fault(
        "mirror-unreachable", "the mirror is not there, all is in the cache",
        from_the_start(both(lambda trial: trial.own_cache(), unreachable_mirror)), UNHARMED,
    ),
)  # fmt: skip
