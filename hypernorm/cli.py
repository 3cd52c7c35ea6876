"""The command `hypernorm`: compute an interval, save its certificate, verify a certificate.

An error is one line on the standard error, also with --json. `EXIT_CODES` lists the exit codes.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

import hypernorm as hn
from hypernorm._command_errors import ANSWERED, exit_code_of, say_defect
from hypernorm._command_files import check_outputs, column_hint, read_certificate, save_witness
from hypernorm._command_help import fit_help, help_width
from hypernorm._command_norms import INTERVALS, chosen_norm, enclosure_fields, named_norm, print_enclosure
from hypernorm._command_options import (
    EXIT_CODES,
    CenterOption,
    CertificateArgument,
    CheckpointOption,
    FileArgument,
    FolderOption,
    HeaderOption,
    IndexOption,
    JsonOption,
    MethodOption,
    NameOption,
    NormalizeOption,
    OutOption,
    PlotOption,
    POption,
    QOption,
    QuietOption,
    SeedOption,
    TimeLimitOption,
    ToleranceOption,
    TracebackOption,
    VersionOption,
    WitnessOption,
)
from hypernorm._complex import is_complex
from hypernorm._display import printable
from hypernorm._process import Interruptions, own_streams, say
from hypernorm._progress_line import progress
from hypernorm._report import (
    as_json,
    claim_fields,
    interval_fields,
    print_claim,
    print_interval,
    print_verified,
    show,
    verified_fields,
)
from hypernorm._validation import Matrix, check_matrix
from hypernorm.exceptions import CertificateError, InvalidInputError
from hypernorm.io import read_matrix

__all__ = ["EXIT_CODES", "app", "main"]

app = typer.Typer(rich_markup_mode=None, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})


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
            code = fit_help(typer.main.get_command(app)).main(
                args=None if arguments is None else list(arguments),
                prog_name="hypernorm",
                standalone_mode=False,
                obj=settings,
                terminal_width=help_width(),
            )
    except (KeyboardInterrupt, typer.Abort):
        code = 130  # newer versions of typer return this number instead
    except ANSWERED as error:
        return exit_code_of(error, settings.traceback)
    except Exception as error:
        return say_defect(error, settings.traceback)
    if code == 130 or settings.interruptions.received is not None:
        say("interrupted")
        return settings.interruptions.exit_code
    return code if isinstance(code, int) else 0


@app.callback(invoke_without_command=True)
def _start(context: typer.Context, version: VersionOption = False, show_traceback: TracebackOption = False) -> None:
    """Proved intervals for norms of a matrix X, above all the largest ||Xv||_q over unit vectors v."""
    if show_traceback:
        context.obj.traceback = True
    if version:
        print(f"hypernorm {hn.__version__}")
    elif context.invoked_subcommand is None:
        print(context.get_help())


@app.command(epilog=EXIT_CODES)
def demo(context: typer.Context, out: FolderOption = Path("hypernorm-demo"), quiet: QuietOption = False) -> int:
    """Bound the 2→4 norm of handwritten digits and verify the proof."""
    from hypernorm.plotting import plot_interval, save_figure

    tell = _silent if quiet else show
    out.mkdir(parents=True, exist_ok=True)
    certificate_path, picture_path = out / "digits-2to4.npz", out / "digits-2to4.png"
    X = read_matrix("digits")
    tell(f"Data: 1797 images of handwritten digits, 8 x 8 pixels, centered: X is {X.shape[0]} x {X.shape[1]}.")
    tell("Question: how large can (sum of <x_i, v>^4)^(1/4) be for a unit vector v?")
    tell()
    with progress("computing", quiet=quiet) as report:
        interval = hn.two_to_q_norm(X, q=4, random_state=0, progress=report)
    with context.obj.interruptions.deferred():
        if not quiet:
            print_interval(interval)
        interval.certificate.save(certificate_path)
    if interval.status is hn.Status.INTERRUPTED:
        return 130

    loaded = hn.load_certificate(certificate_path)
    kind = interval.certificate.kind.replace("_", " ")
    tell()
    tell(f"The best certificate, {kind}, read back from disk and verified against X:")
    with progress("verifying", quiet=quiet):
        verified = loaded.verify(X)
    if not quiet:
        print_verified(verified)
    tell(f"(in exact arithmetic, about a minute: hypernorm verify digits {printable(certificate_path)} --exact)")

    save_figure(plot_interval(interval), picture_path)
    tell()
    tell(f"certificate  {printable(certificate_path)}")
    tell(f"picture      {printable(picture_path)}")
    return 0


@app.command(epilog=EXIT_CODES)
def norm(
    context: typer.Context,
    file: FileArgument,
    q: QOption = None,
    p: POption = None,
    name: NameOption = "operator",
    center: CenterOption = False,
    normalize: NormalizeOption = False,
    method: MethodOption = "auto",
    rtol: ToleranceOption = 1e-6,
    time_limit: TimeLimitOption = None,
    checkpoint: CheckpointOption = None,
    seed: SeedOption = 0,
    out: OutOption = None,
    witness: WitnessOption = None,
    plot: PlotOption = None,
    print_json: JsonOption = False,
    quiet: QuietOption = False,
    header: HeaderOption = None,
    index: IndexOption = None,
) -> int:
    """Compute a proved interval for a norm of the matrix in FILE, by default the 2→4 norm.

    With --p it is the largest ||Xv||_q over vectors with ||v||_p = 1. With --center and --normalize it is the largest
    central moment of the rows in any direction. For a complex matrix in an .npy or .npz file it is the norm over
    complex vectors; without --p, q = 2, 4, 6, 8 or inf.
    """
    if quiet and not (print_json or out or witness or plot):
        raise InvalidInputError("--quiet leaves nothing to show; add --out, --witness, --plot or --json.")
    check_outputs(file, {"--out": out, "--witness": witness, "--plot": plot, "--checkpoint": checkpoint})
    output = _Output(file, print_json, quiet)
    if name not in INTERVALS:
        if (p, q, center, normalize, checkpoint, witness, plot) != (None, None, False, False, None, None, None):
            raise InvalidInputError(
                f"--p, --q, --center, --normalize, --checkpoint, --witness and --plot are for operator norms; leave "
                f"them or --norm {name} out."
            )
        return _named_norm(context, name, out, output, header, index)
    compute = chosen_norm(name, p, q, center=center, normalize=normalize, checkpoint=checkpoint)
    if plot is not None:
        # Before the computation, so that an unsupported ending is refused at once.
        from hypernorm.plotting import check_figure_path, plot_interval, save_figure

        check_figure_path(plot)
    X = _read(file, header, index)
    with progress("computing", limit=time_limit, quiet=quiet) as report:
        interval = compute(X, method=method, rtol=rtol, time_limit=time_limit, random_state=seed, progress=report)
    with context.obj.interruptions.deferred():
        if out is not None:
            interval.certificate.save(out)
        if witness is not None:
            save_witness(interval.witness, witness)
        if plot is not None:
            save_figure(plot_interval(interval), plot)
        saved = {"certificate": out, "witness": witness, "picture": plot}
        output.tell(interval, interval_fields, print_interval, saved)
    return 130 if interval.status is hn.Status.INTERRUPTED else 0


def _named_norm(
    context: typer.Context, name: str, out: Path | None, output: _Output, header: bool | None, index: bool | None
) -> int:
    function = named_norm(name)
    X = _read(output.file, header, index)
    with progress("computing", quiet=output.quiet):
        found = function(X)
    with context.obj.interruptions.deferred():
        if out is not None:
            found.certificate.save(out)
        output.tell(found, enclosure_fields, print_enclosure, {"certificate": out})
    return 0


@dataclass(frozen=True)
class _Output:
    """How the result for a file is told."""

    file: str
    as_json: bool
    quiet: bool

    def tell(
        self,
        result: Any,
        fields: Callable[[Any, str], dict[str, Any]],
        print_text: Callable[[Any], None],
        saved: Mapping[str, Path | None],
    ) -> None:
        """Print the fields of a result as JSON, or its text and the paths of what was saved."""
        if self.as_json:
            print(as_json(fields(result, self.file)))
        elif not self.quiet:
            print_text(result)
            for label, path in saved.items():
                if path is not None:
                    show(f"{label:<12} {printable(path)}")


@app.command(epilog=EXIT_CODES)
def verify(
    context: typer.Context,
    file: FileArgument,
    certificate: CertificateArgument,
    exact: Annotated[bool, typer.Option("--exact", help="Use exact arithmetic; slower.")] = False,
    print_json: JsonOption = False,
    quiet: QuietOption = False,
    header: HeaderOption = None,
    index: IndexOption = None,
) -> None:
    """Prove the bound of CERTIFICATE for the matrix in FILE.

    A certificate proves a bound from above, a witness one from below; for a smallest gain it is the other way round.
    Nothing that they claim is trusted.
    """
    loaded = read_certificate(certificate, file)
    X = _read(file, header, index)
    try:
        with progress("verifying", quiet=quiet):
            verified = loaded.verify(X, exact=exact)
    except CertificateError as error:
        hint = column_hint(loaded, X, file, index)
        if not hint:
            raise
        raise CertificateError(f"{error}{hint}") from error
    context.obj.is_verdict = True
    output = _Output(file, print_json, quiet)
    output.tell(verified, lambda proved, name: verified_fields(proved, loaded, name, certificate), print_verified, {})


@app.command()
def info(certificate: CertificateArgument, print_json: JsonOption = False) -> None:
    """Show what CERTIFICATE claims, without verifying it."""
    loaded = read_certificate(certificate)
    if print_json:
        print(as_json(claim_fields(loaded, certificate)))
    else:
        print_claim(loaded, certificate)


def _read(file: str, header: bool | None, index: bool | None) -> Matrix:
    X = read_matrix(file, header=header, index=index, allow_complex=True)
    return X if is_complex(X) else check_matrix(X, name=printable(file))


def _silent(line: str = "") -> None:
    """What `show` is with --quiet."""


if __name__ == "__main__":
    sys.exit(main())
