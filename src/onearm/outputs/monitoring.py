"""The report's part on the design: where each rule stands, and what may be said of each outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from onearm.outputs.document import Block, Facts, Minor, Paragraph
from onearm.outputs.labels import Labels
from onearm.outputs.layout import NOTHING
from onearm.outputs.numbers import TOTAL, Lookup, Number, Numbers, Piece, fill
from onearm.study import Study
from onearm.study.analyses import RULE_KINDS, Analysis

Cell = tuple[Piece, ...]
ORDER = ("enrolment", "two_stage", "one_sample_log_rank", "one_stage", "boundary")
"""Kinds in the order in which their rules are shown."""


def monitoring(study: Study, numbers: Numbers, labels: Labels) -> Iterator[Block]:
    """Where the rules stand at the data cut, then the outcomes that the design tests.

    A study without a design, or without results of its rules, says so in a sentence.
    """
    plan, design = study.analyses, study.design
    known = [a for a in plan.analyses if numbers.knows(a.id)] if plan else []
    rules = [a for kind in ORDER for a in known if a.kind == kind]
    if design is None or not rules:
        yield Paragraph((Piece(labels("watch_none")),))
        return
    yield Paragraph((Piece(labels(f"watch_{design.status}")),))
    if words := labels.of(design.why):
        yield Paragraph((Piece(words),))
    rows = [_row(rule, numbers, labels) for rule in rules]
    headings = tuple(map(labels, ("watch_rule", "watch_now", "watch_next")))
    yield Facts(headings, tuple(rows), widths=(0.22, 0.34, 0.44))
    for claims in (a for a in known if a.kind == "sequence"):
        yield Minor(labels("watch_claims"))
        yield _claims(claims, study, numbers, labels)


def _row(rule: Analysis, numbers: Numbers, labels: Labels) -> tuple[Cell, Cell, Cell]:
    find = _finder(numbers, rule.id)
    standing = find("standing")
    word = standing.text if standing else ""
    now, following = _KEYS[rule.kind](word, find)
    forecast = _finder(numbers, rule.id, _level(rule, find))

    def lookup(name: str) -> Number | None:
        return find(name) or forecast(name)

    title = (Piece(labels.of(rule.title)),)
    return title, _sentences(now, lookup, labels), _sentences(following, lookup, labels)


def _level(rule: Analysis, find: Lookup) -> str:
    """Where the forecast of a rule stands among the results."""
    if rule.kind == "one_sample_log_rank":
        return "day"
    planned = find("planned")
    return planned.shown("d") if planned else ""


def _finder(numbers: Numbers, analysis: str, level: str = "") -> Lookup:
    end = f".{level}" if level else ""
    return lambda name: numbers.by_id(f"{analysis}.{name}.{TOTAL}{end}")


def _sentences(keys: Iterable[str], lookup: Lookup, labels: Labels) -> Cell:
    """The sentences of these keys, each with its numbers; a blank between two."""
    made: list[Piece] = []
    for key in keys:
        # A full stop in Chinese brings its own space.
        gap = (Piece(" "),) if made and labels.language == "en" else ()
        made += [*gap, *fill(labels(key), lookup)]
    return tuple(made)


Keys = tuple[list[str], list[str]]


def _enrolment(word: str, find: Lookup) -> Keys:
    dosed, planned = _value(find("n")), _value(find("planned"))
    if planned > 0 and dosed >= planned:
        return ["watch_enrolled_full"], ["watch_full"]
    return ["watch_enrolled"], ["watch_forecast"]


def _two_stage(word: str, find: Lookup) -> Keys:
    now = ["watch_responders", f"standing_{word}"]
    if awaited := _value(find("awaited")):
        now.append("watch_awaited_one" if awaited == 1 else "watch_awaited")
    more = find("more")
    out_of_reach = more is None or more.value is None
    following = {
        "before_interim": "watch_interim_lost" if out_of_reach else "watch_interim",
        "second_stage": "watch_final_lost" if out_of_reach else "watch_final",
        "stopped_for_futility": "watch_stopped",
    }.get(word, "watch_inference")
    if word == "second_stage" and more is not None and more.value == 0:
        following = "watch_final_reached"
    after = [following]
    if word in ("before_interim", "second_stage"):
        after.append("watch_odds")
    overruled = find("overruled_N")
    if overruled is not None:
        needs = find("overruled_needs")
        has_cut = needs is not None and needs.value is not None
        after.append("watch_overruled" if has_cut else "watch_overruled_plain")
    if _value(find("beyond")) and word in ("promising", "not_promising"):
        after.append("watch_beyond")
    return now, after


def _one_stage(word: str, find: Lookup) -> Keys:
    more = find("more")
    if word != "open":
        return ["watch_responders", f"standing_{word}"], ["watch_one_stage_p"]
    lost = more is None or more.value is None
    return ["watch_responders"], ["watch_final_lost" if lost else "watch_final"]


def _log_rank(word: str, find: Lookup) -> Keys:
    if word == "no_follow_up":
        return ["standing_no_follow_up"], []
    following = ["watch_log_rank_p"]
    if word == "before_analysis":
        most = find("most_events")
        can = most is not None and most.value is not None
        following = ["watch_most_events" if can else "watch_no_events"]
        if (power := find("power_target")) is not None and power.value is not None:
            following += ["watch_analysis", "watch_chance_then"]
    return ["watch_events", f"standing_{word}"], following


def _boundary(word: str, find: Lookup) -> Keys:
    now = ["watch_boundary", f"standing_{word}"]
    if word != "holds":
        return now, ["watch_posterior"]
    more = find("more")
    can = more is not None and more.value is not None
    return now, ["watch_look" if can else "watch_look_safe", "watch_posterior"]


_KEYS: dict[str, Callable[[str, Lookup], Keys]] = {
    "enrolment": _enrolment,
    "two_stage": _two_stage,
    "one_stage": _one_stage,
    "one_sample_log_rank": _log_rank,
    "boundary": _boundary,
}


def _value(number: Number | None) -> float:
    return number.value if number is not None and number.value is not None else 0.0


def _claims(claims: Analysis, study: Study, numbers: Numbers, labels: Labels) -> Facts:
    """One row an outcome that the design tests, in order, then the other primary ones."""
    design = study.design
    method = design.multiplicity.method if design and design.multiplicity else "descriptive"
    measures = {outcome.id: labels.of(outcome.measure) for outcome in study.outcomes}
    tests = {test.outcome: rule for rule, test in design.tests.items()} if design else {}
    titles = {a.rule: labels.of(a.title) for a in _rule_analyses(study)}
    tested = numbers.levels(claims.id, "OUTCOME")
    rows: list[tuple[Cell, ...]] = []
    for outcome in tested:
        find = _finder(numbers, claims.id, outcome)
        standing = find("standing")
        rows.append(
            (
                (Piece(measures.get(outcome, outcome)),),
                (Piece(titles.get(tests[outcome], "")),),
                fill("{p_value:p}", find),
                fill("{p_adjusted:p}", find),
                (Piece(labels(f"claim_{standing.text}" if standing else "claim_open")),),
            )
        )
    rest = [o for o in study.outcomes if o.type == "primary" and o.id not in tested]
    nothing = (Piece(NOTHING),)
    rows += [
        (
            (Piece(labels.of(o.measure)),),
            nothing,
            nothing,
            nothing,
            (Piece(labels("claim_no_test")),),
        )
        for o in rest
    ]
    headings = ("outcome", "watch_test", "watch_p", "watch_adjusted", "watch_said")
    words = [labels(key) for key in headings]
    words[3] = labels("watch_adjusted", rule=labels(f"rule_{method}"))
    return Facts(tuple(words), tuple(rows), widths=(0.22, 0.24, 0.1, 0.14, 0.3))


def _rule_analyses(study: Study) -> list[Analysis]:
    plan = study.analyses
    return [a for a in plan.analyses if a.kind in RULE_KINDS and a.rule] if plan else []
