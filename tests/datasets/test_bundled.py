"""The bundled data sets are prepared exactly as documented, without any download."""

import numpy as np
import pytest

from hypernorm.datasets import BUNDLED, load_bundled
from hypernorm.exceptions import InvalidInputError

SHAPES = {"digits": (1797, 64), "breast_cancer": (569, 30), "diabetes": (442, 10)}


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("centered", [True, False])
def test_shape_and_centring(name: str, centered: bool) -> None:
    X = load_bundled(name, centered=centered)
    assert X.shape == SHAPES[name]
    assert X.dtype == np.float64
    assert np.isfinite(X).all()
    assert (np.abs(X.mean(axis=0)).max() < 1e-10) == centered


def test_digits_are_only_centred() -> None:
    raw = load_bundled("digits", centered=False)
    assert set(np.unique(raw)) == set(range(17))
    assert np.array_equal(load_bundled("digits"), raw - raw.mean(axis=0))


def test_breast_cancer_has_unit_deviations() -> None:
    assert load_bundled("breast_cancer").std(axis=0) == pytest.approx(1, rel=1e-12)
    assert load_bundled("breast_cancer", centered=False).max() > 1000


def test_diabetes_has_unit_columns() -> None:
    assert np.linalg.norm(load_bundled("diabetes"), axis=0) == pytest.approx(1, rel=1e-12)
    assert load_bundled("diabetes", centered=False).max() > 100


def test_each_call_gives_a_fresh_writable_array() -> None:
    first = load_bundled("diabetes")
    first[:] = 0
    assert load_bundled("diabetes").any()


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InvalidInputError, match=r"'digits', 'breast_cancer', 'diabetes', got 'iris'"):
        load_bundled("iris")
