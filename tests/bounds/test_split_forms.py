import numpy as np
import pytest

from hypernorm.bounds.split_forms import MonomialForm, PoleForm, RowForm, form_of
from hypernorm.forms import Rows


@pytest.mark.parametrize(("n", "space"), [(40, MonomialForm), (20, PoleForm), (20, RowForm)])
def test_every_space_maps_a_matrix_as_the_rows_do(n, space):
    rng = np.random.default_rng(n)
    rows, S = Rows(rng.standard_normal((n, 10))), rng.standard_normal((10, 10))
    S = S + S.T
    X = rows.block(0, n)
    form = RowForm(rows) if space is RowForm else form_of(rows, 1.0)
    assert type(form) is space
    expected = sum((x @ S @ x) * np.outer(x, x) for x in X)
    np.testing.assert_allclose(form.image(S), expected, atol=1e-12 * np.abs(expected).max())
