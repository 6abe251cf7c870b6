"""API routes of topics and their groups."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from litestar import delete, get, patch, post, put
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.core.zoned_time import aware
from notify.staff.guards import Requires, Right
from notify.staff.routes import StaffRequest
from notify.subscribers import queries
from notify.subscribers.models import NewTopic
from notify.topics import closure, groups, merger, service
from notify.topics.models import Closing, GroupChange, Merge, NewGroup, Split, TopicChange, TopicOrder
from notify.topics.views import GroupView, ReshapedView, TopicPage, TopicView, topic_views
from notify.web.conditional import POLLED

Limit = Annotated[int, QueryParameter(ge=1, le=500, description="How many at most.")]
SEES, CHANGES = [Requires(Right.SEE_ALERTS)], [Requires(Right.CHANGE_TOPICS)]


@get("/topics", guards=SEES, sync_to_thread=True, tags=["topics"], opt=POLLED)
def list_topics(
    request: StaffRequest,
    limit: Limit = 100,
    after: Annotated[str, QueryParameter(description="`next` of the page before.")] = "",
    changed_since: Annotated[
        datetime | None, QueryParameter(description="Only what changed at or after this moment.")
    ] = None,
) -> TopicPage:
    """Your council's topics by short name, with those that have ended."""
    since = aware(changed_since)
    with transaction() as session:
        found = queries.topics(session, [request.user.council_id], after=after, changed_since=since, limit=limit)
        views = topic_views(session, found)
    return TopicPage(topics=views, next=views[-1].slug if len(views) == limit else None)


@post("/topics", guards=CHANGES, sync_to_thread=True, tags=["topics"])
def create_topic(request: StaffRequest, data: JSONBody[NewTopic]) -> TopicView:
    """Start a topic that residents can follow."""
    with transaction() as session:
        return topic_views(session, [service.create_topic(session, by=request.user, new=data)])[0]


@get("/topics/{slug:str}", guards=SEES, sync_to_thread=True, tags=["topics"], opt=POLLED)
def read_topic(request: StaffRequest, slug: FromPath[str]) -> TopicView:
    """One of your council's topics."""
    with transaction() as session:
        return topic_views(session, [queries.topic(session, request.user.council_id, slug)])[0]


@patch("/topics/{slug:str}", guards=CHANGES, sync_to_thread=True, tags=["topics"])
def change_topic(request: StaffRequest, slug: FromPath[str], data: JSONBody[TopicChange]) -> TopicView:
    """Change what is named; what is left out stays."""
    with transaction() as session:
        return topic_views(session, [service.change_topic(session, by=request.user, slug=slug, change=data)])[0]


@delete("/topics/{slug:str}", guards=CHANGES, status_code=200, sync_to_thread=True, tags=["topics"])
def close_topic(
    request: StaffRequest,
    slug: FromPath[str],
    last_day: Annotated[
        date | None, QueryParameter(description="The last day with alerts; unset: it ends now.")
    ] = None,
    instead: Annotated[str, QueryParameter(description="Short names of topics to offer, with spaces between.")] = "",
) -> TopicView:
    """End a topic, now or after a day. Its subscribers get one message with what they can follow instead.

    Alerts of it stay. Nobody new may follow it from now on. 409 while something is still to be sent about it.
    """
    closing = Closing(last_day=last_day, instead=instead.replace(",", " ").split()[:10])
    with transaction() as session:
        return topic_views(session, [closure.close_topic(session, by=request.user, slug=slug, closing=closing)])[0]


@post("/topics/{slug:str}/merge", guards=CHANGES, status_code=200, sync_to_thread=True, tags=["topics"])
def merge_topic(request: StaffRequest, slug: FromPath[str], data: JSONBody[Merge]) -> ReshapedView:
    """Make a topic part of another. Its subscribers follow that one from now on and are told once.

    What they agreed to stays in the consent ledger, with why it moved. 409 while something is still to be sent of it.
    """
    with transaction() as session:
        return ReshapedView.of(session, merger.merge(session, by=request.user, slug=slug, into=data.into))


@post("/topics/{slug:str}/split", guards=CHANGES, status_code=200, sync_to_thread=True, tags=["topics"])
def split_topic(request: StaffRequest, slug: FromPath[str], data: JSONBody[Split]) -> ReshapedView:
    """Make further topics of one, with its rules. Its subscribers follow each of them and are told once."""
    with transaction() as session:
        return ReshapedView.of(session, merger.split(session, by=request.user, slug=slug, parts=data))


@put("/topic-order", guards=CHANGES, status_code=200, sync_to_thread=True, tags=["topics"])
def order_topics(request: StaffRequest, data: JSONBody[TopicOrder]) -> TopicOrder:
    """Have your council's topics offered in this order; the answer names all of them."""
    with transaction() as session:
        service.reorder(session, by=request.user, slugs=data.topics)
        ordered = sorted(queries.topics(session, [request.user.council_id]), key=lambda topic: topic.position)
        return TopicOrder(topics=[topic.slug for topic in ordered])


@get("/topic-groups", guards=SEES, sync_to_thread=True, tags=["topics"])
def list_groups(request: StaffRequest) -> list[GroupView]:
    """Your council's groups of topics in their order. Sign-up shows them as headings from nine topics on."""
    with transaction() as session:
        return [GroupView.of(one) for one in groups.groups(session, request.user.council_id)]


@post("/topic-groups", guards=CHANGES, sync_to_thread=True, tags=["topics"])
def create_group(request: StaffRequest, data: JSONBody[NewGroup]) -> GroupView:
    """Make a group. Put a topic into it with `group` of the topic."""
    with transaction() as session:
        return GroupView.of(groups.create_group(session, by=request.user, new=data))


@patch("/topic-groups/{group_id:uuid}", guards=CHANGES, sync_to_thread=True, tags=["topics"])
def change_group(request: StaffRequest, group_id: FromPath[UUID], data: JSONBody[GroupChange]) -> GroupView:
    """Change a group's name or place; what is left out stays."""
    with transaction() as session:
        return GroupView.of(groups.change_group(session, by=request.user, group_id=group_id, change=data))


@delete("/topic-groups/{group_id:uuid}", guards=CHANGES, sync_to_thread=True, tags=["topics"])
def remove_group(request: StaffRequest, group_id: FromPath[UUID]) -> None:
    """Remove a group. Its topics stay, in no group."""
    with transaction() as session:
        groups.remove_group(session, by=request.user, group_id=group_id)


HANDLERS: Sequence[ControllerRouterHandler] = (
    list_topics,
    create_topic,
    read_topic,
    change_topic,
    close_topic,
    merge_topic,
    split_topic,
    order_topics,
    list_groups,
    create_group,
    change_group,
    remove_group,
)
