"""Load a study's folder into one frozen value, or say everything that is wrong with it at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import polars as pl
from pydantic import BaseModel, ValidationError

from onearm.errors import Finding, Place, Problems
from onearm.study.analyses import Analyses
from onearm.study.biomarkers import Biomarkers
from onearm.study.complaints import complaints, did_you_mean
from onearm.study.design import TrialDesign
from onearm.study.endpoints import Endpoints, SubjectRules
from onearm.study.forms import Form
from onearm.study.identity import Identity
from onearm.study.library import KEPT, USE, kept, shipped, taken
from onearm.study.model import Study
from onearm.study.outputs import Outputs
from onearm.study.schedule import Schedule
from onearm.study.simulation import Simulation
from onearm.study.standard import STANDARD, Names, source
from onearm.study.takerules import taken_rules
from onearm.study.termfiles import own_terms, read_terms
from onearm.study.yamlfile import RULE, Document, parse_yaml, read_text, read_yaml

MODELS: Mapping[str, type[BaseModel]] = {
    "study.yaml": Identity,
    "schedule.yaml": Schedule,
    "endpoints.yaml": Endpoints,
    "subjects.yaml": SubjectRules,
    "design.yaml": TrialDesign,
    "analyses.yaml": Analyses,
    "outputs.yaml": Outputs,
    "simulation.yaml": Simulation,
    "biomarkers.yaml": Biomarkers,
}
"""The model of each file of a study, in the order in which they are read.

