"""`((road))` in a text stands for what is filled in each time. That is all a template can do."""

import re
from collections.abc import Iterable, Mapping, Sequence

PLACE = re.compile(r"\(\(([^()\n]{1,60})\)\)")


def names_in(texts: Iterable[str]) -> Sequence[str]:
    """The names that are still open, each once, in their order."""
    found = [name.strip() for text in texts for name in PLACE.findall(text)]
    return list(dict.fromkeys(found))


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with every name that has a value replaced; the others stay open."""

    def value(place: re.Match[str]) -> str:
        return values.get(place[1].strip()) or place[0]

    return PLACE.sub(value, text)
