"""Who works with some areas only decides about no update that goes beyond them, whoever gave it its area."""

from collections.abc import Callable

import pytest
from sqlmodel import select

from notify.core.db import transaction
from notify.staff.models import ApiKey, Officer, Role
from tests.alerts.calls import Client, Headers, act, new_alert
from tests.incidents.test_area_updates import UPDATE, update, warn
from tests.world import NORTH, SOUTH, World, at_the_desk, make_key, make_world, signed_in

Work = Callable[[], None]
WIDE = {"audience": {"wards": [NORTH, SOUTH]}}


@pytest.fixture
def world(client: Client) -> World:
    return make_world()


def northerner(world: World) -> Headers:
    """A planner who is there and works with the north ward only."""
    key = make_key(world, Role.PLANNER)
    with transaction() as session:
        prefix = key["Authorization"].split("_")[2]
        session.exec(select(Officer).join(ApiKey).where(ApiKey.prefix == prefix)).one().areas = [NORTH]
    return at_the_desk(key)


def test_an_update_to_a_wider_area_is_not_theirs_to_approve_change_or_return(
    client: Client, world: World, work: Work
) -> None:
    desk = northerner(world)
    alert = warn(client, world, work)
    wide = act(client, world.headers, alert, "update", UPDATE | WIDE).json()
    assert wide["state"] == "submitted"
    for verb, body in (("approve", {}), ("return", {"reason": "Not so."}), ("reject", {"reason": "Not so."})):
        answer = act(client, desk, wide["id"], verb, body)
        assert answer.status_code == 403, (verb, answer.text)
    narrow = act(client, world.headers, alert, "update", UPDATE | {"audience": {"wards": [NORTH]}}).json()
    assert act(client, desk, narrow["id"], "approve").status_code == 200


def test_what_went_to_a_wider_area_is_not_theirs_to_follow_or_to_end(client: Client, world: World, work: Work) -> None:
    desk = northerner(world)
    alert = warn(client, world, work)
    assert act(client, desk, alert, "update", UPDATE).status_code == 201
    work()
    waiting = act(client, world.headers, alert, "update", UPDATE).json()
    update(client, world, work, alert, audience=WIDE["audience"])
    for verb, body in (
        ("update", UPDATE),
        ("update", UPDATE | {"audience": {"wards": [NORTH]}}),
        ("all-clear", UPDATE),
    ):
        answer = act(client, desk, alert, verb, body)
        assert answer.status_code == 403, (verb, answer.text)
    assert act(client, desk, waiting["id"], "approve").status_code == 403
    assert act(client, signed_in(world.council_id), waiting["id"], "approve").status_code == 200


def test_a_routine_alert_is_theirs_as_before(client: Client, world: World) -> None:
    desk = northerner(world)
    draft = client.post(
        "/api/v1/alerts", json=new_alert(audience={"wards": [NORTH]}), headers=desk | {"Idempotency-Key": "one"}
    )
    assert draft.status_code == 201, draft.text
