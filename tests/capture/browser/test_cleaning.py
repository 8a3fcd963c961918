"""A month of cleaning in a real browser: query, answer, verification, signature, break, freeze."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onearm.capture import clock
from onearm.capture.models import FormInstance, Hold, Query, Signature, Subject, User
from tests.capture.browser.conftest import Pages
from tests.capture.conduct import fill
from tests.capture.conftest import PASSWORD

Person = Callable[..., User]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_a_form_is_asked_about_answered_verified_signed_changed_and_frozen(
    page_of: Pages, person: Person, subject: Subject
) -> None:
    nurse, doctor = person("coordinator"), person("investigator")
    doctor.equivalence_accepted_at = clock.now()
    doctor.save()
    fill(nurse, subject, "SCREENING", "VISIT", VISDAT="2026-03-03", VISMODE="IN PERSON")
    form = FormInstance.objects.get()

    monitor = page_of("monitor")
    monitor.goto("/subjects/01-001/ask?visit=SCREENING&form=VISIT")
    monitor.select_option("select[name=item]", "VISDAT")
    monitor.fill("textarea[name=text]", "The chart says the fourth of March.")
    monitor.click("button[name=ask]")
    assert "The chart says" in monitor.inner_text("main")

    site = page_of("coordinator", language="zh-hans", width=820)
    site.goto("/")
    site.click("text=The chart says")
    site.fill("textarea[name=text]", "3 月 3 日无误")
    site.keyboard.press("Tab")
    site.keyboard.press("Enter")
    site.wait_for_selector("text=已答复")
    assert Query.objects.get().state == "answered"

    monitor.reload()
    monitor.click("button[value=closed]")
    monitor.wait_for_selector("text=Kept.")
    monitor.goto(f"/verification/{form.pk}")
    monitor.click("button[value=all]")
    monitor.wait_for_selector("h1 >> text=compared")

    signer = page_of(user=doctor)
    signer.goto("/")
    signer.click("#sign td:last-child a")
    signer.check("input[name=visit]")  # nothing is ticked before somebody chooses it
    signer.fill("input[name=username]", "investigator")
    signer.fill("input[name=password]", PASSWORD)
    signer.click("button.primary")
    signer.wait_for_selector(".signature.stands >> text=Investigator Person")
    assert Signature.objects.get().broken_at is None

    fill(nurse, subject, "SCREENING", "VISIT", reason="chart read again", VISDAT="2026-03-04")
    signer.reload()
    assert "does not stand any more" in signer.inner_text(".signature.broken")
    monitor.reload()
    assert "changed since compared" in monitor.inner_text("table")

    manager = page_of("data_manager")
    manager.goto(f"/state/form:{form.pk}")
    manager.click("button[value=locked]")
    assert "Forms not signed: 1" in manager.inner_text("main")
    assert not Hold.objects.exists()
    manager.click("button[value=frozen]")
    manager.wait_for_selector("strong >> text=Frozen")
    assert Hold.objects.get().kind == "frozen"


def test_dashboards_and_lists_open_without_an_error_in_both_languages(
    page_of: Pages, person: Person, subject: Subject
) -> None:
    fill(person("coordinator"), subject, "SCREENING", "VISIT", VISDAT="2026-03-03")
    names = ("accrual", "matrix", "missing", "queries", "verification", "serious", "signatures")
    addresses = [f"/dashboards/{name}" for name in names]
    addresses += ["/", "/queries", "/screening", "/accrual", "/serious", "/deviations", "/subjects"]
    for language in ("en", "zh-hans"):
        page = page_of("data_manager", language=language)
        for address in addresses:
            answer = page.goto(address)
            assert answer is not None
            assert answer.status == 200, address
            assert page.inner_text("h1").strip()
