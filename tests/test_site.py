"""What the site adds to the pages: gallery, check without hypernorm, check of links."""

import ast
import re
import runpy
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

import hypernorm as hn
from hypernorm._validation import check_rows
from hypernorm.bounds.propose import Search, propose
from hypernorm.forms import Rows

DOCS = Path(__file__).parent.parent / "docs"
SCRIPT = DOCS / "guide" / "verify_certificate.py"
# A few seconds each; `make docs` runs all of them.
SLOW = {"plot_1_first_interval", "plot_3_degree_six", "plot_4_restarts", "plot_8_robust_mean"}
GALLERY = [
    pytest.param(path, id=path.stem, marks=pytest.mark.slow if path.stem in SLOW else ())
    for path in sorted((DOCS / "gallery").glob("*.py"))
]


@pytest.mark.parametrize("path", GALLERY)
def test_example_of_the_gallery_runs(path, monkeypatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    plt.switch_backend("Agg")
    runpy.run_path(str(path))
    assert plt.get_fignums()
    plt.close("all")


@pytest.fixture(scope="module")
def verify():
    """The function `verify` of the script that does without hypernorm."""
    return runpy.run_path(str(SCRIPT))["verify"]


def certificates(kind, X, q, **options):
    if kind == "sos":  # for every q, not only where there are no touching points
        search = Search(rtol=1e-6, half_degree=options.pop("degree", 4) // 2, **options)
        return propose(Rows.identified(check_rows(X)), float(q), kind, search).certificate
    return hn.spectral_bound(X, q=q, kind=kind)


def stored(certificate, folder, **changes):
    """The members of the certificate's file, some of them replaced."""
    certificate.save(folder / "certificate.npz")
    return {**np.load(folder / "certificate.npz"), **changes}


@pytest.mark.parametrize(
    ("kind", "q", "shape", "scale", "options"),
    [
        ("realigned", 4, (40, 5), 1.0, {}),
        ("realigned", 4, (7, 1), 3e40, {}),
        ("realigned", 4, (300, 3), 1e-150, {}),
        ("realigned", 2.5, (40, 5), 1.0, {}),
        ("realigned", 7.5, (40, 5), 1e-40, {}),
        ("sos", 4, (40, 5), 1.0, {}),
        ("sos", 4, (40, 5), 3e40, {"single_precision": True}),
        ("sos", 4, (30, 3), 1.0, {"degree": 8}),
        ("sos", 6, (30, 3), 1e-40, {}),
        ("sos", 6, (30, 3), 1.0, {"degree": 8}),
        ("sos", 3, (40, 4), 1.0, {}),
        ("sos", 20, (40, 4), 1.0, {}),
    ],
)
def test_bound_without_hypernorm_is_that_of_the_exact_proof(verify, tmp_path, kind, q, shape, scale, options):
    X = scale * np.random.default_rng(14).standard_normal(shape)
    certificate = certificates(kind, X, q, **options)
    bound = verify(X, stored(certificate, tmp_path))
    assert bound == pytest.approx(certificate.verify(X, exact=True).upper, rel=4e-16, abs=0)
    assert bound >= hn.lower_bound(X, q=q, random_state=0).value


def test_script_says_what_it_cannot_read(tmp_path):
    X = np.random.default_rng(16).standard_normal((20, 3))
    paths = {name: tmp_path / name for name in ("X.npy", "X.csv", "X.npz", "good.npz", "other.npz")}
    np.save(paths["X.npy"], X)
    np.savetxt(paths["X.csv"], X, delimiter=",")
    np.savez(paths["X.npz"], X)
    hn.spectral_bound(X, kind="realigned").save(paths["good.npz"])
    hn.spectral_bound(X, kind="flattening").save(paths["other.npz"])
    read = runpy.run_path(str(SCRIPT))["read"]
    assert "usage" in read([])
    assert "usage" in read([str(paths["X.npy"])])
    assert "numpy.save" in read([str(paths["X.csv"]), str(paths["good.npz"])])
    assert "numpy.save" in read([str(paths["X.npy"]), str(paths["X.npy"])])
    assert "no .npy file" in read([str(paths["good.npz"]), str(paths["X.npy"])])
    assert "cannot be read" in read([str(paths["X.npy"]), str(tmp_path / "nowhere.npz")])
    (tmp_path / "bare.npz").write_bytes(paths["X.npy"].read_bytes())
    assert "cannot be read" in read([str(paths["X.npy"]), str(tmp_path / "bare.npz")])
    assert "kind 'flattening'" in read([str(paths["X.npy"]), str(paths["other.npz"])])
    assert "kind 'none'" in read([str(paths["X.npy"]), str(paths["X.npz"])])
    matrix, members = read([str(paths["X.npy"]), str(paths["good.npz"])])
    assert (matrix == X).all()
    assert "values" in members
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage" in done.stderr


def test_rows_of_zero_are_no_obstacle(verify, tmp_path):
    X = np.random.default_rng(15).standard_normal((30, 4))
    X[7] = 0
    certificate = hn.spectral_bound(X, q=3, kind="realigned")
    assert verify(X, stored(certificate, tmp_path)) == pytest.approx(certificate.upper, rel=1e-15, abs=0)


@pytest.mark.parametrize(("kind", "q"), [("realigned", 4), ("realigned", 3), ("sos", 4), ("sos", 6), ("sos", 5)])
def test_too_small_a_value_is_not_proved_without_hypernorm(verify, tmp_path, kind, q):
    X = np.random.default_rng(16).standard_normal((40, 4))
    members = stored(certificates(kind, X, q), tmp_path)
    assert verify(X, members) is not None
    for j in range(len(members["values"])):
        values = members["values"].copy()
        values[j] *= 1 - 1e-4
        assert verify(X, {**members, "values": values}) is None


@pytest.mark.parametrize("kind", ["realigned", "sos"])
def test_other_tampering_is_not_proved_without_hypernorm(verify, tmp_path, kind):
    X = np.random.default_rng(17).standard_normal((40, 4))
    members = stored(certificates(kind, X, 4), tmp_path)
    assert verify(1.001 * X, members) is None
    assert verify(X, {**members, "exponent": members["exponent"] - 1}) is None
    assert verify(X, {**members, "matrix_0": -members["matrix_0"]}) is None
    assert verify(X, {**members, "matrix_0": 0 * members["matrix_0"]}) is None
    assert verify(X, {**members, "q": np.array(1.5)}) is None


RANGES = {
    "kind": [np.array("moment"), np.array("row_norm"), np.array(b"sos"), np.array(["sos"]), np.array("sos\n")],
    "q": [np.array(v) for v in (1.5, 2.0, -4.0, np.nan, np.inf, 1e7, 4, 4j)] + [np.array([4.0]), np.float32(4)],
    "exponent": [np.array(v) for v in (0.5, np.nan, 10**6, -(10**6), True)] + [np.array([0])],
    "radius": [np.array(v) for v in (-1.0, -1e-300, 0.0, -0.0, np.nan, np.inf, -np.inf, 1, 1j, "1")] + [np.ones(1)],
    "values": [np.array(v) for v in ([-1.0], [np.nan], [np.inf], [1.0, 1.0, 1.0], 1.0, [1j], ["1"], [])],
    "matrix_0": [
        np.full(10, np.nan),
        np.full(10, np.inf),
        np.eye(4),
        np.ones(9),
        np.ones(10, dtype=int),
        np.array(1.0),
    ],
}


@pytest.mark.parametrize(
    ("kind", "q"), [("realigned", 4), ("realigned", 7.3), ("realigned", 3), ("sos", 4), ("sos", 5)]
)
def test_every_field_out_of_its_range_is_refused_without_hypernorm(verify, tmp_path, kind, q):
    X = np.random.default_rng(21).standard_normal((20, 4))
    members = stored(certificates(kind, X, q), tmp_path)
    lower = hn.lower_bound(X, q, random_state=0).value
    for name, wrong in RANGES.items():
        for value in wrong:
            if name in members:
                assert verify(X, {**members, name: value}) is None
        assert name not in members or verify(X, {k: v for k, v in members.items() if k != name}) is None
    for flipped in (-1.0, 1e-3, 1e3):  # a radius of the wrong size or sign, with and without a fitting value
        for power in (0.0, q - 4, 4 - q):
            values = members["values"] * abs(flipped) ** power
            bound = verify(X, {**members, "radius": flipped * members["radius"], "values": values})
            assert bound is None or bound >= lower


@pytest.mark.parametrize(
    "X", [np.array([[1.0, np.nan]]), np.ones(3), np.ones((2, 2), dtype=complex), np.array([["a"]])]
)
def test_no_matrix_is_refused_without_hypernorm(verify, tmp_path, X):
    members = stored(hn.spectral_bound(np.eye(2), 4), tmp_path)
    assert verify(X, members) is None
    assert verify(np.ma.masked_equal(np.eye(2), 0), members) is None


def test_integers_are_not_rounded_without_hypernorm(verify, tmp_path):
    """2**53 + 1 as an integer is not 2**53."""
    X = np.array([[2**53 + 1, 0], [0, 2**53 + 1]])
    members = stored(hn.spectral_bound(X.astype(float), 4), tmp_path)
    bound = verify(X, members)
    assert bound is None or bound > 2**53


def test_script_without_hypernorm_runs_as_a_command(tmp_path):
    X = np.random.default_rng(18).standard_normal((30, 3))
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "other.npy", 2 * X)
    certificate = hn.spectral_bound(X, q=4)
    certificate.save(tmp_path / "certificate.npz")

    def command(matrix):
        words = [sys.executable, str(SCRIPT), matrix, "certificate.npz"]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)

    proved, refused = command("X.npy"), command("other.npy")
    assert (proved.returncode, refused.returncode) == (0, 1)
    assert float(proved.stdout.split("≤")[1]) == pytest.approx(certificate.upper, rel=4e-16)
    assert "not proved" in refused.stdout


