"""The best separable state value: the largest expectation of an observable in a separable state."""

from hypernorm.separable.value import norm_operator, norm_witness, separable_value

__all__ = ["norm_operator", "norm_witness", "separable_value"]
