# SPDX-License-Identifier: GPL-2.0-only
"""make for a kernel: configure, build, and say in a line what a compiler said in thousands."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.model.errors import BuildError, HarnessError, InfrastructureError
from harness.parts import kernelconfig
from harness.parts.child import run_lines
from harness.parts.kernelconfig import KernelConfig
from harness.parts.progress import Progress
from harness.parts.toolchain import Toolchain

# So that the same source gives the same image, and ccache knows it again.
_REPRODUCIBLE = (
    "KBUILD_BUILD_TIMESTAMP=Thu Jan  1 00:00:00 UTC 1970", "KBUILD_BUILD_USER=kvmppc",
    "KBUILD_BUILD_HOST=harness", "KBUILD_BUILD_VERSION=1",
    "LOCALVERSION=",  # set, if empty: no + for a tree of which git says nothing
)  # fmt: skip

_PROGRESS_SECONDS = 5.0

# Spaces and colons the kernel's Makefile refuses itself (Makefile, "source directory cannot contain spaces or
# colons"); the others mean something to make, or to the shell that it gives commands to.
_UNFIT = re.compile(r"""[\s:#$%&'"();<>?*\[\]\\`|{},!]""")

# Not a word of these about the kernel.
_NO_MEMORY = re.compile(r"Killed signal terminated program|signal: killed|[Cc]annot allocate memory"
                        r"|virtual memory exhausted|out of memory allocating"
                        r"|\*\*\* \[.*\] (?:Killed|Terminated|Hangup)$", re.M)  # fmt: skip


def require_path(directory: Path) -> None:
    """InfrastructureError if no kernel can be built below *directory*, which make could not name."""
    unfit = _UNFIT.search(str(directory))
    if unfit:
        raise InfrastructureError(
            f"no kernel can be built in {directory}: make takes no path with {unfit[0]!r} in it",
            "set KVMPPC_CACHE to another directory",
        )


@dataclass(frozen=True)
class Make:
    """source, objects: directories, the latter all that is written to; log: gets all output."""

    source: Path
    objects: Path
    toolchain: Toolchain
    log: Path
    what: str

    def configure(self, config: KernelConfig, version: str) -> None:
        """Write objects/.config. UsageError if this version drops a symbol of ours."""
        if config.whole:
            (self.objects / ".config").write_text(config.text)
            self._run(["olddefconfig"], {}, None)
        else:
            fragment = self.objects / "fragment"
            fragment.write_text(config.fragment)
            self._run(["allnoconfig"], {"KCONFIG_ALLCONFIG": str(fragment)}, None)
        kernelconfig.check(config, self.symbols(), version)

    def symbols(self) -> dict[str, str]:
        return kernelconfig.symbols((self.objects / ".config").read_text())

    def build(self, targets: Sequence[str], progress: Progress) -> None:
        """BuildError, with file and line of the first error, if the compiler stops."""
        self._run([f"-j{len(os.sched_getaffinity(0))}", *targets], {}, progress)

    def strip(self, image: Path) -> None:
        """Write the kernel without its symbols: QEMU sorts them at every start, which takes as long as
        all else it does where it is emulated itself. Notes, with the build id in them, stay."""
        command = [self.toolchain.strip, "-s", "-o", str(image), str(self.objects / "vmlinux")]
        lines: list[str] = []
        if run_lines(command, {**os.environ, "LC_ALL": "C"}, lines.append) != 0:
            error = self._explain("".join(lines))
            if isinstance(error, InfrastructureError):
                raise error
            last = (lines or ["no output"])[-1].strip()
            raise InfrastructureError(f"{command[0]} failed on {self.what}: {last}", "", self.log)

    def _run(self, targets: Sequence[str], environment: dict[str, str], progress: Progress | None) -> None:
        command = [
            "make",
            "-C",
            str(self.source),
            f"O={self.objects}",
            *self.toolchain.words,
            *_REPRODUCIBLE,
            *targets,
        ]
        outside = {
            name: value
            for name, value in os.environ.items()
            if not re.match(r"MAKE|KBUILD|KCONFIG|MFLAGS|ARCH$|CROSS_COMPILE$|LLVM|LOCALVERSION$", name)
        }
        # Objects of one tree built in two places are the same to ccache.
        outside |= {"LC_ALL": "C", "CCACHE_BASEDIR": str(self.objects.parent), "CCACHE_NOHASHDIR": "1"}
        lines: list[str] = []
        said = time.monotonic()
        steps = 0
        with self.log.open("a") as file:
            file.write(f"$ {' '.join(command)}\n")

            def each(line: str) -> None:
                nonlocal said, steps
                file.write(line)
                step = re.match(r"  (?:CC|AS|LD|AR|GEN|HOSTCC|UPD)\S*(?: \[M\])?\s+(\S+)", line)
                if step is None:
                    lines.append(line)
                    return
                steps += 1
                if progress is not None and time.monotonic() - said > _PROGRESS_SECONDS:
                    said = time.monotonic()
                    progress(f"{self.what}: {steps} files, now {step[1]}")

            status = run_lines(command, {**outside, **environment}, each)
        if status < 0:
            raise InfrastructureError(
                f"make was killed by signal {-status} while building {self.what}", "try again", self.log
            )
        if status != 0:
            raise self._explain("".join(lines))

    def _explain(self, output: str) -> HarnessError:
        if re.search(r"No space left on device|Disk quota exceeded", output):
            return InfrastructureError(
                f"the disk is full while building {self.what}",
                "free some space, for instance with kvmppc parts prune, or set KVMPPC_CACHE",
                self.log,
            )
        if killed := _NO_MEMORY.search(output):
            return InfrastructureError(
                f"the compiler was ended while building {self.what}: {killed[0]}",
                "free some memory",
                self.log,
            )
        errors = re.findall(r"^(\S+?:\d+(?::\d+)?): (?:fatal )?error: (.*)$", output, re.M)
        if errors:
            place, words = errors[0]
            place = re.sub(r"^.*/src/(?=\w)", "", place).removeprefix("../")
            more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
            return BuildError(f"{self.what} does not compile: {place}: {words}{more}", "", self.log)
        other = re.findall(r"^(?:.*undefined reference.*|\S*ld: .*|ERROR: .*|make.*\*\*\* .*)$", output, re.M)
        return BuildError(
            f"{self.what} cannot be built: {other[0].strip() if other else 'make failed'}", "", self.log
        )
