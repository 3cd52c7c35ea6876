"""The factor of the moment bound at q = 6 grows at least like d^{1/4}: the rows (pqᵀ, qrᵀ, rpᵀ), p, q, r unit vectors.

docs/theory/upper_bounds.md has the argument. Here are its pieces in numbers, for p, q, r in R^m, m = 2 to 6.
"""

import itertools
import math

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.datasets import e8
from hypernorm.forms import MonomialBasis

SIZES = (2, 3, 4, 5, 6)


def sample(m, n, seed=0):
    """Rows for uniform p, q, r."""
    vectors = np.random.default_rng([m, seed]).standard_normal((3, n, m))
    p, q, r = vectors / np.linalg.norm(vectors, axis=2, keepdims=True)
    pairs = ((p, q), (q, r), (r, p))
    return np.hstack([(left[:, :, None] * right[:, None, :]).reshape(n, m * m) for left, right in pairs])


def parts(v, m):
    """The matrices A, B, C of v."""
    return np.asarray(v).reshape(3, m, m)


def sixth_moment(m):
    """E u_1⁶ for u uniform on the unit sphere."""
    return 15 / (m * (m + 2) * (m + 4))


def mean_form(v, m):
    """E (pᵀAq + qᵀBr + rᵀCp)⁶ without sampling: odd powers vanish, and even ones are moments of the sphere."""
    A, B, C = parts(v, m)
    second, fourth, sixth = m, m * (m + 2), m * (m + 2) * (m + 4)
    tr = np.trace

    def pure(G):  # E (qᵀGq)³
        return (tr(G) ** 3 + 6 * tr(G) * tr(G @ G) + 8 * tr(G @ G @ G)) / sixth

    def mixed(G, H):  # E (qᵀGq)² qᵀHq
        squares = tr(G) ** 2 * tr(H) + 2 * tr(G @ G) * tr(H) + 4 * tr(G) * tr(G @ H) + 8 * tr(G @ G @ H)
        return squares / sixth

    def pair(S, K):  # E rᵀSr rᵀKr
        return (tr(S) * tr(K) + 2 * tr(S @ K)) / fourth

    total = sum(15 / sixth * pure(M.T @ M) for M in (A, B, C))
    for M, L in ((A, B), (B, C), (C, A)):  # M ends where L begins
        G, H = M.T @ M, L @ L.T
        total += 15 * 3 / fourth / second * (mixed(G, H) + mixed(H, G))
    G, K, T = A.T @ A, C @ C.T, (C @ A @ B + (C @ A @ B).T) / 2
    apart = pair(tr(G) * B.T @ B + 2 * B.T @ G @ B, K) / fourth
    together = 2 * (pair(C @ A @ A.T @ C.T, B.T @ B) + 2 * pair(T, T)) / fourth
    return float(total + 90 * (apart + together) / fourth)


def figures(m, n=4000):
    """A lower limit of λ_max(M), the largest value found of the form, and its proved upper limit, for the mean."""
    found = hn.lower_bound(sample(m, n), 6, n_starts=64, random_state=0).vector
    one = np.zeros((3, m, m))
    one[0, 0, 0] = 1  # A alone, of rank one
    cycle = np.zeros((3, m, m))
    cycle[:, 0, 0] = 3**-0.5
    largest = max(mean_form(v, m) for v in (found, one, cycle))
    return 6 / m**3, largest, 243 * sixth_moment(m) ** 2


@pytest.mark.parametrize("m", SIZES)
def test_the_cubic_form_is_a_unit_vector_and_constant_on_the_rows(m):
    """V(x) = √6 m^{-3/2} tr(ABC) = Σ z_α(x) m^{-3/2} over the m³ monomials A_ij B_jk C_ki, with z_α = √6 x^α."""
    variable = np.arange(3 * m * m).reshape(3, m, m)
    chosen = {
        (variable[0, i, j], variable[1, j, k], variable[2, k, i]) for i, j, k in itertools.product(range(m), repeat=3)
    }
    assert len(chosen) == m**3
    assert all(len(set(monomial)) == 3 for monomial in chosen)  # multiplicity 3! = 6
    X = sample(m, 200)
    A, B, C = X.reshape(-1, 3, m, m).transpose(1, 0, 2, 3)
    np.testing.assert_allclose(np.einsum("nij,njk,nki->n", A, B, C), 1, rtol=1e-12)


@pytest.mark.parametrize("n", [1, 40, 1000])
def test_the_moment_bound_of_any_rows_of_this_form(n):
    """λ_max(M) ≥ 6 m^{-3} n for every choice of p, q, r."""
    m, X = 2, sample(2, n)
    basis = MonomialBasis(12, 3)
    assert basis.size == 364
    assert hn.spectral_bound(X, 6, "moment").upper ** 6 >= 6 / m**3 * n
    images = basis.evaluate(X)
    form = np.zeros(basis.size)
    place = {tuple(monomial): index for index, monomial in enumerate(basis.indices.tolist())}
    for i, j, k in itertools.product(range(m), repeat=3):
        form[place[i * m + j, m * m + j * m + k, 2 * m * m + k * m + i]] = m**-1.5
    assert form @ form == pytest.approx(1)
    np.testing.assert_allclose(form @ images, math.sqrt(6) * m**-1.5, rtol=1e-12)


@pytest.mark.parametrize("m", SIZES)
def test_the_form_in_closed_form(m):
    rng = np.random.default_rng(m)
    X = sample(m, 100_000, seed=1)
    for _ in range(3):
        v = rng.standard_normal(3 * m * m)
        powers = (X @ (v / np.linalg.norm(v))) ** 6
        error = powers.std() / math.sqrt(len(powers))
        assert mean_form(v / np.linalg.norm(v), m) == pytest.approx(powers.mean(), abs=5 * error)


@pytest.mark.parametrize("m", SIZES)
def test_the_form_is_small_in_every_direction(m):
    """(a + b + c)⁶ ≤ 243 (a⁶ + b⁶ + c⁶), and E (pᵀAq)⁶ ≤ (E u_1⁶)² ‖A‖⁶ ≤ 225 m^{-6} ‖A‖⁶."""
    eigenvalue, largest, limit = figures(m)
    assert sixth_moment(m) ** 2 <= largest <= limit <= 243 * 225 / m**6
    assert (eigenvalue / largest) ** (1 / 6) > 1.1
    rng = np.random.default_rng(m)
    for _ in range(50):
        v = rng.standard_normal((3, m, m)) * rng.exponential(size=(3, 1, 1)) ** 3
        v /= np.linalg.norm(v)
        single = np.zeros((3, m, m))
        single[0] = v[0]
        assert mean_form(single, m) <= sixth_moment(m) ** 2 * np.linalg.norm(v[0]) ** 6 * (1 + 1e-12)
        assert mean_form(v, m) <= limit


def test_spherical_designs_are_not_the_worst():
    """On a design the ratio is ((d + 4)/5)^{1/6}; E₈ is one of degree 7."""
    known = e8(6)
    bound = hn.spectral_bound(known.matrix, 6, "moment").upper
    assert bound / known.value == pytest.approx((12 / 5) ** (1 / 6), rel=1e-7)


def test_the_exponent_of_the_ratio_tends_to_a_quarter():
    low, high = (10**6, 10**7)
    ratios = [(6 / m**3 / (243 * sixth_moment(m) ** 2)) ** (1 / 6) for m in (low, high)]
    assert math.log(ratios[1] / ratios[0]) / math.log(3 * high**2 / (3 * low**2)) == pytest.approx(0.25, abs=1e-6)
