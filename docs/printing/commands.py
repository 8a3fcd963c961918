"""The page of commands, from the command line program itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main

from onearm.cli import app
from printing.markdown import cell, code, page, table

Command = Any  # typer carries its own copy of click, whose classes have no public name


def every_command() -> Iterator[tuple[str, Command]]:
    """Each command with the words that call it, groups opened, in the program's order."""
    yield from _within("onearm", typer.main.get_command(app))


def _within(name: str, command: Command) -> Iterator[tuple[str, Command]]:
    inner = getattr(command, "commands", {})
    if not inner:
        yield name, command
    for word, one in inner.items():
        yield from _within(f"{name} {word}", one)


def commands() -> str:
    """``reference/commands.md``."""
    listed = list(every_command())
    overview = table(
        ["command", "what it does"], [(code(name), _first(one.help)) for name, one in listed]
    )
    lead = (
        "From a checkout write `python3 start.py demo` in place of `onearm demo`, and so on. "
        "`onearm COMMAND --help` says the same as this page. A command ends with exit code 1 "
        "where a problem is left for you to mend."
    )
    return page("Commands", lead, overview, *(_one(name, one) for name, one in listed))


def _one(name: str, command: Command) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join([name, *(p.name.upper() for p in arguments), "[OPTIONS]"])
    rows = [_row(p) for p in command.params if not p.hidden]
    listed = table(["argument or option", "default", "meaning"], rows) if rows else ""
    return "\n\n".join(filter(None, [f"## {name}", f"    {usage}", _text(command.help), listed]))


def _row(parameter: Command) -> tuple[str, str, str]:
    if parameter.param_type_name == "argument":
        return code(parameter.name.upper()), "needed", parameter.help or ""
    names = " / ".join(code(n) for n in [*parameter.opts, *parameter.secondary_opts])
    default = parameter.default
    if parameter.required:
        shown = "needed"
    elif default is None or default == ():
        shown = ""
    elif isinstance(default, bool):
        shown = "yes" if default else "no"
    else:
        shown = code(default)
    several = " May be given several times." if parameter.multiple else ""
    return names, shown, (parameter.help or "") + several


def _first(text: str | None) -> str:
    return cell((text or "").split("\n\n")[0])


def _text(text: str | None) -> str:
    return "\n\n".join(" ".join(part.split()) for part in (text or "").split("\n\n"))
