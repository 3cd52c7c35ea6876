"""Plot of a confidence interval against the bound on the coefficients that it assumes."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from hypernorm._arithmetic import own_arithmetic
from hypernorm._display import rounded_down
from hypernorm._figures import BLUE, ORANGE, new_axes, strip
from hypernorm.exceptions import InvalidInputError
from hypernorm.linear_model.error_model import WeightMeaning

__all__ = ["plot_sensitivity"]


@own_arithmetic
def plot_sensitivity(
    fitted: Any,
    c: Any,
    *,
    radii: Any = None,
    sigma: float | None = None,
    confidence: float = 0.95,
    weight_meaning: WeightMeaning = "variance",
    axes: Axes | None = None,
) -> Axes:
    """Draw the confidence interval of c'β against the bound R on ‖β‖₂, which no data can tell.

    The dashed lines are ± R‖c‖, the interval that needs no data. The title is the largest R drawn for which the
    interval excludes zero; it excludes zero for every smaller R > 0 too.

    Parameters
    ----------
    fitted : SchattenRegressor
        Fitted to one target.
    c : array_like of shape (d,)
        The linear function of the coefficients.
    radii : array_like, optional
        Values of R to draw, not negative; by default from 0 to four times the length of the fitted coefficients.
    sigma, confidence, weight_meaning
        As for `SchattenRegressor.confidence_interval`.
    axes : matplotlib.axes.Axes, optional
        Axes to draw into; by default those of a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    InvalidInputError
        If there are several targets, or as for `SchattenRegressor.confidence_interval`.

    See Also
    --------
    hypernorm.linear_model.SchattenRegressor.confidence_interval : Computes the intervals.

    Examples
    --------
    >>> import numpy as np
    >>> from hypernorm.linear_model import SchattenRegressor
    >>> from hypernorm.plotting import plot_sensitivity
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((60, 5))
    >>> y = X @ [2, 1, 0, 0, 0] + rng.standard_normal(60)
    >>> axes = plot_sensitivity(SchattenRegressor(alpha=5.0).fit(X, y), [1, 0, 0, 0, 0])
    >>> axes.get_xlabel()
    'bound R on the length of the coefficients'
    """
    from sklearn.utils.validation import check_is_fitted  # loaded by whoever made the estimator

    check_is_fitted(fitted)
    length = float(np.linalg.norm(fitted.coef_))
    if np.ndim(fitted.coef_) != 1 or np.ndim(c) != 1:
        raise InvalidInputError(
            "plot_sensitivity draws one function c of one target; fit to one column and give one c."
        )
    places = np.linspace(0, 4 * length or 1.0, 201) if radii is None else np.sort(np.ravel(radii))
    options = {"sigma": sigma, "confidence": confidence, "weight_meaning": weight_meaning}
    intervals = [fitted.confidence_interval(c, float(place), **options) for place in places]
    lower, upper = np.array([(interval.lower, interval.upper) for interval in intervals]).T
    axes = new_axes(3.6) if axes is None else axes
    axes.fill_between(places, lower, upper, color=BLUE, alpha=0.25, linewidth=0, label=f"{confidence:.0%} interval")
    axes.axhline(intervals[0].estimate, color=BLUE, linewidth=1.5, label="estimate")
    limits = places * float(np.linalg.norm(c))
    for sign, label in ((1, r"$\pm R\,\Vert c\,\Vert$, without data"), (-1, None)):
        axes.plot(places, sign * limits, color=ORANGE, linestyle="--", linewidth=1.5, label=label)
    axes.axvline(length, color="black", linestyle=":", linewidth=1, label="length of the fitted coefficients")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_xlim(places[0], max(places[-1], length))
    away = places[(lower > 0) | (upper < 0)]
    if not away.size:
        words = "the interval contains zero for every R"
    else:
        words = f"the interval excludes zero up to R = {rounded_down(float(away.max()), 3)}"
    axes.set_title(words, fontsize=11)
    # The lines without data may leave the panel; the interval does not.
    low, high = min(float(lower.min()), intervals[0].estimate), max(float(upper.max()), intervals[0].estimate)
    axes.set_ylim(low - 0.1 * (high - low or 1.0), high + 0.1 * (high - low or 1.0))
    axes.set_xlabel("bound R on the length of the coefficients")
    axes.set_ylabel(r"$c^\top \beta$")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=4, fontsize=8.5, frameon=False)
    strip(axes)
    return axes
