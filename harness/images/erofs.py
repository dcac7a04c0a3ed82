# SPDX-License-Identifier: GPL-2.0-only
"""Make an erofs image of a directory, without root."""

from __future__ import annotations

import subprocess
from pathlib import Path

from harness.model.errors import InfrastructureError
from harness.processes import single

# One fixed value, so that the same input gives the same image.
_UUID = "6b766d70-7063-4861-8e65-737300000000"


# The largest page of a kernel under test. One without CONFIG_BUFFER_HEAD answers EIO for the whole
# of a disk's last page if the disk ends within it (Linux 6.12 block/fops.c, blkdev_iomap_begin).
_PAGE = 64 << 10


def make(image: Path, tree: Path, *, compress: bool) -> None:
    """Write *image*. Compressed for what is loaded often in parts (lz4: cheapest to unpack
    under TCG), plain for what is read once and whole. InfrastructureError if mkfs.erofs fails.
    """
    command = ["mkfs.erofs", "-T0", "-U", _UUID, "--all-root"]
    if compress:
        command.append("-zlz4hc")
    command += [str(image), str(tree)]
    result = single.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode:
        last = (result.stdout.strip().splitlines() or ["no output"])[-1]
        hint = "free some space; kvmppc parts prune helps" if "No space" in result.stdout else ""
        raise InfrastructureError(f"mkfs.erofs of {image.name} failed: {last}", hint)
    with image.open("r+b") as file:
        file.truncate(-(-image.stat().st_size // _PAGE) * _PAGE)
