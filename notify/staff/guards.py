"""Who may do what: one table of rights, and the guards that read it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from notify import clock
from notify.db import transaction
from notify.errors import Forbidden, Unauthenticated
from notify.settings import settings
from notify.staff import service, sessions
from notify.staff.models import KeyMode, Officer, Role
from notify.staff.remit import EVERYTHING, Remit, remit_of
from notify.web import forms

OFFICER_COOKIE = "officer"
CALL_BACKS = "/api/v1/webhooks/"


AnyConnection = ASGIConnection[Any, Any, Any, Any]


class Right(StrEnum):
    """One thing a person or a key may be allowed to do."""

    SEE_ALERTS = "see alerts"
    WRITE_ALERTS = "write alerts"
    APPROVE_ALERTS = "approve alerts"
    BROADCAST = "broadcast emergencies"
    SEE_SUBSCRIBERS = "see subscribers"
    CHANGE_SUBSCRIBERS = "change subscribers"
    CHANGE_TOPICS = "change topics"
    STEER_QUEUE = "hold and release the queue"
    CHANGE_BUDGET = "change the budget"
    SEE_WORK = "see deliveries, the queue and the budget"
    SEE_AUDIT = "read the audit trail"
    MANAGE_STAFF = "manage officers and keys"
    SEE_FIGURES = "see the council's figures"
    CHANGE_FIGURES = "change targets, prices and what is published"
    EXPORT_EVERYTHING = "take out what names people"


_GLANCING = frozenset({Right.SEE_ALERTS})
_SEEING = _GLANCING | {Right.SEE_WORK, Right.SEE_FIGURES}
_WRITING = _SEEING | {Right.WRITE_ALERTS, Right.SEE_SUBSCRIBERS, Right.CHANGE_SUBSCRIBERS}

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: _SEEING,
    Role.AUTHOR: _WRITING,
    Role.APPROVER: _WRITING | {Right.APPROVE_ALERTS},
    Role.PLANNER: _WRITING | {Right.APPROVE_ALERTS, Right.BROADCAST},
    Role.COUNCILLOR: _GLANCING,
    Role.MONITORING: _SEEING | {Right.SEE_SUBSCRIBERS, Right.SEE_AUDIT},
    Role.ADMIN: frozenset(Right),
}

# all that is left to who works with some topics or areas only: the rest concerns the whole council
WITHIN_A_REMIT = _WRITING - {Right.SEE_SUBSCRIBERS, Right.CHANGE_SUBSCRIBERS, Right.SEE_FIGURES} | {
    Right.APPROVE_ALERTS,
    Right.BROADCAST,
}

# what administrators read where they choose one
IN_WORDS: dict[Role, str] = {
    Role.VIEWER: "Sees alerts and what became of them.",
    Role.AUTHOR: "Writes alerts and keeps residents. Where a topic needs no approval, what they write goes out.",
    Role.APPROVER: "Also approves what others wrote.",
    Role.PLANNER: "Also broadcasts emergencies.",
    Role.COUNCILLOR: "Sees the alerts of their own wards, and nothing else.",
    Role.MONITORING: "Reads everything, with the audit trail, and changes nothing.",
    Role.ADMIN: "May do everything, and says what others may.",
}

FRESH = timedelta(minutes=5)


def roles_within(role: Role) -> frozenset[Role]:
    """The roles that may do nothing which this one may not."""
    return frozenset(other for other, rights in RIGHTS.items() if rights <= RIGHTS[role])


class ProveYourselfAgain(Forbidden):
    """Emergencies are approved by people who proved a moment ago who they are."""

    title = "Confirm that it is you"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: an officer or an API key, of one council.

    `actor` names them in the audit trail: `officer:<id>` or `key:<prefix>`, never by personal data. `officer_id` is
    the person: of a key, the officer it belongs to, and none for a key of the council. `mfa_at` is when they last gave
    a second factor, which a key never does.
    """

    actor: str
    name: str
    council_id: UUID
    role: Role
    is_test: bool = False
    officer_id: UUID | None = None
    remit: Remit = EVERYTHING
    mfa_at: datetime | None = None

    @property
    def is_key(self) -> bool:
        """Whether a program asks."""
        return self.actor.startswith("key:")

    def require_fresh_mfa(self) -> None:
        """Refuse who has not given a second factor in the last five minutes. Raises: ProveYourselfAgain.

        No key gets through, whoever holds it: it would be the way around.
        """
        if self.is_key:
            raise ProveYourselfAgain("A key cannot say that somebody is there. Sign in and approve in the browser.")
        if self.mfa_at is None or clock.now() - self.mfa_at > FRESH:
            raise ProveYourselfAgain("Your second factor is older than five minutes. Confirm it at /staff/confirm.")

    def may(self, right: Right) -> bool:
        """Whether this principal's role holds `right`, and their remit does not take it away."""
        return right in RIGHTS[self.role] and (self.remit == EVERYTHING or right in WITHIN_A_REMIT)

    def require(self, right: Right) -> None:
        """Refuse unless this principal may. Raises: Forbidden."""
        if self.may(right):
            return
        if right in RIGHTS[self.role]:
            raise Forbidden(f"You work with some topics or areas only, and so may not {right}.")
        raise Forbidden(f"The role {self.role} may not {right}. Ask an administrator of your council.")


