"""Forms of a subject with everything known of them, gathered in few queries, as sheets of paper."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onearm.capture import overview, places, trail_words, verification, wording, words
from onearm.capture.actions import sign
from onearm.capture.document import KEY, NULL, REMOVED, Document, applied, empty
from onearm.capture.kept_words import said as reason_said
from onearm.capture.models import (
    AuditEvent,
    FormInstance,
    FormVersion,
    Hold,
    Query,
    QueryEntry,
    Redaction,
    Signature,
)
from onearm.capture.printing.answers import (
    Reader,
    answer,
    item_of,
    known,
    label_of,
    moment,
    paper_words,
    person,
)
from onearm.capture.ranges import USED, Range
from onearm.capture.states import targets
from onearm.capture.studies import study_of
from onearm.capture.surroundings import Place, asked, look_around, visit_order
from onearm.paper.filled import Act, Attached, Cell, Change, FormSheet, Row, Save, Signed, Talk

if TYPE_CHECKING:
    from onearm.capture.models import Attachment, Subject
    from onearm.capture.verification import Verified
    from onearm.study import Study
    from onearm.study.forms import Form


@dataclass(frozen=True, slots=True)
class Papers:
    """What is known of some forms of one subject. By form id unless said otherwise.

    queries are by visit, repeat and form; acts by target. The ones on no form that is printed
    stand under ``("", 1, "")`` and the empty target.
    """

    subject: Subject
    reader: Reader
    forms: tuple[FormInstance, ...]
    versions: Mapping[int, list[FormVersion]]
    verified: Mapping[int, Verified]
    blackened: Mapping[int, set[tuple[int, str]]]
    queries: Mapping[tuple[str, int, str], list[Query]]
    signatures: tuple[tuple[Signature, bool], ...]
    acts: Mapping[str, list[AuditEvent]]
    holds: Mapping[str, list[str]]

    def sheets(self) -> Iterator[FormSheet]:
        """Every form, in the order of visits."""
        for instance in self.forms:
            yield _sheet(self, instance)

    @property
    def heads(self) -> dict[str, str]:
        """By form id the newest hash."""
        return {str(instance.pk): instance.head for instance in self.forms}


def papers(subject: Subject, reader: Reader, only: FormInstance | None = None) -> Papers:
    """Gather the saved forms of a subject, or one of them, as they stand."""
    chosen = FormInstance.objects.filter(event__subject=subject)
    if only is not None:
        chosen = chosen.filter(pk=only.pk)
    related = ("event__subject__site", "study_version")
    forms = chosen.select_related(*related).defer("study_version__files")
    ordered = tuple(sorted(forms.prefetch_related("files__user"), key=_order))
    return Papers(
        subject=subject,
        reader=reader,
        forms=ordered,
        versions=_versions(ordered),
        verified=_verified(ordered, subject),
        blackened=_blackened(ordered),
        queries=_queries(subject),
        signatures=tuple(
            (one, sign.stands(one))
            for one in Signature.objects.filter(subject=subject).order_by("at", "pk")
        ),
        acts=_acts(subject, ordered) if reader.trail else {},
        holds=_holds(ordered),
    )


def talks(papers: Papers, queries: Iterable[Query]) -> tuple[Talk, ...]:
    """Queries with every word, oldest first."""
    return tuple(_talk(papers, query) for query in queries)


def signed(papers: Papers, signature: Signature, *, stands: bool) -> Signed:
    """A signature with what 21 CFR 11.50 asks for: printed name, date and time, meaning."""
    site = papers.subject.site
    broken = ""
    if signature.broken_at is not None:
        by = trail_words.broken_said(signature.broken_by)
        broken = " · ".join(filter(None, (moment(signature.broken_at, site), by)))
    level = signature.target.partition(":")[0]
    return Signed(
        name=f"{signature.printed_name} ({signature.user.username})",
        meaning=known(f"meaning.{signature.meaning}", signature.meaning),
        at=moment(signature.at, site),
        what=paper_words()(f"filled.target.{level}"),
        hash=signature.hash,
        stands=stands,
        broken=broken,
    )


def acts_of(papers: Papers, target: str) -> tuple[Act, ...]:
    """The acts on a form (its target), or with an empty target those on none of the forms."""
    acts = papers.acts.get(target, ())
    named = places.targets_said({act.target for act in acts})
    study = study_of(papers.forms[0].study_version) if papers.forms else None
    return tuple(
        Act(
            at=moment(act.at, papers.subject.site),
            who=person(act.user, act.role),
            what="; ".join(
                filter(
                    None,
                    (
                        trail_words.action_said(act.action),
                        "" if act.target == target else trail_words.target_said(act.target, named),
                        trail_words.details_said(act, study),
                    ),
                )
            ),
            reason=reason_said(act.reason),
        )
        for act in acts
    )


def _order(instance: FormInstance) -> tuple[float, str, int, int]:
    study, event = study_of(instance.study_version), instance.event
    known_visits = {v.id: v for v in study.schedule.visits} if study.schedule else {}
    forms = known_visits[event.visit].forms if event.visit in known_visits else ()
    place = forms.index(instance.form) if instance.form in forms else len(forms)
    return (visit_order(study, event.visit, event.repeat), event.visit, event.repeat, place)


def _versions(forms: Collection[FormInstance]) -> dict[int, list[FormVersion]]:
    found: dict[int, list[FormVersion]] = defaultdict(list)
    newest = {instance.pk: instance.version for instance in forms}
    rows = FormVersion.objects.filter(instance__in=newest).select_related("user", "study_version")
    for version in rows.defer("study_version__files").order_by("instance", "version"):
        # A save that came in between is not part of what is printed.
        if version.version <= newest[version.instance_id]:
            found[version.instance_id].append(version)
    return found


def _verified(forms: Collection[FormInstance], subject: Subject) -> dict[int, Verified]:
    plan = verification.plan()
    by_study: dict[int, list[FormInstance]] = defaultdict(list)
    for instance in forms:
        by_study[instance.study_version_id].append(instance)
    found: dict[int, Verified] = {}
    for mine in by_study.values():
        codes = {instance.pk: subject.code for instance in mine}
        found |= verification.verified(study_of(mine[0].study_version), mine, codes, plan)
    return found


def _blackened(forms: Collection[FormInstance]) -> dict[int, set[tuple[int, str]]]:
    found: dict[int, set[tuple[int, str]]] = defaultdict(set)
    rows = Redaction.objects.filter(instance__in=forms, approved_at__isnull=False)
    for pk, row, item in rows.values_list("instance", "row", "item"):
        found[pk].add((row, item))
    return found


def _queries(subject: Subject) -> dict[tuple[str, int, str], list[Query]]:
    found: dict[tuple[str, int, str], list[Query]] = defaultdict(list)
    rows = Query.objects.filter(subject=subject).prefetch_related("entries__user")
    for query in rows.order_by("opened_at", "pk"):
        found[query.visit, query.repeat, query.form].append(query)
    return found


def _acts(subject: Subject, forms: Collection[FormInstance]) -> dict[str, list[AuditEvent]]:
    """The subject's stream by form; queries and signatures have sections of their own."""
    pks = {str(instance.pk) for instance in forms}
    found: dict[str, list[AuditEvent]] = defaultdict(list)
    rows = AuditEvent.objects.filter(stream=f"subject:{subject.code}").select_related("user")
    for event in rows.order_by("number"):
        level, _, rest = event.target.partition(":")
        pk = rest.partition(":")[0]
        is_here = level in ("form", "item") and pk in pks
        found[f"form:{pk}" if is_here else ""].append(event)
    return found


