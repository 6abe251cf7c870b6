"""The first and the last day that a form asks for: what was typed, what it means, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from notify.core.errors import Invalid
from notify.core.form_fields import FieldError
from notify.core.typed_text import read_day

FIELDS = ("since", "until")
LONGEST = 40


class DaysNotValid(Invalid):
    """What was typed is no day, or the last day comes before the first."""

    title = "These days cannot be read"


@dataclass(frozen=True, slots=True)
class TypedDays:
    """`since` and `until`, None where nothing was typed or it is no day. `field_errors` say what to type instead."""

    since: date | None
    until: date | None
    typed: Mapping[str, str]
    field_errors: Sequence[FieldError]

    @classmethod
    def read(cls, asked: Mapping[str, str]) -> "TypedDays":
        """The days of these fields; a browser sends empty ones too."""
        typed = {name: asked.get(name, "").replace("\0", "").strip()[:LONGEST] for name in FIELDS}
        found: dict[str, date | None] = {}
        field_errors = []
        for name, text in typed.items():
            try:
                found[name] = read_day(text, is_ahead=False) if text else None
            except ValueError as error:
                found[name] = None
                field_errors.append(FieldError(name, str(error)))
        since, until = found["since"], found["until"]
        if since and until and until < since:
            field_errors.append(FieldError("until", "Enter a last day that is not before the first."))
        return cls(since, until, typed, field_errors)

    def require(self) -> None:
        """Refuse days that cannot be read, where there is no page to say it on. Raises: DaysNotValid."""
        if self.field_errors:
            raise DaysNotValid(
                " ".join(f"{field_error.field}: {field_error.message}" for field_error in self.field_errors)
            )

    def has_error(self, name: str) -> bool:
        """Whether this field is to be typed again."""
        return any(field_error.field == name for field_error in self.field_errors)

    def shown(self, name: str) -> str:
        """What the field holds when the page comes back: what was typed, where that is no day."""
        day = self.since if name == "since" else self.until
        return self.typed[name] if self.has_error(name) or day is None else day.isoformat()

    def kind(self, name: str) -> str:
        """The field's type: a browser's field of a day would drop what is none."""
        return "text" if self.has_error(name) else "date"
