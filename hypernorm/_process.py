"""The command as a process: output that nobody reads, and signals that end it.

What has been proved must not depend on who reads it. A stream that cannot be written any more is noted and left alone,
so that the command runs to its end, and the exit code says what happened. The first SIGINT or SIGTERM raises
KeyboardInterrupt, on which the library returns what it has proved; the second one ends the process at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import IO, Any

from hypernorm._display import printable

__all__ = ["Interruptions", "Output", "own_streams", "say"]


class Output:
    """A text stream that never raises; the first error is kept.

    Parameters
    ----------
    stream : text stream or None
        None, as Python has it for a descriptor that was closed before the start, swallows everything.
    """

    def __init__(self, stream: IO[str] | None):
        self._stream = stream
        self.error: OSError | None = None

    def write(self, text: str) -> int:
        """Write unless an earlier attempt failed."""
        if self._stream is not None and self.error is None:
            try:
                self._stream.write(text)
            except OSError as error:
                self._give_up(error)
        return len(text)

    def flush(self) -> None:
        """Flush unless an earlier attempt failed."""
        if self._stream is not None and self.error is None:
            try:
                self._stream.flush()
            except OSError as error:
                self._give_up(error)

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _give_up(self, error: OSError) -> None:
        self.error = error
        # What is still in the buffer must not fail once more, with a message of its own, when the interpreter ends.
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())  # type: ignore[union-attr]
            os.close(nowhere)


@contextlib.contextmanager
def own_streams() -> Iterator[Output]:
    """Standard output and error as `Output`; yields the first."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ∞ and → must not end in an error
    output, errors = Output(before[0]), Output(before[1])
    sys.stdout, sys.stderr = output, errors  # type: ignore[assignment]
    try:
        yield output
    finally:
        output.flush()
        errors.flush()
        sys.stdout, sys.stderr = before


def say(line: str) -> None:
    """One line on the standard error, whatever the text holds."""
    print(printable(line), file=sys.stderr)


class Interruptions:
    """SIGINT and SIGTERM while the command runs; a context, which restores the handlers that it found.

    Parameters
    ----------
    ends_process : bool
        Whether the second signal ends the process at once. Otherwise it is left to the handlers that were found.

    Attributes
    ----------
    received : int or None
        Number of the first signal.
    """

    def __init__(self, ends_process: bool):
        self._ends_process = ends_process
        self._before: dict[int, Any] = {}
        self._raises = True
        self.received: int | None = None

    def __enter__(self) -> Interruptions:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                # A shell ignores SIGINT for what it runs in the background; that stays so.
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Inside, the first signal interrupts nothing: what is proved is being written."""
        self._raises = False
        try:
            yield
        finally:
            self._raises = True

    @property
    def exit_code(self) -> int:
        """As a shell reports a process that the signal has ended."""
        return 128 + (self.received or signal.SIGINT)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        for other, handler in self._before.items():
            signal.signal(other, signal.SIG_DFL if self._ends_process else handler)
        if self._raises:
            raise KeyboardInterrupt
