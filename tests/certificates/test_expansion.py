"""Certificates of expansion: the error of the matrix inequality, forged proofs, other graphs, and files."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm.applications import small_set_expansion
from hypernorm.certificates.expansion import _dominating, hoelder_weights
from hypernorm.exceptions import CertificateError
from hypernorm.forms.walk import Walk
from tests.certificates.specimens import MAKE
from tests.oracles.graphs import random_graph


@pytest.mark.parametrize("n", [5, 30])
@pytest.mark.parametrize("q", [2, 3, 4, math.inf])
def test_error_of_the_matrix_inequality_is_bounded(n, q):
    """Against extended precision: the computed matrix is within the stated error of the true one, and definite."""
    A = random_graph(np.random.default_rng(n), n)
    walk = Walk.read(A)
    proof = small_set_expansion(A, 0.1, q=q, random_state=0).certificate
    assert proof.dimension > 0
    Y = hoelder_weights(walk, q)[:, None] * proof.matrix
    computed, error = _dominating(walk, proof.threshold, proof.slack, Y)

    exact, X = A.astype(np.longdouble), proof.matrix.astype(np.longdouble)
    D = exact.sum(axis=1)
    pi = D / D.sum()
    power = np.longdouble(1) / 2 - (0 if math.isinf(q) else 1 / np.longdouble(q))
    weights = hoelder_weights(walk, q)
    assert (weights <= pi**power * (1 + np.longdouble(1e-18))).all()
    assert (weights >= pi**power * (1 - np.longdouble(n * 1e-14))).all()
    Z = weights.astype(np.longdouble)[:, None] * X
    level, slack = np.longdouble(proof.threshold), np.longdouble(proof.slack)
    true = (level + slack) * np.eye(n) + (1 - level) * np.sqrt(np.outer(pi, pi)) + Z @ Z.T
    true -= exact / np.sqrt(np.outer(D, D))
    assert np.linalg.norm((computed - true).astype(np.float64)) < error < 1e-11
    assert np.linalg.eigvalsh(true.astype(np.float64))[0] > 0


class TestForgedProofs:
    A = random_graph(np.random.default_rng(5), 12, loops=False)
    proof = small_set_expansion(A, 0.1, random_state=0).certificate

    def test_genuine(self):
        assert self.proof.verify(self.A).rigor is hn.Rigor.FLOATING_POINT
        assert self.proof.verify(sp.csr_array(self.A * 7)).upper <= self.proof.norm_bound

    @pytest.mark.parametrize(
        "change",
        [
            {"threshold": 0.09},
            {"slack": 0.0},
            {"slack": 1e-14},
            {"norm_bound": 0.5},
            {"q": 3.0},
            {"norm": None},
            {"threshold": math.nan},
            {"norm_bound": math.inf},
            {"slack": -1.0},
            {"threshold": 1},
            {"matrix": np.zeros((12, 3))},
            {"matrix": np.zeros((11, 3))},
            {"matrix": np.zeros((12, 0))},
            {"matrix": np.full((12, 3), np.nan)},
            {"matrix": np.ma.masked_array(proof.matrix)},
            {"matrix": proof.matrix * 0.999},
            {"matrix": proof.matrix * 1.001},
        ],
        ids=str,
    )
    def test_changed(self, change):
        with pytest.raises(CertificateError):
            dataclasses.replace(self.proof, **change).verify(self.A)

    def test_certificate_of_another_matrix(self):
        other = small_set_expansion(self.A, 0.2, random_state=0)
        with pytest.raises(CertificateError):
            dataclasses.replace(self.proof, norm=other.certificate.norm).verify(self.A)

    def test_norm_bound_below_what_the_certificate_proves(self):
        smaller = math.nextafter(self.proof.norm.upper, 0)
        with pytest.raises(CertificateError, match="proved to be at most"):
            dataclasses.replace(self.proof, norm_bound=smaller).verify(self.A)

    def test_another_graph(self):
        A = self.A.copy()
        i, j = np.argwhere(np.triu(A) > 0)[0]
        A[i, j] = A[j, i] = 1.01 * A[i, j]
        with pytest.raises(CertificateError, match="Nothing is proved"):
            self.proof.verify(A)
        with pytest.raises(CertificateError, match="12 vertices"):
            self.proof.verify(self.A[:11, :11] + np.eye(11))

    def test_spectral_proof_for_a_graph_with_a_smaller_gap(self):
        spectral = small_set_expansion(np.ones((6, 6)), 0.0)
        two_parts = np.kron(np.eye(2), np.ones((3, 3)))
        with pytest.raises(CertificateError, match="Nothing is proved"):
            spectral.verify(two_parts)


def test_what_was_verified_bounds_the_expansion():
    proof, graph = MAKE["expansion"]()
    found = proof.verify(graph)
    for mu in (0.125, 0.25, 1.0):
        assert proof.bound(mu) <= found.bound(mu) <= proof.bound(mu) + 1e-9
    with pytest.raises(hn.InvalidInputError, match="mu must be"):
        found.bound(0.0)
    loose = dataclasses.replace(proof, slack=10.0)
    assert loose.verify(graph).bound(0.125) == 0.0
