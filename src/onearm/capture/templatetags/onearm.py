"""``{% say "key" %}`` for the pages' own words, ``{{ text|said }}`` for the study's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from onearm.capture import enrolment, kept_words, trail_words, words

if TYPE_CHECKING:
    from django.template import Context

    from onearm.capture.views.entry_sheet import Box
    from onearm.study.text import Text

register = template.Library()

YES_NO = {"Y": "yes", "N": "no"}


@register.simple_tag
def say(*parts: str) -> str:
    """The words of the key that the parts make when they are joined."""
    return words.say("".join(str(part) for part in parts))


@register.filter
def target_said(target: str) -> str:
    """What a hold, a signature or an act is about, in the reader's words."""
    return trail_words.target_said(target)


@register.filter
def reason_said(reason: str) -> str:
    """A reason as the history keeps it, in the reader's words where they are known."""
    return kept_words.said(reason)


@register.filter
def failure_said(reason: str) -> str:
    """Why screening failed, in the reader's words where it is one of the form's reasons."""
    return enrolment.failure_said(reason)


@register.filter
def said(text: Text) -> str:
    """A text of the study in the reader's language."""
    return words.said(text)


@register.filter
def yes_or_no(kept: str) -> str:
    """``Y`` and ``N`` in the reader's words, anything else as it is."""
    return words.say(f"detail.{YES_NO[kept]}") if kept in YES_NO else kept


@register.simple_tag(takes_context=True)
def cell(context: Context, box: Box) -> str:
    """A cell of a form, by what the cells of the page have in common (``cells``)."""
    return context["cells"].html(box)
