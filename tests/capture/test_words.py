"""Both languages everywhere: no message without words, no English left on a Chinese page."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import translation

from onearm import capture
from onearm.capture import (
    clock,
    enrolment,
    kept_words,
    permissions,
    studies,
    trail_words,
    wording,
    words,
)
from onearm.capture.actions import api_keys, files, hold, queries, redaction, sae, snapshot, verify
from onearm.capture.actions.save import Changes, save
from onearm.capture.document import Cell
from onearm.capture.models import (
    AuditEvent,
    EventInstance,
    FormInstance,
    Hold,
    Signature,
    Subject,
    User,
)
from onearm.capture.trail_reading import Wanted, lines
from onearm.errors import Finding, Place
from onearm.records.entry import REASONS
from tests.capture.conduct import fill
from tests.capture.conftest import PASSWORD, STUDY
from tests.capture.test_security import addresses, filled

Person = Callable[..., User]
PACKAGE = Path(capture.__file__).parent
TODAY = clock.now().date()

OPERATORS = {
    "backup.py", "restoring.py", "sealing.py", "serving.py", "demo.py", "settings.py",
    "installation.py", "operation.py", "run.py",
}  # fmt: skip
"""Modules that speak to whoever runs the server, at a terminal: in English (see words.py)."""

PROBLEM = re.compile(
    r"Error$|Problem$|Problems$|Refused$|Damaged$|NotAllowed$|Held$|Stale$|Needed$|NotReady$|"
    r"NotProven$|Changed$|Blocked$|RanBack$|NotEligible$|MustConfirm$|Unplaced$|PermissionDenied$"
)
OURS_TO_US = {"TypeError", "AssertionError", "ValueError", "KeyError"}
"""Problems of the program, which no person is shown."""


# --- the tables


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("table", [words.table, wording.table])
def test_every_key_has_both_languages_with_the_same_gaps(
    table: Callable[[], dict[str, dict[str, str]]],
) -> None:
    for key, row in table().items():
        assert row["en"].strip(), key
        assert row["zh"].strip(), key
        if not key.startswith(("border.", "item.", "visit.", "form.", "bound.")):
            assert gaps(row["en"]) == gaps(row["zh"]), key


def test_no_key_stands_twice() -> None:
    for name in ("words.csv", "findings.csv"):
        text = (PACKAGE / name).read_text(encoding="utf-8")
        keys = [line.partition(",")[0] for line in text.splitlines()]
        assert len(keys) == len(set(keys)), name


def test_codes_that_people_are_shown_have_words() -> None:
    known = set(words.table())
    assert {f"right.{capability}" for capability in permissions.table()} <= known
    assert {f"role.{role}" for role in permissions.roles()} <= known
    assert {f"hold.is_{kind}" for kind in Hold.Kind.values} <= known
    shown = [reason for reason in REASONS if reason in ("ND", "UNK", "NA")]
    assert {f"reason.{reason}" for reason in shown} <= known
    acts = set(actions_recorded())
    assert len(acts) > 80
    assert {"identity.read", "change.live", "sign.break", "study.look", "accrual.uncap"} <= acts
    assert {f"act.{action}" for action in acts} <= known


def actions_recorded() -> Iterator[str]:
    """The acts that the code writes to the trail, where it names them."""
    recorders = ("trail.record", "_record", "_record_contact", "_mark", "_go_on")
    modules = [ast.parse(p.read_text(encoding="utf-8")) for p in sorted(PACKAGE.rglob("*.py"))]
    constants = dict(assigned for module in modules for assigned in _assigned(module, str.isupper))
    for module in modules:
        actions = [value for _, value in _assigned(module, "action".__eq__)]
        for call in ast.walk(module):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in recorders:
                for each in call.args[:3]:
                    name = getattr(each, "id", "")
                    for said in actions if name == "action" else [constants.get(name, each)]:
                        yield from _texts(said)


def _assigned(module: ast.Module, fits: Callable[[str], bool]) -> Iterator[tuple[str, ast.expr]]:
    """What stands under names that fit, as ``ACTION = "identity.read"``."""
    for node in ast.walk(module):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            is_many = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            pairs = (
                zip(target.elts, node.value.elts, strict=True)
                if is_many
                else [(target, node.value)]
            )
            for name, value in pairs:
                if fits(getattr(name, "id", "")):
                    yield name.id, value


def _texts(node: ast.expr) -> Iterator[str]:
    """Texts like ``sae.report``: what the argument may be, and no stream or target."""
    for each in ast.walk(node):
        if isinstance(each, ast.JoinedStr):
            return
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            is_act = re.fullmatch(r"[a-z]+(\.[a-z_]+)+|sign|export|import|login|logout", each.value)
            if is_act:
                yield each.value


def test_limits_are_written_as_people_write_numbers() -> None:
    written = [wording.plain(n) for n in (1e6, 1000000.0, 0.0, 38, 0.0005, 5e-7, -2.5, 120.10)]
    assert written == ["1000000", "1000000", "0", "38", "0.0005", "0.0000005", "-2.5", "120.1"]


def words_used() -> tuple[set[str], list[str]]:
    """Keys as code and templates name them, and the starts of those that they put together."""
    whole, starts = set(), []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                whole.add(node.value)
            elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                starts.append(str(node.values[0].value))
    for path in sorted(PACKAGE.rglob("*.html")):
        for tag in re.findall(r"{% say (.+?) %}", path.read_text(encoding="utf-8")):
            parts = tag.split()
            text = parts[0].strip("\"'")
            if len(parts) == 1:
                whole.add(text)
            else:
                starts.append(text)
    return whole, [start for start in starts if "." in start]


def test_no_key_is_kept_that_nothing_says() -> None:
    whole, starts = words_used()
    left = [k for k in words.table() if k not in whole and not k.startswith(tuple(starts))]
    assert left == []


# --- messages


def literal(call: ast.Call) -> str:
    """The text of a person's language that a call is given; empty where it comes from the words."""
    for argument in call.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            found = argument.value
        elif isinstance(argument, ast.JoinedStr):
            parts = (p.value for p in argument.values if isinstance(p, ast.Constant))
            found = "".join(str(part) for part in parts)
        else:
            continue
        if re.search(r"[A-Za-z]{2,}", found):
            return found
    return ""


