import math
import time
from types import SimpleNamespace

import numpy as np
import pytest

import hypernorm as hn
from hypernorm.bounds import deadlines, propose, split_solver
from hypernorm.bounds.deadlines import DeadlineError, check_time, has_time, until
from hypernorm.bounds.newton import newton_finish
from hypernorm.bounds.power import search
from hypernorm.bounds.resolvent import Resolvent
from hypernorm.bounds.sos_solver import SosSolver
from hypernorm.certificates import KINDS, plan
from hypernorm.datasets import gaussian, signs
from hypernorm.exceptions import CertificateError
from hypernorm.forms import RealignedMap, Rows, moment_matrix, second_moments
from hypernorm.forms.gram import GramClasses, form_coefficients
from hypernorm.separable import value as separable_states


@pytest.fixture
def slow_machine(monkeypatch):
    """One on which every estimate says that nothing can be done in time."""
    monkeypatch.setattr(deadlines, "_product_rate", lambda: 1.0)


@pytest.fixture
def proofs(monkeypatch):
    """The kinds of the proofs that are begun, in order."""
    begun, prove = [], hn.Certificate.prove

    def counted(self, *arguments, **options):
        begun.append(self.kind)
        return prove(self, *arguments, **options)

    monkeypatch.setattr(hn.Certificate, "prove", counted)
    return begun


def test_rows_are_not_read_after_the_deadline_and_share_what_is_known():
    rows = Rows(gaussian(50, 4, random_state=0))
    moments = moment_matrix(rows, 2)
    late = until(rows, time.perf_counter() - 1)
    assert moment_matrix(late, 2) is moments
    for read in (lambda: late.block(0, 1), lambda: second_moments(late), lambda: moment_matrix(late, 3)):
        with pytest.raises(DeadlineError):
            read()
    assert (rows.block(0, 50) == until(rows, time.perf_counter() + 60).block(0, 50)).all()
    assert until(rows, math.inf) is rows
    # What is formed in time stays with the rows.
    other = moment_matrix(until(rows, time.perf_counter() + 60), 3)
    assert moment_matrix(rows, 3) is other


def test_a_search_that_is_late_returns_what_it_was_given():
    X = gaussian(300, 6, random_state=0)
    rows, rng = Rows(X), np.random.default_rng(0)
    longest = X[np.linalg.norm(X, axis=1).argmax()]
    late = time.perf_counter() - 1
    found = search(rows, 4, rng, deadline=late)
    np.testing.assert_allclose(found, longest / np.linalg.norm(longest), rtol=1e-12)
    given = search(rows, 4, rng)
    np.testing.assert_allclose(search(rows, 4, rng, n_starts=0, starts=given[:, None], deadline=late), given)
    vector, value = newton_finish(until(rows, late), 4, given)
    assert (vector == given).all()
    assert value == 0


class Countdown(Rows):
    """Rows that can be read so many times."""

    left = 0

    def operand(self, *arguments, **options):
        Countdown.left -= 1
        if Countdown.left < 0:
            raise DeadlineError
        return super().operand(*arguments, **options)

    def unguarded(self):
        return self


@pytest.mark.parametrize("q", [3.7, 4, 1000])
def test_wherever_a_search_ends_it_has_a_vector_and_more_time_is_no_worse(q):
    X = gaussian(60, 5, random_state=1)
    rows = Rows(X)
    values = []
    for reads in (0, 1, 2, 5, 9, 14, 30, 60, 10_000):
        counted = object.__new__(Countdown)
        counted.__dict__.update(rows.__dict__)
        Countdown.left = 10_000
        longest = rows.taken(rows.norms.argsort()[-1:])  # read before the countdown
        counted.taken = lambda chosen, longest=longest: longest if len(chosen) == 1 else rows.taken(chosen)
        Countdown.left = reads
        vector = search(counted, q, np.random.default_rng(0))
        assert np.linalg.norm(vector) == pytest.approx(1)
        values.append(hn.Witness.from_vector(X, vector, q).value)
    assert values[-1] == pytest.approx(hn.lower_bound(X, q, random_state=0).value, rel=1e-9)
    assert all(value >= values[0] * (1 - 1e-12) for value in values)


