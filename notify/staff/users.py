"""Officers and keys of a council, as its administrators keep them. Every change of rights ends sessions at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints, field_validator
from sqlalchemy import update
from sqlmodel import Field, Session, col, select

from notify.core import clock
from notify.core.db import Input
from notify.core.errors import Conflict, Forbidden, NotFound
from notify.core.typed_text import Typed
from notify.providers import addresses
from notify.providers.base import Channel
from notify.staff import queries, remit
from notify.staff.invitations import invite_by_mail
from notify.staff.models import ApiKey, KeyMode, Officer, Role
from notify.staff.rights import Principal, Right, roles_within
from notify.staff.service import KEY_LIFE, OfficerExists, audit, create_key, create_officer
from notify.staff.sign_in import sessions

KEY_DAYS = KEY_LIFE.days
ShortName = Annotated[Typed, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=100)]
AreaCode = Annotated[Typed, StringConstraints(pattern=r"^[A-Z]\d{8}$")]


class UnknownKey(NotFound):
    """No such key, or another council's."""

    title = "There is no such key"


class RoleTooHigh(Forbidden):
    """A key would do what its officer may not."""

    title = "A key may do no more than its officer"


class LastAdministrator(Conflict):
    """Nobody would be left to let others in."""

    title = "A council needs an administrator"


class OfficerChange(Input):
    """What changes about an officer; what is unset stays."""

    role: Role | None = None
    active: bool | None = None
    phone: str | None = Field(
        default=None, max_length=40, description="A UK mobile number for urgent staff notifications; empty: none."
    )
    topics: list[ShortName] | None = Field(default=None, max_length=200, description="Short names; empty: all.")
    areas: list[AreaCode] | None = Field(
        default=None, max_length=500, description="Ward or district codes; empty: all, and for a councillor none."
    )

    @field_validator("phone")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        try:
            return addresses.normalise(Channel.SMS, value) if value else value
        except addresses.AddressNotValid as error:
            raise ValueError(str(error)) from None


class NewOfficer(Input):
    """Someone to invite. They see and do everything that their role may, until that is narrowed."""

    email: Typed = Field(min_length=3, max_length=254)
    name: str = Field(min_length=1, max_length=100)
    role: Role


class NewKey(Input):
    """A key to make."""

    name: str = Field(min_length=1, max_length=100)
    role: Role
    mode: KeyMode = KeyMode.LIVE
    days: int = Field(default=KEY_DAYS, ge=1, le=KEY_DAYS, description="After so many days it stops working.")


def officers(session: Session, council_id: UUID) -> Sequence[Officer]:
    """Everyone who works or worked for this council, by name."""
    return session.exec(
        select(Officer).where(Officer.council_id == council_id).order_by(Officer.name, col(Officer.id)).limit(1000)
    ).all()


def officer(session: Session, council_id: UUID, officer_id: UUID) -> Officer:
    """This council's officer. Raises: UnknownOfficer."""
    found = session.exec(select(Officer).where(Officer.id == officer_id, Officer.council_id == council_id)).first()
    if found is None:
        raise queries.UnknownOfficer("Your council has no officer with this id.")
    return found


def invite_officer(session: Session, *, by: Principal, new: NewOfficer) -> Officer:
    """Add someone to this council and send them a link by which their council account becomes theirs here.

    Raises: Forbidden, SecondFactorNeeded, OfficerExists, EmailNotValid, NoInvitations.
    """
    by.require_person_here(Right.MANAGE_STAFF)
    if queries.find_officer(session, new.email, by.council_id):
        raise OfficerExists("This person is in your list already. Open their page to send a new invitation.")
    one = create_officer(
        session, council_id=by.council_id, email=new.email, name=new.name.strip(), role=new.role, actor=by.actor
    )
    invite_by_mail(session, one, actor=by.actor)
    return one


def has_operator(session: Session) -> bool:
    """Whether anybody runs this installation."""
    return session.exec(select(Officer.id).where(col(Officer.is_operator), col(Officer.active))).first() is not None


def set_operator(session: Session, one: Officer, *, is_operator: bool, actor: str) -> None:
    """Let an officer create, close and merge councils of this installation, or no longer. Their sessions end."""
    if one.is_operator == is_operator:
        return
    one.is_operator = is_operator
    session.add(one)
    session.flush()
    sessions.close_all(session, [one.id])
    audit(
        session,
        council_id=one.council_id,
        actor=actor,
        action="officer.operator",
        subject=str(one.id),
        before=not is_operator,
        after=is_operator,
    )


