"""Matplotlib's SVG as an element of a page: without declarations, scripts, styles and addresses outside itself, and short."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from raysearch.report.compact import compact

_DROPPED = frozenset({"metadata", "style"})
_NUMBER = re.compile(r"-?\d+\.\d+")
_AROUND = re.compile(r"\s*([A-Za-z]|$)\s*")
_DEFAULTS = {"stroke-dashoffset": "0", "text-anchor": "start", "font-size": "10px"}
"""What holds without being said: by SVG itself, or by the page's style sheet."""
_IDLE = re.compile(r"rotate\(-?0 [-\d. ]+\)")


def inlined(drawn: bytes, name: str, words: tuple[str, str, str], size: tuple[int, int], palette: Mapping[str, str]) -> str:
    """Turn an SVG file of matplotlib's into an ``<svg>`` element for a page.

    Args:
        drawn: the file.
        name: unique on the page; ids inside begin with it.
        words: its accessible name, its description, and what its points read (see `raysearch.report.hover`; may be empty).
        size: width and height in points.
        palette: the colours that become classes, and their names.
    """
    root = ElementTree.fromstring(drawn)
    _strip(root)
    for element in root.iter():
        _plain_tag(element)
        _class_for_style(element, palette)
        _shorten(element)
    _scope_ids(root, name)
    _without_idle_groups(root)
    compact(root)
    root.attrib.clear()
    root.attrib.update({"viewBox": f"0 0 {size[0]} {size[1]}", "role": "img", "aria-labelledby": f"{name}-t {name}-d"})
    title, description, points = words
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        child = ElementTree.Element(tag, {"id": f"{name}-{tag[0]}"})
        child.text = text
        root.insert(position, child)
    if points:
        ElementTree.SubElement(root, "metadata").text = points
    return ElementTree.tostring(root, encoding="unicode")


def _strip(element: ElementTree.Element) -> None:
    """Drop metadata, style sheets and the white space between elements."""
    for child in list(element):
        if child.tag.rpartition("}")[2] in _DROPPED:
            element.remove(child)
            continue
        child.tail = None
        _strip(child)
    if len(element):
        element.text = None


def _plain_tag(element: ElementTree.Element) -> None:
    element.tag = element.tag.rpartition("}")[2]
    for key in [key for key in element.attrib if key.startswith("{")]:
        element.set(key.rpartition("}")[2], element.attrib.pop(key))


def _class_for_style(element: ElementTree.Element, palette: Mapping[str, str]) -> None:
    """Turn declarations into presentation attributes, and placeholder colours into classes."""
    classes = []
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key in ("fill", "stroke") and value in palette:
            classes.append(f"{key[0]}-{palette[value]}")
        elif key == "font":
            size = re.search(r"([\d.]+)px", value)
            element.set("font-size", size[1] if size else "10")
            if "bold" in value or "700" in value:
                element.set("font-weight", "bold")
        elif key and key not in ("font-family", "white-space"):
            element.set(key, value)
    if element.tag == "text" and not any(name.startswith("f-") for name in classes):
        classes.append("f-ink")
    if classes:
        element.set("class", " ".join(classes))


def _scope_ids(root: ElementTree.Element, name: str) -> None:
    """Keep the ids that something refers to, numbered and beginning with the drawing's name; two drawings never share one."""
    everything = " ".join(value for element in root.iter() for key, value in element.attrib.items() if key != "id")
    used = set(re.findall(r"#([\w.-]+)", everything))
    renamed: dict[str, str] = {}
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in used and old is not None:
            renamed[old] = f"{name}-{len(renamed)}"
            element.set("id", renamed[old])
    for element in root.iter():
        for key, value in element.attrib.items():
            if "#" in value:
                element.set(key, re.sub(r"#([\w.-]+)", lambda match: f"#{renamed.get(match[1], match[1])}", value))


def _shorten(element: ElementTree.Element) -> None:
    """Round places to a tenth of a point, and leave out what changes nothing."""
    for key in ("d", "transform", "x", "y", "points", "width", "height"):
        if key in element.attrib:
            element.set(key, _NUMBER.sub(_tenth, element.attrib[key]))
    if "d" in element.attrib:
        element.set("d", _AROUND.sub(r"\1", element.attrib["d"]))
    for key, value in _DEFAULTS.items():
        if element.get(key) == value:
            del element.attrib[key]
    if _IDLE.fullmatch(element.get("transform", "")):
        del element.attrib["transform"]


def _tenth(match: re.Match[str]) -> str:
    return f"{float(match[0]):.1f}".removesuffix(".0")


def _without_idle_groups(element: ElementTree.Element) -> None:
    """Put what is in a group without attributes where the group is."""
    kept: list[ElementTree.Element] = []
    for child in element:
        _without_idle_groups(child)
        kept += list(child) if child.tag == "g" and not child.attrib else [child]
    element[:] = kept
