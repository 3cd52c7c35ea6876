"""Tables as text."""

from experiments.tables import markdown


def test_cells_of_any_type_and_a_bar_in_one():
    lines = markdown(["name", "|x|", 3], [["a", 1.5, None]]).splitlines()
    assert lines == [r"| name | \|x\| | 3 |", "| --- | ---: | ---: |", "| a | 1.5 | None |"]


def test_no_rows_leave_the_head():
    assert markdown(["a"], []) == "| a |\n| --- |"
