"""Dictionary learning by ℓp-norm maximisation, on the kernels of the 2→p norm."""

from hypernorm.dictionary.certification import CertifiedAtom
from hypernorm.dictionary.estimator import LpDictionaryLearning
from hypernorm.dictionary.theory import expected_error, recovery_error

__all__ = ["CertifiedAtom", "LpDictionaryLearning", "expected_error", "recovery_error"]
