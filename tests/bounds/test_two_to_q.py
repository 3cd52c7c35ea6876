import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import hypernorm as hn
from hypernorm.bounds import two_to_q as module
from hypernorm.datasets import known_norms, load_bundled, signs


def assert_proved(interval, X, exact=False):
    """Everything that the interval says, proved again from what it carries."""
    assert interval.lower <= interval.upper
    verified = interval.certificate.verify(X).upper
    assert verified == interval.upper
    if exact:  # the exact proof does not have to pay for rounded weights
        assert verified * (1 - 1e-12) <= interval.certificate.verify(X, exact=True).upper <= verified
    assert interval.witness.verify(X, exact=exact).lower >= interval.lower * (1 - 1e-12)
    assert interval.upper == min(record.upper for record in interval.records)


@pytest.mark.parametrize("known", list(known_norms()), ids=repr)
def test_known_norms_lie_inside(known):
    interval = hn.two_to_q_norm(known.matrix, known.q, random_state=0)
    assert_proved(interval, known.matrix)
    assert interval.lower * (1 - 1e-13) <= known.value <= interval.upper * (1 + 1e-13)
    assert interval.lower == pytest.approx(known.value, rel=1e-9)


@pytest.mark.parametrize("q", [2, 2.5, 3, 3.7, 4, 5, 6, 7.3, 8, math.inf])
def test_real_and_random_data_for_every_exponent(q):
    for X in (load_bundled("diabetes"), np.random.default_rng(0).standard_normal((40, 5))):
        interval = hn.two_to_q_norm(X, q, random_state=0)
        assert_proved(interval, X)
        if q in (2, math.inf):
            assert interval.status is hn.Status.EXACT
            assert interval.lower == pytest.approx(np.linalg.norm(X, 2) if q == 2 else max(np.linalg.norm(X, axis=1)))


def test_both_ends_decrease_and_change_continuously_in_the_exponent():
    X = np.random.default_rng(1).standard_normal((30, 4))
    grid = np.linspace(2, 9, 22)
    intervals = [hn.two_to_q_norm(X, q, random_state=0) for q in grid]
    for one, two in pairwise(intervals):
        # ‖y‖_{q'} ≤ ‖y‖_q ≤ n^{1/q − 1/q'} ‖y‖_{q'}: what the theory allows between neighbours.
        allowed = 30 ** (1 / one.certificate.q - 1 / two.certificate.q)
        assert one.lower / allowed * (1 - 1e-9) <= two.lower <= one.lower * (1 + 1e-9)
        assert two.upper / one.upper > 1 / allowed * (1 - 1e-2)
        assert two.upper / one.upper < 1 + 1e-2


MATRICES = st.integers(0, 10_000).map(
    lambda seed: np.random.default_rng(seed).standard_normal(
        (int(np.random.default_rng(seed).integers(1, 9)), int(np.random.default_rng(seed + 1).integers(1, 5)))
    )
)
EXPONENTS = st.sampled_from([2, 2.5, 3, 4, 5.5, 6, math.inf])
few = settings(max_examples=16)  # each is two or three norms


def ends(X, q):
    interval = hn.two_to_q_norm(X, q, random_state=0)
    return np.array([interval.lower, interval.upper])


@few
@given(MATRICES, EXPONENTS)
def test_rotating_the_columns_changes_nothing(X, q):
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((X.shape[1],) * 2))[0]
    np.testing.assert_allclose(ends(X @ Q, q), ends(X, q), rtol=1e-6)


@few
@given(MATRICES, EXPONENTS)
def test_permuting_rows_changing_signs_and_adding_zero_rows_changes_nothing(X, q):
    rng = np.random.default_rng(1)
    changed = rng.permutation(X) * rng.choice([-1.0, 1.0], (len(X), 1))
    np.testing.assert_allclose(ends(np.vstack([changed, np.zeros((2, X.shape[1]))]), q), ends(X, q), rtol=1e-6)


@few
@given(MATRICES, EXPONENTS, st.sampled_from([1e-150, 3.7e-40, 0.3, 7.0, 1e150]))
def test_scaling_scales(X, q, factor):
    np.testing.assert_allclose(ends(X * factor, q) / factor, ends(X, q), rtol=1e-6)


