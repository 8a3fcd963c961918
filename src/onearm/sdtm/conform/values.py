"""Are the values from their codelists, plain text of the right length, and results consistent?"""

from __future__ import annotations

import polars as pl

from onearm.errors import Finding, Place
from onearm.sdtm.conform.report import Source, has, report, texts
from onearm.sdtm.spec import is_finding
from onearm.terms import Codelist, codelist_names, load_codelist
from onearm.terms.units import known_tests

LONGEST = 200
QNAM = r"^[A-Z][A-Z0-9]{0,7}$"
NOT_A_TERM = r"^[<>]?=?\s*[-+]?\d+(\.\d+)?([-/T:.]\d*)*$"
"""Numbers and dates among results: codelists of --STRESC speak of words only."""


def check_terms(source: Source) -> list[Finding]:
    """Values outside a closed codelist, and undeclared ones outside an extensible codelist."""
    found: list[Finding] = []
    for name, frame, spec in source.known():
        for column in spec.columns:
            lists = _lists(column.codelist)
            variable = column.variable
            if not lists or variable not in frame.columns or frame.schema[variable] != pl.String:
                continue
            terms = {t for codelist in lists for t in codelist.terms}
            open_list = any(codelist.extensible for codelist in lists)
            own = source.declared.get(f"{name}.{variable}", ()) if open_list else ()
            known = {*terms, *own, ""}
            if variable == "RACE":
                known.add("MULTIPLE")  # allowed by the guide, with the races in SUPPDM
            counted = frame[variable].value_counts(sort=True).drop_nulls()
            for value, count in counted.iter_rows():
                if value in known or (variable.endswith("STRESC") and _is_result(value)):
                    continue
                found.append(_outside(name, variable, value, count, lists, open_list=open_list))
    return found


def _lists(names: str) -> list[Codelist]:
    wanted = [n for n in names.split("|") if n]
    if not wanted or any(n not in codelist_names() for n in wanted):
        return []
    return [load_codelist(n) for n in wanted]


def _is_result(value: str) -> bool:
    return bool(pl.select(pl.lit(value).str.contains(NOT_A_TERM)).item())


def _outside(
    dataset: str, variable: str, value: str, count: int, lists: list[Codelist], *, open_list: bool
) -> Finding:
    listed = " or ".join(c.name for c in lists)
    words = "rows" if count > 1 else "row"
    return Finding(
        Place(form=dataset, field=variable),
        f"{value} in {count} {words}",
        f"CDISC terminology {listed}",
        f"the value is not in the codelist {listed}"
        + (" and not declared by the study" if open_list else ", which is closed"),
        "Use the codelist's term, or declare the study's own."
        if open_list
        else "Use the codelist's term.",
        "warning" if open_list else "error",
    )


def check_text(source: Source) -> list[Finding]:
    """Letters beyond ASCII, and values of more than 200 bytes: neither can go to an agency."""
    found: list[Finding] = []
    for name, frame, _ in source.known():
        for column in texts(frame):
            words = frame[column].unique().drop_nulls()
            if not words.str.len_bytes().max():
                continue
            foreign = words.filter(words.str.len_bytes() != words.str.len_chars())
            long = words.filter(words.str.len_bytes() > LONGEST)
            for bad, message, hint in (
                (foreign, "the value holds letters beyond ASCII", "Write it in English letters."),
                (long, f"the value is longer than {LONGEST} bytes", "Shorten it, or split it."),
            ):
                if len(bad):
                    found += report(
                        frame.filter(pl.col(column).is_in(bad.implode())),
                        dataset=name,
                        field=column,
                        rule="standards 5.1",
                        message=message,
                        hint=hint,
                        severity="warning",
                    )
    return found


def check_results(source: Source) -> list[Finding]:
    """--STRESN must be the number that --STRESC shows. Rule: SDTMIG 3.4, section 4.5.1."""
    found: list[Finding] = []
    for name, frame, _ in source.known():
        text, number = f"{name}STRESC", f"{name}STRESN"
        if not has(frame, text, number) or frame.schema[text] != pl.String:
            continue
        shown = pl.col(text).cast(pl.Float64, strict=False)
        # 12 digits: transport files carry 0.1 + 0.2 where the text says 0.3.
        differs = (shown - pl.col(number)).abs() > 1e-9 * shown.abs().clip(lower_bound=1.0)
        found += report(
            frame.filter(differs),
            dataset=name,
            field=number,
            rule="SDTMIG 3.4, 4.5.1",
            message=f"{number} is not the number that {text} shows",
            hint=f"Read {number} from {text}.",
        )
    return found


def check_units(source: Source) -> list[Finding]:
    """One standard unit a test; a unit for numbers of tests that have one."""
    found: list[Finding] = []
    with_unit = {(t.domain, t.code) for t in known_tests().values() if t.unit}
    for name, frame, _ in source.known():
        test, unit, number = f"{name}TESTCD", f"{name}STRESU", f"{name}STRESN"
        if not is_finding(name) or not has(frame, test, unit, number):
            continue
        used = frame.filter(pl.col(number).is_not_null())
        kinds = [c for c in (test, f"{name}CAT", f"{name}SPEC") if c in frame.columns]
        commonest = pl.col(unit).drop_nulls().mode().sort().first()
        several = (
            used.filter(pl.col(unit).is_not_null())
            .group_by(kinds, maintain_order=True)
            .agg(
                _units=pl.col(unit).unique().sort(),
                # The first subject whose result is in a rarer unit is where to look.
                USUBJID=pl.col("USUBJID").filter(pl.col(unit) != commonest).first()
                if "USUBJID" in used.columns
                else pl.lit(None, pl.String),
            )
            .filter(pl.col("_units").list.len() > 1)
            .with_columns(_found=pl.col(test) + " in " + pl.col("_units").list.join(", "))
        )
        found += report(
            several,
            dataset=name,
            field=unit,
            rule="SDTMIG 3.4, 4.5.1",
            message="a test has results in several standard units",
            hint="Convert them to one unit.",
            value="_found",
        )
        codes = [code for domain, code in with_unit if domain == name]
        found += report(
            used.filter(
                (pl.col(unit).is_null() | (pl.col(unit).cast(pl.String) == ""))
                & pl.col(test).is_in(codes)
            ),
            dataset=name,
            field=unit,
            rule="SDTMIG 3.4, 4.5.1",
            message="a number has no unit although the test has one",
            hint="Give the unit at the source.",
            value=test,
        )
    return found


def check_qualifier_names(source: Source) -> list[Finding]:
    """QNAM: a name of at most 8 capitals and digits. Rule: SDTMIG 3.4, section 8.4."""
    found: list[Finding] = []
    for name, frame, _ in source.known():
        if "QNAM" in frame.columns:
            found += report(
                frame.filter(~pl.col("QNAM").str.contains(QNAM)),
                dataset=name,
                field="QNAM",
                rule="SDTMIG 3.4, 8.4",
                message="QNAM is not a name of at most 8 capital letters and digits",
                hint="Give it a shorter name.",
            )
    return found
