"""The registry of certificates: which class the name of a kind in a file means."""

from __future__ import annotations

from typing import TypeVar

from hypernorm.certificates.base import Certificate

__all__ = ["REGISTERED", "register"]

Kind = TypeVar("Kind", bound="type[Certificate]")

REGISTERED: dict[str, type[Certificate]] = {}
"""The registered classes by the names of their kinds."""


def register(kind: Kind) -> Kind:
    """Class decorator: let `load_certificate` find the class by its `kinds`.

    Parameters
    ----------
    kind : type

    Returns
    -------
    type

    Raises
    ------
    TypeError
        If another class has one of the names.

    See Also
    --------
    load_certificate : Finds the class.

    Examples
    --------
    >>> from hypernorm.certificates import EdgeCertificate
    >>> register(EdgeCertificate) is EdgeCertificate  # it is registered already
    True
    """
    for name in kind.kinds:
        other = REGISTERED.get(name, kind)
        if (other.__module__, other.__qualname__) != (kind.__module__, kind.__qualname__):
            raise TypeError(f"the kind {name!r} is that of {other.__qualname__} already; choose another name")
    REGISTERED.update(dict.fromkeys(kind.kinds, kind))
    return kind
