"""What is a header, an index, a comment or a missing value in a text, and what is refused as it may be two things."""

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hypernorm.exceptions import InvalidInputError
from hypernorm.io import read_matrix

FRAME = pd.DataFrame({"a": [1.5, 3.5, 5.5], "b": [2.5, 4.5, 6.5]})
VALUES = FRAME.to_numpy()
MISSING = ["NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null", "None", "#N/A", "#NA", "", '""', '"NA"', " NA "]


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def from_text(text: str | bytes, suffix: str = ".csv", **options: Any) -> np.ndarray:
        content = text.encode() if isinstance(text, str) else text
        path = tmp_path / f"X{suffix}"
        path.write_bytes(gzip.compress(content) if suffix.lower().endswith(".gz") else content)
        return np.asarray(read_matrix(path, **options))

    return from_text


@pytest.fixture
def refused(read: Any) -> Any:
    def with_words(text: str | bytes, *words: str, suffix: str = ".csv", **options: Any) -> None:
        with pytest.raises(InvalidInputError) as caught:
            read(text, suffix, **options)
        message = str(caught.value)
        assert message.isprintable()
        for word in words:
            assert word in message

    return with_words


class TestHeaders:
    @pytest.mark.parametrize("mark", MISSING)
    def test_a_missing_value_in_the_first_row_is_data(self, read: Any, mark: str) -> None:
        np.testing.assert_array_equal(read(f"{mark},2\n3,4\n5,6\n"), [[np.nan, 2], [3, 4], [5, 6]])

    @pytest.mark.parametrize("mark", MISSING)
    def test_and_in_every_other_row(self, read: Any, mark: str) -> None:
        np.testing.assert_array_equal(read(f"1,2\n{mark},4\n5,6\n"), [[1, 2], [np.nan, 4], [5, 6]])
        np.testing.assert_array_equal(read(f"x\ty\n1\t2\n3\t{mark}\n", ".tsv"), [[1, 2], [3, np.nan]])

    @pytest.mark.parametrize(
        "header",
        [
            '"a\nb",c',
            '"a\n\n\nb","c\n"',
            '"a ""x""\n",c',
            '"c,d",e',
            "RI,Na",
            "größe,µ",
            "1stFlrSF,a,b",
            "a,,c",
            "year,month,2020",
            "_a,.b",
            "a\u2028b,c",
            "\x1b[2Ja,b,c",
            "a,a",
        ],
    )
    @pytest.mark.parametrize("newline", ["\n", "\r\n"])
    def test_a_line_of_names_takes_no_row_with_it(self, read: Any, header: str, newline: str) -> None:
        width = 3 if header in ("1stFlrSF,a,b", "a,,c", "year,month,2020", "\x1b[2Ja,b,c") else 2
        rows = np.arange(3 * width).reshape(3, width) + 0.5
        text = "\n".join([header, *(",".join(map(str, row)) for row in rows.tolist())]) + "\n"
        np.testing.assert_array_equal(read(text.replace("\n", newline)), rows)

    @pytest.mark.parametrize(
        "first",
        [
            "1.O,2,3",
            "5.1,3.5,setosa",
            "1_000",
            '"1,000"',
            "1'000",
            "$5,$6",
            "0x1F,2",
            "1d5,2",
            "１,2",
            "x,2",
            "NA,x",
            "1.5x",
            "sep=,",
            "--,2",
            "1,2 # note",
        ],
    )
    def test_names_or_faulty_numbers(self, refused: Any, first: str) -> None:
        rest = first.count(",") + 1 if not first.startswith('"') else 1
        refused(f"{first}\n" + ",".join(["3"] * rest) + "\n", "header=True", "--no-header")

    def test_the_choice_is_obeyed(self, read: Any, refused: Any) -> None:
        np.testing.assert_array_equal(read("1,2\n3,4\n", header=True), [[3, 4]])
        np.testing.assert_array_equal(read("x,2\n3,4\n", header=True), [[3, 4]])
        np.testing.assert_array_equal(read("0,1,2\n5,6,7\n", header=False), [[0, 1, 2], [5, 6, 7]])
        refused("a,b\n3,4\n", "'a'", "data row 0, column 0", header=False)
        refused("1,2\n", "header must be", header=1)

    @pytest.mark.parametrize(
        "text",
        [
            pd.DataFrame(np.ones((3, 3)) / 2).to_csv(index=False),
            pd.DataFrame(np.ones((3, 2)) / 2).to_csv(index=False),
            pd.DataFrame(np.ones((3, 1)) / 2).to_csv(index=False),
            pd.DataFrame([[5, 6], [7, 8]]).to_csv(index=False),
            pd.DataFrame(np.ones((3, 1)) / 2).to_csv(),
            '"","1990","1991"\n"1",1.5,2.5\n"2",3.5,4.5\n',
            "1990,1991,1992\n1.5,2.5,3.5\n",
            "a,a\n0,1\n0.5,0.5\n",
            "a,a,b\n0,1,2\n0.5,0.5,0.5\n",
        ],
    )
    def test_numbers_that_look_like_names(self, refused: Any, text: str) -> None:
        refused(text, "column labels", "--header")

    def test_numbers_that_do_not(self, read: Any) -> None:
        for text in ("0,1\n1,0\n", "1,2,3\n4,5,6\n", "a,b,c\n0,1,2\n3,4,5\n", "0\n1\n4\n", "0.0,1.0,2.0\n3,4,5\n"):
            rows = [line for line in text.splitlines() if line[0].isdigit()]
            np.testing.assert_array_equal(read(text), [list(map(float, row.split(","))) for row in rows])


