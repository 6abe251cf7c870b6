"""Every secret that we hand out opens its own door, and no other: not altered, not used again, not too late."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlmodel import col, select

from notify.alerts.models import Alert, NewAlert, Priority
from notify.alerts.reply_request import reply_url, stop_url
from notify.alerts.service import create_and_send
from notify.core import clock, tokens
from notify.core.db import transaction
from notify.core.tokens import Purpose
from notify.deliveries.message_content import unsubscribe_token
from notify.deliveries.worker_loop import expand_alert
from notify.staff import service as staff
from notify.staff.guards import OFFICER_COOKIE
from notify.staff.models import Role
from notify.subscribers import confirmation_codes, links
from notify.subscribers.access_models import ContactRequest
from notify.subscribers.links import COOKIE
from notify.subscribers.models import Contact, ServiceMessageKind
from tests.alerts.calls import created
from tests.subscribers.journey import link_for, sign_up
from tests.tracking.following import everything
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]

NEW, OLD, PHONE = "new@example.org", "old@example.org", "+447700900123"


@dataclass(frozen=True, slots=True)
class Cast:
    """Who and what the secrets are about."""

    council: World
    officer: UUID
    alert: UUID


@pytest.fixture
def cast(client: Client) -> Cast:
    client.follow_redirects = False
    world = make_world()
    add_resident(world, OLD, topics=["road-closures"])
    sign_up(client, email=NEW)
    sign_up(client, email="", mobile=PHONE)
    with transaction() as session:
        officer = staff.create_officer(
            session, council_id=world.council_id, email="kim@example.org", name="Kim", role=Role.AUTHOR
        )
    alert = created(client, world.headers, link="https://example.org/mill-road", send=True)
    return Cast(world, officer.id, UUID(alert["id"]))


def contact(address: str) -> Contact:
    with transaction() as session:
        return session.exec(select(Contact).where(col(Contact.address) == address)).one()


def resident_session(_: Cast) -> str:
    with transaction() as session:
        return links.start_session(session, contact(OLD).address_hash)


def officer_link(cast: Cast) -> str:
    with transaction() as session:
        return staff.create_sign_in_link(session, cast.officer)


def officer_session(cast: Cast) -> str:
    token = officer_link(cast)
    with transaction() as session:
        return staff.sign_in(session, token)


def code(_: Cast) -> str:
    with transaction() as session:
        return confirmation_codes.issue_code(session, contact(PHONE).id)


def add_contact_link(cast: Cast) -> str:
    """Of a number that the council wants to add for somebody."""
    add_resident(cast.council, OLD, phone="07700 900777")
    with transaction() as session:
        request = session.exec(select(ContactRequest.id)).one()
        return links.issue_link(session, contact(OLD).id, ServiceMessageKind.ADD_CONTACT, request)


def reply_link(cast: Cast) -> str:
    """Of an emergency that asks whether people are safe, to the first of them."""
    add_resident(cast.council, "safe@example.org", topics=["emergencies"])
    new = NewAlert(
        topic="emergencies", priority=Priority.EMERGENCY, title="Flood", body="Go.", asks_reply=True, send=True
    )
    with transaction() as session:
        alert = create_and_send(session, by=cast.council.planner, new=new)
    expand_alert(alert.id)
    with transaction() as session:
        return reply_url(session.get_one(Alert, alert.id).reply_code or 0, 1).rpartition("/")[2]


SECRETS: Mapping[str, Callable[[Cast], str]] = {
    "confirm": lambda _: link_for(NEW, ServiceMessageKind.CONFIRM),
    "manage": lambda _: link_for(OLD, ServiceMessageKind.SIGN_IN),
    "add contact": add_contact_link,
    "resident": resident_session,
    "officer link": officer_link,
    "officer": officer_session,
    "key": lambda cast: cast.council.key,
    "leave": lambda cast: unsubscribe_token(contact(OLD).id, cast.alert),
    "click": lambda cast: tokens.sign(Purpose.CLICK, cast.alert.bytes),
    "open": lambda cast: tokens.sign(Purpose.OPEN, cast.alert.bytes),
    "reply": reply_link,
    "code": code,
    "stop": lambda _: stop_url(contact(OLD).id).rpartition("/")[2],
}

# what opens nothing by itself, though it is signed with our key, and though it is what our tables hold
WORTHLESS: Mapping[str, Callable[[Cast], str]] = {
    "signed for nothing in use": lambda cast: tokens.sign(Purpose.MANAGE, contact(OLD).id.bytes + cast.alert.bytes),
    "an id": lambda _: str(contact(OLD).id),
    "a stored digest": lambda _: tokens.digest(link_for(OLD, ServiceMessageKind.SIGN_IN)).hex(),
    "nothing much": lambda _: "x",
}


def status(client: Client, method: str, path: str, **how: object) -> int:
    client.cookies.clear()  # a door opened before must not help with the next
    return client.request(method, path, **how).status_code  # type: ignore[arg-type]


def cookie(client: Client, path: str, name: str, secret: str) -> bool:
    return status(client, "GET", path, headers={"Cookie": f"{name}={secret}"}) == 200


def confirmed(client: Client, secret: str) -> str:
    """The page after the button; of a link that opens nothing the one that says so."""
    client.cookies.clear()
    reply = client.post(f"/confirm/{secret}")
    return reply.text if reply.status_code == 200 else "<h1>You are already"


# whether a secret opens the door; each must say no to everything that is not its own
DOORS: Mapping[str, Callable[[Client, str], bool]] = {
    "confirm": lambda client, it: "<h1>You are already" not in confirmed(client, it),
    "manage": lambda client, it: status(client, "POST", f"/manage/{it}") == 303,
    "add contact": lambda client, it: status(client, "POST", f"/add-contact/{it}", data={"answer": "yes"}) == 200,
    "resident": lambda client, it: cookie(client, "/my", COOKIE, it),
    "officer link": lambda client, it: status(client, "POST", f"/staff/sign-in/{it}") == 303,
    "officer": lambda client, it: cookie(client, "/staff", OFFICER_COOKIE, it),
    "key": lambda client, it: status(client, "GET", "/api/v1/topics", headers={"Authorization": f"Bearer {it}"}) == 200,
    "leave": lambda client, it: status(client, "POST", f"/u/{it}") == 200,
    "click": lambda client, it: status(client, "GET", f"/c/{it}") == 302,
    "open": lambda client, it: status(client, "GET", f"/o/{it}.gif") == 200,
    "reply": lambda client, it: status(client, "POST", f"/r/{it}", data={"answer": "safe"}) == 200,
    "stop": lambda client, it: status(client, "POST", f"/x/{it}") == 200,
    "code": lambda client, it: status(client, "POST", "/confirm-code", data={"mobile": PHONE, "code": it}) == 200,
}
ONCE = ("confirm", "manage", "add contact", "officer link", "code")
LIVES: Mapping[str, timedelta] = {
    "confirm": timedelta(hours=72),
    "manage": timedelta(minutes=10),
    "add contact": timedelta(days=14),
    "resident": timedelta(hours=1),
    "officer link": timedelta(minutes=10),
    "officer": timedelta(minutes=30),  # unless they do something
    "code": timedelta(minutes=30),
    "key": timedelta(days=365),
}


def altered(secret: str) -> Sequence[str]:
    """The secret with each character changed, cut, longer, turned over, and spelt as careless readers allow."""
    other = ["B" if letter == "A" else "A" for letter in secret]
    changed = [secret[:at] + letter + secret[at + 1 :] for at, letter in enumerate(other)]
    spelt = [secret + "=", secret + "A", "A" + secret, secret[:-1], secret[1:], secret * 2, secret[::-1]]
    return [*changed, *spelt, secret.swapcase(), secret + "%00", secret + "%0A", secret.replace("-", "+") + "!"]


@pytest.mark.parametrize("name", [*SECRETS, *WORTHLESS])
def test_a_secret_opens_its_own_door_and_no_other(client: Client, cast: Cast, name: str) -> None:
    secret = {**SECRETS, **WORTHLESS}[name](cast)
    assert [door for door in DOORS if door != name and DOORS[door](client, secret)] == []
    if name in DOORS:
        assert DOORS[name](client, secret), "wrong doors must not use it up"


@pytest.mark.parametrize("name", sorted(SECRETS.keys() - {"code"}))  # digits have five tries: see test_abuse
def test_nothing_altered_is_accepted(client: Client, cast: Cast, name: str) -> None:
    secret = SECRETS[name](cast)
    assert [it for it in altered(secret) if it != secret and DOORS[name](client, it)] == []
    assert DOORS[name](client, secret)


@pytest.mark.parametrize("name", ONCE)
def test_what_works_once_works_once(client: Client, cast: Cast, name: str) -> None:
    secret = SECRETS[name](cast)
    assert [DOORS[name](client, secret) for _ in range(4)] == [True, False, False, False]


def test_a_newer_one_ends_the_older_of_what_only_councils_send(client: Client, cast: Cast) -> None:
    older, newer = SECRETS["add contact"](cast), SECRETS["add contact"](cast)
    assert not DOORS["add contact"](client, older)
    assert DOORS["add contact"](client, newer)


@pytest.mark.parametrize("name", ["confirm", "manage", "code"])
def test_a_newer_one_that_anybody_can_ask_for_leaves_the_older_until_one_is_used(
    client: Client, cast: Cast, name: str
) -> None:
    older, newer = SECRETS[name](cast), SECRETS[name](cast)
    assert DOORS[name](client, older)
    assert not DOORS[name](client, newer)


@pytest.mark.parametrize("name", LIVES)
def test_what_has_a_life_ends_with_it(client: Client, cast: Cast, name: str) -> None:
    secret = SECRETS[name](cast)
    now = clock.now()
    clock.use(lambda: now + LIVES[name] + timedelta(minutes=1))
    assert not DOORS[name](client, secret)
    clock.use(lambda: now + LIVES[name] - timedelta(minutes=1))
    assert DOORS[name](client, secret)


@pytest.mark.parametrize(("name", "path"), [("resident", "/my/sign-out"), ("officer", "/staff/sign-out")])
def test_a_session_that_was_ended_does_not_come_back(client: Client, cast: Cast, name: str, path: str) -> None:
    secret = SECRETS[name](cast)
    named = {"resident": COOKIE, "officer": OFFICER_COOKIE}[name]
    ours = {"Cookie": f"{named}={secret}", "Sec-Fetch-Site": "same-origin"}
    assert status(client, "POST", path, headers=ours) == 303
    assert not DOORS[name](client, secret)


def test_a_session_ends_with_the_person(client: Client, cast: Cast) -> None:
    secret, link = SECRETS["resident"](cast), SECRETS["manage"](cast)
    ours = {"Cookie": f"{COOKIE}={secret}", "Sec-Fetch-Site": "same-origin"}
    assert status(client, "POST", "/my/erase", headers=ours, data={"sure": "yes"}) == 200
    assert not DOORS["resident"](client, secret)
    assert not DOORS["manage"](client, link)


def test_one_link_pressed_by_many_at_once_opens_one_session(client: Client, cast: Cast) -> None:
    secret = SECRETS["manage"](cast)

    def press(_: int) -> bool:
        with transaction() as session:
            try:
                return bool(links.open_session(session, secret))
            except links.LinkUsedOrExpired:
                return False

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(press, range(24))) == 1


@pytest.mark.parametrize("name", sorted(LIVES.keys() - {"code"}))  # six digits turn up anywhere
def test_a_copy_of_the_database_holds_nothing_that_opens_a_door(client: Client, cast: Cast, name: str) -> None:
    secret = SECRETS[name](cast).split("_", 3)[3] if name == "key" else SECRETS[name](cast)
    copy = "\n".join(row for rows in everything().values() for row in rows)
    assert len(copy) > 1000
    assert secret not in copy
    assert secret.encode().hex() not in copy


def test_every_purpose_is_looked_at() -> None:
    assert {purpose.value for purpose in Purpose} == {
        *("unsubscribe", "manage", "click", "open", "reply", "stop"),
        "calendar",  # of collection days: see tests/waste/test_privacy.py
        "invitation",  # of an officer: see tests/staff/test_oidc.py
        "device",  # of a browser in which an officer signed in: see tests/staff/test_lock_out.py
    }
    assert {kind.value for kind in ServiceMessageKind} == {
        *("confirm", "sign-in", "add-contact", "contact-added", "told", "how-to-stop"),
        *("check-place", "outside-area", "council-merged"),  # these lead to /manage and carry no secret
        *("text-help", "text-info", "text-move", "text-moved", "text-not-moved", "text-unknown"),  # /manage, or no link
        *("text-safe", "text-needs-help"),  # no link
        *("topic-closed", "topic-merged", "topic-split"),  # nor do these; their unsubscribe links are signed
    }
    assert DOORS.keys() == SECRETS.keys()
