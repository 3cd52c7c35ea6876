"""Settings of property tests, which are reproducible, and the working folder of the tests of the command."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "hypernorm", derandomize=True, deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("hypernorm")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a matrix, its certificate and the certificate of another matrix."""
    import hypernorm as hn
    from hypernorm.datasets import gaussian

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HYPERNORM_TRACEBACK", raising=False)
    X = gaussian(40, 4, random_state=0)
    np.save("X.npy", X)
    hn.spectral_bound(X).save("X.cert.npz")
    hn.spectral_bound(X + 1).save("other.cert.npz")
    return tmp_path
