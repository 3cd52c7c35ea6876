"""Data that change while they are read: a proof is about what its fingerprint was taken of, or there is none."""

import dataclasses

import dask
import dask.array as da
import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm import _validation
from hypernorm._pages import Pages
from hypernorm._validation import check_matrix, check_rows
from hypernorm.certificates import mean, subjects
from hypernorm.dictionary import LpDictionaryLearning
from hypernorm.forms import Rows, fingerprint
from hypernorm.robust import MomentClustering, certify_covariance, certify_mean
from hypernorm.separable import separable_value

BIG = np.random.default_rng(0).standard_normal((60, 3))
SMALL = BIG / 1024


@pytest.fixture
def pages(monkeypatch):
    """Arrays of any size are read page by page, ten rows each."""
    monkeypatch.setattr(_validation, "LARGE_BYTES", 0)
    monkeypatch.setattr("hypernorm._pages._PAGE_ENTRIES", 30)


@pytest.mark.parametrize("kind", ["row_norm", "flattening", "realigned"])
@pytest.mark.parametrize("exact", [False, True])
def test_an_array_written_to_during_the_proof_changes_nothing(kind, exact, monkeypatch):
    shared = BIG.copy()
    forged = dataclasses.replace(hn.spectral_bound(SMALL, 4, kind=kind), fingerprint=fingerprint(BIG))
    honest = hn.spectral_bound(BIG, 4, kind=kind)

    def then_change(matrix):
        result = fingerprint(matrix)
        shared[...] = SMALL
        return result

    monkeypatch.setattr(subjects, "fingerprint", then_change)
    with pytest.raises(hn.CertificateError):
        forged.verify(shared, exact=exact)
    shared[...] = BIG
    assert honest.verify(shared, exact=exact).upper >= hn.lower_bound(BIG, random_state=0).value


@pytest.mark.parametrize("convert", [np.asarray, np.asfortranarray, sp.csr_array, sp.csc_matrix, lambda X: X[::1]])
def test_what_the_gate_returns_shares_no_memory(convert):
    X = convert(BIG)
    for private in (check_rows(X), check_matrix(X, copy=True)):
        source, copy = (Y if isinstance(Y, np.ndarray) else Y.data for Y in (X, private))
        assert not np.shares_memory(source, copy)


@pytest.mark.parametrize("convert", [np.array, sp.csr_array])
@pytest.mark.parametrize("scale", [1.0, 2.0**9])
def test_rows_have_their_own_memory(convert, scale):
    X = convert(BIG / 8 * scale)  # without scaling, the longest row is between 1/4 and 1
    rows = Rows(X)
    before = rows.block(0, 60).copy()
    for part in [X] if isinstance(X, np.ndarray) else [X.data, X.indices]:
        part[...] = 0
    np.testing.assert_array_equal(rows.block(0, 60), before)


@pytest.mark.usefixtures("pages")
def test_large_arrays_end_the_proof_when_a_page_changes(tmp_path):
    np.save(tmp_path / "X.npy", BIG)
    for shared in (BIG.copy(), np.load(tmp_path / "X.npy", mmap_mode="r+")):
        certificate = hn.spectral_bound(shared, 4)
        assert certificate.verify(shared).upper == hn.spectral_bound(BIG, 4).verify(BIG).upper
        matrix = check_rows(shared)
        assert isinstance(matrix, Pages)
        rows = Rows(matrix)
        assert certificate.prove(rows).upper == certificate.verify(BIG).upper
        shared[57, 1] += 1e-9
        rows.block(0, 50)
        with pytest.raises(hn.ChangedDataError, match="rows 50 to 60"):
            rows.block(55, 60)
        with pytest.raises(hn.ChangedDataError, match="rows 50 to 60"):
            certificate.prove(Rows(matrix))


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("stage", ["lower bound", "flattening", "sos"])
def test_a_climb_ends_when_a_page_changes(stage):
    shared = BIG.copy()

    def change(progress):
        if progress.stage == stage:
            shared[57, 1] += 1e-9

    with pytest.raises(hn.ChangedDataError, match="rows 50 to 60"):
        hn.two_to_q_norm(shared, 4, random_state=0, progress=change)


