"""Exceptions and warnings of hypernorm; every error raised on purpose is a `HypernormError`."""

__all__ = ["CertificateError", "ChangedDataError", "ConvergenceWarning", "HypernormError", "InvalidInputError"]


class HypernormError(Exception):
    """Base of all errors that hypernorm raises on purpose."""


class InvalidInputError(HypernormError, ValueError):
    """An argument cannot be used; the message names it, says what is wrong and what to do."""


class CertificateError(HypernormError):
    """A certificate does not prove what it claims, or its file cannot be trusted; the message says why."""


class ChangedDataError(InvalidInputError, CertificateError):
    """The data changed while they were read: they cannot be used, and nothing can be proved about them."""


class ConvergenceWarning(UserWarning):
    """An iteration stopped before its tolerance; what is returned is proved but may be loose."""
