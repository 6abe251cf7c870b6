"""Writes about councils, officers and keys, and the audit trail."""

import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from notify.core import clock, tokens
from notify.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from notify.core.settings import settings
from notify.core.typed_text import email_key
from notify.staff import queries
from notify.staff.models import ApiKey, AuditEntry, Council, CouncilName, KeyMode, Officer, Role, SignIn
from notify.staff.remit import COUNCILLORS
from notify.staff.sign_in import sessions

KEY_LIFE = timedelta(days=365)
LINK_LIFE = timedelta(minutes=10)


class CouncilExists(Conflict):
    """The short name is taken."""

    title = "There is already such a council"


class CouncilNotValid(Invalid):
    """The short name or a district code has another shape."""

    title = "The council cannot be made like this"


class OfficerExists(Conflict):
    """Someone signs in with this address."""

    title = "There is already such an officer"


class EmailNotValid(Invalid):
    """Nobody could be written to at this address."""

    title = "The e-mail address is not valid"


class KeyNotValid(Unauthenticated):
    """The key is unknown, expired or revoked; which of them is nobody's business."""

    title = "The API key is not valid"


class KeyWithoutWards(Invalid):
    """A councillor has to do with the listed wards only, and no ward is listed for this key."""

    title = "A councillor's key belongs to a councillor"


class SignInLinkNotValid(NotFound):
    """The link was used, has expired or never existed."""

    title = "This sign-in link does not work"
    is_logged = True


class SignInLinksAreOff(Forbidden):
    """Links are for development; this installation is reached by https."""

    title = "Sign-in links are switched off"
    is_logged = True


def audit(
    session: Session, *, council_id: UUID | None, actor: str, action: str, subject: str, **detail: object
) -> None:
    """Add a line to the audit trail, in the same transaction as what it tells of."""
    session.add(AuditEntry(council_id=council_id, actor=actor, action=action, subject=subject, detail=detail))


def create_council(
    session: Session, *, slug: str, name: str, district_codes: Sequence[str], actor: str = "command-line"
) -> Council:
    """A new council that covers these districts. Raises: CouncilExists, CouncilNotValid."""
    require_codes(district_codes)
    require_free_slug(session, slug)
    council = Council(slug=slug, name=name, district_codes=list(district_codes))
    session.add(council)
    session.flush()
    audit(session, council_id=council.id, actor=actor, action="council.create", subject=slug)
    return council


def require_codes(district_codes: Sequence[str]) -> None:
    """Refuse what has not the shape of a district's code. Raises: CouncilNotValid."""
    wrong = [code for code in district_codes if not re.fullmatch(r"[A-Z]\d{8}", code)]
    if wrong:
        raise CouncilNotValid(f"{', '.join(wrong)} is no district code: those look like E07000008.")


def require_free_slug(session: Session, slug: str) -> None:
    """Refuse a short name of another shape, or that a council has or had. Raises: CouncilExists, CouncilNotValid."""
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug):
        raise CouncilNotValid("The short name has small letters, digits and hyphens only, such as `east-cambs`.")
    is_taken = session.exec(select(Council.id).where(Council.slug == slug)).first()
    if is_taken or session.exec(select(CouncilName.council_id).where(CouncilName.slug == slug)).first():
        raise CouncilExists(f"A council called {slug!r} is already here.")


def create_officer(
    session: Session, *, council_id: UUID, email: str, name: str, role: Role, actor: str = "command-line"
) -> Officer:
    """A new officer of a council. The same address may be an officer of others.

    Raises: OfficerExists, EmailNotValid, CouncilMerged.
    """
    queries.require_own_life(session, queries.council(session, council_id))
    email = email_key(email)
    try:
        validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise EmailNotValid(f"{email!r} is not an e-mail address: {error}") from None
    if session.exec(select(Officer.id).where(Officer.email == email, Officer.council_id == council_id)).first():
        raise OfficerExists(f"{email} is an officer already. A new link: notify officer link {email}")
    officer = Officer(council_id=council_id, email=email, name=name, role=role)
    session.add(officer)
    session.flush()
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="officer.create",
        subject=str(officer.id),
        role=role,
    )
    return officer


