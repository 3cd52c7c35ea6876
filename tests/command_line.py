"""Run the command in this process and check its output streams."""

import pytest

from hypernorm import cli

__all__ = ["fail", "succeed"]


def succeed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    code = cli.main(arguments)
    captured = capsys.readouterr()
    assert code == 0, captured.err
    assert captured.err == ""
    return captured.out


def fail(capsys: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """The message of an error: one line on the standard error that starts with "error: "."""
    assert cli.main(arguments) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    return captured.err
