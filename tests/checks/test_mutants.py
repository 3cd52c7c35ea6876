"""What is changed in a module, and that nothing else is."""

import doctest

import pytest

from checks import mutants
from checks.mutants import MutatedModule

SOURCE = '''"""Two is not < 3 here."""
__all__ = ["f"]
LIMIT = 2.0


def f(x: int = 1, *, low: "int < 3" = 0) -> bool:
    """Whether x + 1 is small."""
    if x < low:
        raise ValueError(f"{x + 1} and not" + str(x - 1))
    return x + low < LIMIT and not [pair for pair in zip([x], [1.5], strict=True)] == []


class C:
    def __repr__(self):
        return str(1 + 1)
'''

EXPECTED = {
    ("<module>", "constant: LIMIT = 2.0 => LIMIT = 4.0"),
    ("<module>", "constant: LIMIT = 2.0 => LIMIT = 1.0"),
    ("f", "drop guard: if x < low => pass"),
    ("f", "comparison: x < low => x <= low"),
    ("f", "comparison: x + low < LIMIT => x + low <= LIMIT"),
    ("f", "operator: x + low < LIMIT => x - low < LIMIT"),
    ("f", "drop term: x + low < LIMIT => x < LIMIT"),
    ("f", "drop term: x + low < LIMIT => low < LIMIT"),
    ("f", "drop condition: x + low < LIMIT"),
}


@pytest.fixture
def module(tmp_path):
    path = tmp_path / "toy.py"
    path.write_text(SOURCE, encoding="utf-8")
    return MutatedModule(path)


def test_a_toy_module_gives_the_expected_changes(module):
    keys = [mutant.key for mutant in module.mutants]
    found = {(function, change) for _, function, change in keys}

    assert len(set(keys)) == len(keys)
    assert found >= EXPECTED
    assert {function for function, _ in found} == {"<module>", "f"}
    kinds = [change.split(":")[0] for _, change in found]
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    assert counts == {
        "constant": 2 + 4 + 2,  # the limit, two defaults, and 1.5
        "comparison": 3,
        "drop guard": 1,
        "operator": 1,
        "drop term": 2,
        "drop condition": 2,
        "logic": 1,
        "not": 1,
        "return": 2,
    }


def test_equal_changes_are_numbered_and_long_ones_are_cut(tmp_path):
    path = tmp_path / "toy.py"
    path.write_text(
        f"def f(x):\n    a = g(x + 11)\n    b = g(x + 11)\n    return {' + '.join(['some_long_name'] * 9)} - 1\n"
    )
    changes = [mutant.key[2] for mutant in MutatedModule(path).mutants]

    assert "drop term: g(x + 11) => g(x)" in changes
    assert "drop term: g(x + 11) => g(x) #2" in changes
    assert any("{- => +}" in change for change in changes)
    assert max(map(len, changes)) < 250


def test_one_change_at_a_time_and_the_source_stays(module):
    unchanged = module.code(None)
    by_change = {mutant.key[2]: mutant for mutant in module.mutants}

    def run(change, *arguments):
        namespace = {}
        exec(module.code(by_change[change]) if change else unchanged, namespace)
        return namespace["f"](*arguments)

    assert run(None, 1) is True
    assert run(None, 2) is False
    with pytest.raises(ValueError, match="not"):
        run(None, -1)
    assert run("drop guard: if x < low => pass", -1) is True
    assert run("constant: LIMIT = 2.0 => LIMIT = 4.0", 2) is True
    assert run("comparison: x + low < LIMIT => x + low <= LIMIT", 2) is True
    assert run("drop condition: x + low < LIMIT", 5) is True
    for mutant in module.mutants:
        assert module.code(mutant) != unchanged or "condition" in mutant.kind
    assert module.code(None) == unchanged


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a <= b", "a < b"),
        ("a >= b", "a > b"),
        ("a == b", "a != b"),
        ("a is b", "a is not b"),
        ("a not in b", "a in b"),
        ("a - b", "a + b"),
        ("a * b", "a / b"),
        ("a / b", "a * b"),
        ("a << b", "a >> b"),
        ("a ** b", "a"),
        ("a or b", "a and b"),
        ("not a", "a"),
        ("-a", "a"),
        ("abs(a)", "a"),
        ("min(a, b)", "max(a, b)"),
        ("a.upper()", "a.lower()"),
        ("lower_float(a)", "upper_float(a)"),
        ("nextafter(a, -inf)", "nextafter(a, --inf)"),
        ("nextafter(a, 0.0)", "nextafter(a, math.inf)"),
        ("f(a if b else c)", "a"),
        ("f(True)", "f(False)"),
        ("f(a)[2]", "f(a)[1]"),
        ("[a for a in b if c]", "for a in b"),
    ],
)
def test_each_kind_of_change(tmp_path, before, after):
    path = tmp_path / "toy.py"
    path.write_text(f"value = {before}\n")
    changes = [mutant.change for mutant in MutatedModule(path).mutants]
    assert any(after in change.split(" => ")[1] for change in changes), changes


def test_statements_that_are_left_out(tmp_path):
    path = tmp_path / "toy.py"
    path.write_text("def f(x):\n    check(x)\n    x += 1\n    if not x:\n        return 0\n    return x\n")
    changes = [mutant.key[2] for mutant in MutatedModule(path).mutants]
    assert {
        "drop statement: check(x) => pass",
        "drop term: x += 1 => pass",
        "operator: x += 1 => x -= 1",
        "drop guard: if not x => pass",
        "not: not x => x",
    } <= set(changes)


def test_the_example_runs():
    failed, tried = doctest.testmod(mutants)
    assert failed == 0
    assert tried > 0
