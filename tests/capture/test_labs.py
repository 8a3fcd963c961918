"""Laboratory results: whose range holds, what is kept beside a value, and the grade as a hint."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date
from time import perf_counter

import polars as pl
import pytest
from django.test import Client

from onearm.capture import trail
from onearm.capture.actions.export import Wanted, export
from onearm.capture.actions.redaction import MARK, approve, request
from onearm.capture.actions.save import Changes, save
from onearm.capture.actions.take_entries import take_entries
from onearm.capture.document import Cell
from onearm.capture.labs import judged
from onearm.capture.models import (
    EventInstance,
    FormInstance,
    FormVersion,
    LabRange,
    StudyVersion,
    Subject,
    User,
)
from onearm.capture.ranges import SI, USED, About, Book, si_values, whose
from onearm.capture.surroundings import Place, look_around
from onearm.capture.trail_reading import Wanted as Searched
from onearm.capture.trail_reading import lines
from onearm.records.entry import ENTRY
from onearm.study import Study, load
from onearm.study.forms import Form
from tests.capture.conftest import LONG_AGO, STUDY

Person = Callable[..., User]
Enter = Callable[[User], Client]
LABORATORY = "/subjects/01-001/SCREENING/1/LB"
DAY = date(2024, 5, 1)
MAIN = {"laboratory": "Main", "analyte": "ALT", "unit": "U/L", "begins": LONG_AGO}


@pytest.fixture(scope="module")
def study() -> Study:
    return load(STUDY)


@pytest.fixture
def nurse(person: Person, signed_in: Enter, subject: Subject) -> Client:
    return signed_in(person("coordinator"))


def row_of(form: str = "LB") -> dict[str, dict[str, dict[str, str]]]:
    return FormInstance.objects.get(form=form).data["rows"][0]


def holds(study: Study, *, sex: str = "", age: int | None = None, day: date | None = DAY,
          laboratory: str = "Main", test: str = "ALT", unit: str = "U/L") -> str:  # fmt: skip
    """The range that holds, as text; empty where there is none."""
    found = Book(study, [test]).find(test, unit, About(laboratory, day, sex, age))
    return str(found) if found else ""


# ---- whose range


def test_a_range_for_one_sex_is_for_nobody_else(db: None, study: Study) -> None:
    LabRange.objects.create(sex="F", low="5", high="33", **MAIN)
    LabRange.objects.create(sex="M", low="5", high="41", **MAIN)
    assert holds(study, sex="F", age=60) == "5–33"
    assert holds(study, sex="M", age=60) == "5–41"
    assert holds(study, sex="", age=60) == ""


def test_a_laboratory_with_a_range_for_women_only_lends_men_no_other(
    db: None, study: Study
) -> None:
    LabRange.objects.create(sex="F", low="5", high="33", **MAIN)
    assert holds(study, sex="M") == ""  # the study's own list has one for men, of other methods
    assert holds(study, sex="M", laboratory="Elsewhere") == "9–50"


def test_a_range_for_some_ages_needs_the_age(db: None, study: Study) -> None:
    LabRange.objects.create(age_from=18, age_to=65, low="5", high="40", **MAIN)
    LabRange.objects.create(age_from=65, age_to=200, low="5", high="50", **MAIN)
    assert holds(study, age=64) == "5–40"
    assert holds(study, age=65) == "5–50"
    assert holds(study, age=17) == ""
    assert holds(study) == ""


def test_a_range_for_all_needs_neither_sex_nor_age(db: None, study: Study) -> None:
    LabRange.objects.create(low="5", high="40", **MAIN)
    assert holds(study) == "5–40"


def test_without_a_day_a_range_holds_only_where_there_was_never_another(
    db: None, study: Study
) -> None:
    first = LabRange.objects.create(low="5", high="40", **MAIN)
    assert holds(study, day=None) == "5–40"
    LabRange.objects.create(low="5", high="45", **MAIN | {"begins": date(2024, 6, 1)})
    first.ends = date(2024, 6, 1)
    first.save()
    assert holds(study, day=None) == ""
    assert holds(study, day=date(2024, 5, 31)) == "5–40"
    assert holds(study, day=date(2024, 6, 1)) == "5–45"


def test_a_range_in_another_unit_and_of_another_laboratory_is_not_used(
    db: None, study: Study
) -> None:
    LabRange.objects.create(low="5", high="40", **MAIN)
    assert holds(study, unit="ukat/L") == ""
    assert holds(study, laboratory="  MAIN ") == "5–40"  # people write names with other cases
    assert holds(study, laboratory="Main building", sex="F") == "7–40"  # the study's own


def test_two_ranges_that_disagree_are_worse_than_none(db: None, study: Study) -> None:
    LabRange.objects.create(low="5", high="40", **MAIN)
    LabRange.objects.create(low="5", high="50", **MAIN)
    assert holds(study) == ""


@pytest.mark.parametrize(
    ("sex", "age", "known"),
    [
        ("F", "60", ("F", 60)),
        ("M", "60.9", ("M", 60)),
        ("U", "", ("", None)),
        ("", "sixty", ("", None)),
        ("F", "-1", ("F", None)),
        ("F", "200", ("F", None)),
    ],
)
def test_sex_and_age_are_known_or_not(sex: str, age: str, known: tuple[str, int | None]) -> None:
    assert whose(sex, age) == known


# ---- what is kept beside a result


def american(study: Study) -> Form:
    """The laboratory form with bilirubin in mg/dL and haemoglobin in g/dL."""
    form = study.forms["LB"]
    units = {"BILI": "mg/dL", "HGB": "g/dL"}
    items = tuple(
        item.model_copy(update={"unit": units.get(item.name, item.unit)}) for item in form.items
    )
    return form.model_copy(update={"items": items})


def test_a_value_in_another_unit_is_kept_in_si_units_with_its_factor(study: Study) -> None:
    given = [Cell(1, "BILI", "1.2"), Cell(1, "HGB", "12.5"), Cell(1, "ALT", "31")]
    assert si_values(american(study), given)[1] == {
        "BILI": {"value": "20.5", "unit": "umol/L", "factor": "17.1"},
        "HGB": {"value": "125", "unit": "g/L", "factor": "10"},
        "ALT": {"value": "31", "unit": "U/L"},
    }


def test_si_values_stand_in_the_save_and_in_its_hash(nurse: Client) -> None:
    nurse.post(LABORATORY, {"version": "0", "v.1.LBDAT": "2024-05-01", "v.1.ALT": "31"})
    assert row_of()[SI] == {"ALT": {"value": "31", "unit": "U/L"}}
    version = FormVersion.objects.get(instance__form="LB")
    assert version.delta["rows"][0][SI] == row_of()[SI]
    assert list(trail.verify()) == []
    nurse.post(LABORATORY, {"version": "1", "v.1.ALT": "", "n.1.ALT": "ND", "why": "typed"})
    assert row_of()[SI] == {}
    assert list(trail.verify()) == []


def test_a_form_saved_before_si_values_were_kept_still_verifies(
    visit: EventInstance, person: Person
) -> None:
    nurse = person("coordinator")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("onearm.capture.ranges.si_values", lambda form, results: {})
        save(nurse, visit, "LB", Changes([Cell(1, "ALT", "31")], version=0))
    assert SI not in row_of() or row_of()[SI] == {}
    assert list(trail.verify()) == []
    save(nurse, visit, "LB", Changes([Cell(1, "AST", "20")], version=1))
    assert set(row_of()[SI]) == {"ALT", "AST"}
    assert list(trail.verify()) == []


def test_imported_results_have_their_range_and_si_value(subject: Subject, person: Person) -> None:
    LabRange.objects.create(sex="F", low="5", high="33", **MAIN)
    place = ("01", "01-001", "SCREENING", 1)
    rows = [
        (*place, "LB", 1, "LBDAT", "2024-05-01", None),
        (*place, "LB", 1, "LBNAM", "Main", None),
        (*place, "LB", 1, "ALT", "34", None),
        (*place, "DM", 1, "SEX", "F", None),  # the sex comes with the same file
    ]
    entries = pl.DataFrame(rows, schema=dict(ENTRY), orient="row")
    take_entries(person("data_manager"), entries, source="lab.csv")
    assert row_of()[USED]["ALT"] == {
        "low": "5", "high": "33", "unit": "U/L", "source": "Main, 2020-01-01",
    }  # fmt: skip
    assert row_of()[SI]["ALT"] == {"value": "34", "unit": "U/L"}
    assert list(trail.verify()) == []


def test_the_trail_tells_what_was_kept_beside_a_result(nurse: Client, person: Person) -> None:
    LabRange.objects.create(low="5", high="33", **MAIN)
    nurse.post(
        LABORATORY,
        {"version": "0", "v.1.LBDAT": "2024-05-01", "v.1.LBNAM": "Main", "v.1.ALT": "34"},
    )
    reader = person("monitor")
    (line,) = lines(reader, Searched(kind="data"), date(2030, 1, 1))
    assert "1.ALT = 34" in line.what
    assert "1.ALT range = 5–33 (Main, 2020-01-01)" in line.what
    assert "1.ALT SI = 34 U/L" in line.what


def test_a_blackened_result_leaves_no_si_value_behind(visit: EventInstance, person: Person) -> None:
    nurse, manager = person("coordinator"), person("data_manager")
    form = save(nurse, visit, "LB", Changes([Cell(1, "ALT", "31")], version=0)).instance
    save(nurse, visit, "LB", Changes([Cell(1, "AST", "20")], version=1))
    asked = request(nurse, form.versions.get(version=1), 1, "ALT", "a telephone number")
    approve(manager, asked)
    deltas = [version.delta["rows"][0] for version in form.versions.order_by("version")]
    assert deltas[0]["ALT"] == deltas[0][SI]["ALT"]["value"] == MARK
    assert deltas[1][SI] == {
        "ALT": {"value": MARK, "unit": "U/L"}, "AST": {"value": "20", "unit": "U/L"},
    }  # fmt: skip
    assert set(row_of()[SI]) == {"AST"}
    assert list(trail.verify()) == []


# ---- a range that changed after the save


def test_a_saved_result_keeps_its_range_until_it_is_compared_anew(
    nurse: Client, subject: Subject
) -> None:
    old = LabRange.objects.create(low="5", high="40", **MAIN)
    typed = {"v.1.LBDAT": "2024-05-01", "v.1.LBNAM": "Main", "v.1.ALT": "42"}
    nurse.post(LABORATORY, {"version": "0", **typed})
    old.ends = date(2024, 4, 1)
    old.save()
    LabRange.objects.create(low="5", high="45", **MAIN | {"begins": date(2024, 4, 1)})
    html = nurse.get(LABORATORY).content.decode()
    assert "normal 5–40" in html
    assert "now 5–45" in html
    assert "1 result(s) were saved with a normal range that no longer holds" in html
    assert re.search(r'<b class="flag H"', html)  # as it was judged
    nurse.post(LABORATORY, {"version": "1", **typed})  # changes nothing, so writes nothing
    assert row_of()[USED]["ALT"]["high"] == "40"
    nurse.post(LABORATORY, {"version": "1", **typed, "anew": "1"})
    assert row_of()[USED]["ALT"]["high"] == "45"
    newest = FormVersion.objects.get(version=2)
    assert newest.reason == "Compared with the normal ranges that hold now"
    assert "ALT" not in newest.delta["rows"][0]
    again = nurse.get(LABORATORY).content.decode()
    assert "no longer holds" not in again
    assert not re.search(r'<b class="flag H"', again)
    assert list(trail.verify()) == []


def test_comparing_anew_does_not_excuse_a_change_without_a_reason(nurse: Client) -> None:
    nurse.post(LABORATORY, {"version": "0", "v.1.ALT": "42"})
    refused = nurse.post(LABORATORY, {"version": "1", "v.1.ALT": "43", "anew": "1"})
    assert refused.status_code == 409
    assert row_of()["ALT"] == "42"


# ---- grades


def live(client: Client, address: str = LABORATORY, **values: str) -> dict[str, dict[str, str]]:
    """What the server says of each cell while it is typed."""
    typed = {f"v.1.{name}": value for name, value in values.items()}
    html = client.post(f"{address}/live", {"version": "0", **typed}).content.decode()
    found = {}
    for line in re.findall(r"<li ([^>]*)>", html):
        about = dict(re.findall(r'data-(\w+)="([^"]*)"', line))
        found[about["name"].removeprefix("1.")] = about
    return found


def test_a_grade_is_shown_as_it_is_typed_with_term_and_limit(nurse: Client) -> None:
    nurse.post("/subjects/01-001/SCREENING/1/DM", {"version": "0", "v.1.SEX": "M"})
    seen = live(nurse, ALT="251", PLAT="49", SODIUM="140")
    assert (seen["ALT"]["grade"], seen["ALT"]["serious"]) == ("G3", "1")
    assert seen["ALT"]["limit"] == (
        "CTCAE 5.0 grade 3: Alanine aminotransferase increased (&gt; 5 × ULN); ULN 50 U/L"
    )
    assert seen["PLAT"]["grade"] == "G3"
    assert "Platelet count decreased (&lt; 50)" in seen["PLAT"]["limit"]
    assert "grade" not in seen["SODIUM"]
    assert "serious" not in live(nurse, ALT="250")["ALT"]
    User.objects.update(language="zh-hans")
    chinese = live(nurse, ALT="251")["ALT"]
    assert chinese["grade"] == "3 级"
    assert chinese["limit"] == (
        "CTCAE 5.0 3 级：丙氨酸氨基转移酶升高（&gt; 5 × 正常值上限）；正常值上限 50 U/L"
    )


def test_a_grade_is_never_stored(nurse: Client) -> None:
    nurse.post(LABORATORY, {"version": "0", "v.1.LBDAT": "2024-05-01", "v.1.PLAT": "20"})
    html = nurse.get(LABORATORY).content.decode()
    assert re.search(r'<b class="grade serious"[^>]*>G4</b>', html)
    assert set(row_of()) == {"_key", "LBDAT", "PLAT", USED, SI}
    assert "grade" not in str(row_of()).lower()


def test_a_grade_that_symptoms_decide_shows_both(nurse: Client) -> None:
    assert live(nurse, K="3.2")["K"]["grade"] == "G1–2"
    assert "with symptoms grade 2" in live(nurse, K="3.2")["K"]["limit"]


def test_a_ratio_without_a_unit_is_graded_too(nurse: Client) -> None:
    assert live(nurse, INR="1.6")["INR"]["grade"] == "G2"
    assert "INR increased (&gt; 1.5)" in live(nurse, INR="1.6")["INR"]["limit"]


def test_a_result_in_another_unit_is_graded_as_exactly_as_it_was_entered(
    subject: Subject, study: Study
) -> None:
    LabRange.objects.create(
        laboratory="Main", analyte="BILI", unit="mg/dL", low="0.2", high="1.2", begins=LONG_AGO
    )
    around = look_around(Place(study, subject, "SCREENING", 1, american(study)))

    def graded(value: str) -> int:
        row = {"_key": 1, "LBNAM": "Main", "LBDAT": "2024-05-01", "BILI": value}
        grade = judged(around, {"rows": [row]})[1, "BILI"].grade
        return grade.number if grade else 0

    # Three times 1.2 is 3.6: no more than that is grade 2, although 61.56 umol/L is kept as 61.6.
    assert [graded(value) for value in ("1.2", "1.21", "1.8", "3.6", "3.61")] == [0, 1, 1, 2, 3]


def test_calcium_is_graded_when_albumin_is_there_to_correct_it(nurse: Client) -> None:
    assert "grade" not in live(nurse, CA="1.70")["CA"]
    assert live(nurse, CA="1.70", ALB="40")["CA"]["grade"] == "G3"
    assert live(nurse, CA="1.70", ALB="20")["CA"]["grade"] == "G1"  # 1.70 + 0.02 x 20 = 2.10


def test_a_raised_baseline_is_what_later_results_are_measured_by(
    nurse: Client, subject: Subject
) -> None:
    nurse.post("/subjects/01-001/SCREENING/1/DM", {"version": "0", "v.1.SEX": "M"})
    before = {"version": "0", "v.1.LBDAT": "2024-05-01", "v.1.ALT": "100"}
    nurse.post(LABORATORY, before)
    later = "/subjects/01-001/CYCLE/1/LB"
    dosed(subject, "2024-05-10")
    assert live(nurse, later, LBDAT="2024-06-01", ALT="151")["ALT"]["grade"] == "G1"
    assert "grade" not in live(nurse, later, LBDAT="2024-06-01", ALT="149")["ALT"]  # 1.5 x 100
    assert live(nurse, later, LBDAT="2024-06-01", ALT="301")["ALT"]["grade"] == "G2"
    # On the day of the first dose itself a result is measured by the limits alone.
    assert live(nurse, later, LBDAT="2024-05-10", ALT="301")["ALT"]["grade"] == "G3"


def dosed(subject: Subject, day: str) -> None:
    """A first dose, put where the study looks for it."""
    event = EventInstance.objects.create(subject=subject, visit="LOG", repeat=1)
    user = User.objects.get(username="coordinator")
    save(user, event, "EX", Changes([Cell(1, "EXSTDAT", day)], version=0))


def test_grades_of_a_whole_form_take_a_few_milliseconds(nurse: Client, study: Study) -> None:
    place = Place(study, Subject.objects.get(), "SCREENING", 1, study.forms["LB"])
    around = look_around(place)
    data = {"rows": [{"_key": 1, **{item.name: "31" for item in place.form.items}}]}
    judged(around, data)
    times = []
    for _ in range(5):
        start = perf_counter()
        assert len(judged(around, data)) > 25
        times.append(perf_counter() - start)
    assert min(times) < 0.1  # about 10 ms, most of it two queries; the limit is for a busy machine


# ---- exports


def exported(user: User, **wanted: object) -> tuple[pl.DataFrame, dict[str, bytes]]:
    """The table beside the laboratory form, and every file of the export."""
    made = export(user, Wanted(**wanted))
    with zipfile.ZipFile(made.path) as bundle:
        files = {name: bundle.read(name) for name in bundle.namelist()}
    made.path.unlink()
    return pl.read_parquet(io.BytesIO(files["lb_results.parquet"])), files


def test_an_export_has_range_flag_and_si_value_beside_each_result(
    nurse: Client, person: Person, version: StudyVersion
) -> None:
    manager = person("data_manager")
    LabRange.objects.create(low="5", high="33", **MAIN)
    empty, files = exported(manager, formats=("parquet", "xpt"), with_names=True)
    assert empty.height == 0  # a form that nobody filled exports its columns
    assert "lb_resul.xpt" in files
    typed = {"v.1.LBDAT": "2024-05-01", "v.1.LBNAM": "Main", "v.1.ALT": "34", "v.1.INR": "1.1"}
    nurse.post(LABORATORY, {"version": "0", **typed, "n.1.AST": "ND"})
    LabRange.objects.update(high="99")  # what was used then is what leaves
    table, files = exported(manager, with_names=True)
    place = ("01", "01-001", "SCREENING", 1, 1)
    assert table.rows() == [
        (*place, "ALT", "ALT", "34", "U/L", "5", "33", "Main, 2020-01-01", "H", "34", "U/L"),
        (*place, "INR", "INR", "1.1", None, "0.86", "1.14", "planning value", None, None, None),
    ]
    assert not any("grade" in name.lower() for name in table.columns)
    assert pl.read_parquet(io.BytesIO(files["lb.parquet"])).columns[5:] == [
        item.name for item in load(STUDY).forms["LB"].items
    ]
    nameless, _ = exported(person("statistician"))
    assert nameless.rows() == table.rows()
