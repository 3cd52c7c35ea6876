"""Measured numbers in the pages come from rows on file, and none is typed by hand."""

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from docs.numbers import NUMBERS, PAGES, fill, names, problems
from docs.numbers.registry import count, digits, percent, power, seconds, span
from docs.numbers.spans import SPAN

ROOT = Path(__file__).parent.parent
GALLERY = sorted((ROOT / "docs" / "gallery").glob("*.py"))
READ = {
    str(page.relative_to(ROOT)): page for page in [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md", *GALLERY]
}

# Phrases that look measured and are not, each with the reason, by page.
ALLOWED: dict[str, dict[str, str]] = {
    "README.md": {
        "Python 3.10 or newer": "a version",
        "1e-150 to 1e150": "the range of entries that is accepted",
    },
    "docs/comparison.md": {"four times as many rows as columns": "a shape"},
    "docs/development/soundness.md": {"an hour by default": "an option's default"},
    "docs/guide/bounds_in_practice.md": {
        "known to within 1.6%": "proved in theory/upper_bounds.md",
        "with probability 99%": "a definition",
        "a gap of $10^{-6}$ up to": "a tolerance",
    },
    "docs/guide/dictionary_learning.md": {
        "at least ten times as many samples": "advice",
        "1.577 for 5": "a constant of the formula",
        "an error of $10^{-3}$ take": "the question of an example",
    },
    "docs/guide/command_line.md": {"more than 64 MiB and 200 times its own size": "a limit"},
    "docs/guide/data_and_time.md": {"Above 256 MiB": "a limit"},
    "docs/guide/large_data.md": {"more than 256 MiB": "a limit"},
    "docs/guide/robust_statistics.md": {
        "then allows for 30%": "an option's default",
        "within 3% of the best are bold": "a definition",
        "For 10% malignant rows": "a setting",
        "for 5% of digits in negative": "a setting",
        "With a cluster of 10%": "a setting",
        "With 20 or 30% of": "a setting",
        "for 20% in a cluster": "a setting",
        "and 10% in a cluster": "a setting",
        "30% of targets with the opposite sign": "a setting",
        "as good up to 10%": "a setting of the table above",
        "from 1 to 0.1": "a setting",
        "⟨measured⟩ at 0.1, where": "a setting",
        "above 0.17": "where the theorem gives nothing",
        "/ 0.2 / 0.3": "a setting",
        "at ⟨formula⟩ / 0.3": "a setting",
    },
    "docs/guide/separable_states.md": {
        "0.9715837867": "a known value",
        "0.9620881859": "a known value",
        "by default $10^{-6}$": "an option's default",
    },
    "docs/guide/sparse_vectors.md": {"at least half as large as those": "a definition"},
    "docs/theory/dictionary_learning.md": {
        "within 20% of simulated means": "the tolerance of a test",
        "components is below 5.3": "a constant of the rule",
        "where it is below 0.02": "the range of a test",
        "arXiv 2104.10314": "a reference",
        "on a plane ⟨b, h⟩ = 1, h = S b₀": "a condition",
        "below 0.12 (p − 2)^{0.585}, which is 0.12": "a constant of the code",
        "and 0.18 for": "a constant of the code",
    },
    "docs/theory/lower_bounds.md": {
        "three times the growth": "a rule of the search",
        "by the factor 1.001": "a constant of the proof",
    },
    "docs/theory/robust.md": {
        "0.85 and 1.18, for 0.05 they are 0.61 and 1.64, for 0.1 they are 0.375 and 2.67": "the formula",
        "is at most 0.027": "the formula",
    },
    "docs/theory/separable_states.md": {"| ⟨formula⟩ | level 1 |": "sizes by formula"},
    "docs/theory/small_sets.md": {
        "less than 1% up to": "the formula",
        "a factor of 0.09": "the formula",
        "and $2\\cdot10^{-12}$ for eigenvalues": "a constant of the program",
    },
    "docs/theory/sums_of_squares.md": {
        "more than 90% of the block": "a rule of the solver",
        "| ⟨formula⟩ | ⟨formula⟩, degree 4 |": "sizes by formula",
    },
    "docs/theory/upper_bounds.md": {
        "less than 1.6% apart": "proved there",
        "where it is 0.7947": "a step of the proof",
        "at most $1.1$ below": "a constant of the theorem",
        "a constant below $1.1$": "a constant of the theorem",
    },
    "docs/theory/verification.md": {
        "more than 256 MiB": "a limit",
        "of the order $10^{-16}$": "the rounding unit",
        "§3.1": "a reference",
        "length at most about 1.7": "a step of the proof",
        "format version 1.0": "a version",
    },
    "docs/gallery/plot_8_robust_mean.py": {
        "three times the typical distance": "a setting",
        "3^(1/4) = 1.32": "the formula",
    },
}

NUMBER = r"(?<![\w.])\d[\d,]*(?:\.\d+)?"
WORD = (
    r"\b(?:an?|half an?|a quarter of an?|two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|sixty|a few|some)"
)
UNIT = r"(?:s|ms|µs|[kMGT]i?B|megabytes?|gigabytes?|h|min|(?:milli)?seconds?|minutes?|hours?|days?)"
TIMES = r"times (?:as|less|more|the)"
SMALL = r"(?:10⁻[⁰¹²³⁴-⁹]+|\$10\^\{-\d+\}\$)"
FINDERS = {
    "amount": rf"(?:{NUMBER})\s*(?:{UNIT}\b|%|per ?cent\b|-?fold\b|×(?!\s*(?:\d|[a-z]\b))|times\b)",
    "amount in words": rf"{WORD}\s(?:(?:milli)?seconds?|minutes?|hours?|per ?cent|(?:\w+ )?{TIMES}\b)",
    "half or twice": r"\b(?:twice|half) as \w+",
    "decimal": r"(?<![\w.,/])[−-]?\d+\.\d+(?!\w|\.\d)",
    "small number": r"\d(?:\.\d+)?e-?\d+|\d(?:\.\d+)?·10[⁻⁰¹²³⁴-⁹]+|\$[\d.]+\s*\\cdot\s*10\^\{?-?\d+\}?\$",
    "accuracy": rf"(?i)\b(?:gaps?|errors?|ratios?|(?:differ|agree|accura|exceed)\w*)\b[^.;]{{0,60}}?{SMALL}",
    "decimal formula": r"\$\s*[\d.]*\d\.\d+\s*\$",
    "count": r"\b\d+ of (?:the |all )?\d+\b|\bin \d+ cases\b|\b(?:all|none of) \d+ (?:cases|times|trials)\b",
}


def prose(text: str) -> str:
    """A page without spans, code, formulas that are not numbers, settings such as θ = 0.1, and links."""
    text = SPAN.sub(" ⟨measured⟩ ", text)
    text = re.sub(r"^( *)```.*?^\1```\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)
    text = re.sub(r"``[^`]+``|`[^`\n]+`", "⟨code⟩", text)
    text = re.sub(r"\$([^$]+)\$", lambda match: match.group() if _is_number(match[1]) else "⟨formula⟩", text)
    text = re.sub(r"\b[A-Za-zα-ωΔ] = [\d.,]*\d(?![\d%])", "⟨setting⟩", text)
    return re.sub(r"\]\([^)]*\)", "]", text)


def _is_number(formula: str) -> bool:
    return re.fullmatch(r"[\d.,{}\s]+|[\d.]*\s*(?:\\cdot)?\s*10\^\{?-?\d+\}?", formula) is not None


def comments(source: str) -> str:
    """The sentences of an example of the gallery: its docstring and the comments that start a block."""
    found = [ast.get_docstring(ast.parse(source)) or ""]
    for block in re.findall(r"^# %%\n((?:#.*\n)+)", source, flags=re.MULTILINE):
        found.append(re.sub(r"^# ?", "", block, flags=re.MULTILINE))
    return "\n\n".join(found)


def sentences(page: str) -> str:
    text = READ[page].read_text(encoding="utf-8")
    return comments(text) if page.endswith(".py") else text


def typed(text: str, phrases: Iterable[str] = ()) -> list[str]:
    """What looks measured in a page, with the words around it."""
    text = prose(text)
    tables = re.findall(r"(?:^ *\|.*\n?)+", text, flags=re.MULTILINE)
    flat = " ".join(text.split())
    for phrase in sorted(phrases, key=len, reverse=True):
        flat = flat.replace(phrase, "⟨allowed⟩")
    found = []
    for name, pattern in FINDERS.items():
        found += [f"{name}: …{flat[max(0, m.start() - 50) : m.end() + 30]}…" for m in re.finditer(pattern, flat)]
    for table in tables:
        head, *body = table.splitlines()
        if not any(phrase in table for phrase in phrases):
            cells = [cell.strip() for line in body[1:] for cell in line.split("|")[2:-1]]
            numeric = [cell for cell in cells if re.fullmatch(r"[\d.,\s%–−-]+", cell) and re.search(r"\d", cell)]
            if len(numeric) >= 4:
                found.append(f"table: {head}")
    return found


@pytest.mark.parametrize("page", READ)
def test_no_measured_number_is_typed(page):
    found = typed(sentences(page), ALLOWED.get(page, ()))
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_say_what_make_numbers_would_write(page):
    text = page.read_text(encoding="utf-8")
    assert problems(text) == []
    assert set(names(text)) <= set(NUMBERS)
    assert fill(text) == text, "run `make numbers`"


def test_tables_are_whole():
    for page in PAGES:
        for match in SPAN.finditer(page.read_text(encoding="utf-8")):
            if match["text"].startswith("\n"):
                lines = [line for line in match["text"].splitlines() if line.strip().startswith("|")]
                assert len(lines) > 2
                assert len({re.sub(r"\\\|", "", line).count("|") for line in lines}) == 1
                assert all(re.search(r"\w", line) for line in lines[2:])


def test_every_number_is_shown_somewhere():
    shown = {name for page in PAGES for name in names(page.read_text(encoding="utf-8"))}
    assert shown == set(NUMBERS)


def test_allowed_phrases_stand_in_their_pages():
    for page, phrases in ALLOWED.items():
        for phrase, reason in phrases.items():
            assert phrase in " ".join(prose(sentences(page)).split()), (page, phrase)
            assert typed(sentences(page), {*phrases} - {phrase}), f"{phrase!r} need not be allowed in {page}"
            assert reason


@pytest.mark.parametrize(
    "sentence",
    [
        "The fit takes 3.2 seconds.",
        "It takes 3 s on two cores.",
        "The bound is 12% off.",
        "The bound is 12 % off, 7 percent at best.",
        "It is 20 times as fast.",
        "It is about three times as accurate.",
        "This takes half a minute.",
        "A worker needs 0.44 GiB.",
        "The speed-up is 20×.",
        "A 5-fold gain.",
        "The gap is below $10^{-7}$ on all of them.",
        "Errors fall to 3e-15.",
        "The bounds agree to 10⁻¹² everywhere.",
        "The ratio is $3\\cdot10^{-5}$ at most.",
        "It was closed on 542 of 544 matrices.",
        "The best set was found in all 104 cases.",
        "On clean samples the error is 0.43.",
        "The error is $1.28$ there.",
        "It is twice as large.",
        "| method | time |\n| --- | --- |\n| a | 1.2 |\n| b | 3.4 |\n| c | 2 |\n| d | 5 |\n",
    ],
)
def test_typed_numbers_are_found(sentence):
    guide = (ROOT / "docs/guide/data_and_time.md").read_text(encoding="utf-8")
    page = f"{guide}\n\n{sentence}\n"
    assert typed(page, ALLOWED["docs/guide/data_and_time.md"])
    assert not typed(guide, ALLOWED["docs/guide/data_and_time.md"])


@pytest.mark.parametrize(
    "sentence",
    [
        "The fit takes <!-- measured: x -->3.2 s<!-- /measured --> here.",
        "A matrix of 1,797 × 64 numbers with 2,200 rows.",
        "The factor is $d^{1/8}$ and $q = 4$, 6 and 8.",
        "```python\ntime = 3.2  # 3 seconds\n```",
        "Set `rtol=1e-6` and `time_limit=3.5`.",
        "The order is $(0.423d)^{1/4}$ for $d \\times d$ matrices.",
    ],
)
def test_other_numbers_are_left_alone(sentence):
    assert typed(sentence + "\n") == []


def test_texts_of_numbers():
    assert [digits(value) for value in (0.1, 0.00561, 7.04, 28.9, 134.7, 2078.4)] == [
        *("0.10", "0.0056", "7.0", "29", "135", "2,078"),
    ]
    assert (seconds(0.613), percent(0.1234, 1), count(2, 10)) == ("0.61 s", "12.3%", "2 of 10")
    assert [power(value) for value in (4.2e-7, 1e-3, 9.6e-9)] == ["4·10⁻⁷", "10⁻³", "10⁻⁸"]
    assert [power(value, up=True) for value in (8e-13, 1e-6, 1.2e-6)] == ["8·10⁻¹³", "10⁻⁶", "2·10⁻⁶"]
    assert (span(1, 1.004), span(1, 1.2)) == ("1.00", "1.00 to 1.20")


def test_comments_must_be_paired_and_must_not_begin_a_line():
    assert problems("It takes <!-- measured: a -->1 s<!-- /measured -->.") == []
    assert problems("<!-- measured: a -->\n\n| t |\n\n<!-- /measured -->") == []
    assert problems("It takes\n<!-- measured: a -->1 s<!-- /measured -->.")
    assert problems("It takes <!-- measured: a -->1 s.")
    assert problems("It takes <!-- measured: a -->1 s, <!-- measured: b -->2 s<!-- /measured -->.")