def test_a_lanczos_process_is_left_as_it_was_before_the_product_that_came_too_late():
    mapping = RealignedMap(Rows(gaussian(60, 6, random_state=0)))
    left = 3

    def limited(U):
        nonlocal left
        left -= 1
        if left < 0:
            raise DeadlineError
        return mapping(U)

    process = Resolvent.build(limited, 6, 0.0, math.inf)
    assert len(process.tridiagonal) == 3
    value, U = process.certificate(1.0)
    assert (np.linalg.eigvalsh(value * U - mapping(U)) > 0).all()
    with pytest.raises(DeadlineError):
        Resolvent.build(limited, 6, 0.0, math.inf)


@pytest.mark.parametrize("multiplications", [0, 1, 5, 13, 14, 20, 40])
def test_a_solve_that_ends_inside_an_iteration_keeps_its_best_bound(multiplications):
    X = signs(40, 10, random_state=0)
    classes = GramClasses(10, 2)
    solver = SosSolver(form_coefficients(moment_matrix(Rows(X), 2), 2, classes), classes, np.random.default_rng(0))
    multiply, left, bounds = solver._multiply, multiplications, []

    def limited(V):
        nonlocal left
        left -= 1
        if left < 0:
            raise DeadlineError
        return multiply(V)

    solver._multiply = limited
    stop = solver.run(lambda candidates: 0.0, rtol=0.0, report=lambda progress: bounds.append(progress.bound))
    assert stop is hn.Status.TIME_LIMIT
    assert bounds == sorted(bounds, reverse=True)
    bound = solver.bound
    assert np.linalg.eigvalsh(solver.finish())[-1] == pytest.approx(bound, rel=1e-6)


@pytest.fixture
def split_checks(monkeypatch):
    """How often a split may look at its deadline before it has passed; a list of one number."""
    left = [math.inf]

    def counted(seconds, deadline):
        left[0] -= 1
        if left[0] < 0 and deadline < math.inf:
            raise DeadlineError

    monkeypatch.setattr(split_solver, "_check_late", counted)
    return left


@pytest.mark.parametrize("shape", [(60, 8), (25, 12)])
def test_a_split_that_ends_inside_a_round_goes_on_from_there(shape, split_checks):
    rows = Rows(signs(*shape, random_state=0))
    whole = split_solver.SplitSolver(rows, 1e-3)
    assert whole.run(0.0, 1.0) is None
    parts, stops = split_solver.SplitSolver(rows, 1e-3), []
    values = [math.inf]
    for _ in range(100):
        split_checks[0] = 30  # enough for any round, but not for two
        stops.append(parts.run(0.0, 1.0))
        values.append(parts.best.value)
    assert set(stops) == {hn.Status.TIME_LIMIT, None}
    assert values == sorted(values, reverse=True)
    assert values[-1] == pytest.approx(whole.best.value, rel=1e-9)
    split_checks[0] = 3
    late = split_solver.SplitSolver(rows, 1e-3)
    with pytest.raises(DeadlineError):
        late.run(0.0, 1.0)
    assert late.run(0.0, 1.0, least_rounds=1) is hn.Status.TIME_LIMIT
    assert late.best.value < math.inf


def test_rounds_of_a_split_that_the_deadline_ended_are_a_time_limit(split_checks):
    X = signs(60, 15, random_state=0)
    arguments = {"method": "spectral", "random_state": 0, "time_limit": 600}
    assert hn.two_to_q_norm(X, **arguments).status is hn.Status.GAP
    split_checks[0] = 80
    interval = hn.two_to_q_norm(X, **arguments)
    assert interval.status is hn.Status.TIME_LIMIT
    assert interval.records[-1].kind == "split"
    assert interval.certificate.verify(X).upper == interval.upper


@pytest.mark.parametrize("q", [3.7, 4, 6])
def test_a_split_that_the_time_does_not_allow_is_replaced_by_the_best_cheaper_bound(q, split_checks):
    X = signs(60, 15, random_state=0)
    split_checks[0] = 0
    with pytest.warns(hn.ConvergenceWarning, match="short for a split bound; the realigned bound") as caught:
        certificate = hn.spectral_bound(X, q, "split", time_limit=600)
    assert caught[0].filename == __file__
    assert certificate.kind == "realigned"
    assert certificate.verify(X).upper == hn.spectral_bound(X, q, "realigned").verify(X).upper


