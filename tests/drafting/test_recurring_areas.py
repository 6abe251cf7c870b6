"""A recurring alert whose ward has ended is told of, shown, and goes on once its areas are replaced."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlmodel import select

from notify.core import clock
from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.drafting import recurrence, recurring_ended_areas
from notify.drafting.models import Occurrence, Recurrence
from tests.alerts.calls import Client
from tests.alerts.test_ended_areas import NEW, release
from tests.drafting.desk import draw_wards, sit_down
from tests.mailbox import Mailbox
from tests.world import SOUTH, add_resident, make_world

Work = Callable[[], None]


def test_its_author_is_told_once_and_one_press_replaces_the_ward(
    client: Client, tmp_path: Path, inbox: Mailbox, work: Work
) -> None:
    world = make_world()
    draw_wards()
    add_resident(world, "s@example.org", postcodes=["ZZ2 1AA"], topics=["bins"])
    kim = sit_down(client, world)
    kim.begin("bins")
    kim.where(ward=[SOUTH])
    kim.words(title="Bins on Monday")
    alert_id = kim.send()
    at = clock.now().astimezone(LONDON) + timedelta(hours=2)
    plan = {"rule": "daily", "at": f"{at:%H:%M}", "first": str(at.date()), "last": str(at.date() + timedelta(days=9))}
    kim.client.post(f"/staff/alerts/{alert_id}/repeat", data=plan)
    work()
    release(tmp_path, {SOUTH: NEW})
    with transaction() as session:
        recurrence.make_due(session)
    for _ in range(2):
        with transaction() as session:
            recurring_ended_areas.look(session)
    work()
    told = [mail for mail in inbox.messages() if mail["Subject"] == "Areas have ended: Bins on Monday"]
    assert len(told) == 1
    with transaction() as session:
        one = session.exec(select(Recurrence)).one()
        missed = session.exec(select(Occurrence)).one()
    assert f"({SOUTH}) has ended" in (missed.problem or "")
    assert "Not sent while its areas have ended." in kim.client.get("/staff/calendar").text
    kim.client.post(f"/staff/recurrences/{one.id}/replace-areas")
    assert "have ended" not in kim.client.get("/staff/calendar").text.replace("has ended", "")
    with transaction() as session:
        session.delete(session.get_one(Occurrence, (missed.recurrence_id, missed.day)))
    with transaction() as session:
        assert recurrence.make_due(session) == 1
