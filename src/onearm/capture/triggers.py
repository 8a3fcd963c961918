"""Triggers by which the database itself refuses to change or delete history."""

from __future__ import annotations

TABLES = ("capture_formversion", "capture_auditevent", "capture_queryentry", "capture_anchor")
WORDS = "history is never changed or deleted"


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
