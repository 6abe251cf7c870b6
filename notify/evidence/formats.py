"""A pack as a file: JSON, a table, a page that prints well, or a PDF that screen readers can read (PDF/UA-1)."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from notify.core import csv_cells, rendering
from notify.evidence.answer import Figure
from notify.evidence.pack import Entry, Pack
from notify.evidence.pdf import as_pdf
from notify.evidence.questions import SECTIONS

HEADS = (
    *("number", "ca440", "dover", "question", "status", "answer", "stated_by_the_council"),
    *("figure", "value", "unit", "source"),
)


class Form(StrEnum):
    """The kinds of file."""

    HTML = "html"
    PDF = "pdf"
    CSV = "csv"
    JSON = "json"


MEDIA_TYPES: Mapping[Form, str] = {
    Form.HTML: "text/html; charset=utf-8",
    Form.PDF: "application/pdf",
    Form.CSV: "text/csv; charset=utf-8",
    Form.JSON: "application/json",
}


def as_file(pack: Pack, form: Form) -> bytes:
    """The whole pack in this form."""
    match form:
        case Form.JSON:
            return json.dumps(as_json(pack), ensure_ascii=False, indent=1).encode()
        case Form.CSV:
            return _as_csv(pack).encode()
        case Form.PDF:
            return _as_pdf(pack)
        case _:
            template = rendering.environment("evidence").get_template("foi.html")
            return template.render(pack=pack, sections=SECTIONS, shown=shown).encode()


def name_of(pack: Pack, form: Form) -> str:
    """What the file is called."""
    return f"foi-{pack.numbering}-{pack.since}-{pack.until}.{form}"


def shown(figure: Figure) -> str:
    """A value as people read it."""
    match figure.value:
        case None:
            return "none"
        case int(value):
            return f"{value:,}"
        case float(value):
            return f"{value:,.2f}" if "pounds" in figure.unit else f"{value:,g}"
        case words:
            return words


def as_json(pack: Pack) -> dict[str, Any]:
    """The pack for programs. `ca440` names a question whatever the numbering."""
    return {
        "council": pack.council,
        "numbering": pack.numbering.value,
        "since": pack.since.isoformat(),
        "until": pack.until.isoformat(),
        "made_at": pack.made_at.isoformat(timespec="seconds"),
        "entries": [_entry(entry) for entry in pack.entries],
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "ca440": entry.question.number,
        "dover": entry.question.dover,
        "question": entry.question.asked,
        "status": entry.answer.status.value,
        "answer": entry.answer.words,
        "stated_by_the_council": entry.stated,
        "figures": [
            {"key": one.key, "name": one.name, "value": one.value, "unit": one.unit, "source": one.source}
            for one in entry.answer.figures
        ],
    }


def _as_csv(pack: Pack) -> str:
    """One line a figure, and one for an answer without any."""
    rows: list[list[object]] = []
    for entry in pack.entries:
        question, answer = entry.question, entry.answer
        said = [entry.number, question.number, question.dover, question.asked, answer.status.value, answer.words]
        for one in answer.figures or (Figure("", "", None, "", ""),):
            rows.append([*said, entry.stated, one.name, one.value, one.unit, one.source])
    return csv_cells.csv_of(HEADS, rows)


def _as_pdf(pack: Pack) -> bytes:
    entries = [
        _entry(entry)
        | {"figures": [[one.name, shown(one), one.unit, one.source] for one in entry.answer.figures]}
        | {"section": SECTIONS[entry.question.section]}
        for entry in pack.entries
    ]
    words = {
        "council": pack.council,
        "period": _period(pack),
        "made": f"{pack.made_at:%-d %B %Y, %H:%M} UTC",
        "entries": entries,
    }
    return as_pdf("foi", pack=words)


def _period(pack: Pack) -> str:
    return f"{pack.since:%-d %B %Y} to {pack.until:%-d %B %Y}"
