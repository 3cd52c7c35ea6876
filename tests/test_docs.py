"""Every Python block of the documentation runs, and what it computes is what it says."""

import hashlib
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.datasets import icosahedron
from hypernorm.datasets.inexact import choi_lam
from hypernorm.forms import moment_depth
from hypernorm.io import NAMES, read_matrix

DOCS = Path(__file__).parent.parent / "docs"


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def run(page: str) -> dict[str, object]:
    """Execute the Python blocks of a page in order in one namespace, and return it."""
    namespace: dict[str, object] = {}
    for index, block in enumerate(blocks(page, "python")):
        exec(compile(block, f"{page}, block {index}", "exec"), namespace)
    return namespace


@pytest.mark.parametrize("shape", [(30, 4), (7, 7), (200, 3)])
@pytest.mark.parametrize("scale", [1.0, 3e40, 1e-40])
def test_realigned_certificate_is_checked_by_numpy_alone(tmp_path, monkeypatch, shape, scale):
    X = scale * np.random.default_rng(5).standard_normal(shape)
    certificate = hn.spectral_bound(X, q=4, kind="realigned")
    monkeypatch.chdir(tmp_path)
    np.save("X.npy", X)
    certificate.save("certificate.npz")

    result = run("theory/verification.md")

    assert result["least_of_U"] > 0
    assert result["least_of_difference"] > 0
    assert result["bound"] == pytest.approx(certificate.upper, rel=1e-12, abs=0)
    np.testing.assert_array_equal(result["U"], certificate.matrices[0])


def test_numpy_check_notices_a_value_that_is_too_small(tmp_path, monkeypatch):
    X = np.random.default_rng(6).standard_normal((30, 4))
    monkeypatch.chdir(tmp_path)
    np.save("X.npy", X)
    hn.spectral_bound(X, q=4, kind="realigned").save("certificate.npz")
    members = dict(np.load("certificate.npz"))
    members["values"] = members["values"] * 0.999
    np.savez("certificate.npz", **members)

    assert run("theory/verification.md")["least_of_difference"] < 0


@pytest.mark.parametrize("page", ["theory/verification.md", "theory/sums_of_squares.md"])
def test_check_by_hand_does_not_use_hypernorm(page):
    assert len(blocks(page, "python")) == 1
    assert "hypernorm" not in blocks(page, "python")[0]


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize(("shape", "scale"), [((30, 4), 1.0), ((7, 6), 3e40), ((40, 1), 1e-40)])
def test_sum_of_squares_is_checked_by_numpy_alone(tmp_path, monkeypatch, shape, scale, single):
    X = scale * np.random.default_rng(12).standard_normal(shape)
    certificate = hn.sos_bound(X, q=4, single_precision=single, random_state=0)
    monkeypatch.chdir(tmp_path)
    np.save("X.npy", X)
    certificate.save("sos.npz")

    result = run("theory/sums_of_squares.md")

    assert result["proved"] <= certificate.values[0] <= result["proved"] * (1 + 1e-6)
    assert result["bound"] == pytest.approx(certificate.upper, rel=1e-12, abs=0)
    np.testing.assert_array_equal(result["H"], certificate.matrices[0])


def test_numpy_check_counts_what_the_gram_matrix_leaves_over(tmp_path, monkeypatch):
    X = np.random.default_rng(13).standard_normal((30, 4))
    monkeypatch.chdir(tmp_path)
    np.save("X.npy", X)
    hn.sos_bound(X, q=4, random_state=0).save("sos.npz")
    members = dict(np.load("sos.npz"))
    for name, factor in (("values", 0.999), ("matrix_0", 1 / 0.999)):
        np.savez("sos.npz", **{**members, name: members[name] * factor})
        result = run("theory/sums_of_squares.md")
        assert result["proved"] > result["file"]["values"][0]


def test_guide_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    result = run("guide/getting_started.md")
    assert isinstance(result["interval"], hn.Interval)
    assert "fingerprint" in capsys.readouterr().out  # the refused certificate


@pytest.mark.parametrize(
    "page",
    [
        "index.md",
        "development/add_a_certificate.md",
        "guide/bounds_in_practice.md",
        "guide/data_and_time.md",
        "guide/dictionary_learning.md",
        "guide/gauss_markov.md",
        "guide/robust_statistics.md",
        "guide/small_sets.md",
        "guide/sparse_vectors.md",
        "guide/which_norm.md",
    ],
)
def test_guides_to_the_estimators_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run(page)


def test_weights_of_an_operator_norm_are_checked_by_numpy_alone():
    run("theory/operator_norms.md")


