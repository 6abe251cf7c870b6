"""Whose suppression silences whom: a test for each line of the table in docs/privacy.md."""

from collections.abc import Callable
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.deliveries import webhook_receivers
from notify.deliveries.receipts import take_receipts
from notify.providers.base import Channel, Inbound, Receipt, ReceiptState
from notify.subscribers.models import SuppressionReason
from notify.subscribers.suppression.service import obey, suppress
from tests.alerts.calls import created
from tests.counting import exactly
from tests.world import World, add_resident, make_other_council, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
MAIL, NUMBER, HOOK = "ann@example.org", "07700 900001", "https://crm.example.org/hook"


class Two:
    """Ann follows two councils by mail, text and webhook."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.zed, self.far = make_world(), make_other_council()
        for council, topic in ((self.zed, "bins"), (self.far, "potholes")):
            add_resident(council, MAIL, phone=NUMBER, webhook=HOOK, topics=[topic])

    def reached(self, council: World) -> set[str]:
        """The channels by which an alert of the council would reach her now."""
        topic = "bins" if council is self.zed else "potholes"
        found = set()
        for channel in ("email", "sms", "webhook"):
            found |= {channel} if exactly(council, topic=topic, channels=[channel]).people else set()
        return found

    def suppressions(self, council: World, **which: str) -> list[dict[str, str | None]]:
        reply = self.client.get("/api/v1/suppressions", params=which, headers=council.headers)
        found: list[dict[str, str | None]] = reply.json()["suppressions"]
        return found

    def lift(self, council: World, suppression: str | None) -> int:
        address = f"/api/v1/suppressions/{suppression}/lift"
        reply = self.client.post(address, json={"reason": "A new mailbox."}, headers=council.headers)
        return int(reply.status_code)

    def send(self, council: World, channel: Channel, work: Work, state: ReceiptState) -> None:
        """Send an alert of the council to her, and take what a provider says about it."""
        topic = "bins" if council is self.zed else "potholes"
        alert = created(self.client, council.headers, topic=topic, channels=[channel.value], send=True)
        work()
        with transaction() as session:
            take_receipts(session, [Receipt(f"{UUID(alert['id']).hex}-1", state, "550 5.1.1 gone")])


ALL = {"email", "sms", "webhook"}


@pytest.fixture
def two(client: Client) -> Two:
    return Two(client)


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS])
def test_a_hard_bounce_is_a_fact_that_all_share(two: Two, work: Work, channel: Channel) -> None:
    two.send(two.zed, channel, work, ReceiptState.PERMANENT_FAILURE)
    assert two.reached(two.zed) == two.reached(two.far) == ALL - {channel.value}
    [seen] = two.suppressions(two.far)
    assert seen["reason"] == "hard-bounce"


def test_a_council_lifts_a_shared_bounce_for_itself_until_its_own_message_bounces(two: Two, work: Work) -> None:
    two.send(two.zed, Channel.EMAIL, work, ReceiptState.PERMANENT_FAILURE)
    [shared] = two.suppressions(two.far)
    assert [two.lift(two.far, shared["id"]) for _ in range(2)] == [200, 200]
    assert (two.reached(two.far), two.reached(two.zed)) == (ALL, ALL - {"email"})
    assert two.suppressions(two.far) == []
    [kept] = two.suppressions(two.far, lifted="true")
    assert kept["lifted_reason"] == "A new mailbox."
    assert [one["lifted_at"] for one in two.suppressions(two.zed)] == [None]
    two.send(two.far, Channel.EMAIL, work, ReceiptState.PERMANENT_FAILURE)
    assert two.reached(two.far) == ALL - {"email"}


def test_a_receiver_that_one_councils_calls_find_gone_is_disabled_for_it_alone(two: Two) -> None:
    with transaction() as session:
        own = text("SELECT id FROM contact WHERE channel = 'webhook' AND council_id = :council")
        contact = session.execute(own, {"council": two.zed.council_id}).scalar_one()
        webhook_receivers.note_outcomes(session, [], {}, gone=[contact])
    assert (two.reached(two.zed), two.reached(two.far)) == (ALL - {"webhook"}, ALL)
    assert two.suppressions(two.far) == []


def test_a_complaint_is_about_the_council_that_wrote(two: Two, work: Work) -> None:
    two.send(two.zed, Channel.EMAIL, work, ReceiptState.COMPLAINED)
    assert (two.reached(two.zed), two.reached(two.far)) == (ALL - {"email"}, ALL)
    assert two.suppressions(two.far) == []


def test_stop_to_a_number_that_councils_share_stops_each_of_them(two: Two) -> None:
    say(two, "STOP")
    assert two.reached(two.zed) == two.reached(two.far) == ALL - {"sms"}
    [own] = two.suppressions(two.zed)
    assert two.lift(two.zed, own["id"]) == 200
    assert (two.reached(two.zed), two.reached(two.far)) == (ALL, ALL - {"sms"})
    say(two, "START")
    assert two.reached(two.far) == ALL


def test_stop_from_a_number_that_nobody_has_is_kept_for_whoever_gets_it(client: Client) -> None:
    zed = make_world()
    with transaction() as session:
        assert obey(session, Inbound(Channel.SMS, "+447700900009", "STOP"), source="pigeon")
        assert session.execute(text("SELECT council_id FROM suppression")).scalar_one() is None
    add_resident(zed, phone="07700 900009", topics=["bins"])
    assert exactly(zed, topic="bins").people == 0


def test_what_staff_suppress_is_their_councils(two: Two) -> None:
    [ann] = two.client.get("/api/v1/subscribers", headers=two.zed.headers).json()["subscribers"]
    asked = {"subscriber": ann["id"], "channel": "email", "reason": "Asked by phone."}
    made = two.client.post("/api/v1/suppressions", json=asked, headers=two.zed.headers).json()
    assert (two.reached(two.zed), two.reached(two.far)) == (ALL - {"email"}, ALL)
    assert two.suppressions(two.far, lifted="true") == []
    assert two.lift(two.far, made["id"]) == 404
    assert two.lift(two.zed, made["id"]) == 200
    assert two.reached(two.zed) == ALL


def test_unsubscribing_is_of_the_council_that_was_left(two: Two) -> None:
    with transaction() as session:
        hashed = session.execute(
            text("SELECT address_hash FROM contact WHERE channel = 'email' AND council_id = :c"),
            {"c": two.zed.council_id},
        ).scalar_one()
        suppress(
            session,
            council_id=two.zed.council_id,
            channel=Channel.EMAIL,
            address_hash=bytes(hashed),
            reason=SuppressionReason.UNSUBSCRIBED,
            source="link",
        )
    assert (two.reached(two.zed), two.reached(two.far)) == (ALL - {"email"}, ALL)


def say(two: Two, words: str) -> None:
    """She answers the number that both councils write from."""
    with transaction() as session:
        assert obey(session, Inbound(Channel.SMS, "+447700900001", words), source="pigeon")
