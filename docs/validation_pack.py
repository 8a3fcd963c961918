"""Write the validation pack: python docs/validation_pack.py OUT --evidence junit.xml

The evidence is what pytest wrote: ``python3 start.py test --junitxml junit.xml`` and, for the tests
that take long, ``python3 start.py test -m slow --junitxml slow.xml``; give both.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from printing import validation


def commit() -> str:
    """The commit that stands here, with a mark where files differ from it; empty without git."""
    git = shutil.which("git")
    if git is None:
        return ""
    words = [git, "-C", str(validation.ROOT), "describe", "--always", "--dirty", "--abbrev=40"]
    done = subprocess.run(  # noqa: S603 - git, with words of this file
        words, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def main(words: list[str]) -> int:
    """Write the pack; 1 where a test that a requirement names failed or did not run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the folder to write")
    parser.add_argument("--evidence", type=Path, action="append", default=[], help="a JUnit file")
    given = parser.parse_args(words)
    run = validation.read_runs(given.evidence)
    print(validation.write(given.out, run, commit=commit()))
    wrong = [
        f"{one.id}: {test} {result}"
        for one in validation.requirements()
        for test in one.tests
        if (result := validation.result_of(test, run)) in ("failed", "not run")
    ]
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
