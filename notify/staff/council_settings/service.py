"""Changes to a council's own settings, each with a line in the audit trail that says what was before and is now."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from notify.core import clock
from notify.core.errors import Conflict, NotFound
from notify.staff.council_settings.images import Image
from notify.staff.council_settings.models import CouncilImage, ImageKind, OwnSettings, SettingsChange
from notify.staff.models import Council
from notify.staff.queries import lock_council, require_own_life
from notify.staff.rights import Principal, Right
from notify.staff.service import audit


class SenderTaken(Conflict):
    """Another council's messages come from this address, this domain or this name."""

    title = "Another council is known by this sender"


class ImageNotFound(NotFound):
    """The council has no such image."""

    title = "There is no such image"


def own_settings(session: Session, council_id: UUID) -> OwnSettings:
    """What this council has chosen; all None where it has chosen nothing."""
    return session.get(OwnSettings, council_id) or OwnSettings(council_id=council_id)


def change_settings(session: Session, *, by: Principal, change: SettingsChange) -> OwnSettings:
    """Change what the council has chosen. Raises: Forbidden, CouncilMerged, SenderTaken."""
    by.require(Right.CHANGE_SETTINGS)
    given = change.stored()
    _require_own_sender(session, by.council_id, given)
    return store(session, council_id=by.council_id, actor=by.actor, given=given)


def store(session: Session, *, council_id: UUID, actor: str, given: Mapping[str, object]) -> OwnSettings:
    """Write these columns of a council's settings, and down what they were. Raises: CouncilMerged."""
    lock_council(session, council_id)
    council = session.get_one(Council, council_id)
    require_own_life(session, council)
    own = own_settings(session, council_id)
    before = {name: _readable(getattr(own, name)) for name in given}
    for name, value in given.items():
        setattr(own, name, value)
    after = {name: _readable(getattr(own, name)) for name in given}
    changed = [name for name in given if before[name] != after[name]]
    if not changed:
        return own
    own.changed_at = clock.now()
    session.add(own)
    session.flush()
    audit(
        session,
        council_id=council_id,
        actor=actor,
        action="council.settings",
        subject=council.slug,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    return own


def _readable(value: object) -> object:
    """A value as the audit trail holds it."""
    return value if value is None or isinstance(value, str | int | list | dict) else str(value)


def _require_own_sender(session: Session, council_id: UUID, given: Mapping[str, object]) -> None:
    """Nobody writes in the name of another council: neither from its domain nor with its sender of texts."""
    if not (given.get("sender_address") or given.get("sms_sender")):
        return
    host = str(given.get("sender_address") or "").rpartition("@")[2]
    name = str(given.get("sms_sender") or "").casefold()
    for other in session.exec(select(OwnSettings).where(OwnSettings.council_id != council_id)):
        theirs = [(other.sender_address or "").rpartition("@")[2], other.domain or ""]
        if host and any(one and _is_within(host, one) for one in theirs):
            raise SenderTaken(
                "Another council here uses this domain. Enter an address on a domain of your own council."
            )
        if name and (other.sms_sender or "").casefold() == name:
            raise SenderTaken("Another council here sends its texts from this sender. Enter your own council's.")


def _is_within(host: str, other: str) -> bool:
    """Whether one of two domains is the other or lies within it."""
    return f".{host}".endswith(f".{other}") or f".{other}".endswith(f".{host}")


def set_image(session: Session, *, by: Principal, kind: ImageKind, image: Image) -> OwnSettings:
    """Have pages show this image. Raises: Forbidden, CouncilMerged."""
    by.require(Right.CHANGE_SETTINGS)
    values = {"media_type": image.media_type, "content": image.content}
    statement = insert(CouncilImage).values(council_id=by.council_id, kind=kind, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["council_id", "kind"], set_=values))
    return store(session, council_id=by.council_id, actor=by.actor, given={kind.value: image.version})


def remove_image(session: Session, *, by: Principal, kind: ImageKind) -> OwnSettings:
    """Have pages show no such image. Repeating changes nothing. Raises: Forbidden, CouncilMerged."""
    by.require(Right.CHANGE_SETTINGS)
    session.execute(
        delete(CouncilImage).where(col(CouncilImage.council_id) == by.council_id, col(CouncilImage.kind) == kind)
    )
    return store(session, council_id=by.council_id, actor=by.actor, given={kind.value: None})


def image_of(session: Session, slug: str, kind: ImageKind) -> CouncilImage:
    """The image of the council with this short name. Raises: ImageNotFound."""
    whose = select(CouncilImage).join(Council, col(Council.id) == col(CouncilImage.council_id))
    found = session.exec(whose.where(Council.slug == slug, CouncilImage.kind == kind)).first()
    if found is None:
        raise ImageNotFound("The council has not uploaded one.")
    return found


def stored_image(session: Session, council_id: UUID, kind: ImageKind) -> Image | None:
    """This council's own image, if it has one."""
    found = session.get(CouncilImage, (council_id, kind))
    return Image(found.content, found.media_type) if found else None
