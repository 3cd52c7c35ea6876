"""What `import hypernorm` loads, in a fresh interpreter."""

import json
import subprocess
import sys

import hypernorm


def test_importing_hypernorm_loads_no_heavy_optional_package():
    program = "import hypernorm, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"numba", "cvxpy", "sklearn", "matplotlib", "pandas", "typer", "rich", "dask"}
    assert {"numpy", "hypernorm"} <= loaded


def test_public_names_exist_and_are_sorted():
    assert hypernorm.__all__ == sorted(hypernorm.__all__)
    assert all(hasattr(hypernorm, name) for name in hypernorm.__all__)
