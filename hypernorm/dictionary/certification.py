"""Certify that an atom is optimal: the 2→p norm of the whitened samples bounds the objective of every atom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from hypernorm._arithmetic import own_arithmetic
from hypernorm.bounds import NormInterval, two_to_q_norm
from hypernorm.certificates import Witness, attained_value
from hypernorm.dictionary.whitening import Whitening
from hypernorm.forms import Rows, fingerprint

__all__ = ["AtomCertificate", "certify_leading_atom"]


@dataclass(frozen=True, eq=False)
class AtomCertificate:
    """Proved bounds on ‖Zw‖_p for an atom and for every unit vector w.

    Attributes
    ----------
    atom : int
        The atom with the largest value, by its row in ``components_``.
    value : float
        ‖Zw‖_p for this atom, proved from below by `witness`.
    upper : float
        Proved upper bound for every unit vector.
    matrix : ndarray of shape (n_samples, k)
        Z, the centred and whitened samples; the proofs refer to this matrix.
    witness : Witness
        The proof of `value`.
    interval : NormInterval
        The bounds on the 2→p norm of Z; ``interval.certificate.verify(matrix)`` proves the upper bound again.
    """

    atom: int
    value: float
    upper: float
    matrix: np.ndarray
    witness: Witness
    interval: NormInterval

    @property
    def gap(self) -> float:
        """Relative gap upper/value − 1."""
        return self.upper / self.value - 1

    @own_arithmetic
    def is_global(self, rtol: float = 1e-6) -> bool:
        """Whether no unit vector exceeds the atom's value by more than a relative `rtol`."""
        return self.gap <= rtol


def certify_leading_atom(
    rows: Rows, whitening: Whitening, unmixing: np.ndarray, p: float, options: Mapping[str, Any]
) -> AtomCertificate:
    """Certificate for the row of `unmixing` with the largest value."""
    blocks = range(0, rows.shape[0], rows.block_rows())
    step = blocks.step
    Z = np.vstack([(rows.block(b, min(b + step, rows.shape[0])) - whitening.mean) @ whitening.K for b in blocks])
    # In whitened coordinates a unit vector extracts the same code as the row.
    vectors = unmixing @ whitening.inverse.T
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    whitened = Rows(Z)
    atom = int(np.argmax([attained_value(whitened, vector, p) for vector in vectors]))
    witness = Witness(vectors[atom], p, attained_value(whitened, vectors[atom], p), Z.shape, fingerprint(Z))
    interval = two_to_q_norm(Z, p, **options)
    return AtomCertificate(atom, witness.value, interval.upper, Z, witness, interval)
