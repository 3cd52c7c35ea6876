"""The package where nothing but the current folder can be written: no home, no cache, no place for settings."""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import hypernorm
from hypernorm import _numba

_DROP_CAPABILITY, _OVERRIDE_PERMISSIONS = 24, 1

PROGRAM = """
import warnings
warnings.simplefilter("error")
warnings.simplefilter("ignore", DeprecationWarning)  # of old libraries about new ones
import os, sys
from pathlib import Path
import hypernorm as hn
for folder in sys.argv[1:]:
    try:
        (Path(folder) / "probe").touch()
    except OSError:
        continue
    sys.exit(77)
assert str(Path(hn.__file__).parent.parent) == os.environ["PYTHONPATH"]
import numpy as np
from hypernorm import plotting
from hypernorm.robust import RobustMean
X = np.random.default_rng(0).standard_normal((60, 4))
interval = hn.two_to_q_norm(X, method="sos", random_state=0)
assert interval.is_exact(1e-5)
interval.certificate.save("certificate.npz")
hn.load_certificate("certificate.npz").verify(X)
RobustMean(0.1, random_state=0).fit(X)
plotting.save_figure(plotting.plot_interval(interval), "picture.png")
from hypernorm.cli import main
sys.argv[1:] = ["norm", "e8", "--out", "e8.npz"]
sys.exit(main())
"""


def _obey_permissions() -> None:
    """Root may write everywhere, unless it gives up the right to for this process and those that it starts."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(_DROP_CAPABILITY, _OVERRIDE_PERMISSIONS, 0, 0, 0)


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A read-only copy of the package, an empty read-only folder, and an environment without a place for caches."""
    if not sys.platform.startswith("linux"):
        pytest.skip("asks Linux to hold root to the permissions of files")
    root = tmp_path_factory.mktemp("installation")
    package = Path(hypernorm.__file__).parent
    shutil.copytree(package, root / "site" / "hypernorm", ignore=shutil.ignore_patterns("__pycache__", "*.nb?"))
    (root / "locked").mkdir()
    folders = [root / "site", *(path for path in (root / "site").rglob("*") if path.is_dir()), root / "locked"]
    for folder in folders:
        folder.chmod(0o555)
    yield root / "site", root / "locked"
    for folder in folders:
        folder.chmod(0o755)


def _run(places, folder, program, changes):
    site, locked = places
    unset = {"NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR"}
    environment = {key: value for key, value in os.environ.items() if key not in unset}
    environment |= {"PYTHONPATH": str(site), "HOME": str(locked)} | changes
    command = [sys.executable, "-c", program, str(site / "hypernorm"), str(locked)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, preexec_fn=_obey_permissions
    )
    if done.returncode == 77:
        pytest.skip("this user may write to folders that are read-only")
    return done


@pytest.mark.parametrize("variables", [(), ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "MPLCONFIGDIR")])
def test_everything_works_where_nothing_can_be_written(places, tmp_path, variables):
    done = _run(places, tmp_path, PROGRAM, {name: str(places[1] / "cache") for name in variables})
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"certificate.npz", "picture.png", "e8.npz"}


KERNEL = """
import sys
from hypernorm._numba import njit
@njit
def double(value):
    return 2 * value
if __name__ == "__main__":
    import os, shutil
    cache = os.environ["NUMBA_CACHE_DIR"]
    if sys.argv[1] == "gone":
        shutil.rmtree(cache)
        open(cache, "w").close()
    if sys.argv[1] == "damaged":
        for folder, _, files in os.walk(cache):
            for name in files:
                open(os.path.join(folder, name), "wb").write(b"no cache")
    if sys.argv[1] == "full":
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        import signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    assert double(21) == 42
    print(sum(double.stats.cache_hits.values()))
"""


@pytest.fixture
def kernel(tmp_path):
    """Runs a compiled function in a fresh process with a cache of its own; returns how often the cache served."""
    script = tmp_path / "kernel.py"
    script.write_text(KERNEL)
    package = str(Path(hypernorm.__file__).parent.parent)
    environment = os.environ | {"PYTHONPATH": package, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}

    def run(fault: str) -> int:
        command = [sys.executable, "-W", "error", str(script), fault]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    return run


def test_compiled_code_is_kept(kernel):
    assert [kernel("none"), kernel("none")] == [0, 1]


@pytest.mark.parametrize("fault", ["gone", "full"])
def test_a_cache_that_cannot_be_written_costs_time_only(kernel, fault):
    assert kernel(fault) == 0


def test_a_damaged_cache_is_replaced(kernel):
    assert [kernel(fault) for fault in ("none", "damaged", "none")] == [0, 0, 1]


def test_without_a_home_nothing_is_written_to_the_current_folder(monkeypatch, tmp_path):
    def function() -> None: ...

    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(_numba.numba.config, "CACHE_DIR", "")
    monkeypatch.chdir(tmp_path)
    assert _numba.njit(function)() is None
    assert list(tmp_path.iterdir()) == []