class Attempt:
    """A certificate that is proved from some growth of its margin on."""

    def __init__(self, growth, needed, log):
        self.growth, self.needed, self.log = growth, needed, log

    def prove(self, source):
        self.log.append(self.growth)
        if self.growth < self.needed:
            raise CertificateError("rounding")
        return SimpleNamespace(upper=self.growth)


def test_after_the_deadline_one_proof_is_begun_and_no_more():
    log = []
    assert propose.first_proved(lambda growth: Attempt(growth, 100, log), None)[1] == 100
    assert log == [1, 10, 100]
    log.clear()
    late = time.perf_counter() - 1
    assert propose.first_proved(lambda growth: Attempt(growth, 1, log), None, late)[1] == 1
    with pytest.raises(DeadlineError):
        propose.first_proved(lambda growth: Attempt(growth, 10, log), None, late)
    assert log == [1, 1]
    # A failure in time leaves one attempt, which has a margin to be sure of.
    log.clear()
    soon = time.perf_counter() + 0.1

    def attempt(growth):
        if log:
            time.sleep(max(0.0, soon - time.perf_counter()) + 0.01)
        return Attempt(growth, 100 if len(log) < 2 else 1e9, log)

    with pytest.raises(DeadlineError):
        propose.first_proved(attempt, None, soon)
    assert log[0] == 1
    assert len(log) <= 3


def test_after_the_deadline_nothing_is_proved_that_is_no_better(proofs):
    rows = Rows(gaussian(40, 5, random_state=0))
    late = time.perf_counter() - 1
    value = propose.propose(rows, 4.0, "flattening", propose.Search(deadline=late)).upper
    assert proofs == ["flattening"]
    with pytest.raises(DeadlineError):
        propose.propose(rows, 4.0, "flattening", propose.Search(deadline=late, to_beat=value * (1 - 1e-6)))
    assert proofs == ["flattening"]
    propose.propose(rows, 4.0, "flattening", propose.Search(deadline=late, to_beat=value * (1 + 1e-6)))
    propose.propose(rows, 4.0, "flattening", propose.Search(to_beat=value * (1 - 1e-6)))  # in time, all are
    assert len(proofs) == 3


@pytest.mark.parametrize("q", [3.7, 4, 6, 1000])
def test_on_a_slow_machine_only_the_cheapest_certificate_is_begun(q, slow_machine, proofs):
    X = gaussian(200, 30, random_state=0)
    interval = hn.two_to_q_norm(X, q, time_limit=60, random_state=0)
    assert set(proofs) == {"row_norm"}
    assert interval.status in (hn.Status.TIME_LIMIT, hn.Status.EXACT)
    assert interval.upper == hn.spectral_bound(X, q, kind="row_norm").verify(X).upper
    assert 0 < interval.lower <= interval.upper


@pytest.mark.parametrize("kind", ["flattening", "realigned", "moment", "split"])
def test_a_bound_that_the_time_does_not_allow_is_replaced_by_the_cheapest(kind, slow_machine):
    X = gaussian(200, 30, random_state=0)
    with pytest.warns(hn.ConvergenceWarning, match=f"too short for a {kind} bound") as caught:
        certificate = hn.spectral_bound(X, 6, kind, time_limit=60)
    assert caught[0].filename == __file__
    assert certificate.kind == "row_norm"
    assert certificate.verify(X).upper == hn.spectral_bound(X, 6, "row_norm", time_limit=1e-9).verify(X).upper
    with pytest.warns(hn.ConvergenceWarning, match="too short for a sum-of-squares bound") as caught:
        assert hn.sos_bound(X, 4, time_limit=60, random_state=0).kind == "row_norm"
    assert caught[0].filename == __file__


def test_what_cannot_fit_is_refused_whatever_the_limit(slow_machine, proofs):
    X = np.eye(400)
    for call in (hn.sos_bound, lambda X, **options: hn.two_to_q_norm(X, method="sos", **options)):
        for limit in (None, 1e-9):
            with pytest.raises(hn.InvalidInputError, match=r"d = 400.*GiB"):
                call(X, time_limit=limit)
    assert proofs == []  # before anything is computed that would be lost


