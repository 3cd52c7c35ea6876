import pytest

from hypernorm._display import printable


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain café, 中文", "plain café, 中文"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("two\r\nlines\ttab", r"two\r\nlines\ttab"),
        ("\x9b2J\x07", r"\x9b2J\x07"),
        ("abc\u202efed", r"abc\u202efed"),
        ("line\u2028end", r"line\u2028end"),
        ("byte \udcff", r"byte \udcff"),
        (3, "3"),
    ],
)
def test_nothing_that_a_terminal_obeys_is_left(raw: object, shown: str) -> None:
    assert printable(raw) == shown
    assert printable(raw).isprintable()
    printable(raw).encode("utf-8")  # must not raise


def test_long_text_is_cut() -> None:
    assert printable("a" * 10, limit=10) == "a" * 10
    assert printable("a" * 11, limit=10) == "a" * 9 + "…"
