"""The tables of the dashboards: accrual, visits, forms, queries, verification, signatures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from onearm.capture import enrolment, overview, verification, zones
from onearm.capture.models import FormInstance, Query, Signature, Site, Subject
from onearm.capture.safety import event_rows
from onearm.capture.words import said, say

if TYPE_CHECKING:
    from onearm.capture.month import Planned
    from onearm.capture.overview import Overview
    from onearm.study import Study

BANDS = ((0, 7), (8, 14), (15, 30), (31, 60), (61, None))
"""Days since a query last moved."""

MARKS = {
    "done": "●",
    "partly": "◐",
    "done outside window": "▲",
    "overdue": "!",
    "in window": "○",
    "due": "◇",
    "missed": "×",
    "not required": "–",
    "not due": "",
}
"""How the visit matrix shows a visit; ``partly`` took place and lacks forms."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, where it leads, how it looks, and its words where the text is a sign."""

    text: str
    url: str = ""
    css: str = ""
    title: str = ""

    @property
    def plain(self) -> str:
        """What stands in a file: words rather than a sign."""
        return self.title or self.text


@dataclass(frozen=True, slots=True)
class Table:
    """A dashboard as rows under headings."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Each heading with the look of its column's first cell."""
        looks = [cell.css for cell in self.rows[0]] if self.rows else [""] * len(self.headings)
        return list(zip(self.headings, looks, strict=True))


def accrual(sites: Sequence[Site], views: Sequence[Overview]) -> Table:
    """One row a site and one for all: screened, failed, enrolled, its cap or the plan."""
    by_site: dict[int, Counter[str]] = defaultdict(Counter)
    for subject in Subject.objects.filter(site__in=list(sites)).order_by():
        by_site[subject.site_id]["screened"] += 1
        by_site[subject.site_id]["failed"] += subject.stage == Subject.Stage.FAILED
        by_site[subject.site_id]["enrolled"] += subject.stage in enrolment.IN_STUDY
    planned = views[0].study.identity.enrolment.planned if views else None
    rows = [_accrual_row(site.code, by_site[site.pk], site.cap) for site in sites]
    total: Counter[str] = sum(by_site.values(), Counter())
    rows.append(_accrual_row(say("dash.all"), total, planned))
    names = ("column.site", "dash.screened", "stage.failed", "stage.enrolled", "dash.planned")
    return Table(tuple(map(say, names)), tuple(rows))


def matrix(views: Sequence[Overview], only: str = "") -> Table:
    """One row a subject, one column a visit; ``only`` keeps the repeats of one visit."""
    columns: dict[tuple[str, int], tuple[float, str]] = {}
    for view in views:
        for row in view.planned:
            visit = row.visit
            if not only or visit.id == only:
                number = visit.number + (row.repeat - 1) * visit.step
                columns[visit.id, row.repeat] = (number, overview.label(visit, row.repeat))
    order = sorted(columns, key=lambda key: columns[key])
    rows = [
        (Cell(view.subject.code, _subject_url(view.subject.code)), *_matrix_row(view, order))
        for view in views
    ]
    return Table((say("column.subject"), *(columns[key][1] for key in order)), tuple(rows))


def visit_state(view: Overview, row: Planned) -> str:
    """The status of a visit, ``partly`` where it took place and forms are missing or incomplete."""
    if not row.status.startswith("done"):
        return row.status
    forms = (view.forms.get((row.visit.id, row.repeat, form)) for form in row.visit.forms)
    return row.status if all(at and at.is_complete for at in forms) else "partly"


def missing(views: Sequence[Overview]) -> Table:
    """One row a form that a visit lacks, or that lacks something required."""
    rows = [
        (
            Cell(view.subject.site.code),
            Cell(view.subject.code, _subject_url(view.subject.code)),
            Cell(overview.label(row.visit, row.repeat)),
            Cell(
                said(view.study.forms[form].label),
                _form_url(view.subject.code, row.visit.id, row.repeat, form),
            ),
            Cell(f"{row.happened.date}" if row.happened and row.happened.date else ""),
            Cell(say("month.unsaved" if at is None else "month.begun")),
        )
        for view in views
        for row, form, at in view.missing()
    ]
    names = ("site", "subject", "visit", "form", "date", "status")
    return Table(tuple(say(f"column.{name}") for name in names), tuple(rows))


def ageing(sites: Sequence[Site]) -> Table:
    """One row a site and whose turn it is: live queries by days since they last moved."""
    counts: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    days = {site.pk: zones.today(site) for site in sites}
    live = Query.objects.filter(subject__site__in=list(sites), state__in=Query.LIVE).order_by()
    known = {site.pk: site for site in sites}
    for site, state, at in live.values_list("subject__site", "state", "changed_at"):
        age = (days[site] - at.astimezone(zones.zone(known[site])).date()).days
        band = next(i for i, (_, high) in enumerate(BANDS) if high is None or age <= high)
        counts[known[site].code, state][band] += 1
    rows = []
    for site in sites:
        for state, turn in ((Query.State.OPEN, "site"), (Query.State.ANSWERED, "asker")):
            mine = counts[site.code, state]
            cells = [Cell(str(mine[i] or ""), css="number") for i in range(len(BANDS))]
            total = Cell(str(sum(mine.values())), css="number")
            url = f"/queries?site={site.code}&turn={turn}"
            rows.append((Cell(site.code), Cell(say(f"turn.{turn}"), url), *cells, total))
    bands = [f"{low}–{high}" if high else f"≥ {low}" for low, high in BANDS]
    names = (say("column.site"), say("query.turn"), *(f"{b} {say('query.days')}" for b in bands))
    return Table((*names, say("dash.sum")), tuple(rows))


