# SPDX-License-Identifier: GPL-2.0-only
"""What pyproject.toml cannot say: two folders at the top are put into the package (harness/shipped.py finds
them), and all files of a package belong to it, not its modules alone."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[
        *find_namespace_packages(include=["harness", "harness.*"]),
        "harness.testcases",
        "harness.kernel_patches",
    ],
    package_dir={"harness.testcases": "testcases", "harness.kernel_patches": "kernel-patches"},
    package_data={"": ["*"], "harness.kernel_patches": ["**/*"]},
    include_package_data=False,  # which asks an older egg-info
    exclude_package_data={"": ["*.pyc"]},
    data_files=[("share/man/man1", ["docs/kvmppc.1"])],
)
