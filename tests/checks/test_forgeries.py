"""A few forged proofs of every kind; ``python -m checks.forgeries`` makes thousands."""

import dataclasses

import numpy as np
import pytest

from checks import forgeries
from checks.forged_kinds import KINDS
from checks.forgeries import attempt, main


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_no_forgery_goes_through(kind, tmp_path):
    rng = np.random.default_rng(31)
    subject, other = KINDS[kind](rng), KINDS[kind](rng)
    outcomes = [attempt(subject, other, rng, tmp_path)[1] for _ in range(60)]
    assert [outcome for outcome in outcomes if outcome.startswith("FALSE")] == []
    assert outcomes.count("refused") > 10


@pytest.mark.parametrize("kind", KINDS)
def test_a_false_statement_would_be_noticed(kind):
    subject = KINDS[kind](np.random.default_rng(32))
    found = subject.proof.verify(subject.data)
    assert not subject.false(subject.proof, found)
    low = {"lower": 1e9, "upper": -1e9, "moments": (0.0, 0.0), "kurtosis": 0.5}
    wrong = dataclasses.replace(found, **{k: v for k, v in low.items() if hasattr(found, k)})
    proof = subject.proof
    if kind == "small set":
        proof = dataclasses.replace(proof, norm_bound=0.0, threshold=-1.0)
    assert subject.false(proof, wrong)


def test_the_command_fails_if_a_forgery_goes_through(monkeypatch, capsys):
    monkeypatch.setattr(forgeries, "KINDS", {"norm": KINDS["norm"]})
    assert main(["--preset", "quick"]) == 0
    assert "50 forgeries, 0 false" in capsys.readouterr().out
    monkeypatch.setattr(forgeries, "attempt", lambda *arguments: ("edit", "FALSE: below the truth"))
    assert main(["--preset", "quick"]) == 1
    assert "norm, edit: FALSE" in capsys.readouterr().out
