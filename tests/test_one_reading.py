"""A matrix is looked at once and hashed once in a call, however many proofs rest on it."""

import sys

import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm import _validation
from hypernorm.forms import rows
from hypernorm.robust import certify_mean

X = np.random.default_rng(0).standard_normal((60, 4))


class Counted:
    """Calls of the scan for entries that cannot be used, and of the hash, by the shape of the matrix."""

    def __init__(self, monkeypatch):
        self.scans, self.hashes = [], []
        self._replace(monkeypatch, _validation._check_entries, "_check_entries", self.scans)
        self._replace(monkeypatch, rows.fingerprint, "fingerprint", self.hashes)

    @staticmethod
    def _replace(monkeypatch, function, name, calls):
        def counted(matrix, *rest):
            calls.append(tuple(matrix.shape))
            return function(matrix, *rest)

        for module in [module for key, module in sys.modules.items() if key.startswith("hypernorm")]:
            if getattr(module, name, None) is function:
                monkeypatch.setattr(module, name, counted)

    def of(self, shape):
        return self.scans.count(shape), self.hashes.count(shape)


JOBS = {
    "two_to_q_norm": lambda X: hn.two_to_q_norm(X, 4, random_state=0),
    "two_to_q_norm, q = 3": lambda X: hn.two_to_q_norm(X, 3, random_state=0),
    "spectral_bound": lambda X: hn.spectral_bound(X, 4),
    "sos_bound": lambda X: hn.sos_bound(X, 4, random_state=0),
    "lower_bound": lambda X: hn.lower_bound(X, 4, random_state=0),
    "smallest_gain": lambda X: hn.smallest_gain(X, 4, random_state=0),
    "certify_mean": lambda X: certify_mean(X, np.ones(60), 0.1),
}
PROOFS = {
    "norm": hn.sos_bound(X, 4, random_state=0),
    "witness": hn.lower_bound(X, 4, random_state=0),
    "gain": hn.smallest_gain(X, 4, random_state=0).certificate,
    "mean": certify_mean(X, np.ones(60), 0.1),
}


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("job", JOBS)
def test_one_call_reads_once(job, convert, monkeypatch):
    counted = Counted(monkeypatch)
    JOBS[job](convert(X))
    assert counted.of(X.shape) == (1, 1)
    assert set(counted.hashes) == {X.shape}  # rows that a proof computes are not hashed


@pytest.mark.parametrize("kind", PROOFS)
def test_one_verification_reads_once(kind, monkeypatch):
    counted = Counted(monkeypatch)
    PROOFS[kind].verify(X)
    assert counted.of(X.shape) == (1, 1)
    assert set(counted.hashes) == {X.shape}