@pytest.mark.usefixtures("pages")
@pytest.mark.parametrize("kind", ["mean", "cluster", "covariance", "atom"])
def test_every_proof_about_samples_reads_pages(kind):
    if kind == "mean":
        weights = np.ones(60)
        weights[:12] = 0  # a whole page without weight
        proof = certify_mean(BIG, weights, 0.2)
    elif kind == "cluster":
        proof = MomentClustering(1, random_state=0).fit(BIG).certificates_[0]
    elif kind == "covariance":
        proof = certify_covariance(BIG, np.ones(60), 0.01)
    else:
        proof = LpDictionaryLearning(1, p=4, random_state=0).fit(BIG).certify(BIG, random_state=0).certificate
    plain = proof.verify(sp.csr_array(BIG))  # which is not read in pages
    assert proof.verify(BIG).upper == pytest.approx(plain.upper, rel=1e-12)
    other = BIG.copy()
    other[59, 2] += 1e-9
    with pytest.raises(hn.CertificateError, match="another matrix"):
        proof.verify(other)


@pytest.mark.usefixtures("pages")
def test_pages_are_what_the_array_is():
    X = np.asfortranarray(BIG)
    rows, plain = Rows(check_rows(X)), Rows(BIG)
    assert fingerprint(check_rows(X)) == fingerprint(BIG)
    for start, stop in [(0, 60), (5, 7), (9, 31), (59, 60)]:
        np.testing.assert_array_equal(rows.block(start, stop), plain.block(start, stop))
    bad = BIG.copy()
    bad[41, 2] = np.nan
    with pytest.raises(hn.InvalidInputError, match="row 41, column 2"):
        check_rows(bad)
    interval = hn.two_to_q_norm(X, random_state=0)
    assert interval.is_exact()
    interval.certificate.verify(BIG)


def chunks_that_change(after):
    """A Dask array whose two chunks are large for the first passes and small afterwards."""
    calls = [0, 0]

    def chunk(number):
        calls[number] += 1
        return (BIG if calls[number] <= after else SMALL)[30 * number : 30 * number + 30].copy()

    parts = [da.from_delayed(dask.delayed(chunk, pure=False)(i), shape=(30, 3), dtype=float) for i in (0, 1)]
    return da.concatenate(parts)


@pytest.mark.parametrize("after", range(1, 8))
@pytest.mark.parametrize("kind", ["row_norm", "flattening", "realigned", "witness", "mean"])
def test_chunks_that_are_computed_otherwise_later_end_the_proof(kind, after):
    with dask.config.set(scheduler="synchronous"):
        if kind == "witness":
            proof = hn.lower_bound(BIG, random_state=0)
        elif kind == "mean":
            proof = certify_mean(BIG, np.ones(60), 0.1)
        else:
            proof = dataclasses.replace(hn.spectral_bound(SMALL, 4, kind=kind), fingerprint=fingerprint(BIG))
        try:
            proof.verify(chunks_that_change(after))
            verified = True
        except hn.CertificateError:
            verified = False
        assert not verified or (kind in ("witness", "mean") and after > 2)


def test_chunks_that_share_memory_with_an_array_are_copied():
    shared = BIG.copy()
    with dask.config.set(scheduler="synchronous"):
        parts = [dask.delayed(lambda start: shared[start : start + 20])(start) for start in (0, 20, 40)]
        X = check_rows(da.concatenate([da.from_delayed(part, shape=(20, 3), dtype=float) for part in parts]))
        np.testing.assert_array_equal(X[0:60], BIG)
        shared[25] = 0
        with pytest.raises(hn.ChangedDataError, match="rows 20 to 40"):
            Rows(X).block(0, 60)
        np.testing.assert_array_equal(X[0:20], BIG[:20])


