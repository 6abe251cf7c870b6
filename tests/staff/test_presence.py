"""Decisions about emergencies by people who are not there, and by keys: at every door that could make one."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text, update
from sqlmodel import col, select

from notify.alerts import follow_ups, service
from notify.alerts.models import Alert, AlertState, FollowUp, FollowUpContent, NewAlert, Priority
from notify.core import clock
from notify.core.db import transaction
from notify.deliveries import worker_loop
from notify.drafting.models import Draft
from notify.staff import service as staff
from notify.staff.models import KeyMode, Officer, Role
from notify.staff.rights import SecondFactorNeeded, SystemActor
from notify.subscribers.models import ApprovalRule, NewTopic, TopicPurpose
from tests.alerts.calls import act, approved, created, post_alert, state
from tests.mailbox import Mailbox
from tests.staff.test_routes import BODIES, doors
from tests.world import World, add_resident, council_key, desk_of, make_key, make_world

Client = TestClient[Litestar]
Headers = dict[str, str]
Work = Callable[[], None]

CAREFUL = "floods"  # a topic for emergencies that needs one approval
GOING = {AlertState.SCHEDULED, AlertState.SENDING}
NEWS = {"title": "News", "body": "It changed."}
EMERGENCY = {"topic": "emergencies", "priority": "emergency", "title": "Flood", "body": "Go upstairs."}
VERBS = {"send at once", "approve", "send alone", "update", "all-clear", "cancel"}
AGO = timedelta(minutes=6)


@pytest.fixture
def world(client: Client) -> World:
    client.follow_redirects = False
    careful = NewTopic(slug=CAREFUL, name="Floods", purpose=TopicPurpose.EMERGENCY, approval=ApprovalRule.ONE)
    return make_world(topics=[careful])


def officer(world: World, role: Role = Role.ADMIN) -> Officer:
    with transaction() as session:
        email = f"{uuid4().hex}@example.org"
        made: Officer = staff.create_officer(session, council_id=world.council_id, email=email, name="Sam", role=role)
        return made


def signed_in_ago(one: Officer, ago: timedelta) -> Headers:
    return desk_of(one, mfa_at=clock.now() - ago)


def key_of(one: Officer, *, mode: KeyMode = KeyMode.LIVE) -> Headers:
    with transaction() as session:
        key = staff.create_key(
            session, council_id=one.council_id, name="own", role=one.role, mode=mode, officer_id=one.id
        )
    return {"Authorization": f"Bearer {key}"}


def urgent(world: World, how: AlertState | FollowUp, *, topic: str = "emergencies") -> UUID:
    """An emergency in this state, or a draft of what follows one; its author is nobody of those who knock."""
    if isinstance(how, FollowUp):
        return follow_up_of(urgent(world, AlertState.SENDING), world, how)
    later = clock.now() + timedelta(hours=1) if how == AlertState.SCHEDULED else None
    topic = CAREFUL if how == AlertState.SUBMITTED else topic
    new = NewAlert.model_validate(EMERGENCY | {"topic": topic, "send": how != AlertState.DRAFT, "send_at": later})
    with transaction() as session:
        alert_id = service.create_and_send(session, by=world.planner, new=new).id
    if how in (AlertState.SENDING, AlertState.SENT):
        month = {"ledger_month": clock.first_of_month(clock.now()), "state": how, "expanded_at": clock.now()}
        with transaction() as session:
            session.execute(update(Alert).where(col(Alert.id) == alert_id).values(**month))
    return alert_id


def follow_up_of(first_id: UUID, world: World, kind: FollowUp) -> UUID:
    with transaction() as session:
        first, content = session.get_one(Alert, first_id), FollowUpContent.model_validate(NEWS)
        return follow_ups.draft_follow_up(session, by=world.planner, first=first, kind=kind, content=content).id


STATES = (
    AlertState.DRAFT,
    AlertState.SUBMITTED,
    AlertState.SCHEDULED,
    AlertState.SENDING,
    AlertState.SENT,
    FollowUp.UPDATE,
    FollowUp.ALL_CLEAR,
)


@dataclass(frozen=True, slots=True)
class Rows:
    """What decisions change: every alert's state and what it is to another, yeses, and who sent alone."""

    alerts: Mapping[UUID, tuple[str, str | None]]
    approvals: int
    alone: int

    @classmethod
    def now(cls) -> "Rows":
        with transaction() as session:
            found = session.execute(text("SELECT id, state, follow_up FROM alert")).all()
            yes = session.execute(text("SELECT count(*) FROM approval WHERE approved")).scalar_one()
            alone = session.execute(text("SELECT count(*) FROM audit_entry WHERE action = 'alert.break-glass'"))
            return cls({row.id: (row.state, row.follow_up) for row in found}, yes, alone.scalar_one())

    def decided_since(self, before: "Rows") -> set[str]:
        """The decisions that were made since then."""
        found = {"approve"} if self.approvals > before.approvals else set()
        found |= {"send alone"} if self.alone > before.alone else set()
        for alert_id, (now, follow_up) in self.alerts.items():
            was = before.alerts.get(alert_id, ("", None))[0]
            if now in GOING and was not in GOING and was != AlertState.SENT:
                found.add(follow_up or "send at once")
            if now == AlertState.CANCELLED and was in GOING:
                found.add("cancel")
            if follow_up and was in ("", AlertState.DRAFT) and now not in (AlertState.DRAFT, AlertState.CANCELLED):
                found.add(follow_up)  # one that waits for a second person is a person's decision too
        if found & {"approve", "send alone"}:
            found.discard("send at once")
        return found - {"cancel"} if "all-clear" in found else found


