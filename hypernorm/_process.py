"""The command as a process: closed output streams, and signals.

A closed output stream must not stop a proof. If a stream cannot be written, its error is stored, the command continues
to its end, and the exit code reports the error. The first SIGINT or SIGTERM raises KeyboardInterrupt, and the library
returns the bounds proved so far. The second one ends the process immediately.
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
    """A text stream that never raises; the first error is stored in ``error``.

    Parameters
    ----------
    stream : text stream or None
        With None everything is discarded; Python sets a stream to None if its descriptor was closed before the start.
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
        # Redirect the stream, so that its buffer does not cause another error when the interpreter ends.
        with contextlib.suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())  # type: ignore[union-attr]  # it has just failed, so it is there
            os.close(nowhere)


@contextlib.contextmanager
def own_streams() -> Iterator[Output]:
    """Context in which standard output and error are `Output` streams; it yields standard output."""
    before = sys.stdout, sys.stderr
    for stream in before:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # the encoding of a terminal may lack ∞ and →
    output, errors = Output(before[0]), Output(before[1])
    sys.stdout, sys.stderr = output, errors  # type: ignore[assignment]  # they delegate to text streams
    try:
        yield output
    finally:
        output.flush()
        errors.flush()
        sys.stdout, sys.stderr = before


def say(line: str) -> None:
    """Print a text as one line on standard error."""
    print(printable(line), file=sys.stderr)


class Interruptions:
    """Context that handles SIGINT and SIGTERM while the command runs; at its end the old handlers are restored.

    Parameters
    ----------
    ends_process : bool
        Whether the second signal ends the process immediately. Otherwise the old handlers receive it.

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
                # A shell ignores SIGINT for background processes; keep this.
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Context in which the first signal does not interrupt, for writing results."""
        self._raises = False
        try:
            yield
        finally:
            self._raises = True

    @property
    def exit_code(self) -> int:
        """Exit code that a shell reports for a process ended by this signal."""
        return 128 + (self.received or signal.SIGINT)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        for other, handler in self._before.items():
            signal.signal(other, signal.SIG_DFL if self._ends_process else handler)
        if self._raises:
            raise KeyboardInterrupt
