"""Nothing is deleted: no code does it, and the database refuses it table by table."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, transaction

from onearm import capture, cli
from onearm.capture import permissions, triggers
from onearm.capture.models import Draft, FormInstance, Site, Subject, User
from tests.capture.conduct import fill

Person = Callable[..., User]
PACKAGE = Path(capture.__file__).parent

NO_RECORDS = {
    "capture_draft": "unsaved text is no data, and goes when the form is saved",
    "capture_anchor": "in triggers.TABLES",
    "capture_auditevent": "in triggers.TABLES",
    "capture_formversion": "in triggers.TABLES",
    "capture_queryentry": "in triggers.TABLES",
    "capture_redactedversion": "in triggers.redaction_statements",
}
"""Tables that ``triggers.KEPT`` does not name, and why."""

DELETES = {
    "actions/accounts.py: Authenticator.objects.filter(user=user).delete()",
    "actions/drafts.py: Draft.objects.filter(user=user, **_named(place)).delete()",
    (
        "actions/redaction.py: Draft.objects.filter(subject=event.subject, visit=event.visit, "
        "repeat=event.repeat, form=instance.form).delete()"
    ),
}
"""Every deletion in the code: unsaved texts, and a lost second factor."""


def installed() -> set[tuple[str, str]]:
    """Table and act of every trigger that the database has."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT tbl_name, sql FROM sqlite_master WHERE type = 'trigger'")
            acts = [(table, sql.split(" BEFORE ")[1].split()[0]) for table, sql in cursor]
        else:
            cursor.execute(
                "SELECT event_object_table, event_manipulation FROM information_schema.triggers"
            )
            acts = list(cursor)
    return {(table, act) for table, act in acts if table.startswith("capture_")}


@pytest.mark.django_db
def test_the_triggers_stand_after_every_migration() -> None:
    found = installed()
    history = {(t, act) for t in triggers.TABLES for act in ("UPDATE", "DELETE")}
    history |= {("capture_redactedversion", act) for act in ("UPDATE", "DELETE")}
    kept = {(table, "DELETE") for table in triggers.KEPT}
    assert (history | kept) - found == set()


def test_every_table_of_records_is_named() -> None:
    tables = {model._meta.db_table for model in apps.get_app_config("capture").get_models()}
    assert not set(triggers.KEPT) & set(NO_RECORDS)
    unnamed = tables - set(triggers.KEPT) - set(NO_RECORDS)
    assert unnamed == set(), "name the table in triggers.KEPT, in a migration of its own"


def test_rows_of_records_are_not_deleted(person: Person, subject: Subject, site: Site) -> None:
    nurse = person("coordinator")
    fill(nurse, subject, "SCREENING", "DISEASE", COHORT="ICC")
    for rows in (
        FormInstance.objects.all(),
        Subject.objects.all(),
        User.objects.filter(pk=nurse.pk),
        Site.objects.all(),
        nurse.grants.all(),
    ):
        before = rows.count()
        assert before, rows.model
        # Past the framework, which would refuse by itself what other rows point to.
        with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic():
            rows._raw_delete(using="default")
        assert rows.count() == before
    assert not Draft.objects.exists()


def test_the_code_deletes_unsaved_texts_and_lost_factors_alone() -> None:
    found = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                (".delete", "._raw_delete")
            ):
                found.add(f"{path.relative_to(PACKAGE).as_posix()}: {ast.unparse(node)}")
    assert found == DELETES


def test_no_capability_and_no_command_deletes() -> None:
    names = [*permissions.table(), *(c.name or "" for c in cli.app.registered_commands)]
    assert [name for name in names if "delete" in name or "purge" in name] == []
