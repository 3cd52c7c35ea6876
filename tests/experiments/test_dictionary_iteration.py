"""The iteration for r → ∞ by enumeration: its theorems, the recursion of the experiment, and a refutable verdict."""

import copy
import itertools

import numpy as np
import pytest

from experiments import dictionary_iteration as experiment


def exact_step(u, theta, p, shifted=False):
    """The expectation over all sets of non-zero codes, by enumeration; with the shift of the theory if asked."""
    masks = np.array(list(itertools.product([0, 1], repeat=len(u))))
    probabilities = np.prod(np.where(masks, theta, 1 - theta), axis=1)
    sums = masks @ u**2
    # E|⟨u, c⟩|^{p−1} sign⟨u, c⟩ c_j over m_p, and the shift θ E(Σ b_k u_k²)^{p/2−1}.
    powers = np.where(sums > 0, sums, 1) ** (p / 2 - 1) * (sums > 0)
    gradient = u * ((probabilities * powers) @ masks)
    shift = theta * (probabilities @ powers) * u if shifted else 0
    new = gradient - shift
    return new / np.linalg.norm(new)


@pytest.mark.parametrize("p", [2.2, 3, 4, 5.5])
@pytest.mark.parametrize("theta", [0.1, 0.4])
def test_every_start_tends_to_the_atom_of_its_largest_coordinate(p, theta):
    rng = np.random.default_rng(round(10 * p))
    for _ in range(5):
        u = rng.standard_normal(6)
        u /= np.linalg.norm(u)
        order, ratios = np.argsort(-np.abs(u)), np.zeros(5)
        for _ in range(3000 if p < 3 else 300):
            u = exact_step(u, theta, p)
            new = np.abs(u[order[0]]) / np.maximum(np.abs(u[order[1:]]), 1e-200)
            assert (new > ratios * (1 - 1e-9)).all()
            ratios = new
            if ratios.min() > 1e6:
                break
        assert ratios.min() > 1e6


@pytest.mark.parametrize("p", [2.5, 3, 4, 6])
def test_rate_near_the_atom_is_theta_and_the_shifted_step_has_a_higher_order(p):
    theta, direction = 0.3, np.array([0, 0.6, 0.6, 0.529150262])
    far, near = (exact_step(np.array([1, 0, 0, 0]) + size * direction, theta, p)[1:] / size for size in (1e-3, 1e-6))
    excess = 0.7 * 1e-6 ** (p - 2)
    np.testing.assert_allclose(near, theta * direction[1:], rtol=1e-3 + 3 * excess)
    assert (np.abs(far) >= np.abs(near) * (1 - 1e-5)).all()
    sizes = np.array([1e-2, 1e-3])
    shifted = [np.linalg.norm(exact_step(np.array([1, 0, 0, 0]) + s * direction, theta, p, True)[1:]) for s in sizes]
    order = np.log(shifted[0] / shifted[1]) / np.log(sizes[0] / sizes[1])
    assert order == pytest.approx(min(p - 1, 3), abs=0.1)


def test_recursion_of_the_experiment_is_exact_for_the_fourth_power_and_near_it_else():
    u = np.random.default_rng(0).standard_normal(9)
    u /= np.linalg.norm(u)
    for p, tolerance in ((4, 1e-12), (3, 0.03), (5, 0.03)):
        found = experiment.population_step(u, 0.3, p)
        np.testing.assert_allclose(found / np.linalg.norm(found), exact_step(u, 0.3, p), atol=tolerance)


@pytest.fixture(scope="module")
def rows():
    return [{**case, **experiment.trial(**case)} for case in experiment.PRESETS["quick"]()]


def test_rate_is_that_of_the_jacobian(rows):
    for row in rows:
        assert row["mean"] <= row["stated"]
        assert 0.7 * row["stated"] < row["rate"] < 1.01 * row["stated"]
        assert row["distances"][-1] == pytest.approx(row["limit"], abs=0.02)


def test_verdict_is_computed_from_the_rows(rows):
    def verdict(**values):
        changed = copy.deepcopy(rows)
        for row in changed:
            row.update({name: value(row) if callable(value) else value for name, value in values.items()})
        return experiment.summary(changed).splitlines()[-1]

    good = {
        "rate": lambda row: 0.95 * row["stated"],
        "mean": 0.2,
        "enter": lambda row: row["n"] / np.log(row["n"]),
        "predicted": lambda row: row["n"] / np.log(row["n"]),
    }
    assert "REFUTED" not in verdict(**good)
    assert "1. REFUTED" in verdict(**good | {"rate": lambda row: 1.2 * row["stated"]})
    assert "1. REFUTED" in verdict(**good | {"mean": 0.1})
    assert "2. REFUTED" in verdict(**good | {"predicted": 40})
    assert "2. REFUTED" in verdict(**good | dict.fromkeys(("enter", "predicted"), lambda row: np.log(row["n"])))
    assert "3. REFUTED" in verdict(
        **good | {"kept": 0.5, "r": lambda row: 100 * row["r"] if row["r"] > 9000 else row["r"]}
    )
    assert "ends at no atom for p" in verdict(**good | {"limit": lambda row: 0.9 if row["p"] == 6 else 0.1})