def changing_doors(app: Litestar) -> Sequence[str]:
    """Every door of staff that may change something."""
    return sorted(door for door, rights in doors(app) if rights and not door.startswith("GET "))


def desk_draft(one: Officer) -> UUID:
    fields = {"title": ["Flood"], "body": ["Go upstairs."], "channel": ["email"], "reach": ["everyone"]}
    with transaction() as session:
        council_id = one.council_id
        draft = Draft(
            council_id=council_id, officer_id=one.id, topic="emergencies", priority=Priority.EMERGENCY, fields=fields
        )
        session.add(draft)
        session.flush()
        return draft.id


def requests(client: Client, door: str, alert_id: UUID, draft_id: UUID, headers: Headers) -> Iterator[Response]:
    """Ask at a door with everything that could be a right body of it."""
    method, _, path = door.partition(" ")
    path = path.replace("{alert_id:uuid}", str(alert_id)).replace("{draft_id:uuid}", str(draft_id))
    while "{" in path:
        path = path[: path.index("{")] + str(uuid4()) + path[path.index("}") + 1 :]
    headers = headers | {"Idempotency-Key": uuid4().hex}
    if path.startswith("/staff"):
        with transaction() as session:
            seen = session.get_one(Alert, alert_id).content_hash.hex()
        words = {"reason": "Nobody answers.", "seen": seen, "do": "send", **NEWS}
        kinds = list(FollowUp) if path.endswith("/follow-up") else [FollowUp.UPDATE]
        for kind in kinds:
            yield client.post(path, data=words | {"kind": kind.value}, headers=headers)
        return
    body: object = next((body for end, body in BODIES.items() if door.endswith(end)), None)
    body = EMERGENCY | {"send": True} if path.endswith("/api/v1/alerts") else body
    yield client.request(method, path, json=body, headers=headers)


@dataclass
class Walk:
    """All doors for one way of being somebody, on an emergency in each state."""

    client: Client
    world: World
    who: Officer
    headers: Callable[[], Headers]
    made: dict[str, set[str]] = field(default_factory=dict)  # decisions, and the doors they were made at

    def go(self, app: Litestar) -> "Walk":
        for door in changing_doors(app):
            for how in STATES if "alert_id" in door else (AlertState.DRAFT,):
                self._knock(door, how)
        return self

    def _knock(self, door: str, how: AlertState | FollowUp) -> None:
        alert_id, draft_id = urgent(self.world, how), desk_draft(self.who)
        before = Rows.now()
        for answer in requests(self.client, door, alert_id, draft_id, self.headers()):
            assert answer.status_code < 500, (door, answer.text)
            after = Rows.now()
            for verb in after.decided_since(before):
                self.made.setdefault(verb, set()).add(door)
            before = after