CHUNKS = {
    "masked": lambda: np.ma.masked_invalid(np.where(BIG > 0, np.nan, BIG)),
    "masked without a mask": lambda: np.ma.masked_array(BIG),
    "sparse": lambda: sp.csr_array(BIG),
    "matrix": lambda: np.asmatrix(BIG),
    "list": BIG.tolist,
    "complex": lambda: BIG + 1j,
    "text": lambda: BIG.astype("U9"),
    "objects": lambda: BIG.astype(object),
    "dates": lambda: BIG.astype("M8[s]"),
    "NaN": lambda: np.where(BIG > 1, np.nan, BIG),
    "infinity": lambda: np.where(BIG > 1, np.inf, BIG),
    "too few rows": lambda: BIG[:-1],
    "too many columns": lambda: np.hstack([BIG, BIG]),
    "one-dimensional": lambda: BIG[:, 0],
    "large integers": lambda: np.full((60, 3), 2**53 + 1),
    "long doubles": lambda: BIG.astype(np.longdouble) + np.longdouble(2) ** -62,
}


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("kind", CHUNKS)
@pytest.mark.parametrize("declared", [float, np.int64])
def test_chunks_that_are_not_what_they_should_be_get_one_line(kind, declared):
    if kind == "long doubles" and np.dtype(np.longdouble).itemsize == 8:
        return
    X = da.from_delayed(dask.delayed(CHUNKS[kind])(), shape=(60, 3), dtype=declared)
    with dask.config.set(scheduler="synchronous"):
        for use in (hn.lower_bound, hn.spectral_bound, hn.spectral_bound(BIG, 4).verify, hn.two_to_q_norm):
            with pytest.raises(hn.InvalidInputError, match=r"^X ") as caught:
                use(X)
            assert "\n" not in str(caught.value)


def test_dask_frames_are_refused_by_name():
    frames = pytest.importorskip("dask.dataframe")
    import pandas as pd

    frame = frames.from_pandas(pd.DataFrame(BIG, columns=list("abc")), npartitions=2)
    for use in (hn.lower_bound, hn.spectral_bound):
        with pytest.raises(hn.InvalidInputError, match=r"to_dask_array\(lengths=True\)"):
            use(frame)


def test_matrices_of_a_certificate_are_read_once(monkeypatch):
    """The array in the certificate is changed between the check and the proof; both see the copy."""
    honest = hn.sos_bound(BIG, 4, random_state=0)
    H = honest.matrices[0].copy()
    shared = dataclasses.replace(honest, matrices=(H,))
    expected = honest.verify(BIG).upper

    def then_change(rows, *arguments):
        H[...] = 0
        return reweight(rows, *arguments)

    reweight = hn.certificates.norm.reweight
    monkeypatch.setattr(hn.certificates.norm, "reweight", then_change)
    assert shared.verify(BIG).upper == expected
    with pytest.raises(hn.CertificateError):
        shared.verify(BIG)


def test_weights_of_a_certificate_are_read_once(monkeypatch):
    proof = certify_mean(BIG, np.ones(60), 0.1)
    weights = proof.weights.copy()
    proof = dataclasses.replace(proof, weights=weights)
    expected = proof.verify(BIG)

    def then_change(*arguments):
        weights[...] = 0
        weights[0] = 1
        return total_variation_bound(*arguments)

    total_variation_bound = mean.total_variation_bound
    monkeypatch.setattr(mean, "total_variation_bound", then_change)
    found = proof.verify(BIG)
    assert (found.error_bound, found.moments) == (expected.error_bound, expected.moments)


def test_a_hermitian_matrix_is_read_once():
    M = np.kron(BIG[:3], BIG[:3])
    M = M + M.T
    form = hn.forms.product.ProductForm(M, (3, 3), "real")
    assert not np.shares_memory(form.matrix, M)
    interval = separable_value(M, (3, 3), random_state=0)
    assert interval.certificate.verify(M).upper >= interval.lower
