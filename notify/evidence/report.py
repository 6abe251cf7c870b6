"""A report as sections of words and tables, for the page, for print and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from notify.evidence import typesetting


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with words, and a table where it has `heads`."""

    heading: str
    words: str = ""
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What is handed out."""

    title: str
    intro: str
    sections: Sequence[Section]

    def as_json(self) -> bytes:
        """For programs."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1).encode()

    def as_pdf(self) -> bytes:
        """For print and for keeping."""
        return typesetting.as_pdf("report", report=asdict(self))
