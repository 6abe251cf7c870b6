"""Consent that an officer takes for a resident: the words that were read out or signed, and how they agreed."""

from collections.abc import Mapping
from datetime import datetime

from notify.core import clock, typed_text
from notify.core.clock import midnight
from notify.core.form_fields import FieldError, Form
from notify.languages import LANGUAGES, _, speaking
from notify.subscribers.models import ConsentEvidence
from notify.subscribers.sign_up.form import WORDING, FormNotValid, consent

HOW: Mapping[str, str] = {"phone": "On the telephone", "counter": "At a counter", "paper": "On a signed paper form"}
PAPER = "paper"


def wordings() -> Mapping[str, tuple[str, str]]:
    """What is read out, by language: the language's name and the words."""
    found = {}
    for code, name in LANGUAGES.items():
        with speaking(code):
            found[code] = (name, _(WORDING))
    return found


def missing(form: Form) -> list[FieldError]:
    """What the evidence lacks."""
    field_errors = []
    if form.one("how") not in HOW:
        field_errors.append(FieldError("how", "Say how the resident told you."))
    if form.one("read_out") not in LANGUAGES:
        field_errors.append(FieldError("read_out", "Read the words out, and say in which language you did."))
    return field_errors


def source_of(form: Form, actor: str) -> str:
    """How they told whom, as the consent ledger keeps it."""
    return f"{form.one('how')}: {actor}"


def evidence_of(form: Form, actor: str) -> ConsentEvidence:
    """What a filled-in form proves: said just now, or on paper on the day that the form names. Raises: FormNotValid."""
    field_errors = missing(form)
    given_at = None
    try:
        given_at = _said_at(form)
    except ValueError as error:
        field_errors.append(FieldError("signed_on", str(error)))
    if field_errors:
        raise FormNotValid(field_errors)
    with speaking(form.one("read_out")):
        return consent(source_of(form, actor)).model_copy(update={"given_at": given_at})


def _said_at(form: Form) -> datetime:
    """Raises: ValueError with what to type instead."""
    if form.one("how") != PAPER:
        return clock.now()
    if not form.one("signed_on"):
        raise ValueError("Enter the day on the paper form, like 27 March 2027.")
    day = midnight(typed_text.read_day(form.one("signed_on"), is_ahead=False))
    if day > clock.now():
        raise ValueError("Enter a day that is not in the future.")
    return day
