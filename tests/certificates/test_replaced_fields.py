"""Fields that somebody replaces while a proof runs: each is read once, so that the proof is about one set of them."""

import dataclasses

import dask
import dask.array as da
import numpy as np
import pytest
import scipy.sparse as sp

import hypernorm as hn
from hypernorm._chunks import Chunks
from hypernorm._pages import Pages
from hypernorm._validation import check_rows
from hypernorm.applications import small_set_expansion
from hypernorm.certificates import ClusterCertificate, MeanCertificate, SeparableCertificate, weighted_rows
from hypernorm.datasets import noisy_cube
from hypernorm.forms import fingerprint
from hypernorm.forms.product import ProductClasses, ProductForm
from hypernorm.robust import certify_mean

RNG = np.random.default_rng(0)
Z = RNG.standard_normal((60, 2))
Z[:6] += 6


def replacing(proof, late, **changes):
    """A Dask array of Z whose chunk replaces fields of a proof in one of its passes."""
    count = [0]

    def chunk():
        count[0] += 1
        if count[0] == late:
            for name, value in changes.items():
                object.__setattr__(proof, name, value)
        return Z.copy()

    return da.from_delayed(dask.delayed(chunk, pure=False)(), shape=Z.shape, dtype=float)


@pytest.mark.parametrize("late", range(1, 9))
@pytest.mark.parametrize("kind", ["mean", "cluster"])
def test_the_exponent_of_an_inner_certificate(kind, late):
    large = 1e6
    weights, location = np.ones(60), Z.mean(axis=0)
    norm = hn.spectral_bound(np.asarray(weighted_rows(Z, weights, location, large)), large, kind="row_norm")
    if kind == "mean":
        proof = MeanCertificate(
            location=location, weights=weights, base_weights=None, contamination=0.1, norms=(norm,),
            base_norms=None, shape=Z.shape, fingerprint=fingerprint(Z),
        )  # fmt: skip
    else:
        proof = ClusterCertificate(
            center=location, weights=weights, norm=norm, shape=Z.shape, fingerprint=fingerprint(Z)
        )
    with dask.config.set(scheduler="synchronous"):
        found = proof.verify(replacing(norm, late, q=2.0))
    proved = found.moments[0] if kind == "mean" else found.upper
    longest = np.linalg.norm(Z - location, axis=1).max()  # nearly the moment for so large an exponent
    assert proved > 0.99 * longest


@pytest.mark.parametrize("late", range(1, 9))
def test_moments_of_all_samples(late):
    weights = np.ones(60)
    weights[np.argmax(np.linalg.norm(Z, axis=1))] = 0
    proof = certify_mean(Z, weights, 0.1, moments=[2])
    expected = proof.verify(Z).upper
    smaller = certify_mean(Z / 64, weights, 0.1, moments=[2]).base_norms
    with dask.config.set(scheduler="synchronous"):
        for base_norms in (None, smaller):
            assert proof.verify(replacing(proof, late, base_norms=base_norms)).upper >= expected


@pytest.mark.parametrize("late", range(1, 7))
def test_fields_of_a_norm_certificate(late):
    proof, weaker = hn.spectral_bound(Z, 4, kind="row_norm"), hn.spectral_bound(Z / 64, 4, kind="row_norm")
    swapped = {name: getattr(weaker, name) for name in ("exponent", "radius", "values")}
    with dask.config.set(scheduler="synchronous"):
        found = proof.verify(replacing(proof, late, **swapped))
    assert found.upper >= hn.lower_bound(Z, random_state=0).value


def test_a_copy_is_of_the_proof_and_of_those_inside():
    proof = certify_mean(Z, np.ones(60), 0.1)
    copy = proof.owned()
    assert type(copy) is MeanCertificate
    assert all(new is not old and new.q == old.q for new, old in zip(copy.norms, proof.norms, strict=True))

    broken = object.__new__(MeanCertificate)
    with pytest.raises(hn.CertificateError, match="is broken: it has no shape"):
        broken.owned()


def test_gram_matrices_of_another_shape_are_no_sums():
    classes = ProductClasses((1, 2), 1, "complex")
    with pytest.raises(ValueError, match="shape"):
        classes.sums(classes.parts[0], np.ones((1, 1)))
    M = np.ones((2, 2))
    form = ProductForm(M, (1, 2), "complex")
    small = (np.array([[0.5 + 0j]]), np.array([[0j]]))
    forged = SeparableCertificate(
        dims=(1, 2), field="complex", level=1, fingerprint=form.fingerprint, exponent=form.exponent,
        values=(0.5000001, 1e-7), matrices=small,
    )  # fmt: skip
    with pytest.raises(hn.CertificateError):
        forged.verify(M)


