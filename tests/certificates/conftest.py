"""Specimens of all kinds of certificates, made once."""

import pytest

from tests.certificates.specimens import MAKE


@pytest.fixture(scope="session")
def proofs():
    return {name: make() for name, make in MAKE.items()}
