"""What a bound is, how it is proved and how it is stored. Knows no solver."""

from hypernorm.certificates.cluster import ClusterCertificate
from hypernorm.certificates.covariance import CovarianceCertificate, VerifiedCovarianceBound, whitened_rows
from hypernorm.certificates.loading import load_certificate
from hypernorm.certificates.mean import (
    MeanCertificate,
    VerifiedMeanBound,
    displaced_mass,
    largest_difference,
    of_pieces,
    weighted_rows,
)
from hypernorm.certificates.norm import Certificate, Rigor, VerifiedBound
from hypernorm.certificates.plan import KINDS, Factor, is_available, plan
from hypernorm.certificates.product_state import ProductState
from hypernorm.certificates.rounding import UNIT, precision, reweight, weight_spread
from hypernorm.certificates.separable import SeparableCertificate
from hypernorm.certificates.witness import VerifiedValue, Witness, attained_value

__all__ = [
    "KINDS",
    "UNIT",
    "Certificate",
    "ClusterCertificate",
    "CovarianceCertificate",
    "Factor",
    "MeanCertificate",
    "ProductState",
    "Rigor",
    "SeparableCertificate",
    "VerifiedBound",
    "VerifiedCovarianceBound",
    "VerifiedMeanBound",
    "VerifiedValue",
    "Witness",
    "attained_value",
    "displaced_mass",
    "is_available",
    "largest_difference",
    "load_certificate",
    "of_pieces",
    "plan",
    "precision",
    "reweight",
    "weight_spread",
    "weighted_rows",
    "whitened_rows",
]
