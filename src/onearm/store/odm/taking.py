"""One element of an ODM file and what was taken from it: the rest goes into the account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from onearm.study.text import Text

if TYPE_CHECKING:
    from lxml.etree import _Element

    from onearm.study.odm import Account

ODM = ("http://www.cdisc.org/ns/odm/v1.1", "http://www.cdisc.org/ns/odm/v1.2",
       "http://www.cdisc.org/ns/odm/v1.3", "http://www.cdisc.org/ns/odm/v2.0")  # fmt: skip
XML = "http://www.w3.org/XML/1998/namespace"
VENDORS: Mapping[str, str] = {
    "https://projectredcap.org": "redcap",
    "http://www.mdsol.com/ns/odm/metadata": "mdsol",
    "http://www.w3.org/2001/XMLSchema-instance": "xsi",
    XML: "xml",
}
NO_PLACE = "onearm has no place for it"
REASONS: Mapping[str, str] = {
    "Alias": "a name that another system uses",
    "Presentation": "layout of another system",
    "ArchiveLayout": "layout of another system",
    "Value": "an item holds one value here; the first is kept",
    "ItemDataBase64Binary": "a file: attach it to the form by hand",
    "mdsol:Comment": "comments are no data here; write them in a query",
    "mdsol:ProtocolDeviation": "deviations have a form of their own; enter it there",
}
"""Why an element is not carried, where more can be said than `NO_PLACE`."""


def name_of(qualified: str) -> str:
    """``ItemDef`` for the standard's own names, ``vendor:Name`` for others."""
    if not qualified.startswith("{"):
        return qualified
    space, local = qualified[1:].split("}")
    if space in ODM:
        return local
    return f"{VENDORS.get(space) or space.rstrip('/').rsplit('/', 1)[-1] or 'other'}:{local}"


class Taking:
    """An element whose attributes and children are taken one by one.

    `account` counts every element and attribute below it; what nobody took is named there.
    """

    def __init__(self, element: _Element, taken: set[object] | None = None) -> None:
        self.element = element
        self.taken: set[object] = set() if taken is None else taken
        self.taken.add(element)

    def get(self, name: str, default: str = "") -> str:
        """An attribute by its name (``vendor:Name`` outside the standard), taken."""
        for key, value in self.element.attrib.items():
            if name_of(str(key)) == name:
                self.taken.add((self.element, str(key)))
                return str(value)
        return default

    def take(self, *names: str) -> None:
        """Attributes that say what is known already."""
        for name in names:
            self.get(name)

    def all(self, *names: str) -> Iterator[Taking]:
        """The children of these names, taken."""
        for child in self.element:
            if isinstance(child.tag, str) and name_of(child.tag) in names:
                yield Taking(child, self.taken)

    def first(self, name: str) -> Taking | None:
        """The first child of that name, taken; None where there is none."""
        return next(self.all(name), None)

    def peek(self, name: str) -> bool:
        """Whether there is such a child; nothing is taken."""
        return any(isinstance(c.tag, str) and name_of(c.tag) == name for c in self.element)

    def peek_at(self, name: str) -> str:
        """An attribute of the standard; it is not taken."""
        return str(self.element.get(name, ""))

    @property
    def exact(self) -> str:
        """The element's own text with the blanks that belong to it."""
        return self.element.text or ""

    @property
    def text(self) -> str:
        """The element's own text without the blanks around it."""
        return (self.element.text or "").strip()

    def content(self, name: str) -> str:
        """The text of a child, empty where it is absent."""
        child = self.first(name)
        return child.text if child else ""

    def translated(self, name: str) -> Text:
        """A child's texts: English (or of no language) and Chinese; others are left.

        Where there is no English, the first language there is stands for it.
        """
        holder = self.first(name)
        return holder.texts() if holder is not None else Text(en="")

    def texts(self) -> Text:
        """The texts that this element itself holds, as `translated` gives those of a child."""
        found: dict[str, Taking] = {}
        for child in self.element:
            if isinstance(child.tag, str) and name_of(child.tag) == "TranslatedText":
                text = Taking(child)
                language = text.get("xml:lang").lower()
                kind = "zh" if language.startswith("zh") else language
                kind = "en" if language.startswith("en") or not language else kind
                if text.text:
                    found.setdefault(kind, text)
        main = found.get("en") or next((t for k, t in found.items() if k != "zh"), None)
        for kept in (main, found.get("zh")):
            if kept is not None:
                self.taken |= kept.taken
                kept.take("Type")
                self.taken |= kept.taken
        chinese = found["zh"].text if "zh" in found else ""
        return Text(en=main.text if main else chinese, zh=chinese if main else "")

    def notes(self) -> dict[str, str]:
        """Aliases that onearm wrote (``Context="onearm:X"``), taken, by what follows the colon."""
        found = {}
        for child in self.element:
            if isinstance(child.tag, str) and name_of(child.tag) == "Alias":
                context = child.get("Context", "")
                if context.startswith("onearm:"):
                    alias = Taking(child, self.taken)
                    found[context.removeprefix("onearm:")] = alias.get("Name")
                    alias.take("Context")
        return found

    def settle(self, account: Account, *, below: bool = True) -> None:
        """Count this element, and those below it, and leave what nobody took."""
        for element in self.element.iter() if below else (self.element,):
            if not isinstance(element.tag, str):
                continue
            kind = name_of(element.tag)
            account.see(kind)
            is_taken = element in self.taken
            if not is_taken:
                account.leave(kind, _reason(element, kind))
            for key in element.attrib:
                name = f"{kind}@{name_of(str(key))}"
                account.see(name)
                if (element, str(key)) not in self.taken:
                    account.leave(name, _attribute_reason(name, is_taken=is_taken))


def _reason(element: _Element, kind: str) -> str:
    if kind == "TranslatedText":
        if not (element.text or "").strip():
            return "an empty text"
        language = element.get(f"{{{XML}}}lang", "")
        parent = element.getparent()
        holder = name_of(str(parent.tag)) if parent is not None else ""
        if language.lower()[:2] in ("en", "zh", ""):
            return f"a text of {holder}, for which there is no place"
        return f"language {language}: texts are English and Chinese here"
    if ":" in kind:
        return REASONS.get(kind, f"an extension of {kind.split(':')[0]}")
    return REASONS.get(kind, NO_PLACE)


def _attribute_reason(name: str, *, is_taken: bool) -> str:
    if not is_taken:
        return "its element is not carried"
    element, attribute = name.split("@", 1)
    if element in ("ODM", "MetaDataVersion"):
        return "about the file, not about the study"
    if attribute == "Mandatory":
        return "only items are mandatory here, and a schedule says which forms a visit holds"
    return "an extension of another system" if ":" in name else NO_PLACE
