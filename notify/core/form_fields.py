"""The fields of a submitted form, as values: what reads a form needs no request."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a submitted form, trimmed. A field may be there several times, as checkboxes are."""

    fields: Mapping[str, Sequence[str]]

    def one(self, name: str) -> str:
        """The field's first value, or an empty string."""
        return next(iter(self.fields.get(name, ())), "")

    def all(self, name: str) -> Sequence[str]:
        """Every value of the field, in the order of the page."""
        return self.fields.get(name, ())

    def has(self, name: str) -> bool:
        """Whether the box was ticked or the field filled in."""
        return any(self.fields.get(name, ()))


EMPTY = Form({})


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with a field and how to fix it; `field` is the id that the message links to."""

    field: str
    message: str