def _holds(forms: Collection[FormInstance]) -> dict[str, list[str]]:
    """By target the kinds of its holds that are not lifted."""
    named = {name for instance in forms for name in targets(form=instance)}
    found: dict[str, list[str]] = defaultdict(list)
    rows = Hold.objects.filter(target__in=named, lifted_at=None).order_by("pk")
    for target, kind in rows.values_list("target", "kind"):
        found[target].append(kind)
    return found


def _sheet(papers: Papers, instance: FormInstance) -> FormSheet:
    study = study_of(instance.study_version)
    form, event = study.forms[instance.form], instance.event
    queries = papers.queries.get((event.visit, event.repeat, instance.form), [])
    mine = [pair for pair in papers.signatures if str(instance.pk) in pair[0].content]
    checked = papers.verified[instance.pk]
    names = _names(form, instance.data)
    is_signed = any(stands for _, stands in mine)
    sheet = FormSheet(
        title=words.said(form.label),
        visit=_visit(study, event.visit, event.repeat),
        date=event.date.isoformat() if event.date else "",
        state=_state(instance, is_signed=is_signed),
        verified=words.say(f"verify.{checked.state}"),
        head=instance.head,
        version=instance.version,
        facts=(),
        labels=tuple(label_of(form, name) for name in names),
        rows=tuple(_rows(papers, instance, study, names)),
        is_repeating=bool(form.rows),
        saves=tuple(_saves(papers, instance, study)) if papers.reader.trail else None,
        queries=talks(papers, queries),
        open_queries=sum(query.state in Query.LIVE for query in queries),
        signatures=tuple(signed(papers, one, stands=stands) for one, stands in mine),
        acts=acts_of(papers, f"form:{instance.pk}"),
        files=tuple(_file(papers, file) for file in instance.files.all()),
    )
    return replace(sheet, facts=tuple(_facts(papers, instance, sheet)))


