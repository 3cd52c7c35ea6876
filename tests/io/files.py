"""Files that the tests write, and the one line with which `read_matrix` refuses them."""

from pathlib import Path

import pytest

from hypernorm.exceptions import InvalidInputError
from hypernorm.io import read_matrix

__all__ = ["refused", "write"]


def refused(path: Path, *words: str) -> str:
    """The message with which `read_matrix` refuses a file: one line that names the file and all the words."""
    with pytest.raises(InvalidInputError) as caught:
        read_matrix(path)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(path), *words):
        assert word in message
    return message


def write(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path