def test_no_message_to_a_person_is_a_text_in_the_code() -> None:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.name in OPERATORS or "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func).rpartition(".")[2]
            is_problem = PROBLEM.search(name) and name not in OURS_TO_US
            is_said = ast.unparse(node.func) in (
                "messages.error", "messages.success", "messages.warning", "messages.info",
                "super().__init__", "send_mail",
            )  # fmt: skip
            if (is_problem or is_said) and literal(node):
                found.append(f"{path.name}:{node.lineno}: {literal(node)}")
    assert found == []


def test_the_border_of_the_entries_speaks_chinese() -> None:
    source = (PACKAGE.parent / "records" / "entry.py").read_text(encoding="utf-8")
    sentences = {
        text.partition("|")[0] for text in re.findall(r'f?"([a-z][^"\n]*\|[A-Z{][^"\n]*)"', source)
    }
    assert len(sentences) >= 9
    place = Place("01-001", "SCREENING", "DM", "SEX")
    with translation.override("zh-hans"):
        for sentence in sentences:
            message = re.sub(r"\{[^}]*\}", "X1", sentence)
            finding = Finding(place, "x", "entries", message, "Correct it.")
            assert re.search("[一-鿿]", wording._border_text(finding)), sentence


def test_what_the_history_keeps_in_english_is_read_in_chinese() -> None:
    with translation.override("zh-hans"):
        assert kept_words.said("Typing error: read 4 for 9") == "录入错误: read 4 for 9"
        assert kept_words.said("import of lab.csv (SHA-256 ab)") == "导入 lab.csv (SHA-256 ab)"
        assert kept_words.said("amendment: version 1 to 2") == "方案修订：版本 1 迁移至 2"
        assert kept_words.said("my own words") == "my own words"
    assert kept_words.said("Typing error") == "Typing error"


