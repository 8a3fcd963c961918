"""Print the reference, the outputs of all examples and the gallery: python docs/print_reference.py

Run it after a change of the code; the tests compare what it would print with what stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from printing import design_figures, examples, gallery, operating_page
from printing.analyses import analyses
from printing.assays import assays
from printing.checks import checks
from printing.commands import commands
from printing.datasets import datasets
from printing.responses import response
from printing.statistics import statistics
from printing.studyfiles import study_files

DOCS = Path(__file__).resolve().parent
PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands,
    "reference/study_files.md": study_files,
    "reference/checks.md": checks,
    "reference/response.md": response,
    "reference/statistics.md": statistics,
    "reference/analyses.md": analyses,
    "reference/datasets.md": datasets,
    "reference/assays.md": assays,
    "gallery.md": gallery.gallery,
    operating_page.PAGE: operating_page.page,
}
"""Pages that are printed whole."""

EXAMPLES = ("tour.md", "tutorials/*.md", "guides/design/*.md", "guides/monitoring.md")
"""Pages written by hand whose examples are run."""


def printed_page(name: str) -> str:
    """A page as it would be printed now, its examples run."""
    text = PAGES[name]() if name in PAGES else (DOCS / name).read_text(encoding="utf-8")
    return examples.run(text) if examples.has_examples(text) else text


def pages() -> list[str]:
    """Every page that is printed or has examples, by its path under docs/."""
    written = [p for pattern in EXAMPLES for p in sorted(DOCS.glob(pattern))]
    names = [p.relative_to(DOCS).as_posix() for p in written]
    return [*PAGES, *(n for n in names if examples.has_examples(_text(n)))]


def _text(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def everything() -> Iterator[tuple[str, bytes]]:
    """Every file with its bytes, one at a time."""
    for kind, picture in gallery.pictures().items():
        yield f"gallery/{kind}.svg", picture
    yield from design_figures.pictures()
    yield from operating_page.pictures()
    for name in pages():
        yield name, printed_page(name).encode()


def main() -> None:
    """Write what differs and name it."""
    for name, content in everything():
        path = DOCS / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            print(f"printed {name}")


if __name__ == "__main__":
    main()
