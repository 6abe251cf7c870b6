"""Who may do what: one table of rights, and the guards that read it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from notify import tokens
from notify.db import transaction
from notify.errors import Forbidden, Unauthenticated
from notify.settings import settings
from notify.staff import queries, service
from notify.staff.models import KeyMode, Role
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


_SEEING = frozenset({Right.SEE_ALERTS})
_WRITING = _SEEING | {Right.WRITE_ALERTS, Right.SEE_SUBSCRIBERS, Right.CHANGE_SUBSCRIBERS}

RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: _SEEING,
    Role.AUTHOR: _WRITING,
    Role.APPROVER: _WRITING | {Right.APPROVE_ALERTS},
    Role.PLANNER: _WRITING | {Right.APPROVE_ALERTS, Right.BROADCAST},
    Role.ADMIN: frozenset(Right),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: an officer or an API key, of one council.

    `actor` names them in the audit trail: `officer:<id>` or `key:<prefix>`, never by personal data.
    """

    actor: str
    name: str
    council_id: UUID
    role: Role
    is_test: bool = False

    def may(self, right: Right) -> bool:
        """Whether this principal's role holds `right`."""
        return right in RIGHTS[self.role]

    def require(self, right: Right) -> None:
        """Refuse unless this principal's role holds `right`. Raises: Forbidden."""
        if not self.may(right):
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
        return Principal(
            actor=f"key:{known.prefix}",
            name=known.name,
            council_id=known.council_id,
            role=known.role,
            is_test=known.mode == KeyMode.TEST,
        )


def _officer_of_cookie(cookie: str) -> Principal | None:
    with transaction() as session:
        officer = queries.signed_in_officer(session, tokens.digest(cookie))
        if officer is None:
            return None
        return Principal(
            actor=f"officer:{officer.id}", name=officer.name, council_id=officer.council_id, role=officer.role
        )
