"""The methods appendix: sets, response rules, times to event, assumptions, read from the study."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onearm.outputs.document import Facts
from onearm.outputs.labels import Labels
from onearm.outputs.numbers import Piece
from onearm.study import Study
from onearm.study.endpoints import Endpoint, Rule


def sections(study: Study, labels: Labels) -> Iterator[tuple[str, Facts]]:
    """Title and table of each part of the appendix that the study's files fill."""
    for key, facts in (
        ("analysis_sets", _sets(study, labels)),
        ("response_rules", _responses(study, labels)),
        ("time_rules", _times(study, labels)),
        ("safety_rules", _safety(study, labels)),
        ("analyses_done", _analyses(study, labels)),
        ("assumptions", _assumptions(study, labels)),
    ):
        if facts.rows:
            yield labels(key), facts


def _facts(labels: Labels, headings: str, rows: Sequence[tuple[str, ...]], *widths: float) -> Facts:
    pieces = tuple(tuple((Piece(text),) for text in row) for row in rows)
    return Facts(tuple(map(labels, headings.split())), pieces, widths)


def _sets(study: Study, labels: Labels) -> Facts:
    rows = []
    for name, chosen in study.analyses.sets.items() if study.analyses else ():
        definition = labels.of(chosen.definition) if chosen.definition else ""
        rows.append((name, labels.of(chosen.label), definition, chosen.when))
    for group in study.subjects.sets if study.subjects else ():
        needs = "; ".join(f"{r.when} ({r.says})" for r in group.require)
        rows.append((group.name, labels.of(group.label) if group.label else "", "", needs))
    return _facts(labels, "name set definition condition", rows, 0.14, 0.2, 0.27, 0.39)


def _responses(study: Study, labels: Labels) -> Facts:
    rows: list[tuple[str, ...]] = []
    for block in study.endpoints.responses if study.endpoints else ():
        who = f"{block.category}, {block.reader}"
        here = [(name, f"{v}") for name, v in {**block.parameters, **block.constants}.items()]
        here += [(f"{a.param}: {labels.of(a.label)}", a.when or a.kind) for a in block.answers]
        # The reading is named once, on its first line.
        rows += [(who if i == 0 else "", *line) for i, line in enumerate(here)]
    return _facts(labels, "reading parameter rule_or_value", rows, 0.18, 0.34, 0.48)


def _times(study: Study, labels: Labels) -> Facts:
    """Every line of every time to an event, in the order in which it is tried."""
    rows = []
    for endpoint in study.endpoints.endpoints if study.endpoints else ():
        name = f"{endpoint.endpoint}: {labels.of(endpoint.label)}"
        for place, rule in _ordered(endpoint):
            rows.append((name, labels(f"rule_{place}"), rule.id, _line(rule, labels)))
            name = ""
    return _facts(labels, "endpoint step rule definition", rows, 0.24, 0.1, 0.2, 0.46)


def _ordered(endpoint: Endpoint) -> Iterator[tuple[str, Rule]]:
    yield "from", endpoint.start
    for place, rule in endpoint.lines():
        if place[0] != "from":
            yield str(place[0]), rule


def _line(rule: Rule, labels: Labels) -> str:
    says = f"{labels.of(rule.says)}: " if rule.says else ""
    days = getattr(rule, "days", None)
    limit = f" > {days} d" if days else ""
    where = " AND ".join(x for x in (rule.when, rule.of) if x)
    return f"{says}{rule.in_}.{rule.date}{limit}" + (f" [{where}]" if where else "")


def _safety(study: Study, labels: Labels) -> Facts:
    events = study.endpoints.adverse_events if study.endpoints else None
    rows = []
    if events is not None:
        rows += [
            (labels("emergent"), labels("emergent_until", days=events.window_days)),
            (labels("emergent_long"),
             labels("emergent_until", days=events.long_window_days) + f" [{events.long_when}]"),
            (labels("related"), ", ".join(events.related_values)),
        ]  # fmt: skip
        if events.leave_out:
            rows.append((labels("left_out"), events.leave_out))
    return _facts(labels, "item rule_or_value", rows, 0.3, 0.7)


def _analyses(study: Study, labels: Labels) -> Facts:
    rows = []
    for analysis in study.analyses.analyses if study.analyses else ():
        reads = f"{analysis.dataset} {analysis.parameter}".strip()
        when = f" [{analysis.when}]" if analysis.when else ""
        title = labels.of(analysis.title)
        rows.append(
            (analysis.id, title, f"{analysis.kind}: {analysis.chosen_method}"
             if analysis.methods else analysis.kind, analysis.set, reads + when)
        )  # fmt: skip
    return _facts(labels, "name title method set data", rows, 0.19, 0.25, 0.17, 0.13, 0.26)


def _assumptions(study: Study, labels: Labels) -> Facts:
    rows = [(labels.of(a.statement), a.value, a.source) for a in study.assumptions]
    return _facts(labels, "assumption value source", rows, 0.32, 0.36, 0.32)
