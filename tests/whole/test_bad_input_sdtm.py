"""Bad SDTM folders through the front door: doubts about rows are reported, the rest stops."""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import polars as pl
import pytest

from onearm import records, sdtm
from onearm.cli.demo import shipped_study
from onearm.store import write_datasets
from tests.records.clinic import frame
from tests.whole.clinic import patient, study
from tests.whole.door import former_output, no_report, quick_study, stopped, typed

Domains = dict[str, pl.DataFrame]
Change = Callable[[Domains, str], Domains]


def derived(*patients: str) -> Domains:
    """SDTM of copies of the sound patient."""
    rows = [row for number in patients for row in patient(number)]
    return sdtm.derive(study(), records.at_cut(study(), frame(rows), cut=None))


def put(name: str, variable: str, value: object, *, row: int = 0, **where: str) -> Change:
    """Another value in one row of the subject (of those with the values of ``where``)."""

    def change(domains: Domains, subject: str) -> Domains:
        table = domains[name].with_row_index("_row")
        at = table.filter(pl.col("USUBJID") == subject, **where)["_row"][row]
        new = pl.when(pl.col("_row") == at).then(pl.lit(value)).otherwise(pl.col(variable))
        kind = table.schema[variable]
        return {**domains, name: table.with_columns(new.cast(kind).alias(variable)).drop("_row")}

    return change


def again(name: str, **other: object) -> Change:
    """The subject's first row once more, with other values."""

    def change(domains: Domains, subject: str) -> Domains:
        table = domains[name]
        copy = table.filter(pl.col("USUBJID") == subject).head(1)
        copy = copy.with_columns(pl.lit(v).cast(table.schema[k]).alias(k) for k, v in other.items())
        return {**domains, name: pl.concat([table, copy])}

    return change


def both(*changes: Change) -> Change:
    def change(domains: Domains, subject: str) -> Domains:
        for each in changes:
            domains = each(domains, subject)
        return domains

    return change


def dies(day: str) -> Change:
    return both(put("DM", "DTHFL", "Y"), put("DM", "DTHDTC", day))