class Liar(Pages):
    """Pages that are other numbers after the first pass."""

    passes = 0

    def __getitem__(self, rows):
        self.passes += 1
        return self.array[rows] / (1 if self.passes == 1 else 1024)


def test_what_counts_as_read_is_not_taken_from_a_user():
    forged = dataclasses.replace(hn.spectral_bound(Z / 1024, 4), fingerprint=fingerprint(Z))
    honest = hn.spectral_bound(Z, 4)
    for samples in (Liar(Z, lambda *rest: None), Pages(Z, lambda *rest: None), check_rows(da.from_array(Z))):
        for proof in (forged, honest, hn.lower_bound(Z, random_state=0), certify_mean(Z, np.ones(60), 0.1)):
            with pytest.raises(hn.InvalidInputError, match="the matrix itself"):
                proof.verify(samples)
    assert isinstance(check_rows(da.from_array(Z)), Chunks)
    with pytest.raises(hn.InvalidInputError):
        hn.spectral_bound(Liar(Z, lambda *rest: None), 4)


def test_long_doubles_in_chunks_are_the_same_in_every_pass():
    """Ten bytes of sixteen are the number; the others are whatever was in memory."""
    X = da.from_array(Z, chunks=(20, 2)).map_blocks(lambda block: block.astype(np.longdouble) * 2, dtype=np.longdouble)
    for _ in range(5):
        assert hn.spectral_bound(X, 4).fingerprint == fingerprint(2 * Z)


@pytest.mark.parametrize("convert", [sp.coo_matrix, sp.coo_array, lambda X: sp.csr_array(X), lambda X: sp.csc_array(X)])
@pytest.mark.parametrize(
    ("entries", "total"),
    [
        (np.array([2**24, 1], dtype=np.float32), 2**24 + 1),
        (np.array([100, 100], dtype=np.int8), 200),
        (np.array([0.5, 0.25]), 0.75),
        (np.array([2**53, 1]), None),
        (np.array([1.0, 2.0**-60]), None),
        (np.array([1e308, 1e308]), None),
    ],
)
def test_duplicates_of_a_sparse_matrix_add_up_exactly_or_are_refused(convert, entries, total):
    place = np.zeros(2, dtype=int)
    X = sp.coo_array((entries, (place, place)), shape=(2, 2))
    if convert not in (sp.coo_matrix, sp.coo_array):
        X = sp.csr_array((entries, place, np.array([0, 2, 2])), shape=(2, 2))
        X = sp.csc_array((entries, place, np.array([0, 2, 2])), shape=(2, 2)) if convert(X).format == "csc" else X
    if total is None:
        with pytest.raises(hn.InvalidInputError, match="row 0, column 0"):
            check_rows(X)
    else:
        assert check_rows(X).toarray().tolist() == [[total, 0], [0, 0]]


def test_masks_of_sparse_entries_are_not_dropped():
    X = sp.csr_array(np.eye(3))
    X.data = np.ma.masked_greater(X.data, 0.5)
    with pytest.raises(hn.InvalidInputError, match="masked"):
        check_rows(X)


@pytest.mark.parametrize("error", [KeyError("x\x1b[8m"), ZeroDivisionError(), AttributeError("a"), RuntimeError("r")])
def test_objects_that_cannot_be_converted_get_one_line(error):
    class Thing:
        def __array__(self, *arguments, **options):
            raise error

    with pytest.raises(hn.InvalidInputError) as caught:
        hn.spectral_bound(Thing(), 4)
    assert str(caught.value).isprintable()


def test_memory_views_are_arrays():
    assert hn.spectral_bound(memoryview(Z.copy()), 4).fingerprint == fingerprint(Z)


def test_small_sets_with_another_exponent_are_refused():
    graph = noisy_cube(3, 0.8)
    proof = small_set_expansion(graph, 0.3, random_state=0)
    broken = dataclasses.replace(proof.certificate, norm=dataclasses.replace(proof.certificate.norm, q=3.0))
    with pytest.raises(hn.CertificateError):
        broken.verify(graph)
