"""What refinement, weights, starts and more atoms than features can be combined with."""

import numpy as np
import pytest

from hypernorm.datasets import planted_dictionary
from hypernorm.dictionary import LpDictionaryLearning, recovery_error
from hypernorm.exceptions import InvalidInputError

PLANTED = planted_dictionary(3000, 8, theta=0.2, condition=5, random_state=1)
X = PLANTED.samples


@pytest.mark.parametrize("refine", ["auto", "likelihood"])
def test_weights_are_refused_by_a_likelihood(refine):
    model = LpDictionaryLearning(refine=refine, random_state=0)
    with pytest.raises(InvalidInputError, match="knows equal weights only"):
        model.fit(X, sample_weight=np.ones(len(X)))


@pytest.mark.parametrize(
    "options", [{"refine": True}, {"refine": "auto"}, {"w_init": np.ones((12, 8))}, {"contrast": "kurtosis"}]
)
def test_more_atoms_than_features_refuse_what_they_do_not_use(options):
    with pytest.raises(InvalidInputError, match="are learned without"):
        LpDictionaryLearning(12, random_state=0, **options).fit(X)
    with pytest.raises(InvalidInputError, match="without sample_weight"):
        LpDictionaryLearning(12, random_state=0).fit(X, sample_weight=np.ones(len(X)))


def test_a_likelihood_keeps_order_and_signs_and_claims_no_errors():
    plain = LpDictionaryLearning(random_state=0).fit(X)
    model = LpDictionaryLearning(refine="auto", random_state=0).fit(X)
    assert model.refinement_ == "likelihood"
    assert recovery_error(model.unmixing_, PLANTED.dictionary) < 1e-9
    assert np.isnan(model.standard_errors_).all()
    assert np.isnan(model.expected_error_)
    assert np.isfinite(plain.standard_errors_).all()
    assert model.learnable_.all()
    assert (np.diff(model.scales_) <= 0).all()
    largest = np.abs(model.components_).argmax(axis=1)
    assert (model.components_[np.arange(8), largest] > 0).all()
    # Every attribute is in the order of the atoms: each atom is one of the norm's, with the same statistics.
    near = np.abs(model.components_ @ plain.components_.T).argmax(axis=1)
    assert sorted(near) == list(range(8))
    np.testing.assert_array_equal(model.significance_, plain.significance_[near])
    np.testing.assert_allclose(model.sparsity_, 0.2, atol=0.04)


def test_a_start_with_refinement():
    first = LpDictionaryLearning(random_state=0).fit(X)
    again = LpDictionaryLearning(refine="auto", w_init=first.unmixing_).fit(X)
    assert recovery_error(again.unmixing_, PLANTED.dictionary) < 1e-9


def test_more_atoms_have_the_order_and_the_signs_of_others():
    rng = np.random.default_rng(0)
    atoms = rng.standard_normal((12, 8))
    codes = np.zeros((2000, 12))
    for row in codes:
        row[rng.choice(12, 2, replace=False)] = rng.standard_normal(2)
    model = LpDictionaryLearning(12, transform_n_nonzero_coefs=2, random_state=0).fit(codes @ atoms)
    assert (np.diff(model.scales_) <= 0).all()
    largest = np.abs(model.components_).argmax(axis=1)
    assert (model.components_[np.arange(12), largest] > 0).all()
    assert np.isnan(model.standard_errors_).all()
    assert not hasattr(model, "learnable_")
