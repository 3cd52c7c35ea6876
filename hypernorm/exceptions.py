"""Exceptions and warnings of hypernorm; every error raised on purpose is a `HypernormError`."""

__all__ = [
    "CertificateError",
    "ChangedDataError",
    "ConvergenceWarning",
    "HypernormError",
    "InvalidInputError",
    "TooLargeError",
]


class HypernormError(Exception):
    """Base class of all errors that hypernorm raises on purpose."""


class InvalidInputError(HypernormError, ValueError):
    """An argument is invalid; the message names the argument, the fault and the remedy."""


class TooLargeError(InvalidInputError):
    """The work does not fit in memory; it was not begun."""


class CertificateError(HypernormError):
    """A certificate does not prove its claim, or its file is damaged; the message gives the reason."""


class ChangedDataError(InvalidInputError, CertificateError):
    """The data changed while they were read, so nothing can be proved about them."""


class ConvergenceWarning(UserWarning):
    """An iteration stopped before reaching its tolerance; the returned bound is proved but may be loose."""
