"""Cells of rows, standard errors, and paired comparisons."""

import math

import numpy as np
import pytest

from experiments.repeats import better_than, cells, mean_and_error


def test_cells():
    rows = [{"part": "a", "d": d, "seed": s, "errors": {"x": d + s, "y": 0}} for d in (1, 2) for s in (0, 1)]
    found = cells([*rows, {"part": "b", "d": 1, "errors": {"x": 9, "y": 9}}], "a", ("d",), "errors")
    assert {place: values["x"].tolist() for place, values in found.items()} == {(1,): [1, 2], (2,): [2, 3]}


def test_mean_and_error():
    assert mean_and_error(np.array([1.0, 2, 3])) == pytest.approx((2, 1 / math.sqrt(3)))
    assert math.isnan(mean_and_error(np.array([1.0]))[1])


def test_paired_comparison_takes_out_what_is_common():
    common = np.array([0.0, 10, 20, 30])
    values = {
        "ours": common + 1,
        "slightly": common + np.array([0, 0.1, 0.2, 0.1]),
        "same": common + np.array([0, 2, 0, 2]),
        "worse": common + 3,
    }
    assert better_than("ours", ("slightly", "same", "worse"), values) == ["slightly"]
