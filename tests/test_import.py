"""What `import hypernorm` loads, in a fresh interpreter."""

import json
import subprocess
import sys
from pathlib import Path

import hypernorm


def test_importing_hypernorm_loads_no_heavy_optional_package():
    program = "import hypernorm, json, sys; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & {"numba", "cvxpy", "sklearn", "matplotlib", "pandas", "typer", "rich", "dask"}
    assert {"numpy", "hypernorm"} <= loaded


def test_subpackages_are_imported_when_they_are_asked_for():
    program = """if True:
        import sys, hypernorm as hn
        assert "hypernorm.robust" not in sys.modules and "hypernorm.plotting" not in sys.modules
        names = "applications datasets dictionary io linear_model plotting robust separable".split()
        assert set(names) <= set(dir(hn)) and set(hn.__all__) <= set(dir(hn))
        assert all(getattr(hn, name) is sys.modules[f"hypernorm.{name}"] for name in names)
        assert hn.robust.RobustMean and not hasattr(hn, "robustness")
    """
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_public_subpackage_is_an_attribute():
    folders = {path.parent.name for path in Path(hypernorm.__file__).parent.glob("[a-z]*/__init__.py")}
    assert {"robust", "bounds"} <= folders <= set(dir(hypernorm))


def test_public_names_exist_and_are_sorted():
    assert hypernorm.__all__ == sorted(hypernorm.__all__)
    assert all(hasattr(hypernorm, name) for name in hypernorm.__all__)
