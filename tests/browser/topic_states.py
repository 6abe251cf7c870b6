"""The states of the pages on which administrators keep topics, and of a sign-up with many."""

from collections.abc import Callable, Mapping

from playwright.sync_api import Page

from notify.core.db import transaction
from notify.subscribers import service as subscribers
from notify.subscribers.models import NewTopic
from notify.subscribers.queries import topics
from notify.topics import closure, groups, merger
from notify.topics.models import Closing, NewGroup
from tests.browser.staff_states import administrator
from tests.world import World, add_resident, somebody_here

Way = Callable[[Page, World], None]
NAMES = ("Recycling centres", "School closures", "Parking", "Flood warnings", "Council meetings", "Roadworks")


def many_topics(world: World) -> None:
    """Nine topics, some of them in a group; one has become part of another."""
    by = somebody_here(world.council_id)
    add_resident(world, "ann@example.org", topics=["road-closures"])
    with transaction() as session:
        for name in NAMES:
            new = NewTopic(slug=name.lower().replace(" ", "-"), name=name, description=f"News of {name.lower()}.")
            subscribers.create_topic(session, council_id=world.council_id, actor="test", new=new)
        streets = groups.create_group(session, by=by, new=NewGroup(name="Streets and travel"))
        for topic in topics(session, [world.council_id]):
            topic.group_id = streets.id if topic.slug in {"road-closures", "parking", "school-closures"} else None
            topic.is_suggested = topic.slug == "road-closures"
        closing = Closing(instead=["bins"])
        gone = subscribers.create_topic(
            session, council_id=world.council_id, actor="test", new=NewTopic(slug="gritting", name="Gritting")
        )
        session.flush()
        closure.close_topic(session, by=by, slug=gone.slug, closing=closing)
        subscribers.create_topic(
            session, council_id=world.council_id, actor="test", new=NewTopic(slug="snow", name="Snow")
        )
        merger.merge(session, by=by, slug="snow", into="roadworks")


def topics_at(path: str) -> Way:
    """A page about topics."""

    def go(page: Page, world: World) -> None:
        many_topics(world)
        administrator(page, world)
        page.goto(path)

    return go


def pressed(path: str, button: str) -> Way:
    """The same, sent with nothing filled in."""

    def go(page: Page, world: World) -> None:
        topics_at(path)(page, world)
        page.get_by_role("button", name=button).click()

    return go


def sign_up_with_many(page: Page, world: World) -> None:
    """A sign-up where topics stand in groups."""
    many_topics(world)
    page.goto("/sign-up")
    page.get_by_label("What is your postcode?").fill("ZZ1 1AA")
    page.get_by_role("button", name="Continue").click()


TOPICS: Mapping[str, Way] = {
    "topics": topics_at("/staff/topics"),
    "topic": topics_at("/staff/topics/road-closures"),
    "topic-ended": topics_at("/staff/topics/gritting"),
    "topic-new": topics_at("/staff/new-topic"),
    "topic-new-faulty": pressed("/staff/new-topic", "Add topic"),
    "topic-close": topics_at("/staff/topics/parking/close"),
    "topic-merge": topics_at("/staff/topics/parking/merge"),
    "topic-merge-faulty": pressed("/staff/topics/parking/merge", "Merge topics"),
    "topic-split-faulty": pressed("/staff/topics/parking/split", "Split topic"),
    "topic-groups": topics_at("/staff/topic-groups"),
    "topic-groups-faulty": pressed("/staff/topic-groups", "Add group"),
    "sign-up-many-topics": sign_up_with_many,
}
