"""What in the trail calls for a look: late, at night, all at once, after a lock or a signature."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from django.db.models import Q

from onearm.capture import clock, words, zones
from onearm.capture.dashboards import Cell, Table
from onearm.capture.models import FormVersion, Hold, Signature, Subject
from onearm.capture.states import STILL
from onearm.capture.words import say

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from onearm.capture.models import Site


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is shown; the page prints them beside each list.

    late_days: days between a visit and the first entry of its form. night: from and to which full
    hour at the site is an odd time. mass_saves within mass_minutes: more than a person types.
    sites: at so many sites one person enters data.
    """

    late_days: int = 10
    night: tuple[int, int] = (22, 6)
    mass_saves: int = 15
    mass_minutes: int = 10
    sites: int = 2


LIMITS = Limits()

LOOK_BACK = timedelta(days=92)
"""A quarter: what is looked at unless other days are named."""

BY_HAND = (FormVersion.Origin.SCREEN, FormVersion.Origin.API)
"""Origins of saves that a person made; a file or an amendment has its own page and trail."""


@dataclass(frozen=True)
class Scope:
    """What is looked at: saves at these sites between two days, both included (UTC)."""

    sites: tuple[Site, ...]
    begins: date
    ends: date

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """The first moment, and the first moment after."""
        after = self.ends + timedelta(days=1)
        return datetime.combine(self.begins, time(), UTC), datetime.combine(after, time(), UTC)

    def saves(self) -> QuerySet[FormVersion]:
        """The saves in question with everything that a row shows, but not what was saved."""
        first, after = self.moments
        found = FormVersion.objects.filter(
            instance__event__subject__site__in=[site.pk for site in self.sites],
            at__gte=first,
            at__lt=after,
        )
        related = ("user", "instance__event__subject__site")
        return found.select_related(*related).defer("delta", "instance__data").order_by("at", "pk")

    @cached_property
    def by_hand(self) -> list[FormVersion]:
        """The saves that persons made, first to last; read once for all lists."""
        return list(self.saves().filter(origin__in=BY_HAND))


def scope(sites: Iterable[Site], begins: date | None, ends: date | None) -> Scope:
    """The saves of the sites between two days; up to today and since a quarter where not named."""
    last = ends or clock.now().date()
    return Scope(tuple(sites), begins or last - LOOK_BACK, last)


@dataclass(frozen=True, slots=True)
class Aid:
    """One list: its name in the words, and how it is made."""

    name: str
    rows: Callable[[Scope, Limits], Iterator[tuple[Cell, ...]]]
    headings: tuple[str, ...]

    def table(self, scope: Scope, limits: Limits = LIMITS) -> Table:
        """The list as rows under headings."""
        return Table(tuple(map(say, self.headings)), tuple(self.rows(scope, limits)))

    def limit(self, limits: Limits = LIMITS) -> str:
        """From where on a row is shown, in words."""
        return say(f"aid.{self.name}_limit").format(
            days=limits.late_days,
            begins=limits.night[0],
            ends=limits.night[1],
            saves=limits.mass_saves,
            minutes=limits.mass_minutes,
            sites=limits.sites,
        )


SAVE = ("column.site", "column.subject", "column.form", "history.who", "history.when")


def after_lock(scope: Scope, _: Limits) -> Iterator[tuple[Cell, ...]]:
    """Saves of data that had been frozen or locked and were opened again."""
    lifted = Hold.objects.filter(kind__in=STILL).exclude(lifted_at=None).select_related("lifted_by")
    for hold in lifted.order_by("lifted_at", "pk"):
        for save in scope.saves().filter(_within(hold.target), at__gt=hold.lifted_at):
            yield (
                *_save(save),
                Cell(f"{say(f'hold.{hold.kind}')} · {hold.target}"),
                Cell(f"{_name(hold.lifted_by)} · {_at(hold.lifted_at, save)}"),
                Cell(save.reason),
            )


def late(scope: Scope, limits: Limits) -> Iterator[tuple[Cell, ...]]:
    """First entries that came many days after the visit they are about."""
    for save in scope.by_hand:
        event = save.instance.event
        if save.version > 1 or event.date is None:
            continue
        entered = save.at.astimezone(zones.zone(event.subject.site)).date()
        days = (entered - event.date).days
        if days > limits.late_days:
            yield (*_save(save), Cell(f"{event.date}"), Cell(str(days), css="number"))


def at_night(scope: Scope, limits: Limits) -> Iterator[tuple[Cell, ...]]:
    """Saves at odd hours of the site's clock: one row a person, site and night."""
    begins, ends = limits.night
    nights: dict[tuple[str, str, date], list[FormVersion]] = defaultdict(list)
    for save in scope.by_hand:
        site = save.instance.event.subject.site
        local = save.at.astimezone(zones.zone(site))
        if local.hour >= begins or local.hour < ends:
            # The small hours belong to the night that began the day before.
            night = (local - timedelta(hours=ends)).date()
            nights[_name(save.user), site.code, night].append(save)
    for (who, site_code, night), saves in sorted(nights.items(), key=lambda each: each[0][2]):
        yield (
            Cell(site_code),
            Cell(who),
            Cell(f"{night}"),
            Cell(str(len(saves)), css="number"),
            Cell(_at(saves[0].at, saves[0]), _url(saves[0])),
            Cell(_at(saves[-1].at, saves[-1]), _url(saves[-1])),
        )


