"""A specimen of every kind of certificate, with the data that it is about."""

import numpy as np

import hypernorm as hn
from hypernorm.applications import small_set_expansion, sparsest_direction
from hypernorm.datasets import noisy_cube, planted_dictionary
from hypernorm.dictionary import LpDictionaryLearning
from hypernorm.robust import MomentClustering, certify_covariance, certify_mean
from hypernorm.separable import separable_value

__all__ = ["MAKE", "X"]

X = np.random.default_rng(0).standard_normal((40, 3))
COMPLEX = X[:8] + 1j * X[8:16]
M = np.kron(X.T @ X, X.T @ X)
CUBE = noisy_cube(3, 0.8)
PRODUCT = hn.LowRank(X, X[:20])
TENSOR = X[:12].reshape(4, 3, 3)
SAMPLES = planted_dictionary(300, 3, theta=0.3, random_state=0).samples


def _separable():
    interval = separable_value(M, (3, 3), random_state=0)
    return interval.certificate, interval.witness


def _moment():
    options = {"center": True, "sample_weight": np.arange(40.0), "normalize": True, "method": "spectral"}
    return hn.two_to_q_norm(X, 3.5, **options, random_state=0)


MAKE = {
    "norm": lambda: (hn.spectral_bound(X, 3.5), X),
    "sos": lambda: (hn.sos_bound(X, 4, random_state=0), X),
    "split": lambda: (hn.spectral_bound(X, 3.5, kind="split"), X),
    "touching": lambda: (hn.sos_bound(X, 3.5, random_state=0), X),
    "reduced": lambda: (hn.spectral_bound(X[:2], 3.5), X[:2]),
    "without zero columns": lambda: (hn.spectral_bound(X * [1, 0, 1], 3.5), X * [1, 0, 1]),
    "sample moment": lambda: (_moment().certificate, X),
    "sample moment witness": lambda: (_moment().witness, X),
    "witness": lambda: (hn.lower_bound(X, 4, random_state=0), X),
    "complex norm": lambda: (hn.two_to_q_norm(COMPLEX, 4, random_state=0).certificate, COMPLEX),
    "complex witness": lambda: (hn.lower_bound(COMPLEX, 4, random_state=0), COMPLEX),
    "gain": lambda: (hn.smallest_gain(X, random_state=0).certificate, X),
    "spectral gain": lambda: (hn.smallest_gain(X, 6, method="spectral", random_state=0).certificate, X),
    "gain witness": lambda: (hn.smallest_gain(X, random_state=0).witness, X),
    "separable": lambda: (_separable()[0], M),
    "product state": lambda: (_separable()[1], M),
    "operator edge": lambda: (hn.operator_certificate(X, 1, 2.5, rule="edge"), X),
    "perron": lambda: (hn.operator_certificate(X, 3, 2, rule="perron"), X),
    "weights": lambda: (hn.operator_certificate(X, 3, 1.5, random_state=0), X),
    "enumeration": lambda: (hn.operator_certificate(X, np.inf, 1, rule="enumeration"), X),
    "two to q": lambda: (hn.operator_certificate(X, 3, 4, rule="two_to_q", random_state=0), X),
    "interpolation": lambda: (hn.operator_certificate(X, 3, 4, rule="interpolation", random_state=0), X),
    "complex edge": lambda: (hn.operator_certificate(COMPLEX, 1, 2.5, rule="edge"), COMPLEX),
    "complex weights": lambda: (hn.operator_certificate(COMPLEX, 3, 1.5, random_state=0), COMPLEX),
    "complex two to q": lambda: (
        hn.operator_certificate(COMPLEX, 3, 4, rule="two_to_q", random_state=0),
        COMPLEX,
    ),
    "cut norm": lambda: (hn.cut_norm(X, method="weights", random_state=0).certificate, X),
    "cut norm witness": lambda: (hn.cut_norm(X, method="cheap", random_state=0).witness, X),
    "complex operator witness": lambda: (hn.lower_bound(COMPLEX, 3, p=1.5, random_state=0), COMPLEX),
    "operator witness": lambda: (hn.lower_bound(X, 3, p=1.5, random_state=0), X),
    "mean": lambda: (certify_mean(X, np.ones(40), 0.1), X),
    "weighted mean": lambda: (certify_mean(X, np.ones(40), 0.1, sample_weight=np.arange(1.0, 41.0)), X),
    "trimmed mean": lambda: (certify_mean(X, np.arange(40) > 2, 0.1), X),
    "covariance": lambda: (certify_covariance(X, np.ones(40), 0.02), X),
    "cluster": lambda: (MomentClustering(1, random_state=0).fit(X).certificates_[0], X),
    "expansion": lambda: (small_set_expansion(CUBE, 0.3, random_state=0).certificate, CUBE),
    "spectral expansion": lambda: (small_set_expansion(CUBE, 0.9).certificate, CUBE),
    "subspace": lambda: (sparsest_direction(X, random_state=0).certificate, X),
    "singular values": lambda: (hn.singular_values(X).certificate, X),
    "factored singular values": lambda: (hn.singular_values(PRODUCT).certificate, PRODUCT),
    "schatten": lambda: (hn.schatten_norm(X, 3).certificate, X),
    "nuclear bounds": lambda: (hn.nuclear_bounds(X).certificate, X),
    "low rank error": lambda: (hn.low_rank_error(X, X[:, :1], np.eye(3)[:, :1]).certificate, X),
    "max norm": lambda: (hn.max_norm(X).certificate, X),
    "tucker error": lambda: (hn.tucker_error(TENSOR, [2, 2, 1]).certificate, TENSOR),
    "ky fan": lambda: (hn.ky_fan_norm(PRODUCT, 2).certificate, PRODUCT),
    "atom": lambda: (
        LpDictionaryLearning(1, p=4, random_state=0).fit(SAMPLES).certify(SAMPLES, random_state=0).certificate,
        SAMPLES,
    ),
}
