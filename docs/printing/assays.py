"""The page of assays: the manifest, the sample sheet, the formats, the rules of loading."""

from __future__ import annotations

from onearm.omics.assay import SHEET
from onearm.omics.checks import BASELINE, rules_by_topic
from onearm.omics.loadrules import RULES
from onearm.store.assays.classes import NONSYNONYMOUS, consequences
from onearm.store.assays.formats import COMMON, FORMATS, OPTIONS, SCALES
from onearm.store.assays.outcomes import AMOUNTS, RESPONSES
from onearm.store.assays.reading import STEPS
from onearm.store.assays.sheet import NEEDED
from onearm.store.assays.variants import VARIANTS
from printing.markdown import code, codes, page, table

LEAD = """
What `onearm` reads of multi-omics data. A **manifest** lists the files, one entry a modality. A
**sample sheet** says whose every sample is, and is the only place that says so. Outcomes are never
read from assays: they come from the trial's own datasets, or from a plain table.

Every file is read to its end and every problem is told in one pass, with file, line, value and
rule. An error stops the loading. A warning or a note travels with the data into the report.
"""

MANIFEST = """
```yaml
sheet: samples.csv
baseline: [C1D1, screening]        # names of the time points before first dose
assays:
  rna:
    files: salmon/*/quant.sf       # one folder a sample
    format: salmon
    tx2gene: tx2gene.tsv
  mutations:
    file: variants.maf.gz
    format: maf
    sequenced: sheet               # every sample of the sheet was sequenced
    callable_mb: 34.2
  cytokines:
    file: cytokines.csv
    format: long
    scale: linear
```

Paths count from the manifest's folder. `file` is one path or pattern; `files` is a list, or samples
with their file. As CSV the manifest has one row a file with the columns `modality`, `file`,
`sample`, `format`, `scale`, `unit` and the options; the row of the modality `sheet` names the
sample sheet, and words of a list are separated by semicolons.
"""

MEANING = {
    "sample_id": "name of the sample, once for each modality it was measured in",
    "subject_id": "the subject, as in the trial",
    "modality": "the modality's name in the manifest",
    "timepoint": "C1D1, M1, M2, ... or any other name",
    "collection_date": "YYYY-MM-DD",
    "study_day": "whole number; first dose is day 1, the day before -1, there is no day 0",
    "specimen": "tumour, plasma, PBMC, stool, ...",
    "tissue_site": "where the specimen was taken",
    "tumour_content": "share of tumour cells, 0 to 1",
    "qc_pass": "yes or no; no leaves the sample out",
    "exclude_reason": "any text leaves the sample out and is told",
}
TOPICS = {
    "manifest": "Manifest",
    "file": "Files",
    "scale": "Scale",
    "feature": "Features",
    "sample": "Samples",
    "value": "Values",
    "unit": "Units",
    "variants": "Small variants",
    "sheet": "Sample sheet",
    "outcome": "Outcomes",
}


def assays() -> str:
    """``reference/assays.md``."""
    return page(
        "Assays",
        LEAD,
        "## Manifest\n" + MANIFEST,
        "## Formats\n\n`scale` is what the numbers are where the format settles it; elsewhere the "
        "manifest must say. Files of one sample are named after their folder or file, or by the "
        "manifest.\n\n"
        + table(
            ["format", "for", "layout", "scale", "one sample a file", "options"],
            [
                (
                    code(f.name),
                    f.used_for,
                    f.layout,
                    code(f.scale or ""),
                    "yes" if f.one_sample else "",
                    codes(f.options),
                )
                for f in FORMATS.values()
            ],
        ),
        "## Scales\n\nCounts and TPM are told apart by checking what the manifest says against the "
        "values; without a scale the file is refused and the message says what the values look "
        "like.\n\n"
        + table(
            ["`scale`", "kind", "unit"],
            [(code(word), code(scale), unit) for word, (scale, unit) in SCALES.items()],
        ),
        f"## Options\n\nEvery format has {codes(COMMON)}.\n\n"
        + table(
            ["option", "holds", "meaning", "one of"],
            [(code(o.name), o.kind, o.meaning, codes(o.choices)) for o in OPTIONS.values()],
        ),
        "## Sample sheet\n\nCSV, tab-separated or Parquet. Every further column is a batch column "
        f"(run, plate, centre, kit). Needed: {codes(NEEDED)}. Time points that mean before first "
        f"dose, unless the manifest names others: {codes(BASELINE)}.\n\n"
        + table(
            ["column", "type", "meaning"],
            [(code(name), str(dtype), MEANING[name]) for name, dtype in SHEET.items()],
        ),
        _variants(),
        _outcomes(),
        "## Rules\n\n" + "\n\n".join(_rules(topic, ids) for topic, ids in rules_by_topic().items()),
        "## What was loaded\n\nOne row a step of a file; a step that drops nothing is left out.\n\n"
        + table(["column", "type"], [(code(name), str(dtype)) for name, dtype in STEPS.items()]),
    )


def _rules(topic: str, ids: list[str]) -> str:
    rows = [(code(r.rule), r.severity, r.what, r.hint) for r in (RULES[each] for each in ids)]
    return f"### {TOPICS[topic]}\n\n" + table(["rule", "severity", "broken by", "what to do"], rows)


def _variants() -> str:
    return (
        "## Small variants\n\nThe assay is genes by sequenced samples, 1 where a non-synonymous "
        "variant was found. A sample that is absent from the variants is wild type only if it is "
        "known to have been sequenced (`sequenced`, or the header of its VCF). Non-synonymous, "
        f"unless the manifest names other classes: {codes(NONSYNONYMOUS)}. Of several transcripts "
        "the most severe consequence in a gene counts, in the order of this table.\n\n"
        + table(
            ["term of VEP, SnpEff or ANNOVAR", "class"],
            [(code(term), code(name)) for term, (_, name) in consequences().items()],
        )
        + "\n\n`Frame_Shift` and `In_Frame` become `_Ins` or `_Del` by the length of the alleles. "
        "Every variant is kept, one row a variant of a sample:\n\n"
        + table(["column", "type"], [(code(name), str(t)) for name, t in VARIANTS.items()])
    )


def _outcomes() -> str:
    return (
        "## Outcomes without a trial\n\nOne row a subject: `subject_id`; "
        "`<endpoint>_days`, `<endpoint>_months` or `<endpoint>_time` with `<endpoint>_event` or "
        f"`<endpoint>_status` (1 or 0); responses {codes(RESPONSES)} (1, 0, NE or empty); "
        f"amounts {codes(AMOUNTS)}; every other column may confound or stratify. Capitals do not "
        "count. Months become days by 30.4375 and are not rounded."
    )
