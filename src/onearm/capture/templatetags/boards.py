"""``{% board table %}``: the rows of a dashboard, which may be thousands of cells, in one go."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from django import template
from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from onearm.capture.dashboards import Cell, Table

register = template.Library()


@register.simple_tag
def board(table: Table) -> SafeString:
    """The body of the table; every text is escaped."""
    rows = ("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in table.rows)
    return mark_safe("\n".join(rows))  # noqa: S308 - made of escaped texts here


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    if cell.url:
        words = escape(cell.title)
        title = f' title="{words}" aria-label="{words}"' if cell.title else ""
        text = f'<a href="{escape(cell.url)}"{title}>{text}</a>'
    look = f' class="{escape(cell.css)}"' if cell.css else ""
    return f"<td{look}>{text}</td>"
