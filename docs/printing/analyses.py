"""The page of analyses: kinds, what they need and read, methods, and the numbers they give."""

from __future__ import annotations

from onearm.outputs.figures import FIGURES
from onearm.results import KINDS, SCHEMA
from onearm.study import outputs
from onearm.study.analyses import COMMON, METHODS, NEEDED, READ, Analysis
from printing.markdown import code, codes, doc, page, table


def analyses() -> str:
    """``reference/analyses.md``."""
    return page(
        "Analyses and outputs",
        "One entry of `analyses.yaml` names a kind; the kind says which keys it needs and which "
        "numbers it gives. A number is one row of the results. Its id is "
        "`analysis.operation.level...`, for example `orr_confirmed.ci_low.Total`; tables and "
        "sentences name numbers by it.",
        "## Kinds\n\n"
        + table(
            ["kind", "what it gives", "source"],
            [(f"[`{k.name}`](#{k.name})", k.title, k.source) for k in KINDS.values()],
        ),
        f"Every kind reads {codes(sorted(COMMON))}. Any other key is refused.",
        *(_kind(name) for name in KINDS),
        f"## Keys of an analysis\n\n```text\n{doc(Analysis)}\n```",
        "## Columns of the results\n\n"
        + table(["column", "type"], [(code(n), str(t)) for n, t in SCHEMA.items()]),
        "## Kinds of figure\n\nThe keys of each stand in [study files](study_files.md#outputsyaml)."
        "\n\n" + table(["kind", "what it shows"], [(code(n), _figure(n)) for n in FIGURES]),
    )


def _kind(name: str) -> str:
    kind = KINDS[name]
    needed = NEEDED.get(name, ())
    own = sorted(READ[name] - COMMON - set(needed))
    methods = METHODS.get(name, ())
    lines = [
        f"* needs: {codes(needed)}" if needed else "",
        f"* reads: {codes(own)}" if own else "",
        f"* methods: {codes(methods)}; the first is the default" if methods else "",
        f"* gives: {codes(kind.operations)}",
    ]
    return f"### {name}\n\n{kind.title}.\n\n" + "\n".join(filter(None, lines))


def _figure(kind: str) -> str:
    models = (m for m in vars(outputs).values() if isinstance(m, type))
    for model in models:
        field = getattr(model, "model_fields", {}).get("kind")
        if field is not None and kind in getattr(field.annotation, "__args__", ()):
            return doc(model).split("\n\n")[0]
    raise LookupError(f"no model of outputs.yaml has the kind {kind}")