def test_every_decision_is_made_somewhere_by_who_is_there(client: Client, app: Litestar, world: World) -> None:
    sam = officer(world)
    made = Walk(client, world, sam, lambda: signed_in_ago(sam, timedelta(0))).go(app).made
    assert made.keys() == VERBS
    for verb in VERBS - {"send alone"}:  # which is a page only
        assert {door.split(" ")[1].startswith("/staff") for door in made[verb]} == {True, False}, verb


@pytest.mark.parametrize("ago", [AGO, None], ids=["too long ago", "never"])
def test_who_is_not_there_decides_nothing_at_any_door(
    client: Client, app: Litestar, world: World, ago: timedelta | None
) -> None:
    sam = officer(world)

    def headers() -> Headers:
        given = signed_in_ago(sam, ago or timedelta(0))
        if ago is None:
            with transaction() as session:
                session.execute(text("UPDATE sign_in SET mfa_at = NULL"))
        return given

    assert Walk(client, world, sam, headers).go(app).made == {}


@pytest.mark.parametrize("whose", ["an officer's", "the council's"])
def test_a_key_decides_nothing_at_any_door(client: Client, app: Litestar, world: World, whose: str) -> None:
    sam = officer(world)
    key = key_of(sam) if whose == "an officer's" else council_key(world, Role.ADMIN)
    made = Walk(client, world, sam, lambda: key).go(app).made
    # an update or all-clear of a key waits: nothing of it goes, and nothing that it would end is stopped
    assert made.keys() <= {"update", "all-clear"}
    with transaction() as session:
        waiting = session.exec(select(Alert.state).where(col(Alert.follows_id).is_not(None))).all()
    assert set(waiting) == {AlertState.DRAFT, AlertState.SUBMITTED}


@pytest.mark.parametrize("verb", ["submit", "approve", "cancel", "update", "all-clear"])
def test_the_api_says_what_to_do(client: Client, world: World, verb: str) -> None:
    how = {"submit": AlertState.DRAFT, "approve": AlertState.SUBMITTED}.get(verb, AlertState.SENDING)
    alert = urgent(world, how)
    stale = signed_in_ago(officer(world), AGO)
    refused = act(client, stale, str(alert), verb, NEWS if verb in ("update", "all-clear") else None)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/second-factor-needed")
    assert "/staff/confirm" in refused.json()["detail"]