def invite_again(session: Session, *, by: Principal, officer_id: UUID) -> Officer:
    """Send a new link to someone who has not begun yet.

    Raises: Forbidden, SecondFactorNeeded, UnknownOfficer, AlreadyBound, NoInvitations.
    """
    by.require_person_here(Right.MANAGE_STAFF)
    one = officer(session, by.council_id, officer_id)
    invite_by_mail(session, one, actor=by.actor)
    return one


def change_officer(session: Session, *, by: Principal, officer_id: UUID, change: OfficerChange) -> Officer:
    """Change what an officer may do, which ends their sessions, or their phone number, which does not.

    Raises: Forbidden, SecondFactorNeeded, UnknownOfficer, LastAdministrator, RemitAreaNotInForce.
    """
    by.require_person_here(Right.MANAGE_STAFF)
    council_id = by.council_id
    # two who lower each other at the same moment: the second waits here and sees the first
    queries.lock_council(session, council_id)
    one = officer(session, council_id, officer_id)
    session.refresh(one, with_for_update=True)
    said = change.model_dump(exclude_none=True)
    if "phone" in said:
        said["phone"] = said["phone"] or None
    news = {name: value for name, value in said.items() if getattr(one, name) != value}
    if not news:
        return one
    added = [code for code in news.get("areas", []) if code not in one.areas]
    remit.require_areas_in_force(session, added)
    was_administrator = one.role == Role.ADMIN and one.active and not one.topics and not one.areas
    for name, value in news.items():
        setattr(one, name, value)
    session.flush()
    if was_administrator:
        _require_administrator(session, council_id)
    if news.keys() - {"phone"}:
        sessions.close_all(session, [one.id])
    detail = {name: ("changed" if name == "phone" else value) for name, value in news.items()}
    audit(session, council_id=council_id, actor=by.actor, action="officer.change", subject=str(one.id), **detail)
    return one


def _require_administrator(session: Session, council_id: UUID) -> None:
    left = session.exec(
        select(Officer.id)
        .where(Officer.council_id == council_id, Officer.role == Role.ADMIN, col(Officer.active))
        .where(Officer.topics == [], Officer.areas == [])  # a remit takes the right to manage others away
        .limit(1)
    ).first()
    if left is None:
        raise LastAdministrator("Make somebody else administrator first.")


def keys(session: Session, council_id: UUID) -> Sequence[tuple[ApiKey, str | None]]:
    """The council's keys, newest first, each with the name of the officer whose it is."""
    found = session.exec(
        select(ApiKey, Officer.name)
        .join(Officer, col(Officer.id) == col(ApiKey.officer_id), isouter=True)
        .where(ApiKey.council_id == council_id)
        .order_by(col(ApiKey.created_at).desc())
        .limit(1000)
    ).all()
    return [(key, name) for key, name in found]


def create_own_key(session: Session, *, by: Principal, new: NewKey) -> str:
    """A key of the officer who asks, which may do no more than they. Readable only now.

    Raises: Forbidden, SecondFactorNeeded, RoleTooHigh.
    """
    by.require_person_here(Right.MANAGE_STAFF)
    if new.role not in roles_within(by.role):
        raise RoleTooHigh(f"You are {by.role}; a key of yours cannot be {new.role}.")
    return create_key(
        session,
        council_id=by.council_id,
        name=new.name,
        role=new.role,
        mode=new.mode,
        officer_id=by.officer_id,
        life=timedelta(days=new.days),
        actor=by.actor,
    )


def revoke_key(session: Session, *, by: Principal, prefix: str) -> datetime:
    """End a key of the council at once; when. Repeating changes nothing.

    Raises: Forbidden, SecondFactorNeeded, UnknownKey.
    """
    by.require_person_here(Right.MANAGE_STAFF)
    return end_key(session, council_id=by.council_id, prefix=prefix, actor=by.actor)


def end_key(session: Session, *, council_id: UUID | None, prefix: str, actor: str) -> datetime:
    """The same for the command line, which asks for nobody's rights; with None a key of any council."""
    key = session.exec(select(ApiKey).where(ApiKey.prefix == prefix).with_for_update()).first()
    if key is None or council_id not in (None, key.council_id):
        raise UnknownKey("No key begins like this. The list of keys shows each key's public part.")
    if key.revoked_at is None:
        now = clock.now()
        session.execute(update(ApiKey).where(col(ApiKey.id) == key.id).values(revoked_at=now))
        audit(session, council_id=key.council_id, actor=actor, action="key.revoke", subject=prefix)
        return now
    return key.revoked_at
