"""Check that the files of a study agree with each other and with the standard's columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Protocol, runtime_checkable

from pydantic import BaseModel

from onearm.errors import Finding, OnearmError
from onearm.expr import parse, suggest, unknown_columns
from onearm.study.biomarkerlint import check_biomarkers
from onearm.study.caselint import check_cases
from onearm.study.criterialint import check_criteria
from onearm.study.designlint import check_design
from onearm.study.formlint import check_forms
from onearm.study.identitylint import check_identity
from onearm.study.library import USE, library_forms
from onearm.study.model import Study
from onearm.study.notebook import Notebook
from onearm.study.outputlint import Operations, check_shells
from onearm.study.outputs import check_outputs
from onearm.study.rulelint import check_rules
from onearm.study.schedulelint import check_schedule
from onearm.study.text import Text
from onearm.study.yamlfile import KeyPath

__all__ = ["check"]


@runtime_checkable
class HasExpressions(Protocol):
    """A part of a study that names its SQL expressions and the dataset that each one reads."""

    def expressions(self) -> Iterable[tuple[KeyPath, str, str]]:
        """Key path, text and dataset of every expression."""
        ...


def check(
    study: Study,
    columns: Mapping[str, Collection[str]],
    operations: Operations = MappingProxyType({}),
) -> list[Finding]:
    """Every disagreement between the files of a study, sorted by file and line.

    columns: the catalogue, dataset -> its variables, that the caller puts together from the SDTM
    and ADaM specifications; where it is empty, columns are not checked. operations: what each
    kind of analysis gives, from the registry of kinds; where it is empty, formats are not checked
    for it. Errors stop a build, warnings are likely mistakes, notes are gaps (a missing
    translation) that stop nothing.
    """
    notes = Notebook(study, columns)
    check_identity(notes)
    check_schedule(notes)
    check_forms(notes)
    check_cases(notes)
    for file, part in _rule_files(study).items():
        if isinstance(part, HasExpressions):
            _check_expressions(notes, file, part)
    check_criteria(notes)
    check_design(notes)
    check_rules(notes)
    check_biomarkers(notes)
    _check_outputs(notes)
    check_shells(notes, operations)
    _check_translations(notes)
    # Several expressions on one line may miss the same thing: it is said once.
    once = {(f.place, f.message): f for f in notes.findings}
    return sorted(once.values(), key=lambda f: (f.place.file, f.place.line, f.rule, f.message))


def _rule_files(study: Study) -> dict[str, BaseModel]:
    parts = {
        "subjects.yaml": study.subjects,
        "endpoints.yaml": study.endpoints,
        "design.yaml": study.design,
        "analyses.yaml": study.analyses,
        "outputs.yaml": study.outputs,
        "simulation.yaml": study.simulation,
        "biomarkers.yaml": study.biomarkers,
    }
    return {file: part for file, part in parts.items() if part is not None}


def _check_expressions(notes: Notebook, file: str, part: HasExpressions) -> None:
    for path, text, dataset in part.expressions():
        try:
            expression = parse(text)
        except OnearmError as problem:
            notes.error(file, path, text, str(problem))
            continue
        names = dataset.split("+")
        if not notes.columns:
            continue
        absent = [name for name in names if name not in notes.columns]
        for name in absent:
            hint = suggest(name, notes.columns)
            notes.error(file, path, name, f"reads the dataset {name}, which does not exist", hint)
        if absent:
            continue
        # Supplemental qualifiers are read as if they were columns of their domain.
        known = {column for name in names for column in notes.columns[name]}
        known |= {qualifier for name in names for qualifier in _qualifiers(notes.study, name, file)}
        for column in unknown_columns(expression, known):
            notes.error(
                file,
                path,
                column,
                f"'{text}' reads {column}, which {dataset} does not have",
                suggest(column, known),
            )


def _qualifiers(study: Study, domain: str, file: str) -> set[str]:
    """The supplemental qualifiers that the study's forms give a domain.

    Those of the library's forms as well where the file takes the library's rules, or the study has
    no forms: then its data come from elsewhere.
    """
    takes = (USE,) in study.documents[file].lines
    elsewhere = takes or not study.forms
    forms = {**library_forms(), **study.forms} if elsewhere else study.forms
    # Data from elsewhere bring the study's cohort as a qualifier of the subject.
    cohort = {study.cohort_variable} - {""} if elsewhere and domain == "DM" else set()
    return cohort | {
        target.variable
        for form in forms.values()
        for item in form.items
        for target in item.to
        if target.domain == f"SUPP{domain}"
    }


def _check_outputs(notes: Notebook) -> None:
    study = notes.study
    if study.outputs is None:
        return
    analyses = [a.id for a in study.analyses.analyses] if study.analyses else []
    notes.findings += check_outputs(
        study.outputs, analyses, place=lambda keys: study.place("outputs.yaml", keys)
    )


def _check_translations(notes: Notebook) -> None:
    """One note a file: how many of its texts have no Chinese, and where the first one is."""
    study = notes.study
    parts: dict[str, BaseModel] = {"study.yaml": study.identity}
    if study.schedule is not None:
        parts["schedule.yaml"] = study.schedule
    if study.design is not None:
        parts["design.yaml"] = study.design
    parts |= {study.form_files[name]: form for name, form in study.forms.items()}
    for file, part in parts.items():
        bare = [path for path, text in _texts(part, ()) if text.en and not text.zh]
        if bare:
            first = min(bare, key=lambda path: study.place(file, path).line)
            message = f"{len(bare)} texts have no Chinese; the first is here"
            notes.note(file, first, None, message, "Write {en: ..., zh: ...}.")
    for name, frame in study.terms.items():
        if {"code", "zh"} <= set(frame.columns) and (empty := frame["zh"].null_count()):
            file = f"terms/{name}.csv"
            if (study.folder / file).is_file():
                notes.note(file, (), None, f"{empty} codes have no Chinese", "Fill the column zh.")


def _texts(value: object, path: KeyPath) -> Iterable[tuple[KeyPath, Text]]:
    if isinstance(value, Text):
        yield path, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _texts(getattr(value, name), (*path, name))
    elif isinstance(value, tuple):
        for at, part in enumerate(value):
            yield from _texts(part, (*path, at))