class TestIndex:
    @pytest.mark.parametrize(
        "text",
        [
            FRAME.to_csv(),
            pd.read_csv(io.StringIO(FRAME.to_csv())).to_csv(),
            pd.read_csv(io.StringIO(pd.read_csv(io.StringIO(FRAME.to_csv())).to_csv())).to_csv(),
            pd.read_csv(io.StringIO(FRAME.to_csv())).to_csv(index=False),
            '"","a","b"\n"1",1.5,2.5\n"2",3.5,4.5\n"3",5.5,6.5\n',
        ],
        ids=["pandas", "twice", "three times", "Unnamed: 0", "R"],
    )
    def test_row_numbers_without_a_name_are_left_out(self, read: Any, text: str) -> None:
        np.testing.assert_array_equal(read(text), VALUES)
        np.testing.assert_array_equal(read(text, index=True), VALUES)
        assert read(text, index=False).shape[1] == text.partition("\n")[0].count(",") + 1

    @pytest.mark.parametrize(
        "text",
        [
            FRAME.to_csv(header=False),
            FRAME.iloc[:2].to_csv(header=False),
            FRAME.iloc[[2, 0, 1]].to_csv(),
            FRAME.set_index(pd.Index(list("xyz"))).to_csv(),
            FRAME.set_index(pd.date_range("2020", periods=3)).to_csv(),
            FRAME.set_index(pd.MultiIndex.from_tuples([(0, 0), (0, 1), (1, 0)])).to_csv(),
            FRAME.reset_index().to_csv(index=False),
            '"a","b"\n"1",1.5,2.5\n"2",3.5,4.5\n',
            '"1",1.5,2.5\n"2",3.5,4.5\n',
            '"rownames","a"\n1,2.5\n2,3.5\n',
            "1,1.52,13\n2,1.51,13\n3,1.51,13\n",
        ],
    )
    def test_other_row_labels_are_asked_about(self, refused: Any, text: str) -> None:
        refused(text, "index=True", "--index")

    def test_the_choice_is_obeyed(self, read: Any, refused: Any) -> None:
        np.testing.assert_array_equal(read(FRAME.to_csv(header=False), index=True), VALUES)
        assert read(FRAME.to_csv(header=False), index=False).shape == (3, 3)
        np.testing.assert_array_equal(read(FRAME.set_index(pd.Index(list("xyz"))).to_csv(), index=True), VALUES)
        np.testing.assert_array_equal(read('"a","b"\n"r1",1.5,2.5\n"r2",3.5,4.5\n', index=True), VALUES[:2])
        np.testing.assert_array_equal(read("x,1\ny,2\n", index=True), [[1], [2]])
        np.testing.assert_array_equal(read(FRAME.rename_axis("id").to_csv())[:, 0], [0, 1, 2])
        refused("1\n2\n", "one column only", index=True)
        refused(",,a,b\n1,7,5.5,1\n2,3,5.5,1\n", "without a name", "remove it", index=True)


