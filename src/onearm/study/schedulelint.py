"""Whether the schedule holds together: visits, windows, repeats, the forms they name."""

from __future__ import annotations

from collections import Counter

from onearm.expr import suggest
from onearm.study.notebook import Notebook
from onearm.study.schedule import Repeat, Schedule, Visit
from onearm.study.yamlfile import KeyPath

FILE = "schedule.yaml"


def check_schedule(notes: Notebook) -> None:
    """Write down what is wrong with schedule.yaml; nothing where the study has none."""
    schedule = notes.study.schedule
    if schedule is None:
        return
    _names(notes, schedule)
    for at, visit in enumerate(schedule.visits):
        _visit(notes, schedule, visit, ("visits", at))
    _numbers(notes, schedule)
    _assessments(notes, schedule)
    _milestones(notes, schedule)
    used = {form for visit in schedule.visits for form in visit.forms}
    for name, form in notes.study.forms.items():
        if name not in used:
            file = notes.study.form_files[name]
            hint = "Name it in the forms of a visit."
            notes.warning(file, ("form",), form.form, f"no visit holds the form {name}", hint)


def _names(notes: Notebook, schedule: Schedule) -> None:
    for key, ids in (
        ("visits", [v.id for v in schedule.visits]),
        ("epochs", [e.id for e in schedule.epochs]),
    ):
        for name, times in Counter(ids).items():
            if times > 1:
                last = len(ids) - 1 - ids[::-1].index(name)
                message = f"the {key.removesuffix('s')} {name} stands {times} times"
                notes.error(FILE, (key, last, "id"), name, message, "Each id is used once.")


def _visit(notes: Notebook, schedule: Schedule, visit: Visit, here: KeyPath) -> None:
    epochs = [e.id for e in schedule.epochs]
    if visit.epoch not in epochs:
        message = f"{visit.id} is in the epoch {visit.epoch}, which epochs does not list"
        notes.error(FILE, (*here, "epoch"), visit.epoch, message, suggest(visit.epoch, epochs))
    early, late = visit.window
    if early > late:
        message = f"the window of {visit.id} ends before it begins"
        hint = "Write the earlier day first: [-7, 7]."
        notes.error(FILE, (*here, "window"), list(visit.window), message, hint)
    if visit.kind == "planned" and visit.day is None and visit.repeat is None:
        message = f"{visit.id} is planned but has no day"
        hint = "Give it a day, or the kind event, log or unscheduled."
        notes.error(FILE, (*here, "id"), visit.id, message, hint)
    if visit.day == 0:
        hint = "First dose is day 1, the day before is day -1."
        notes.error(FILE, (*here, "day"), 0, "there is no day 0", hint)
    if visit.after is not None and visit.kind != "event":
        message = f"{visit.id} is {visit.kind} and has a day of its own: `after` is for events"
        hint = "Give the visit the kind event, or take `after` out."
        notes.error(FILE, (*here, "after"), visit.after.of, message, hint)
    _forms(notes, visit, here)
    if visit.repeat is not None:
        _repeat(notes, visit, visit.repeat, here)


def _forms(notes: Notebook, visit: Visit, here: KeyPath) -> None:
    known = notes.study.forms
    for at, name in enumerate(visit.forms):
        if name not in known:
            message = f"{visit.id} holds the form {name}, which forms/ does not have"
            notes.error(FILE, (*here, "forms", at), name, message, suggest(name, known))
        if name in visit.forms[:at]:
            message = f"{visit.id} holds the form {name} twice"
            notes.error(FILE, (*here, "forms", at), name, message, "Delete one of the two.")


def _repeat(notes: Notebook, visit: Visit, repeat: Repeat, here: KeyPath) -> None:
    if visit.day is not None and visit.day != repeat.first_day:
        message = f"{visit.id} has day {visit.day} but repeats from day {repeat.first_day}"
        notes.error(FILE, (*here, "day"), visit.day, message, "Write the same day in both.")
    if "{n}" not in visit.name:
        message = f"every repeat of {visit.id} would have the same name"
        notes.warning(FILE, (*here, "name"), visit.name, message, "Put {n} into the name.")
    early, late = visit.window
    shortest = min([repeat.every, *(c.every for c in repeat.changes)])
    if late - early >= shortest:
        message = f"the windows of {visit.id} overlap: {late - early + 1} days every {shortest}"
        notes.warning(FILE, (*here, "window"), list(visit.window), message, "Make it narrower.")
    days = [c.after_day for c in repeat.changes]
    if days != sorted(days):
        message = f"the changes of {visit.id} are not in the order of their days"
        notes.error(FILE, (*here, "repeat", "changes"), days, message, "Write the earliest first.")


def _numbers(notes: Notebook, schedule: Schedule) -> None:
    """Visit numbers must differ, also those that repeats reach within two years."""
    spans = []
    for at, visit in enumerate(schedule.visits):
        times = 730 // visit.repeat.every if visit.repeat else 0
        spans.append((visit.number, visit.number + times * visit.step, at))
    for low, high, at in spans:
        for other_low, other_high, other in spans:
            first, second = schedule.visits[at], schedule.visits[other]
            # A single visit may stand between two numbers of a repeat (101, 101.5, 102).
            inside = low <= other_low <= high and (other_low - low) % (first.step or 1) == 0
            if at != other and inside and (low, at) <= (other_low, other):
                message = f"{second.id} has the visit number {other_low:g}, which {first.id} uses"
                path = ("visits", other, "number")
                notes.error(FILE, path, other_high, message, "Give it a number of its own.")


def _assessments(notes: Notebook, schedule: Schedule) -> None:
    plan = schedule.tumour_assessments
    if plan is None:
        return
    visits = {v.id: v for v in schedule.visits}
    visit = visits.get(plan.visit)
    here = ("tumour_assessments",)
    if visit is None:
        message = f"tumour assessments name the visit {plan.visit}, which visits does not list"
        notes.error(FILE, (*here, "visit"), plan.visit, message, suggest(plan.visit, visits))
        return
    every = visit.repeat.every if visit.repeat else None
    if every is not None and every != plan.interval_days:
        message = f"{plan.visit} repeats every {every} days, not every {plan.interval_days}"
        hint = "The missed-scan rule and the visit must read the same number."
        notes.error(FILE, (*here, "interval_days"), plan.interval_days, message, hint)
    if visit.window != (-plan.window_days, plan.window_days):
        message = f"the window of {plan.visit} is {list(visit.window)}, not {plan.window_days} days"
        notes.warning(FILE, (*here, "window_days"), plan.window_days, message)


def _milestones(notes: Notebook, schedule: Schedule) -> None:
    for name, target in schedule.milestones.items():
        form_name, _, item_name = target.partition(".")
        path = ("milestones", name)
        form = notes.study.forms.get(form_name)
        if form is None:
            message = f"the milestone {name} reads the form {form_name}, which forms/ does not have"
            notes.error(FILE, path, target, message, suggest(form_name, notes.study.forms))
            continue
        items = {i.name: i for i in form.items}
        if item_name not in items:
            message = f"the milestone {name} reads {item_name}, which {form_name} does not have"
            notes.error(FILE, path, target, message, suggest(item_name, items))
        elif items[item_name].type not in ("date", "partial_date"):
            notes.error(FILE, path, target, f"the milestone {name} is not a date")