@few
@given(MATRICES, MATRICES, EXPONENTS)
def test_the_norm_of_a_block_sum_is_the_larger_one(X, Y, q):
    both = np.block([[X, np.zeros((len(X), Y.shape[1]))], [np.zeros((len(Y), X.shape[1])), Y]])
    interval, parts = hn.two_to_q_norm(both, q, random_state=0), [ends(X, q), ends(Y, q)]
    assert interval.lower == pytest.approx(max(part[0] for part in parts), rel=1e-6)
    assert interval.upper >= max(part[0] for part in parts) * (1 - 1e-12)


@few
@given(MATRICES, EXPONENTS, st.integers(2, 5))
def test_repeating_the_rows_multiplies_by_a_root(X, q, times):
    expected = ends(X, q) * times ** (1 / q)
    np.testing.assert_allclose(ends(np.vstack([X] * times), q), expected, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-150, 1e-100, 1.0, 1e100, 1e150])
@pytest.mark.parametrize("q", [2, 3, 4, 6.5, math.inf])
def test_extreme_scales(scale, q):
    X = np.random.default_rng(2).standard_normal((9, 3))
    np.testing.assert_allclose(ends(X * scale, q) / scale, ends(X, q), rtol=1e-6)
    mixed = np.vstack([X, X * scale])
    interval = hn.two_to_q_norm(mixed, q, random_state=0)
    assert_proved(interval, mixed, exact=True)


SHAPES = {
    "zero matrix": np.zeros((3, 2)),
    "one entry": np.array([[-2.0]]),
    "one row": np.array([[1.0, 2.0, 2.0]]),
    "one column": np.array([[1.0], [2.0], [2.0]]),
    "n < d": np.random.default_rng(0).standard_normal((2, 7)),
    "zero rows": np.vstack([np.zeros((3, 2)), np.eye(2)]),
    "zero column": np.array([[1.0, 0.0], [2.0, 0.0]]),
    "rank one": np.outer([1.0, 2.0, 3.0], [1.0, -1.0]),
    "repeated rows": np.ones((6, 3)),
    "integers": np.arange(12).reshape(4, 3),
    "booleans": np.eye(3, dtype=bool),
    "single precision": np.random.default_rng(1).standard_normal((9, 3)).astype(np.float32),
    "Fortran order": np.asfortranarray(np.random.default_rng(2).standard_normal((9, 3))),
    "strided": np.random.default_rng(3).standard_normal((18, 6))[::2, ::2],
    "sparse": sp.csr_array(sp.random(30, 5, density=0.3, random_state=4)),
    "sparse zero": sp.csr_array((4, 3)),
    "frame": pd.DataFrame(np.random.default_rng(5).standard_normal((9, 3)), columns=list("abc")),
    "list": [[1, 2], [3, 4], [5, 6]],
    "subnormal": np.array([[5e-324, 0.0], [0.0, 1e-310]]),
}


@pytest.mark.parametrize("q", [2, 2.3, 4, 5, math.inf])
@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_and_container(name, q):
    X = SHAPES[name]
    interval = hn.two_to_q_norm(X, q, random_state=0)
    assert_proved(interval, X, exact=True)
    dense = X.toarray() if sp.issparse(X) else np.asarray(X, dtype=float)
    same = hn.two_to_q_norm(dense, q, random_state=0)
    assert interval.upper == pytest.approx(same.upper, rel=1e-7, abs=0)
    assert interval.lower == pytest.approx(same.lower, rel=1e-7, abs=0)


def test_memory_mapped_input(tmp_path):
    X = np.random.default_rng(6).standard_normal((200, 5))
    np.save(tmp_path / "X.npy", X)
    interval = hn.two_to_q_norm(np.load(tmp_path / "X.npy", mmap_mode="r"), random_state=0)
    assert_proved(interval, X)


def test_the_seed_decides():
    X = np.random.default_rng(7).standard_normal((50, 6))
    one, two = (hn.two_to_q_norm(X, 3, random_state=4) for _ in range(2))
    assert (one.lower, one.upper) == (two.lower, two.upper)
    np.testing.assert_array_equal(one.witness.vector, two.witness.vector)


