"""Putting forms on paper: the right, the PDF, and the line in the trail, whoever asks."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from onearm.capture import clock, permissions, trail, words
from onearm.capture.models import StudyVersion, Subject
from onearm.capture.printing.answers import Reader
from onearm.capture.printing.serious import serious_source
from onearm.capture.printing.subjects import casebook_source, form_source
from onearm.capture.studies import study_of
from onearm.capture.words import say
from onearm.errors import OnearmError
from onearm.paper import blank_forms, pdf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onearm.capture.models import FormInstance, SeriousEvent, Site, User
    from onearm.capture.permissions import Actor


@dataclass(frozen=True, slots=True)
class Paper:
    """A document: the bytes of its PDF, and the name under which it is handed out.

    content: hash of what is printed, as on the title page; empty for blank forms.
    """

    name: str
    pdf: bytes
    content: str = ""

    @property
    def sha256(self) -> str:
        """Hash of the file."""
        return hashlib.sha256(self.pdf).hexdigest()


def print_blank(
    user: User, version: StudyVersion, *, forms: Collection[str] = (), annotated: bool = False
) -> Paper:
    """The empty forms of a study version, all or those named.

    Raises `permissions.NotAllowed`, and ``OnearmError`` for a form that the version does not have.
    """
    actor = permissions.actor(user, "study.view", None, clock.now().date())
    language = words.language()
    made = _blank(version.pk, version.hash, tuple(forms), annotated, language)
    study = study_of(version)
    kind = "acrf" if annotated else "crf"
    paper = Paper("_".join(filter(None, (study.id, kind, *forms, language))) + ".pdf", made)
    details = {"forms": sorted(forms), "annotated": annotated, "version": version.number}
    _record("study", "print.blank", actor, None, f"version {version.number}", paper, details)
    return paper


def print_form(user: User, instance: FormInstance) -> Paper:
    """One form with its history, queries and signatures; raises `permissions.NotAllowed`."""
    subject = instance.event.subject
    actor, reader = _reader(user, "form.view", subject.site)
    source, head = form_source(instance, reader, clock.now())
    event = instance.event
    study = study_of(instance.study_version)
    name = f"{study.id}_{subject.code}_{event.visit}{event.repeat}_{instance.form}.pdf"
    paper = Paper(name, pdf(source), head)
    details = {"version": instance.version, "with_names": reader.names, "trail": reader.trail}
    _record(
        f"subject:{subject.code}",
        "print.form",
        actor,
        subject.site,
        f"form:{instance.pk}",
        paper,
        details,
    )
    return paper


def print_casebook(user: User, subject: Subject) -> Paper:
    """Every form of a subject; raises `permissions.NotAllowed`."""
    actor, reader = _reader(user, "form.view", subject.site)
    source, content = casebook_source(subject, reader, clock.now())
    paper = Paper(f"{subject.site.code}_{subject.code}_casebook.pdf", pdf(source), content)
    details = {"with_names": reader.names, "trail": reader.trail}
    _record(
        f"subject:{subject.code}",
        "print.casebook",
        actor,
        subject.site,
        f"subject:{subject.code}",
        paper,
        details,
    )
    return paper


def print_casebooks(user: User, site: str | None = None) -> Iterator[tuple[str, Paper]]:
    """Site code and casebook of every subject at the sites where the person may read forms.

    One at a time: a trial's casebooks do not fit into memory together. Raises ``OnearmError`` for
    a site that the person's rights do not reach.
    """
    sites = permissions.sites_of(user, "form.view", clock.now().date())
    if site is not None:
        sites = sites.filter(code=site)
        if not sites:
            raise OnearmError(say("paper.no_site").format(site=site))
    subjects = Subject.objects.filter(site__in=sites).select_related("site")
    for subject in subjects.order_by("site__code", "code"):
        yield subject.site.code, print_casebook(user, subject)


def print_serious(user: User, event: SeriousEvent) -> Paper:
    """A serious event with its reports, for who follows safety or reads the site's forms.

    Raises `permissions.NotAllowed`.
    """
    subject = event.instance.event.subject
    site, today = subject.site, clock.now().date()
    right = "safety.view" if permissions.can(user, "safety.view", site, today) else "form.view"
    actor, reader = _reader(user, right, site)
    paper = Paper(
        f"{subject.site.code}_{subject.code}_sae_{event.pk}.pdf",
        pdf(serious_source(event, reader, clock.now())),
    )
    _record(
        f"subject:{subject.code}",
        "print.serious",
        actor,
        site,
        f"item:{event.instance_id}:{event.row}:",
        paper,
        {"event": event.pk, "reports": event.reports.count()},
    )
    return paper


def version_of(number: int | None) -> StudyVersion:
    """A study version by its number, the newest for None; raises ``OnearmError`` for none such."""
    versions = StudyVersion.objects.order_by("-number")
    found = versions.filter(number=number).first() if number is not None else versions.first()
    if found is None:
        raise OnearmError(say("paper.no_version"))
    return found


def _reader(user: User, right: str, site: Site) -> tuple[Actor, Reader]:
    """In which role the person prints, and what of the data the person may see."""
    today = clock.now().date()
    actor = permissions.actor(user, right, site, today)
    names = permissions.can(user, "identity.view", site, today)
    seen = permissions.can(user, "trail.view", site, today)
    return actor, Reader(user.get_full_name() or user.username, names, seen)


def _record(
    stream: str,
    action: str,
    actor: Actor,
    site: Site | None,
    target: str,
    paper: Paper,
    details: Mapping[str, object],
) -> None:
    about = {"language": words.language(), "sha256": paper.sha256, "content": paper.content}
    trail.record(
        stream, action, actor=actor, site=site, target=target, details={**details, **about}
    )


@lru_cache(maxsize=12)
def _blank(pk: int, _hash: str, forms: tuple[str, ...], annotated: bool, language: str) -> bytes:
    """Blank forms are the same whoever asks: made once a process."""
    version = StudyVersion.objects.get(pk=pk)
    study = study_of(version)
    number = str(version.number)
    return pdf(blank_forms(study, language, forms=forms, annotated=annotated, version=number))
