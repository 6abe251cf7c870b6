"""A report as sections of words and tables, for the page, for print and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from notify.evidence import pdf


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with words, and a table where it has `heads`; on the page also a drawing of the table's numbers."""

    heading: str
    words: str = ""
    heads: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    drawing: Markup = field(default_factory=Markup)

    def as_data(self) -> Mapping[str, object]:
        """For programs, which need no drawing."""
        return {"heading": self.heading, "words": self.words, "heads": self.heads, "rows": self.rows}


@dataclass(frozen=True, slots=True)
class Report:
    """What is handed out."""

    title: str
    intro: str
    sections: Sequence[Section]

    def as_json(self) -> bytes:
        """For programs."""
        return json.dumps(self.as_data(), ensure_ascii=False, indent=1).encode()

    def as_text(self) -> bytes:
        """For a terminal: each row on a line."""
        lines = [self.title, "", self.intro]
        for section in self.sections:
            lines += [
                "",
                section.heading,
                section.words,
                *("  " + ": ".join(filter(None, row)) for row in section.rows),
            ]
        return ("\n".join(lines) + "\n").encode()

    def as_pdf(self) -> bytes:
        """For print and for keeping."""
        return pdf.as_pdf("report", report=self.as_data())

    def as_data(self) -> Mapping[str, object]:
        """The same as plain data."""
        return {"title": self.title, "intro": self.intro, "sections": [one.as_data() for one in self.sections]}
