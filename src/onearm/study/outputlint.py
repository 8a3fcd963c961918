"""Do the shells of outputs.yaml name sets and operations that there are?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from onearm.expr import suggest
from onearm.study.notebook import Notebook
from onearm.study.outputs import FIELD, Block, Box, Flow, Keys, Mirror, Outputs, TableShell

FILE = "outputs.yaml"
Operations = Mapping[str, Sequence[str]]
"""What each kind of analysis gives, by its name; ``*`` stands for any text (a grade)."""


def check_shells(notes: Notebook, operations: Operations) -> None:
    """One error for each set and each operation that does not exist.

    ``operations``: from the registry of kinds; where it is empty, operations are not checked.
    Analyses that do not exist are left to ``check_outputs``.
    """
    outputs = notes.study.outputs
    if outputs is None:
        return
    for path, name in _sets(outputs):
        if name and name not in outputs.sets:
            hint = suggest(name, outputs.sets) or f"It has {', '.join(outputs.sets) or 'none'}."
            message = f"names the set {name}, which sets: of {FILE} does not have"
            notes.error(FILE, path, name, message, hint)
    kinds = {a.id: a.kind for a in notes.study.analyses.analyses} if notes.study.analyses else {}
    for path, operation, analyses in _operations(outputs) if operations else ():
        asked = list(dict.fromkeys(kinds[name] for name in analyses if name in kinds))
        known = [given for kind in asked for given in operations.get(kind, ())]
        if known and not any(fnmatchcase(operation, given) for given in known):
            message = (
                f"reads '{operation}', which an analysis of the kind {' or '.join(asked)} "
                "does not give"
            )
            hint = suggest(operation, known) or f"It gives {', '.join(dict.fromkeys(known))}."
            notes.error(FILE, path, operation, message, hint)


def _sets(outputs: Outputs) -> Iterator[tuple[Keys, str]]:
    """Every set that a shell names; what a set is stands in ``sets``."""
    for key in ("tables", "figures", "listings"):
        for at, shell in enumerate(getattr(outputs, key)):
            yield (key, at, "set"), shell.set
    for at, table in enumerate(outputs.tables):
        for number, column in enumerate(table.columns if isinstance(table.columns, tuple) else ()):
            yield ("tables", at, "columns", number, "count"), column.count


def _operations(outputs: Outputs) -> Iterator[tuple[Keys, str, list[str]]]:
    """Every operation that is read, its place, and the analyses it may be one of."""
    for name, each in outputs.sets.items():
        yield ("sets", name, "operation"), each.operation, [each.count]
    for at, table in enumerate(outputs.tables):
        for path, template, analyses in _formats(table):
            for operation, _ in FIELD.findall(template):
                yield ("tables", at, *path), operation, analyses
    for at, figure in enumerate(outputs.figures):
        if isinstance(figure, Flow):
            yield from _boxes(("figures", at, "boxes"), figure.boxes)
            yield from _boxes(("figures", at, "last"), figure.last)
        elif isinstance(figure, Mirror):
            sides = [figure.left.analysis, figure.right.analysis]
            for operation in figure.grades:
                yield ("figures", at, "grades", operation), operation, sides
    for path, template in outputs.sentences():
        for name, _ in FIELD.findall(template):
            analysis, _, rest = name.partition(".")
            yield path, rest.split(".")[0], [analysis]


def _formats(table: TableShell) -> Iterator[tuple[Keys, str, list[str]]]:
    """Every format of a table with the analyses whose numbers fill it.

    A column may read another analysis in place of a block's, and may have a format of its own.
    """
    columns = table.columns if isinstance(table.columns, tuple) else ()

    def filling(analysis: str) -> list[str]:
        return [analysis, *(c.analysis[analysis] for c in columns if analysis in c.analysis)]

    for number, block in enumerate(table.blocks):
        here: Keys = ("blocks", number)
        yield (*here, "format"), block.format, filling(block.analysis)
        for at, line in enumerate(block.lines):
            yield (*here, "lines", at, "format"), line.format, filling(_of(block, line.analysis))
    for number, column in enumerate(columns):
        read = [_of(b, line.analysis) for b in table.blocks for line in b.lines]
        read += [block.analysis for block in table.blocks]
        yield (
            ("columns", number, "format"),
            column.format,
            [column.analysis.get(name, name) for name in read],
        )


def _of(block: Block, analysis: str) -> str:
    return analysis or block.analysis


def _boxes(keys: Keys, boxes: Iterable[Box]) -> Iterator[tuple[Keys, str, list[str]]]:
    for at, box in enumerate(boxes):
        yield (*keys, at, "operation"), box.operation, [box.analysis]
        yield from _boxes((*keys, at, "aside"), box.aside)