``forms/*.yaml`` are ``Form``.
"""

T = TypeVar("T", bound=BaseModel)

RULES = tuple(shipped(STANDARD))
"""Names of the files that may take the library's rules."""
TEXT_FILES = {".yaml", ".yml", ".csv", ".txt", ".md", ".json", ".xml"}


def load(folder: Path) -> Study:
    """Read the study in ``folder``.

    Only study.yaml is required. Raises ``Problems`` with every problem of every file in one pass,
    each with file, line, what was found and what to do. What the files say to each other (a form
    that the schedule names, a column that a rule reads) is the work of ``onearm.study.lint``.
    """
    reading = _Reading(Path(folder))
    reading.read()
    if reading.findings:
        ordered = sorted(reading.findings, key=lambda f: (f.place, f.message))
        raise Problems(ordered, title=f"The study in {folder} cannot be loaded:")
    return reading.study()


def identity_of(text: str) -> Identity:
    """What a study.yaml that has been loaded before says of the trial, without its other files.

    Raises ``Problems`` where the text is not YAML, and pydantic's ``ValidationError``.
    """
    document, findings = parse_yaml(text, "study.yaml")
    if document is None:
        raise Problems(findings, title="study.yaml cannot be read:")
    return Identity.model_validate(document.data)


def version_of(folder: Path, library: Mapping[str, Path] | None = None) -> str:
    """SHA-256 over the folder's text files: their relative paths, sorted, and their text.

    ``library``: files of the library that the study takes, by name; they count as its own, wherever
    they were read. The folder ``library/`` itself does not count: what nobody takes says nothing.
    Line ends count as LF and a byte order mark does not count, so that the version is the same on
    every system. Hidden files and other kinds of files are not part of a study.
    """
    digest = hashlib.sha256()
    paths = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix.lower() in TEXT_FILES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.relative_to(folder).parts[0] != KEPT
    }
    paths |= library or {}
    for name in sorted(paths):
        text, _ = read_text(paths[name], name)
        for piece in (name, text):
            coded = piece.encode()
            # The length goes first, so that no two different folders run together the same way.
            digest.update(len(coded).to_bytes(8, "big") + coded)
    return digest.hexdigest()


def _as_kept(name: str) -> str:
    """Where a folder keeps what counts under ``name``; forms count without ending."""
    return name if Path(name).suffix else f"{name}.yaml"


@dataclass
class _Reading:
    """What has been read so far, and every problem met on the way."""

    folder: Path
    findings: list[Finding] = field(default_factory=list)
    parts: dict[str, BaseModel] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    forms: dict[str, Form] = field(default_factory=dict)
    form_files: dict[str, str] = field(default_factory=dict)
    terms: dict[str, pl.DataFrame] = field(default_factory=dict)
    library: dict[str, Path] = field(default_factory=dict)
    kept_forms: dict[str, str] = field(default_factory=dict)

    def read(self) -> None:
        if not self.folder.is_dir():
            hint = "Name the folder that holds study.yaml."
            self._report(str(self.folder), 0, None, "there is no such folder", hint)
            return
        if not (self.folder / "study.yaml").is_file():
            hint = "A study has at least the file study.yaml."
            self._report("study.yaml", 0, None, "the file is missing", hint)
        # Rules of the library are written for what study.yaml and endpoints.yaml say.
        order = {name: at for at, name in enumerate(MODELS)}
        tops = list(self._files("", ".yaml", ".yml"))
        for path in sorted(tops, key=lambda path: order.get(path.name, len(order))):
            self._top(path)
        self.kept_forms = {
            name: read_text(path, name)[0] for name, path in kept(self.folder, "forms").items()
        }
        for path in self._files("forms", ".yaml", ".yml"):
            self._form(path)
        for path in self._files("terms", ".csv"):
            frame, findings = read_terms(path, f"terms/{path.name}")
            self.findings += findings
            if frame is not None:
                self.terms[path.stem] = frame
        self._library_terms()

    def _files(self, folder: str, *endings: str) -> list[Path]:
        """Files of one folder by their ending, sorted; hidden ones are an editor's, not ours."""
        found = self.folder / folder
        listed = sorted(found.iterdir()) if found.is_dir() else []
        return [p for p in listed if p.suffix in endings and not p.name.startswith(".")]

    def _library_files(self, kind: str) -> dict[str, Path]:
        """The library's files of one kind: those that the study keeps go before the package's."""
        package = {name: Path(str(path)) for name, path in shipped(kind).items()}
        return package | kept(self.folder, kind)

    def _library_terms(self) -> None:
        """Codelists of the library that an item names and the study does not bring itself."""
        named = {item.codes for form in self.forms.values() for item in form.items}
        for name, path in self._library_files("terms").items():
            if name in named - set(self.terms):
                file = f"{KEPT}/terms/{name}.csv"
                self.library[file] = path
                frame, findings = read_terms(self.library[file], file)
                self.findings += findings
                if frame is not None:
                    self.terms[name] = frame

    def _top(self, path: Path) -> None:
        if path.name not in MODELS:
            hint = did_you_mean(path.name, MODELS) or "Rename it or move it away."
            self._report(path.name, 0, path.name, "is not a file of a study", hint)
        elif (part := self._parse(path, path.name, MODELS[path.name])) is not None:
            self.parts[path.name] = part

    def _form(self, path: Path) -> None:
        file = f"forms/{path.name}"
        form = self._parse(path, file, Form)
        if not isinstance(form, Form):
            return
        if form.form in self.forms:
            message = f"the form {form.form} stands in {self.form_files[form.form]} too"
            self._report(file, self.documents[file].line(("form",)), form.form, message)
            return
        self.forms[form.form] = form
        self.form_files[form.form] = file

    def _document(self, path: Path, file: str) -> Document | None:
        document, findings = read_yaml(path, file)
        self.findings += findings
        if document is not None:
            self.documents[file] = document
        return document

    def _parse(self, path: Path, file: str, model: type[BaseModel]) -> BaseModel | None:
        document = self._document(path, file)
        if document is None:
            return None
        if model is Form:
            self._remember(document)
            document, findings = taken(document, self.kept_forms)
            self.findings += findings
            self.documents[file] = document
            if findings:
                return None
        elif file.removesuffix(".yaml") in RULES:
            taken_document = self._rules(document)
            if taken_document is None:
                return None
            document = taken_document
        try:
            return model.model_validate(document.data)
        except ValidationError as problem:
            self.findings += complaints(problem, document, model)
            return None

    def _rules(self, document: Document) -> Document | None:
        """A rule file with what it takes from the library; None where that cannot be told."""
        file = document.file
        if USE not in document.data:
            return document
        identity = self.parts.get("study.yaml")
        endpoints = self.documents.get("endpoints.yaml")
        names = Names.of(
            identity if isinstance(identity, Identity) else None,
            endpoints.data if endpoints else {},
            has_schedule=(self.folder / "schedule.yaml").is_file(),
        )
        path = kept(self.folder, STANDARD).get(file.removesuffix(".yaml"))
        base, problems = read_yaml(path, f"{KEPT}/{STANDARD}/{file}") if path else (None, [])
        if problems:
            self.findings += problems
            return None
        finished, findings = taken_rules(document, names, base.data if base else None)
        self.findings += findings
        self.documents[file] = finished
        self.library[f"{KEPT}/{STANDARD}/{file}"] = path or source(file)
        return None if findings else finished

    def _remember(self, document: Document) -> None:
        """The library form that a file takes is part of the study's version."""
        name = document.data.get(USE)
        known = self._library_files("forms")
        if isinstance(name, str) and name in known:
            self.library[f"{KEPT}/forms/{name}"] = known[name]

    def _report(self, file: str, line: int, value: object, message: str, hint: str = "") -> None:
        self.findings.append(Finding(Place(file=file, line=line), value, RULE, message, hint))

    def study(self) -> Study:
        """The study; only when nothing was found."""
        identity = self.parts["study.yaml"]
        assert isinstance(identity, Identity)  # noqa: S101 - MODELS says so; narrows the type
        return Study(
            identity=identity,
            folder=self.folder,
            version=version_of(self.folder, self.library),
            library={
                _as_kept(name): read_text(path, name)[0]
                for name, path in sorted(self.library.items())
            },
            schedule=self._part(Schedule),
            forms=self.forms,
            subjects=self._part(SubjectRules),
            endpoints=self._part(Endpoints),
            analyses=self._part(Analyses),
            outputs=self._part(Outputs),
            simulation=self._part(Simulation),
            biomarkers=self._part(Biomarkers),
            design=self._part(TrialDesign),
            terms={**self.terms, **own_terms(identity)},
            documents=self.documents,
            form_files=self.form_files,
        )

    def _part(self, model: type[T]) -> T | None:
        return next((p for p in self.parts.values() if isinstance(p, model)), None)
