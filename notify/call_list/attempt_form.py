"""The form on which a call or visit is recorded."""

from pydantic import ValidationError

from notify.call_list.models import NewAttempt
from notify.core.form_fields import FieldError, Form


def read_attempt(form: Form) -> tuple[NewAttempt | None, list[FieldError]]:
    """What a form says was found, or what to fix."""
    said = {"outcome": form.one("outcome"), "note": form.one("note"), "seen": form.one("seen") or "0"}
    try:
        return NewAttempt.model_validate(said, strict=False), []
    except ValidationError as error:
        fields = {str(one["loc"][0]) for one in error.errors()}
        words = {"outcome": "Choose what you found.", "note": "Enter at most 200 characters."}
        return None, [FieldError(field, words.get(field, "Reload the page.")) for field in sorted(fields)]
