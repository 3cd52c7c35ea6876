"""Addresses of the project on the web: its documentation, its source, and where to report a defect."""

__all__ = ["DOCUMENTATION", "ISSUES", "SOURCE"]

DOCUMENTATION = "https://hypernorm.readthedocs.io"
SOURCE = "https://github.com/hypernorm/hypernorm"
ISSUES = f"{SOURCE}/issues"
