"""Every Python block of the documentation runs, and what it computes is what it says."""

import contextlib
import re
from pathlib import Path

import numpy as np
import pytest

import hypernorm as hn

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


def test_check_by_hand_does_not_use_hypernorm():
    assert len(blocks("theory/verification.md", "python")) == 1
    assert "hypernorm" not in blocks("theory/verification.md", "python")[0]


def test_guide_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    result = run("guide/getting_started.md")
    assert isinstance(result["interval"], hn.NormInterval)
    assert "fingerprint" in capsys.readouterr().out  # the refused certificate


def test_commands_of_the_guide_run(tmp_path, monkeypatch, capsys):
    main = pytest.importorskip("hypernorm.cli").main
    monkeypatch.chdir(tmp_path)
    np.savetxt("data.csv", np.random.default_rng(7).standard_normal((20, 3)), delimiter=",")
    lines = "".join(blocks("guide/getting_started.md", "sh")).splitlines()
    commands = [line.split("#")[0].split()[1:] for line in lines]
    assert {words[0] for words in commands} == {"demo", "norm", "info", "verify"}
    for words in commands:
        arguments = ["demo", "--help"] if words[0] == "demo" else words
        with contextlib.suppress(SystemExit):
            assert main(arguments) == 0, f"{words}: {capsys.readouterr().err}"


@pytest.mark.parametrize("page", sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")))
def test_links_lead_to_files(page):
    text = re.sub(r"^```.*?^```$", "", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert ((DOCS / page).parent / target).is_file(), f"{page} links to {target}"


@pytest.mark.parametrize("d", [3])
def test_factors_are_attained_up_to_a_constant_on_designs(d):
    """theory/upper_bounds.md: on a spherical 4-design the ratios are ((d+2)/3)^(1/4) and ((d+2)/3)^(1/8)."""
    from hypernorm.datasets import icosahedron

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
