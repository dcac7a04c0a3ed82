#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel from source costs its developer, in the steps he waits for.

One run, one after the other on an otherwise idle machine: a change of one KVM file until an L1 runs it,
one scenario, the whole pseries matrix; the scenario also with Debian's kernel of the same version, for the
ratio. The source must have been built once (kvmppc build debian-source:6.12).

    .venv/bin/python bench/small_kernel.py [--source debian-source:6.12] [--prebuilt debian:6.12]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness.processes import single

KVMPPC = Path(sys.executable).with_name("kvmppc")
ONE = "papr-p11-l2p10"

# A comment in a file of KVM, new in every run, so that neither make nor ccache has it.
PATCH = """\
Subject: [PATCH] bench

---
diff --git a/arch/powerpc/kvm/book3s_hv_builtin.c b/arch/powerpc/kvm/book3s_hv_builtin.c
--- a/arch/powerpc/kvm/book3s_hv_builtin.c
+++ b/arch/powerpc/kvm/book3s_hv_builtin.c
@@ -1,3 +1,4 @@
 // SPDX-License-Identifier: GPL-2.0-only
+static const char kvmppc_bench[] __attribute__((used)) = "{stamp}";
 /*
  * Copyright 2011 Paul Mackerras, IBM Corp. <paulus@au1.ibm.com>
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", default="debian-source:6.12")
    parser.add_argument("--prebuilt", default="debian:6.12")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kvmppc-bench-") as name:
        patch = Path(name) / "0001-bench.patch"
        patch.write_text(PATCH.format(stamp=time.time_ns()))
        timed("build", words.source)
        for number, kernel in enumerate((words.source, words.prebuilt)):
            run(name, f"warm{number}", kernel, "--only", ONE)
        changed = f"{words.source}+{name}"
        edit = run(name, "edit", changed, "--only", ONE)
        scenario = run(name, "one", words.source, "--only", ONE)
        generic = run(name, "generic", words.prebuilt, "--only", ONE)
        matrix = run(name, "matrix", words.source, "--matrix", "full")
    print(f"one file changed, built, L1 and L2 run and off  {edit:6.1f} s  (target: L1 within 30)")
    print(f"one scenario, the whole command                 {scenario:6.1f} s  (target: 7)")
    print(f"the pseries matrix, 12 L1s with 4 L2s each      {matrix:6.1f} s  (target: 60)")
    print(f"the scenario with {words.prebuilt:<30}{generic:6.1f} s  ratio {generic / scenario:.2f}")


def run(directory: str, name: str, kernel: str, *words: str) -> float:
    return timed("run", "--run-dir", f"{directory}/run-{name}", "--kernel", kernel, *words)


def timed(*words: str) -> float:
    began = time.monotonic()
    silent = subprocess.DEVNULL
    done = single.run([str(KVMPPC), *words], stdout=silent, stderr=silent, check=False)
    if done.returncode != 0:
        raise SystemExit(f"kvmppc {' '.join(words)} ended with {done.returncode}")
    return time.monotonic() - began


if __name__ == "__main__":
    main()
