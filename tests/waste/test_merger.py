"""Reminders outlive a merger of councils, also of people that both councils know."""

import pytest
from sqlalchemy import text
from sqlmodel import select

from notify.core.db import transaction
from notify.reorganisation import service
from notify.staff.queries import council_by_slug
from notify.waste.models import CollectionReminder
from tests.world import World, add_resident, make_other_council, make_world


def remind(world: World, address: str, home: str) -> None:
    """A subscriber of this council with a reminder."""
    person = add_resident(world, address, topics=["bins"])
    with transaction() as session:
        session.add(CollectionReminder(council_id=world.council_id, subscriber_id=person, home=home))


@pytest.mark.usefixtures("database")
def test_reminders_go_along_with_their_people() -> None:
    zed, far = make_world(), make_other_council(topics=["bins"])
    remind(far, "ann@example.org", "1")
    remind(far, "both@example.org", "2")
    add_resident(zed, "both@example.org", topics=["bins"])
    with transaction() as session:
        old, new = council_by_slug(session, "far"), council_by_slug(session, "zed")
        service.merge(session, old, new, actor="test")
    with transaction() as session:
        kept = session.exec(select(CollectionReminder)).all()
        addresses = session.execute(
            text("SELECT c.address, r.home FROM collection_reminder r JOIN contact c USING (subscriber_id)")
        ).all()
    assert {one.council_id for one in kept} == {zed.council_id}
    assert sorted(tuple(row) for row in addresses) == [("ann@example.org", "1"), ("both@example.org", "2")]