# Each kind has its own patient: what is wrong with her, and what the report says about it.
DOUBTS: dict[str, tuple[Change, str]] = {
    "impossible date": (
        put("AE", "AESTDTC", "2020-02-30"),
        "AE.AESTDTC: the date is not one of the calendar written as ISO 8601 | 2020-02-30",
    ),
    "date of another country": (
        put("LB", "LBDTC", "03/01/2020"),
        "LB.LBDTC: the date is not one of the calendar written as ISO 8601 | 03/01/2020",
    ),
    "date after the cut": (
        put("TR", "TRDTC", "2091-04-01"),
        "TR.TRDTC: the date lies after the data cut, 2090-12-31 | 2091-04-01",
    ),
    "negative diameter": (
        put("TR", "TRSTRESN", -28.5, TRTESTCD="LDIAM"),
        "TR.TRSTRESN: a size cannot be negative | -28.5 | Correct the measurement.",
    ),
    "diameter in cm": (
        put("TR", "TRSTRESU", "cm", TRTESTCD="LDIAM"),
        "TR.TRSTRESU: a test has results in several standard units | LDIAM in cm, mm",
    ),
    "lesion that moves": (
        again("TU", TUSEQ=9, TULOC="BONE", TUDTC="2020-01-05"),
        "TU.TULOC: a lesion changes its organ",
    ),
    "lesion that changes its role": (
        put("TR", "TRGRPID", "NON-TARGET", TRLNKID="T01", row=1),
        "TR.TRGRPID: a lesion changes its role | T01: TARGET, NON-TARGET",
    ),
    "unknown kind of lesion": (
        put("TR", "TRGRPID", "TARGT", TRLNKID="T01", row=1),
        "TR.TRGRPID: T01: the kind of lesion is not known, and the lesion is left out | TARGT",
    ),
    "target after baseline": (
        put("TU", "TUDTC", "2020-02-21", TULNKID="T01"),
        "TU.TUDTC: a target lesion is identified after treatment began | 2020-02-21",
    ),
    "lesion never identified": (
        put("TR", "TRLNKID", "T09", TRLNKID="T01", row=2),
        "TR.TRLNKID: the lesion is measured and was never identified in TU | T09",
    ),
    "death before the last contact": (
        dies("2020-03-01"),
        "SV.SVSTDTC: a record of SV is dated after the death | 2020-04-01",
    ),
    "dose after death": (
        dies("2020-01-09"),
        "EX.EXSTDTC: a dose is dated after the death | 2020-01-10",
    ),
    "death flag without a date": (
        put("DM", "DTHFL", "Y"),
        "DM.DTHDTC: the death flag is Y and the date of death is empty",
    ),
    "date of death without a flag": (
        put("DM", "DTHDTC", "2020-09-01"),
        "DM.DTHFL: there is a date of death and no death flag | 2020-09-01",
    ),
    "event that ends before it starts": (
        put("AE", "AEENDTC", "2020-01-02"),
        "AE.AEENDTC: the end lies before the start | 2020-01-12 to 2020-01-02",
    ),
    "number given twice": (
        again("AE", AETERM="felt worse"),
        "AE.AESEQ: several rows share the sequence number USUBJID, AESEQ",
    ),
    "row copied": (
        again("LB", LBSEQ=99),
        "LB.LBTESTCD: several rows share the key",
    ),
    "subject that DM does not have": (
        put("VS", "USUBJID", "NCT03895970-01-09-999"),
        "VS.USUBJID: the subject has records in VS and none in DM | NCT03895970-01-09-999",
    ),
    "required and empty": (
        put("AE", "AETERM", None),
        "AE.AETERM: AETERM (Reported Term for the Adverse Event) is required and empty",
    ),
    "number other than its text": (
        put("LB", "LBSTRESN", 31.5),
        "LB.LBSTRESN: LBSTRESN is not the number that LBSTRESC shows | 31.5",
    ),
    "letters beyond ASCII": (
        put("AE", "AETERM", "恶心"),
        "AE.AETERM: the value holds letters beyond ASCII | 恶心 | Write it in English letters.",
    ),
    "response that the lesions do not give": (
        put("RS", "RSSTRESC", "CR", RSTESTCD="OVRLRESP", row=1),
        "RS.RSSTRESC: the response entered is not the one that the lesions give, PR",
    ),
}
NUMBER = {name: f"01-{900 + i}" for i, name in enumerate(DOUBTS)}
# Codelists are judged on the values of a column, so these name no patient.
OF_COLUMNS: dict[str, tuple[Change, str]] = {
    "closed codelist": (
        put("DM", "SEX", "female"),
        "DM.SEX: the value is not in the codelist SEX, which is closed | female in 1 row",
    ),
    "unknown unit": (
        put("LB", "LBORRESU", "U per l", row=2),
        "LB.LBORRESU: the value is not in the codelist UNIT",
    ),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Patient and words of every finding of one build of all the patients' SDTM."""
    folder = tmp_path_factory.mktemp("sdtm")
    domains = derived("01-001", *NUMBER.values())
    for name, number in NUMBER.items():
        domains = DOUBTS[name][0](domains, f"NCT03895970-01-{number}")
    for change, _ in OF_COLUMNS.values():
        domains = change(domains, "NCT03895970-01-01-001")
    for name, table in domains.items():
        table.write_parquet(folder / f"{name.lower()}.parquet")
    with quick_study(), no_report():
        done = typed(
            "build", shipped_study(), "--sdtm", folder, "--cut", "2090-12-31",
            "--out", folder / "out",
        )  # fmt: skip
    assert done.code == 0, done.text
    text = (folder / "out" / "findings.csv").read_text(encoding="utf-8")
    return [
        (row["subject"][-6:], (f"{row['form']}.{row['field']}: {row['message']} | {row['value']}"
         f" | {row['hint']}"))
        for row in csv.DictReader(text.splitlines())
    ]  # fmt: skip


@pytest.mark.parametrize("name", DOUBTS)
def test_a_doubt_about_a_row_is_reported_with_its_subject(
    report: list[tuple[str, str]], name: str
) -> None:
    words = DOUBTS[name][1]
    number = "09-999" if "does not have" in name else NUMBER[name]
    said = [line for who, line in report if who == number]
    assert any(words in line for line in said), "\n".join(said)


@pytest.mark.parametrize("name", OF_COLUMNS)
def test_a_word_outside_a_codelist_is_reported(report: list[tuple[str, str]], name: str) -> None:
    assert any(OF_COLUMNS[name][1] in line for _, line in report)


@lru_cache(maxsize=1)
def sound() -> Domains:
    return derived("01-001")


Files = Mapping[str, pl.DataFrame | bytes | None]


def without(name: str, *columns: str) -> Files:
    return {f"{name.lower()}.parquet": sound()[name].drop(columns)}


def other(name: str, **values: pl.Expr) -> Files:
    return {f"{name.lower()}.parquet": sound()[name].with_columns(**values)}


def as_file(name: str, form: str, change: Callable[[bytes], bytes]) -> Files:
    """A dataset in another form, its bytes changed; the Parquet file goes."""
    return {f"{name.lower()}.parquet": None, f"{name.lower()}.{form}": change(written(name, form))}


@lru_cache(maxsize=8)
def written(name: str, form: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        (path,) = write_datasets(
            {name: sound()[name]}, sdtm.specs(), Path(folder), formats=[form], study="X",
            created=datetime(2020, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        return path.read_bytes()


def in_json(**parts: object) -> Files:
    return as_file("AE", "json", lambda raw: json.dumps({**json.loads(raw), **parts}).encode())


# Files replaced (None: taken away) in a sound folder, and what the message says.
STOPS: dict[str, tuple[Files, tuple[str, ...]]] = {
    "no DM": ({"dm.parquet": None}, ("DM: dataset DM is missing; every trial needs it",)),
    "no TU": ({"tu.parquet": None}, ("TU: dataset TU is missing; TR needs it", "Add the dataset")),
    "no parent of a SUPP": ({"ae.parquet": None}, ("dataset AE is missing; SUPPAE needs it",)),
    "no dataset at all": (
        {f"{name.lower()}.parquet": None for name in sound()},
        ("no dataset found; a dataset is a file ending in .xpt", "Name the folder"),
    ),
    "no required columns": (
        {**without("AE", "AETERM"), **without("DM", "SEX")},
        (
            "AE.AETERM: required column AETERM (Reported Term for the Adverse Event) is missing",
            "DM.SEX: required column SEX (Sex) is missing",
            "Add the column to the source and read it again.",
        ),
    ),
    "no lesion numbers": (
        without("TR", "TRLNKID"),
        ("TR.TRLNKID: expected column TRLNKID (Link ID) is missing",),
    ),
    "no kinds of lesions": (without("TR", "TRGRPID"), ("TR.TRGRPID: expected column TRGRPID",)),
    "no visit numbers": (without("TR", "VISITNUM"), ("TR.VISITNUM: expected column VISITNUM",)),
    "no dates of responses": (without("RS", "RSDTC"), ("RS.RSDTC: expected column RSDTC",)),
    "no results": (without("LB", "LBSTRESN"), ("LB.LBSTRESN: expected column LBSTRESN",)),
    "subject twice": (
        {"dm.parquet": pl.concat([sound()["DM"]] * 2)},
        ("NCT03895970-01-01-001 / DM.USUBJID: several rows share the key USUBJID",),
    ),
    "no subject": ({"dm.parquet": sound()["DM"].head(0)}, ("DM: dataset DM has no row",)),
    "row without a subject": (
        other("DM", USUBJID=pl.lit(None, pl.String)),
        ("DM.USUBJID: a row names no subject", "Fill it at the source."),
    ),
    "word for a number": (
        other("EX", EXDOSE=pl.lit("twelve")),
        (
            "ex.parquet:2: NCT03895970-01-01-001 / EX.EXDOSE: expected float (Dose)",
            "ex.parquet:3: ",
            "(found twelve; rule EX specification)",
        ),
    ),
    "truth for a number": (
        other("EX", EXDOSE=pl.lit(value=True)),
        ("EX.EXDOSE: expected float, found Boolean",),
    ),
    "lists in a column": (
        other("EX", EXTRT=pl.lit(["a", "b"])),
        ("ex.parquet: cannot be read: the column EXTRT holds List(String), not plain values",),
    ),
    "bytes in a column": (
        other("EX", EXTRT=pl.col("EXTRT").cast(pl.Binary)),
        ("the column EXTRT holds Binary, not plain values",),
    ),
    "column twice but for case": (
        other("AE", aeterm=pl.col("AETERM")),
        ("ae.parquet: cannot be read: the column AETERM is there more than once",),
    ),
    "XPT that breaks off": (
        as_file("DM", "xpt", lambda raw: raw[:900]),
        ("dm.xpt: cannot be read: ", "Export the dataset again, or remove the file."),
    ),
    "XPT that is none": (as_file("DM", "xpt", lambda raw: b"hello"), ("dm.xpt: cannot be read",)),
    "XPT in another encoding": (
        as_file("DM", "xpt", lambda raw: raw[:-200] + "恶".encode("gb18030") + raw[-198:]),
        ("dm.xpt: cannot be read",),
    ),
    "SAS7BDAT that is none": (
        {"dm.parquet": None, "dm.sas7bdat": bytes(2000)},
        ("dm.sas7bdat: cannot be read: ",),
    ),
    "JSON that breaks off": (
        as_file("AE", "json", lambda raw: raw[:500]),
        ("ae.json: cannot be read: not JSON (line ",),
    ),
    "JSON of something else": (
        as_file("AE", "json", lambda raw: b"[1]"),
        ("ae.json: cannot be read: not a Dataset-JSON file: it has no 'columns'",),
    ),
    "JSON column without a type": (
        in_json(columns=[{"name": "A"}], rows=[]),
        ("column 1 has no 'dataType'",),
    ),
    "JSON row that is short": (in_json(rows=[["X"]]), ("row 1 has 1 values for ",)),
    "JSON row that is none": (in_json(rows=[5]), ("row 1 is not a list of values: 5",)),
    "JSON value of another type": (
        in_json(columns=[{"name": "AESEQ", "dataType": "integer"}], rows=[["one"]]),
        ("column AESEQ: 'one' is not of its dataType integer",),
    ),
    "JSON in GB 18030": (
        as_file("AE", "json", lambda raw: raw.replace(b"felt", "恶".encode("gb18030"))),
        ("ae.json: cannot be read: not UTF-8 (line ",),
    ),
    "CSV in GB 18030": (
        as_file("AE", "csv", lambda raw: raw.replace(b"felt", "恶".encode("gb18030"))),
        ("ae.csv: cannot be read: not UTF-8 (line 2, byte 0xb6)",),
    ),
    "CSV row that is short": (
        as_file("AE", "csv", lambda raw: raw + b"a,b\n"),
        ("ae.csv: cannot be read: ", "line 3 has 2 values"),
    ),
    "two files of a domain": (
        {"ae.csv": written("AE", "csv")},
        (
            "AE: several files hold AE",
            "(found ae.csv, ae.parquet; rule input)",
            "Keep one of them in the folder, or say which: --use AE=ae.csv",
        ),
    ),
    "several broken files": (
        {"ae.parquet": b"x", "ex.parquet": b"", "tr.csv": b"", "tr.parquet": None},
        ("ae.parquet: cannot be read", "ex.parquet: cannot be read", "tr.csv: cannot be read"),
    ),
}


def put_files(folder: Path, files: Files) -> Path:
    """The sound SDTM in a new folder, with some files replaced, added or taken away."""
    folder.mkdir()
    for name, table in sound().items():
        table.write_parquet(folder / f"{name.lower()}.parquet")
    for file, content in files.items():
        if content is None:
            (folder / file).unlink()
        elif isinstance(content, bytes):
            (folder / file).write_bytes(content)
        else:
            content.write_parquet(folder / file)
    return folder


@pytest.mark.parametrize("name", STOPS)
def test_datasets_that_cannot_be_used_stop_with_what_to_do(name: str, tmp_path: Path) -> None:
    files, says = STOPS[name]
    folder = put_files(tmp_path / "in", files)
    with quick_study(), former_output(tmp_path / "out") as out:
        text = stopped("build", shipped_study(), "--sdtm", folder, "--out", out)
    for words in says:
        assert words in text, text


def all_empty(name: str) -> Files:
    """The columns of a dataset there, all but its subjects and numbers without a value."""
    kept = ("STUDYID", "DOMAIN", "USUBJID", f"{name}SEQ")
    table = sound()[name]
    return other(name, **{c: pl.lit(None) for c in table.columns if c not in kept})


# What may be delivered otherwise; what the report notes of it.
ACCEPTED: dict[str, tuple[Files, str]] = {
    "lower-case names": (
        {"ae.parquet": sound()["AE"].rename(str.lower), "AE2.txt": b"no dataset"},
        "",
    ),
    "numbers as text": (other("EX", EXDOSE=pl.col("EXDOSE").cast(pl.String)), ""),
    "dates as dates": (other("EX", EXSTDTC=pl.col("EXSTDTC").str.to_date()), ""),
    "empty dataset": (
        {"ae.parquet": sound()["AE"].head(0)},
        "SUPPAE.IDVARVAL: the supplemental row has no parent in AE",
    ),
    "dataset with nothing in it": (
        {**all_empty("EX"), **all_empty("TR"), **all_empty("LB"), **all_empty("RS")},
        "EX.EXTRT: EXTRT (Name of Treatment) is required and empty",
    ),
    "no doses": ({"ex.parquet": None}, "EX.: dataset EX is missing, and rules of the study read"),
    "no date of events": (
        without("AE", "AESTDTC"),
        "AE.AESTDTC: expected column AESTDTC (Start Date/Time of Adverse Event) is missing",
    ),
    "no visit names": (without("TR", "VISIT"), ""),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_delivered_otherwise_is_built_and_noted(name: str, tmp_path: Path) -> None:
    files, says = ACCEPTED[name]
    folder = put_files(tmp_path / "in", files)
    with quick_study(), no_report():
        done = typed("build", shipped_study(), "--sdtm", folder, "--out", tmp_path / "out")
    assert done.code == 0, done.text
    with (tmp_path / "out" / "findings.csv").open(encoding="utf-8") as found:
        rows = list(csv.DictReader(found))
    said = [f"{row['form']}.{row['field']}: {row['message']}" for row in rows]
    if says:
        assert any(says in line for line in said), "\n".join(said)
    else:
        assert {row["severity"] for row in rows} <= {"note"}, "\n".join(said)
