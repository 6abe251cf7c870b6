"""Reads about councils, officers and keys."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.errors import Conflict, NotFound
from notify.core.typed_text import email_key
from notify.staff.models import ApiKey, Council, CouncilName, KeyMode, Officer


class UnknownCouncil(NotFound):
    """No council has this name."""

    title = "There is no such council"


class CouncilMerged(Conflict):
    """The council has become part of another."""

    title = "The council has merged"


class CouncilClosed(Conflict):
    """The council sends nothing here any more."""

    title = "The council has closed"


class UnknownOfficer(NotFound):
    """No officer has this address."""

    title = "There is no such officer"


def council_by_slug(session: Session, slug: str) -> Council:
    """The council with this short name, or that had it. Raises: UnknownCouncil."""
    council = session.exec(select(Council).where(Council.slug == slug)).first()
    if council is None:
        had = select(Council).join(CouncilName, col(CouncilName.council_id) == col(Council.id))
        council = session.exec(had.where(CouncilName.slug == slug).order_by(col(CouncilName.until).desc())).first()
    if council is None:
        raise UnknownCouncil(f"No council is called {slug!r} here. `notify doctor` lists them.")
    return council


def councils(session: Session) -> Sequence[Council]:
    """Every council of the installation, by name."""
    return session.exec(select(Council).order_by(Council.name).limit(1000)).all()


def is_shared(session: Session) -> bool:
    """Whether several councils that are open share this installation, so that one cannot decide for all."""
    is_open = (col(Council.merged_into_id).is_(None), col(Council.closed_at).is_(None))
    return len(session.exec(select(Council.id).where(*is_open).limit(2)).all()) > 1


def councils_covering(session: Session, district_code: str | None) -> Sequence[Council]:
    """The councils that a district lies in: the district's own, the county's, shared services."""
    return councils_of_districts(session, [district_code] if district_code else [])


def councils_of_districts(session: Session, district_codes: Sequence[str]) -> Sequence[Council]:
    """The councils that any of these districts lies in, by name, less those that have closed."""
    if not district_codes:
        return []
    covers = col(Council.district_codes).overlap(list(district_codes))  # type: ignore[attr-defined]
    is_open = col(Council.closed_at).is_(None)
    return session.exec(select(Council).where(covers, is_open).order_by(Council.name).limit(100)).all()


def council(session: Session, council_id: UUID) -> Council:
    """The council with this id, which must exist."""
    return session.get_one(Council, council_id)


def live_key(session: Session, prefix: str) -> ApiKey | None:
    """The key with this public part, unless it has expired or was revoked."""
    statement = select(ApiKey).where(
        ApiKey.prefix == prefix, col(ApiKey.revoked_at).is_(None), ApiKey.expires_at > clock.now()
    )
    return session.exec(statement).first()


def person(session: Session, actor: str) -> str:
    """Who stands behind an actor of the audit trail: for an officer's key that officer.

    Nobody knows who holds the keys that are the council's own, and one may hold them all: together they are one person.
    """
    kind, _, prefix = actor.partition(":")
    if kind == "officer":
        return _after_merger(session, actor, prefix)
    if kind != "key":
        return actor
    found = session.exec(select(ApiKey.officer_id, ApiKey.council_id).where(ApiKey.prefix == prefix)).first()
    if found is None:
        return actor
    owner, council_id = found
    return f"officer:{owner}" if owner else f"keys:{council_id}"


def _after_merger(session: Session, actor: str, identity: str) -> str:
    """The officer whom this one has become: who worked for both councils is one person after they merged."""
    try:
        officer = session.get(Officer, UUID(identity))
    except ValueError:
        return actor
    after = session.get_one(Council, officer.council_id).merged_into_id if officer else None
    if officer is None or after is None:
        return actor
    there = find_officer(session, officer.email, after)
    return _after_merger(session, f"officer:{there.id}", str(there.id)) if there else actor


def require_own_life(session: Session, council: Council) -> None:
    """Refuse to add to or change a council that has become part of another. Raises: CouncilMerged."""
    after = council
    while after.merged_into_id:
        after = session.get_one(Council, after.merged_into_id)
    if after is not council:
        raise CouncilMerged(f"{council.name} has become part of {after.name}. Use {after.slug!r} instead.")


def require_open(session: Session, council: Council) -> None:
    """The same for one that has closed. Raises: CouncilMerged, CouncilClosed."""
    require_own_life(session, council)
    if council.closed_at:
        raise CouncilClosed(f"{council.name} has closed here. An operator can open it again.")


def maker_of_key(session: Session, actor: str) -> str | None:
    """Who made the key that this actor of the audit trail is; None for an actor that is no key."""
    kind, _, prefix = actor.partition(":")
    made_by = session.exec(select(ApiKey.created_by).where(ApiKey.prefix == prefix)).first() if kind == "key" else None
    return made_by and person(session, made_by)


def is_test_key(session: Session, actor: str) -> bool:
    """Whether this actor of the audit trail is a test key."""
    kind, _, prefix = actor.partition(":")
    statement = select(ApiKey.id).where(ApiKey.prefix == prefix, ApiKey.mode == KeyMode.TEST)
    return kind == "key" and session.exec(statement).first() is not None


def lock_council(session: Session, council_id: UUID) -> None:
    """Let one transaction at a time change who may do what in this council."""
    session.exec(select(Council.id).where(Council.id == council_id).with_for_update()).one()


def find_officer(session: Session, email: str, council_id: UUID) -> Officer | None:
    """This council's officer with this address, however it is typed."""
    statement = select(Officer).where(Officer.email == email_key(email), Officer.council_id == council_id)
    return session.exec(statement).first()


def officer_by_email(session: Session, email: str, slug: str | None = None) -> Officer:
    """The officer with this address, at the council that is named where they are officers of several.

    Raises: UnknownOfficer, UnknownCouncil.
    """
    statement = select(Officer, Council.slug).join(Council, col(Council.id) == col(Officer.council_id))
    if slug is not None:
        statement = statement.where(Officer.council_id == council_by_slug(session, slug).id)
    found = session.exec(statement.where(Officer.email == email_key(email)).order_by(Council.slug)).all()
    if not found:
        raise UnknownOfficer(f"Nobody signs in as {email}. Add them with `notify officer create`.")
    if len(found) > 1:
        there = ", ".join(where for _, where in found)
        raise UnknownOfficer(f"{email} is an officer of {there}. Say which with --council.")
    return found[0][0]
