"""``onearm response`` on files as they come."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from onearm.cli.response import response
from onearm.errors import OnearmError

HEAD = "subject,visit,date,lesion,role,organ,node,diameter_mm,state,first_dose"
GOOD = [
    "01,SCREENING,2021-01-04,T01,target,liver,n,50,,2021-01-10",
    "01,WEEK 6,2021-02-22,T01,target,liver,n,30,,2021-01-10",
    "01,WEEK 12,2021-04-05,T01,target,liver,n,30,,2021-01-10",
]
BAD = [
    "02,SCREENING,2021-01-04,T01,target,liver,n,-5,,2021-01-10",
    "02,WEEK 6,2021-02-31,T01,target,liver,n,30,,2021-01-10",
]

app = typer.Typer(pretty_exceptions_enable=False)
app.command()(response)


def run(folder: Path, rows: list[str], *options: str, data: bytes | None = None) -> tuple[int, str]:
    file = folder / "lesions.csv"
    file.write_bytes(data or "\n".join([HEAD, *rows]).encode())
    result = CliRunner().invoke(app, [str(file), *options], env={"COLUMNS": "240"})
    if isinstance(result.exception, OnearmError):
        raise result.exception
    return result.exit_code, result.output


def test_a_good_file_is_answered_with_reasons(tmp_path: Path) -> None:
    code, text = run(tmp_path, GOOD)
    assert code == 0
    assert "sum 30.0 mm is -40.0 % from the baseline sum of 50.0 mm" in text
    assert "PR on 2021-02-22, confirmed by PR on 2021-04-05" in text
    assert "confirmed after 28 days or more" in text


def test_bad_rows_are_reported_with_line_and_the_others_are_answered(tmp_path: Path) -> None:
    code, text = run(tmp_path, GOOD + BAD)
    assert code == 1
    assert "lesions.csv:5: 02 / SCREENING / T01.diameter_mm: the diameter is negative" in text
    assert "lesions.csv:6: 02 / WEEK 6 / T01.date" in text
    assert "2 errors; left out: 02" in text
    assert "confirmed by PR" in text


def test_confirmation_can_be_changed_or_left_out(tmp_path: Path) -> None:
    _, late = run(tmp_path, GOOD, "--confirm", "56")
    assert "PR on 2021-02-22, day 43 from the start" in late
    _, without = run(tmp_path, GOOD, "--confirm", "0")
    assert "confirmation not asked for" in without
    assert "PR on 2021-02-22; confirmation is not asked for" in without


def test_the_answers_can_be_written_to_a_folder(tmp_path: Path) -> None:
    out = tmp_path / "answers"
    code, text = run(tmp_path, GOOD + BAD, "--out", str(out))
    assert code == 1
    assert "3 visits and 1 best responses" in text
    assert sorted(x.name for x in out.iterdir()) == ["best.csv", "problems.csv", "visits.csv"]
    assert "01,reader,PR,2021-02-22" in (out / "best.csv").read_text()
    assert "5,error,02,SCREENING,T01,diameter_mm,-5" in (out / "problems.csv").read_text()


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_and_a_byte_order_mark_are_read(tmp_path: Path, separator: str) -> None:
    text = "\r\n".join([HEAD, *GOOD]).replace(",", separator)
    code, _ = run(tmp_path, [], data=b"\xef\xbb\xbf" + text.encode())
    assert code == 0


def test_a_file_in_another_encoding_is_refused_with_the_line(tmp_path: Path) -> None:
    data = "\n".join([HEAD, GOOD[0].replace("liver", "Niere, Fü")]).encode("latin-1")
    with pytest.raises(OnearmError, match=r"lesions.csv:2: the text is not UTF-8 \(byte 0xfc\)"):
        run(tmp_path, [], data=data)


def test_a_row_with_too_many_cells_is_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(OnearmError, match=r"lesions.csv:3: 11 cells, and 10 columns are named"):
        run(tmp_path, [GOOD[0], GOOD[1].replace("30", "30,5")])


def test_an_empty_file_a_doubled_column_and_no_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OnearmError, match="the file is empty"):
        run(tmp_path, [], data=b"\n\n")
    with pytest.raises(OnearmError, match="the column date is there more than once"):
        run(tmp_path, [], data=(HEAD + ",date\n").encode())
    with pytest.raises(OnearmError, match="there is no file"):
        CliRunner().invoke(app, [str(tmp_path / "none.csv")], catch_exceptions=False)


def test_missing_columns_are_named_together(tmp_path: Path) -> None:
    code, text = run(tmp_path, [], data=b"subject,lesion\n01,T01\n")
    assert code == 1
    assert "the column date is missing" in text
    assert "the column role is missing" in text
    assert "the column diameter_mm is missing" in text


def test_unknown_criteria_are_refused_with_the_names_that_exist(tmp_path: Path) -> None:
    with pytest.raises(OnearmError, match="there are no response criteria 'recist'"):
        run(tmp_path, GOOD, "--criteria", "recist")


def test_the_columns_are_printed_on_request() -> None:
    result = CliRunner().invoke(app, ["-"])
    assert result.exit_code == 0
    assert "subject (needed): who" in result.output
    assert "slice_mm" in result.output
