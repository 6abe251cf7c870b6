"""Groups of topics: their names are headings at sign-up where a council has many topics."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select, update

from notify.core import clock
from notify.core.errors import Conflict, NotFound
from notify.staff.rights import Principal, Right
from notify.staff.service import audit
from notify.subscribers.models import Topic
from notify.subscribers.topic_models import TopicGroup
from notify.topics.models import GroupChange, NewGroup


class GroupExists(Conflict):
    """The name is taken."""

    title = "There is already such a group"


class UnknownGroup(NotFound):
    """No such group, or another council's."""

    title = "There is no such group of topics"


def groups(session: Session, council_id: UUID) -> Sequence[TopicGroup]:
    """The council's groups in their order."""
    found = select(TopicGroup).where(TopicGroup.council_id == council_id)
    return session.exec(found.order_by(col(TopicGroup.position), TopicGroup.name)).all()


def group(session: Session, council_id: UUID, group_id: UUID) -> TopicGroup:
    """This group of the council. Raises: UnknownGroup."""
    found = session.get(TopicGroup, group_id)
    if found is None or found.council_id != council_id:
        raise UnknownGroup("Your council has no group of topics with this id. `GET /api/v1/topic-groups` lists them.")
    return found


def create_group(session: Session, *, by: Principal, new: NewGroup) -> TopicGroup:
    """A new group, which comes last. Raises: Forbidden, GroupExists."""
    by.require(Right.CHANGE_TOPICS)
    _require_free(session, by.council_id, new.name)
    last = select(func.coalesce(func.max(TopicGroup.position), 0)).where(TopicGroup.council_id == by.council_id)
    names = {str(language): name for language, name in new.translations.items()}
    made = TopicGroup(
        council_id=by.council_id, name=new.name, translations=names, position=session.exec(last).one() + 1
    )
    session.add(made)
    session.flush()
    audit(session, council_id=by.council_id, actor=by.actor, action="topic-group.create", subject=made.name)
    return made


def change_group(session: Session, *, by: Principal, group_id: UUID, change: GroupChange) -> TopicGroup:
    """Change a group's names or its place. Raises: Forbidden, UnknownGroup, GroupExists."""
    by.require(Right.CHANGE_TOPICS)
    found = group(session, by.council_id, group_id)
    said = change.model_dump(exclude_none=True)
    news = {name: value for name, value in said.items() if getattr(found, name) != value}
    if not news:
        return found
    if "name" in news:
        _require_free(session, by.council_id, news["name"])
    for name, value in news.items():
        setattr(found, name, value)
    session.add(found)
    session.flush()
    audit(session, council_id=by.council_id, actor=by.actor, action="topic-group.change", subject=found.name, **news)
    return found


def remove_group(session: Session, *, by: Principal, group_id: UUID) -> None:
    """Remove a group. Its topics stay, in no group. Raises: Forbidden, UnknownGroup."""
    by.require(Right.CHANGE_TOPICS)
    found = group(session, by.council_id, group_id)
    session.execute(update(Topic).where(col(Topic.group_id) == found.id).values(group_id=None, changed_at=clock.now()))
    session.delete(found)
    session.flush()
    session.expire_all()
    audit(session, council_id=by.council_id, actor=by.actor, action="topic-group.remove", subject=found.name)


def _require_free(session: Session, council_id: UUID, name: str) -> None:
    taken = select(TopicGroup.id).where(TopicGroup.council_id == council_id, TopicGroup.name == name)
    if session.exec(taken).first():
        raise GroupExists(f"You already have a group {name!r}.")
