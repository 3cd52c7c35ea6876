"""Rows of the experiment on planted sparse vectors, what they count as, and the verdict."""

import pytest

from experiments import sparse_vectors as experiment


def test_row_holds_what_the_certificate_proves():
    row = experiment.trial(200, 4, 0.1, 0)
    assert row["sparsity"] == 20
    assert row["lower"] <= row["upper"]
    assert row["planted"] <= row["upper"]
    assert row["cosines"]["spikiest"] == pytest.approx(1, abs=1e-9)
    assert row["cosines"]["oracle"] == pytest.approx(1, abs=1e-7)
    assert row["support"] == row["least_support"] == 20
    assert experiment.outcomes([row])["proved"].all()
    assert experiment.trial(200, 4, 0.1, 0) == row


def test_failure_has_a_spikier_direction():
    row = experiment.trial(60, 8, 0.33, 0)
    rates = experiment.outcomes([row])
    assert not rates["spikiest"].any()
    assert rates["spikier"].all()
    assert row["least_support"] <= row["sparsity"]


def row(n, spikiest=1.0, l1=1.0, **changes):
    cosines = {"spikiest": spikiest, "start": 0.1, "l1": l1, "oracle": 1.0}
    usual = {"n": n, "d": 4, "share": 0.1, "seed": 0, "cosines": cosines, "sparsity": 16, "planted": 0.5}
    return {**usual, "lower": 0.5, "upper": 0.5 + 1e-6, "support": 16, "least_support": 16, **changes}


@pytest.mark.parametrize(
    ("rows", "stands"),
    [
        ([row(10), row(100)], True),
        ([row(10, spikiest=0.2, lower=0.6, upper=0.6, least_support=8), row(100)], True),
        ([row(10), row(100, upper=0.4)], False),  # the planted vector violates the bound
        ([row(10), row(100, least_support=17)], False),  # and here the bound on supports
        ([row(10), row(100), row(100, spikiest=0.2)], False),  # a failure that nothing explains
        ([row(10, l1=0.2), row(100)], False),  # ℓ1 finds less at the smallest n
        ([row(10), row(100, spikiest=0.2, lower=0.6, upper=0.6, least_support=8)], False),  # and more at the largest
    ],
)
def test_verdict(rows, stands):
    assert ("Verdict: stands" in experiment.summary(rows)) == stands
