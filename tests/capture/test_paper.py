"""Forms on paper: everything known of them, for who may see it, and a line in the trail each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import Client
from django.utils import translation

from onearm.capture import clock, permissions, studies, trail
from onearm.capture.actions import paper, sae
from onearm.capture.actions import redaction as redactions
from onearm.capture.actions.hold import hold
from onearm.capture.actions.queries import ask, move
from onearm.capture.actions.save import Changes, save
from onearm.capture.actions.verify import verify
from onearm.capture.actions.visits import mark_missed
from onearm.capture.chain import START, link
from onearm.capture.document import Cell
from onearm.capture.models import (
    AuditEvent,
    FormInstance,
    SeriousEvent,
    Signature,
    Site,
    StudyVersion,
    Subject,
    User,
)
from onearm.capture.permissions import NotAllowed
from onearm.capture.printing.answers import Reader
from onearm.capture.printing.serious import serious_source
from onearm.capture.printing.subjects import casebook_source, form_source
from onearm.capture.trail_reading import Wanted, lines
from onearm.errors import OnearmError
from onearm.paper import pdf
from tests.capture.conduct import fill
from tests.capture.conftest import PASSWORD, STUDY
from tests.paper.reading import needs_reader, spoken, text_of

Person = Callable[..., User]
SignedIn = Callable[[User], Client]
AT = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
ALL = Reader("Inga Investigator", names=True, trail=True)
NAMELESS = Reader("Dana Manager", names=False, trail=True)
TODAY = clock.now().date()


@pytest.fixture
def version(db: None, tmp_path: Path) -> StudyVersion:
    """The study with one item that identifies."""
    folder = tmp_path / "study"
    shutil.copytree(STUDY, folder)
    form = folder / "forms" / "dm.yaml"
    initials = (
        "  - {name: INITIALS, label: {en: Initials, zh: 姓名缩写}, type: text, identifies: true}"
    )
    text = form.read_text(encoding="utf-8")
    form.write_text(text.replace("items:\n", f"items:\n{initials}\n", 1), encoding="utf-8")
    return studies.take_in(folder)


@pytest.fixture
def nurse(person: Person, site: Site) -> User:
    site.zone = "Asia/Shanghai"
    site.save()
    return person("coordinator")


@pytest.fixture
def dm(nurse: User, subject: Subject) -> FormInstance:
    fill(nurse, subject, "SCREENING", "DM", INITIALS="QXZ", SEX="M", AGE="66")
    return fill(
        nurse, subject, "SCREENING", "DM", reason="Typing error: looked again", SEX="F"
    ).instance


@pytest.fixture
def drugs(nurse: User, subject: Subject) -> FormInstance:
    """Two rows, the second of them taken out, the first with a reason for a missing dose."""
    fill(nurse, subject, "LOG", "CM", CMTRT="Amlodipine", CMDOSE="5", CMDOSU="mg")
    fill(nurse, subject, "LOG", "CM", row=2, CMTRT="Cefuroxime")
    instance = FormInstance.objects.get(form="CM")
    change = Changes(
        [Cell(1, "CMDOSE", reason="UNK")],
        instance.version,
        removed={2: "entered twice"},
        reason="Source document corrected",
        clear=True,
    )
    return save(nurse, instance.event, "CM", change).instance


def of_form(instance: FormInstance, reader: Reader = ALL, language: str = "en") -> str:
    fresh = FormInstance.objects.get(pk=instance.pk)
    with translation.override("zh-hans" if language == "zh" else "en"):
        return spoken(form_source(fresh, reader, AT)[0])


def of_casebook(subject: Subject, reader: Reader = ALL, language: str = "en") -> str:
    with translation.override("zh-hans" if language == "zh" else "en"):
        return spoken(casebook_source(subject, reader, AT)[0])


# --- a form


def test_a_form_shows_every_version_with_old_new_reason_person_role_and_both_times(
    dm: FormInstance,
) -> None:
    source = of_form(dm)
    first, second = dm.versions.order_by("version")
    assert 'text("Sex"), text("Female")' not in source  # labels stand without the function
    assert '"Sex", text("Female")' in source
    assert '"Sex", text("Male"), text("Female")' in source
    assert '"Sex", quiet("—"), text("Male")' in source
    assert "Typing error: looked again" in source
    assert "Coordinator Person (coordinator), Site coordinator" in source
    for save_ in (first, second):
        assert f"{save_.at:%Y-%m-%d %H:%M:%S} UTC" in source
        assert save_.hash in source
    assert "(UTC+08:00)" in source
    assert "Version 2 · Typed on the page · study version 1" in source


def test_the_same_in_chinese(dm: FormInstance) -> None:
    source = of_form(dm, language="zh")
    assert '"性别", text("男"), text("女")' in source
    assert "稽查轨迹" in source
    assert "研究协调员" in source
    assert "版本 2 · 页面录入 · 研究版本 1" in source


def test_what_identifies_is_on_paper_only_for_who_may_see_it(
    dm: FormInstance, subject: Subject
) -> None:
    assert '"Initials", text("QXZ")' in of_form(dm)
    for source in (of_form(dm, NAMELESS), of_casebook(subject, NAMELESS)):
        assert "QXZ" not in source
        assert '"Initials", quiet("not shown: identifies the person")' in source
        assert '"Initials", quiet("—"), quiet("not shown: identifies the person")' in source


def test_a_query_on_an_item_that_identifies_is_not_quoted_either(
    dm: FormInstance, subject: Subject, person: Person
) -> None:
    at = {"visit": "SCREENING", "form": "DM", "item": "INITIALS", "row": 1}
    asked = ask(person("monitor"), subject, "Is it QXZ or QXY?", **at)
    move(User.objects.get(username="coordinator"), asked, "answered", "QXZ it is")
    assert "Is it QXZ or QXY?" in of_form(dm)
    assert "QXZ it is" in of_form(dm)
    assert "QX" not in of_form(dm, NAMELESS)


def test_rows_taken_out_are_struck_with_the_reason_and_missing_values_have_theirs(
    drugs: FormInstance,
) -> None:
    source = of_form(drugs)
    assert 'gone(text("Cefuroxime"))' in source
    assert 'gone(text("Amlodipine"))' not in source
    assert "Row 2 was taken out: entered twice" in source
    assert 'missing("Unknown (UNK)")' in source
    assert 'text("5"), missing("Unknown (UNK)")' in source


def test_what_skip_logic_does_not_ask_is_told_from_what_is_empty(
    nurse: User, subject: Subject
) -> None:
    form = fill(nurse, subject, "LOG", "AE", AETERM="Cough", AESER="N").instance
    source = of_form(form)
    assert '("Outcome", quiet("—"))' in source
    assert '("Led to death"' not in source  # rows with many questions leave those out
    form = fill(nurse, subject, "FOLLOWUP", "FOLLOWUP", SURVSTAT="DEAD").instance
    items = {
        item.name: item for item in studies.study_of(form.study_version).forms["FOLLOWUP"].items
    }
    ruled = [item for item in items.values() if item.shown_when == "SURVSTAT = 'ALIVE'"]
    assert ruled
    for item in ruled:
        assert f'"{item.label.en}", quiet("not asked")' in of_form(form)


def test_a_blackened_value_is_a_black_mark_in_the_answer_and_in_the_history(
    nurse: User, subject: Subject, person: Person
) -> None:
    form = fill(nurse, subject, "SCREENING", "DISEASE", MHTERM="Wang Fang").instance
    asked = redactions.request(nurse, form.versions.get(), 1, "MHTERM", "a name")
    redactions.approve(person("data_manager"), asked)
    for source in (of_form(form), of_casebook(subject)):
        assert "Wang Fang" not in source
        assert source.count("blackened + quiet") == 3  # answer, first save, and what it was before


def test_queries_verification_holds_and_other_acts_stand_on_the_form(
    nurse: User, subject: Subject, person: Person
) -> None:
    form = fill(nurse, subject, "SCREENING", "DISEASE", MHTERM="Carcinoma", HBV="NEGATIVE").instance
    monitor = person("monitor")
    verify(monitor, form, 1)
    fill(nurse, subject, "SCREENING", "DISEASE", reason="misread", HBV="POSITIVE")
    asked = ask(monitor, subject, "Which histology?", visit="SCREENING", form="DISEASE")
    move(nurse, asked, "answered", "Adenocarcinoma")
    hold(person("data_manager"), f"form:{form.pk}", "frozen", "interim look")
    source = of_form(form)
    assert "Which histology?" in source
    assert "Adenocarcinoma" in source
    assert 'text("Carcinoma"), "✓"' in source
    assert 'text("Positive"), "△"' in source
    assert "changed since compared" in source
    assert "Frozen (01-001 · Screening · Disease and history)" in source
    assert "interim look" in source
    assert "Compared with the source; " in source
    assert f"form:{form.pk}" not in source


def test_the_acts_on_paper_are_in_the_language_of_the_paper(
    nurse: User, subject: Subject, person: Person
) -> None:
    form = fill(nurse, subject, "SCREENING", "DISEASE", MHTERM="Carcinoma").instance
    hold(person("data_manager"), f"form:{form.pk}", "frozen", "期中分析")
    mark_missed(nurse, studies.study_of(form.study_version), subject, "C1D8", 1, "暴雪")
    Signature.objects.create(
        target=f"form:{form.pk}", subject=subject, user=nurse, printed_name="X", hash="x",
        meaning="reviewed", at=AT, content={str(form.pk): form.head}, broken_at=AT,
        broken_by="coordinator: DISEASE saved",
    )  # fmt: skip
    for source in (of_form(form, language="zh"), of_casebook(subject, language="zh")):
        assert "已冻结" in source
        assert "coordinator 保存了 疾病特征与病史" in source
        assert "hold.frozen" not in source
        assert "DISEASE saved" not in source
    book = of_casebook(subject, language="zh")
    assert "标记漏访" in book
    assert "第 1 周期第 8 天: 暴雪" in book


@needs_reader
def test_a_signature_is_printed_with_name_meaning_and_date_and_time_with_zone(
    nurse: User, subject: Subject, person: Person, client: Client
) -> None:
    form = fill(
        nurse, subject, "SCREENING", "VISIT", VISDAT="2026-03-03", VISMODE="IN PERSON"
    ).instance
    client.force_login(person("investigator"))
    fields = {"username": "investigator", "password": PASSWORD, "meaning": "reviewed"}
    client.post(f"/sign/form:{form.pk}", fields)
    made = subject.signatures.get()
    with translation.override("en"):
        text = text_of(pdf(form_source(FormInstance.objects.get(pk=form.pk), ALL, AT)[0]))
    assert "Signed by Investigator Person (investigator)" in text
    assert "Meaning: I have reviewed these data and they are complete and correct" in text
    assert f"Date and time: {made.at:%Y-%m-%d %H:%M:%S} UTC" in text
    assert "(UTC+08:00)" in text
    assert "The signature stands" in text
    assert made.hash in text.replace(" ", "")
    fill(nurse, subject, "SCREENING", "VISIT", reason="misread", VISDAT="2026-03-04")
    for source in (of_form(form), of_casebook(subject)):
        assert "The signature does not stand any more" in source
        assert "The signature stands" not in source


def test_values_cannot_give_orders_to_the_typesetter(nurse: User, subject: Subject) -> None:
    evil = 'x"); #panic("ran") $y$ \\ @z <w> *b* [ ] {}'
    form = fill(nurse, subject, "SCREENING", "DISEASE", MHTERM=evil).instance
    made = pdf(form_source(form, ALL, AT)[0])
    if shutil.which("pdftotext"):
        assert evil in text_of(made)


def test_the_same_data_and_moment_are_the_same_bytes(dm: FormInstance, subject: Subject) -> None:
    assert pdf(form_source(dm, ALL, AT)[0]) == pdf(form_source(dm, ALL, AT)[0])
    once, again = (casebook_source(subject, ALL, AT)[0] for _ in range(2))
    assert once == again
    assert pdf(once) == pdf(again)


def test_values_of_items_that_the_version_no_longer_asks_stay_on_paper(dm: FormInstance) -> None:
    data = {"rows": [{**dm.data["rows"][0], "OLDITEM": "kept from before"}]}
    FormInstance.objects.filter(pk=dm.pk).update(data=data)
    assert '"OLDITEM", text("kept from before")' in of_form(dm)


# --- a casebook


@needs_reader
@pytest.mark.parametrize(("language", "word"), [("en", "Contents"), ("zh", "目录")])
def test_a_casebook_has_title_contents_pages_and_the_hash_of_its_content(
    dm: FormInstance, drugs: FormInstance, subject: Subject, language: str, word: str
) -> None:
    with translation.override("zh-hans" if language == "zh" else "en"):
        source, content = casebook_source(subject, ALL, AT)
        titles = [studies.study_of(dm.study_version).forms[f].label for f in ("DM", "CM")]
    made = pdf(source)
    pages = text_of(made, plain=False).split("\f")[:-1]
    text = text_of(made)
    assert content == link(START, {"forms": {str(f.pk): f.head for f in (dm, drugs)}})
    assert content in text.replace(" ", "")
    assert word in text
    for number, page in enumerate(pages, start=1):
        assert f"{number}/{len(pages)}" in page.replace(" ", "")
    told = [title.in_language(language) for title in titles]
    assert text.index(told[0]) < text.index(told[1])
    assert "01 First hospital" in text
    assert "Inga Investigator" in text
    assert "2026-07-01 08:30:00 UTC · 2026-07-01 16:30:00 (UTC+08:00)" in text


def test_the_forms_of_a_casebook_stand_in_the_order_of_visits(
    dm: FormInstance, drugs: FormInstance, nurse: User, subject: Subject
) -> None:
    for visit, repeat in (("CYCLE", 2), ("CYCLE", 1), ("SCREENING", 1)):
        fill(nurse, subject, visit, "VISIT", repeat=repeat, VISDAT="2026-03-03")
    source = of_casebook(subject)
    heads = ["Screening", "Cycle 1, day 1", "Cycle 2, day 1", "Running records"]
    places = [source.index(f'#heading("{head}")') for head in heads]
    assert places == sorted(places)


def test_acts_and_queries_on_no_form_stand_at_the_end(
    dm: FormInstance, nurse: User, subject: Subject, person: Person
) -> None:
    ask(person("monitor"), subject, "Where is the consent?", visit="CYCLE", form="LB")
    source = of_casebook(subject)
    end = source.index('#heading("Acts on the subject")')
    assert source.index("Where is the consent?") > end
    assert source.index("Query opened") > end


def test_what_the_reader_may_not_see_of_the_trail_is_left_out(
    dm: FormInstance, subject: Subject
) -> None:
    blind = Reader("X", names=True, trail=False)
    for source in (of_form(dm, blind), of_casebook(subject, blind)):
        assert "Audit trail" not in source
        assert "looked again" not in source
        assert "Female" in source


def test_a_subject_without_forms_has_a_casebook_too(subject: Subject) -> None:
    assert pdf(casebook_source(subject, ALL, AT)[0]).startswith(b"%PDF")


# --- a serious event


@pytest.fixture
def event(nurse: User, subject: Subject) -> SeriousEvent:
    given = {"AETERM": "Vomiting of blood", "AECTCAE": "Gastric hemorrhage", "AESER": "Y"}
    fill(nurse, subject, "LOG", "AE", AEOUT="NOT RECOVERED/NOT RESOLVED", **given)
    made = SeriousEvent.objects.get()
    sae.report(nurse, made, "Found at home at night.")
    fill(nurse, subject, "LOG", "AE", reason="new", AEOUT="RECOVERED/RESOLVED")
    made.refresh_from_db()
    sae.report(nurse, SeriousEvent.objects.get(), "Sent home.")
    return SeriousEvent.objects.get()


def test_a_serious_event_has_its_clock_and_every_report_with_what_changed(
    event: SeriousEvent,
) -> None:
    source = spoken(serious_source(event, NAMELESS, AT))
    assert "Gastric hemorrhage" in source
    assert "Found at home at night." in source
    assert "Follow-up report 1" in source
    assert 'changed(text("Recovered")), text("Not recovered")' in source
    first = event.reports.get(number=1)
    assert f"{first.at:%Y-%m-%d %H:%M:%S} UTC" in source
    assert f"{sae.due_at(event):%Y-%m-%d}" in source
    assert source.index("First report") < source.index("Follow-up report 1")


def test_a_serious_event_in_chinese_is_a_pdf(event: SeriousEvent) -> None:
    with translation.override("zh-hans"):
        source = spoken(serious_source(event, ALL, AT))
    assert "严重不良事件报告" in source
    assert "首次报告" in source
    assert pdf(source).startswith(b"%PDF")


# --- rights and the trail


def test_each_print_is_a_line_in_the_trail_that_names_who_what_and_the_hash(
    dm: FormInstance, event: SeriousEvent, subject: Subject, person: Person, version: StudyVersion
) -> None:
    doctor = person("investigator")
    made = {
        "print.form": paper.print_form(doctor, dm),
        "print.casebook": paper.print_casebook(doctor, subject),
        "print.serious": paper.print_serious(doctor, event),
        "print.blank": paper.print_blank(doctor, version, forms=["ECOG"]),
    }
    for action, paper_ in made.items():
        act = AuditEvent.objects.get(action=action)
        assert (act.user, act.role) == (doctor, "investigator")
        assert act.details["sha256"] == paper_.sha256
        assert act.details["language"] == "en"
        assert act.site == (None if action == "print.blank" else subject.site)
    assert AuditEvent.objects.get(action="print.form").details["with_names"] is True
    assert AuditEvent.objects.get(action="print.form").target == f"form:{dm.pk}"
    assert list(trail.verify()) == []


def test_prints_are_read_in_the_sites_trail_and_name_no_subject_in_the_access_log(
    dm: FormInstance, person: Person
) -> None:
    doctor = person("investigator")
    paper.print_form(doctor, dm)

    def prints(user: User, text: str = "") -> list[tuple[str, str]]:
        found = lines(user, Wanted(text=text), TODAY)
        return [(line.subject, line.where) for line in found if line.action == "print.form"]

    assert prints(doctor) == [("01-001", f"form:{dm.pk}")]
    assert prints(person("auditor")) == [("01-001", f"form:{dm.pk}")]
    assert prints(person("administrator")) == [("", "")]
    assert prints(User.objects.get(username="administrator"), "01-001") == []
    assert prints(person("study_builder")) == []


ADDRESSES = {
    "/paper/forms/{form}": "form.view",
    "/paper/subjects/01-001": "form.view",
    "/paper/serious/{event}": "form.view",
    "/paper/crf/ECOG": "study.view",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_document_opens_with_its_right_and_not_without(
    address: str, dm: FormInstance, event: SeriousEvent, person: Person, signed_in: SignedIn
) -> None:
    url = address.format(form=dm.pk, event=event.pk)
    for role in permissions.roles():
        user = User.objects.filter(username=role).first() or person(role)
        answer = signed_in(user).post(url)
        if permissions.table()[ADDRESSES[address]][role]:
            assert answer.status_code == 200, role
            assert answer["Content-Type"] == "application/pdf"
            assert answer.content.startswith(b"%PDF")
            assert answer["Cache-Control"] == "no-store"
        else:
            assert answer.status_code in (403, 404), role


def test_people_of_another_site_print_nothing(
    dm: FormInstance, event: SeriousEvent, subject: Subject, person: Person, signed_in: SignedIn
) -> None:
    other = Site.objects.create(code="02", name="Second hospital")
    stranger = person("investigator", name="stranger", at=other)
    for url in ("/paper/subjects/01-001", f"/paper/forms/{dm.pk}", f"/paper/serious/{event.pk}"):
        assert signed_in(stranger).post(url).status_code == 404
    for act in (
        lambda: paper.print_form(stranger, dm),
        lambda: paper.print_casebook(stranger, subject),
        lambda: paper.print_serious(stranger, event),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert not AuditEvent.objects.filter(action__startswith="print.").exists()


def test_a_link_from_elsewhere_prints_nothing(
    dm: FormInstance, event: SeriousEvent, signed_in: SignedIn
) -> None:
    nurse = User.objects.get(username="coordinator")
    for address in ADDRESSES:
        url = address.format(form=dm.pk, event=event.pk)
        assert signed_in(nurse).get(url).status_code == 405
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(nurse)
        assert strict.post(url).status_code == 403
    assert not AuditEvent.objects.filter(action__startswith="print.").exists()


def test_who_may_not_see_names_gets_none_by_the_address(
    dm: FormInstance, person: Person, signed_in: SignedIn
) -> None:
    answers = {
        role: signed_in(person(role)).post(f"/paper/forms/{dm.pk}").content
        for role in ("monitor", "data_manager", "medical_reviewer")
    }
    acts = AuditEvent.objects.filter(action="print.form").order_by("number")
    assert [act.details["with_names"] for act in acts] == [True, False, False]
    if shutil.which("pdftotext"):
        shown = {role: "QXZ" in text_of(made) for role, made in answers.items()}
        assert shown == {"monitor": True, "data_manager": False, "medical_reviewer": False}


def test_the_language_can_be_chosen_and_an_older_version_printed(
    nurse: User, version: StudyVersion, signed_in: SignedIn
) -> None:
    client = signed_in(nurse)
    answer = client.post("/paper/crf/ECOG?language=zh&annotated=1&version=1")
    assert answer["Content-Disposition"] == 'attachment; filename="NCT03895970_acrf_ECOG_zh.pdf"'
    act = AuditEvent.objects.get(action="print.blank")
    assert act.details["annotated"] is True
    assert act.details["language"] == "zh"
    assert act.target == "version 1"
    assert client.post("/paper/crf/NOPE").status_code == 404
    assert client.post("/paper/crf/ECOG?version=9").status_code == 404


def test_pages_lead_to_their_documents(
    dm: FormInstance, event: SeriousEvent, person: Person, signed_in: SignedIn
) -> None:
    client = signed_in(User.objects.get(username="coordinator"))
    assert "/paper/subjects/01-001" in client.get("/subjects/01-001").content.decode()
    page = client.get("/subjects/01-001/SCREENING/1/DM").content.decode()
    assert f"/paper/forms/{dm.pk}" in page
    assert "/paper/crf/DM?version=1" in page
    assert f"/paper/serious/{event.pk}" in client.get(f"/serious/{event.pk}").content.decode()
    office = signed_in(person("data_manager")).get("/exchange").content.decode()
    assert "/paper/crf" in office
    assert "/paper/crf?annotated=1" in office


def test_all_casebooks_are_printed_for_the_close_out(
    dm: FormInstance, person: Person, site: Site
) -> None:
    other = Site.objects.create(code="02", name="Second hospital")
    Subject.objects.create(site=other, code="02-001", created_at=clock.now())
    doctor, manager = person("investigator"), person("data_manager")
    assert [code for code, _ in paper.print_casebooks(doctor)] == ["01"]
    names = [paper_.name for _, paper_ in paper.print_casebooks(manager)]
    assert names == ["01_01-001_casebook.pdf", "02_02-001_casebook.pdf"]
    assert [code for code, _ in paper.print_casebooks(manager, "02")] == ["02"]
    with pytest.raises(OnearmError, match="do not reach the site 02"):
        list(paper.print_casebooks(doctor, "02"))
