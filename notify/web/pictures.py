"""Pictures that we draw as PNG: the application's icon, and what messengers show beside a link.

There are no words in them. A preview has the page's title beside the picture, in any language and script, and a
picture with words would need a font of every script. Colours are `#rrggbb`.
"""

import io
from collections.abc import Sequence
from functools import lru_cache
from math import cos, radians, sin

from PIL import Image, ImageChops, ImageDraw

MOST_RINGS = 60  # islands and holes of an area: as many as a small picture can show

WIDTH, HEIGHT = 1200, 630  # what messengers ask for
FINER = 2  # drawn so many times larger, then made smaller: smooth edges
WHITE, PALE = "#ffffff", "#f0f3f5"
STATUS_COLOURS = {"emergency": "#b3141c", "ended": "#4c5a66", "withdrawn": "#4c5a66"}
Point = tuple[float, float]


def _arc(x: float, y: float, r: float, first: float, last: float) -> list[Point]:
    """Points of an arc between two angles in degrees, 0 to the right, clockwise."""
    steps = [first + (last - first) * step / 24 for step in range(25)]
    return [(x + r * cos(radians(angle)), y + r * sin(radians(angle))) for angle in steps]


_BELL = [(6.0, 16.0), *_arc(12, 11, 6, 180, 360), (18.0, 16.0), (20.0, 19.0), (4.0, 19.0), (6.0, 16.0)]
# lines on a square of 24, as the icons of pages (templates/pages/layout/icons.html)
_LINES: dict[str, Sequence[Sequence[Point]]] = {
    "emergency": ([(12, 3.5), (22, 21), (2, 21), (12, 3.5), (13, 5.25)], [(12, 10), (12, 15)], [(12, 18), (12, 18.01)]),
    "in-force": (_BELL, [(10, 22), (14, 22)]),
    "updated": ([*_arc(12, 12, 8, 15, 310), (20, 8.5)], [(20, 3.5), (20, 8.5), (15, 8.5)]),
    "ended": ([(3.5, 13), (9, 18.5), (20.5, 6)],),
    "withdrawn": ([(5, 5), (19, 19)], [(19, 5), (5, 19)]),
}


@lru_cache(maxsize=64)
def app_icon(colour: str, size: int) -> bytes:
    """Our bell on a square of this colour, `size` pixels wide, with room for the shapes that devices cut it to."""
    side = size * FINER
    made = Image.new("RGB", (side, side), colour)
    _lines(ImageDraw.Draw(made), "in-force", (side * 0.22, side * 0.2), side * 0.56)
    return _png(made.resize((size, size), Image.Resampling.LANCZOS))


@lru_cache(maxsize=64)
def fitted(picture: bytes, size: int) -> bytes | None:
    """A council's own picture on a white square of this size; None where it cannot be read."""
    try:
        found = Image.open(io.BytesIO(picture), formats=("PNG",)).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    found.thumbnail((size, size), Image.Resampling.LANCZOS)
    made = Image.new("RGB", (size, size), WHITE)
    made.paste(found, ((size - found.width) // 2, (size - found.height) // 2), found)
    return _png(made)


@lru_cache(maxsize=128)
def share_picture(colour: str, kind: str = "in-force", path: str = "") -> bytes:
    """What a preview of a link shows: the `kind` as an icon, and the area whose outline is `path`.

    The path is that of `notify.alerts.publishing.map_drawing`; where it is empty rings go out from the icon.
    """
    ground = STATUS_COLOURS.get(kind, colour)
    made = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), ground)
    draw = ImageDraw.Draw(made)
    if path:
        left = 470 * FINER
        draw.rectangle((left, 0, WIDTH * FINER, HEIGHT * FINER), fill=PALE)
        _area(made, path, (left + 60 * FINER, 50 * FINER, (WIDTH - 60) * FINER, (HEIGHT - 50) * FINER), ground)
        _lines(draw, kind, (95 * FINER, 175 * FINER), 280 * FINER)
    else:
        middle, rim = (WIDTH * FINER / 2, HEIGHT * FINER / 2), _mixed(ground)
        for radius in (560, 430, 300):
            _ring(draw, middle, radius * FINER, rim)
        _lines(draw, kind, (middle[0] - 150 * FINER, middle[1] - 150 * FINER), 300 * FINER)
    return _png(made.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS))


def _mixed(colour: str) -> tuple[int, int, int]:
    """The colour, a fifth of it white."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return (red + (255 - red) // 5, green + (255 - green) // 5, blue + (255 - blue) // 5)


def _ring(draw: ImageDraw.ImageDraw, middle: Point, radius: float, colour: tuple[int, int, int]) -> None:
    x, y = middle
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=colour, width=10 * FINER)


def _lines(draw: ImageDraw.ImageDraw, kind: str, corner: Point, side: float) -> None:
    """The icon's lines in white, with round ends."""
    scale, width = side / 24, round(side / 24 * 1.8)
    for line in _LINES.get(kind, _LINES["in-force"]):
        points = [(corner[0] + x * scale, corner[1] + y * scale) for x, y in line]
        draw.line(points, fill=WHITE, width=width, joint="curve")
        for x, y in (points[0], points[-1]):
            draw.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=WHITE)


def _area(made: Image.Image, path: str, box: tuple[float, float, float, float], colour: str) -> None:
    """The outline filled, holes left out, as large as the box allows and in its middle."""
    rings = sorted((_ring_of(part) for part in path.split("Z") if part), key=len, reverse=True)[:MOST_RINGS]
    xs, ys = [x for ring in rings for x, _y in ring], [y for ring in rings for _x, y in ring]
    scale = min((box[2] - box[0]) / max(max(xs) - min(xs), 1), (box[3] - box[1]) / max(max(ys) - min(ys), 1))
    left = (box[0] + box[2] - (max(xs) - min(xs)) * scale) / 2 - min(xs) * scale
    top = (box[1] + box[3] - (max(ys) - min(ys)) * scale) / 2 - min(ys) * scale
    mask = Image.new("1", made.size)
    for ring in rings:
        one = Image.new("1", made.size)
        ImageDraw.Draw(one).polygon([(left + x * scale, top + y * scale) for x, y in ring], fill=1)
        mask = ImageChops.logical_xor(mask, one)
    made.paste(Image.new("RGB", made.size, colour), mask=mask)


def _ring_of(part: str) -> list[Point]:
    pairs = (pair.split(",") for pair in part.removeprefix("M").split(" "))
    return [(float(x), float(y)) for x, y in pairs]


def _png(made: Image.Image) -> bytes:
    written = io.BytesIO()
    made.quantize(64).save(written, "PNG", optimize=True)
    return written.getvalue()
