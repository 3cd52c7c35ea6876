"""Is an atom the best there is? The 2→p norm of the whitened samples answers with a proof."""

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
    """How near an atom comes to the largest ‖Zw‖_p over unit vectors w.

    Attributes
    ----------
    atom : int
        The atom with the largest value, by its row in ``components_``.
    value : float
        ‖Zw‖_p for this atom, proved from below by `witness`.
    upper : float
        Proved upper bound for every unit vector.
    matrix : ndarray of shape (n_samples, k)
        Z, the centred and whitened samples that the proofs are about.
    witness : Witness
    interval : NormInterval
        The bounds on the 2→p norm of Z; ``interval.certificate.verify(matrix)`` proves the upper one again.
    """

    atom: int
    value: float
    upper: float
    matrix: np.ndarray
    witness: Witness
    interval: NormInterval

    @property
    def gap(self) -> float:
        """upper/value − 1."""
        return self.upper / self.value - 1

    @own_arithmetic
    def is_global(self, rtol: float = 1e-6) -> bool:
        """Whether no unit vector exceeds the atom's value by more than a relative `rtol`."""
        return self.gap <= rtol


def certify_leading_atom(
    rows: Rows, whitening: Whitening, unmixing: np.ndarray, p: float, options: Mapping[str, Any]
) -> AtomCertificate:
    """The certificate for the row of `unmixing` with the largest value."""
    blocks = range(0, rows.shape[0], rows.block_rows())
    step = blocks.step
    Z = np.vstack([(rows.block(b, min(b + step, rows.shape[0])) - whitening.mean) @ whitening.K for b in blocks])
    # The row extracts a code; the unit vector does the same in whitened coordinates.
    vectors = unmixing @ whitening.inverse.T
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    whitened = Rows(Z)
    atom = int(np.argmax([attained_value(whitened, vector, p) for vector in vectors]))
    witness = Witness(vectors[atom], p, attained_value(whitened, vectors[atom], p), Z.shape, fingerprint(Z))
    interval = two_to_q_norm(Z, p, **options)
    return AtomCertificate(atom, witness.value, interval.upper, Z, witness, interval)
