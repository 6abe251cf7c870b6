"""The guards of routes: who sent a request, and whether they have the right that the route needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from litestar.concurrency import sync_to_thread
from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.handlers import BaseRouteHandler
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from sqlmodel import Session

from notify.core.db import transaction
from notify.core.errors import Forbidden, Unauthenticated
from notify.core.settings import settings
from notify.staff import rights, service
from notify.staff.council_settings import look
from notify.staff.council_settings.effective import council_settings, settings_of
from notify.staff.models import Council, KeyMode, Officer
from notify.staff.remit import remit_of_key

# routes import these two together with their guards
from notify.staff.rights import Principal as Principal
from notify.staff.rights import Right as Right
from notify.staff.rights import roles_within
from notify.staff.sign_in import sessions
from notify.staff.sign_in.same_person import users_of
from notify.web import forms, theme

OFFICER_COOKIE = "officer"
STAFF = "/staff"
API = "/api/v1/"
# routes whose callers carry a word of their own, which is no key of ours: a provider's, and Prometheus'
OWN_WORDS = ("/api/v1/webhooks/{provider}", "/api/v1/webhooks/collections/{council}", "/metrics")


AnyConnection = ASGIConnection[Any, Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Requires:
    """A guard that lets through signed-in principals with `right`."""

    right: Right

    def __call__(self, connection: AnyConnection, _: BaseRouteHandler) -> None:
        user = principal_of(connection)
        user.require(self.right)
        if user.is_test and not connection.url.path.startswith(API):
            # what people do there is live: drafts are theirs, proofs are sent, notes stay
            raise Forbidden("A test key works by the API only. Sign in to use the pages.")


@dataclass(frozen=True, slots=True)
class RequiresLive(Requires):
    """The same for what stays when a rehearsal is over, such as notes and how residents are reached."""

    def __call__(self, connection: AnyConnection, handler: BaseRouteHandler) -> None:
        Requires.__call__(self, connection, handler)
        if principal_of(connection).is_test:
            raise Forbidden("A test key changes nothing live. Use a live key.")


def principal_of(connection: AnyConnection) -> Principal:
    """Who sent this request. Raises: Unauthenticated."""
    user = connection.scope.get("user")
    if not isinstance(user, Principal):
        raise Unauthenticated("Send an API key as `Authorization: Bearer <key>`, or sign in.")
    return user


class Authenticate(ASGIMiddleware):
    """Says who is asking, from an API key or an officer's session cookie. Deciding is the guards' work.

    A key that is not valid is refused at once; no key at all is nobody, whom public routes welcome.
    """

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        connection: AnyConnection = ASGIConnection(scope, receive, send)
        has_own_word = scope["type"] == ScopeType.HTTP and scope["path_template"] in OWN_WORDS
        header = "" if has_own_word else connection.headers.get("authorization", "")
        cookie = connection.cookies.get(settings().cookie_name(OFFICER_COOKIE), "")
        if header:
            scope["user"] = await sync_to_thread(_holder_of_key, header)
        elif cookie:
            # the cookie is worth nothing when another site's page made the browser send it
            forms.refuse_other_sites(connection)
            scope["user"], own = await sync_to_thread(_officer_of_cookie, cookie)
            if own and scope["path"].startswith(STAFF):
                theme.wear(own)
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
            raise service.KeyNotValid("The user who owns this key may no longer do what it was made for.")
        return Principal(
            actor=f"key:{known.prefix}",
            name=known.name,
            council_id=known.council_id,
            role=known.role,
            is_test=known.mode == KeyMode.TEST,
            officer_id=known.officer_id,
            remit=remit_of_key(known.role, owner),
            is_closed=session.get_one(Council, known.council_id).closed_at is not None,
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
    return rights.principal_of(found.officer, mfa_at=found.mfa_at) if found else None


def _officer_of_cookie(cookie: str) -> tuple[Principal | None, theme.Theme | None]:
    """Who is signed in, and the look of their council's pages."""
    with transaction() as session:
        found = sessions.signed_in(session, cookie)
        if found is None:
            return None, None
        own = council_settings(session, found.officer.council_id)
        elsewhere = _elsewhere(session, found.officer)
    user = rights.principal_of(found.officer, mfa_at=found.mfa_at, is_closed=own.closed_at is not None)
    return replace(user, elsewhere=elsewhere), look.theme_of(own)


def _elsewhere(session: Session, officer: Officer) -> Sequence[rights.Elsewhere]:
    others = [council for one, council in users_of(session, officer) if one.id != officer.id]
    holds = settings_of(session, [council.id for council in others]) if others else {}
    return [rights.Elsewhere(one.slug, one.name, holds[one.id].colour) for one in others]