@pytest.mark.parametrize("page", sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")))
def test_links_lead_to_files(page):
    text = re.sub(r"^```.*?^```$", "", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert ((DOCS / page).parent / target).is_file(), f"{page} links to {target}"


@pytest.mark.parametrize("d", [3])
def test_factors_are_attained_up_to_a_constant_on_designs(d):
    """theory/upper_bounds.md: on a spherical 4-design the ratios are ((d+2)/3)^(1/4) and ((d+2)/3)^(1/8)."""
    X = icosahedron().matrix
    norm = (12 / 5) ** 0.25
    for kind, power in (("row_norm", 1 / 4), ("flattening", 1 / 4), ("moment", 1 / 4), ("realigned", 1 / 8)):
        assert hn.spectral_bound(X, q=4, kind=kind).upper / norm == pytest.approx(((d + 2) / 3) ** power, rel=1e-7)


@pytest.mark.parametrize("q", [2.5, 3, 3.9, 4, 5, 7.5])
def test_order_of_the_spectral_bounds(q):
    """theory/upper_bounds.md: realigned ≤ flattening ≤ row norm for every q > 2."""
    rng = np.random.default_rng(8)
    for _ in range(5):
        X = rng.standard_normal((12, 4)) * rng.exponential(size=(12, 1))
        realigned, flattening, row_norm = (
            hn.spectral_bound(X, q=q, kind=kind).upper for kind in ("realigned", "flattening", "row_norm")
        )
        assert realigned <= flattening * (1 + 1e-7)
        assert flattening <= row_norm * (1 + 1e-7)


@pytest.mark.parametrize(("kind", "q"), [("row_norm", 6), ("flattening", 5), ("realigned", 7.5), ("row_norm", 1000)])
def test_bound_of_a_weighted_certificate_by_numpy_alone(kind, q):
    """theory/verification.md: the weights are (r_i/R)^a, and R^(Σ t a / q) is put back at the end."""
    X = np.random.default_rng(9).standard_normal((30, 4))
    certificate = hn.spectral_bound(X, q=q, kind=kind)
    p, root = {"row_norm": (2, 2), "flattening": (4, 4), "realigned": (4, 8)}[kind]
    R, (value,), (U,) = certificate.radius, certificate.values, certificate.matrices
    Y = np.ldexp(X, -certificate.exponent)
    assert pytest.approx(np.linalg.norm(Y, axis=1).max(), rel=1e-15) == R
    Y = Y * (np.linalg.norm(Y, axis=1, keepdims=True) / R) ** ((q - p) / p)
    U = np.eye(4) if U is None else U
    image = {
        "row_norm": lambda: Y.T @ Y,
        "flattening": lambda: Y.T @ (np.einsum("ij,jk,ik->i", Y, U, Y)[:, None] * Y),
        "realigned": lambda: Y.T @ ((Y @ Y.T) ** 2 * (Y @ U @ Y.T)) @ Y,
    }[kind]()

    assert np.linalg.eigvalsh(U)[0] > 0
    assert np.linalg.eigvalsh(value * U - image)[0] > -1e-15 * value
    bound = 2.0**certificate.exponent * R ** ((q - p) / q) * value ** (p / (root * q))
    assert certificate.upper == pytest.approx(bound, rel=1e-12)


@pytest.mark.parametrize(("kind", "q"), [("row_norm", 3), ("realigned", 5), ("realigned", 4), ("moment", 3)])
def test_exact_mode_returns_the_bound_as_claimed(kind, q):
    """theory/verification.md: no loss in the exact mode, and none in the other one where no rows are reweighted."""
    X = np.random.default_rng(10).standard_normal((20, 3))
    certificate = hn.spectral_bound(X, q=q, kind=kind)
    exact, floating = (certificate.verify(X, exact=exact).upper for exact in (True, False))
    assert exact == certificate.upper
    assert exact <= floating <= exact * (1 + 1e-15)
    assert floating == exact or (kind, q) in {("row_norm", 3), ("realigned", 5)}


@pytest.mark.parametrize("shape", [(40, 3), (5, 300_000)])
def test_fingerprint_is_the_hash_that_is_described(shape):
    X = np.random.default_rng(11).integers(-1, 2, shape).astype(float)
    digest = hashlib.sha256(np.array(shape, dtype="<i8").tobytes())
    step = max(1, 2**20 // shape[1])
    for start in range(0, shape[0], step):
        rows, columns = np.nonzero(X[start : start + step])
        digest.update(np.array([len(rows)], dtype="<i8").tobytes())
        digest.update((rows + start).astype("<i8").tobytes())
        digest.update(columns.astype("<i8").tobytes())
        digest.update(X[rows + start, columns].astype("<f8").tobytes())
    assert hn.Witness.from_vector(X, np.ones(shape[1])).fingerprint == digest.hexdigest()


def test_file_has_the_members_of_the_table(tmp_path):
    text = (DOCS / "theory/verification.md").read_text(encoding="utf-8")
    table = set(re.findall(r"^\| `(\w+)` \| (?:int64|text|float64)", text, flags=re.MULTILINE))
    hn.spectral_bound(np.eye(3), q=4, kind="flattening").save(tmp_path / "certificate.npz")
    members = set(np.load(tmp_path / "certificate.npz"))
    assert {name.replace("_0", "_j") for name in members} == table


def test_choi_lam_form_is_missed_at_degree_4():
    """theory/sums_of_squares.md: λ‖v‖⁴ − h has the maximum λ, the degree-4 bound λ + 0.0342, at degree 6 λ + 1e-5."""
    known = choi_lam()
    assert known.value**4 == pytest.approx(7 / 4, rel=1e-12)
    fourth, sixth = (hn.sos_bound(known.matrix, q=4, degree=degree, random_state=0).upper ** 4 for degree in (4, 6))
    assert fourth == pytest.approx(7 / 4 + 0.0342, abs=5e-5)
    assert 7 / 4 - 1e-12 < sixth < 7 / 4 + 5e-5


@pytest.mark.parametrize("n", [1, 1000, 100_000])
@pytest.mark.parametrize("size", [10, 500, 1024, 3000, 8192, 20_000])
def test_depth_of_a_moment_matrix(n, size):
    b = min(n, max(64, min(1024, 2**23 // size), 2**20 // size))
    g = min(8 * b, n)
    assert moment_depth(SimpleNamespace(shape=(n, 5), pieces=[range(n)]), size) == g + -(-n // g)
    assert b == min(n, 1024) or not 1024 <= size <= 8192


def test_guide_lists_the_names_and_their_norms():
    text = (DOCS / "guide/command_line.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in text for name in NAMES)
    for name, power in (("icosahedron", 12 / 5), ("e8", 9)):
        witness = hn.lower_bound(read_matrix(name), q=4, random_state=0)
        assert witness.value == pytest.approx(power**0.25, rel=1e-12)
