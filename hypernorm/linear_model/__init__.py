"""Linear regression with a Schatten-norm bound on the bias: the extended Gauss–Markov theorem."""

from hypernorm.linear_model.cross_validation import SchattenRegressorCV
from hypernorm.linear_model.inference import BiasAwareInterval
from hypernorm.linear_model.path import CoefficientPath
from hypernorm.linear_model.regressor import SchattenRegressor
from hypernorm.linear_model.theory import estimation_risk, generalization_error

__all__ = [
    "BiasAwareInterval",
    "CoefficientPath",
    "SchattenRegressor",
    "SchattenRegressorCV",
    "estimation_risk",
    "generalization_error",
]
