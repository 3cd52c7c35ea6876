"""Each kind of certificate proves its claim for subjects of the right type and shape, and refuses all others."""

import dataclasses

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.certificates.subspace import read_basis
from hypernorm.datasets import noisy_cube
from hypernorm.forms import Rows, ScaledMatrix
from hypernorm.forms.product import ProductForm
from hypernorm.forms.walk import Walk
from tests.certificates.specimens import MAKE, X

SUBJECTS = {
    "none": None,
    "list": [1.0, 2.0],
    "array": X,
    "another shape": X[:7],
    "masked": np.ma.masked_array(X, True),
    "rows": Rows(X),
    "shifted rows": Rows(X).shifted(np.ones(3)),
    "reweighted rows": Rows(X).reweighted(np.full(40, 7.0)),
    "rows of other columns": Rows(X[:, :2]),
    "form": ProductForm(np.eye(4), (2, 2), "complex"),
    "walk": Walk.read(noisy_cube(2, 0.5)),
    "scaled matrix": ScaledMatrix(X),
    "scaled matrix of another shape": ScaledMatrix(X[:7]),
    "basis": read_basis(X[:9]),
}
FITS = {
    "norm": ["rows"],
    "sos": ["rows"],
    "split": ["rows"],
    "touching": ["rows"],
    "witness": ["rows"],
    "gain": ["rows"],
    "spectral gain": ["rows"],
    "gain witness": ["rows"],
    "mean": ["array"],
    "weighted mean": ["array"],
    "covariance": ["array"],
    "trimmed mean": ["array"],
    "cluster": ["array"],
    "sample moment": ["array"],
    "sample moment witness": ["array"],
    "operator edge": ["scaled matrix"],
    "perron": ["scaled matrix"],
    "weights": ["scaled matrix"],
    "enumeration": ["scaled matrix"],
    "two to q": ["scaled matrix"],
    "interpolation": ["scaled matrix"],
    "operator witness": ["scaled matrix"],
    "cut norm": ["scaled matrix"],
    "cut norm witness": ["scaled matrix"],
    "singular values": ["rows"],
    "schatten": ["rows"],
    "max norm": ["rows"],
    "nuclear bounds": ["rows"],
    "low rank error": ["rows"],
}


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize("name", MAKE)
def test_only_a_subject_of_the_right_kind_is_proved(name, subject, proofs):
    proof, data = proofs[name]
    if subject in FITS.get(name, []):
        assert dataclasses.replace(proof.prove(SUBJECTS[subject]), seconds=0.0) == dataclasses.replace(
            proof.verify(data), seconds=0.0
        )
    else:
        with pytest.raises(hn.CertificateError) as caught:
            proof.prove(SUBJECTS[subject])
        assert "\n" not in str(caught.value)
