"""Bad entries through the front door: doubts are reported with their place, the rest stops."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl
import pytest

from onearm.cli.demo import shipped_study
from tests.records.clinic import Row, enter, frame
from tests.whole.clinic import Change, both, lesion, patient, put, trial
from tests.whole.door import former_output, no_report, quick_study, stopped, typed

DEATH = {"DTHCAUS": "DISEASE UNDER STUDY", "DTHREL": "NOT RELATED"}


def add(place: str, **items: object) -> Change:
    """One more form row at ``VISIT n / FORM row``."""
    return lambda rows: rows + enter(f"{rows[0][1]} / {place}", **items)


def also(*lesions: tuple[str, int, str, str, dict[str, object]]) -> Change:
    """More lesions: visit, row, number, date and what differs from a liver tumour on CT."""

    def change(rows: list[Row]) -> list[Row]:
        who = rows[0][1]
        return rows + [
            e
            for at, n, number, day, more in lesions
            for e in lesion(who, at, n, number, day, **more)
        ]

    return change


def targets(*organs: str) -> Change:
    """Targets besides T01 at baseline, one in each of the organs."""
    return also(
        *(
            ("SCREENING", 10 + i, f"T{i + 2:02}", "2020-01-04", {"LESLOC": o, "LESDIAM": "20.0"})
            for i, o in enumerate(organs)
        )
    )


def dies(day: str) -> Change:
    return add("DEATH / DEATH", DTHDAT=day, **DEATH)


# Each kind has its own patient: what is wrong with her, and what the report says about it.
DOUBTS: dict[str, tuple[Change, str]] = {
    "unknown form": (
        add("SCREENING / LAB", ALT=30),
        "SCREENING / LAB.ALT: form LAB is not known | 30",
    ),
    "unknown item": (
        add("SCREENING / LB", ATL=30),
        "SCREENING / LB.ATL: item ATL is not on form LB | 30 | Did you mean AST?",
    ),
    "unknown visit": (
        add("SCREENNG / VS", WEIGHT=60),
        "SCREENNG / VS.WEIGHT: visit SCREENNG is not in the schedule | 60 | Did you mean SCREEN",
    ),
    "form at a visit that has none": (
        add("FOLLOWUP 3 / LB", ALT=30),
        "FOLLOWUP 3 / LB.ALT: the visit FOLLOWUP does not hold the form LB | 30",
    ),
    "visit that comes once, twice": (
        add("EOT 2 / VISIT", VISDAT="2020-04-01"),
        "EOT 2 / VISIT.VISDAT: the visit EOT takes place once, and this is its repeat 2",
    ),
    "row of a form that has no rows": (
        add("SCREENING / ECOG 2", ECOG=0),
        "SCREENING / ECOG.ECOG: the form ECOG has one row, and this is row 2 | 0",
    ),
    "duplicate key": (
        add("SCREENING / VS", WEIGHT="71.0"),
        "SCREENING / VS.WEIGHT: was entered twice for the same visit and row",
    ),
    "impossible date": (
        put("SCREENING / DM", RFICDAT="2019-02-29"),
        "SCREENING / DM.RFICDAT: is not a complete date | 2019-02-29 | Write it as in 2021-05-31.",
    ),
    "date of another country": (
        put("SCAN 1 / TUMOR 1", LESDAT="21/02/2020"),
        "SCAN / TUMOR.LESDAT: lesion 1: is not a complete date | 21/02/2020",
    ),
    "partial date where a whole one is needed": (
        put("LOG / EX 1", EXSTDAT="2020-01"),
        "LOG / EX.EXSTDAT: dosing period 1: is not a complete date | 2020-01",
    ),
    "future date": (
        put("SCAN 2 / VISIT", VISDAT="2091-04-01"),
        "SCAN 2 / VISIT.VISDAT: the visit took place",
    ),
    "negative diameter": (
        put("SCAN 1 / TUMOR 1", LESDIAM="-28.5"),
        "SCAN / TUMOR.LESDIAM: lesion 1: Longest diameter (not a node) is expected to be at least",
    ),
    "text in a number": (
        put("SCREENING / VS", WEIGHT="sixty"),
        "SCREENING / VS.WEIGHT: is not a number | sixty | Write it as in 4.5.",
    ),
    "comma for the point": (
        put("SCREENING / LB", BILI="12,0"),
        "SCREENING / LB.BILI: is not a number | 12,0 | Write it as in 4.5.",
    ),
    "number of full width": (
        put("SCREENING / VS", SYSBP="１２０"),
        "SCREENING / VS.SYSBP: is not a whole number | １２０",
    ),
    "unit with the value": (
        put("SCREENING / VS", WEIGHT="61.5 kg"),
        "SCREENING / VS.WEIGHT: is not a number | 61.5 kg",
    ),
    "unknown unit": (
        put("LOG / EX 1", EXDOSU="g"),
        "LOG / EX.EXDOSU: dosing period 1: Unit is not one of its answers | g | Did you mean mg?",
    ),
    "unknown code": (
        put("LOG / AE 1", AECTCAE="Nausee"),
        "is not one of its answers | Nausee | Did you mean Nausea?",
    ),
    "lower case": (
        put("SCREENING / DM", SEX="f"),
        "SCREENING / DM.SEX: Sex is not one of its answers | f | Did you mean F?",
    ),
    "blank before a code": (
        put("SCREENING / DM", RACE=" ASIAN"),
        "SCREENING / DM.RACE: Race is not one of its answers |  ASIAN | Did you mean ASIAN?",
    ),
    "outside its range": (
        put("SCREENING / VS", WEIGHT="615.0"),
        "SCREENING / VS.WEIGHT: Weight is expected to be at least 30 and at most 150 | 615.0 kg",
    ),
    "age of a child": (
        put("SCREENING / DM", AGE=9),
        "SCREENING / DM.AGE: Age at consent is expected to be at least 18 and at most 100 | 9",
    ),
    "required and empty": (
        put("SCREENING / DM", SEX=None),
        "SCREENING / DM.SEX: Sex is missing",
    ),
    "unknown missing reason": (
        put("SCREENING / VS", WEIGHT="!LOST"),
        "SCREENING / VS.WEIGHT: reason LOST is not one of ND, UNK, NA",
    ),
    "lesion that moves": (
        put("SCAN 1 / TUMOR 1", LESLOC="LUNG"),
        "SCAN / TUMOR.LESLOC: lesion 1: a lesion stays in its organ | LUNG",
    ),
    "lesion that changes its role": (
        put("SCAN 1 / TUMOR 1", LESROLE="NON-TARGET"),
        "SCAN / TUMOR.LESROLE: lesion 1: a lesion keeps its kind | NON-TARGET",
    ),
    "target after baseline": (
        also(("SCAN 1", 3, "T09", "2020-02-21", {"LESDIAM": "15.0"})),
        (
            "SCAN / TUMOR: lesion 3: a lesion that is not new was recorded at the scan before"
            " | LESROLE TARGET, LESID T09 | Give a lesion seen for the first time the kind New."
        ),
    ),
    "third target in an organ": (
        targets("LIVER", "LIVER"),
        (
            "TU.TULNKID: there are 3 target lesions in one organ (liver), and the criteria allow 2"
            " | T01, T02, T03"
        ),
    ),
    "sixth target": (
        targets("LUNG", "BONE", "BRAIN", "SPLEEN", "KIDNEY"),
        "TU.TULNKID: there are 6 target lesions in all, and the criteria allow 5",
    ),
    "node with its longest diameter": (
        put("SCREENING / TUMOR 1", LESLOC="LYMPH NODE"),
        "SCREENING / TUMOR.LESDIAM: lesion 1: Longest diameter (not a node) must be empty",
    ),
    "diameter in cm": (
        put("SCAN 1 / TUMOR 1", LESDIAM="2.85"),
        "SCAN / TUMOR.LESDIAM: lesion 1: the diameter is between a quarter and four times",
    ),
    "small target": (
        put("SCREENING / TUMOR 1", LESDIAM="4.0"),
        (
            "SCREENING / TUMOR.LESDIAM: lesion 1: a target tumour measures at least 10 mm at"
            " screening | 4.0 mm | Correct the diameter, or follow it as a non-target lesion."
        ),
    ),
    "lesion measured twice": (
        also(("SCAN 1", 7, "T01", "2020-02-21", {"LESDIAM": "30.0"})),
        "SCAN / TUMOR.LESID: lesion 7: Lesion number stands in row 1 of the same visit too | T01",
    ),
    "death before the last contact": (
        dies("2020-03-01"),
        "FOLLOWUP 3 / FOLLOWUP.LSCFADAT: nobody is last known alive after death | 2020-04-01",
    ),
    "dose after death": (
        dies("2020-03-01"),
        "LOG / EX.EXENDAT: dosing period 1: dosing ends by the day of death | 2020-03-31",
    ),
    "scan after death": (
        dies("2020-03-01"),
        "SCAN 2 / TUMOR.LESDAT: lesion 1: there is no scan after death | 2020-04-01",
    ),
    "two deaths": (
        both(dies("2020-05-01"), add("DEATH 2 / DEATH", DTHDAT="2020-05-09", **DEATH)),
        "DEATH 2 / DEATH.DTHDAT: the visit DEATH takes place once, and this is its repeat 2",
    ),
    "event that ends before it starts": (
        put("LOG / AE 1", AEENDAT="2020-01-02"),
        "LOG / AE.AEENDAT: event 1: Last day lies before First day | 2020-01-12 to 2020-01-02",
    ),
    "dose before consent": (
        put("LOG / EX 2", EXSTDAT="2019-01-10", EXENDAT="2019-01-10"),
        "LOG / EX.EXSTDAT: dosing period 2: no dose is given before consent | 2019-01-10",
    ),
    "response that contradicts itself": (
        put("SCAN 1 / RESPONSE", TRGRESP="PD"),
        "SCAN / RESPONSE.OVRLRESP: progression of the targets makes the overall response prog",
    ),
    "response that the lesions do not give": (
        put("SCAN 2 / RESPONSE", TRGRESP="CR", NTRGRESP="CR", OVRLRESP="CR"),
        (
            "TUMOUR ASSESSMENT 2 / RS.RSSTRESC: the response entered is not the one that the"
            " lesions give, PR (PR: sum 25.0 mm"
        ),
    ),
    "unknown kind of a lesion": (
        put("SCAN 1 / TUMOR 1", LESROLE="TARGETS"),
        "TR.TRGRPID: T01: the kind of lesion is not known, and the lesion is left out | TARGETS",
    ),
    "repeat below one": (
        add("CYCLE 0 / VS", PULSE="70"),
        "VS.PULSE: visit repeat 0 is not a number from 1 on | 70",
    ),
}


# What may be written otherwise and means the same.
HARMLESS: dict[str, Change] = {
    "nothing changed": lambda rows: rows,
    "rows in another order": lambda rows: rows[::-1],
    "blank behind a code": put("SCREENING / DM", RACE="ASIAN "),
    "blanks about a number": put("SCREENING / VS", WEIGHT=" 61.5 "),
    "letters of another script": put("LOG / AE 1", AETERM="恶心"),
    "below the limit of a laboratory": put("SCREENING / LB", AFP="<1.3"),
    "year of birth alone": put("SCREENING / DM", BRTHDAT="1960"),
}


def lines(report: Path) -> dict[str, list[str]]:
    """The findings of a build by the patient's number, each as one line."""
    by_patient: dict[str, list[str]] = {}
    for row in csv.DictReader(report.read_text(encoding="utf-8").splitlines()):
        item = ".".join(part for part in (row["form"], row["field"]) if part)
        place = " / ".join(part for part in (row["visit"], item) if part)
        said = f"{place}: {row['message']} | {row['value']} | {row['hint']}"
        by_patient.setdefault(row["subject"][-6:], []).append(said)
    return by_patient


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What one build says of all the patients, from a file as a spreadsheet might write it."""
    folder = tmp_path_factory.mktemp("entries")
    changes = {name: change for name, (change, _) in DOUBTS.items()} | HARMLESS
    table = trial(changes).sample(fraction=1, shuffle=True, seed=7)
    text = table.select(reversed(table.columns)).write_csv(line_terminator="\r\n")
    (folder / "entries.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    with quick_study(), no_report():
        done = typed(
            "build", shipped_study(), "--entries", folder, "--cut", "2091-12-31",
            "--out", folder / "out",
        )  # fmt: skip
    assert done.code == 0, done.text
    return lines(folder / "out" / "findings.csv")


NUMBER = {name: f"01-{900 + i}" for i, name in enumerate([*DOUBTS, *HARMLESS])}


@pytest.mark.parametrize("name", DOUBTS)
def test_a_doubt_about_a_value_is_reported_and_does_not_stop_the_build(
    report: dict[str, list[str]], name: str
) -> None:
    said = report.get(NUMBER[name], [])
    assert any(DOUBTS[name][1] in line for line in said), "\n".join(said)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_means_the_same_is_not_reported(report: dict[str, list[str]], name: str) -> None:
    assert report.get(NUMBER[name], []) == report.get("01-001", [])


def raw(**columns: object) -> pl.DataFrame:
    """The entries of the sound patient with other columns."""
    return frame(patient("01-001")).with_columns(**columns)


def as_csv(entries: pl.DataFrame, line: str = "") -> bytes:
    return (entries.write_csv() + line).encode()


def as_parquet(entries: pl.DataFrame) -> bytes:
    made = io.BytesIO()
    entries.write_parquet(made)
    return made.getvalue()


SOUND = frame(patient("01-001"))
STOPS: dict[str, tuple[str, bytes, tuple[str, ...]]] = {
    "missing column": (
        "e.csv",
        as_csv(SOUND.drop("ITEM")),
        ("e.csv: ITEM: required column ITEM is missing", "Export the entries with all nine"),
    ),
    "several wrong columns": (
        "e.parquet",
        as_parquet(raw(ROW=pl.lit(1.5)).drop("ITEM").rename({"SUBJID": "SUBJECT"})),
        (
            "SUBJID: required column SUBJID is missing",
            "ITEM: required column ITEM is missing",
            "SUBJECT: column SUBJECT is not known",
            "Did you mean SUBJID?",
            "ROW: expected Int32, found Float64",
        ),
    ),
    "values as numbers": (
        "e.parquet",
        as_parquet(raw(VALUE=pl.lit(1.5))),
        ("e.parquet: VALUE: expected String, found Float64",),
    ),
    "word for a repeat": (
        "e.csv",
        as_csv(raw(VISIT_REPEAT=pl.lit("one")).head(2)),
        ("e.csv:2: VISIT_REPEAT: expected a whole number", "e.csv:3: ", "found one"),
    ),
    "repeats with a fraction, many": (
        "e.csv",
        as_csv(raw(VISIT_REPEAT=pl.lit("1.0"))),
        ("e.csv:6: VISIT_REPEAT: expected a whole number", "found 1.0", "more lines"),
    ),
    "repeat out of range": (
        "e.parquet",
        as_parquet(raw(VISIT_REPEAT=pl.lit(99_999_999_999))),
        ("VISIT_REPEAT: a number is out of all range; the most is 999", "99999999999"),
    ),
    "column twice": (
        "e.csv",
        as_csv(SOUND).replace(b"VALUE,REASON", b"VALUE,VALUE"),
        ("e.csv: cannot be read: the column VALUE is there more than once",),
    ),
    "column twice but for case": (
        "e.csv",
        as_csv(SOUND).replace(b"VALUE,REASON", b"VALUE,value"),
        ("e.csv: cannot be read: the column VALUE is there more than once",),
    ),
    "semicolons": (
        "e.csv",
        as_csv(SOUND).replace(b",", b";"),
        ("its columns are separated by semicolons; separate them by commas",),
    ),
    "GB 18030": (
        "e.csv",
        as_csv(SOUND).replace(b"felt sick", "恶心".encode("gb18030")),
        ("e.csv: cannot be read: not UTF-8 (line 128, byte 0xb6); save the file as UTF-8",),
    ),
    "UTF-16": (
        "e.csv",
        as_csv(SOUND).decode().encode("utf-16"),
        ("e.csv: cannot be read: not UTF-8 (line 1, byte 0xff)",),
    ),
    "zero bytes": ("e.csv", bytes(999), ("not text (line 1 holds a zero byte)",)),
    "empty file": ("e.csv", b"", ("e.csv: cannot be read: the file is empty",)),
    "header alone": ("e.csv", as_csv(SOUND.head(0)), ("e.csv: it holds no entry",)),
    "no row": ("e.parquet", as_parquet(SOUND.head(0)), ("e.parquet: it holds no entry",)),
    "truncated Parquet": (
        "e.parquet",
        as_parquet(SOUND)[:2000],
        ("e.parquet: cannot be read: ", "Export the dataset again"),
    ),
    "CSV that breaks off": (
        "e.csv",
        as_csv(SOUND)[:3000],
        ("9 columns are named, and line 73 has 7 values",),
    ),
    "row with too many values": (
        "e.csv",
        as_csv(SOUND, "01,01-001,SCREENING,1,VS,1,PULSE,70,,,,\n"),
        ("9 columns are named, and line 152 has 12 values",),
    ),
    "quotation left open": (
        "e.csv",
        as_csv(SOUND, '01,01-001,SCREENING,1,VS,1,PULSE,"70,\n'),
        ("a quotation that is not closed (line 152)",),
    ),
    "CSV named Parquet": ("e.parquet", as_csv(SOUND), ("e.parquet: cannot be read: ",)),
    "spreadsheet": ("e.xlsx", b"PK", ("the ending '.xlsx' is not one of .xpt",)),
    "nothing that can be placed": (
        "e.parquet",
        as_parquet(raw(SUBJID=pl.lit(None, pl.String)).head(9)),
        ("No entry is left that can be used", "site and subject must be named"),
    ),
}


@pytest.mark.parametrize("name", STOPS)
def test_entries_that_cannot_be_read_stop_with_what_to_do(name: str, tmp_path: Path) -> None:
    file, content, says = STOPS[name]
    (tmp_path / file).write_bytes(content)
    with quick_study(), former_output(tmp_path / "out") as out:
        text = stopped("build", shipped_study(), "--entries", tmp_path / file, "--out", out)
    for words in says:
        assert words in text, text


def test_states_of_lesions_that_nobody_knows_stop_all_in_one_pass(tmp_path: Path) -> None:
    rows = put("SCAN 1 / TUMOR 2", LESSTATE="PRESNT")(patient("01-001"))
    rows = put("SCAN 2 / TUMOR 2", LESSTATE="GONE")(rows)
    (tmp_path / "e.csv").write_bytes(as_csv(frame(rows)))
    with quick_study(), former_output(tmp_path / "out") as out:
        text = stopped("build", shipped_study(), "--entries", tmp_path / "e.csv", "--out", out)
    for visit, word in (("1", "PRESNT"), ("2", "GONE")):
        place = f"NCT03895970-01-01-001 / TUMOUR ASSESSMENT {visit} / TR NT01: "
        assert f"{place}the state '{word}' of a non-target lesion is not known" in text
    assert "Write one of: PRESENT, ABSENT" in text


@pytest.mark.parametrize("made", ["empty", "entries.csv/"])
def test_a_folder_without_entries_is_told_what_it_should_hold(made: str, tmp_path: Path) -> None:
    (tmp_path / made).mkdir()
    with quick_study(), former_output(tmp_path / "out") as out:
        text = stopped("build", shipped_study(), "--entries", tmp_path / made, "--out", out)
    assert f"there is no {tmp_path / made / 'entries.parquet'} or " in text
    assert "Name the file of captured entries, or the folder that holds it." in text


def test_a_cut_before_everything_says_what_it_left_out(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_bytes(as_csv(SOUND))
    with quick_study(), former_output(tmp_path / "out") as out:
        text = stopped(
            "build", shipped_study(), "--entries", tmp_path / "e.csv", "--cut", "1990-01-01",
            "--out", out,
        )  # fmt: skip
    assert "No entry is left that can be used" in text
    assert "DM.RFICDAT: rows dated after the data cut are left out" in text
    assert "1 row, the latest of 01-001 on 2020-01-02" in text


def test_a_date_after_the_cut_is_counted_with_its_patient(tmp_path: Path) -> None:
    later = [*patient("01-001"), *put("SCAN 2 / VISIT", VISDAT="2091-04-01")(patient("01-002"))]
    (tmp_path / "e.csv").write_bytes(as_csv(frame(later)))
    with quick_study(), no_report():
        done = typed(
            "build", shipped_study(), "--entries", tmp_path / "e.csv", "--cut", "2020-12-31",
            "--out", tmp_path / "out",
        )  # fmt: skip
    assert done.code == 0, done.text
    said = lines(tmp_path / "out" / "findings.csv")[""]
    assert (
        "VISIT.VISDAT: rows dated after the data cut are left out | 1 row, the latest of 01-002"
        " on 2091-04-01 | Correct the date where it is wrong."
    ) in said