class TestCells:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("# made by x\n1,2\n3,4\n", [[1, 2], [3, 4]]),
            ("# a,b\n1,2\n", [[1, 2]]),
            ('a,b\n1,2\n  # 9,"9\n3,4\n# end', [[1, 2], [3, 4]]),
            ("\n\n1,2\n\n  \n3,4\n\n\n", [[1, 2], [3, 4]]),
            ("a\r1\r2\r", [[1], [2]]),
            ('"1","2"\r\n"3",4\r\n', [[1, 2], [3, 4]]),
            ('1,"2\n"\n3,4', [[1, 2], [3, 4]]),
            ("1\n\n2\n\n\n", [[1], [np.nan], [2]]),
            ('a\n1\n""\n2\n', [[1], [np.nan], [2]]),
            ("1,2,3\n,,\n", [[1, 2, 3], [np.nan] * 3]),
            ("True,1.5\nFALSE,2.5\n", [[1, 1.5], [0, 2.5]]),
            ("a\ntrue\nNA\n", [[1], [np.nan]]),
            ("inf,-Infinity\n1e400,1e-400\n", [[np.inf, -np.inf], [np.inf, 0]]),
            ("9007199254740993,.5\n+1,5.\n", [[2.0**53, 0.5], [1, 5]]),
            ("3\u00a0,4\n", [[3, 4]]),
        ],
    )
    def test_what_is_read(self, read: Any, text: str, expected: list) -> None:
        np.testing.assert_array_equal(read(text), expected)

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("1,2\n3,4,5\n", "3 cells in line 2"),
            ("1,2\n3\n4,5\n", "1 cell in line 2"),
            ("1,2,3\n# x\n4,5\n", "2 cells in line 3"),
            (",,\n1,2,3\n", "line of empty cells"),
            ("% x\n1,2\n", "begin comments with #"),
            ("// x\n1,2\n", "begin comments with #"),
            ("1,2\n3,4 # x\n", "lines of their own"),
            ('"a\nb",c\n1,2\n# x\n3,4,5\n', "line 5"),
            ("1,2,\n3,4,\n", "end of every line"),
            ("a,b,\n1,2,\n3,4,\n", "end of every line"),
            ("a,b\n1,2,\n3,4,\n", "2 names in its header but 3 columns"),
            ("a\nTrue\n2\n", "True or False in column 0"),
            ('1,2\n3,"1,000"\n', "thousands separators"),
            ("1,2\n3,1'000.5\n", "thousands separators"),
            ('1,2\n3,"1,5"\n', "decimal point"),
            ("1,2\n3,#DIV/0!\n", "'#DIV/0!'"),
            ("1,2\n3,４\n", "data row 1, column 1"),
            ("1,2\n3,\u22124\n", "data row 1, column 1"),
            ("1,2\n3,1_000\n", "'1_000'"),
            ("a,b\nx\x1b[31m\x07,2\n", r"'x\x1b[31m\x07'"),
            ('1,"2\n3,4\n', "close every quotation mark"),
            ('"a"b,c\n1,2\n', "expected after"),
            ("1,2\n3,\x004\n", "zero byte in line 2"),
        ],
    )
    def test_what_is_refused(self, refused: Any, text: str, word: str) -> None:
        refused(text, word)

    @pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
    @pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".CSV.GZ"])
    def test_byte_order_marks(self, read: Any, encoding: str, suffix: str) -> None:
        np.testing.assert_array_equal(read("größe,b\r\n1,2\r\n".encode(encoding), suffix), [[1, 2]])
        np.testing.assert_array_equal(read("1\n2\n".encode(encoding), suffix), [[1], [2]])
        np.testing.assert_array_equal(read("\ufeff1\n2\n".encode(encoding), suffix), [[1], [2]])

    def test_blocks_and_single_cells_are_read_alike(self, read: Any) -> None:
        rng = np.random.default_rng(0)
        X = rng.standard_normal((60_000, 3)) * 10.0 ** rng.integers(-300, 300, (60_000, 3))
        lines = [",".join(map(repr, row)) for row in X.tolist()]
        np.testing.assert_array_equal(read("\n".join(lines)), X)
        # Blanks, quotes and comments here and there, near the ends of blocks too.
        for number in rng.choice(len(lines), 300, replace=False).tolist():
            cells = lines[number].split(",")
            lines[number] = f'"{cells[0]}", {cells[1]} ,{cells[2]}' if number % 2 else f"# x\n{lines[number]}\n\n"
        np.testing.assert_array_equal(read("\n".join(lines)), X)
        np.testing.assert_array_equal(read("\n".join(lines).replace(",", "\t"), ".tsv.gz"), X)

    def test_blank_lines_of_one_column_at_the_ends_of_blocks(self, read: Any) -> None:
        # A block has 2^20 characters; the first ends after some of the empty lines.
        text = "1\n" * (2**19 - 2) + "\n" * 8 + "2\n" * 5
        found = read(text)[:, 0]
        assert len(found) == 2**19 - 2 + 8 + 5
        assert np.flatnonzero(np.isnan(found)).tolist() == list(range(2**19 - 2, 2**19 + 6))

    def test_one_long_line(self, read: Any, refused: Any) -> None:
        assert read(",".join(["0.5"] * 200_000)).shape == (1, 200_000)
        refused("1\n1\n" + ",".join(["1"] * 200_000), "200000 cells in line 3")

    def test_options_belong_to_text(self, tmp_path: Path) -> None:
        np.save(tmp_path / "X.npy", VALUES)
        for options in ({"header": True}, {"index": False}):
            with pytest.raises(InvalidInputError, match="leave it out"):
                read_matrix(tmp_path / "X.npy", **options)  # type: ignore[arg-type]
            with pytest.raises(InvalidInputError, match="diabetes"):
                read_matrix("diabetes", **options)  # type: ignore[arg-type]
