"""Results are frozen, and their fields are given by name: two of eleven positions would be `lower` and `upper`."""

import dataclasses
import importlib

import pytest

PACKAGES = ["", ".bounds", ".certificates", ".separable", ".applications", ".dictionary", ".robust", ".datasets"]
NO_RESULTS = {"Factor", "Claim"}  # what a plan is made of, and a number with its direction

RESULTS = {
    value
    for package in PACKAGES
    for name, value in vars(importlib.import_module(f"hypernorm{package}")).items()
    if isinstance(value, type) and dataclasses.is_dataclass(value) and name not in NO_RESULTS
}


@pytest.mark.parametrize("kind", sorted(RESULTS, key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_fields_of_results_are_given_by_name(kind):
    assert all(field.kw_only for field in dataclasses.fields(kind))
    assert kind.__dataclass_params__.frozen


def test_there_are_results():
    assert {"Interval", "BoundRecord", "RobustLocation", "KnownNorm"} <= {kind.__name__ for kind in RESULTS}
    assert len(RESULTS) > 25
