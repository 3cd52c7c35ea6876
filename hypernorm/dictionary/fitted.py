"""A fitted dictionary: the attributes that a fit sets, each from what the search has found."""

from __future__ import annotations

import numpy as np

from hypernorm.dictionary.atoms import Atoms
from hypernorm.dictionary.encoding import Coder
from hypernorm.dictionary.learning import Learned
from hypernorm.dictionary.overcomplete import Overcomplete
from hypernorm.dictionary.significance import significance, standardised_values
from hypernorm.dictionary.stiefel import Ascent
from hypernorm.dictionary.theory import gaussian_moment
from hypernorm.dictionary.whitening import Whitening

__all__ = ["FittedDictionary"]


class FittedDictionary(Coder):
    """The part of the estimator that has the attributes of a fit; `LpDictionaryLearning` says what each means."""

    def _set_learned(self, learned: Learned, whitening: Whitening, p: float, r: float, log2_scale: int) -> None:
        """Set what `fit` has learned from r samples / 2^log2_scale."""
        self._set_statistics(learned.found, whitening, p, r)
        self.standard_errors_, self.expected_error_ = learned.errors.standard_errors, learned.errors.recovery
        self.learnable_ = learned.learnable
        self.refinement_, self.noise_ = learned.method, learned.noise
        if learned.theta is not None:
            self.sparsity_ = learned.theta
        self._set_atoms(learned.atoms, whitening, log2_scale)

    def _set_statistics(self, found: Ascent, whitening: Whitening, p: float, r: float) -> None:
        p = p if found.signs is None else 4.0
        values = standardised_values(found, whitening, p)
        self.contrast_ = "power" if found.signs is None else "kurtosis"
        self.objective_ = float(values.mean())
        self.significance_ = significance(found, whitening, p, r)
        # For standardised Bernoulli–Gaussian coefficients, E|z|^p = E|N(0,1)|^p θ^{1−p/2}.
        with np.errstate(divide="ignore", over="ignore"):
            self.sparsity_ = np.minimum((values / gaussian_moment(p)) ** (-2 / (p - 2)), 1.0)
        self.n_iter_, self.refinement_, self.noise_ = found.n_iter, "none", np.nan

    def _set_atoms(self, atoms: Atoms, whitening: Whitening, log2_scale: int) -> None:
        """Set the atoms from those of samples / 2^log2_scale."""
        self.components_, self.unmixing_ = atoms.components, atoms.unmixing
        self.mean_ = np.ldexp(whitening.mean + atoms.shift, log2_scale)
        self.scales_ = np.ldexp(atoms.scales, log2_scale)

    def _set_overcomplete(self, found: Overcomplete, whitening: Whitening, log2_scale: int) -> None:
        """Set what is known of more atoms than features, from those of samples / 2^log2_scale."""
        self.components_, self.unmixing_ = found.atoms, np.linalg.pinv(found.atoms).T
        self.mean_ = np.ldexp(whitening.mean, log2_scale)
        self.scales_ = np.ldexp(np.sqrt(found.squares), log2_scale)
        self.sparsity_, self.significance_ = found.uses, np.full(len(found.atoms), np.nan)
        self.objective_ = self.expected_error_ = self.noise_ = np.nan
        self.standard_errors_ = np.full(self.components_.shape, np.nan)
        self._forget("learnable_")
        self.n_iter_, self.converged_ = found.n_iter, found.converged
        self.contrast_, self.refinement_ = "power", "none"

    def _forget(self, *names: str) -> None:
        """Delete attributes of an earlier fit."""
        for name in names:
            self.__dict__.pop(name, None)
