"""Case report forms as they are asked, empty: for the file, for paper, and with annotations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from onearm.errors import OnearmError
from onearm.expr import suggest
from onearm.paper.conditions import in_words
from onearm.paper.press import code, quote
from onearm.paper.press import words as text
from onearm.paper.words import Words
from onearm.records.codes import choices
from onearm.records.entry import REASONS

if TYPE_CHECKING:
    from onearm.study import Study
    from onearm.study.forms import Check, DomainRule, Form, Item, Target
    from onearm.study.schedule import Visit

MOST_TICKS = 12
"""Answers of at most so many choices are ticked; longer lists stand at the end."""

USUAL_DIGITS = 4
"""Boxes for a number of which nobody says how large it may be."""

DAY = "apart(4, [-], 2, [-], 2)"
TIME = "apart(2, [:], 2)"
"""Boxes of a date, as typst."""

GIVEN_REASONS = tuple(reason for reason in REASONS if reason != "CUT")


def blank_forms(
    study: Study,
    language: str,
    *,
    forms: Iterable[str] = (),
    annotated: bool = False,
    version: str = "",
) -> str:
    """The empty forms of a study as typst source: all of them with title page, or those named.

    language: ``en`` or ``zh``. annotated: with names, codes, targets in the tabulation data and
    checks beside the questions. version: the number of a released version. Raises ``OnearmError``
    naming a form that the study does not have.
    """
    chosen = tuple(forms)
    for name in chosen:
        if name not in study.forms:
            hint = suggest(name, study.forms)
            raise OnearmError("; ".join(filter(None, (f"{study.id} has no form {name}", hint))))
    return _Blank(study, Words(language), annotated, version).source(chosen)


def looks() -> str:
    """The typst functions of every document on paper."""
    return files("onearm.paper").joinpath("looks.typ").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class _Blank:
    study: Study
    words: Words
    annotated: bool
    version: str

    def source(self, chosen: tuple[str, ...]) -> str:
        forms = [self.study.forms[name] for name in chosen or in_order(self.study)]
        return "".join(
            (
                looks(),
                self._sheets(),
                "" if chosen else self._front() + self._schedule() + self._how(),
                *(
                    self._form(form, is_first=bool(chosen) and n == 0)
                    for n, form in enumerate(forms)
                ),
                self._lists(forms),
            )
        )

    @property
    def title(self) -> str:
        return self.words("blank.annotated" if self.annotated else "blank.title")

    @property
    def _version(self) -> str:
        return " · ".join(filter(None, (self.version, self.study.version[:12])))

    def _sheets(self) -> str:
        head = ", ".join(map(text, (self.study.id, self.title, self._version)))
        name = text(self.words.said(self.study.title))
        title = text(f"{self.study.id}: {self.title}")
        return (
            f"\n#show: sheets.with(title: {title}, head: ({head}), "
            f"foot: (block(height: 1em, clip: true, {name}), []), "
            f"lang: {quote(self.words.language)})\n"
        )

    def _front(self) -> str:
        study, words = self.study, self.words
        known = [
            (words("blank.study"), study.id),
            (words("blank.registered"), _registration(study)),
            (words("blank.sponsor"), words.said(study.identity.sponsor)),
            (words("blank.version"), self.version),
            (words("blank.hash"), study.version),
            (words("blank.forms"), str(len(study.forms))),
        ]
        facts = "".join(f"({text(k)}, {code(v)}), " for k, v in known if v)
        remarks = f"({text(words('blank.notice'))},)" if self.annotated else "()"
        name = text(words.said(study.title))
        return (
            f"#front({text(study.id)}, {text(self.title)}, {name}, ({facts}), {remarks})\n"
            f"#pagebreak()\n#outline(title: {text(words('blank.contents'))}, depth: 1)\n"
        )

    def _schedule(self) -> str:
        if self.study.schedule is None:
            return ""
        words, visits = self.words, self.study.schedule.visits
        heads = (words("visit"), words("blank.when"), words("blank.window"))
        rows = "".join(
            f"{text(self._visit(v))}, {text(when(v, words))}, {text(window(v, words))},\n"
            for v in visits
        )
        names = ", ".join(text(self._visit(visit)) for visit in visits)
        marks = "".join(
            f"{text(words.said(form.label))}, "
            + "".join("mark, " if form.form in v.forms else "[], " for v in visits)
            + "\n"
            for form in (self.study.forms[name] for name in in_order(self.study))
        )
        return (
            f"#pagebreak()\n#heading({text(words('blank.schedule'))})\n"
            f"#listed((1fr, 1.6fr, 0.7fr), ({', '.join(map(text, heads))}),\n{rows})\n"
            f"#heading(level: 2, {text(words('blank.matrix'))})\n#matrix(({names},),\n{marks})\n"
        )

    def _visit(self, visit: Visit) -> str:
        return self.words.said(visit.label).replace("{n}", "n")

    def _how(self) -> str:
        if self.annotated:
            return ""
        words = self.words
        reasons = ", ".join(f"{r} {words('reason.' + r)}" for r in GIVEN_REASONS)
        lines = (words(f"blank.how.{n}", reasons=reasons) for n in range(1, 7))
        told = "".join(f"#said({text(line)})\n" for line in lines)
        return f"#heading(level: 2, {text(words('blank.how'))})\n{told}"

    def _form(self, form: Form, *, is_first: bool) -> str:
        words = self.words
        name = f" + named({text('  ' + form.form)})" if self.annotated else ""
        parts = [
            "" if is_first else "#pagebreak(weak: true)\n",
            f"#heading({text(words.said(form.label))}{name})\n",
            self._who(form),
            f"#hint({text(words.said(form.intro))})\n" if form.intro else "",
            self._domains(form) if self.annotated else "",
            self._asks(form),
            self._checks(form) if self.annotated else self._signed(),
        ]
        return "".join(parts)

    def _who(self, form: Form) -> str:
        words = self.words
        visits = self.study.schedule.visits if self.study.schedule else ()
        mine = [visit for visit in visits if form.form in visit.forms]
        is_once = len(mine) == 1 and mine[0].repeat is None and mine[0].kind != "unscheduled"
        at = text(self._visit(mine[0])) if is_once else "under()"
        pairs = [
            (words("blank.site"), "under()"),
            (words("blank.subject"), "under()"),
            (words("blank.visit"), at),
            (words("blank.date"), DAY),
        ]
        if form.rows:
            pairs.append((words("blank.row"), "digits(3)"))
            pairs.append(("", text(words("blank.each", noun=form.rows))))
        told = ", ".join(f"({text(label)}, {answer})" for label, answer in pairs)
        where = "" if is_once or not mine else words("blank.at", visits=self._names(mine))
        return f"#who({told})\n" + (f"#hint({text(where)})\n" if where else "")

    def _names(self, visits: Iterable[Visit]) -> str:
        comma = "；" if self.words.language == "zh" else "; "
        return comma.join(self._visit(visit) for visit in visits)

    def _asks(self, form: Form) -> str:
        words = self.words
        heads = ("", words("blank.question"), words("blank.answer"), words("blank.missing"))
        rows = "".join(
            f"ask({quote(str(n))}, {self._question(form, item)}, {self._answer(item)}, "
            f"{'[]' if item.calculated or self.annotated else 'under()'}),\n"
            for n, item in enumerate(form.items, start=1)
        )
        return f"#asks(({', '.join(map(text, heads))}),\n{rows})\n"

    def _question(self, form: Form, item: Item) -> str:
        words = self.words
        parts = [f"small({text(words.said(item.above))})"] if item.above else []
        parts += [f"bold({text(words.said(item.label) + (' *' if item.required else ''))})"]
        if item.shown_when:
            told = in_words(self.study, form, item.shown_when, words)
            parts.append(f"small({text(words('blank.only_if', what=told))})")
            if self.annotated and told != item.shown_when:
                parts.append(f"text(7pt, fill: blue, {code(item.shown_when)})")
        if item.help:
            parts.append(f"small({text(words.said(item.help))})")
        if self.annotated:
            kind = words(f"type.{item.type}")
            parts.append(f"named({text(item.name)}) + small({text('  ' + kind)})")
        return "{" + "; linebreak(); ".join(parts) + "}"

    def _answer(self, item: Item) -> str:
        parts = [self._field(item)]
        if item.unit:
            parts.append(f"unit({text(item.unit)})")
        limits = self._limits(item)
        if limits:
            parts.append(f"h(6pt) + small({text(limits)})")
        if self.annotated:
            if item.calculated:
                parts.append(f"linebreak() + text(7pt, fill: blue, {code(item.calculated)})")
            parts += [f"parbreak() + target({code(spelled(t))})" for t in item.to]
            parts += [
                f"parbreak() + target({code(f'{to} = {column} of {item.codes}')})"
                for to, column in item.also.items()
            ]
        return "{" + "; ".join(parts) + "}"

    def _field(self, item: Item) -> str:
        words = self.words
        if item.calculated:
            return f"quiet({text(words('blank.calculated'))})"
        known = choices(self.study, item, words.language)
        if known and len(known) <= MOST_TICKS:
            several = f" + h(6pt) + small({text(words('blank.several'))})"
            return f"ticks({self._ticks(known)})" + (several if item.type == "multiple" else "")
        if known:
            page = f"context str(counter(page).at(label({quote(_anchor(item))})).first())"
            before, after = words("blank.list", name=item.codes or item.name, page="\0").split("\0")
            return f"under() + small({text(before)} + {page} + {text(after)})"
        if item.type == "partial_date":
            return f"{DAY} + h(6pt) + small({text(words('blank.partial'))})"
        if item.type in ("integer", "decimal"):
            return _number(item)
        fields = {"date": DAY, "time": TIME, "datetime": f"{DAY} + h(6pt) + {TIME}"}
        return fields.get(item.type, "under()")

    def _ticks(self, known: Iterable[tuple[str, str]]) -> str:
        return ", ".join(
            f"tick({text(label)}, code: {text(value)})"
            if self.annotated and value != label
            else f"tick({text(label)})"
            for value, label in known
        )

    def _limits(self, item: Item) -> str:
        low, high = _plain(item.low), _plain(item.high)
        if low and high:
            return self.words("blank.range", low=low, high=high)
        if low:
            return self.words("blank.from", low=low)
        return self.words("blank.up_to", high=high) if high else ""

    def _domains(self, form: Form) -> str:
        lines = [self._domain(name, rule) for name, rule in form.domains.items()]
        told = " + h(4pt) + ".join(f"target({code(line)})" for line in lines if line)
        return f"#block(above: 0.2em, below: 0.9em, {told})\n" if told else ""

    def _domain(self, name: str, rule: DomainRule) -> str:
        parts = [f"{variable} = {value}" for variable, value in rule.sets.items()]
        if rule.when:
            parts.append(self.words("blank.domain_when", when=rule.when))
        if rule.once:
            parts.append(self.words("blank.domain_once", item=rule.once))
        return self.words("blank.domain", domain=name, sets=", ".join(parts)) if parts else name

    def _checks(self, form: Form) -> str:
        checks = [(item.name, c) for item in form.items for c in item.checks]
        checks += [("", check) for check in form.checks]
        if not checks:
            return ""
        words = self.words
        heads = ("blank.check", "blank.condition", "blank.says", "blank.kind")
        rows = "".join(self._check(item, check) for item, check in checks)
        return (
            f"#heading(level: 3, {text(words('blank.checks'))})\n"
            f"#listed((0.75fr, 1.5fr, 1.5fr, 0.5fr), ({', '.join(text(words(h)) for h in heads)}), "
            f"size: 7pt,\n{rows})\n"
        )

    def _check(self, item: str, check: Check) -> str:
        words = self.words
        rule = check.require
        if check.when:
            rule = words("blank.when_then", when=check.when, require=check.require)
        name = f"{check.id}\n{item}" if item else check.id
        says = " ".join(filter(None, (words.said(check.says), words.said(check.hint))))
        kind = words(f"blank.{check.severity}")
        return f"{code(name)}, {code(rule)}, {text(says)}, {text(kind)},\n"

    def _signed(self) -> str:
        keys = ("blank.by", "blank.on", "blank.signature", "blank.entered")
        return f"#signed({', '.join(text(self.words(key)) for key in keys)})\n"

    def _lists(self, forms: Iterable[Form]) -> str:
        """The long lists of the forms, each once, with the codes to write."""
        found: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {}
        for item in (item for form in forms for item in form.items):
            known = choices(self.study, item, self.words.language)
            if len(known) > MOST_TICKS and not item.calculated:
                found.setdefault(_anchor(item), (item.codes or item.name, known))
        if not found:
            return ""
        parts = [f"#pagebreak()\n#heading({text(self.words('blank.lists'))})\n"]
        for anchor, (name, known) in found.items():
            pairs = ", ".join(
                f"({text(value)}, {text(label if label != value else '')})"
                for value, label in known
            )
            parts.append(f"#heading(level: 2, {text(name)}) #label({quote(anchor)})\n")
            parts.append(f"#codes({pairs})\n")
        return "".join(parts)


def in_order(study: Study) -> list[str]:
    """The forms as the visits ask for them; those of no visit come last."""
    visits = study.schedule.visits if study.schedule else ()
    asked = [form for visit in visits for form in visit.forms if form in study.forms]
    return list(dict.fromkeys((*asked, *study.forms)))


def spelled(target: Target) -> str:
    """A target as study files write it: ``VS.VSORRES where VSTESTCD = SYSBP``."""
    pairs = ", ".join(f"{variable} = {value}" for variable, value in target.where)
    return f"{target.domain}.{target.variable}" + (f" where {pairs}" if pairs else "")


def when(visit: Visit, words: Words) -> str:
    """When a visit is planned, in words."""
    if visit.repeat is not None:
        repeat = visit.repeat
        until = words(f"of.{repeat.until}")
        text_ = words("when.repeat", day=repeat.first_day, every=repeat.every, until=until)
        return text_ + "".join(
            words("when.change", day=each.after_day, every=each.every) for each in repeat.changes
        )
    if visit.after is not None:
        of = words(f"of.{visit.after.of}")
        return words("when.after" if visit.after.days else "when.on", days=visit.after.days, of=of)
    if visit.kind == "planned" and visit.day is not None:
        return words("when.day", day=visit.day)
    return words(f"when.{visit.kind}") if visit.kind in ("log", "unscheduled", "event") else ""


def window(visit: Visit, words: Words) -> str:
    """The days before and after the planned day, in words; empty where there are none."""
    low, high = visit.window
    if low == high == 0:
        return ""
    signed = [f"{'−' if day < 0 else '+' if day > 0 else ''}{abs(day)}" for day in (low, high)]
    return words("blank.days", low=signed[0], high=signed[1])


def _registration(study: Study) -> str:
    record = study.identity.registry
    return f"{record.name} {record.number}" if record else ""


def _anchor(item: Item) -> str:
    return f"list-{item.codes or item.name}"


def _plain(number: float | None) -> str:
    """A limit without an exponent; empty for none."""
    return "" if number is None else f"{number:.6f}".rstrip("0").rstrip(".")


def _number(item: Item) -> str:
    """Boxes for the digits that the limits allow, behind the point those that the item keeps."""
    largest = max(abs(item.low or 0), abs(item.high or 0))
    whole = len(str(int(largest)))
    if item.high is None:
        whole = max(whole, USUAL_DIGITS)
    decimals = 0 if item.type == "integer" else 2 if item.decimals is None else item.decimals
    return f"apart({whole}, [.], {decimals})" if decimals else f"apart({whole})"