def at_once(scope: Scope, limits: Limits) -> Iterator[tuple[Cell, ...]]:
    """More saves by one person in a few minutes than anybody types; each stretch once."""
    by_person: dict[int, list[FormVersion]] = defaultdict(list)
    for save in scope.by_hand:
        by_person[save.user_id].append(save)
    window = timedelta(minutes=limits.mass_minutes)
    for saves in by_person.values():
        for stretch in _stretches(saves, window, limits.mass_saves):
            subjects = {save.instance.event.subject.code for save in stretch}
            changed = sum(save.version > 1 for save in stretch)
            yield (
                Cell(_name(stretch[0].user)),
                Cell(_at(stretch[0].at, stretch[0]), _url(stretch[0])),
                Cell(_at(stretch[-1].at, stretch[-1]), _url(stretch[-1])),
                Cell(str(len(stretch)), css="number"),
                Cell(str(changed), css="number"),
                Cell(str(len(subjects)), css="number"),
            )


def at_many_sites(scope: Scope, limits: Limits) -> Iterator[tuple[Cell, ...]]:
    """Persons who entered or changed data at several sites."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for save in scope.by_hand:
        counts[_name(save.user)][save.instance.event.subject.site.code] += 1
    for who, sites in sorted(counts.items()):
        if len(sites) >= limits.sites:
            told = ", ".join(f"{code} ({n})" for code, n in sorted(sites.items()))
            yield (Cell(who), Cell(told), Cell(str(sum(sites.values())), css="number"))


def after_signature(scope: Scope, _: Limits) -> Iterator[tuple[Cell, ...]]:
    """Saves that broke a signature: the first of each signed form behind it."""
    first, after = scope.moments
    subjects = Subject.objects.filter(site__in=[site.pk for site in scope.sites])
    broken = Signature.objects.filter(
        subject__in=subjects, broken_at__gte=first, broken_at__lt=after
    ).order_by("broken_at", "pk")
    for signature in broken:
        behind: dict[int, FormVersion] = {}
        changed = scope.saves().filter(
            instance__in=[int(pk) for pk in signature.content], at__gt=signature.at
        )
        for save in changed:
            behind.setdefault(save.instance_id, save)
        for save in behind.values():
            signed = f"{signature.printed_name} · {_at(signature.at, save)}"
            yield (*_save(save), Cell(signed), Cell(save.reason))


def other_reasons(scope: Scope, _: Limits) -> Iterator[tuple[Cell, ...]]:
    """Changes whose reason is in the person's own words, or another one than those listed."""
    other = words.table()["change.other"]["en"]
    for save in scope.by_hand:
        if not save.reason.startswith(other):
            continue
        yield (*_save(save), Cell(save.reason.removeprefix(other).removeprefix(": ")))


ALL = {
    aid.name: aid
    for aid in (
        Aid("lock", after_lock, (*SAVE, "aid.held", "hold.lifted_by", "form.reason")),
        Aid("signature", after_signature, (*SAVE, "aid.signed", "form.reason")),
        Aid("late", late, (*SAVE, "aid.visit_day", "query.age")),
        Aid("night", at_night, (
            "column.site", "history.who", "aid.night_of", "aid.saves", "aid.first", "aid.last",
        )),
        Aid("mass", at_once, (
            "history.who", "aid.first", "aid.last", "aid.saves", "aid.changes", "aid.subjects",
        )),
        Aid("sites", at_many_sites, ("history.who", "aid.at_sites", "aid.saves")),
        Aid("other", other_reasons, (*SAVE, "form.reason")),
    )
}  # fmt: skip
"""Every list, in the order of the page."""


def _stretches(
    saves: Sequence[FormVersion], window: timedelta, least: int
) -> Iterator[Sequence[FormVersion]]:
    """Runs of saves, in time order, in which any ``window`` holds ``least`` of them or more."""
    begin, run_from, run_to = 0, -1, -1
    for end, save in enumerate(saves):
        while save.at - saves[begin].at > window:
            begin += 1
        if end - begin + 1 < least:
            continue
        if run_to >= begin:
            run_to = end
            continue
        if run_from >= 0:
            yield saves[run_from : run_to + 1]
        run_from, run_to = begin, end
    if run_from >= 0:
        yield saves[run_from : run_to + 1]


def _within(target: str) -> Q:
    """The saves that a hold's target covers (as in `Hold`)."""
    level, _, rest = target.partition(":")
    if level == "site":
        return Q(instance__event__subject__site__code=rest)
    if level == "subject":
        return Q(instance__event__subject__code=rest)
    if level == "event":
        return Q(instance__event=int(rest))
    if level in ("form", "item"):
        return Q(instance=int(rest.partition(":")[0]))
    return Q()


def _save(save: FormVersion) -> tuple[Cell, ...]:
    """The columns ``SAVE`` of one save."""
    event = save.instance.event
    return (
        Cell(event.subject.site.code),
        Cell(event.subject.code, f"/subjects/{event.subject.code}"),
        Cell(f"{event.visit} {event.repeat} {save.instance.form}", _url(save)),
        Cell(_name(save.user)),
        Cell(_at(save.at, save)),
    )


def _url(save: FormVersion) -> str:
    return f"/history/{save.instance_id}"


def _name(user: object) -> str:
    full = getattr(user, "get_full_name", str)()
    return full or str(getattr(user, "username", ""))


def _at(moment: datetime | None, save: FormVersion) -> str:
    return zones.shown(moment, save.instance.event.subject.site) if moment else ""