def test_script_needs_only_numpy_and_flint():
    tree = ast.parse(SCRIPT.read_text(encoding="utf-8"))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported - set(sys.stdlib_module_names) == {"numpy", "flint"}


def test_page_shows_functions_of_the_script():
    page = (DOCS / "guide" / "independent_verification.md").read_text(encoding="utf-8")
    shown = re.findall(r"^:pyobject: (\w+)$", page, flags=re.MULTILINE)
    assert len(shown) >= 7
    assert set(shown) <= set(runpy.run_path(str(SCRIPT)))


def test_tests_that_pages_name_exist():
    root = DOCS.parent
    for page in DOCS.rglob("*.md"):
        for path, name in re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page.read_text(encoding="utf-8")):
            text = (root / path).read_text(encoding="utf-8")
            assert not name or re.search(rf"^def {name}\(|^class {name}\b", text, flags=re.MULTILINE), name


def test_check_of_the_site_finds_what_is_broken(tmp_path):
    problems = runpy.run_path(str(DOCS / "check_site.py"))["problems"]
    assert problems(tmp_path)  # no pages
    (tmp_path / "a.html").write_text('<p id="here"><a href="b.html#there">b</a> <a href="#here">a</a></p>')
    (tmp_path / "b.html").write_text('<p id="there"><a href="https://example.org/">elsewhere</a></p>')
    assert problems(tmp_path) == []
    (tmp_path / "b.html").write_text('<p id="moved"><a href="c.html">c</a><img src="https://example.org/x.png"></p>')
    assert len(problems(tmp_path)) == 3


