"""One million item values from the database to Parquet: time, and memory of the whole process.

``python benchmarks/capture_export.py``: 40,000 forms of 25 items are loaded straight into a
scratch database (bulk_create), then a fresh process exports them. Asserts 2 s and 500 MB.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onearm.capture.export.layout import Sheet

FORMS, ITEMS = 40_000, 25
NAMES = [f"ITEM{n:02}" for n in range(ITEMS)]


def main() -> None:
    """Load, then export in a process of its own."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["ONEARM_DATA"] = scratch
        os.environ["ONEARM_SECRET_KEY"] = "benchmark"  # noqa: S105
        os.environ["DJANGO_SETTINGS_MODULE"] = "onearm.capture.settings"
        _load()
        subprocess.run([sys.executable, __file__, "export"], check=True)


def _export() -> None:
    import django

    django.setup()
    from onearm.capture.export.tables import Selection, documents, table
    from onearm.capture.models import Site

    begun, worked = time.perf_counter(), time.process_time()
    selection = Selection(sites=tuple(Site.objects.all()))
    made = table(_sheet(), documents("WIDE", selection))
    made.frame.write_parquet(Path(os.environ["ONEARM_DATA"]) / "wide.parquet", compression="zstd")
    seconds, cpu = time.perf_counter() - begun, time.process_time() - worked
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    values = made.frame.select(NAMES).count().sum_horizontal()[0]
    print(f"{values} values, {seconds:.2f} s ({cpu:.2f} s of work), {peak:.0f} MB at the peak")
    assert values == FORMS * ITEMS
    assert seconds < 2
    assert peak < 500


def _load() -> None:
    import django

    django.setup()
    from django.core.management import call_command

    from onearm.capture import clock
    from onearm.capture.models import EventInstance, FormInstance, Site, StudyVersion, Subject

    call_command("migrate", verbosity=0)
    now = clock.now()
    version = StudyVersion.objects.create(number=1, hash="0" * 64, files={}, loaded_at=now)
    site = Site.objects.create(code="01", name="Site")
    subjects = Subject.objects.bulk_create(
        Subject(site=site, code=f"{n:04}", created_at=now) for n in range(FORMS // 100)
    )
    events = EventInstance.objects.bulk_create(
        [EventInstance(subject=s, visit="V", repeat=n) for s in subjects for n in range(1, 101)]
    )
    forms: Iterable[FormInstance] = (
        FormInstance(
            event=event,
            form="WIDE",
            study_version=version,
            version=1,
            head="0" * 64,
            data={"rows": [{"_key": 1, **{name: f"{at}.{n}" for n, name in enumerate(NAMES)}}]},
            saved_at=now,
        )
        for at, event in enumerate(events)
    )
    FormInstance.objects.bulk_create(forms, batch_size=2000)


def _sheet() -> Sheet:
    from onearm.capture.export.layout import Column, Sheet
    from onearm.study.forms import Item
    from onearm.study.text import Text

    columns = (
        Column(
            Item(name=name, label=Text(en=name), type="text"), (), is_asked=True, source="record"
        )
        for name in NAMES
    )
    return Sheet("WIDE", Text(en="Wide"), tuple(columns))


if __name__ == "__main__":
    _export() if "export" in sys.argv else main()
