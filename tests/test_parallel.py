"""Limits on the threads of matrix products: right while they last and gone afterwards, in whatever order they end."""

import itertools
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from threadpoolctl import ThreadpoolController

from hypernorm import _parallel
from hypernorm._parallel import one_product_pool, ordered_map, product_threads, shared_threads


class Library:
    """Stands for a library with a pool of threads; `owner` as newer versions of threadpoolctl guard the number."""

    def __init__(self, filepath, threads, threading_layer="pthreads", guarded=True):
        self.filepath, self.threading_layer = filepath, threading_layer
        self.numbers, self.threads, self.owner, self.guarded = threading.local(), threads, None, guarded
        if guarded:
            self.clear_controlling_thread = self._clear

    def _clear(self, force=False):
        if force or self.owner is threading.current_thread():
            self.owner = None

    @property
    def num_threads(self):
        return getattr(self.numbers, "own", self.threads)

    def set_num_threads(self, number):
        if self.guarded and self.owner not in (None, threading.current_thread()):
            return
        self.owner = threading.current_thread()
        if self.threading_layer == "openmp":
            self.numbers.own = number
        else:
            self.threads = number


@pytest.fixture(params=[True, False], ids=["guarded", "free"])
def libraries(request, monkeypatch):
    """Two libraries with 8 threads each, and no limit in force."""
    found = [Library("/numpy.libs/one.so", 8, guarded=request.param), Library("/scipy.libs/two.so", 8)]
    monkeypatch.setattr(_parallel, "_libraries", lambda: found)
    return found


def numbers(libraries):
    return [library.num_threads for library in libraries]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_limits_end_in_any_order(libraries, order):
    limits = [3, 1, 5, 2]
    contexts = [product_threads(limit) for limit in limits]
    for begun, context in enumerate(contexts, 1):
        context.__enter__()
        assert numbers(libraries) == [min(limits[:begun])] * 2
    left = dict(enumerate(limits))
    for index in order:
        contexts[index].__exit__(None, None, None)
        del left[index]
        assert numbers(libraries) == [min([8, *left.values()])] * 2


# Each step is a limit that begins, or the place of one that ends.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.sampled_from([1, 2, 4, 16, None, "one pool"])),
        st.tuples(st.just("end"), st.integers(0, 9)),
    ),
    max_size=25,
)


@given(STEPS)
def test_limits_begin_and_end_in_any_order_in_several_threads(steps):
    found = [Library("/numpy.libs/one.so", 8), Library("/scipy.libs/two.so", 6)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_parallel, "_libraries", lambda: found)
        active = []
        for what, which in steps:
            if what == "begin":
                context = one_product_pool() if which == "one pool" else product_threads(which)
                _elsewhere(context.__enter__)
                active.append((context, which))
            elif active:
                context, _ = active.pop(which % len(active))
                _elsewhere(lambda context=context: context.__exit__(None, None, None))
            numbers_in_force = [limit for _, limit in active if isinstance(limit, int)]
            ones = [1] if any(limit == "one pool" for _, limit in active) else []
            assert numbers(found) == [min([8, *numbers_in_force, *ones]), min([6, *numbers_in_force])]
        for context, _ in active:
            context.__exit__(None, None, None)
        assert numbers(found) == [8, 6]


def _elsewhere(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_a_number_that_somebody_else_sets_is_kept(libraries):
    with product_threads(2):
        for library in libraries:
            library.threads, library.owner = 4, None
        with product_threads(1):
            assert numbers(libraries) == [1, 1]
        assert numbers(libraries) == [2, 2]
    assert numbers(libraries) == [4, 4]
    for library in libraries:
        library.threads, library.owner = 1, None
    with product_threads(2):
        assert numbers(libraries) == [1, 1]
        for library in libraries:
            library.threads, library.owner = 8, None  # a limit of somebody else that began before has ended
    assert numbers(libraries) == [8, 8]


def test_a_thread_that_holds_the_number_holds_up_nobody(libraries):
    release, held = threading.Event(), threading.Event()

    def hold():
        for library in libraries:
            library.set_num_threads(8)
        held.set()
        release.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with product_threads(1):
        assert numbers(libraries) == [1, 1]
    assert numbers(libraries) == [8, 8]
    release.set()
    thread.join()


def test_numbers_of_single_threads_are_restored_in_each(monkeypatch):
    library = Library("/lib/openmp.so", 8, "openmp", guarded=False)
    monkeypatch.setattr(_parallel, "_libraries", lambda: [library])
    begun, ended, seen = threading.Event(), threading.Event(), []

    def other():
        with product_threads(2):
            seen.append(library.num_threads)
            begun.set()
            ended.wait()
        seen.append(library.num_threads)

    thread = threading.Thread(target=other)
    with product_threads(1):
        thread.start()
        begun.wait()
        assert library.num_threads == 1
    assert library.num_threads == 8
    ended.set()
    thread.join()
    assert seen == [2, 8]


def test_a_limit_ends_with_an_error_and_with_an_abandoned_generator(libraries):
    with pytest.raises(ZeroDivisionError), product_threads(1):
        raise ZeroDivisionError
    assert numbers(libraries) == [8, 8]
    results = ordered_map(lambda item: item, range(4))
    assert next(results) == 0
    assert numbers(libraries) == [1, 1]
    results.close()
    assert numbers(libraries) == [8, 8]


@pytest.fixture
def two_threads():
    """The real libraries with two threads each, whatever this machine has."""
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    before = [library.num_threads for library in found]
    for library in found:
        _parallel._set_threads(library, 2)
    if {library.num_threads for library in found} != {2}:
        pytest.skip("the matrix products of this installation have no number of threads to set")
    yield found
    for library, number in zip(found, before, strict=True):
        _parallel._set_threads(library, number)


def test_real_threads_leave_the_number_as_it_was(two_threads):
    X = np.random.default_rng(0).standard_normal((30, 30))

    def work(seed):
        for step in range(60):
            kind = (seed + step) % 4
            if kind == 0:
                with product_threads(1):
                    X @ X
            elif kind == 1:
                with one_product_pool():
                    X @ X
            elif kind == 2:
                with shared_threads():
                    list(ordered_map(lambda item: X @ X, range(3)))
            else:
                list(ordered_map(lambda item: X @ X, range(3)))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(two_threads) == [2] * len(two_threads)


def test_limits_of_other_libraries_inside_ours_do_no_harm(two_threads):
    X = np.random.default_rng(0).standard_normal((200, 3))

    def work():
        for _ in range(10):
            with product_threads(1):
                KMeans(3, n_init=1, random_state=0).fit(X)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(two_threads) == [2] * len(two_threads)
