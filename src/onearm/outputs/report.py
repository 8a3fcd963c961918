"""The report: chapters in the order of ICH E3, sentences from results, facts from the study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from onearm.errors import Finding
from onearm.outputs import methods
from onearm.outputs.document import (
    Block,
    Cards,
    CardText,
    Chapter,
    Document,
    Facts,
    Minor,
    Paragraph,
    Picture,
)
from onearm.outputs.labels import Labels
from onearm.outputs.monitoring import monitoring
from onearm.outputs.numbers import Numbers, Piece, fill
from onearm.outputs.table import Table
from onearm.study import Study
from onearm.study.outputs import Outputs, Section

EXAMPLES = 3
"""So many places are named for each rule in the chapter on data findings."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a report is put together from."""

    study: Study
    outputs: Outputs
    numbers: Numbers
    labels: Labels
    findings: Sequence[Finding]
    made: Mapping[str, Table | Picture]
    cut: date | None
    is_simulated: bool = False
    marker_blocks: Sequence[Block] = ()


def build_report(parts: Parts) -> Document:
    """The report of ``outputs.yaml``: every section, and at the end what no section has shown.

    Outputs that no section names follow in a last chapter, so that none is lost.
    """
    outputs, labels = parts.outputs, parts.labels
    chapters = [_chapter(section, parts) for section in outputs.report.sections]
    named = {number for section in outputs.report.sections for number in section.outputs}
    rest = [block for number, block in parts.made.items() if number not in named]
    if rest:
        chapters.append(Chapter("", labels("further_outputs"), list(rest)))
    day = parts.cut or date(1970, 1, 1)
    return Document(
        title=labels.of(outputs.report.title),
        study_id=parts.study.id,
        study_title=labels.of(parts.study.title),
        sponsor=labels.of(parts.study.identity.sponsor),
        date=(day.year, day.month, day.day),
        cut=parts.cut.isoformat() if parts.cut else labels("no_cut"),
        version=parts.study.version,
        chapters=tuple(chapters),
        labels=labels,
        abbreviations=tuple((k, labels.of(v)) for k, v in outputs.report.abbreviations.items()),
        notice=labels("simulated") if parts.is_simulated else "",
    )


def _chapter(section: Section, parts: Parts) -> Chapter:
    chapter = Chapter(section.number, parts.labels.of(section.title))
    chapter.blocks += [_paragraph(parts.labels.of(words), parts) for words in section.text]
    if section.part:
        chapter.blocks += PARTS[section.part](parts)
    chapter.blocks += [parts.made[n] for n in section.outputs if n in parts.made]
    return chapter


def _paragraph(template: str, parts: Parts) -> Paragraph:
    return Paragraph(fill(template, parts.numbers.by_id))


def _key_results(parts: Parts) -> Iterator[Block]:
    yield Cards(
        tuple(
            CardText(
                parts.labels.of(card.label),
                fill(card.value, parts.numbers.by_id),
                fill(parts.labels.of(card.detail), parts.numbers.by_id),
            )
            for card in parts.outputs.report.key_results
        )
    )


def _objectives(parts: Parts) -> Iterator[Block]:
    words = parts.labels.of
    yield Facts(
        tuple(map(parts.labels, ("outcome_type", "outcome", "definition", "time_frame"))),
        tuple(
            plain(parts.labels(f"type_{o.type}"), words(o.measure), words(o.description),
                  words(o.time_frame))
            for o in parts.study.outcomes
        ),
        widths=(0.12, 0.26, 0.46, 0.16),
    )  # fmt: skip


