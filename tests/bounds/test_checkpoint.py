import numpy as np
import pytest

import hypernorm as hn
from hypernorm.bounds import split_solver
from hypernorm.datasets import signs


def test_a_checkpoint_is_kept_and_continued(tmp_path):
    X = np.random.default_rng(8).standard_normal((300, 10))
    for number, options in enumerate(({}, {"center": True, "normalize": True})):
        path = tmp_path / f"state{number}.npz"
        iterations = []
        for _ in range(3):
            short = hn.two_to_q_norm(X, 4, checkpoint=path, time_limit=1e-9, random_state=0, **options)
            assert short.status is hn.Status.TIME_LIMIT
            iterations.append(int(np.load(path)["iteration"]))
        assert iterations == sorted(set(iterations))
        resumed = hn.two_to_q_norm(X, 4, checkpoint=path, random_state=0, **options)
        whole = hn.two_to_q_norm(X, 4, random_state=0, **options)
        assert resumed.is_exact()
        assert resumed.upper == pytest.approx(whole.upper, rel=2e-6)
        with pytest.raises(hn.InvalidInputError, match="another matrix"):
            hn.two_to_q_norm(X * np.linspace(1, 2, 10), 4, checkpoint=path, random_state=0, **options)


def test_checkpoints_of_both_functions_are_the_same(tmp_path):
    X, path = np.random.default_rng(8).standard_normal((300, 10)), tmp_path / "state.npz"
    with pytest.warns(hn.ConvergenceWarning):
        hn.sos_bound(X, 4, checkpoint=path, max_iter=1, random_state=0)
    before = int(np.load(path)["iteration"])
    hn.two_to_q_norm(X, 4, checkpoint=path, random_state=0)
    assert int(np.load(path)["iteration"]) > before
    # Without a long search there is nothing to keep.
    other = tmp_path / "other.npz"
    hn.two_to_q_norm(X, 2, checkpoint=other, random_state=0)
    assert not other.exists()


def split_rounds(X, path, **options):
    """The interval from eigenvalues only, and the rounds of the split bound."""
    rounds = []

    def progress(told):
        if told.stage.startswith("split: round "):
            rounds.append(int(told.stage.split()[2].rstrip(",")))

    found = hn.two_to_q_norm(X, method="spectral", checkpoint=path, progress=progress, random_state=0, **options)
    return found, rounds


@pytest.mark.parametrize("shape", [(80, 20), (30, 12), (250, 12)])
def test_a_split_continues_after_a_limit(shape, tmp_path, monkeypatch):
    monkeypatch.setattr(split_solver, "_CLOSE", 0)  # more rounds
    X, path = signs(*shape, 0), tmp_path / "state.npz"
    for number in range(1, 6):  # a round of one path in each call, of two paths at first
        short, rounds = split_rounds(X, path, time_limit=1e-9)
        assert rounds == {1: [], 2: [1], 3: [], 4: [2], 5: [3]}[number]
        assert np.load(path)["paths"][:, 2].sum() == (number if number < 4 else number - 2)
        assert short.certificate.verify(X).upper == short.upper
    path.unlink()
    whole, rounds = split_rounds(X, path)
    assert rounds[0] == 1
    resumed, more = split_rounds(X, path)
    assert more == [] or more[0] == rounds[-1] + 1
    assert resumed.upper <= whole.upper * (1 + 1e-9)


def test_an_interrupted_split_continues(tmp_path, monkeypatch):
    monkeypatch.setattr(split_solver, "_CLOSE", 0)
    X, path = signs(80, 20, 0), tmp_path / "state.npz"

    def interrupt(told):
        if told.stage.startswith("split: round 2"):
            raise KeyboardInterrupt

    first = hn.two_to_q_norm(X, method="spectral", checkpoint=path, progress=interrupt, random_state=0)
    assert first.status is hn.Status.INTERRUPTED
    second, rounds = split_rounds(X, path)
    assert rounds[0] == 3
    assert second.upper <= first.upper * (1 + 1e-9)


def test_a_sum_of_squares_keeps_the_file_for_itself(tmp_path, monkeypatch):
    monkeypatch.setattr("hypernorm.bounds.two_to_q._SMALL_GRAM_SIZE", 1)
    monkeypatch.setattr("hypernorm.bounds.two_to_q._SPLIT_PART", 1)
    X, path = signs(80, 20, 0), tmp_path / "state.npz"
    found = hn.two_to_q_norm(X, checkpoint=path, random_state=0)
    assert [record.kind for record in found.records][-2:] == ["split", "sos"]
    assert "iteration" in np.load(path)


def test_hostile_states_of_a_split_are_refused_or_harmless(tmp_path):
    X, path = signs(80, 20, 0), tmp_path / "state.npz"
    split_rounds(X, path, time_limit=1e-9)
    good = dict(np.load(path))
    lower = hn.lower_bound(X, random_state=0).value
    directions, leading, starts = good["directions"], good["leading"], good["starts"]
    wrong = {
        "round": [np.array("x"), np.array(-1), np.array(3), np.array([0])],
        "numbers": [np.full(3, np.nan), -good["numbers"], np.full(3, 1e300), np.ones(2)],
        "directions": [directions[:-1], directions.astype("f4"), directions * np.inf, directions * 1e40],
        "leading": [leading[:-1], 2 * leading, leading + np.triu(np.ones_like(leading)), leading * np.nan],
        "starts": [starts[:1], 0 * starts, starts[:, :-1]],
        "paths": [good["paths"][:1], -good["paths"], np.full((2, 3), np.inf), 7 * good["paths"]],
        "label": [np.array("another"), np.array(1.0)],
    }
    for name, values in wrong.items():
        for value in values:
            np.savez(path, **{**good, name: value})
            with pytest.raises(hn.InvalidInputError, match="delete it") as caught:
                split_rounds(X, path)
            assert "\n" not in str(caught.value)
    for changed in (
        {"directions": -directions},
        {"directions": 0 * directions},
        {"directions": directions[:, :1].copy()},
        {"directions": 1e6 * directions},
        {"numbers": good["numbers"] * [1, 1e-3, 1e-3]},
        {"starts": starts[::-1].copy()},
    ):
        np.savez(path, **{**good, **changed})
        found, _ = split_rounds(X, path)
        assert lower <= found.certificate.verify(X).upper == found.upper