def test_statuses():
    assert hn.two_to_q_norm(np.eye(3), random_state=0).status is hn.Status.EXACT
    X = signs(80, 20, 0)
    gap = hn.two_to_q_norm(X, method="spectral", random_state=0)
    assert gap.status is hn.Status.GAP
    assert [record.kind for record in gap.records] == ["row_norm", "flattening", "realigned", "split"]
    limited = hn.two_to_q_norm(X, time_limit=1e-9, random_state=0)
    assert limited.status is hn.Status.TIME_LIMIT
    assert [record.kind for record in limited.records] == ["row_norm"]
    assert_proved(limited, X)
    assert hn.two_to_q_norm(X, rtol=0.9, random_state=0).status is hn.Status.EXACT
    assert all(status.message for status in hn.Status)


@pytest.mark.parametrize("q", [50, 1000.5, 1e5, 1e6])
def test_large_exponents_approach_the_longest_row(q):
    X = np.random.default_rng(12).standard_normal((50, 5)) * 1e-30
    interval = hn.two_to_q_norm(X, q, random_state=0)
    assert_proved(interval, X, exact=True)
    longest = np.linalg.norm(X, axis=1).max()
    assert longest * (1 - 1e-9) <= interval.upper <= longest * 50 ** (1 / q) * (1 + 1e-6)
    with pytest.raises(hn.InvalidInputError, match="at most 1e"):
        hn.two_to_q_norm(X, 1e7)


def test_norms_beyond_the_largest_float():
    for q in (2, 4, 6, math.inf):
        interval = hn.two_to_q_norm([[-1.58e308, -1.61e308, -1.53e308]], q, random_state=0)
        assert interval.upper == math.inf
        assert 1e308 < interval.lower < math.inf


def test_a_callers_error_settings_do_not_matter():
    X = np.random.default_rng(13).standard_normal((9, 3)) * 1e-160
    with np.errstate(all="raise"):
        assert_proved(hn.two_to_q_norm(X, 3.5, random_state=0), X, exact=True)
        assert hn.spectral_bound(X, 4).upper > 0
        assert hn.lower_bound(X, 5, random_state=0).value > 0


