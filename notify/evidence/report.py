"""A report as sections of words and tables, for the page, for print and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import typst

from notify import rendering


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
        """Typeset, with its structure marked (PDF/UA-1). The words are data: none of them is a command."""
        source = (rendering.TEMPLATES / "evidence" / "report.typ").read_bytes()
        told = {"report": json.dumps(asdict(self))}
        return typst.compile(source, sys_inputs=told, pdf_standards=["ua-1"], ignore_system_fonts=True)
