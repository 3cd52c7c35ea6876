"""Arguments and options of the command `hypernorm`: their types, their choices and what the help says about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from hypernorm._addresses import DOCUMENTATION
from hypernorm._command_norms import NAMED_NORMS
from hypernorm.bounds import CUT_METHODS, METHODS, OPERATOR_METHODS
from hypernorm.io import NAMES, SUFFIXES

__all__ = [
    "EXIT_CODES",
    "CenterOption",
    "CertificateArgument",
    "CheckpointOption",
    "FileArgument",
    "FolderOption",
    "HeaderOption",
    "IndexOption",
    "JsonOption",
    "MethodOption",
    "NameOption",
    "NormalizeOption",
    "OutOption",
    "POption",
    "PlotOption",
    "QOption",
    "QuietOption",
    "SeedOption",
    "TimeLimitOption",
    "ToleranceOption",
    "TracebackOption",
    "VersionOption",
    "WitnessOption",
]

EXIT_CODES = (
    "Exit codes: 0 proved; 1 certificate rejected; 2 bad input, or the output cannot be written; 3 a defect of this "
    "program; 130 interrupted (SIGINT) or 143 terminated (SIGTERM), once what was proved is printed and saved; 141 "
    "the output was closed early. The exit code of verify is its verdict, even if the output was closed early.\n\n"
    f"Documentation: {DOCUMENTATION}"
)

_ALL_METHODS = tuple(dict.fromkeys((*METHODS, *OPERATOR_METHODS, *CUT_METHODS)))


def _completion(choices: tuple[str, ...]) -> Callable[[str], list[str]]:
    return lambda incomplete: [choice for choice in choices if choice.startswith(incomplete)]


FileArgument = Annotated[
    str, typer.Argument(metavar="FILE", help=f"A {', '.join(SUFFIXES)} file, or one of {', '.join(NAMES)}.")
]
CertificateArgument = Annotated[
    Path,
    typer.Argument(metavar="CERTIFICATE", help="A file saved with --out or --witness, or by a certificate's save."),
]

QOption = Annotated[
    str | None, typer.Option("--q", metavar="[2..inf]", help="Exponent, 4 by default; from 1 if --p is given.")
]
POption = Annotated[
    str | None, typer.Option("--p", metavar="[1..inf]", help="Exponent of the norm of v, 2 by default.")
]
NameOption = Annotated[
    str,
    typer.Option(
        "--norm",
        metavar=f"[{'|'.join(NAMED_NORMS)}]",
        help="Norm to bound, with a number P or K.",
        autocompletion=_completion(NAMED_NORMS),
    ),
]
CenterOption = Annotated[
    bool,
    typer.Option("--center", help="Subtract the mean of the rows. The moment depends on the units of the columns."),
]
NormalizeOption = Annotated[
    bool, typer.Option("--normalize", help="Divide by n^(1/q): the mean over the rows in place of the sum.")
]
MethodOption = Annotated[
    str,
    typer.Option(
        metavar=f"[{'|'.join(_ALL_METHODS)}]",
        help=f"Strongest certificates: {', '.join(METHODS)}; with --p {', '.join(OPERATOR_METHODS)}; with --norm cut "
        f"{', '.join(CUT_METHODS)}.",
        autocompletion=_completion(_ALL_METHODS),
    ),
]
ToleranceOption = Annotated[
    float, typer.Option("--rtol", metavar="FLOAT", help="Relative gap at which the bounds count as meeting.")
]
TimeLimitOption = Annotated[
    float | None,
    typer.Option(metavar="SECONDS", help="Time after which the search ends; a proof in progress is completed."),
]
CheckpointOption = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="File in which a long search is kept; with the same file it goes on."),
]
SeedOption = Annotated[int, typer.Option("--seed", metavar="INTEGER", help="Seed of the random starting points.")]

OutOption = Annotated[Path | None, typer.Option(metavar="PATH.npz", help="Save the best certificate.")]
WitnessOption = Annotated[
    Path | None,
    typer.Option(metavar="PATH.npz", help="Save the witness, which verify takes too; as PATH.npy the bare vector."),
]
PlotOption = Annotated[Path | None, typer.Option(metavar="PATH.png", help="Save a picture (png, pdf, svg).")]
FolderOption = Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for the results; it is created.")]

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
QuietOption = Annotated[
    bool, typer.Option("--quiet", help="Print no report and no progress, only warnings, errors and what --json prints.")
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

VersionOption = Annotated[bool, typer.Option("--version", help="Print the version and exit.")]
TracebackOption = Annotated[
    bool, typer.Option("--traceback", help="Show where an error arose (or set HYPERNORM_TRACEBACK=1).")
]
