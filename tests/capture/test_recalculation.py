"""Calculated items follow their inputs on other forms, as versions of the forms they are on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from onearm.capture import clock, studies, trail
from onearm.capture.actions.migrate import migrate
from onearm.capture.actions.save import Changes, save
from onearm.capture.actions.take_entries import take_entries
from onearm.capture.document import Cell, cells
from onearm.capture.kept_words import said
from onearm.capture.models import (
    AuditEvent,
    EventInstance,
    FormInstance,
    FormVersion,
    Hold,
    Query,
    Signature,
    Site,
    SiteVersion,
    StudyVersion,
    Subject,
    User,
)
from onearm.records.entry import ENTRY

from .conftest import LONG_AGO

Person = Callable[..., User]
SMALL = Path(__file__).parents[1] / "records" / "small"

WEIGHED = """\
form: WEIGHED
label: Weight and dose
items:
  - {name: WEIGHT, label: Weight, type: decimal, unit: kg, decimals: 1, required: true}
  - {name: SAID, label: Dose as the pharmacy said, type: decimal, decimals: 1}
"""
DOSE = """\
form: DOSE
label: Dose given
items:
  - {name: TOTAL, label: Total dose, type: decimal, decimals: 1, required: true,
     calculated: WEIGHED.WEIGHT * 2}
  - {name: GIVEN, label: Dose given, type: decimal}
  - {name: GROWN, label: More than at the dose before, type: decimal, decimals: 1,
     calculated: GIVEN - previous.GIVEN}
"""
SUM = """\
form: SUMMED
label: Summary
items:
  - {name: TWICE, label: Twice the total dose, type: decimal, decimals: 1,
     calculated: ONCE.TOTAL * 2}
  - {name: NOTE, label: Note, type: text}
