"""What the pages of users and of invitations share: a user as administrators see them, the list, and errors."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from litestar import Response
from pydantic import ValidationError
from sqlmodel import Session, SQLModel

from notify.core import clock
from notify.core.db import transaction
from notify.core.form_fields import FieldError, Form
from notify.staff import users
from notify.staff.guards import Principal
from notify.staff.models import Officer, Role, SecondFactorReset
from notify.staff.page_frame import staff_page
from notify.staff.remit import areas_not_in_force
from notify.staff.remit_choices import choices
from notify.staff.rights import IN_WORDS
from notify.staff.sign_in.sessions import open_sessions
from notify.staff.users import OfficerChange

OFFICERS = "/staff/officers"

CURES = {
    "role": "Choose a role",
    "phone": "Enter a UK mobile number like 07700 900123",
    "topics": "Choose topics from the list",
    "areas": "Choose wards or districts from the list",
    "days": "Choose how long the key works",
    "name": "Say what the key is for, in at most 100 characters",
}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the form about an officer says, right or wrong."""

    role: str
    phone: str
    topics: str
    areas: str
    active: bool

    @classmethod
    def of(cls, form: Form) -> "Chosen":
        """What was sent."""
        topics, areas = (" ".join(form.all(name)) for name in ("topics", "areas"))
        return cls(form.one("role"), form.one("phone"), topics, areas, form.has("active"))

    @classmethod
    def held_by(cls, one: Officer) -> "Chosen":
        """What holds now."""
        return cls(one.role, one.phone or "", " ".join(one.topics), " ".join(one.areas), one.active)

    def change(self) -> OfficerChange:
        """The same for the service. Raises: ValidationError."""
        return OfficerChange.model_validate(asdict(self) | {"topics": self.topics.split(), "areas": self.areas.split()})


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
    last_active_at: datetime | None
    invited_until: datetime | None

    @classmethod
    def of(cls, officer: Officer) -> "OfficerView":
        """The fields that administrators see. `has_account`: a council account is bound to it."""
        kept = officer.model_dump(include=set(cls.model_fields) - {"has_account"})
        return cls(**kept, has_account=officer.oidc_subject is not None)


def officers_page(user: Principal, form: Form, field_errors: Sequence[FieldError] = ()) -> Response[object]:
    """The list of officers and the form to invite another, as it was filled in."""
    with transaction() as session:
        found = users.officers(session, user.council_id)
        officers = [(OfficerView.of(one), state_of(one)) for one in found]
        offered = choices(session, user.council_id, with_map=False)
    return staff_page(
        user,
        "users/users.html",
        at=OFFICERS,
        status=422 if field_errors else 200,
        officers=officers,
        offered=offered,
        form=form,
        roles=list(IN_WORDS.items()),
        field_errors=field_errors,
    )


def user_page(
    session: Session,
    user: Principal,
    one: Officer,
    chosen: Chosen | None = None,
    field_errors: Sequence[FieldError] = (),
    *,
    status: int = 200,
    is_invited: bool = False,
    enrolled: object | None = None,
) -> Response[object]:
    """One user: what they may do, where they are signed in, and how they get in. `enrolled` is shown this once."""
    chosen = chosen or Chosen.held_by(one)
    offered = choices(session, user.council_id)
    asked = session.get(SecondFactorReset, one.id)
    asker = session.get(Officer, asked.asked_by) if asked else None
    return staff_page(
        user,
        "users/user.html",
        at=OFFICERS,
        status=status,
        one=OfficerView.of(one),
        state=state_of(one),
        is_invited=is_invited,
        ended=areas_not_in_force(session, one.areas),
        chosen=chosen,
        offered=offered,
        left_over=offered.left_over(chosen.topics.split(), chosen.areas.split()),
        roles=list(IN_WORDS.items()),
        sessions=open_sessions(session, one.id),
        has_second_factor=one.totp_secret is not None,
        asked=asked,
        asker=asker.name if asker else "",
        may_agree=asked is not None and user.officer_id not in (asked.asked_by, one.id),
        enrolled=enrolled,
        field_errors=field_errors,
    )


def state_of(one: Officer) -> str:
    """Where someone stands, in a word or two: invited, active or suspended."""
    if not one.active:
        return "Suspended"
    if one.last_active_at is not None or one.invited_until is None:
        return "Active"
    return "Invited" if one.invited_until > clock.now() else "Invitation expired"


def field_errors_of(error: ValidationError, sentences: Mapping[str, str] = CURES) -> list[FieldError]:
    """What is wrong, a sentence for each field, in the order of the page."""
    wrong = dict.fromkeys(str(one["loc"][0]) for one in error.errors())
    return [FieldError(field, words) for field, words in sentences.items() if field in wrong]
