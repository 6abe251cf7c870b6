"""A council's logo and icon made safe: drawings by a strict list of what may stand in one, pictures chunk by chunk."""

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from notify.core.errors import Invalid

MOST_BYTES = 20_000  # every page carries it
MOST_PIXELS = 2_000  # a side
MOST_DEPTH = 40  # of groups within groups
SVG, PNG = "image/svg+xml", "image/png"
NAMESPACE = "http://www.w3.org/2000/svg"

_DRAWN = frozenset(("path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text"))
_ELEMENTS = _DRAWN | {
    # no `use`: a few lines of it, each using the one before ten times, keep a browser busy for ever
    *("svg", "g", "defs", "title", "desc", "tspan", "clipPath", "mask"),
    *("linearGradient", "radialGradient", "stop"),
}
_ATTRIBUTES = frozenset(
    (
        *("id", "class", "viewBox", "width", "height", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx", "ry"),
        *("fx", "fy", "d", "points", "transform", "preserveAspectRatio", "version", "role", "opacity", "offset", "dx"),
        *("fill", "fill-opacity", "fill-rule", "clip-rule", "clip-path", "clipPathUnits", "mask", "maskUnits", "dy"),
        *("stroke", "stroke-width", "stroke-linecap", "stroke-linejoin", "stroke-miterlimit", "stroke-opacity"),
        *("stroke-dasharray", "stroke-dashoffset", "stop-color", "stop-opacity", "gradientUnits", "spreadMethod"),
        *("gradientTransform", "font-family", "font-size", "font-weight", "text-anchor", "letter-spacing"),
    )
)
_HREFS = ("href", "{http://www.w3.org/1999/xlink}href")
_INSIDE = re.compile(r"#[A-Za-z_][\w.-]*")
_REFERENCE = re.compile(r"url\(\s*['\"]?#[A-Za-z_][\w.-]*['\"]?\s*\)")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNKS = frozenset((b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"sRGB", b"gAMA"))


class ImageNotUsable(Invalid):
    """It is neither a drawing nor a picture that pages can carry."""

    title = "The image cannot be used"


@dataclass(frozen=True, slots=True)
class Image:
    """An image that pages can carry. `version` names its content, and ends in `svg` or `png`."""

    content: bytes
    media_type: str

    @property
    def version(self) -> str:
        """The same for the same content."""
        return f"{sha256(self.content).hexdigest()[:12]}-{'svg' if self.media_type == SVG else 'png'}"


def safe_image(content: bytes) -> Image:
    """The image without anything that could act, load or tell. Raises: ImageNotUsable, which says what to do."""
    if not content:
        raise ImageNotUsable("Choose a file.")
    if len(content) > MOST_BYTES:
        raise ImageNotUsable(
            f"The file has {len(content) / 1000:,.0f} kB. Choose one of at most {MOST_BYTES // 1000} kB: every page "
            "carries it."
        )
    if content.startswith(_SIGNATURE):
        return Image(_safe_picture(content), PNG)
    return Image(_safe_drawing(content), SVG)


def _safe_drawing(content: bytes) -> bytes:
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise ImageNotUsable("The file is neither an SVG drawing nor a PNG picture. Save it as one of these.") from None
    if root.tag != f"{{{NAMESPACE}}}svg":
        raise ImageNotUsable("The file is not an SVG drawing. Save the logo as SVG or PNG.")
    drawn = _kept(root, MOST_DEPTH)
    if not any(one.tag in _DRAWN for one in drawn.iter()):
        raise ImageNotUsable(
            "Nothing can be shown of this drawing: it holds only pictures or styles. Save the logo as PNG."
        )
    drawn.set("xmlns", NAMESPACE)
    made: bytes = tostring(drawn, encoding="utf-8")
    return made


def _kept(element: Element, depth: int) -> Element:
    """A copy of what may stand in a drawing, whose names need no prefix. Raises: ImageNotUsable."""
    if depth == 0:
        raise ImageNotUsable("The drawing has too many groups within groups. Simplify it, or save the logo as PNG.")
    copy = Element(str(element.tag).rpartition("}")[2])
    copy.text, copy.tail = element.text, element.tail
    for name, value in _attributes(element):
        copy.set(name, value)
    for child in element:
        space, _, name = str(child.tag).rpartition("}")
        if space == f"{{{NAMESPACE}" and name in _ELEMENTS:
            copy.append(_kept(child, depth - 1))
    return copy


def _attributes(element: Element) -> Iterator[tuple[str, str]]:
    for name, value in element.attrib.items():
        if name in _HREFS and _INSIDE.fullmatch(value.strip()):
            yield "href", value.strip()
        elif name == "style":
            yield from _styles(value)
        elif name in _ATTRIBUTES and _is_harmless(value):
            yield name, value


def _styles(value: str) -> Iterator[tuple[str, str]]:
    """A style's properties that may stand as attributes: pages allow no styles inside."""
    for one in value.split(";"):
        name, _, said = one.partition(":")
        if name.strip() in _ATTRIBUTES and said.strip() and _is_harmless(said):
            yield name.strip(), said.strip()


def _is_harmless(value: str) -> bool:
    """Whether a value refers to nothing outside of its drawing."""
    return "url(" not in _REFERENCE.sub("", value).lower().replace(" ", "") and "\\" not in value


def _safe_picture(content: bytes) -> bytes:
    """The picture's own chunks alone: no words, dates, places or anything after the end."""
    kept, at, seen = [_SIGNATURE], len(_SIGNATURE), []
    while at < len(content):
        length = int.from_bytes(content[at : at + 4])
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        mark = content[at + 8 + length : at + 12 + length]
        if len(mark) != 4 or int.from_bytes(mark) != zlib.crc32(kind + data):
            raise ImageNotUsable("The picture is damaged. Save it as PNG again.")
        if kind in _CHUNKS:
            kept.append(content[at : at + 12 + length])
        seen.append((kind, data))
        at += 12 + length
        if kind == b"IEND":
            break
    first, header = seen[0] if seen else (b"", b"")
    kinds = [kind for kind, _ in seen]
    if first != b"IHDR" or len(header) != 13 or b"IDAT" not in kinds or kinds[-1] != b"IEND":
        raise ImageNotUsable("The picture is damaged. Save it as PNG again.")
    width, height = int.from_bytes(header[:4]), int.from_bytes(header[4:8])
    if not (0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS):
        raise ImageNotUsable(
            f"The picture has {width:,} by {height:,} pixels. Choose one of at most {MOST_PIXELS:,} on each side."
        )
    return b"".join(kept)
