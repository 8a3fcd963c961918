"""Study versions: read as they were taken in, whatever the package's library says by then."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from onearm.capture import studies
from onearm.capture.models import StudyVersion
from onearm.errors import OnearmError
from onearm.study import load
from onearm.study.library import _form, shipped
from onearm.study.standard import _library

from .conftest import STUDY


@pytest.fixture
def upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package as a later release might be: other forms, codelists and rules in its library."""
    changed = {kind: _changed(kind, tmp_path / kind) for kind in ("forms", "terms", "standard")}
    for name in ("load", "library", "standard"):
        # The package's name `load` is the function, so modules are taken from where Python keeps
        # them.
        monkeypatch.setattr(sys.modules[f"onearm.study.{name}"], "shipped", changed.get)
    for read in (_form, _library, studies._read):
        read.cache_clear()
    yield
    for read in (_form, _library, studies._read):
        read.cache_clear()


def _changed(kind: str, folder: Path) -> dict[str, Path]:
    folder.mkdir()
    made = {}
    for name, source in shipped(kind).items():
        made[name] = folder / Path(str(source)).name
        text = source.read_text(encoding="utf-8")
        made[name].write_text(re.sub(r"\{en: (?=[A-Z])", "{en: New ", text), encoding="utf-8")
        if kind == "terms":
            made[name].write_text(text + "NEWCODE" + "," * text.split("\n")[0].count(",") + "\n")
    return made


def test_a_version_reads_the_same_after_the_library_has_changed(
    version: StudyVersion, request: pytest.FixtureRequest
) -> None:
    before = studies.study_of(version)
    assert any(name.startswith("library/forms/") for name in version.files)
    request.getfixturevalue("upgraded")
    assert load(STUDY).forms != before.forms
    assert load(STUDY).version != before.version
    after = studies.study_of(version)
    assert after is not before
    assert (after.version, after.forms, after.schedule) == (
        version.hash,
        before.forms,
        before.schedule,
    )
    assert (after.endpoints, after.analyses, after.outputs) == (
        before.endpoints,
        before.analyses,
        before.outputs,
    )
    assert all(after.terms[name].equals(frame) for name, frame in before.terms.items())


def test_a_folder_taken_in_after_an_upgrade_is_another_version(
    version: StudyVersion, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue("upgraded")
    with pytest.raises(OnearmError, match="New"):
        studies.take_in(STUDY)
    second = studies.take_in(STUDY, reworded="the library has clearer words")
    assert second != version
    assert studies.study_of(second).version == second.hash


def test_versions_without_the_library_s_files_still_load(version: StudyVersion) -> None:
    kept = {name: text for name, text in version.files.items() if not name.startswith("library/")}
    assert kept.keys() < version.files.keys()
    StudyVersion.objects.filter(pk=version.pk).update(files=kept)
    studies._read.cache_clear()
    assert studies.study_of(version).version == version.hash