def _state(instance: FormInstance, *, is_signed: bool) -> str:
    state = "complete" if instance.is_complete else "begun"
    return words.say(f"form_state.{'signed' if is_signed else state}")


def _visit(study: Study, visit: str, repeat: int) -> str:
    known_visits = {v.id: v for v in study.schedule.visits} if study.schedule else {}
    if visit in known_visits:
        return overview.label(known_visits[visit], repeat)
    return f"{visit} {repeat}" if repeat > 1 else visit


def _facts(papers: Papers, instance: FormInstance, sheet: FormSheet) -> Iterator[tuple[str, str]]:
    say, site = paper_words(), papers.subject.site
    version = instance.study_version
    yield say("filled.subject"), papers.subject.code
    yield say("filled.site"), f"{site.code} {site.name}"
    yield say("filled.visit"), sheet.visit
    yield say("filled.date"), sheet.date or "—"
    yield say("filled.state"), sheet.state
    yield say("filled.verified"), sheet.verified
    yield say("filled.holds"), ", ".join(_held(papers, instance)) or "—"
    yield say("filled.number"), f"{instance.pk} ({instance.form})"
    yield say("filled.version"), str(instance.version)
    yield say("filled.study_version"), f"{version.number} ({version.hash[:12]})"
    yield say("filled.saved"), moment(instance.saved_at, site)


def _held(papers: Papers, instance: FormInstance) -> Iterator[str]:
    held = [target for target in targets(form=instance) if target in papers.holds]
    named = places.targets_said(set(held))
    for target in held:
        for kind in papers.holds[target]:
            yield f"{words.say(f'hold.{kind}')} ({named[target]})"


def _names(form: Form, data: Document) -> list[str]:
    """The form's items, then those that it holds from an older version of the study."""
    names = [item.name for item in form.items]
    held = (name for row in data["rows"] for name in row if not name.startswith("_"))
    return list(dict.fromkeys((*names, *held)))


def _rows(
    papers: Papers, instance: FormInstance, study: Study, names: Collection[str]
) -> Iterator[Row]:
    form = study.forms[instance.form]
    unasked = _unasked(papers, instance, study)
    checked = papers.verified[instance.pk]
    black = papers.blackened.get(instance.pk, set())
    for row in instance.data["rows"]:
        key = row[KEY]
        cells = []
        for name in names:
            cell = answer(study, form, name, row.get(name), names=papers.reader.names)
            where = (key, name)
            if cell.kind == "empty" and where in black:
                cell = Cell(kind="blackened")
            elif cell.kind == "empty" and where in unasked:
                cell = Cell(kind="unasked")
            elif cell.kind != "empty":
                mark = "changed" if where in checked.changed else ""
                mark = mark or ("verified" if where in checked.verified else "")
                cell = replace(cell, mark=mark, note=_range(row, name, cell))
            cells.append(cell)
        yield Row(key, tuple(cells), reason_said(str(row.get(REMOVED) or "")))


def _range(row: Mapping[str, object], name: str, cell: Cell) -> str:
    """The flag of a result and the range that it was compared with when it was saved."""
    used = row.get(USED)
    value = row.get(name)
    if cell.kind != "value" or not isinstance(used, Mapping) or not isinstance(value, str):
        return ""
    if name not in used:
        return ""
    fit = Range(**used[name])
    return f"{fit.flag(value)} ({fit})".strip()