def test_reference_lists_every_public_name_once():
    pages = (path for path in (DOCS / "reference").glob("*.md") if path.stem != "modules")
    texts = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    listed = re.findall(r"^   (\w[\w.]*)$", texts, flags=re.MULTILINE)
    kinds = ("classes", "exceptions", "functions")
    names = runpy.run_path(str(DOCS / "_extensions" / "public_names.py"))["public_names"]()
    exported = {
        f"{module}.{name}".removeprefix("hypernorm.")
        for module, groups in names.items()
        for kind in kinds
        for name in groups[kind]
    }
    assert len(listed) == len(set(listed))
    assert set(listed) == exported, sorted(set(listed) ^ exported)


PAGES = sorted(path for path in DOCS.rglob("*.md") if "_build" not in path.parts)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_every_picture_of_a_page_has_a_caption(page):
    text = page.read_text(encoding="utf-8")
    for picture in re.finditer(r"^!\[[^\]]*\]\(([^)]*)\)\n\n?(.*?)(?:\n\n|\Z)", text, flags=re.MULTILINE | re.DOTALL):
        assert re.fullmatch(r"\*[^*]+\*", picture[2].strip()), f"{picture[1]} needs a paragraph in italics below it"


@pytest.mark.parametrize("path", sorted((DOCS / "gallery").glob("*.py")), ids=lambda path: path.stem)
def test_every_picture_of_the_gallery_has_a_caption(path):
    """The block that draws a picture is followed by a text that begins with a paragraph in italics."""
    blocks = re.split(r"^# %%\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for drawing, after in zip(blocks, [*blocks[1:], ""], strict=True):
        if re.search(r"plt\.(subplots|figure)\(", drawing):
            assert re.match(r"# \*[^*]+\*\n(#\n|\n|\Z)", after), drawing


def blocks_of_code(text: str) -> list[str]:
    return re.findall(r"^ *```\w+\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_code_fits_the_width_of_the_site(page):
    """Of the gallery and `verify_certificate.py` ruff counts the columns."""
    lines = [line for block in blocks_of_code(page.read_text(encoding="utf-8")) for line in block.splitlines()]
    assert [line for line in lines if len(line) > 88 and "http" not in line] == []


@pytest.fixture(scope="module")
def extension():
    return runpy.run_path(str(DOCS / "_extensions" / "outputs.py"))


def test_outputs_are_those_of_the_blocks_in_order(extension):
    blocks = [
        "x = 2\nprint('two')",
        "x + 1",
        "x\nassert x\nx * 'a'",
        "y = None\ny",
        "for i in range(50):\n    print(i)",
    ]
    first, second, third, fourth, long = extension["run"](blocks)
    assert (first, second, third, fourth) == ("two", "3", "x = 2\nx * 'a' = 'aa'", "")
    assert long.splitlines()[-1] == "…"
    assert len(long.splitlines()) == extension["LONGEST"]


def test_outputs_are_kept_until_a_block_changes(extension, tmp_path):
    blocks = ["import time\nprint(time.time())"]
    before, again = (extension["outputs"](blocks, tmp_path, 60) for _ in range(2))
    assert before == again
    assert extension["outputs"]([*blocks, ""], tmp_path, 60)[0] != before[0]


def test_failing_and_endless_examples_are_named(extension, tmp_path):
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        extension["outputs"](["1 / 0"], tmp_path, 60)
    with pytest.raises(RuntimeError, match="longer than 1 second"):
        extension["outputs"](["while True: pass"], tmp_path, 1)


def test_entry_for_bibliographies_is_that_of_the_citation_file():
    pytest.importorskip("sphinx", reason="comes with the extra docs")
    citation = runpy.run_path(str(DOCS / "_extensions" / "citation.py"))
    entry = {"title": "T", "authors": [{"name": "A"}], "version": "1", "date-released": "2026-01-02", "url": "u"}
    text = citation["bibtex"](entry)
    assert all(part in text for part in ("@software{hypernorm", "{T}", "{{A}}", "{1}", "{2026}", "{u}"))
