# SPDX-License-Identifier: GPL-2.0-only
"""Programs in bench/ are run as scripts: what they import is beside them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "bench"))