@dataclass(frozen=True, slots=True)
class Requires:
    """A guard that lets through signed-in principals with `right`."""

    right: Right

    def __call__(self, connection: AnyConnection, _: BaseRouteHandler) -> None:
        principal_of(connection).require(self.right)


@dataclass(frozen=True, slots=True)
class RequiresLive(Requires):
    """The same for what a rehearsal must not do: residents are real, and what is written to them arrives."""

    def __call__(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        Requires.__call__(self, connection, handler)
        if principal_of(connection).is_test:
            raise Forbidden("A test key does not change residents. Use a live key.")


def principal_of(connection: AnyConnection) -> Principal:
    """Who sent this request. Raises: Unauthenticated."""
    user = connection.scope.get("user")
    if not isinstance(user, Principal):
        raise Unauthenticated("Send an API key as `Authorization: Bearer <key>`, or sign in.")
    return user


class Authenticate(ASGIMiddleware):
    """Says who is asking, from an API key or an officer's session cookie. Deciding is the guards' work.

    A key that is not valid is refused at once; no key at all is nobody, whom public doors welcome.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        connection: AnyConnection = ASGIConnection(scope, receive, send)
        # a provider's call-back carries a word between it and its adapter, which is none of ours
        is_call_back = connection.url.path.startswith(CALL_BACKS)
        header = "" if is_call_back else connection.headers.get("authorization", "")
        cookie = connection.cookies.get(settings().cookie_name(OFFICER_COOKIE), "")
        if header:
            scope["user"] = await sync_to_thread(_holder_of_key, header)
        elif cookie:
            # the cookie is worth nothing when another site's page made the browser send it
            forms.refuse_other_sites(connection)
            scope["user"] = await sync_to_thread(_officer_of_cookie, cookie)
        else:
            scope["user"] = None
        await next_app(scope, receive, send)


def _holder_of_key(header: str) -> Principal:
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated("Send the API key as `Authorization: Bearer <key>`.")
    with transaction() as session:
        known = service.key_holder(session, key.strip())
        owner = session.get(Officer, known.officer_id) if known.officer_id else None
        if owner and (not owner.active or known.role not in roles_within(owner.role)):
            raise service.KeyNotValid("The officer whom this key belongs to may no longer do what it was made for.")
        return Principal(
            actor=f"key:{known.prefix}",
            name=known.name,
            council_id=known.council_id,
            role=known.role,
            is_test=known.mode == KeyMode.TEST,
            officer_id=known.officer_id,
            remit=remit_of(owner) if owner else EVERYTHING,
        )


def still_asking(connection: AnyConnection) -> Principal | None:
    """Who sent a request that is still being answered, if they would be let in now. It keeps no session alive."""
    header = connection.headers.get("authorization", "")
    if header:
        try:
            return _holder_of_key(header)
        except Unauthenticated:
            return None
    with transaction() as session:
        found = sessions.still_signed_in(session, connection.cookies.get(settings().cookie_name(OFFICER_COOKIE), ""))
    return _principal(found) if found else None


def _officer_of_cookie(cookie: str) -> Principal | None:
    with transaction() as session:
        found = sessions.signed_in(session, cookie)
    return _principal(found) if found else None


def _principal(found: sessions.SignedIn) -> Principal:
    officer = found.officer
    return Principal(
        actor=f"officer:{officer.id}",
        name=officer.name,
        council_id=officer.council_id,
        role=officer.role,
        officer_id=officer.id,
        remit=remit_of(officer),
        mfa_at=found.mfa_at,
    )
