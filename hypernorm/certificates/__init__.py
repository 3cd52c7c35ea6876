"""Certificates: claims, proofs and files. The only package that proves; it imports no solver."""

from hypernorm.certificates.atom import AtomCertificate
from hypernorm.certificates.base import Certificate
from hypernorm.certificates.cluster import ClusterCertificate, VerifiedClusterBound
from hypernorm.certificates.complex_norm import ComplexNormCertificate
from hypernorm.certificates.complex_rows import COMPLEX_EXPONENTS, ComplexRows
from hypernorm.certificates.complex_witness import ComplexWitness
from hypernorm.certificates.covariance import CovarianceCertificate, VerifiedCovarianceBound, whitened_rows
from hypernorm.certificates.cut import CutNormCertificate, CutNormWitness, bordered
from hypernorm.certificates.displacement import are_base_weights, total_variation_bound
from hypernorm.certificates.edge import EdgeCertificate
from hypernorm.certificates.enumeration import LARGEST_ENUMERATION, EnumerationCertificate, sign_sums
from hypernorm.certificates.expansion import ExpansionCertificate, VerifiedExpansion
from hypernorm.certificates.factored import FactoredSingularValueCertificate, factor_basis, joint_fingerprint
from hypernorm.certificates.files import load_certificate
from hypernorm.certificates.gain_witness import GainWitness
from hypernorm.certificates.interpolation import COMPLEX_RULES, InterpolationCertificate
from hypernorm.certificates.invariant_norm import InvariantNormCertificate
from hypernorm.certificates.low_rank import LowRankErrorCertificate, VerifiedLowRankError, error_ratios
from hypernorm.certificates.lower_gain import GAIN_EXPONENTS, LowerGainCertificate
from hypernorm.certificates.majorants import DEGREES, has_touching, touching_nodes, touching_polynomial
from hypernorm.certificates.max_norm import MaxNormCertificate, weighted_matrix
from hypernorm.certificates.mean import MeanCertificate, VerifiedMeanBound
from hypernorm.certificates.moments import largest_difference, of_pieces, weighted_rows
from hypernorm.certificates.norm import NormCertificate
from hypernorm.certificates.nuclear import NuclearBoundsCertificate, column_lengths
from hypernorm.certificates.operator import Operand, OperatorCertificate, identified_matrix, operand_of
from hypernorm.certificates.operator_witness import OperatorWitness
from hypernorm.certificates.perron import PerronCertificate
from hypernorm.certificates.plan import KINDS, Factor, is_available, plan
from hypernorm.certificates.product_state import ProductState
from hypernorm.certificates.reduced import MatrixNormCertificate, ReducedCertificate, coordinate_rows
from hypernorm.certificates.registry import register
from hypernorm.certificates.rounding import TINY, UNIT, known_reweighting, precision, reweight, weight_spread
from hypernorm.certificates.sample_moment import SampleMomentCertificate, SampleMomentWitness
from hypernorm.certificates.sample_rows import SampleRows
from hypernorm.certificates.separable import SeparableCertificate
from hypernorm.certificates.singular_values import SingularValueCertificate, VerifiedSingularValues
from hypernorm.certificates.split import SplitCertificate
from hypernorm.certificates.subspace import SubspaceCertificate
from hypernorm.certificates.touching import TouchingCertificate, touching_form, touching_majorants
from hypernorm.certificates.tucker import TuckerErrorCertificate
from hypernorm.certificates.two_to_q_weights import TwoToQCertificate, weighted_columns
from hypernorm.certificates.verified import (
    Claim,
    Rigor,
    Verified,
    VerifiedBound,
    VerifiedEnclosure,
    VerifiedErrorBound,
    VerifiedValue,
)
from hypernorm.certificates.weights import WeightsCertificate
from hypernorm.certificates.witness import Witness, attained_value

__all__ = [
    "COMPLEX_EXPONENTS",
    "COMPLEX_RULES",
    "DEGREES",
    "GAIN_EXPONENTS",
    "KINDS",
    "LARGEST_ENUMERATION",
    "TINY",
    "UNIT",
    "AtomCertificate",
    "Certificate",
    "Claim",
    "ClusterCertificate",
    "ComplexNormCertificate",
    "ComplexRows",
    "ComplexWitness",
    "CovarianceCertificate",
    "CutNormCertificate",
    "CutNormWitness",
    "EdgeCertificate",
    "EnumerationCertificate",
    "ExpansionCertificate",
    "Factor",
    "FactoredSingularValueCertificate",
    "GainWitness",
    "InterpolationCertificate",
    "InvariantNormCertificate",
    "LowRankErrorCertificate",
    "LowerGainCertificate",
    "MatrixNormCertificate",
    "MaxNormCertificate",
    "MeanCertificate",
    "NormCertificate",
    "NuclearBoundsCertificate",
    "Operand",
    "OperatorCertificate",
    "OperatorWitness",
    "PerronCertificate",
    "ProductState",
    "ReducedCertificate",
    "Rigor",
    "SampleMomentCertificate",
    "SampleMomentWitness",
    "SampleRows",
    "SeparableCertificate",
    "SingularValueCertificate",
    "SplitCertificate",
    "SubspaceCertificate",
    "TouchingCertificate",
    "TuckerErrorCertificate",
    "TwoToQCertificate",
    "Verified",
    "VerifiedBound",
    "VerifiedClusterBound",
    "VerifiedCovarianceBound",
    "VerifiedEnclosure",
    "VerifiedErrorBound",
    "VerifiedExpansion",
    "VerifiedLowRankError",
    "VerifiedMeanBound",
    "VerifiedSingularValues",
    "VerifiedValue",
    "WeightsCertificate",
    "Witness",
    "are_base_weights",
    "attained_value",
    "bordered",
    "column_lengths",
    "coordinate_rows",
    "error_ratios",
    "factor_basis",
    "has_touching",
    "identified_matrix",
    "is_available",
    "joint_fingerprint",
    "known_reweighting",
    "largest_difference",
    "load_certificate",
    "of_pieces",
    "operand_of",
    "plan",
    "precision",
    "register",
    "reweight",
    "sign_sums",
    "total_variation_bound",
    "touching_form",
    "touching_majorants",
    "touching_nodes",
    "touching_polynomial",
    "weight_spread",
    "weighted_columns",
    "weighted_matrix",
    "weighted_rows",
    "whitened_rows",
]
