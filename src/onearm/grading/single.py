"""One result at a time: the conditions of the table as closures over exact decimals."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from onearm.errors import OnearmError
from onearm.grading.grades import CALCIUM_PER_ALBUMIN, USUAL_ALBUMIN, Term, terms

Values = Mapping[str, Decimal | None]
"""V (value), ULN, LLN and B (baseline); None is unknown."""

NAMES = ("V", "ULN", "LLN", "B")
COMPARE: dict[type[ast.cmpop], Callable[[Decimal, Decimal], bool]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge,
}  # fmt: skip
COMBINE: dict[type[ast.operator], Callable[[Decimal, Decimal], Decimal]] = {
    ast.Add: operator.add, ast.Mult: operator.mul,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """One result with its limits, and the baseline with the limits it had; None is unknown.

    ``unit`` is that of the value, of its limits and of the baseline. ``symptoms`` is Y or N;
    anything else is not known.
    """

    test: str
    value: Decimal | None
    unit: str = ""
    lln: Decimal | None = None
    uln: Decimal | None = None
    base: Decimal | None = None
    base_lln: Decimal | None = None
    base_uln: Decimal | None = None
    symptoms: str | None = None


@dataclass(frozen=True, slots=True)
class Graded:
    """The grade of a result in one direction: 0 where no condition holds.

    ``condition`` is the one that gave the grade, empty for grade 0. ``worst`` is the grade with
    symptoms where they decide and are not known, else the grade itself.
    """

    term: Term
    grade: int
    condition: str
    worst: int


def grade(result: Result, *, table: str = "ctcae5_lab") -> list[Graded]:
    """The grade in each direction that the table has for the test, in the order of the table.

    The rules are those of `add_grades`, one result at a time: a direction is left out where the
    grade is unknown (no value, another unit, a limit that is needed and missing).
    """
    if result.value is None:
        return []
    # A missing baseline counts as normal: no higher than the limit.
    base = result.uln if result.base is None else result.base
    values = {"V": result.value, "ULN": result.uln, "LLN": result.lln, "B": base}
    found = (_graded(term, result, values) for term in _by_test(table).get(result.test, ()))
    return [graded for graded in found if graded is not None]


def corrected_calcium(calcium: Decimal, albumin: Decimal) -> Decimal:
    """Calcium (mmol/L) corrected for albumin (g/L). Source: CTCAE 5.0, hypocalcemia.

    >>> str(corrected_calcium(Decimal("1.95"), Decimal(25)))
    '2.25'
    """
    return calcium + Decimal(CALCIUM_PER_ALBUMIN) * (USUAL_ALBUMIN - albumin)


@cache
def _by_test(table: str) -> dict[str, tuple[Term, ...]]:
    found: dict[str, tuple[Term, ...]] = {}
    for term in terms(table):
        for test in term.tests:
            if any(term.grades):
                found[test] = (*found.get(test, ()), term)
    return found


def _graded(term: Term, result: Result, values: Values) -> Graded | None:
    if term.units and result.unit not in term.units:
        return None
    texts = term.grades
    is_abnormal = any(term.abnormal) and _was_outside(term, result)
    if is_abnormal:
        texts = term.abnormal
    low = _highest(texts, values)
    # The table's conditions with symptoms are for a baseline inside the range.
    high = low if is_abnormal else _highest(texts, values, term.symptomatic)
    chosen = high if result.symptoms == "Y" else low
    if chosen is None:
        return None
    worst = high if result.symptoms not in ("Y", "N") and high is not None else chosen
    return Graded(term, chosen[0], chosen[1], worst[0])


def _was_outside(term: Term, result: Result) -> bool:
    """Whether baseline was outside its range on the term's side; unknown counts as inside."""
    if term.direction == "low":
        limit = result.lln if result.base_lln is None else result.base_lln
        return result.base is not None and limit is not None and result.base < limit
    limit = result.uln if result.base_uln is None else result.base_uln
    return result.base is not None and limit is not None and result.base > limit


def _highest(
    grades: tuple[str, ...], values: Values, besides: tuple[str, ...] = ()
) -> tuple[int, str] | None:
    """The highest grade whose condition holds, with it; 0 where all fail, None where unknown."""
    holds = [
        (number, text, _compiled(text)(values))
        for texts in (grades, besides)
        for number, text in enumerate(texts, start=1)
        if text
    ]
    held = [(number, text) for number, text, answer in holds if answer]
    if held:
        return max(held, key=lambda one: one[0])
    return None if any(answer is None for *_, answer in holds) else (0, "")


Condition = Callable[[Values], bool | None]
Number = Callable[[Values], Decimal | None]


@cache
def _compiled(text: str) -> Condition:
    """A condition of the table as a closure; raises ``OnearmError`` for what is not one.

    The texts are SQL that the frames' engine reads too; comparisons of sums and products are
    written alike in Python, so that its parser serves, and nothing is evaluated by it.
    """
    tree = ast.parse(text.replace(" OR ", " or "), mode="eval").body
    return _condition(tree, text)


def _condition(node: ast.expr, text: str) -> Condition:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return _any([_condition(each, text) for each in node.values])
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in COMPARE:
        compare = COMPARE[type(node.ops[0])]
        left, right = _number(node.left, text), _number(node.comparators[0], text)

        def holds(values: Values) -> bool | None:
            a, b = left(values), right(values)
            return None if a is None or b is None else compare(a, b)

        return holds
    raise OnearmError(f"'{text}' is not a condition over {', '.join(NAMES)}")


def _any(parts: list[Condition]) -> Condition:
    """OR as in SQL: true where one is, else unknown where one is."""

    def holds(values: Values) -> bool | None:
        answers = [part(values) for part in parts]
        return True if any(answers) else None if None in answers else False

    return holds


def _number(node: ast.expr, text: str) -> Number:
    if isinstance(node, ast.Name) and node.id in NAMES:
        name = node.id
        return lambda values: values[name]
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        # As it is written: 0.1 is a tenth, not the nearest binary number.
        number = Decimal(ast.get_source_segment(text.replace(" OR ", " or "), node) or "")
        return lambda values: number
    if isinstance(node, ast.BinOp) and type(node.op) in COMBINE:
        combine = COMBINE[type(node.op)]
        left, right = _number(node.left, text), _number(node.right, text)

        def combined(values: Values) -> Decimal | None:
            a, b = left(values), right(values)
            return None if a is None or b is None else combine(a, b)

        return combined
    raise OnearmError(f"'{text}' is not a condition over {', '.join(NAMES)}")
