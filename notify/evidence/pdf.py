"""Documents that screen readers can read: PDF with its structure marked (PDF/UA-1)."""

import json
from typing import Any

import typst

from notify.core import rendering


def as_pdf(template: str, **told: Any) -> bytes:  # noqa: ANN401 - whatever JSON can hold
    """What `templates/evidence/<template>.typ` makes of these words. They are data: none of them is a command."""
    source = (rendering.TEMPLATES / "evidence" / f"{template}.typ").read_bytes()
    inputs = {name: json.dumps(value) for name, value in told.items()}
    return typst.compile(source, sys_inputs=inputs, pdf_standards=["ua-1"], ignore_system_fonts=True)
