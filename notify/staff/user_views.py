"""What the pages of users and of invitations share: a user as administrators see them, the list, and errors."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from litestar import Response
from pydantic import ValidationError
from sqlmodel import SQLModel

from notify.core.db import transaction
from notify.core.form_fields import FieldError, Form
from notify.staff import users
from notify.staff.guards import Principal
from notify.staff.models import Officer, Role
from notify.staff.page_frame import staff_page
from notify.staff.rights import IN_WORDS

OFFICERS = "/staff/officers"

CURES = {
    "role": "Choose a role",
    "phone": "Enter a UK mobile number like 07700 900123",
    "topics": "Write the topics' short names with spaces between, such as road-closures bins",
    "areas": "Write codes with spaces between, such as E05013050 E07000008",
    "name": "Say what the key is for, in at most 100 characters",
}


class OfficerView(SQLModel):
    """An officer as administrators see them."""

    id: UUID
    name: str
    email: str
    phone: str | None
    role: Role
    active: bool
    topics: list[str]
    areas: list[str]
    has_account: bool

    @classmethod
    def of(cls, officer: Officer) -> "OfficerView":
        """The fields that administrators see. `has_account`: a council account is bound to it."""
        kept = officer.model_dump(include=set(cls.model_fields) - {"has_account"})
        return cls(**kept, has_account=officer.oidc_subject is not None)


def officers_page(user: Principal, form: Form, field_errors: Sequence[FieldError] = ()) -> Response[object]:
    """The list of officers and the form to invite another, as it was filled in."""
    with transaction() as session:
        officers = [OfficerView.of(one) for one in users.officers(session, user.council_id)]
    return staff_page(
        user,
        "users/users.html",
        at=OFFICERS,
        status=422 if field_errors else 200,
        officers=officers,
        form=form,
        roles=list(IN_WORDS.items()),
        field_errors=field_errors,
    )


def field_errors_of(error: ValidationError, sentences: Mapping[str, str] = CURES) -> list[FieldError]:
    """What is wrong, a sentence for each field, in the order of the page."""
    wrong = dict.fromkeys(str(one["loc"][0]) for one in error.errors())
    return [FieldError(field, words) for field, words in sentences.items() if field in wrong]
