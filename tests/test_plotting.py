"""Pictures say what the interval says, rounded so that every shown bound is true, and need no display."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import scipy.sparse as sp
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import hypernorm as hn
from hypernorm.datasets import contaminated, gaussian, orthogonal_rows
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model import SchattenRegressor
from hypernorm.plotting import plot_interval, plot_sensitivity, plot_weights, plot_witness, save_figure
from hypernorm.robust import RobustMean, robust_mean

X = gaussian(60, 5, random_state=0)


@pytest.fixture(scope="module")
def interval() -> hn.Interval:
    return hn.two_to_q_norm(X, q=4, random_state=0)


def texts(axes: Axes) -> str:
    return "\n".join(text.get_text() for text in axes.texts)


def with_uppers(interval: hn.Interval, *ratios: float) -> hn.Interval:
    uppers = [ratio * interval.lower for ratio in ratios]
    records = tuple(hn.BoundRecord(kind=f"kind_{k}", upper=upper, seconds=0.1) for k, upper in enumerate(uppers))
    return dataclasses.replace(interval, records=records)


def test_interval_shows_every_record_at_its_ratio(interval: hn.Interval) -> None:
    axes = plot_interval(interval)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert len(labels) == len(interval.records)
    (dots,) = (line for line in axes.lines if line.get_marker() == "o")
    for record, label, ratio in zip(interval.records, labels, dots.get_xdata(), strict=True):  # type: ignore[arg-type]
        assert label.startswith(record.kind.replace("_", " "))
        assert ratio == record.upper / interval.lower
    assert "60 rows and 5 columns" in axes.get_title()
    assert r"2 \to 4" in axes.get_title()


def test_shown_bounds_are_bounds(interval: hn.Interval) -> None:
    words = plot_interval(interval).get_title().split("\n")[0].split()
    lower, upper = float(words[-3]), float(words[-1])
    assert 0.999999 * interval.lower < lower <= interval.lower
    assert interval.upper <= upper < 1.000001 * interval.upper
    shown = [float(text.get_text().split()[1]) for text in plot_interval(interval).texts if "≤" in text.get_text()]
    assert all(value >= record.upper for value, record in zip(shown, interval.records, strict=True))


@pytest.mark.parametrize(
    ("ratios", "scale"),
    [((1.3, 1.1, 1.01), "linear"), ((1 + 1e-12,), "linear"), ((50.0, 2.0, 1.1), "log"), ((1e9, 3.0), "log")],
)
def test_the_axis_fits_the_ratios(interval: hn.Interval, ratios: tuple[float, ...], scale: str) -> None:
    axes = plot_interval(with_uppers(interval, *ratios))
    assert axes.get_xscale() == scale
    left, right = axes.get_xlim()
    assert left < 1 < max(ratios) < right
    axes.figure.draw_without_rendering()  # type: ignore[union-attr]
    shown = [label.get_text() for label in axes.get_xticklabels() if left <= label.get_position()[0] <= right]
    assert 2 <= sum(map(bool, shown)) <= 12


@pytest.mark.parametrize("q", [2, 3, np.inf])
def test_every_exponent_and_a_zero_matrix(q: float, tmp_path: Path) -> None:
    for matrix in (X, np.zeros((3, 2)), np.ones((1, 1))):
        save_figure(plot_interval(hn.two_to_q_norm(matrix, q=q, random_state=0)), tmp_path / "a.png")
    assert "is zero" in plot_interval(hn.two_to_q_norm(np.zeros((3, 2)), q=q)).get_title()
    assert "1 row and 1 column" in plot_interval(hn.two_to_q_norm(np.ones((1, 1)), q=q)).get_title()


def test_witness_counts_the_rows(interval: hn.Interval) -> None:
    axes = plot_witness(interval, X)
    shares = np.sort(np.abs(X @ interval.witness.vector) ** 4)[::-1]
    cumulative = np.cumsum(shares) / shares.sum()
    half, most = (int(np.argmax(cumulative >= share)) + 1 for share in (0.5, 0.9))
    assert [line.split()[0] for line in texts(axes).splitlines()] == [str(half), str(most)]
    assert np.asarray(axes.lines[0].get_ydata()) == pytest.approx(cumulative)


def test_witness_of_one_spike_of_a_sparse_and_of_a_zero_matrix() -> None:
    spike = orthogonal_rows([5.0, 1.0, 1.0]).matrix
    assert "1 row carries 50%" in texts(plot_witness(hn.lower_bound(spike, random_state=0), spike))
    sparse = sp.csr_array(sp.random(300, 6, density=0.2, random_state=0))
    assert plot_witness(hn.lower_bound(sparse, random_state=0), sparse).get_xscale() == "log"
    zero = np.zeros((3, 2))
    assert "Xv is zero" in texts(plot_witness(hn.lower_bound(zero, random_state=0), zero))


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_witness_of_extreme_entries(scale: float) -> None:
    ordinary = plot_witness(hn.lower_bound(X, random_state=0), X)
    extreme = plot_witness(hn.lower_bound(X * scale, random_state=0), X * scale)
    assert np.asarray(extreme.lines[0].get_ydata()) == pytest.approx(
        np.asarray(ordinary.lines[0].get_ydata()), rel=1e-6
    )


def test_witness_refuses_another_matrix_and_infinity(interval: hn.Interval) -> None:
    for other in (X[:-1], X + 1):
        with pytest.raises(InvalidInputError, match="another matrix"):
            plot_witness(interval, other)
    with pytest.raises(InvalidInputError, match="finite q"):
        plot_witness(hn.lower_bound(X, q=np.inf, random_state=0), X)


def test_moments_have_their_own_title_and_no_shares() -> None:
    moment = hn.two_to_q_norm(X, q=4, center=True, normalize=True, method="spectral", random_state=0)
    title = plot_interval(moment).get_title()
    assert title.startswith("(mean of |<x_i - mean, v>|^4)^(1/4) in any direction v\nlies between")
    for witness in (moment, moment.witness):
        with pytest.raises(InvalidInputError, match="for a moment"):
            plot_witness(witness, X)
    zero = plot_interval(hn.two_to_q_norm(np.ones((4, 2)), q=4, center=True))
    assert texts(zero) == "the moment is zero"


def test_given_axes_are_drawn_into(interval: hn.Interval) -> None:
    above, below = Figure().subplots(2)
    assert plot_interval(interval, axes=above) is above
    assert plot_witness(interval.witness, X, axes=below) is below


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg", ".PNG"])
def test_figures_are_saved(interval: hn.Interval, tmp_path: Path, suffix: str) -> None:
    path = save_figure(plot_interval(interval), tmp_path / f"picture{suffix}")
    assert path.stat().st_size > 5000
    if suffix == ".png":
        pixels = matplotlib.image.imread(path)
        assert pixels.shape[1] == 1200
        assert pixels[..., :3].std() > 0.02


def test_figures_that_cannot_be_saved(interval: hn.Interval, tmp_path: Path) -> None:
    axes = plot_interval(interval)
    with pytest.raises(InvalidInputError, match=r"\.png, \.pdf, \.svg"):
        save_figure(axes, tmp_path / "picture.doc")
    with pytest.raises(InvalidInputError, match="no folder"):
        save_figure(axes, tmp_path / "nowhere" / "picture.png")


def test_pyplot_is_never_loaded() -> None:
    code = "import sys, hypernorm.plotting; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_weights_are_drawn_against_scores() -> None:
    data = contaminated(200, 3, 0.1, adversary="far", random_state=0)
    model = RobustMean(0.1, random_state=0).fit(data.samples)
    axes = plot_weights(model, is_inlier=data.is_inlier)
    points = [np.asarray(part.get_offsets()) for part in axes.collections]
    for drawn, mask in zip(points, (data.is_inlier, ~data.is_inlier), strict=True):
        np.testing.assert_array_equal(drawn, np.column_stack([model.scores_, 200 * model.weights_])[mask])
    assert points[1][:, 1].max() < 0.1 < 0.5 < points[0][:, 1].mean()
    total = sum(removal.weight for removal in model.removals_)
    parts = [float(word.rstrip("%,")) for word in axes.get_title().split() if "%" in word]
    assert sum(parts) == pytest.approx(100 * total, abs=0.06 * len(parts))
    (one,) = plot_weights(robust_mean(data.samples, 0.1, random_state=0)).collections
    assert len(np.asarray(one.get_offsets())) == 200


def test_weights_that_cannot_be_drawn() -> None:
    X = gaussian(50, 3, random_state=0)
    with pytest.raises(InvalidInputError, match="no weights"):
        plot_weights(robust_mean(X, method="geometric_median"))
    with pytest.raises(InvalidInputError, match="50 booleans"):
        plot_weights(robust_mean(X), is_inlier=np.ones(49, dtype=bool))
    assert plot_weights(robust_mean(X, contamination=0.0)).get_title() == "weight removed: none"


def test_sensitivity_to_the_bound_on_the_coefficients(tmp_path: Path) -> None:
    y = X @ [2, 1, 0, 0, 0] + np.random.default_rng(0).standard_normal(60)
    model = SchattenRegressor(5.0).fit(X, y)
    c = np.array([1.0, 0, 0, 0, 0])
    axes = plot_sensitivity(model, c, radii=[8, 0, 2, 1000])
    (band,) = axes.collections
    vertices = band.get_paths()[0].vertices
    for radius in (0, 2, 8, 1000):
        interval = model.confidence_interval(c, radius)
        heights = vertices[vertices[:, 0] == radius, 1]
        assert (heights.min(), heights.max()) == pytest.approx((interval.lower, interval.upper))
    excluded = [radius for radius in (0, 2, 8, 1000) if model.confidence_interval(c, radius).lower > 0]
    assert f"excludes zero up to R = {excluded[-1]}" in axes.get_title()
    save_figure(axes, tmp_path / "a.png")
    flat = SchattenRegressor(np.inf).fit(X, y)
    assert "contains zero for every R" in plot_sensitivity(flat, c, sigma=1, axes=axes).get_title()
    for bad in ({"c": np.eye(5)}, {"fitted": SchattenRegressor().fit(X, np.column_stack([y, y]))}):
        with pytest.raises(InvalidInputError, match="one function c of one target"):
            plot_sensitivity(**{"fitted": model, "c": c, **bad})