def compared(views: Sequence[Overview]) -> Table:
    """One row a form of the study: values to compare by plan, compared, changed since."""
    by, sums = verification.plan(), defaultdict[str, Counter[str]](Counter)
    study = views[0].study if views else None
    subjects = {at.pk: view.subject.code for view in views for at in view.forms.values()}
    instances = FormInstance.objects.filter(pk__in=subjects).only("pk", "form", "data")
    for form, one in _verified(study, instances, subjects, by):
        sums[form]["planned"] += len(one.planned)
        sums[form]["done"] += len(one.done)
        sums[form]["changed"] += len(one.changed)
    rows = []
    for name, form_ in study.forms.items() if study else ():
        mine = sums[name]
        if mine["planned"] or mine["changed"]:
            share = f"{100 * mine['done'] / mine['planned']:.0f}" if mine["planned"] else ""
            numbers = (mine["planned"], mine["done"], mine["changed"], share)
            rows.append((Cell(said(form_.label)), *(Cell(str(n), css="number") for n in numbers)))
    names = ("column.form", "dash.to_compare", "dash.compared", "dash.changed", "dash.percent")
    return Table(tuple(map(say, names)), tuple(rows))


def signatures(views: Sequence[Overview]) -> Table:
    """One row a subject: forms saved, complete, signed; signatures that a change broke."""
    broken = Counter(
        Signature.objects.filter(subject__in=[v.subject.pk for v in views])
        .exclude(broken_at=None)
        .values_list("subject", flat=True)
    )
    rows = []
    for view in views:
        forms = list(view.forms.values())
        counts = (
            len(forms),
            sum(at.is_complete for at in forms),
            sum(at.is_signed for at in forms),
            broken[view.subject.pk],
        )
        code = view.subject.code
        first = (Cell(view.subject.site.code), Cell(code, f"/sign/subject:{code}"))
        rows.append((*first, *(Cell(str(n), css="number") for n in counts)))
    names = ("column.site", "column.subject", "dash.forms", "dash.complete", "dash.signed")
    return Table((*map(say, names), say("dash.broken")), tuple(rows))


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard: how its table is made, and the right that its file needs."""

    name: str
    table: Callable[[Sequence[Site], Sequence[Overview]], Table]
    download: str = "subject.view"
    reads_schedules: bool = True


def serious(sites: Sequence[Site]) -> Table:
    """One row a serious event: its clock and its reports."""
    rows = tuple(
        (
            Cell(row.subject),
            Cell(row.term, f"/serious/{row.event.pk}"),
            Cell(row.aware),
            Cell(row.due),
            Cell(row.reported),
            Cell(str(row.reports), css="number"),
            Cell(say(f"sae.{row.state}"), css=f"sae-{row.state}"),
        )
        for row in event_rows(sites)
    )
    names = ("aware", "due", "first", "reports", "state")
    headings = (say("column.subject"), say("sae.term"), *(say(f"sae.{n}") for n in names))
    return Table(headings, rows)


ALL = {
    each.name: each
    for each in (
        Dashboard("accrual", accrual),
        Dashboard("matrix", lambda sites, views: matrix(views)),
        Dashboard("missing", lambda sites, views: missing(views)),
        Dashboard("queries", lambda sites, views: ageing(sites), reads_schedules=False),
        Dashboard("verification", lambda sites, views: compared(views)),
        Dashboard("serious", lambda sites, views: serious(sites), "export", reads_schedules=False),
        Dashboard("signatures", lambda sites, views: signatures(views)),
    )
}


def views_for(one: Dashboard, sites: Sequence[Site]) -> list[Overview]:
    """The subjects of sites as a dashboard reads them; none where it looks at no schedule."""
    if not one.reads_schedules:
        return []
    return overview.overviews(Subject.objects.filter(site__in=[site.pk for site in sites]))


def table_of(one: Dashboard, sites: Sequence[Site]) -> Table:
    """The table of a dashboard for sites."""
    return one.table(sites, views_for(one, sites))


def enrolled_days(sites: Iterable[Site]) -> list[date]:
    """The days of enrolment, in order; subjects whose day is not known are left out."""
    found = Subject.objects.filter(site__in=list(sites), stage__in=enrolment.IN_STUDY)
    return sorted(found.exclude(enrolled_on=None).values_list("enrolled_on", flat=True))


def _accrual_row(name: str, counts: Counter[str], planned: int | None) -> tuple[Cell, ...]:
    numbers = [str(counts[key]) for key in ("screened", "failed", "enrolled")]
    numbers.append("" if planned is None else str(planned))
    return (Cell(name), *(Cell(number, css="number") for number in numbers))


def _matrix_row(view: Overview, order: Sequence[tuple[str, int]]) -> list[Cell]:
    rows = {(row.visit.id, row.repeat): row for row in view.planned}
    found = []
    for key in order:
        row = rows.get(key)
        state = visit_state(view, row) if row else "not due"
        if row is None or not MARKS[state]:
            found.append(Cell(""))
            continue
        url = _form_url(view.subject.code, row.visit.id, row.repeat, row.visit.forms[0])
        found.append(Cell(MARKS[state], url, state.replace(" ", "-"), say(f"status.{state}")))
    return found


def _verified(
    study: Study | None,
    instances: Iterable[FormInstance],
    subjects: dict[int, str],
    by: verification.Plan,
) -> list[tuple[str, verification.Verified]]:
    if study is None:
        return []
    forms = list(instances)
    found = verification.verified(study, forms, subjects, by)
    return [(form.form, found[form.pk]) for form in forms]


def _subject_url(code: str) -> str:
    return f"/subjects/{code}"


def _form_url(code: str, visit: str, repeat: int, form: str) -> str:
    return f"/subjects/{code}/{visit}/{repeat}/{form}"
