"""Writing a figure as SVG, PDF and PNG with the same bytes every time."""

from __future__ import annotations

import re
from pathlib import Path

from onearm.outputs.figures.style import RESULT, Drawn

PNG_DPI = 200
VIEW = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


def save(drawn: Drawn, folder: Path, key: str) -> list[Path]:
    """Write one figure as SVG, PDF and PNG and return the paths in that order.

    Neither date nor program version is written, so that equal figures are equal files. Letters are
    outlines in SVG and PDF: no reader needs the typeface.
    """
    svg, pdf, png = (folder / f"{key}.{kind}" for kind in ("svg", "pdf", "png"))
    about = {"Date": None, "Creator": None, "Title": drawn.alt}
    drawn.figure.savefig(svg, format="svg", metadata=about)
    _copies(svg, pdf, png, drawn.alt)
    return [svg, pdf, png]


def _copies(svg: Path, pdf: Path, png: Path, title: str) -> None:
    # Made from the SVG in a tenth of the time that matplotlib needs to draw the figure again.
    import typst  # 80 MB: only where a figure is wanted

    width, height = size(svg)
    words = title.replace("\\", "\\\\").replace('"', '\\"')
    source = svg.with_suffix(".typ")
    source.write_text(
        f'#set document(title: "{words}", date: none)\n'
        f"#set page(width: {width}pt, height: {height}pt, margin: 0pt)\n"
        f'#image("{svg.name}", alt: "{words}")\n',
        encoding="utf-8",
    )
    for path in (pdf, png):
        # Its suffix tells the compiler which of the two to make.
        typst.compile(source, path, root=svg.parent, ignore_system_fonts=True, ppi=PNG_DPI)
    source.unlink()


def size(svg: Path) -> tuple[float, float]:
    """Width and height of an SVG file in points."""
    found = VIEW.search(svg.read_text(encoding="utf-8")[:2000])
    if found is None:
        raise ValueError(f"{svg.name} has no viewBox")
    return float(found[1]), float(found[2])


def inline_svg(text: str, key: str, alt: str) -> str:
    """An SVG file's text as an element of a page: ids made unique, results named, title set."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.S)
    body = re.sub(rf'<g id="{RESULT}([^"]*)">', r'<g data-result="\1">', body)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', body)
    body = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{key}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", body)
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.S)
    head, rest = body.split(">", 1)
    view = VIEW.search(head)
    box = view[0] if view else ""
    title = f"<title>{_escaped(alt)}</title>"
    rest = re.sub(r"^\s*<title>.*?</title>", "", rest, flags=re.S)
    return f'<svg {box} role="img" xmlns="http://www.w3.org/2000/svg">{title}{rest}'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
