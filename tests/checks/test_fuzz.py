"""The parts of the fuzzer that need no fuzzer: its first inputs are valid, its changes reach the readers."""

import contextlib
import io
import zipfile

import pytest

import hypernorm as hn
from checks import fuzz_inputs, fuzz_targets


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("seeds")
    return {target: list(make(folder)) for target, make in fuzz_inputs.SEEDS.items()}


@pytest.mark.parametrize("target", ["checkpoints", "data"])
def test_first_inputs_are_read(seeds, target):
    attempt = fuzz_targets.attempt_of(target)
    for seed in seeds[target]:
        attempt(seed)


def test_first_certificates_are_verified(seeds, tmp_path, monkeypatch):
    bounds = []
    monkeypatch.setattr(fuzz_targets, "_check_above", lambda bound, attained: bounds.append((bound, attained)))
    attempt = fuzz_targets.attempt_of("certificates")
    for seed in seeds["certificates"]:
        with contextlib.suppress(hn.CertificateError):  # under the fingerprint of another matrix
            attempt(seed)
    norms_and_states = len(seeds["certificates"]) - len(fuzz_inputs.other_kinds())
    assert len(bounds) >= norms_and_states - 5
    assert all(bound >= attained > 0 for bound, attained in bounds)


def test_changes_are_reproducible_and_keep_archives_whole(seeds):
    seed = seeds["certificates"][0]
    outcomes = [fuzz_inputs.changed(seed, 20_000, number, lambda data, size: data + b"!") for number in range(200)]
    assert outcomes == [
        fuzz_inputs.changed(seed, 20_000, number, lambda data, size: data + b"!") for number in range(200)
    ]
    assert len(set(outcomes)) > 100
    whole = 0
    for outcome in outcomes:
        assert outcome != seed
        try:
            with zipfile.ZipFile(io.BytesIO(outcome)) as archive:
                whole += archive.testzip() is None
        except (zipfile.BadZipFile, NotImplementedError, OSError, EOFError, ValueError):
            continue
    assert whole > 120


def test_the_first_byte_stays_the_kind_of_file(seeds):
    kept = [
        fuzz_inputs.changed(seed, 20_000, number, lambda data, size: data[::-1], prefix=1)[0] == seed[0]
        for number, seed in enumerate(seeds["data"])
    ]
    assert sum(kept) > 0.8 * len(kept)


def test_findings_are_kept_once_and_refusals_are_none(tmp_path, monkeypatch):
    def attempt(data):
        if data == b"refused":
            raise hn.CertificateError("no")
        if data.startswith(b"broken"):
            raise KeyError(data)
        if data == b"slow":
            monkeypatch.setattr(fuzz_targets, "_SECONDS", -1.0)

    monkeypatch.setattr(fuzz_targets, "attempt_of", lambda target: attempt)
    run = fuzz_targets.watched("certificates", tmp_path)
    for data in (b"fine", b"refused", b"broken", b"broken 2", b"slow"):
        run(data)
    found = {path.name.split("-")[1]: path for path in tmp_path.glob("*.txt")}
    assert sorted(found) == ["KeyError", "slow"]
    assert found["KeyError"].with_suffix("").read_bytes() == b"broken"
    assert "it was read" in found["slow"].read_text()


def test_a_bound_below_an_attained_value_is_a_finding():
    fuzz_targets._check_above(1.0, 1.0)
    with pytest.raises(AssertionError, match="attained"):
        fuzz_targets._check_above(0.999, 1.0)