"""
ONCE = DOSE.replace("form: DOSE", "form: ONCE").split("  - {name: GROWN")[0]


@pytest.fixture
def site(db: None, tmp_path: Path) -> Site:
    """A site that works with a small invented study of forms that read each other."""
    folder = tmp_path / "study"
    shutil.copytree(SMALL, folder)
    for text in (WEIGHED, DOSE, SUM, ONCE):
        name = text.split("\n", 1)[0].removeprefix("form: ").lower()
        (folder / "forms" / f"{name}.yaml").write_text(text, encoding="utf-8")
    plan = folder / "schedule.yaml"
    text = plan.read_text(encoding="utf-8")
    text = text.replace("VS, LB, TUMOR]", "VS, LB, TUMOR, WEIGHED, ONCE, SUMMED]", 1)
    plan.write_text(text.replace("[VISIT, VS, LB]", "[VISIT, VS, LB, DOSE]", 1), encoding="utf-8")
    version = studies.take_in(folder)
    made = Site.objects.create(code="01", name="North clinic")
    SiteVersion.objects.create(site=made, version=version, begins=LONG_AGO)
    return made


@pytest.fixture
def nurse(person: Person) -> User:
    return person("coordinator")


def put(user: User, event: EventInstance, form: str, **values: str) -> FormInstance:
    held = FormInstance.objects.filter(event=event, form=form).first()
    given = [Cell(1, item, value) for item, value in values.items()]
    changes = Changes(given, held.version if held else 0, reason="weighed again", clear=True)
    return save(user, event, form, changes).instance


def standing(event: EventInstance, form: str) -> dict[str, str]:
    instance = FormInstance.objects.get(event=event, form=form)
    return {cell.item: cell.value for cell in cells(instance.data)}


def test_a_change_on_one_form_is_followed_on_another_as_a_version_with_its_cause(
    nurse: User, visit: EventInstance, subject: Subject
) -> None:
    cycle = EventInstance.objects.create(subject=subject, visit="CYCLE")
    put(nurse, visit, "WEIGHED", WEIGHT="60")
    dose = put(nurse, cycle, "DOSE", GIVEN="120")
    assert standing(cycle, "DOSE") == {"TOTAL": "120.0", "GIVEN": "120"}
    put(nurse, visit, "WEIGHED", WEIGHT="65.5")
    assert standing(cycle, "DOSE")["TOTAL"] == "131.0"
    first, second = FormVersion.objects.filter(instance=dose).order_by("version")
    assert second.delta == {"rows": [{"_key": 1, "TOTAL": "131.0"}]}
    assert (second.origin, second.user, second.role) == ("calculation", nurse, "coordinator")
    assert second.reason == "calculated anew from WEIGHED at SCREENING, version 2"
    assert second.previous == first.hash
    assert not Query.objects.filter(form="DOSE").exists()


def test_what_a_calculation_gives_is_followed_further(nurse: User, visit: EventInstance) -> None:
    put(nurse, visit, "WEIGHED", WEIGHT="60")
    put(nurse, visit, "ONCE", GIVEN="120")
    put(nurse, visit, "SUMMED", NOTE="as planned")
    assert standing(visit, "SUMMED")["TWICE"] == "240.0"
    put(nurse, visit, "WEIGHED", WEIGHT="50")
    assert standing(visit, "ONCE")["TOTAL"] == "100.0"
    assert standing(visit, "SUMMED") == {"TWICE": "200.0", "NOTE": "as planned"}
    assert FormInstance.objects.get(form="SUMMED").version == 2


def test_the_next_visit_follows_the_visit_before(
    nurse: User, visit: EventInstance, subject: Subject
) -> None:
    put(nurse, visit, "WEIGHED", WEIGHT="60")
    cycles = [
        EventInstance.objects.create(subject=subject, visit="CYCLE", repeat=repeat)
        for repeat in (1, 2, 3)
    ]
    for cycle in cycles:
        put(nurse, cycle, "VISIT", VISDAT=f"2026-05-{10 + cycle.repeat}")
        put(nurse, cycle, "DOSE", GIVEN=str(100 + cycle.repeat))
    assert [standing(c, "DOSE").get("GROWN") for c in cycles] == [None, "1.0", "1.0"]
    put(nurse, cycles[0], "DOSE", GIVEN="90")
    assert [standing(c, "DOSE").get("GROWN") for c in cycles] == [None, "12.0", "1.0"]
    assert [FormInstance.objects.get(event=c, form="DOSE").version for c in cycles] == [2, 2, 1]
    put(nurse, cycles[1], "VISIT", VISDAT="2026-05-20")  # now the last of the three
    assert [standing(c, "DOSE").get("GROWN") for c in cycles] == [None, "-1.0", "13.0"]


def test_a_lost_input_empties_what_was_calculated_and_the_form_lacks_it(
    nurse: User, visit: EventInstance
) -> None:
    put(nurse, visit, "WEIGHED", WEIGHT="60")
    assert put(nurse, visit, "ONCE", GIVEN="120").is_complete
    put(nurse, visit, "WEIGHED", WEIGHT="")
    assert standing(visit, "ONCE") == {"GIVEN": "120"}
    assert not FormInstance.objects.get(form="ONCE").is_complete
    assert Query.objects.filter(form="ONCE", check_id="item.required", state="open").exists()
    put(nurse, visit, "WEIGHED", WEIGHT="61")
    assert FormInstance.objects.get(form="ONCE").is_complete


@pytest.mark.parametrize("weight", ["70", ""])
@pytest.mark.parametrize("level", ["form", "item"])
def test_what_is_locked_does_not_follow_and_is_asked_about(
    level: str, weight: str, nurse: User, visit: EventInstance
) -> None:
    put(nurse, visit, "WEIGHED", WEIGHT="60")
    once = put(nurse, visit, "ONCE", GIVEN="120")
    put(nurse, visit, "SUMMED", NOTE="x")
    target = f"form:{once.pk}" if level == "form" else f"item:{once.pk}:1:TOTAL"
    Hold.objects.create(target=target, kind="locked", set_by=nurse, set_at=clock.now())
    put(nurse, visit, "WEIGHED", WEIGHT=weight)
    once.refresh_from_db()
    assert (once.version, standing(visit, "ONCE")["TOTAL"]) == (1, "120.0")
    query = Query.objects.get(form="ONCE", state="open")
    assert (query.item, query.check_id) == ("TOTAL", "item.calculated")
    assert standing(visit, "SUMMED")["TWICE"] == "240.0"  # follows what stands, not what would


def test_a_signature_over_the_form_that_follows_breaks_visibly(
    nurse: User, visit: EventInstance
) -> None:
    put(nurse, visit, "WEIGHED", WEIGHT="60")
    once = put(nurse, visit, "ONCE", GIVEN="120")
    signature = Signature.objects.create(
        target=f"form:{once.pk}",
        subject=visit.subject,
        user=nurse,
        printed_name="C. Person",
        meaning="reviewed",
        at=clock.now(),
        content={str(once.pk): once.head},
        hash="0" * 64,
    )
    put(nurse, visit, "WEIGHED", WEIGHT="60.0")
    signature.refresh_from_db()
    assert signature.broken_at is None  # 60 and 60.0 make the same dose
    put(nurse, visit, "WEIGHED", WEIGHT="70")
    signature.refresh_from_db()
    assert signature.broken_at is not None
    assert "ONCE" in signature.broken_by
    broken = AuditEvent.objects.get(action="sign.break")
    assert broken.target == f"form:{once.pk}"


def test_the_chain_holds_through_calculated_versions(nurse: User, visit: EventInstance) -> None:
    put(nurse, visit, "WEIGHED", WEIGHT="60")
    put(nurse, visit, "ONCE", GIVEN="120")
    put(nurse, visit, "WEIGHED", WEIGHT="70")
    assert list(trail.verify()) == []


def test_a_file_brings_calculated_items_along(
    person: Person, nurse: User, visit: EventInstance
) -> None:
    put(nurse, visit, "WEIGHED", WEIGHT="60")
    put(nurse, visit, "ONCE", GIVEN="120")
    rows = [
        ("01", "01-001", "SCREENING", 1, "WEIGHED", 1, "WEIGHT", "80", None),
        ("01", "01-001", "SCREENING", 1, "SUMMED", 1, "NOTE", "from the file", None),
        ("01", "01-001", "CYCLE", 1, "DOSE", 1, "TOTAL", "99.0", None),
    ]
    frame = pl.DataFrame(rows, schema=dict(ENTRY), orient="row")
    take_entries(person("data_manager"), frame, source="weights.csv")
    assert standing(visit, "ONCE")["TOTAL"] == "160.0"
    assert standing(visit, "SUMMED") == {"NOTE": "from the file", "TWICE": "320.0"}
    last = FormVersion.objects.filter(instance__form="ONCE").order_by("-version").first()
    assert last is not None
    assert (last.origin, last.reason) == (
        "calculation",
        "calculated anew after the import of weights.csv",
    )
    cycle = EventInstance.objects.get(visit="CYCLE")
    assert standing(cycle, "DOSE")["TOTAL"] == "99.0"  # as the file gives it, and asked about
    assert Query.objects.filter(form="DOSE", item="TOTAL", check_id="item.calculated").exists()
    assert not Query.objects.filter(form__in=["ONCE", "SUMMED"]).exists()


def test_a_formula_that_an_amendment_changes_is_worked_out_when_forms_move(
    person: Person, nurse: User, site: Site, visit: EventInstance, tmp_path: Path
) -> None:
    put(nurse, visit, "WEIGHED", WEIGHT="60")
    once = put(nurse, visit, "ONCE", GIVEN="120")
    put(nurse, visit, "SUMMED", NOTE="as planned")
    row = ("01", "01-001", "CYCLE", 1, "DOSE", 1, "TOTAL", "99.0", None)
    manager = person("data_manager")
    take_entries(manager, pl.DataFrame([row], schema=dict(ENTRY), orient="row"), source="a file")
    version = amended(tmp_path, site, "WEIGHED.WEIGHT * 2", "WEIGHED.WEIGHT * 3")
    dry = migrate(manager, version, [site])
    assert [text.partition("Screening · ")[2] for text in dry.calculated] == [
        "Dose given · Total dose: 120.0 → 180.0",
        "Summary · Twice the total dose: 240.0 → 360.0",
    ]
    assert standing(visit, "ONCE")["TOTAL"] == "120.0"
    assert migrate(manager, version, [site], is_dry=False).calculated == dry.calculated
    assert standing(visit, "ONCE")["TOTAL"] == "180.0"
    assert standing(visit, "SUMMED") == {"TWICE": "360.0", "NOTE": "as planned"}
    # The formula of this one is as it was, and so is what a file gave.
    assert standing(EventInstance.objects.get(visit="CYCLE"), "DOSE")["TOTAL"] == "99.0"
    saves = list(FormVersion.objects.filter(instance=once).order_by("version"))
    assert [save.origin for save in saves] == ["screen", "migration", "calculation"]
    last = saves[-1]
    assert (last.user, last.role, last.study_version) == (manager, "data_manager", version)
    assert last.reason == "calculated anew by version 2 of the study"
    assert last.delta == {"rows": [{"_key": 1, "TOTAL": "180.0"}]}
    assert list(trail.verify()) == []


def test_a_locked_form_keeps_its_result_under_the_version_that_gave_it(
    person: Person, nurse: User, site: Site, visit: EventInstance, tmp_path: Path
) -> None:
    put(nurse, visit, "WEIGHED", WEIGHT="60")
    once = put(nurse, visit, "ONCE", GIVEN="120")
    put(nurse, visit, "SUMMED", NOTE="as planned")
    Hold.objects.create(target=f"form:{once.pk}", kind="locked", set_by=nurse, set_at=clock.now())
    version = amended(tmp_path, site, "WEIGHED.WEIGHT * 2", "WEIGHED.WEIGHT * 3")
    moved = migrate(person("data_manager"), version, [site], is_dry=False)
    assert (moved.calculated, len(moved.held)) == ((), 1)
    once.refresh_from_db()
    assert (once.version, once.study_version.number) == (1, 1)
    assert standing(visit, "SUMMED")["TWICE"] == "240.0"


def amended(tmp_path: Path, site: Site, old: str, new: str) -> StudyVersion:
    """The study with another formula on the form ONCE, released to the site."""
    form = tmp_path / "study" / "forms" / "once.yaml"
    form.write_text(form.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    version = studies.take_in(tmp_path / "study")
    SiteVersion.objects.create(site=site, version=version, begins=clock.now().date())
    return version


@pytest.mark.parametrize(
    "reason",
    [
        "calculated anew from WEIGHED at SCREENING, version 2",
        "calculated anew by version 2 of the study",
    ],
)
def test_the_reason_is_read_in_chinese(reason: str) -> None:
    from django.utils import translation

    with translation.override("zh-hans"):
        told = said(reason)
    assert "重新计算" in told
    assert "2" in told
