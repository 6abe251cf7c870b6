"""Documents that screen readers can read: PDF with its structure marked (PDF/UA-1)."""

import json
from typing import Any

from notify.core import rendering
from notify.core.errors import SetUpError
from notify.packaged import extra_missing


def as_pdf(template: str, **told: Any) -> bytes:  # noqa: ANN401 - whatever JSON can hold
    """What `templates/evidence/<template>.typ` makes of these words. They are data: none of them is a command.

    Raises: SetUpError where nothing that sets type is installed.
    """
    try:
        import typst
    except ImportError:
        raise SetUpError(extra_missing("A PDF", "pdf")) from None
    source = (rendering.TEMPLATES / "evidence" / f"{template}.typ").read_bytes()
    inputs = {name: json.dumps(value) for name, value in told.items()}
    return typst.compile(source, sys_inputs=inputs, pdf_standards=["ua-1"], ignore_system_fonts=True)
