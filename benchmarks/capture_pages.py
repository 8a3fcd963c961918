"""Time of the pages people work on: a form of 60 items, its save, 50 people at once, the start.

    python -m benchmarks.capture_pages [--people 50] [--seconds 60]

Form and save are timed in one process on SQLite, from request to answer; 50 people use a server
of two workers on PostgreSQL (where it is installed), each opening and saving a form of 60 items
about every eight seconds. Seconds of the processor stand beside those of the clock: on a machine
that is busy with other things only the former mean anything.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.capture.faults.servers import FILL, STUDY, Editor, Server, account, database, end
from tests.capture.postgres import programs

ITEMS = 60
PAUSE_S = 8.0
TARGETS = {"form page": 50.0, "save": 100.0, "p95 page": 300.0, "p95 save": 300.0, "start": 3000.0}

IN_PROCESS = """
import json, sys, time
from pathlib import Path
from onearm.capture import serving
serving.configure(Path(sys.argv[1]))
from django.conf import settings
settings.ALLOWED_HOSTS = ["*"]
from django.test import Client
client = Client()
client.cookies["sessionid"] = sys.argv[3]
path = f"/subjects/{sys.argv[2]}/SCREENING/1/WIDE"
pages, saves, work = [], [], [0.0, 0.0]
for n in range(60):
    began, cpu = time.perf_counter(), time.process_time()
    answer = client.get(path)
    pages.append(time.perf_counter() - began)
    work[0] += time.process_time() - cpu
    assert answer.status_code == 200, answer.status_code
    given = {"version": str(n), "why": "typed", "v.1.W00": f"text {n}"}
    given |= {f"v.1.W{i:02d}": str((n + i) % 90) for i in range(1, 60)}
    began, cpu = time.perf_counter(), time.process_time()
    answer = client.post(path, given)
    saves.append(time.perf_counter() - began)
    work[1] += time.process_time() - cpu
    assert answer.status_code == 302, answer.content.decode()[-3000:]
print(json.dumps([pages[5:], saves[5:], [each / 60 for each in work]]))
"""


def wide_study(folder: Path) -> Path:
    """The shipped study with one form more, of 60 items with ranges and a check each."""
    shutil.copytree(STUDY, folder)
    lines = ["form: WIDE", "label: {en: Wide form, zh: 宽表单}", "items:"]
    lines.append("  - {name: W00, label: {en: Text, zh: 文本}, type: text}")
    for n in range(1, ITEMS):
        lines.append(
            f"  - {{name: W{n:02d}, label: {{en: Measure {n}, zh: 测量 {n}}}, type: integer}}"
        )
    lines.append("checks:")
    for n in range(1, 21):
        lines.append(
            f"  - {{id: WIDE-{n:03d}, require: 'W{n:02d} < 80', says: {{en: it is below 80, "
            "zh: 应低于 80}, source: benchmark}"
        )
    (folder / "forms" / "wide.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    schedule = folder / "schedule.yaml"
    text = schedule.read_text(encoding="utf-8")
    text = text.replace("forms: [VISIT, DM, DISEASE", "forms: [WIDE, VISIT, DM, DISEASE", 1)
    schedule.write_text(text, encoding="utf-8")
    return folder


def fields(number: int) -> dict[str, str]:
    """What an editor types: every item, most of them new."""
    return {f"v.1.W{i:02d}": str((number + i) % 90) for i in range(1, ITEMS)}


def ms(times: list[float], share: float) -> float:
    """A quantile in milliseconds."""
    return 1000 * statistics.quantiles(times, n=100)[round(share * 100) - 1]


def alone(scratch: Path, study: Path) -> dict[str, float]:
    """Medians of one person on SQLite, and the start of a server on that database."""
    server = Server(scratch / "alone", study=study)
    people = server.script(FILL, study, 1)
    assert isinstance(people, list)
    pages, saves, work = server.script(IN_PROCESS, *people[0])  # type: ignore[misc]
    start = server.start()
    server.kill()
    return {
        "form page": ms(pages, 0.5),
        "save": ms(saves, 0.5),
        "form page, processor": 1000 * work[0],
        "save, processor": 1000 * work[1],
        "start": 1000 * start,
    }


def together(scratch: Path, study: Path, people: int, seconds: float) -> dict[str, float]:
    """95 % quantiles of many people on PostgreSQL; fails where a save was lost."""
    with database() as made:
        server = Server(scratch / "together", made.url, workers=2, study=study)
        found = server.script(FILL, study, people)
        assert isinstance(found, list)
        server.start()
        try:
            busy = [
                Editor(server, code, session, fields, "W00", form="WIDE", pause=PAUSE_S)
                for code, session in found
            ]
            for one in busy:
                one.start()
                time.sleep(PAUSE_S / people)  # people do not begin at the same moment
            time.sleep(seconds)
            end(busy)
            figures = account(server, busy, item="W00")
        finally:
            server.kill()
    assert figures["lost"] == []
    assert figures["broken"] == []
    pages = [each for one in busy for each in one.pages]
    saves = [each for one in busy for each in one.saves]
    return {
        "p95 page": ms(pages, 0.95),
        "p95 save": ms(saves, 0.95),
        "median page, many": ms(pages, 0.5),
        "median save, many": ms(saves, 0.5),
        "saves": float(len(saves)),
    }


def main() -> None:
    """Measure and print; exit code 1 where a target is missed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=50)
    options.add_argument("--seconds", type=float, default=60)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        study = wide_study(Path(scratch) / "study")
        found = alone(Path(scratch), study)
        if programs() is not None:
            found |= together(Path(scratch), study, given.people, given.seconds)
    table = Table("what", "measured", "target")
    for name, value in found.items():
        unit = "" if name == "saves" else " ms"
        target = TARGETS.get(name)
        table.add_row(name, f"{value:.0f}{unit}", f"{target:.0f} ms" if target else "")
    Console().print(table)
    sys.exit(any(value > TARGETS.get(name, value) for name, value in found.items()))


if __name__ == "__main__":
    main()