def test_a_refusal_names_the_place_and_what_to_do_in_the_readers_language(
    person: Person, visit: EventInstance
) -> None:
    nurse, manager = person("coordinator"), person("data_manager")
    save(nurse, visit, "DISEASE", Changes([Cell(1, "MHTERM", "GBC")], 0))
    hold.hold(manager, f"event:{visit.pk}", "frozen", "cleaning")
    with (
        translation.override("zh-hans"),
        pytest.raises(Exception, match="01-001 · 筛选访视") as held,
    ):
        save(nurse, visit, "DISEASE", Changes([Cell(1, "MHTERM", "ICC")], 1, reason="x"))
    assert "已冻结" in str(held.value)
    assert "数据管理员" in str(held.value)
    with translation.override("zh-hans"), pytest.raises(permissions.NotAllowed, match="录入"):
        save(manager, visit, "DISEASE", Changes([Cell(1, "MHTERM", "ICC")], 1, reason="x"))


def test_the_trail_is_read_in_chinese_and_kept_as_codes(
    person: Person, visit: EventInstance
) -> None:
    nurse, manager = person("coordinator"), person("data_manager")
    first = Changes([Cell(1, "MHTERM", "GBC"), Cell(1, "HBV", reason="ND")], 0)
    save(nurse, visit, "DISEASE", first)
    hold.hold(manager, f"event:{visit.pk}", "frozen", "cleaning")
    with translation.override("zh-hans"):
        found = trail_words.worded(lines(manager, Wanted(kind=""), TODAY))
    held, saved = (next(w for w in found if w.line.action == a) for a in ("hold.frozen", "save"))
    assert (held.action, held.where) == ("冻结", "01-001 · 筛选访视")
    assert (saved.action, saved.where) == ("保存", "筛选访视 · 疾病特征与病史")
    assert "病理学诊断 = GBC" in saved.what
    assert "缺失原因: 未做" in saved.what
    assert (held.line.action, held.line.where) == ("hold.frozen", f"event:{visit.pk}")


# --- pages


