"""The casebook of a subject: every form in the order of visits, and what stands on none of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from onearm.capture import enrolment, places, words
from onearm.capture.chain import START, link
from onearm.capture.models import EventInstance, StudyVersion
from onearm.capture.printing.answers import Reader, moment, paper_words
from onearm.capture.printing.forms import Papers, acts_of, papers, signed, talks
from onearm.capture.studies import study_of
from onearm.capture.words import language, said
from onearm.paper import casebook, filled_form
from onearm.paper.filled import About
from onearm.study.text import Text

if TYPE_CHECKING:
    from datetime import datetime

    from onearm.capture.models import FormInstance, Subject


def about(subject: Subject, reader: Reader, at: datetime) -> About:
    """What stands on every page of a document about a subject."""
    newest = StudyVersion.objects.defer("files").order_by("-number").first()
    study = study_of(newest) if newest else None
    return About(
        study=study.id if study else "",
        study_title=said(study.title if study else Text(en="")),
        subject=subject.code,
        site=subject.site.code,
        printed=paper_words()("filled.printed_by", name=reader.name, at=moment(at, subject.site)),
        on=at.date(),
        language=language(),
        has_names=reader.names,
    )


def form_source(instance: FormInstance, reader: Reader, at: datetime) -> tuple[str, str]:
    """A form as typst source, and the hash of its newest version."""
    subject = instance.event.subject
    gathered = papers(subject, reader, instance)
    sheet = next(gathered.sheets())
    return filled_form(about(subject, reader, at), sheet), sheet.head


def casebook_source(subject: Subject, reader: Reader, at: datetime) -> tuple[str, str]:
    """A subject's casebook as typst source, and the hash of its content."""
    gathered = papers(subject, reader)
    content = link(START, {"forms": gathered.heads})
    printed = {(f.event.visit, f.event.repeat, f.form) for f in gathered.forms}
    elsewhere = [q for at_, all_ in gathered.queries.items() if at_ not in printed for q in all_]
    source = casebook(
        about(subject, reader, at),
        list(gathered.sheets()),
        facts=_facts(gathered, reader, at),
        content=content,
        queries=talks(gathered, elsewhere),
        signatures=[
            signed(gathered, one, stands=stands)
            for one, stands in gathered.signatures
            if one.target.startswith("subject:")
        ],
        acts=acts_of(gathered, ""),
    )
    return source, content


def _facts(gathered: Papers, reader: Reader, at: datetime) -> Iterator[tuple[str, str]]:
    say, subject = paper_words(), gathered.subject
    site = subject.site
    yield say("filled.subject"), subject.code
    yield say("filled.site"), f"{site.code} {site.name}"
    yield say("filled.stage"), words.say(f"stage.{subject.stage}")
    if subject.enrolled_on:
        yield say("filled.enrolled"), subject.enrolled_on.isoformat()
    if subject.failed_because:
        yield say("filled.failed"), enrolment.failure_said(subject.failed_because)
    versions = {f.study_version.number: f.study_version.hash for f in gathered.forms}
    for number, hash_ in sorted(versions.items()):
        yield say("filled.study_version"), f"{number} ({hash_})"
    yield say("filled.forms"), str(len(gathered.forms))
    missed = EventInstance.objects.filter(subject=subject).exclude(missed_because="")
    for event in missed.order_by("pk"):
        visit = places.target_said(f"event:{event.pk}").partition(places.BETWEEN)[2]
        yield say("filled.missed"), f"{visit}: {event.missed_because}"
    yield say("filled.printed"), f"{reader.name}, {moment(at, site)}"