def _unasked(papers: Papers, instance: FormInstance, study: Study) -> set[tuple[int, str]]:
    """Empty cells that skip logic does not ask, as the page would leave them out."""
    form, event = study.forms[instance.form], instance.event
    ruled = [item.name for item in form.items if item.shown_when]
    rows = instance.data["rows"]
    gaps = {(row[KEY], name) for row in rows for name in ruled if not row.get(name)}
    if not gaps:
        return set()
    place = Place(study, papers.subject, event.visit, event.repeat, form)
    follow = asked(look_around(place), instance.data, [row[KEY] for row in rows])
    return gaps - follow.asked


def _saves(papers: Papers, instance: FormInstance, study: Study) -> Iterator[Save]:
    data = empty()
    for version in papers.versions.get(instance.pk, ()):
        changes = tuple(_changes(papers, study, instance.form, data, version.delta["rows"]))
        data = applied(data, version.delta)
        yield Save(
            number=version.version,
            at=moment(version.at, papers.subject.site),
            who=person(version.user, version.role),
            origin=known(f"origin.{version.origin}", version.origin),
            reason=reason_said(version.reason),
            study_version=str(version.study_version.number),
            hash=version.hash,
            changes=changes,
        )


def _changes(
    papers: Papers, study: Study, form_id: str, data: Document, rows: Iterable[dict[str, object]]
) -> Iterator[Change]:
    form = study.forms[form_id]
    before = {row[KEY]: row for row in data["rows"]}
    order = {item.name: place for place, item in enumerate(form.items)}
    for row in rows:
        key = int(str(row[KEY]))
        shown = key if form.rows else 0
        for name in sorted(row, key=lambda name: order.get(name, len(order))):
            old, new = before.get(key, {}).get(name), row[name]
            if name == REMOVED:
                label = words.say("history.row_out" if new else "history.row_back")
                yield Change(shown, label, _reason(old), _reason(new))
            elif not name.startswith("_"):
                was, now = (
                    answer(study, form, name, stored, names=papers.reader.names)
                    for stored in (old, new)
                )
                yield Change(shown, label_of(form, name), was, now)


def _reason(stored: object) -> Cell:
    return Cell(reason_said(str(stored))) if stored else Cell(kind="empty")


def _talk(papers: Papers, query: Query) -> Talk:
    say, site = paper_words(), papers.subject.site
    study = _study_of_query(papers, query)
    form = study.forms.get(query.form) if study else None
    item = item_of(form, query.item) if form else None
    is_hidden = item is not None and item.identifies and not papers.reader.names
    place = [f"{words.say('query.row')} {query.row}"] if query.row and form and form.rows else []
    place.append(label_of(form, query.item) if form and query.item else say("filled.whole_form"))
    question = query.text
    if is_hidden:
        question = say("filled.hidden")
    elif study is not None:
        question = wording.query_text(study, query, _stands(papers, query))
    entries = tuple(
        (
            words.say(f"query.{entry.state}"),
            say("filled.hidden") if is_hidden and entry.user else _said(query, entry),
            person(entry.user),
            moment(entry.at, site),
        )
        for entry in query.entries.all()
    )
    return Talk(query.pk, ", ".join(place), words.say(f"query.{query.state}"), question, entries)


def _said(query: Query, entry: QueryEntry) -> str:
    """What was said beyond the question itself; the system says one thing alone."""
    if entry.user is None:
        return words.say("query.passes") if entry.state == Query.State.CLOSED else ""
    return "" if entry.text == query.text else entry.text


def _study_of_query(papers: Papers, query: Query) -> Study | None:
    """The study version of the form that a query stands on; of any form where it stands on none."""
    at = (query.visit, query.repeat, query.form)
    for instance in papers.forms:
        if (instance.event.visit, instance.event.repeat, instance.form) == at:
            return study_of(instance.study_version)
    return study_of(papers.forms[0].study_version) if papers.forms else None


def _stands(papers: Papers, query: Query) -> str:
    """What stands in the cell that a query is about."""
    at = (query.visit, query.repeat, query.form)
    for instance in papers.forms:
        if (instance.event.visit, instance.event.repeat, instance.form) == at:
            for row in instance.data["rows"]:
                if row[KEY] == (query.row or 1):
                    stored = row.get(query.item)
                    return str(stored.get(NULL)) if isinstance(stored, dict) else str(stored or "")
    return ""


def _file(papers: Papers, file: Attachment) -> Attached:
    at = moment(file.at, papers.subject.site)
    return Attached(file.name, file.size, file.sha256, person(file.user), at)