def test_the_exact_exponents_stay_exact_under_any_limit():
    X = gaussian(3000, 20, random_state=0)
    for q in (2, math.inf):
        assert hn.two_to_q_norm(X, q, time_limit=1e-9, random_state=0).status is hn.Status.EXACT


def test_a_time_limit_that_is_long_enough_changes_nothing():
    X = signs(60, 12, random_state=0)
    for call in (
        lambda **options: hn.two_to_q_norm(X, 3.7, random_state=0, **options).certificate,
        lambda **options: hn.spectral_bound(X, 6, "moment", **options),
        lambda **options: hn.spectral_bound(X, 4, "split", **options),
        lambda **options: hn.sos_bound(X, 4, random_state=0, **options),
    ):
        free, limited = call(), call(time_limit=600)
        assert (free.kind, free.upper) == (limited.kind, limited.upper)


@pytest.mark.parametrize("limit", [1e-9, 1e-3, 0.01, 0.05])
@pytest.mark.parametrize("q", [3.7, 4, 6])
def test_under_any_limit_no_bound_gets_worse(q, limit):
    X = signs(60, 15, random_state=0)
    interval = hn.two_to_q_norm(X, q, time_limit=limit, random_state=0)
    assert interval.upper == min(record.upper for record in interval.records)
    assert interval.certificate.verify(X).upper == interval.upper
    longest = max(X, key=np.linalg.norm)
    assert interval.lower >= hn.Witness.from_vector(X, longest, q).value * (1 - 1e-12)


def test_estimates_grow_with_the_work_and_know_what_is_there(monkeypatch):
    monkeypatch.setattr(deadlines, "_product_rate", lambda: 1e10)
    small, large = Rows(gaussian(50, 10, random_state=0)), Rows(gaussian(2000, 80, random_state=0))
    for kind in KINDS[1:]:
        for factor in plan(kind, 6):
            if factor.form in ("longest_row", "second"):
                continue
            needed = [deadlines._seconds_to_first_bound(factor, rows, 1.0, None) for rows in (small, large)]
            assert 0 < needed[0] < needed[1]
    (moment,) = plan("moment", 4)
    before = deadlines._seconds_to_first_bound(moment, large, 1.0, None)
    large.kept("moments", lambda: np.empty(0), 2)
    assert deadlines._seconds_to_first_bound(moment, large, 1.0, None) < before
    assert check_time(moment, large, 1.0, math.inf) == math.inf
    assert has_time(math.inf, math.inf)
    assert has_time(1.0, 0.0)  # what takes no time is done in any case
    assert not has_time(1e15, time.perf_counter() + 1)


def test_a_cheap_factor_does_not_lose_the_work_on_a_dear_one(monkeypatch):
    X = gaussian(300, 8, random_state=0)
    order = []
    original = propose._propose_factor

    def logged(factor, *arguments):
        order.append(factor.form)
        return original(factor, *arguments)

    monkeypatch.setattr(propose, "_propose_factor", logged)
    hn.spectral_bound(X, 3, "realigned")
    assert sorted(order, key=lambda form: form not in ("longest_row", "second")) == order
    assert len(order) > 1


def test_levels_that_the_time_does_not_allow_are_not_begun(monkeypatch):
    M = separable_states.norm_operator(signs(12, 4, random_state=0))
    levels = []
    solver = separable_states.ProductSolver

    class Slow(solver):
        def __init__(self, form, classes):
            levels.append(classes.level)
            time.sleep(2.0 * (not levels[1:]))
            super().__init__(form, classes)

    monkeypatch.setattr(separable_states, "ProductSolver", Slow)
    monkeypatch.setattr(separable_states, "_MAX_ITER", 5)
    interval = separable_states.separable_value(M, (4, 4), rtol=0, time_limit=15, random_state=0)
    assert levels == [1]  # the second has matrices of 40 rows in place of 16
    assert interval.status is hn.Status.TIME_LIMIT
    assert interval.certificate.verify(M).upper == interval.upper
    with pytest.warns(hn.ConvergenceWarning, match="limit on iterations"):
        separable_states.separable_value(M, (4, 4), rtol=0, time_limit=600, random_state=0)
    assert levels == [1, 1, 2, 3]
