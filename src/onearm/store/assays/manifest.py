"""The manifest: which files hold which modality, in which format and on which scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from onearm.errors import Problems
from onearm.expr import suggest
from onearm.omics.checks import BASELINE
from onearm.store.assays.entries import read_option, sample_name
from onearm.store.assays.formats import COMMON, FORMATS, OPTIONS, SCALES, VALUES
from onearm.store.assays.reading import Log, Option, Unreadable
from onearm.store.assays.text import read_table
from onearm.study.yamlfile import Document, Plain, read_yaml

TOP = ("sheet", "baseline", "assays")
ENTRY = ("file", "files", "format", "scale", "unit")
SHEET_ROW = "sheet"
"""In a CSV manifest the row of this modality names the sample sheet."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One modality: its files with the name of the sample where a file holds one, and the rest.

    scale: a word of ``formats.SCALES``, empty where the format settles it. line: in the manifest.
    """

    modality: str
    files: tuple[tuple[Path, str], ...]
    format: str
    scale: str = ""
    unit: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)
    line: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """All assays of a study: the file it was read from, the sample sheet, one entry a modality.

    Paths are relative to ``folder``. baseline: names of the time points before first dose.
    """

    file: str
    folder: Path
    sheet: Path
    entries: tuple[Entry, ...]
    baseline: tuple[str, ...] = BASELINE


def read_manifest(path: Path) -> Manifest:
    """The manifest in a YAML or CSV file; raises ``Problems`` with everything wrong, with lines.

    YAML: ``sheet`` (the sample sheet), ``baseline`` (names of the time points before first dose),
    ``assays`` with one key a modality: ``file`` (a path or a pattern such as ``salmon/*/quant.sf``)
    or ``files`` (a list, or samples with their file), ``format``, ``scale``, ``unit``, options.
    CSV: one row a file with the columns modality, file, sample, format, scale, unit and options;
    the row whose modality is ``sheet`` names the sample sheet; words of a list are separated by
    semicolons. Files that are not there are found here.
    """
    reading = _Reading(path)
    manifest = reading.csv() if path.suffix.lower() == ".csv" else reading.yaml()
    if manifest is None or reading.log.findings:
        raise Problems(reading.log.findings, f"{path.name}: the manifest cannot be used as it is:")
    return manifest


class _Reading:
    def __init__(self, path: Path) -> None:
        self.path, self.folder = path, path.parent
        self.log = Log("", path.name)

    def yaml(self) -> Manifest | None:
        document, problems = read_yaml(self.path, self.path.name)
        if document is None or problems:
            self.log.findings += problems
            return None
        for key in document.data:
            self._known(key, TOP, document.line((key,)), "top level")
        assays = document.data.get("assays")
        if not isinstance(assays, dict) or not assays:
            self.log.say("manifest.missing", "it names no assays", value="assays", line=1)
            assays = {}
        entries = [
            entry
            for name, said in assays.items()
            if (entry := self._yaml_entry(document, name, said)) is not None
        ]
        baseline = _words(document.data.get("baseline")) or BASELINE
        sheet = self._sheet(document.data.get("sheet"), document.line(("sheet",)))
        return Manifest(self.path.name, self.folder, sheet, tuple(entries), baseline)

    def _yaml_entry(self, document: Document, name: str, said: Plain) -> Entry | None:
        line = document.line(("assays", name))
        if not isinstance(said, dict):
            self.log.say("manifest.missing", f"{name} has no keys", value=said, line=line)
            return None
        at = {key: document.line(("assays", name, key)) for key in said}
        files = said.get("files", said.get("file"))
        pairs = files.items() if isinstance(files, dict) else (("", f) for f in _words(files))
        return self._entry(name, [(str(f), s) for s, f in pairs], said, at, line)

    def csv(self) -> Manifest | None:
        try:
            table = read_table(self.path, self.log, separator=",")
        except Unreadable as problem:
            self.log.findings.append(problem.finding)
            return None
        for column in ("modality", "file"):
            if column not in table.header:
                self.log.say("manifest.missing", "the column is not there", value=column, line=1)
        if self.log.findings:
            return None
        rows = list(zip(table.cells.iter_rows(named=True), table.lines, strict=True))
        sheets = [(row["file"], at) for row, at in rows if row["modality"] == SHEET_ROW]
        groups: dict[str, list[tuple[dict[str, str | None], int]]] = {}
        for row, at in rows:
            if row["modality"] is None or row["file"] is None:
                self.log.say("manifest.missing", "modality or file is empty", line=at)
            elif row["modality"] != SHEET_ROW:
                groups.setdefault(row["modality"], []).append((row, at))
        entries = [
            entry
            for name, several in groups.items()
            if (entry := self._csv_entry(name, several)) is not None
        ]
        sheet = self._sheet(*(sheets[0] if sheets else (None, 1)))
        return Manifest(self.path.name, self.folder, sheet, tuple(entries))

    def _csv_entry(self, name: str, rows: list[tuple[dict[str, str | None], int]]) -> Entry | None:
        """Rows of one modality are its files; what they say beside the file must be the same."""
        said: dict[str, Plain] = {}
        for row, line in rows:
            for key, value in row.items():
                if value is None or key in ("modality", "file", "sample"):
                    continue
                if said.setdefault(key, value) != value:
                    told = f"{name} says {key} {said[key]} before and {value} here"
                    self.log.say("manifest.twice", told, value=value, line=line)
        line = rows[0][1]
        files = [(row["file"] or "", row.get("sample") or "") for row, _ in rows]
        return self._entry(name, files, said, dict.fromkeys(said, line), line)

    def _sheet(self, name: Plain, line: int) -> Path:
        if not isinstance(name, str) or not name:
            self.log.say("manifest.missing", "it names no sample sheet", value="sheet", line=line)
            return self.folder
        if not (self.folder / name).is_file():
            self.log.say("manifest.file", "the sample sheet is not there", value=name, line=line)
        return self.folder / name

    def _entry(
        self,
        name: str,
        files: Iterable[tuple[str, str]],
        said: Mapping[str, Plain],
        at: Mapping[str, int],
        line: int,
    ) -> Entry | None:
        before = len(self.log.findings)
        form = str(said.get("format", ""))
        if form not in FORMATS:
            hint = suggest(form, list(FORMATS)) or f"Name one of {', '.join(FORMATS)}."
            self.log.say(
                "manifest.format",
                f"{name}: the format is not known" if form else f"{name}: no format is named",
                value=form or None,
                line=at.get("format", line),
                hint=hint,
            )
            return None
        options = self._options(name, form, said, at)
        scale = str(said.get("scale") or "").lower()
        if scale and scale not in SCALES:
            told = f"{name}: the scale is not one of {', '.join(SCALES)}"
            self.log.say("manifest.option", told, value=scale, line=at["scale"])
        paths = tuple(self._paths(name, files, line))
        if len(self.log.findings) > before:
            return None
        unit = str(said.get("unit") or "")
        return Entry(name, paths, form, scale, unit, options, line)

    def _options(
        self, name: str, form: str, said: Mapping[str, Plain], at: Mapping[str, int]
    ) -> dict[str, Option]:
        offered = (*COMMON, *FORMATS[form].options)
        options: dict[str, Option] = {}
        for key, value in said.items():
            if key in ENTRY or value is None:
                continue
            if not self._known(key, (*ENTRY, *offered), at[key], f"{name}, format {form}"):
                continue
            rule = OPTIONS[key]
            choices = VALUES.get(form, ()) if key == "value" else rule.choices
            found = read_option(rule.kind, value)
            if found is None or (choices and found not in choices):
                told = f"{name}: {key} must be {' or '.join(choices) if choices else rule.kind}"
                self.log.say("manifest.option", told, value=value, line=at[key])
                continue
            options[key] = found
            is_path = rule.kind == "file" or (key == "sequenced" and isinstance(found, str))
            if is_path and found != "sheet" and not (self.folder / str(found)).is_file():
                told = f"{name}: the file of {key} is not there"
                self.log.say("manifest.file", told, value=found, line=at[key])
        return options

    def _paths(
        self, name: str, files: Iterable[tuple[str, str]], line: int
    ) -> Iterable[tuple[Path, str]]:
        found = 0
        for text, sample in files:
            is_pattern = "*" in text or "?" in text
            paths = sorted(self.folder.glob(text)) if is_pattern else [self.folder / text]
            if not text or not paths or not all(p.is_file() for p in paths):
                told = (
                    f"{name}: no file fits the pattern" if is_pattern else f"{name}: no such file"
                )
                self.log.say("manifest.file", told, value=text, line=line)
            found += 1
            for path in paths:
                yield path, sample or sample_name(path)
        if not found:
            self.log.say("manifest.missing", f"{name} names no file", value="file", line=line)

    def _known(self, key: str, known: Iterable[str], line: int, where: str) -> bool:
        if key in known:
            return True
        hint = suggest(key, list(known)).capitalize() or f"Known here: {', '.join(known)}."
        self.log.say(
            "manifest.key", f"{where}: the key is not known", value=key, line=line, hint=hint
        )
        return False


def _words(value: Plain) -> tuple[str, ...]:
    if isinstance(value, list):
        return tuple(map(str, value))
    return () if value is None or isinstance(value, dict) else (str(value),)
