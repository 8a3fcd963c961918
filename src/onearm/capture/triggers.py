"""Triggers by which the database itself refuses to change or delete history."""

from __future__ import annotations

TABLES = ("capture_formversion", "capture_auditevent", "capture_queryentry", "capture_anchor")
WORDS = "history is never changed or deleted"

KEPT = (
    "capture_accrualstep", "capture_apikey", "capture_attachment", "capture_confirmation",
    "capture_contact", "capture_dateshift", "capture_eventinstance", "capture_forminstance",
    "capture_grant", "capture_hold", "capture_labrange", "capture_planline", "capture_query",
    "capture_reconciliation", "capture_redaction", "capture_seriousevent", "capture_seriousreport",
    "capture_signature", "capture_site", "capture_siteversion", "capture_snapshot",
    "capture_studyversion", "capture_subject", "capture_takenfile", "capture_trailhead",
    "capture_user", "capture_verification",
)  # fmt: skip
"""Tables whose rows may change (a query is answered, a hold lifted) and are never deleted."""


def statements(vendor: str) -> list[str]:
    """The SQL that makes the triggers, for ``sqlite`` or ``postgresql``."""
    if vendor == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
            for table in TABLES
            for act in ("UPDATE", "DELETE")
        ]
    function = (
        "CREATE FUNCTION capture_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{WORDS}'; END $$"
    )
    return [
        function,
        *(
            f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION capture_refuse()"
            for table in TABLES
        ),
    ]


UNCHANGED = (
    "id",
    "instance_id",
    "version",
    "user_id",
    "role",
    "at",
    "reason",
    "origin",
    "study_version_id",
    "previous",
    "hash",
)
"""Columns of a save that nothing changes; ``delta`` is the only other one."""

APPROVED = (
    "EXISTS (SELECT 1 FROM capture_redactedversion r JOIN capture_redaction q "
    "ON q.id = r.redaction_id WHERE r.form_version_id = OLD.id AND r.delta = NEW.delta "
    "AND q.approved_by_id IS NOT NULL AND q.approved_by_id <> q.requested_by_id)"
)
"""The new ``delta`` is that of a redaction for which two persons stand."""


def redaction_statements(vendor: str) -> list[str]:
    """The SQL that, after `statements`, lets a redaction of two persons change a save's delta.

    A later migration that makes the tables of redaction anew drops this trigger first: SQLite
    renames no table that a trigger names.
    """
    kept = "capture_redactedversion"
    if vendor == "sqlite":
        same = " AND ".join(f"OLD.{name} IS NEW.{name}" for name in UNCHANGED)
        return [
            "DROP TRIGGER IF EXISTS capture_formversion_no_update",
            (
                "CREATE TRIGGER capture_formversion_no_update BEFORE UPDATE ON capture_formversion "
                f"WHEN NOT ({same} AND {APPROVED}) BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
            ),
            *(
                f"CREATE TRIGGER IF NOT EXISTS {kept}_no_{act.lower()} BEFORE {act} ON {kept} "
                f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
                for act in ("UPDATE", "DELETE")
            ),
        ]
    same = " AND ".join(f"OLD.{name} IS NOT DISTINCT FROM NEW.{name}" for name in UNCHANGED)
    return [
        (
            "CREATE OR REPLACE FUNCTION capture_refuse_but_redaction() RETURNS trigger "
            f"LANGUAGE plpgsql AS $$ BEGIN IF {same} AND {APPROVED} THEN RETURN NEW; END IF; "
            f"RAISE EXCEPTION '{WORDS}'; END $$"
        ),
        "DROP TRIGGER IF EXISTS capture_formversion_no_change ON capture_formversion",
        (
            "CREATE TRIGGER capture_formversion_no_change BEFORE DELETE OR TRUNCATE "
            "ON capture_formversion FOR EACH STATEMENT EXECUTE FUNCTION capture_refuse()"
        ),
        (
            "CREATE OR REPLACE TRIGGER capture_formversion_redaction BEFORE UPDATE "
            "ON capture_formversion FOR EACH ROW EXECUTE FUNCTION capture_refuse_but_redaction()"
        ),
        (
            f"CREATE OR REPLACE TRIGGER {kept}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE "
            f"ON {kept} FOR EACH STATEMENT EXECUTE FUNCTION capture_refuse()"
        ),
    ]


def keeping_statements(vendor: str) -> list[str]:
    """The SQL that, after `statements`, refuses to delete a row of the tables in `KEPT`.

    On SQLite a migration that makes such a table anew takes its trigger along: it runs these
    statements again (``tests/capture/test_nothing_is_deleted.py`` finds a trigger that is gone).
    """
    if vendor == "sqlite":
        return [
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_delete BEFORE DELETE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{WORDS}'); END"
            for table in KEPT
        ]
    return [
        f"CREATE OR REPLACE TRIGGER {table}_no_delete BEFORE DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION capture_refuse()"
        for table in KEPT
    ]


def lifted(vendor: str) -> list[str]:
    """The SQL that takes every trigger away: only for tests that empty their database."""
    if vendor == "sqlite":
        both: tuple[str, ...] = ("update", "delete")
        acts = dict.fromkeys(TABLES, both) | dict.fromkeys(KEPT, both[1:])
        names = (f"{table}_no_{act}" for table, each in acts.items() for act in each)
        return [f"DROP TRIGGER IF EXISTS {name}" for name in names]
    return ["DROP FUNCTION IF EXISTS capture_refuse() CASCADE"]


def all_statements(vendor: str) -> list[str]:
    """The SQL of every trigger, in the order in which it is run."""
    return [*statements(vendor), *redaction_statements(vendor), *keeping_statements(vendor)]
