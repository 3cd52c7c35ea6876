"""The command `hypernorm`: compute an interval, save its certificate, verify a certificate.

An error is one line on the standard error, also with --json. `EXIT_CODES` lists the exit codes.
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

import hypernorm as hn
from hypernorm._command_files import check_outputs, save_witness
from hypernorm._command_norms import INTERVALS, NAMED_NORMS, enclosure_fields, named_norm, print_enclosure
from hypernorm._complex import is_complex
from hypernorm._display import printable
from hypernorm._process import Interruptions, own_streams, say
from hypernorm._report import (
    as_json,
    claim_fields,
    interval_fields,
    print_claim,
    print_interval,
    print_verified,
    progress,
    show,
    verified_fields,
)
from hypernorm._validation import Matrix, check_matrix
from hypernorm.exceptions import CertificateError, HypernormError, InvalidInputError
from hypernorm.io import NAMES, SUFFIXES, read_matrix

__all__ = ["EXIT_CODES", "app", "main"]

EXIT_CODES = (
    "Exit codes: 0 proved; 1 certificate rejected; 2 bad input, or the output cannot be written; 3 a defect of this "
    "program; 130 interrupted (SIGINT) or 143 terminated (SIGTERM), once what was proved is printed and saved; 141 "
    "the output was closed early. The exit code of verify is its verdict, even if the output was closed early."
)

app = typer.Typer(add_completion=False, rich_markup_mode=None, epilog=EXIT_CODES)

_ClickException: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
"""The base of all usage errors; depending on its version, typer depends on click or contains a copy of it."""

FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help=f"A {', '.join(SUFFIXES)} file, or one of {', '.join(NAMES)}.")
]
CertificateArgument = Annotated[
    Path,
    typer.Argument(metavar="CERTIFICATE", help="A file saved with --out or --witness, or by a certificate's save."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
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


@dataclass
class _Settings:
    interruptions: Interruptions
    traceback: bool
    is_verdict: bool = False
    """Whether exit code 0 means that something was proved about the files."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        As listed in `EXIT_CODES`.

    Examples
    --------
    >>> main(["--version"])
    hypernorm 0...
    0
    """
    with own_streams() as output, Interruptions(ends_process=arguments is None) as interruptions:
        settings = _Settings(interruptions, traceback=bool(os.environ.get("HYPERNORM_TRACEBACK")))
        code = _run(arguments, settings)
        output.flush()
        if isinstance(output.error, BrokenPipeError):
            return code or (0 if settings.is_verdict else 141)
        if output.error is not None:
            say(f"error: the output cannot be written: {output.error.strerror or output.error}.")
            return code or 2
        return code


def _run(arguments: Sequence[str] | None, settings: _Settings) -> int:
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *rest, **options: say(f"warning: {message}")
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
        say(f"error: {_explain(error)}")
        return 1 if isinstance(error, CertificateError) else 2
    except Exception as error:
        _show_traceback(settings)
        say(f"error: unexpected {type(error).__name__}: {_explain(error)} (run again with --traceback and report it)")
        return 3
    if code == 130 or settings.interruptions.received is not None:
        say("interrupted")
        return settings.interruptions.exit_code
    return code if isinstance(code, int) else 0


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
    show_traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where an error arose (or set HYPERNORM_TRACEBACK=1).")
    ] = False,
) -> None:
    """Proved intervals for norms of a matrix X, above all the largest ||Xv||_q over unit vectors v."""
    if show_traceback:
        context.obj.traceback = True
    if version:
        print(f"hypernorm {hn.__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command()
def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="Folder for the results; it is created.")] = Path("hypernorm-demo"),
) -> int:
    """Bound the 2→4 norm of handwritten digits and verify the proof."""
    from hypernorm.plotting import plot_interval, save_figure

    out.mkdir(parents=True, exist_ok=True)
    certificate_path, picture_path = out / "digits-2to4.npz", out / "digits-2to4.png"
    X = read_matrix("digits")
    show(f"Data: 1797 images of handwritten digits, 8 x 8 pixels, centered: X is {X.shape[0]} x {X.shape[1]}.")
    show("Question: how large can (sum of <x_i, v>^4)^(1/4) be for a unit vector v?")
    show()
    with progress("computing") as report:
        interval = hn.two_to_q_norm(X, q=4, random_state=0, progress=report)
    with context.obj.interruptions.deferred():
        print_interval(interval)
        interval.certificate.save(certificate_path)
    if interval.status is hn.Status.INTERRUPTED:
        return 130

    loaded = hn.load_certificate(certificate_path)
    show()
    kind = interval.certificate.kind.replace("_", " ")
    show(f"The best certificate, {kind}, read back from disk and verified against X:")
    with progress("verifying"):
        verified = loaded.verify(X)
    print_verified(verified)
    show(f"(in exact arithmetic, about a minute: hypernorm verify digits {printable(certificate_path)} --exact)")

    save_figure(plot_interval(interval), picture_path)
    show()
    show(f"certificate  {printable(certificate_path)}")
    show(f"picture      {printable(picture_path)}")
    return 0


@app.command(epilog=EXIT_CODES)
def norm(
    context: typer.Context,
    file: FileArgument,
    q: Annotated[str | None, typer.Option("--q", help="Exponent, from 2 to inf; from 1 if --p is given.")] = None,
    p: Annotated[str | None, typer.Option("--p", help="Exponent of the norm of v, from 1 to inf.")] = None,
    name: Annotated[str, typer.Option("--norm", metavar="NAME", help=f"{NAMED_NORMS}.")] = "operator",
    center: Annotated[bool, typer.Option("--center", help="Subtract the mean of the rows.")] = False,
    normalize: Annotated[
        bool, typer.Option("--normalize", help="Divide by n^(1/q): the mean over the rows in place of the sum.")
    ] = False,
    method: Annotated[
        str, typer.Option(help="Strongest certificates: auto, spectral or sos; with --p or --norm others too.")
    ] = "auto",
    rtol: Annotated[float, typer.Option(help="Relative gap at which the bounds count as meeting.")] = 1e-6,
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds after which the search ends; a proof in progress is completed.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random starting points.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="PATH.npz", help="Save the best certificate.")] = None,
    witness: Annotated[
        Path | None,
        typer.Option(metavar="PATH.npz", help="Save the witness, which verify takes too; as PATH.npy the bare vector."),
    ] = None,
    plot: Annotated[Path | None, typer.Option(metavar="PATH.png", help="Save a picture (png, pdf, svg).")] = None,
    print_json: JsonOption = False,
    header: HeaderOption = None,
    index: IndexOption = None,
) -> int:
    """Compute a proved interval for a norm of the matrix in FILE, by default the 2→4 norm.

    With --p it is the largest ||Xv||_q over vectors with ||v||_p = 1. With --center and --normalize it is the largest
    central moment of the rows in any direction. For a complex matrix in an .npy or .npz file it is the norm over
    complex vectors; without --p, q = 2, 4, 6, 8 or inf.
    """
    check_outputs(file, {"--out": out, "--witness": witness, "--plot": plot})
    if name not in INTERVALS:
        if (p, q, center, normalize, witness, plot) != (None, None, False, False, None, None):
            raise InvalidInputError(
                f"--p, --q, --center, --normalize, --witness and --plot are for operator norms; leave them or --norm "
                f"{name} out."
            )
        return _named_norm(context, file, name, out, print_json, header, index)
    compute = _chosen_norm(name, p, q, center=center, normalize=normalize)
    if plot is not None:
        # Before the computation, so that an unsupported ending is refused at once.
        from hypernorm.plotting import check_figure_path, plot_interval, save_figure

        check_figure_path(plot)
    X = _read(file, header, index)
    with progress("computing") as report:
        interval = compute(X, method=method, rtol=rtol, time_limit=time_limit, random_state=seed, progress=report)
    with context.obj.interruptions.deferred():
        if out is not None:
            interval.certificate.save(out)
        if witness is not None:
            save_witness(interval.witness, witness)
        if plot is not None:
            save_figure(plot_interval(interval), plot)
        if print_json:
            print(as_json(interval_fields(interval, file)))
        else:
            print_interval(interval)
            for label, path in (("certificate", out), ("witness", witness), ("picture", plot)):
                if path is not None:
                    show(f"{label:<12} {printable(path)}")
    return 130 if interval.status is hn.Status.INTERRUPTED else 0


def _named_norm(
    context: typer.Context,
    file: str,
    name: str,
    out: Path | None,
    print_json: bool,
    header: bool | None,
    index: bool | None,
) -> int:
    function = named_norm(name)
    X = _read(file, header, index)
    with progress("computing"):
        found = function(X)
    with context.obj.interruptions.deferred():
        if out is not None:
            found.certificate.save(out)
        if print_json:
            print(as_json(enclosure_fields(found, file)))
        else:
            print_enclosure(found)
            if out is not None:
                show(f"{'certificate':<12} {printable(out)}")
    return 0


@app.command(epilog=EXIT_CODES)
def verify(
    context: typer.Context,
    file: FileArgument,
    certificate: CertificateArgument,
    exact: Annotated[bool, typer.Option("--exact", help="Use exact arithmetic; slower.")] = False,
    print_json: JsonOption = False,
    header: HeaderOption = None,
    index: IndexOption = None,
) -> None:
    """Prove the bound of CERTIFICATE for the matrix in FILE.

    A certificate proves a bound from above, a witness one from below; for a smallest gain it is the other way round.
    Nothing that they claim is trusted.
    """
    loaded = hn.load_certificate(certificate)
    X = _read(file, header, index)
    with progress("verifying"):
        verified = loaded.verify(X, exact=exact)
    context.obj.is_verdict = True
    if print_json:
        print(as_json(verified_fields(verified, loaded, file, certificate)))
    else:
        print_verified(verified)


@app.command()
def info(certificate: CertificateArgument, print_json: JsonOption = False) -> None:
    """Show what CERTIFICATE claims, without verifying it."""
    loaded = hn.load_certificate(certificate)
    if print_json:
        print(as_json(claim_fields(loaded, certificate)))
    else:
        print_claim(loaded, certificate)


def _read(file: str, header: bool | None, index: bool | None) -> Matrix:
    X = read_matrix(file, header=header, index=index, allow_complex=True)
    return X if is_complex(X) else check_matrix(X, name=printable(file))


def _chosen_norm(
    name: str, p: str | None, q: str | None, *, center: bool, normalize: bool
) -> Callable[..., hn.Interval[Any, Any]]:
    """The function that computes the norm of the options."""
    other = "--norm cut" if name == "cut" else "--p" if p is not None else None
    if other is not None and (center or normalize):
        raise InvalidInputError(f"--center and --normalize are about moments of rows; leave them or {other} out.")
    if name == "cut":
        if p is not None or q is not None:
            raise InvalidInputError("The cut norm has no exponents; leave --p and --q out.")
        return hn.cut_norm
    exponent = 4.0 if q is None else _parse_exponent(q, "--q", 2 if p is None else 1)
    if p is None:
        return partial(hn.two_to_q_norm, q=exponent, center=center, normalize=normalize)
    return partial(hn.operator_norm, p=_parse_exponent(p, "--p", 1), q=exponent)


def _parse_exponent(text: str, name: str, least: int) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidInputError(f"{name} must be a number from {least} on or inf, got {text!r}.") from None


def _explain(error: BaseException) -> str:
    """The message of an error, in one line."""
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
        for line in traceback.format_exc().splitlines():
            say(line)


if __name__ == "__main__":
    sys.exit(main())
