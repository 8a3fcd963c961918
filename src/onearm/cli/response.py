"""``onearm response``: RECIST responses of a spreadsheet of lesions, without a study."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import polars as pl

    from onearm.errors import Finding
    from onearm.response.tool import Answer

PROBLEMS = (
    "line", "severity", "subject", "visit", "lesion", "column", "value", "rule", "message", "hint",
)  # fmt: skip
"""The columns of problems.csv, which has them also where there is no problem."""


def response(
    lesions: Annotated[
        Path, typer.Argument(help="A CSV file with one row a lesion and visit; '-' prints columns.")
    ],
    criteria: Annotated[str, typer.Option(help="Which response criteria.")] = "recist11",
    confirm: Annotated[
        int, typer.Option(help="Days to the confirmation of a response; 0: not asked for.")
    ] = 28,
    out: Annotated[
        Path | None, typer.Option(help="Folder for visits.csv, best.csv and problems.csv.")
    ] = None,
) -> None:
    """Tumour response at every visit and the best response, each with its reason.

    Every bad row is reported with its line. Subjects with a bad row are left out of the answers,
    the others are answered; the exit code is then 1.
    """
    from onearm.response.criteria import find_criteria
    from onearm.response.tool import respond

    if str(lesions) == "-":
        _show_columns()
        return
    chosen = find_criteria(criteria)
    if confirm:
        chosen = chosen.with_parameters(confirm_days=confirm)
    answer = respond(_read(lesions), criteria=chosen, confirmed=confirm > 0, source=lesions.name)
    _show_findings(answer.findings)
    if out is None:
        _show(answer, f"{chosen.title}, {_confirmation(confirm)}")
    else:
        _write(answer, out)
        typer.echo(f"{answer.visits.height} visits and {answer.best.height} best responses: {out}")
    if answer.has_errors:
        raise typer.Exit(code=1)


def _confirmation(confirm: int) -> str:
    return f"confirmed after {confirm} days or more" if confirm else "confirmation not asked for"


def _show_columns() -> None:
    from onearm.response.sheet import COLUMNS, NEEDED

    for name, meaning in COLUMNS.items():
        typer.echo(f"{name}{' (needed)' if name in NEEDED else ''}: {meaning}")


def _read(path: Path) -> pl.DataFrame:
    """The file as text columns, with the line of each row; commas, semicolons or tabs between."""
    import polars as pl

    from onearm.errors import OnearmError
    from onearm.response.sheet import LINE

    if not path.is_file():
        raise OnearmError(f"there is no file {path}")
    lines = _decode(path).splitlines()
    if not any(line.strip() for line in lines):
        raise OnearmError(f"{path}: the file is empty; the first line holds the column names")
    separator = max(",;\t", key=lines[0].count)
    reader = csv.reader(lines, delimiter=separator)
    head = [name.strip() for name in next(reader)]
    doubled = sorted({name for name in head if head.count(name) > 1 or name == LINE})
    if doubled:
        raise OnearmError(f"{path}:1: the column {', '.join(doubled)} is there more than once")
    rows: list[list[str]] = []
    wrong: list[str] = []
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(head):
            wrong.append(
                f"{path}:{reader.line_num}: {len(cells)} cells, and {len(head)} columns are named; "
                "a cell with a comma in it needs quotes"
            )
        rows.append([*cells, str(reader.line_num)])
    if wrong:
        raise OnearmError("\n".join(wrong))
    return pl.DataFrame(rows, schema=dict.fromkeys([*head, LINE], pl.String), orient="row")


def _decode(path: Path) -> str:
    from onearm.errors import OnearmError

    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data[: problem.start].count(b"\n") + 1
        raise OnearmError(
            f"{path}:{line}: the text is not UTF-8 (byte 0x{data[problem.start]:02x}); "
            "save the sheet as 'CSV UTF-8'"
        ) from problem


def _show_findings(findings: tuple[Finding, ...]) -> None:
    words = {"error": "Error", "warning": "Warning", "note": "Note"}
    for finding in findings:
        typer.echo(f"{words[finding.severity]}: {finding}", err=True)
    errors = sum(finding.severity == "error" for finding in findings)
    if errors:
        subjects = sorted({x.place.subject for x in findings if x.severity == "error"} - {""})
        left_out = f"; left out: {', '.join(subjects)}" if subjects else ""
        typer.echo(f"{errors} error{'s' if errors > 1 else ''}{left_out}", err=True)


def _show(answer: Answer, title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    visits = Table(title=f"Visits ({title})", title_justify="left")
    for heading in ("Subject", "Reader", "Visit", "Date", "Sum, mm", "Overall", "Why", "To check"):
        visits.add_column(heading, justify="right" if heading == "Sum, mm" else "left")
    for row in answer.visits.iter_rows(named=True):
        visits.add_row(
            row["subject"], row["reader"], row["visit"], _text(row["date"]), _text(row["sum_mm"]),
            row["overall"] or "baseline", row["reason"] or "", row["flags"] or "",
        )  # fmt: skip
    best = Table(title=f"Best response ({title})", title_justify="left")
    for heading in ("Subject", "Reader", "Best", "Date", "Progression", "Why"):
        best.add_column(heading)
    for row in answer.best.iter_rows(named=True):
        best.add_row(
            row["subject"], row["reader"], row["response"], _text(row["date"]),
            _text(row["pd_date"]), row["reason"],
        )  # fmt: skip
    console.print(visits)
    console.print(best)


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _write(answer: Answer, folder: Path) -> None:
    """The three files, each written beside its place and then renamed."""
    import polars as pl

    folder.mkdir(parents=True, exist_ok=True)
    kinds = dict.fromkeys(PROBLEMS, pl.String) | {"line": pl.Int64}
    problems = pl.DataFrame(
        [
            {
                "line": x.place.line,
                "severity": x.severity,
                "subject": x.place.subject,
                "visit": x.place.visit,
                "lesion": x.place.form,
                "column": x.place.field,
                "value": _text(x.value),
                "rule": x.rule,
                "message": x.message,
                "hint": x.hint,
            }
            for x in answer.findings
        ],
        schema=kinds,
    )
    # Fourteen digits of a percentage are noise; the sums beside it are exact.
    visits = answer.visits.with_columns(pl.col(pl.Float64).round(4))
    tables = {"visits.csv": visits, "best.csv": answer.best, "problems.csv": problems}
    for name, table in tables.items():
        beside = folder / f".{name}.part"
        table.write_csv(beside)
        beside.replace(folder / name)