class Visible(HTMLParser):
    """Collects what a person sees or is read: text, titles, labels, hints; code is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "code", "svg", "datalist"):
            self._inside.append(tag)
        given = dict(attrs)
        if not self._inside and given.get("lang", "zh") != "en":
            names = ("title", "placeholder", "aria-label", "alt")
            self.found += [text for name in names if (text := given.get(name))]
        if given.get("lang") == "en" and tag in ("button", "td", "th", "div"):
            self._inside.append(tag)  # said to be English, and shown beside the Chinese

    def handle_data(self, data: str) -> None:
        if not self._inside and data.strip():
            self.found.append(data.strip())

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()


WORD = re.compile(r"[A-Za-z]*[a-z]{2}[A-Za-z]*")
CODE = re.compile(r"\b[0-9a-f]{6,64}\b|\b[a-z]+/[a-z]+\b|\b\d{4}-\d\d-\d\dT[\d:.]+")
"""Hashes, media types and moments."""

PRODUCTS = {
    "onearm", "Parquet", "Dataset", "OpenAPI", "MiB", "bytes", "Alt", "Ctrl", "Enter", "zip", "pdf",
    "chrony", "systemd", "timesyncd", "capture", "backup", "Email", "English", "mg", "mm", "kg",
    "mL", "dL", "mmol", "nmol", "pmol", "ug", "mmHg", "umol", "cm", "Child", "Pugh", "Vater", "sav",
}  # fmt: skip
"""Names, units and keys that stand as they are in Chinese text."""


def of_the_data() -> set[str]:
    """Words that people or the study gave: names, codes, free texts."""
    given = {"First", "hospital", "octocat", "example", "org", "Hepatotoxicity", "qux", "scan"}
    given |= {"Doctor", "Asia", "Shanghai"}
    for user in User.objects.all():
        given |= set(WORD.findall(f"{user.username} {user.get_full_name()} {user.email}"))
    return given


def left_over(page: str, allowed: set[str]) -> set[str]:
    parser = Visible()
    parser.feed(page)
    return {
        f"{word} <- {text[:90]}"
        for text in parser.found
        for word in WORD.findall(CODE.sub("", text))
        if word not in allowed and f"act.{text}" not in words.table()
    }


@pytest.fixture
def busy(person: Person, visit: EventInstance, subject: Subject) -> FormInstance:
    """A trial in which a bit of everything has happened."""
    nurse, manager = person("coordinator"), person("data_manager")
    monitor, doctor = person("monitor"), person("investigator")
    form = save(nurse, visit, "DISEASE", Changes([Cell(1, "MHTERM", "GBC")], 0)).instance
    save(nurse, visit, "DISEASE", Changes([Cell(1, "MHTERM", "ICC")], 1, reason="Typing error"))
    fill(nurse, subject, "SCREENING", "DM", SEX="M", AGE="166", RFICDAT="2026-03-02")
    asked = queries.ask(monitor, subject, "qux", visit="SCREENING", form="DISEASE", item="MHTERM")
    queries.move(nurse, asked, "answered", "qux")
    form.refresh_from_db()
    verify.verify(monitor, form, form.version)
    files.attach(nurse, form, files.Upload("scan.pdf", b"%PDF-1.4 report"))
    redaction.request(nurse, form.versions.get(version=1), 1, "MHTERM", "qux")
    snapshot.make_snapshot(manager, "qux")
    sae.add_contact(manager, "octocat", "octocat@example.org", language="zh-hans")
    api_keys.make_key(manager, "qux", TODAY.replace(year=TODAY.year + 1, day=1))
    fill(nurse, subject, "LOG", "AE", AETERM="Hepatotoxicity", AESER="Y", AESTDAT="2026-03-05")
    sae.report(doctor, subject_event(), "qux")
    hold.hold(manager, "site:01", "reviewed", "qux")
    hold.hold(manager, f"form:{form.pk}", "frozen", "qux")
    Signature.objects.create(
        target=f"form:{form.pk}", subject=subject, user=doctor, printed_name="Doctor Person",
        meaning="reviewed", at=clock.now(), content={str(form.pk): form.head}, hash="x",
        broken_at=clock.now(), broken_by="coordinator: DISEASE saved",
    )  # fmt: skip
    return form


def subject_event() -> object:
    from onearm.capture.models import SeriousEvent

    return SeriousEvent.objects.get()


def pages(client: Client, form: FormInstance) -> Iterator[tuple[str, str]]:
    """Every address that answers with a page."""
    for name, pattern in addresses():
        if pattern.startswith(("static", "api/")) or name in ("account_logout", "file"):
            continue
        url = filled(pattern, form)
        answer = client.get(url, follow=True)
        if answer.get("Content-Type", "").startswith("text/html") and not answer.streaming:
            yield f"{name} {url}", answer.content.decode()


@pytest.mark.parametrize(
    "role",
    [
        "investigator",
        *(
            pytest.param(role, marks=pytest.mark.slow)
            for role in permissions.roles()
            if role != "investigator"
        ),
    ],
)
def test_no_page_leaves_english_for_who_reads_chinese(
    role: str, person: Person, busy: FormInstance
) -> None:
    user = User.objects.filter(username=role).first() or person(role)
    User.objects.filter(pk=user.pk).update(language="zh-hans")
    client = Client()
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[-1])
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    allowed = PRODUCTS | of_the_data()
    found: dict[str, set[str]] = {}
    seen = 0
    for name, page in pages(client, busy):
        seen += 1
        if wrong := left_over(page, allowed):
            found[name] = wrong
    assert seen > 15
    listed = "\n".join(f"{name}: {line}" for name, each in found.items() for line in sorted(each))
    assert listed == ""


def test_the_pages_before_the_sign_in_and_what_refuses_a_password_are_in_chinese(
    person: Person,
) -> None:
    nurse = person("coordinator")
    client = Client(headers={"accept-language": "zh-hans"})
    allowed = PRODUCTS | of_the_data()
    wrong = {"login": "coordinator", "password": "wrong"}
    answers = [client.get("/accounts/login/"), client.post("/accounts/login/", wrong)]
    client.force_login(nurse, backend=settings.AUTHENTICATION_BACKENDS[-1])
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    for new in ("short", "password1234", "coordinator12"):
        given = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        answers.append(client.post("/accounts/password/change/", given))
    given = {"oldpassword": "not it", "password1": "x", "password2": "y"}
    answers.append(client.post("/accounts/password/change/", given))
    answers.append(client.post("/accounts/email/", {"action_add": "", "email": "no address"}))
    for answer in answers:
        assert answer.status_code == 200
        assert left_over(answer.content.decode(), allowed) == set()


def test_a_refused_file_is_told_line_by_line_in_chinese(person: Person, subject: Subject) -> None:
    manager = person("data_manager")
    client = Client()
    client.force_login(manager, backend=settings.AUTHENTICATION_BACKENDS[-1])
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    content = b"subject,SEX\n01-001,QQ\n99-001,M\n"
    upload = SimpleUploadedFile("lab.csv", content)
    answer = client.post("/imports", {"file": upload, "kind": "csv"}, follow=True)
    address = answer.redirect_chain[-1][0]
    given = {
        "act": "try", "form": "DM", "subject": "subject", "visit": "=SCREENING", "item.SEX": "SEX",
    }  # fmt: skip
    page = client.post(address, given).content.decode()
    assert "不在可选答案之内" in page
    assert "没有受试者 99-001" in page


# --- files: one rule for all of them (words.py)


def test_files_for_programs_have_stable_english_names_whatever_the_reader(
    person: Person, busy: FormInstance
) -> None:
    auditor = person("auditor")
    heads = set()
    for language in ("en", "zh-hans"):
        client = Client()
        client.force_login(auditor, backend=settings.AUTHENTICATION_BACKENDS[-1])
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        trail_file = b"".join(client.get("/trail.csv").streaming_content).decode("utf-8-sig")
        access_file = client.get("/access?format=csv").content.decode()
        heads.add((trail_file.splitlines()[0], access_file.splitlines()[0]))
    assert len(heads) == 1
    assert AuditEvent.objects.filter(action="trail.export").exists()


def test_a_dashboards_file_is_the_page_in_the_readers_language(
    person: Person, busy: FormInstance
) -> None:
    client = Client()
    client.force_login(User.objects.get(username="investigator"),
                       backend=settings.AUTHENTICATION_BACKENDS[-1])  # fmt: skip
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"
    text = client.get("/dashboards/accrual/file").content.decode("utf-8-sig")
    assert text.startswith("中心,")


def test_why_screening_failed_is_read_in_chinese(version: object) -> None:
    from onearm.capture.studies import study_of

    item = enrolment.failure_reason(study_of(version))
    assert item is not None
    choice = item.choices[0]
    with translation.override("zh-hans"):
        assert enrolment.failure_said(f"{choice.label.en}: moved") == f"{choice.label.zh}: moved"


def test_the_guide_of_coordinators_says_the_same_in_both_languages() -> None:
    guides = STUDY.parents[1] / "docs" / "guides"
    counts = []
    for name in ("data_capture.md", "data_capture.zh.md"):
        text = (guides / name).read_text(encoding="utf-8")
        levels = [line.partition(" ")[0] for line in text.splitlines() if line.startswith("#")]
        points = sum(line.startswith("- ") for line in text.splitlines())
        counts.append((levels, points))
    assert counts[0] == counts[1]


def test_a_laboratory_result_in_the_trail_stands_with_its_range_and_si_value(
    person: Person, visit: EventInstance
) -> None:
    nurse = person("coordinator")
    saved = save(nurse, visit, "LB", Changes([Cell(1, "ALB", "38"), Cell(1, "ALT", "31")], 0))
    version = saved.instance.versions.get()
    (row,) = version.delta["rows"]
    assert row["_si"]["ALT"] == {"value": "31", "unit": "U/L"}
    row["_ranges"] = {"ALT": {"low": "7", "high": "40", "unit": "U/L", "source": "Central"}}
    study = studies.study_of(version.study_version)
    with translation.override("zh-hans"):
        said = list(trail_words.changes_said(study, version))
        covered = list(trail_words.changes_said(study, version, frozenset({"ALT"})))
    assert [text for text in said if "7–40 (Central)" in text and "参考范围" in text]
    assert [text for text in said if "国际单位 31 U/L" in text]
    assert not [text for text in covered if "31" in text or "7–40" in text]
    client = Client()
    client.force_login(nurse, backend=settings.AUTHENTICATION_BACKENDS[-1])
    assert "38" in client.get("/trail").content.decode()
