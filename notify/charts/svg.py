"""SVG in strings: escaped, without a style or script of its own, and as wide as the page allows.

Heights are in `em`, so that they grow with the reader's text; across, everything is in per cent, so that a picture is
never smaller than its words. What is drawn in series differs in pattern, dash and marker, and in colour besides.
"""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

Attribute = str | float
LONGEST_LABEL = 34  # letters that stand in one line of the narrowest screen

MARKERS = ("M0-4.5A4.5 4.5 0 1 1 0 4.5A4.5 4.5 0 1 1 0-4.5Z", "M-4.2-4.2H4.2V4.2H-4.2Z", "M0-5.4L5.2 4.2H-5.2Z",
           "M0-5.8L5.8 0L0 5.8L-5.8 0Z", "M-4.5-4.5L4.5 4.5M4.5-4.5L-4.5 4.5", "M0-5.5V5.5M-5.5 0H5.5")  # fmt: skip
DASHES = ("", "8 5", "2 5", "12 4 2 4", "5 2", "1 3")
_PATTERNS = (
    "",
    "M-2 2L2-2M0 8L8 0M6 10L10 6",
    "M2 2h2v2h-2zM6 6h2v2h-2z",
    "M0 4H8",
    "M-2 2L2-2M0 8L8 0M6 10L10 6M-2 6L2 10M0 0L8 8M6-2L10 2",
    "M4 0V8",
)


def number(value: float) -> str:
    """A coordinate, as short as it can be."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"


def element(name: str, *inside: str, **attributes: Attribute) -> Markup:
    """`<name attribute="…">inside</name>`; `class_` is `class`, other underscores are hyphens."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_attribute(value))}"'
        for key, value in attributes.items()
        if value != ""
    )
    within = "".join(escape(piece) for piece in inside)
    return Markup(f"<{name}{said}>{within}</{name}>")  # noqa: S704 - every piece is escaped above


def _attribute(value: Attribute) -> str:
    return value if isinstance(value, str) else number(value)


def em(value: float) -> str:
    """A length in the height of the text."""
    return number(value) + "em"


def of_width(value: float) -> str:
    """A length in per cent of the picture's width."""
    return number(value) + "%"


def words(text: str, x: float, y: float, *, anchor: str = "start", shift: float = 0, class_: str = "") -> Markup:
    """Words that start, end or are centred at `x` per cent and stand on `y`."""
    return element(
        "text", text, x=of_width(x), y=em(y), dx=em(shift) if shift else "", text_anchor=anchor, class_=class_
    )


def shortened(label: str, longest: int = LONGEST_LABEL) -> str:
    """The label, cut where the narrowest screen would; the table has it whole."""
    return label if len(label) <= longest else label[: longest - 1].rstrip() + "…"


def titled(shape: str, said: str) -> Markup:
    """The words that a mouse shows over `shape`."""
    return Markup(shape) + element("title", said)  # noqa: S704 - made by `element`


def picture(key: str, title: str, about: str, height: float, inside: Iterable[str]) -> Markup:
    """The whole picture, as wide as its place and `height` lines high, with its name and a sentence about it."""
    return _named(key, title, about, inside, class_="graph", width="100%", height=em(height))


def picture_of(
    key: str, title: str, about: str, width: float, height: float, inside: Iterable[str], kind: str = "graph land"
) -> Markup:
    """The same in units of its own, which shrink with its place."""
    box = f"0 0 {number(width)} {number(height)}"
    return _named(key, title, about, inside, class_=kind, width=width, height=height, viewBox=box)


def _named(key: str, title: str, about: str, inside: Iterable[str], **attributes: Attribute) -> Markup:
    name = element("title", title, id=f"{key}-t") + element("desc", about, id=f"{key}-d")
    return element("svg", name, *inside, **attributes, role="img", aria_labelledby=f"{key}-t {key}-d")


def fills(key: str, count: int) -> Markup:
    """Patterns that tell series apart without colour."""
    return element("defs", *(_pattern(key, place) for place in range(count)))


def _pattern(key: str, place: int) -> Markup:
    ground = element("rect", width=8, height=8, class_=f"s{place + 1}")
    drawn = _PATTERNS[place % len(_PATTERNS)]
    lines = element("path", d=drawn, class_="etched") if drawn else ""
    return element("pattern", ground, lines, id=f"{key}-{place + 1}", width=8, height=8, patternUnits="userSpaceOnUse")


def filled(key: str, place: int) -> str:
    """How a shape of this series is filled."""
    return f"url(#{key}-{place + 1})"


def marker(place: int, x: float, y: float, said: str, *, value: str = "") -> Markup:
    """The sign of a series at a point."""
    sign = element("path", element("title", said) if said else "", d=MARKERS[place % len(MARKERS)],
                   class_=f"point s{place + 1}", data_value=value)  # fmt: skip
    return element("svg", sign, x=of_width(x), y=em(y), overflow="visible")


def keys(names: Sequence[str], key: str, *, are_lines: bool) -> Markup:
    """The names of the series, one a line, each beside what it looks like."""
    drawn = Markup("")
    for place, name in enumerate(names):
        y = 1.5 * place
        if are_lines:
            drawn += element("line", x1="0", x2="2.4em", y1=em(y + 0.75), y2=em(y + 0.75),
                             class_=f"line s{place + 1}", stroke_dasharray=DASHES[place % len(DASHES)])  # fmt: skip
            sign = element("path", d=MARKERS[place % len(MARKERS)], class_=f"point s{place + 1}")
            drawn += element("svg", sign, x="1.2em", y=em(y + 0.75), overflow="visible")
        else:
            drawn += element("rect", x="0", y=em(y + 0.2), width="1.9em", height="1.1em", fill=filled(key, place),
                             class_="edged")  # fmt: skip
        drawn += element("text", shortened(name, 28), x="2.9em", y=em(y + 1.1))
    return drawn
