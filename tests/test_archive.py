"""Files that the package writes: whole or not at all, with the permissions that the user asks for."""

import os

import numpy as np
import pytest

import hypernorm as hn
from hypernorm._archive import write_archive
from hypernorm.plotting import plot_interval, save_figure

pytestmark = pytest.mark.skipif(os.name != "posix", reason="umask is a matter of POSIX systems")


@pytest.fixture
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("umask", [0o077, 0o022, 0o002, 0o027], indirect=True, ids=oct)
def test_permissions_follow_the_umask(umask, tmp_path):
    X = np.eye(3)
    interval = hn.two_to_q_norm(X, random_state=0)
    interval.certificate.save(tmp_path / "certificate.npz")
    hn.sos_bound(np.random.default_rng(0).standard_normal((30, 4)), checkpoint=tmp_path / "state.npz", random_state=0)
    save_figure(plot_interval(interval), tmp_path / "picture.png")
    written = sorted(tmp_path.iterdir())
    assert {path.name for path in written} >= {"certificate.npz", "picture.png"}
    assert {mode(path) for path in written} == {0o666 & ~umask}


@pytest.mark.parametrize("umask", [0o027], indirect=True, ids=oct)
def test_a_replaced_file_is_a_new_one(umask, tmp_path):
    path = tmp_path / "arrays.npz"
    path.touch()
    path.chmod(0o600)
    write_archive(path, {"a": np.arange(3)})
    assert mode(path) == 0o640
    assert np.load(path)["a"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "fault", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()], ids=repr
)
@pytest.mark.parametrize("step", ["np.savez", "os.replace"])
def test_whatever_goes_wrong_leaves_the_old_file_alone(fault, step, tmp_path, monkeypatch):
    path = tmp_path / "arrays.npz"
    write_archive(path, {"a": np.arange(3)})

    def fail(*arguments, **options):
        raise fault

    monkeypatch.setattr(f"hypernorm._archive.{step}", fail)
    with pytest.raises(type(fault)):
        write_archive(path, {"a": np.zeros(5)})
    monkeypatch.undo()
    assert [entry.name for entry in tmp_path.iterdir()] == ["arrays.npz"]
    assert np.load(path)["a"].tolist() == [0, 1, 2]


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_archive(tmp_path / "none" / "arrays.npz", {"a": np.zeros(1)})


def test_names_may_be_as_long_as_the_system_lets_them(tmp_path):
    path = tmp_path / ("n" * 251 + ".npz")
    write_archive(path, {"a": np.zeros(1)})
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
