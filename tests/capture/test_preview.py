"""A version before its release: every form in both languages, its checks, who looked."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from django.test import Client

from onearm.capture import checkspec, studies
from onearm.capture.actions import sites
from onearm.capture.models import (
    AuditEvent,
    EventInstance,
    FormInstance,
    Site,
    StudyVersion,
    Subject,
    User,
)
from onearm.study.cases import checks_of
from tests.capture.conduct import flat
from tests.capture.conftest import STUDY

Person = Callable[..., User]


@pytest.fixture
def second(version: StudyVersion, tmp_path: Path) -> StudyVersion:
    """A version that no site has: one limit moved, one check new, one gone."""
    for path in STUDY.rglob("*"):
        if path.is_file():
            target = tmp_path / path.relative_to(STUDY)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    form = tmp_path / "forms" / "lb.yaml"
    text = form.read_text(encoding="utf-8")
    text = text.replace("PLAT >= 60", "PLAT >= 75").replace("id: LB-006", "id: LB-106")
    form.write_text(text, encoding="utf-8")
    return studies.take_in(tmp_path)


def table(client: Client, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def test_every_form_of_a_version_is_shown_in_both_languages(
    person: Person, second: StudyVersion, client: Client
) -> None:
    client.force_login(person("study_builder"))
    study = studies.study_of(second)
    matrix = client.get("/amendments/2/forms").content.decode()
    for name, form in study.forms.items():
        assert f'href="/amendments/2/forms/{name}"' in matrix
        for look, words in (("en", form.label.en), ("zh", form.label.zh)):
            answer = client.get(f"/amendments/2/forms/{name}?look={look}")
            assert answer.status_code == 200
            page = answer.content.decode()
            assert f"<h1>{words}" in page
            for item in form.items:
                assert f'id="v.1.{item.name}"' in page
            for check in checks_of(form):
                assert f"<code>{check.id}</code>" in page
    assert not Subject.objects.exists()
    assert not EventInstance.objects.exists()


def test_the_matrix_says_which_form_stands_at_which_visit(
    person: Person, version: StudyVersion, site: Site, client: Client
) -> None:
    client.force_login(person("coordinator"))
    page = client.get("/amendments/1/forms").content.decode()
    schedule = studies.study_of(version).schedule
    assert schedule
    for visit in schedule.visits:
        for form in studies.study_of(version).forms:
            link = f'href="/amendments/1/forms/{form}?visit={visit.id}"'
            assert (link in page) == (form in visit.forms), (visit.id, form)


def test_skip_logic_answers_in_the_preview_and_nothing_is_kept(
    person: Person, version: StudyVersion, client: Client
) -> None:
    client.force_login(person("coordinator"))
    address = "/amendments/1/forms/TUMOR/live?visit=SCREENING"
    typed = {"version": "0", "v.1.LESID": "T01", "v.1.LESROLE": "Target", "v.1.LESLOC": "Liver"}
    answer = flat(client.post(address, typed).content.decode())
    assert 'data-name="1.LESDIAM" data-asked="1"' in answer
    assert 'data-name="1.LESSA" data-asked="0"' in answer
    assert client.get(address).status_code == 405
    assert client.post("/amendments/1/forms/TUMOR", typed).status_code == 200
    assert not FormInstance.objects.exists()


def test_the_texts_stand_side_by_side_and_a_missing_translation_shows(
    person: Person, version: StudyVersion, client: Client
) -> None:
    client.force_login(person("coordinator"))
    page = client.get("/amendments/1/forms/VS?look=both").content.decode()
    assert "Systolic" in page
    assert "收缩压" in page
    assert "no Chinese" not in page
    form = studies.study_of(version).forms["VS"]
    bare = form.items[0].model_copy(update={"label": form.items[0].label.model_copy(
        update={"zh": ""}
    )})  # fmt: skip
    from onearm.capture.views.preview import _texts

    lacking = form.model_copy(update={"items": (bare, *form.items[1:])})
    assert [line.lacks for line in _texts(studies.study_of(version), lacking)][:2] == [True, False]


@pytest.mark.slow
@pytest.mark.parametrize("page", ["forms", "forms/VS", "checks", "checks.csv", "cases.csv"])
@pytest.mark.parametrize(
    ("role", "before"),
    [("study_builder", 200), ("data_manager", 200), ("coordinator", 404), ("statistician", 404)],
)
def test_a_version_is_open_to_everyone_once_a_site_has_it_and_before_to_its_makers(
    page: str, role: str, before: int, person: Person, second: StudyVersion, client: Client
) -> None:
    client.force_login(person(role))
    assert client.get(f"/amendments/1/{page}").status_code == 200
    assert client.get(f"/amendments/2/{page}").status_code == before


def test_who_looked_is_in_the_trail_and_goes_with_the_release(
    person: Person, second: StudyVersion, site: Site, client: Client
) -> None:
    builder = person("study_builder")
    client.force_login(builder)
    assert "Nobody yet" in client.get("/amendments").content.decode()
    assert client.post("/amendments/2/forms").status_code == 302
    act = AuditEvent.objects.get(action="study.look")
    assert (act.user, act.role, act.target) == (builder, "study_builder", "version 2")
    assert act.details == {"hash": second.hash}
    assert "Study_Builder Person" in client.get("/amendments/2/forms").content.decode()
    sites.release(builder, site, second, date(2026, 1, 1), "approved")
    released = AuditEvent.objects.get(action="study.release")
    assert released.details["looked_at_by"] == ["Study_Builder Person"]
    client.force_login(person("coordinator"))
    assert client.post("/amendments/2/forms").status_code == 403


def test_the_specification_lists_every_check_with_words_in_both_languages(
    person: Person, version: StudyVersion, client: Client
) -> None:
    client.force_login(person("auditor"))
    rows = table(client, "/amendments/1/checks.csv")
    study = studies.study_of(version)
    edit = {row["id"] for row in rows if row["id"] not in checkspec.STANDING}
    assert edit == {c.id for form in study.forms.values() for c in checks_of(form)}
    assert all(row["text_en"] and row["text_zh"] and row["require"] for row in rows)
    (one,) = [row for row in rows if row["id"] == "TUM-012"]
    assert one["require"] == "LESDIAM >= 10"
    assert one["when"] == "VISIT = 'SCREENING' AND LESROLE = 'TARGET'"
    assert one["source"] == "RECIST 1.1, 3.1.1"
    assert one["cases"] == "fires 1, passes 2, unknown 1"
    assert one["text_en"].startswith("A target tumour measures at least 10 mm at screening.")
    (range_,) = [r for r in rows if (r["id"], r["item"]) == ("item.range", "LESSLICE")]
    assert range_["require"] == "LESSLICE >= 0.5 AND LESSLICE <= 20"
    hard = {row["id"] for row in rows if row["severity"] == "hard"}
    assert {"AE-001", "item.type", "item.codelist"} <= hard
    told = AuditEvent.objects.get(action="study.checks")
    assert (told.target, told.role) == ("version 1", told.user.username)


def test_the_second_version_says_what_changed_since_the_first(
    person: Person, second: StudyVersion, client: Client
) -> None:
    client.force_login(person("study_builder"))
    rows = {(r["id"], r["form"], r["item"]): r for r in table(client, "/amendments/2/checks.csv")}
    moved = {key[0]: row["change"] for key, row in rows.items() if row["change"] != "same"}
    assert moved == {"LB-005": "changed", "LB-006": "removed", "LB-106": "added"}
    assert rows["LB-005", "LB", ""]["changed"] == "require"
    page = client.get("/amendments/2/checks?only=changed").content.decode()
    assert page.count('class="fate ') == 3


def test_the_cases_are_tried_when_the_page_is_opened_and_a_wrong_one_shows(
    person: Person, second: StudyVersion, client: Client
) -> None:
    client.force_login(person("study_builder"))
    fine = client.get("/amendments/1/checks").content.decode()
    assert "of 150 edit checks were tried just now" in fine
    # The limit was moved to 75; the case that passes at 60 was left as it was.
    page = client.get("/amendments/2/checks").content.decode()
    assert "do not come out as the study says" in page
    wrong = [row for row in table(client, "/amendments/2/cases.csv") if row["right"] != "yes"]
    assert [(row["check"], row["expected"], row["found"]) for row in wrong] == [
        ("LB-005", "passes", "fires")
    ]
    assert wrong[0]["version"] == second.hash


@pytest.mark.parametrize(
    "address", ["9/forms", "1/forms/NOSUCH", "1/forms/VS?visit=LOG", "1/other.csv"]
)
def test_what_is_not_there_is_not_found(
    address: str, person: Person, version: StudyVersion, client: Client
) -> None:
    client.force_login(person("study_builder"))
    assert client.get(f"/amendments/{address}").status_code == 404
