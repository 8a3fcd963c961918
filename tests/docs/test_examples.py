"""The program that runs the examples: it writes answers, and refuses what cannot be run."""

from __future__ import annotations

import pytest

from onearm.errors import OnearmError
from tests.docs.printing import module

examples = module("printing.examples")
gallery = module("printing.gallery")


def block(info: str, body: str) -> str:
    return f"```{info}\n{body}```\n"


def test_what_an_example_prints_replaces_what_stood_there() -> None:
    page = block("python", "print(6 * 7)\n") + "\n" + block("output", "41\n")
    assert examples.run(page) == page.replace("41", "42")


def test_a_command_prints_below_its_line() -> None:
    page = block("csv file=a/b.csv", "x\n") + block("console", "$ cat a/b.csv\nold\n")
    assert examples.run(page) == page.replace("old", "x")


def test_a_problem_is_printed_as_on_the_terminal() -> None:
    page = block("console", "$ onearm response none.csv\n")
    assert "$ onearm response none.csv\nonearm: there is no file none.csv\n" in examples.run(page)


def test_a_difference_changes_a_file() -> None:
    page = (
        block("text file=a.txt", "one\ntwo\n")
        + block("diff file=a.txt", "-one\n+uno\n two\n")
        + block("console", "$ cat a.txt\n")
    )
    assert examples.run(page).endswith("$ cat a.txt\nuno\ntwo\n```\n")


@pytest.mark.parametrize("change", ["-three\n", " two\n+four\n"])
def test_a_difference_that_does_not_fit_exactly_once_is_refused(change: str) -> None:
    page = block("text file=a.txt", "two\ntwo\n") + block("diff file=a.txt", change)
    with pytest.raises(examples.ExampleFailed, match="times, not once"):
        examples.run(page)


def test_an_output_without_an_example_is_refused() -> None:
    with pytest.raises(examples.ExampleFailed, match="without an example"):
        examples.run(block("output", "1\n"))


def test_only_a_few_commands_may_be_called() -> None:
    with pytest.raises(examples.ExampleFailed, match="not rm"):
        examples.run(block("console", "$ rm -r studies\n"))


def test_an_example_that_fails_fails_the_page() -> None:
    failing = "from onearm.errors import OnearmError\nraise OnearmError('no')\n"
    with pytest.raises(OnearmError, match="no"):
        examples.run(block("python", failing))


def test_a_small_picture_keeps_its_lines_and_rounds_them() -> None:
    svg = '<svg><!-- x -->\n  <path d="M 1.2345 2.0 \nL 3.999 -0.001 \n" style="x"/>\n</svg>\n'
    assert gallery.small(svg) == '<svg><path d="M 1.23 2 L 4 0" style="x"/>\n</svg>\n'
