"""The parts all study files share: frozen values, texts in two languages, their place."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict


class Part(BaseModel):
    """A piece of a study file: frozen, and no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Text(Part):
    """A text a person reads, in English and Simplified Chinese; Chinese may be absent."""

    en: str
    zh: str = ""

    def __str__(self) -> str:
        return self.en

    def in_language(self, language: str) -> str:
        """The text in ``zh`` or ``en``; English where there is no translation."""
        return (self.zh or self.en) if language == "zh" else self.en


def _bilingual(value: Any) -> Any:  # Any: whatever YAML held, before validation
    return {"en": value} if isinstance(value, str) else value


Words = Annotated[Text, BeforeValidator(_bilingual)]
"""A text given as one string (English) or as ``{en: ..., zh: ...}``."""
