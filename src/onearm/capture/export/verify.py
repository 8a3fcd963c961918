"""Check an archive of a study with nothing but Python: ``python verify.py [FOLDER]``.

It compares every file with its hash, follows every chain of the history from its first link to its
last, makes the data again from the history, and compares the definition with its hash. It says what
does not fit and ends with 1; with 0 where all does.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START = "0" * 64
csv.field_size_limit(2**31 - 1)
Row = dict[str, str]
Delta = dict[str, list[dict[str, Any]]]


def rows(folder: Path, name: str) -> Iterator[Row]:
    """The lines of a table of the archive."""
    with (folder / name).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def link(previous: str, content: object) -> str:
    """The hash of a link: of the hash before it, a line end and its content as plain JSON."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


def number(text: str) -> int | None:
    """A key, or nothing."""
    return int(text) if text else None


def files(folder: Path) -> Iterator[str]:
    """What is missing, was changed, or does not belong here."""
    listed = {row["path"]: row for row in rows(folder, "MANIFEST.csv")}
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    for name in sorted(there - set(listed) - {"MANIFEST.csv"}):
        yield f"{name}: it is not in MANIFEST.csv"
    for name, row in listed.items():
        if name not in there:
            yield f"{name}: it is missing"
        elif hashlib.sha256((folder / name).read_bytes()).hexdigest() != row["sha256"]:
            yield f"{name}: it was changed"


def saves(folder: Path, made: dict[str, dict[str, Row]]) -> Iterator[str]:
    """The chain of every form; ``made`` becomes its data: by form, by ``row.item`` what stands."""
    approved = {
        (change["version"], change["was"], change["is"])
        for act in rows(folder, "trail/acts.csv")
        if act["action"] == "redaction.approve"
        for change in json.loads(act["details"]).get("versions", [])
    }
    heads: dict[str, tuple[int, str]] = {}
    for row in rows(folder, "trail/saves.csv"):
        form, version = row["form"], int(row["version"])
        before, previous = heads.get(form, (0, START))
        delta = json.loads(row["delta"])
        content = {
            "instance": int(form), "version": version, "delta": delta,
            "user": number(row["user"]), "role": row["role"], "at": row["at"],
            "reason": row["reason"], "origin": row["origin"],
            "study_version": number(row["study_version"]),
        }  # fmt: skip
        hash_ = link(row["previous"], content)
        blackened = row["redacted_hash"] == hash_ and (version, row["hash"], hash_) in approved
        if version != before + 1 or row["previous"] != previous:
            yield f"form {form}, version {version}: it does not follow version {before}"
        elif hash_ != row["hash"] and not blackened:
            yield f"form {form}, version {version}: its content does not give its hash"
        heads[form] = (version, row["hash"])
        apply(made.setdefault(form, {}), delta)
    for row in rows(folder, "trail/forms.csv"):
        if heads.get(row["form"]) != (int(row["version"]), row["head"]):
            yield f"form {row['form']}: its history does not end where trail/forms.csv says"


def apply(data: dict[str, Row], delta: Delta) -> None:
    """Carry one save out on the rows of a form."""
    for change in delta["rows"]:
        row = data.setdefault(str(change["_key"]), {})
        for name, stored in change.items():
            if stored is None:
                row.pop(name, None)
            elif name != "_key":
                row[name] = stored


def acts(folder: Path) -> Iterator[str]:
    """The chain of every stream of acts."""
    heads: dict[str, tuple[int, str]] = {}
    for row in rows(folder, "trail/acts.csv"):
        stream, place = row["stream"], int(row["number"])
        content = {
            "stream": stream, "number": place, "action": row["action"], "target": row["target"],
            "details": json.loads(row["details"]), "user": number(row["user"]),
            "role": row["role"], "site": number(row["site"]), "at": row["at"],
            "reason": row["reason"],
        }  # fmt: skip
        if (place - 1, row["previous"]) != heads.get(stream, (0, START)):
            yield f"stream {stream}, act {place}: it does not follow the act before it"
        elif link(row["previous"], content) != row["hash"]:
            yield f"stream {stream}, act {place}: its content does not give its hash"
        heads[stream] = (place, row["hash"])


def data(folder: Path, made: dict[str, dict[str, Row]]) -> Iterator[str]:
    """Whether entries.csv is what the history comes to."""
    names = ("site", "subject", "visit", "repeat", "form_name")
    places = {r["form"]: tuple(r[n] for n in names) for r in rows(folder, "trail/forms.csv")}
    expected = set()
    for form, lines in made.items():
        for key, row in lines.items():
            for item, stored in row.items():
                if item[0] != "_" and "_removed" not in row:
                    value = ("", stored["null"]) if isinstance(stored, dict) else (stored, "")
                    expected.add((*places[form], key, item, *value))
    found = {tuple(row.values()) for row in rows(folder, "data/entries.csv")}
    for place in sorted(expected ^ found)[:20]:
        where = "the history has" if place in expected else "data/entries.csv has"
        yield f"{' '.join(place[:7])}: only {where} this value"


def definitions(folder: Path) -> Iterator[str]:
    """Whether each version of the study is the one that its hash names."""
    for row in rows(folder, "study/versions.csv"):
        root = folder / "study" / row["folder"]
        texts = {p.relative_to(root).as_posix(): p for p in root.rglob("*") if p.is_file()}
        digest = hashlib.sha256()
        for name, path in sorted((counted(name), path) for name, path in texts.items()):
            text = path.read_bytes().decode("utf-8-sig")
            for piece in (name, text.replace("\r\n", "\n").replace("\r", "\n")):
                coded = piece.encode()
                digest.update(len(coded).to_bytes(8, "big") + coded)
        if digest.hexdigest() != row["hash"]:
            yield f"study version {row['number']}: its files do not give its hash"


def counted(name: str) -> str:
    """The name under which a file counts: forms of the library count without their ending."""
    return name.removesuffix(".yaml") if name.startswith("library/forms/") else name


def main() -> int:
    """Say what does not fit; 0 where everything does."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    made: dict[str, dict[str, Row]] = {}
    found = [*files(folder), *saves(folder, made), *acts(folder), *data(folder, made)]
    found += definitions(folder)
    sys.stdout.write("".join(f"{line}\n" for line in found))
    sys.stdout.write(f"{len(made)} forms followed, {len(found)} things do not fit\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