@pytest.mark.parametrize("stage", ["lower bound", "flattening", "sos"])
def test_an_interruption_keeps_what_is_proved(stage):
    X = np.random.default_rng(9).standard_normal((20, 6))

    def interrupt(progress):
        if progress.stage == stage:
            raise KeyboardInterrupt

    interval = hn.two_to_q_norm(X, progress=interrupt, random_state=0)
    assert interval.status is hn.Status.INTERRUPTED
    assert_proved(interval, X)
    assert interval.lower > 0

    def interrupt_at_once(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        hn.two_to_q_norm(X, progress=interrupt_at_once)


def test_what_does_not_fit_in_memory_is_left_out(monkeypatch):
    X = signs(400, 20, 0)
    da = pytest.importorskip("dask.array")
    with monkeypatch.context() as patch:
        patch.setattr("hypernorm.forms.maps._SLICES_BYTES", 1000)
        chunked = hn.two_to_q_norm(da.from_array(X, chunks=(200, 20)), method="spectral", random_state=0)
        assert [record.kind for record in chunked.records] == ["row_norm", "flattening", "split"]
        with pytest.raises(hn.TooLargeError, match="too many for the realigned bound"):
            hn.spectral_bound(da.from_array(X, chunks=(200, 20)))
    assert_proved(chunked, X)
    monkeypatch.setattr("hypernorm._arguments._physical_memory", lambda: 2e6)
    small = hn.two_to_q_norm(X, method="spectral", random_state=0)
    assert [record.kind for record in small.records] == ["row_norm", "flattening", "realigned"]
    with pytest.raises(hn.TooLargeError, match="GiB"):  # what the caller asked for by name
        hn.two_to_q_norm(signs(400, 30, 0), method="sos")
    with pytest.raises(hn.TooLargeError, match=r'; use spectral_bound\(kind="split"\)'):  # no degree is below four
        hn.sos_bound(signs(400, 30, 0))
    with pytest.raises(hn.TooLargeError, match="; use a lower degree"):
        hn.sos_bound(signs(400, 30, 0), degree=6)
    with pytest.raises(hn.TooLargeError, match='; use method="spectral"'):
        hn.smallest_gain(signs(400, 30, 0), method="sos")


def test_progress_reports_bounds_that_only_improve(capsys):
    X = np.random.default_rng(10).standard_normal((20, 6))
    seen = []
    hn.two_to_q_norm(X, method="spectral", progress=seen.append, random_state=0)
    stages = [p.stage for p in seen]
    assert stages[:5] == ["row norm", "lower bound", "flattening", "realigned", "split"]
    assert all(stage.startswith("split: round ") for stage in stages[5:])
    uppers = [p.upper for p in seen if p.upper is not None]
    assert uppers == sorted(uppers, reverse=True)
    assert seen[0].lower is None
    assert seen[-1].lower <= seen[-1].upper
    hn.two_to_q_norm(X, method="spectral", progress=True, random_state=0)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == len(seen)


def test_moment_certificates_are_tried_where_they_fit(monkeypatch):
    X = np.random.default_rng(11).standard_normal((20, 4))

    def last(method):
        return hn.two_to_q_norm(X, 6, method=method, random_state=0).records[-1].kind

    monkeypatch.setattr(module, "_LARGEST_SPLIT_SIDE", 1)
    assert (last("spectral"), last("auto")) == ("moment", "sos")
    monkeypatch.setattr(module, "_LARGEST_GRAM_SIZE", 1)
    assert (last("spectral"), last("auto"), last("sos")) == ("realigned", "realigned", "sos")


def test_a_split_is_tried_where_it_fits(monkeypatch):
    X = signs(80, 20, 0)

    def kinds(method):
        return [record.kind for record in hn.two_to_q_norm(X, method=method, random_state=0).records]

    assert "split" in kinds("spectral")
    assert "split" not in kinds("auto")  # a small sum of squares is as cheap and sharper
    monkeypatch.setattr(module, "_SMALL_GRAM_SIZE", 1)
    assert kinds("auto")[-2:] == ["realigned", "sos"]  # sides of 160 and 210 rows
    monkeypatch.setattr(module, "_SPLIT_PART", 1)
    assert kinds("auto")[-3:] == ["realigned", "split", "sos"]
    monkeypatch.setattr(module, "_LARGEST_SPLIT_SIDE", 159)
    assert kinds("spectral")[-1] == "realigned"


def test_the_text_forms():
    interval = hn.two_to_q_norm(np.diag([2.0, 1.0]), math.inf)
    assert "lower=1.999999999, upper=2.000000001" in repr(interval)  # rounded outward
    page = interval._repr_html_()
    assert "2→∞" in page
    assert page.count("<tr>") == 1 + len(interval.records)
    assert "—" in hn.two_to_q_norm(np.zeros((2, 2)))._repr_html_()
    assert hn.two_to_q_norm(np.zeros((2, 2))).gap == 0
    assert interval.is_exact()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"q": 1.5}, "q must be at least 2"),
        ({"q": "4"}, "q must be a real number"),
        ({"method": "lp"}, "method must be one of 'auto', 'spectral', 'sos'"),
        ({"rtol": 1}, "rtol"),
        ({"time_limit": -1}, "time_limit"),
        ({"random_state": "a"}, "random_state"),
        ({"progress": "yes"}, "progress"),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    with pytest.raises(hn.InvalidInputError, match=words):
        hn.two_to_q_norm(np.eye(2), **arguments)
    with pytest.raises(hn.InvalidInputError, match="X has the entry nan at row 1, column 0"):
        hn.two_to_q_norm([[0.0], [np.nan]])


def test_bounds_beyond_the_largest_float_do_not_meet():
    interval = hn.two_to_q_norm(np.full((5, 2), 1.7e308), random_state=0)
    assert math.isinf(interval.upper)
    assert interval.status is not hn.Status.EXACT
    assert not interval.is_exact()
