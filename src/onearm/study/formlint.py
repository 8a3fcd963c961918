"""Whether each form holds together: names, codes, skip logic, checks, and targets in SDTM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import polars as pl

from onearm.errors import OnearmError
from onearm.expr import suggest
from onearm.study.conditions import (
    PREVIOUS,
    can_hold,
    columns_read,
    is_once,
    known_values,
    literals,
    scope,
    why_not_judged,
)
from onearm.study.forms import SEPARATOR, Check, Form, Item, Target
from onearm.study.notebook import Notebook
from onearm.study.yamlfile import KeyPath
from onearm.terms import codelist_names

NUMBERS = ("integer", "decimal")
DATES = ("date", "partial_date")
CODED = ("code", "multiple")


def check_forms(notes: Notebook) -> None:
    """Write down what is wrong with forms/*.yaml, and between them."""
    first: dict[str, str] = {}
    for name, form in notes.study.forms.items():
        file = notes.study.form_files[name]
        _named_parts(notes, form, file)
        for at, item in enumerate(form.items):
            _item(notes, form, item, file, ("items", at))
        _circles(notes, form, file)
        _conditions(notes, form, file)
        _targets(notes, form, file)
        for path, rule in _checks(form):
            if rule.id in first:
                message = f"the check id {rule.id} is used in {first[rule.id]} too"
                hint = "Findings and queries name the id; give it one of its own."
                notes.error(file, (*path, "id"), rule.id, message, hint)
            first.setdefault(rule.id, file)


def _checks(form: Form) -> Iterator[tuple[KeyPath, Check]]:
    for at, item in enumerate(form.items):
        for n, rule in enumerate(item.checks):
            yield ("items", at, "checks", n), rule
    for n, rule in enumerate(form.checks):
        yield ("checks", n), rule


def _named_parts(notes: Notebook, form: Form, file: str) -> None:
    items = {i.name: i for i in form.items}
    names = [i.name for i in form.items]
    for name, times in Counter(names).items():
        if times > 1:
            last = len(names) - 1 - names[::-1].index(name)
            message = f"{form.form} has the item {name} {times} times"
            notes.error(file, ("items", last, "name"), name, message, "Rename one of them.")
    for key in ("key", "date"):
        name = getattr(form, key)
        if name and name not in items:
            message = f"the {key} of {form.form} is {name}, which is not one of its items"
            notes.error(file, (key,), name, message, suggest(name, items))
    if form.date in items and items[form.date].type not in DATES:
        message = f"{form.date} dates the rows of {form.form} but is not a date"
        notes.error(file, ("date",), form.date, message)
    if form.key and not form.rows:
        message = f"{form.form} has a key but no repeating row"
        notes.error(file, ("key",), form.key, message, "Name the row: `rows: lesion`.")


def _item(notes: Notebook, form: Form, item: Item, file: str, here: KeyPath) -> None:
    if item.type in CODED and not item.codes and not item.choices:
        message = f"{item.name} is of type {item.type} but has no answers"
        notes.error(file, (*here, "type"), item.type, message, "Give it `choices:` or `codes:`.")
    if item.codes and item.choices:
        message = f"{item.name} has both choices and codes"
        notes.error(file, (*here, "codes"), item.codes, message, "Keep one of the two.")
    if item.choices and item.type not in CODED:
        message = f"{item.name} has choices but is of type {item.type}"
        notes.error(
            file, (*here, "type"), item.type, message, "Write `type: code` or `type: multiple`."
        )
    _codelist(notes, item, file, here)
    codes = [choice.code for choice in item.choices]
    for code, times in Counter(codes).items():
        if times > 1:
            last = len(codes) - 1 - codes[::-1].index(code)
            message = f"{item.name} has the answer {code} {times} times"
            notes.error(file, (*here, "choices", last), code, message, "Keep one of them.")
    if item.type == "multiple":
        _several(notes, item, file, here)
    if item.above is not None and form.rows:
        message = f"{item.name} has a text above, but its form is a table of rows"
        notes.error(
            file, (*here, "above"), str(item.above), message, "Write it as the form's intro."
        )
    _limits(notes, item, file, here)


def _several(notes: Notebook, item: Item, file: str, here: KeyPath) -> None:
    """The sign between the codes of a value stands in no code, nor in the words of one."""
    try:
        found = notes.study.choices(item)
    except KeyError:
        return  # `_codelist` says that the list is not there
    for choice in found:
        texts = (choice.code, choice.label.en, choice.label.zh)
        if any(sign in text for text in texts for sign in (SEPARATOR, "；")):
            message = f"{item.name} takes several answers, and {choice.code} holds a semicolon"
            hint = "A semicolon stands between the answers; write a comma in it."
            notes.error(file, (*here, "type"), item.type, message, hint)
    if item.also:
        message = f"{item.name} takes several answers and sends a column of one along"
        notes.error(file, (*here, "also"), ", ".join(item.also), message, "Delete `also`.")


def _codelist(notes: Notebook, item: Item, file: str, here: KeyPath) -> None:
    if not item.codes:
        return
    known = notes.study.terms
    if item.codes in known:
        if "code" not in known[item.codes].columns:
            message = f"terms/{item.codes}.csv has no column code"
            notes.error(file, (*here, "codes"), item.codes, message)
        elif known[item.codes].is_empty():
            message = f"{item.name} has no answers yet: the list {item.codes} is empty"
            notes.warning(file, (*here, "codes"), item.codes, message)
    elif item.codes not in codelist_names():
        message = f"{item.name} takes its answers from {item.codes}, which terms/ does not have"
        hint = suggest(item.codes, [*known, *codelist_names()])
        notes.error(file, (*here, "codes"), item.codes, message, hint)
    for target, column in item.also.items():
        path = (*here, "also", target)
        if item.codes in known and column not in known[item.codes].columns:
            message = f"{item.name} sends the column {column} along, which {item.codes} lacks"
            notes.error(file, path, column, message, suggest(column, known[item.codes].columns))
        _target(notes, target, file, path)


def _limits(notes: Notebook, item: Item, file: str, here: KeyPath) -> None:
    if item.low is not None and item.high is not None and item.low > item.high:
        message = f"{item.name}: the lowest value is above the highest"
        hint = "Exchange low and high."
        notes.error(file, (*here, "low"), f"{item.low:g} > {item.high:g}", message, hint)
    for key in ("low", "high", "decimals"):
        value = getattr(item, key)
        if value is not None and item.type not in NUMBERS:
            message = f"{item.name} has {key} but is of type {item.type}"
            hint = f"Delete {key}, or write `type: decimal`."
            notes.error(file, (*here, key), value, message, hint)
    if item.type == "integer" and item.decimals:
        message = f"{item.name} is a whole number with {item.decimals} decimals"
        notes.error(file, (*here, "decimals"), item.decimals, message, "Write `type: decimal`.")


def _circles(notes: Notebook, form: Form, file: str) -> None:
    """Skip logic must not lead back to the item it shows."""
    reads: dict[str, set[str]] = {}
    for item in form.items:
        try:
            reads[item.name] = set(columns_read(item.shown_when)) if item.shown_when else set()
        except OnearmError:
            reads[item.name] = set()
    for at, item in enumerate(form.items):
        seen: set[str] = set()
        ahead = set(reads[item.name])
        while ahead:
            name = ahead.pop()
            if name not in seen:
                seen.add(name)
                ahead |= reads.get(name, set())
        if item.name in seen:
            message = f"whether {item.name} is shown depends on {item.name} itself"
            notes.error(file, ("items", at, "shown_when"), item.shown_when, message)


def _conditions(notes: Notebook, form: Form, file: str) -> None:
    columns = scope(notes.study, form)
    for at, item in enumerate(form.items):
        here: KeyPath = ("items", at)
        if item.shown_when and _readable(
            notes, form, file, (*here, "shown_when"), item.shown_when, columns
        ):
            _reachable(notes, form, file, (*here, "shown_when"), item.shown_when, item.name)
        if item.calculated:
            path = (*here, "calculated")
            _readable(notes, form, file, path, item.calculated, columns, condition=False)
    for path, rule in _checks(form):
        if rule.when and _readable(notes, form, file, (*path, "when"), rule.when, columns):
            _reachable(notes, form, file, (*path, "when"), rule.when, rule.id)
        _readable(notes, form, file, (*path, "require"), rule.require, columns)


def _readable(
    notes: Notebook,
    form: Form,
    file: str,
    path: KeyPath,
    text: str,
    columns: Mapping[str, pl.DataType],
    *,
    condition: bool = True,
) -> bool:
    """Whether a condition reads only columns that are there and can be judged on their types."""
    try:
        read = columns_read(text)
    except OnearmError as problem:
        notes.error(file, path, text, str(problem))
        return False
    unknown = [name for name in dict.fromkeys(read) if name not in columns]
    for name in unknown:
        message, hint = _why_unknown(notes, form, name, columns)
        notes.error(file, path, name, f"'{text}' reads {message}", hint)
    if unknown:
        return False
    if reason := why_not_judged(text, columns, condition=condition):
        notes.error(file, path, text, f"'{text}' cannot be judged: {reason}")
        return False
    _literals(notes, form, file, path, text)
    return True


def _why_unknown(
    notes: Notebook, form: Form, name: str, columns: Mapping[str, pl.DataType]
) -> tuple[str, str]:
    owner, _, field = name.rpartition(".")
    forms = notes.study.forms
    if owner == PREVIOUS and field in {i.name for i in form.items}:
        return f"{name}, but {form.form} is filled once", "There is no visit before."
    if owner and owner != PREVIOUS and owner not in forms:
        return f"the form {owner}, which forms/ does not have", suggest(owner, forms)
    if owner in forms and not is_once(notes.study, forms[owner]):
        hint = "Only forms filled once a subject can be read from another form."
        return f"{name}, but {owner} can have several rows a subject", hint
    return f"{name}, which is not there", suggest(name, columns)


def _literals(notes: Notebook, form: Form, file: str, path: KeyPath, text: str) -> None:
    """A text that a coded item can never have is a spelling mistake."""
    for literal in literals(text):
        if literal.column == "VISIT" and notes.study.schedule is not None:
            known: tuple[str, ...] | None = tuple(v.id for v in notes.study.schedule.visits)
        else:
            known = known_values(notes.study, form, literal.column)
        if known is not None and literal.value not in known:
            message = f"'{text}': {literal.column} never is '{literal.value}'"
            notes.error(file, path, literal.value, message, suggest(literal.value, known))


def _reachable(notes: Notebook, form: Form, file: str, path: KeyPath, text: str, what: str) -> None:
    if not can_hold(notes.study, form, text):
        message = f"'{text}' never holds: {what} would never be asked"
        notes.error(file, path, text, message, "Look at the answers and visits it compares with.")


def _targets(notes: Notebook, form: Form, file: str) -> None:
    items = {i.name for i in form.items}
    reached: set[str] = set()
    taken: dict[tuple[object, ...], str] = {}
    for at, item in enumerate(form.items):
        for n, target in enumerate(item.to):
            path = _target_path(notes, file, at, n)
            _target(notes, target, file, path)
            reached |= {target.domain, target.domain.removeprefix("SUPP")}
            slot = (target.domain, target.variable, target.where)
            if slot in taken:
                message = f"{item.name} and {taken[slot]} both fill {_shown(target)}"
                notes.error(file, path, _shown(target), message, "Each value has its own place.")
            taken.setdefault(slot, item.name)
    for domain, rule in form.domains.items():
        here: KeyPath = ("domains", domain)
        if domain not in reached:
            message = f"{form.form} has a rule for {domain}, which no item goes to"
            notes.error(file, here, domain, message, suggest(domain, reached))
        for variable in rule.sets:
            _target(notes, f"{domain}.{variable}", file, (*here, "sets", variable))
        if rule.once and rule.once not in items:
            message = f"{domain} makes a row once for each {rule.once}, which is no item"
            notes.error(file, (*here, "once"), rule.once, message, suggest(rule.once, items))
        if rule.when:
            columns = scope(notes.study, form)
            _readable(notes, form, file, (*here, "when"), rule.when, columns)


def _target_path(notes: Notebook, file: str, at: int, n: int) -> KeyPath:
    listed = ("items", at, "to", n)
    return listed if listed in notes.study.documents[file].lines else ("items", at, "to")


def _shown(target: Target) -> str:
    where = ", ".join(f"{k} = {v}" for k, v in target.where)
    return f"{target.domain}.{target.variable}" + (f" where {where}" if where else "")


def _target(notes: Notebook, target: Target | str, file: str, path: KeyPath) -> None:
    """The domain and its variables must be in the catalogue; SUPP-- takes any name."""
    if not notes.columns:
        return
    if isinstance(target, str):
        try:
            target = Target.parse(target)
        except ValueError as problem:
            notes.error(file, path, target, str(problem))
            return
    supplemental = target.domain.startswith("SUPP")
    domain = target.domain.removeprefix("SUPP")
    if domain not in notes.columns:
        message = f"goes to {target.domain}, which is not a domain that is made"
        notes.error(file, path, target.domain, message, suggest(domain, notes.columns))
        return
    for variable in [*([] if supplemental else [target.variable]), *(v for v, _ in target.where)]:
        if variable not in notes.columns[domain]:
            message = f"goes to {domain}.{variable}, which {domain} does not have"
            hint = suggest(variable, notes.columns[domain])
            notes.error(file, path, f"{domain}.{variable}", message, hint)
