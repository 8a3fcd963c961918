"""The rings hold, and the code passes the linters and the type checker."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "onearm"
BIN = Path(sys.executable).parent


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / words[0], *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_imports_go_down_deferred_ones_included() -> None:
    done = run("lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    done = run("ruff", "check", ".")
    assert done.returncode == 0, done.stdout


def test_the_code_is_formatted() -> None:
    done = run("ruff", "format", "--check", ".")
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_the_types_are_strictly_right() -> None:
    done = run("mypy")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("word", ["lenvatinib", "pembrolizumab", "PUMCH", "NCT03895970"])
def test_no_study_specific_word_stands_in_the_code(word: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted(SOURCE.rglob("*"))
        if path.suffix in {".py", ".csv"} and "studies" not in path.parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(word, line, re.IGNORECASE) and "DEMO_STUDY" not in line
    ]
    assert not found, found


def test_nothing_below_the_shell_reads_the_clock_or_global_chance() -> None:
    shell = {"capture", "cli", "store"}
    pattern = re.compile(r"\b(today\(\)|now\(\)|np\.random\.(?!Generator|PCG64|SeedSequence)\w+\()")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path.relative_to(SOURCE).parts[0] not in shell
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line) and "default_rng(" not in line
    ]
    assert not found, found