def test_what_a_key_sends_waits_for_a_person_whatever_its_topic_says(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    add_resident(world, "a@example.org", topics=["emergencies"])
    alert = post_alert(client, make_key(world, Role.PLANNER), send=True, **EMERGENCY).json()
    work()
    assert (alert["state"], alert["approved_at"], inbox.recipients()) == ("submitted", None, {})
    for key in (make_key(world, Role.ADMIN), council_key(world, Role.ADMIN)):
        assert act(client, key, alert["id"], "approve").json()["type"] == "/problems/second-factor-needed"
        assert act(client, key, alert["id"], "reject", {"reason": "No."}).status_code in (403, 422)
    assert approved(client, alert)["state"] == "sending"
    work()
    assert inbox.recipients() == {"a@example.org": 1}


def test_an_all_clear_of_a_key_stops_the_warning_when_a_person_lets_it_go(client: Client, world: World) -> None:
    first = str(urgent(world, AlertState.SENDING))
    key = make_key(world, Role.PLANNER)
    over = act(client, key, first, "all-clear", NEWS).json()
    assert (over["state"], state(client, key, first)) == ("submitted", "sending")
    approved(client, over)
    assert (state(client, key, over["id"]), state(client, key, first)) == ("sending", "cancelled")


def test_a_key_takes_back_what_is_its_own_until_somebody_decides(client: Client, world: World) -> None:
    own, other = make_key(world, Role.PLANNER), make_key(world, Role.PLANNER)
    for send in (False, True):
        alert = post_alert(client, own, send=send, **EMERGENCY).json()
        assert act(client, other, alert["id"], "cancel").json()["type"] == "/problems/second-factor-needed"
        assert act(client, own, alert["id"], "cancel").json()["state"] == "cancelled"
    alert = created(client, own, send=True, **EMERGENCY)
    assert act(client, own, alert["id"], "cancel").json()["type"] == "/problems/second-factor-needed"
    assert state(client, own, alert["id"]) == "sending"


def test_a_person_takes_back_what_nobody_decided_without_the_code(client: Client, world: World) -> None:
    stale = signed_in_ago(officer(world), AGO)
    for how in (AlertState.DRAFT, AlertState.SUBMITTED):
        assert act(client, stale, str(urgent(world, how)), "cancel").json()["state"] == "cancelled"


def test_an_update_that_waits_for_approval_needs_the_code_then(client: Client, world: World) -> None:
    first = str(urgent(world, AlertState.SUBMITTED))
    assert act(client, signed_in_ago(officer(world), timedelta(0)), first, "approve").json()["state"] == "sending"
    with transaction() as session:
        session.execute(text("UPDATE alert SET ledger_month = date_trunc('month', business_now())::date"))
    for verb in ("update", "all-clear"):
        waits = act(client, signed_in_ago(officer(world, Role.PLANNER), AGO), first, verb, NEWS).json()
        assert (waits["state"], state(client, world.headers, first)) == ("submitted", "sending")
        other = officer(world)
        stale = act(client, signed_in_ago(other, AGO), waits["id"], "approve")
        assert (stale.status_code, stale.json()["type"]) == (403, "/problems/second-factor-needed")
        assert state(client, world.headers, waits["id"]) == "submitted"
        assert act(client, signed_in_ago(other, timedelta(0)), waits["id"], "approve").json()["state"] == "sending"
    assert state(client, world.headers, first) == "cancelled"


def test_what_reaches_nobody_needs_no_proof(client: Client, world: World) -> None:
    trial = key_of(officer(world), mode=KeyMode.TEST)
    assert post_alert(client, trial, send=True, **EMERGENCY).json()["state"] == "sending"
    exercise = post_alert(client, make_key(world, Role.PLANNER), send=True, training=True, **EMERGENCY).json()
    assert (exercise["state"], exercise["is_training"]) == ("sending", True)
    stale = signed_in_ago(officer(world), AGO)
    assert act(client, stale, exercise["id"], "cancel").json()["state"] == "cancelled"


def test_routine_alerts_ask_nobody(client: Client, world: World) -> None:
    assert created(client, make_key(world, Role.AUTHOR), send=True)["state"] == "sending"
    assert created(client, signed_in_ago(officer(world), AGO), send=True)["state"] == "sending"


def test_what_was_decided_goes_on_without_anybody(client: Client, world: World, work: Work, inbox: Mailbox) -> None:
    add_resident(world, "a@example.org", topics=["emergencies"])
    alert = urgent(world, AlertState.SCHEDULED)
    with transaction() as session:
        session.execute(text("UPDATE alert SET send_at = business_now()"))
        assert service.start_due(session) == 1
    worker_loop.expand_alert(alert)
    with transaction() as session:
        session.execute(text("UPDATE delivery SET state = 'technical-failure'"))
        session.execute(text("UPDATE batch SET state = 'done'"))
    key = make_key(world, Role.PLANNER)
    again = act(client, key, str(alert), "retry", {"states": ["technical-failure"]})
    assert again.json() == {"deliveries": 1, "under_way": 0}
    for verb, body in (("hold", {"alert": str(alert), "reason": "Wait."}), ("release", {"alert": str(alert)})):
        assert client.post(f"/api/v1/queue/{verb}", json=body, headers=world.headers).status_code == 200
    work()
    assert inbox.recipients() == {"a@example.org": 1}


def test_the_service_itself_decides_nothing(world: World) -> None:
    engine = SystemActor("flood-feed", world.council_id)
    new = NewAlert.model_validate(EMERGENCY)
    with transaction() as session:
        draft = service.create(session, by=engine, new=new)
        with pytest.raises(SecondFactorNeeded):
            service.submit(session, by=engine, alert=draft)
        assert draft.state == AlertState.DRAFT
        first = session.get_one(Alert, urgent_in(session, world))
        with pytest.raises(SecondFactorNeeded):
            service.cancel(session, by=engine, alert=first)
        content = FollowUpContent.model_validate(NEWS)
        with pytest.raises(SecondFactorNeeded):
            follow_ups.follow_up(session, by=engine, first=first, kind=FollowUp.ALL_CLEAR, content=content)
        assert first.state == AlertState.SENDING


def urgent_in(session: Any, world: World) -> UUID:  # noqa: ANN401 - an open session
    """An emergency that is being sent, made within this transaction."""
    alert = service.create_and_send(session, by=world.planner, new=NewAlert.model_validate(EMERGENCY | {"send": True}))
    alert.ledger_month = clock.first_of_month(clock.now())
    session.flush()
    return alert.id


def confirmed(client: Client, asked: Response, who: Officer) -> str:
    """Where the page that asks for the code leads back to."""
    assert (asked.status_code, urlsplit(asked.headers["location"]).path) == (303, "/staff/confirm"), asked.text
    [back] = parse_qs(urlsplit(asked.headers["location"]).query)["back"]
    return back


@pytest.mark.parametrize("kind", FollowUp)
def test_an_update_is_checked_as_a_draft_and_sent_by_who_is_there(client: Client, world: World, kind: FollowUp) -> None:
    first, sam = urgent(world, AlertState.SENDING), officer(world)
    said = {"kind": kind.value, "title": "The water falls", "body": "Stay upstairs for now."}
    old, fresh = signed_in_ago(sam, AGO), signed_in_ago(sam, timedelta(0))
    check = client.post(f"/staff/alerts/{first}/follow-up", data=said, headers=old).headers["location"]
    submit = check.replace("/check", "/submit")
    page = client.get(check, headers=old).text
    assert "The water falls" in page
    assert f'action="{submit}"' in page
    read = {"seen": re.findall(r'name="seen" value="(\w{64})"', page)[0]}
    assert confirmed(client, client.post(submit, data=read, headers=old), sam) == check
    assert client.post(submit, data=read, headers=fresh).status_code == 303
    assert state(client, world.headers, check.split("/")[3]) == "sending"
    assert state(client, world.headers, str(first)) == ("cancelled" if kind == FollowUp.ALL_CLEAR else "sending")


def test_who_wants_to_stop_an_emergency_is_led_back_to_it(client: Client, world: World) -> None:
    alert, sam = urgent(world, AlertState.SENDING), officer(world)
    asked = client.post(f"/staff/alerts/{alert}/cancel", headers=signed_in_ago(sam, AGO))
    assert confirmed(client, asked, sam) == f"/staff/alerts/{alert}"
    assert client.post(f"/staff/alerts/{alert}/cancel", headers=signed_in_ago(sam, timedelta(0))).status_code == 303
    assert state(client, world.headers, str(alert)) == "cancelled"


def test_the_desk_takes_no_key(client: Client, app: Litestar, world: World) -> None:
    sam = officer(world)
    draft, key = desk_draft(sam), key_of(sam)
    desk = [door for door, rights in doors(app) if rights and ("/compose" in door or "/staff/emergency" in door)]
    assert len(desk) > 10
    for door in desk:
        method, _, path = door.partition(" ")
        path = path.replace("{draft_id:uuid}", str(draft)).replace("{language:str}", "en")
        refused = client.request(method, path, headers=key)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/people-only"), door
