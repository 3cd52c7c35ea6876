"""Dictionary learning by ℓp-norm maximisation, on the kernels of the 2→p norm."""

from hypernorm.dictionary.certification import AtomCertificate
from hypernorm.dictionary.estimator import LpDictionaryLearning
from hypernorm.dictionary.theory import expected_error, recovery_error

__all__ = ["AtomCertificate", "LpDictionaryLearning", "expected_error", "recovery_error"]
