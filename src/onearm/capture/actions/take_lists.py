"""Lists taken along as CSV, as the trail, a dashboard, the journal; the trail keeps who took it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from onearm.capture import access, clock, journal, permissions, trail, zones
from onearm.capture.dashboards import table_of
from onearm.capture.lockcheck import checklist
from onearm.capture.models import AuditEvent, Hold
from onearm.capture.trail_reading import COLUMNS, lines, reader
from onearm.capture.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from onearm.capture.actions.hold import Held
    from onearm.capture.dashboards import Dashboard
    from onearm.capture.models import Reconciliation, Site, User
    from onearm.capture.review_aids import Aid, Scope
    from onearm.capture.trail_reading import Wanted

MARK = "\ufeff"
"""The byte-order mark by which spreadsheets know UTF-8."""

ACCESS = ("user", "name", "role", "site", "from", "to", "trained", "given_by")
LOCK_REPORT = ("kind", "what", "open", "text", "who", "at", "reason")
RECONCILIATION = (
    "fate", "subject", "term_here", "term_there", "onset_here", "onset_there", "serious_here",
    "serious_there", "differs",
)  # fmt: skip


def take_trail(user: User, wanted: Wanted) -> Iterator[str]:
    """Every line of the trail that fits and that the person may read, as lines of CSV.

    Raises `permissions.NotAllowed`, at once and not with the first line.
    """
    today = clock.now().date()
    actor = reader(user, today)
    trail.record(
        "access",
        "trail.export",
        actor=actor,
        details={
            "from": str(wanted.begins or ""),
            "to": str(wanted.ends or ""),
            "user": wanted.user,
            "text": wanted.text,
            "kind": wanted.kind,
        },
    )
    return _lines([COLUMNS], (line.cells for line in lines(user, wanted, today)))


def take_access(user: User, day: date) -> Iterator[str]:
    """Who could do what on a day, as lines of CSV. Raises `permissions.NotAllowed`."""
    actor = permissions.actor(user, "access.log", None, clock.now().date())
    trail.record("accounts", "access.export", actor=actor, details={"day": str(day)})
    return _lines([ACCESS], map(_access_row, access.authorised(day)), mark="")


def take_dashboard(user: User, one: Dashboard, sites: Sequence[Site]) -> Iterator[str]:
    """A dashboard of sites as lines of CSV, under its headings in the person's language.

    Raises `permissions.NotAllowed` where the right that the file needs does not reach a site.
    """
    today = clock.now().date()
    actors = [permissions.actor(user, one.download, site, today) for site in sites]
    table = table_of(one, sites)
    trail.record(
        "study",
        "export",
        actor=actors[0],
        site=sites[0] if len(sites) == 1 else None,
        target=f"dashboard:{one.name}",
        details={"sites": [site.code for site in sites], "rows": len(table.rows)},
    )
    return _lines([table.headings], ([cell.plain for cell in row] for row in table.rows))


def take_journal(user: User) -> Iterator[str]:
    """Every incident and change that the person may read, one row an act, as lines of CSV.

    Raises `permissions.NotAllowed`.
    """
    today = clock.now().date()
    actor = permissions.actor(user, "journal.view", None, today)
    found = journal.cases(user, today)
    trail.record("exports", "journal.export", actor=actor, details={"cases": len(found)})
    return _lines([journal.COLUMNS], journal.rows(found), mark="")


def take_review(user: User, aid: Aid, scope: Scope) -> Iterator[str]:
    """One list of what calls for a look, with all its rows, as lines of CSV.

    Raises `permissions.NotAllowed` where the right does not reach one of the sites.
    """
    today = clock.now().date()
    actor = permissions.actor(user, "review.aids", None, today)
    for site in scope.sites:
        permissions.actor(user, "review.aids", site, today)
    table = aid.table(scope)
    trail.record(
        "exports",
        "export",
        actor=actor,
        site=scope.sites[0] if len(scope.sites) == 1 else None,
        target=f"review:{aid.name}",
        details={"from": str(scope.begins), "to": str(scope.ends), "rows": len(table.rows)},
    )
    return _lines([table.headings], ([cell.plain for cell in row] for row in table.rows))


def take_checks(
    user: User, number: int, what: str, headings: Sequence[str], rows: Iterable[Sequence[str]]
) -> Iterator[str]:
    """The checks of a version, or its cases as they came out now, as lines of CSV.

    Who may see the version is the caller's question (`visible.version`). Raises
    `permissions.NotAllowed` for who may see none.
    """
    actor = permissions.actor(user, "study.view", None, clock.now().date())
    trail.record(
        "study", "study.checks", actor=actor, target=f"version {number}", details={"as": what}
    )
    return _lines([headings], rows)


def take_reconciliation(user: User, one: Reconciliation) -> Iterator[str]:
    """A comparison with the safety database, a line an event, as lines of CSV.

    It holds every site's events: raises `permissions.NotAllowed` for who does not follow the safety
    of all.
    """
    actor = permissions.actor(user, "safety.view", None, clock.now().date())
    details = {"rows": len(one.lines)}
    trail.record(
        "exports", "export", actor=actor, target=f"reconciliation {one.pk}", details=details
    )
    return _lines([RECONCILIATION], map(_reconciled_row, one.lines))


def take_lock_report(user: User, held: Held) -> Iterator[str]:
    """The checklist of a target with everything that is open, and every hold ever set or lifted on
    it or above it, as lines of CSV: a row a point, an open thing, a hold and a lift.

    Raises `permissions.NotAllowed`.
    """
    actor = permissions.actor(user, "subject.view", held.site, clock.now().date())
    rows = [*_point_rows(held), *_hold_rows(held)]
    trail.record(
        f"subject:{held.subject.code}" if held.subject else "study",
        "export",
        actor=actor,
        site=held.site,
        target=f"lock_report:{held.target}",
        details={"rows": len(rows)},
    )
    return _lines([LOCK_REPORT], rows)


def _lines(*parts: Iterable[Sequence[object]], mark: str = MARK) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    text.write(mark)
    for part in parts:
        for row in part:
            writer.writerow(trail.plain_cell(cell) for cell in row)
            yield text.getvalue()
            text.seek(0)
            text.truncate()


def _access_row(row: access.Authorised) -> list[object]:
    grant = row.grant
    return [
        grant.user.username,
        grant.user.get_full_name(),
        grant.role,
        grant.site.code if grant.site else "",
        grant.begins,
        grant.ends,
        grant.user.trained_on,
        grant.given_by.username if grant.given_by else "",
    ]


def _reconciled_row(line: dict[str, Any]) -> list[object]:
    cells = {**line, "differs": ", ".join(line["differs"])}
    return [cells[name] for name in RECONCILIATION]


def _point_rows(held: Held) -> Iterator[tuple[str, ...]]:
    for point in checklist(held.site, held.subject, held.event, held.form):
        text = point.text if point.open else say(f"lock.met_{point.key}")
        yield ("point", point.key, str(point.open), text, "", "", "")
        for one in point.examples:
            yield ("open", point.key, "", one, "", "", "")


def _hold_rows(held: Held) -> Iterator[tuple[str, ...]]:
    found = Hold.objects.filter(target__in=[held.target, *held.above])
    for hold in found.select_related("set_by", "lifted_by").order_by("pk"):
        kind, set_at = say(f"hold.{hold.kind}"), _shown(hold.set_at, held)
        yield ("hold", hold.target, "", kind, _name(hold.set_by), set_at, hold.reason)
        if hold.lifted_at is not None and hold.lifted_by is not None:
            at, why = _shown(hold.lifted_at, held), _why_lifted(hold)
            yield ("lift", hold.target, "", kind, _name(hold.lifted_by), at, why)


def _why_lifted(hold: Hold) -> str:
    """The reason of the act that lifted a hold: the trail keeps it."""
    acts = AuditEvent.objects.filter(
        action=f"lift.{hold.kind}", target=hold.target, at__gte=hold.lifted_at
    )
    return acts.order_by("at", "pk").values_list("reason", flat=True).first() or ""


def _shown(at: datetime, held: Held) -> str:
    """A moment in the zone of the site; in UTC where the target is the study."""
    return zones.shown(at, held.site) if held.site else f"{at:%Y-%m-%d %H:%M:%S} (UTC)"


def _name(user: User) -> str:
    return user.get_full_name() or user.username