def _design(parts: Parts) -> Iterator[Block]:
    study, label, words = parts.study, parts.labels, parts.labels.of
    identity = study.identity
    doses = "; ".join(
        f"{words(t.label)} " + label("or").join(
            f"{d.amount:g} {t.unit} {t.frequency}" + (f" ({d.when})" if d.when else "")
            for d in t.doses
        )
        for t in study.treatments
    )  # fmt: skip
    facts = {
        "population": words(identity.population),
        "phase": identity.phase_as_registered or identity.phase,
        "enrolment": f"{identity.enrolment.planned or ''} {identity.enrolment.unit}".strip(),
        "treatment": doses,
        "cohorts": "; ".join(f"{c.code}: {words(c.label)}" for c in study.cohorts),
        "assessments": _assessments(parts),
        "dictionaries": "; ".join(
            f"{d.name} {d.version or label('no_version')}" for d in study.dictionaries.values()
        ),
    }
    rows = tuple(plain(label(key), text) for key, text in facts.items() if text)
    yield Facts((label("item"), label("content")), rows, widths=(0.22, 0.78))


def _assessments(parts: Parts) -> str:
    schedule = parts.study.schedule
    if schedule is None or schedule.tumour_assessments is None:
        return ""
    plan = schedule.tumour_assessments
    return parts.labels("every", days=plan.interval_days, window=plan.window_days)


def _findings(parts: Parts) -> Iterator[Block]:
    """Findings by rule: how many, how grave, what is wrong, and the first places."""
    label = parts.labels
    groups: dict[str, list[Finding]] = {}
    for finding in parts.findings:
        groups.setdefault(finding.rule, []).append(finding)
    if not groups:
        yield Paragraph((Piece(label("no_findings")),))
        return
    rows = []
    for rule, group in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        first = group[0]
        examples = "; ".join(str(f.place) for f in group[:EXAMPLES])
        more = " …" if len(group) > EXAMPLES else ""
        rows.append(plain(rule, label(f"severity_{first.severity}"), str(len(group)),
                          first.message, examples + more))  # fmt: skip
    yield Facts(
        tuple(map(label, ("rule", "severity", "count", "message", "examples"))),
        tuple(rows),
        widths=(0.13, 0.09, 0.07, 0.37, 0.34),
    )


def _methods(parts: Parts) -> Iterator[Block]:
    for title, facts in methods.sections(parts.study, parts.labels):
        yield Minor(title)
        yield facts


def _registry(parts: Parts) -> Iterator[Block]:
    """One row an outcome of the registry; those without a result say so."""
    words, label = parts.labels.of, parts.labels
    entered: dict[str, list[tuple[str, str, str]]] = {}
    for row in parts.outputs.report.registry:
        entered.setdefault(row.outcome, []).append(
            (words(row.analysis), row.value, words(row.note))
        )
    rows: list[tuple[tuple[Piece, ...], ...]] = []
    for outcome in parts.study.outcomes:
        head = (
            (Piece(label(f"type_{outcome.type}")),),
            (Piece(words(outcome.measure)),),
            (Piece(words(outcome.time_frame)),),
        )
        for analysis, value, note in entered.get(outcome.id, [("", label("no_result"), "")]):
            text = f"{analysis}. {note}" if note else analysis
            rows.append((*head, (Piece(text),), fill(value, parts.numbers.by_id)))
    headings = ("outcome_type", "outcome", "time_frame", "analysis", "value")
    yield Facts(tuple(map(label, headings)), tuple(rows), widths=(0.11, 0.2, 0.11, 0.34, 0.24))


def _monitoring(parts: Parts) -> Iterable[Block]:
    return monitoring(parts.study, parts.numbers, parts.labels)


def _biomarkers(parts: Parts) -> Iterator[Block]:
    """The chapter on markers, or the sentence that there are no assays."""
    if parts.marker_blocks:
        yield from parts.marker_blocks
    else:
        yield Paragraph((Piece(parts.labels("marker_no_assays")),))


def plain(*texts: str) -> tuple[tuple[Piece, ...], ...]:
    """Cells of words without results."""
    return tuple((Piece(text),) for text in texts)


PARTS: Mapping[str, Callable[[Parts], Iterable[Block]]] = {
    "key_results": _key_results,
    "objectives": _objectives,
    "biomarkers": _biomarkers,
    "design": _design,
    "findings": _findings,
    "monitoring": _monitoring,
    "methods": _methods,
    "registry": _registry,
}
"""What a section may be filled with by its ``part``."""