def create_key(
    session: Session,
    *,
    council_id: UUID,
    name: str,
    role: Role,
    mode: KeyMode,
    officer_id: UUID | None = None,
    life: timedelta = KEY_LIFE,
    actor: str = "command-line",
) -> str:
    """A new API key, `notify_live_<public part>_<secret>`. This is the only time it can be read.

    Raises: CouncilMerged, KeyWithoutWards.
    """
    queries.require_own_life(session, queries.council(session, council_id))
    _require_wards(session, role, officer_id)
    prefix = secrets.token_hex(6)
    secret = secrets.token_urlsafe(32)
    session.add(
        ApiKey(
            council_id=council_id,
            officer_id=officer_id,
            name=name,
            role=role,
            mode=mode,
            prefix=prefix,
            created_by=actor,
            digest=tokens.digest(secret),
            expires_at=clock.now() + life,
        )
    )
    audit(session, council_id=council_id, actor=actor, action="key.create", subject=prefix, role=role, mode=mode)
    return f"notify_{mode}_{prefix}_{secret}"


def _require_wards(session: Session, role: Role, officer_id: UUID | None) -> None:
    """Refuse a key that would write as a councillor and to every ward. Raises: KeyWithoutWards."""
    owner = session.get(Officer, officer_id) if officer_id else None
    if role in COUNCILLORS and (owner is None or owner.role not in COUNCILLORS):
        raise KeyWithoutWards("A councillor's key belongs to a councillor: theirs are its wards. Name the user.")


def key_holder(session: Session, key: str) -> ApiKey:
    """The live API key that this text is. Raises: KeyNotValid."""
    product, _, rest = key.partition("_")
    mode, _, rest = rest.partition("_")
    prefix, _, secret = rest.partition("_")
    known = queries.live_key(session, prefix) if product == "notify" and secret else None
    if known is None or known.mode != mode or not hmac.compare_digest(known.digest, tokens.digest(secret)):
        raise KeyNotValid("The API key is unknown, expired or revoked. An administrator can make a new one.")
    _note_use(session, known)
    return known


def _note_use(session: Session, key: ApiKey) -> None:
    """Remember the day and hour of use, without a write on every request."""
    moment = clock.now()
    if key.last_used_at is None or moment - key.last_used_at > timedelta(minutes=10):
        session.execute(update(ApiKey).where(col(ApiKey.id) == key.id).values(last_used_at=moment))


def create_sign_in_link(session: Session, officer_id: UUID) -> str:
    """A token that signs this officer in once, within ten minutes."""
    token = tokens.random_token()
    session.add(
        SignIn(digest=tokens.digest(token), officer_id=officer_id, is_link=True, expires_at=clock.now() + LINK_LIFE)
    )
    return token


def sign_in(session: Session, token: str, *, instead_of: str = "") -> str:
    """Use up a sign-in link; the secret for the officer's session cookie.

    Raises: SignInLinkNotValid, SignInLinksAreOff.
    """
    require_links()
    used = session.execute(
        delete(SignIn)
        .where(col(SignIn.digest) == tokens.digest(token), col(SignIn.is_link), col(SignIn.expires_at) > clock.now())
        .returning(col(SignIn.officer_id))
    ).scalar_one_or_none()
    if used is None:
        raise SignInLinkNotValid("It was used already or is older than ten minutes. Ask for a new one.")
    officer = session.get_one(Officer, used)
    if not officer.active:
        raise SignInLinkNotValid("The user it was made for no longer works here.")
    # on a developer's machine nobody has a second factor, and whoever makes links there owns the machine
    mfa_at = None if settings().is_secure else clock.now()
    note_sign_in(session, officer, way="link")
    return sessions.open_session(session, officer, mfa_at=mfa_at, instead_of=instead_of)


def require_links() -> None:
    """Refuse where sign-in links are not a way in. Raises: SignInLinksAreOff."""
    if not settings().links_sign_in:
        raise SignInLinksAreOff("Sign in with your council's account, or with password and code.")


def note_sign_in(session: Session, officer: Officer, *, way: str) -> None:
    """Write down that an officer came in, and how."""
    audit(
        session,
        council_id=officer.council_id,
        actor=f"officer:{officer.id}",
        action="officer.sign-in",
        subject=str(officer.id),
        way=way,
    )
