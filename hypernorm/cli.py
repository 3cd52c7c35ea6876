"""The command `hypernorm`: compute an interval, save its certificate, verify a certificate that somebody sent.

Exit codes: 0 proved, 1 certificate rejected, 2 bad input, 3 a defect of this package, 130 interrupted. An error is one
line on the standard error.
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

import hypernorm as hn
from hypernorm._display import exponent_text, norm_text, printable
from hypernorm._report import as_json, print_interval, print_verified, progress
from hypernorm._validation import Matrix, check_matrix
from hypernorm.datasets import NAMES, SUFFIXES, read_matrix
from hypernorm.exceptions import CertificateError, HypernormError, InvalidInputError

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_ClickException: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
"""The base of all usage errors; depending on its version, typer brings click along or carries a copy of its own."""

FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help=f"A {', '.join(SUFFIXES)} file, or one of {', '.join(NAMES)}.")
]
HeaderOption = Annotated[
    bool | None,
    typer.Option(
        "--header/--no-header", help="Whether the first line of a text names columns.", show_default="recognised"
    ),
]
IndexOption = Annotated[
    bool | None,
    typer.Option("--index/--no-index", help="Whether the first column labels the rows.", show_default="recognised"),
]
CertificateArgument = Annotated[Path, typer.Argument(metavar="CERTIFICATE", help="A file saved with --out.")]


@dataclass
class _Settings:
    traceback: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Examples
    --------
    >>> main(["--version"])
    hypernorm 0.1.0
    0
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without ∞ and → must not end in an error
    settings = _Settings(traceback=bool(os.environ.get("HYPERNORM_TRACEBACK")))
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *rest, **options: _say(f"warning: {message}")
            code = typer.main.get_command(app).main(
                args=None if arguments is None else list(arguments),
                prog_name="hypernorm",
                standalone_mode=False,
                obj=settings,
            )
    except (KeyboardInterrupt, typer.Abort):
        code = 130  # newer versions of typer return this number instead
    except (HypernormError, OSError, MemoryError, _ClickException) as error:
        _show_traceback(settings)
        _say(f"error: {_explain(error)}")
        return 1 if isinstance(error, CertificateError) else 2
    except Exception as error:
        _show_traceback(settings)
        _say(f"error: unexpected {type(error).__name__}: {_explain(error)} (run again with --traceback and report it)")
        return 3
    if code == 130:
        _say("interrupted")
    return code if isinstance(code, int) else 0


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where an error arose (or set HYPERNORM_TRACEBACK=1).")
    ] = False,
) -> None:
    """Proved intervals for the 2→q norm of a matrix X: the largest ||Xv||_q over unit vectors v."""
    if show_traceback:
        context.obj.traceback = True
    if version:
        print(f"hypernorm {hn.__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the results; it is created.")] = Path("hypernorm-demo"),
) -> None:
    """Bound the 2→4 norm of handwritten digits and verify the proof."""
    from hypernorm.plotting import plot_interval, save_figure

    out.mkdir(parents=True, exist_ok=True)
    certificate_path, picture_path = out / "digits-2to4.npz", out / "digits-2to4.png"
    X = read_matrix("digits")
    print(f"Data: 1797 images of handwritten digits, 8 x 8 pixels, centred: X is {X.shape[0]} x {X.shape[1]}.")
    print("Question: how large can (sum of <x_i, v>^4)^(1/4) be for a unit vector v?\n")
    with progress("computing") as report:
        interval = hn.two_to_q_norm(X, q=4, random_state=0, progress=report)
    print_interval(interval)

    interval.certificate.save(certificate_path)
    loaded = hn.load_certificate(certificate_path)
    print(f"\nThe best certificate, {loaded.kind.replace('_', ' ')}, read back from disk and verified against X:")
    with progress("verifying"):
        verified = loaded.verify(X)
    print_verified(verified, loaded.q)
    print(f"(in exact arithmetic, about a minute: hypernorm verify digits {certificate_path} --exact)")

    save_figure(plot_interval(interval), picture_path)
    print(f"\ncertificate  {certificate_path}\npicture      {picture_path}")


@app.command()
def norm(
    file: FileArgument,
    q: Annotated[str, typer.Option("--q", help="Exponent, from 2 to inf.")] = "4",
    method: Annotated[str, typer.Option(help="Strongest family of certificates: auto, spectral or sos.")] = "auto",
    rtol: Annotated[float, typer.Option(help="Relative gap at which the bounds count as meeting.")] = 1e-6,
    time_limit: Annotated[float | None, typer.Option(help="Seconds after which nothing new is begun.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random starting points.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="PATH.npz", help="Save the best certificate.")] = None,
    witness: Annotated[Path | None, typer.Option(metavar="PATH.npy", help="Save the vector below.")] = None,
    plot: Annotated[Path | None, typer.Option(metavar="PATH.png", help="Save a picture (png, pdf, svg).")] = None,
    print_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
    header: HeaderOption = None,
    index: IndexOption = None,
) -> int:
    """Compute a proved interval for the 2→q norm of the matrix in FILE."""
    exponent = _parse_exponent(q)
    _check_outputs(file, {"--out": out, "--witness": witness, "--plot": plot})
    if plot is not None:
        # Before the computation, so that a wrong ending costs no time.
        from hypernorm.plotting import check_figure_path, plot_interval, save_figure

        check_figure_path(plot)
    X = _read(file, header, index)
    with progress("computing") as report:
        interval = hn.two_to_q_norm(
            X, exponent, method=method, rtol=rtol, time_limit=time_limit, random_state=seed, progress=report
        )
    if out is not None:
        interval.certificate.save(out)
    if witness is not None:
        with witness.open("wb") as stream:  # numpy would append an ending to a bare name
            np.save(stream, interval.witness.vector)
    if plot is not None:
        save_figure(plot_interval(interval), plot)
    if print_json:
        print(as_json(interval, file))
    else:
        print_interval(interval)
        for label, path in (("certificate", out), ("witness", witness), ("picture", plot)):
            if path is not None:
                print(f"{label:<12} {path}")
    return 130 if interval.status is hn.Status.INTERRUPTED else 0


@app.command()
def verify(
    file: FileArgument,
    certificate: CertificateArgument,
    exact: Annotated[bool, typer.Option("--exact", help="Use exact arithmetic; slower.")] = False,
    header: HeaderOption = None,
    index: IndexOption = None,
) -> None:
    """Prove the bound of CERTIFICATE for the matrix in FILE.

    Nothing that the certificate claims is trusted.
    """
    loaded = hn.load_certificate(certificate)
    X = _read(file, header, index)
    with progress("verifying"):
        verified = loaded.verify(X, exact=exact)
    print_verified(verified, loaded.q)


@app.command()
def info(certificate: CertificateArgument) -> None:
    """Show what CERTIFICATE claims, without verifying it."""
    loaded = hn.load_certificate(certificate)
    rows = {
        "kind": loaded.kind.replace("_", " "),
        "q": exponent_text(loaded.q),
        "shape of X": f"{loaded.shape[0]} x {loaded.shape[1]}",
        "fingerprint of X": loaded.fingerprint,
        "claimed bound": f"{norm_text(loaded.q)} <= {loaded.upper:.17g} (claimed, not verified)",
        "file size": f"{certificate.stat().st_size} bytes",
    }
    for name, value in rows.items():
        print(f"{name:<18}{value}")


def _read(file: str, header: bool | None, index: bool | None) -> Matrix:
    return check_matrix(read_matrix(file, header=header, index=index), name=printable(file))


def _parse_exponent(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInputError(f"--q must be a number from 2 on or inf, got {text!r}.") from None


def _check_outputs(source: str, outputs: dict[str, Path | None]) -> None:
    """Refuse, before any computation, what could not be written or would overwrite what is read or written."""
    taken = {os.path.realpath(source): "FILE"}
    for option, path in outputs.items():
        if path is None:
            continue
        if path.is_dir():
            raise InvalidInputError(f"{option} {path} is a directory; name a file in it.")
        if not path.parent.is_dir():
            raise InvalidInputError(f"{option} {path}: there is no directory {path.parent}; create it first.")
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise InvalidInputError(f"{option} {path} is not writable; choose another place.")
        other = taken.setdefault(os.path.realpath(path), option)
        if other != option:
            raise InvalidInputError(f"{option} {path} is the same file as {other}; choose another name.")


def _explain(error: BaseException) -> str:
    """One line, whatever the error."""
    if isinstance(error, _ClickException):
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "hypernorm"
        text = f"{error.format_message()} (see: {command} --help)"
    elif isinstance(error, MemoryError):
        text = "not enough memory for a matrix of this size."
    elif isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    else:
        text = str(error)
    return " ".join(text.split()) or type(error).__name__


def _show_traceback(settings: _Settings) -> None:
    if settings.traceback:
        traceback.print_exc()


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
