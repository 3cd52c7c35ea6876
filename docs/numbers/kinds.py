"""The kinds of certificates, from the fields that their classes declare."""

from __future__ import annotations

from docs.numbers.registry import number
from experiments.tables import markdown
from hypernorm.certificates import registry
from hypernorm.certificates.fields import declared_fields

__all__ = ["kinds_of_certificates"]


@number
def kinds_of_certificates() -> str:
    """For every class of certificates its names in files, its members, and whether it has an exact proof."""
    classes = sorted(
        {kind for kind in registry.REGISTERED.values() if kind.__module__.startswith("hypernorm.")}, key=str
    )
    rows = [
        [
            f"`{kind.__name__}`",
            ", ".join(f"`{name}`" for name in kind.kinds),
            kind.data_name,
            ", ".join(f"`{name}`" for name in declared_fields(kind) if name != "kind"),
            "yes" if kind.has_exact_proof else "no",
        ]
        for kind in classes
    ]
    return markdown(["class", "kind in files", "about", "fields", "exact proof"], rows, align="---")
