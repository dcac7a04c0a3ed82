# SPDX-License-Identifier: GPL-2.0-only
"""Each topic of each other feature that is registered (harness/features/): L1's answers, by its oracle."""


def test_a_feature_is_as_its_oracle_expects(l1, feature_topic, check):
    check.verdicts(l1.feature(feature_topic.name))
