"""``{% say "key" %}`` for the pages' own words, ``{{ text|said }}`` for the study's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from onearm.capture import words

if TYPE_CHECKING:
    from onearm.study.text import Text

register = template.Library()


@register.simple_tag
def say(*parts: str) -> str:
    """The words of the key that the parts make when they are joined."""
    return words.say("".join(str(part) for part in parts))


@register.filter
def said(text: Text) -> str:
    """A text of the study in the reader's language."""
    return words.said(text)
