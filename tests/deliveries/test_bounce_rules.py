"""What bounces do to an address: one soft one nothing, several something, a hard one everything, many at once wait."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.deliveries import doctor_checks
from notify.deliveries.receipts import take_receipts
from notify.providers.base import Receipt, ReceiptState
from notify.subscribers.cleanup import sweep
from notify.subscribers.models import ServiceMessageKind
from tests.alerts.calls import created
from tests.counting import exactly
from tests.mailbox import Mailbox
from tests.providers.bounce_counts import MAILS
from tests.providers.receiver import Receiver, receiving
from tests.subscribers.journey import BROWSER, link_for, sign_up
from tests.world import World, add_resident, make_other_council, make_world

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

Client = TestClient[Litestar]
Work = Callable[[], None]
TOKEN = "a word between the mail server and us"
HARD, FULL, POLICY = "hard-postfix-virtual-table", "soft-icloud-over-quota", "soft-spamhaus"


class Sender:
    """A council that writes to residents by e-mail, whose messages come back."""

    def __init__(self, client: Client, world: World, work: Work, inbox: Mailbox) -> None:
        self.client, self.world, self.work, self.inbox = client, world, work, inbox

    def send(self, **fields: object) -> dict[str, str]:
        """Send an alert; the envelope sender of each address that it went to."""
        self.inbox.empty()
        created(self.client, self.world.headers, channels=["email"], send=True, **fields)
        self.work()
        return {line["to"]: line["from"] for line in self.inbox.lines()}

    def emergency(self) -> dict[str, str]:
        return self.send(topic="emergencies", priority="emergency")

    def bounce(self, sender: str, mail: str) -> int:
        """Post a labelled mail as one that came back; how much it changed."""
        raw = (MAILS / f"{mail}.eml").read_bytes().replace(b"@@RCPT@@", sender.encode())
        headers = {"authorization": f"Bearer {TOKEN}", "x-notify-recipient": sender, "content-type": "message/rfc822"}
        reply = self.client.post("/api/v1/webhooks/smtp", content=raw, headers=headers)
        assert reply.status_code == 200, reply.text
        return int(reply.json()["changed"])

    def come_back(self, mail: str, address: str = "ann@example.org") -> None:
        """Send an alert that comes back from an address."""
        assert self.bounce(self.send()[address], mail) == 1

    def suppressed(self, world: World | None = None, **which: str) -> list[str]:
        headers = (world or self.world).headers
        found = self.client.get("/api/v1/suppressions", params=which, headers=headers).json()["suppressions"]
        return sorted(one["reason"] for one in found)

    def bursts(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = self.client.get("/api/v1/bounces/bursts", headers=self.world.headers).json()
        return found


@pytest.fixture
def council(client: Client, work: Work, inbox: Mailbox, choose: Callable[..., None]) -> Sender:
    choose(SMTP_BOUNCE_DOMAIN="bounces.example.org", SMTP_BOUNCE_TOKEN=TOKEN)
    return Sender(client, make_world(), work, inbox)


@pytest.fixture
def ann(council: Sender) -> UUID:
    return add_resident(council.world, "ann@example.org", topics=["road-closures", "emergencies"])


def days_pass(days: int) -> None:
    """What was kept about bounces is so much older."""
    hours_pass(24 * days)


def hours_pass(hours: int) -> None:
    """The same, in hours."""
    with transaction() as session:
        for table in ("bounce", "suppression"):
            session.execute(text(f"UPDATE {table} SET at = at - make_interval(hours => :hours)"), {"hours": hours})


def test_a_hard_bounce_suppresses_and_a_soft_one_does_not(council: Sender, ann: UUID) -> None:
    council.come_back(FULL)
    assert council.suppressed() == []
    council.come_back(HARD)
    assert council.suppressed() == ["hard-bounce"]
    assert council.send() == {}


def test_several_soft_bounces_on_several_days_suppress_but_no_emergency_heeds_that(council: Sender, ann: UUID) -> None:
    for _ in range(4):
        council.come_back(FULL)
        assert council.suppressed() == []
        days_pass(1)
    council.come_back(FULL)
    assert council.suppressed() == ["soft-bounces"]
    assert council.send() == {}
    assert exactly(council.world, topic="emergencies", channels=["email"], priority="emergency").people == 1
    assert list(council.emergency()) == ["ann@example.org"]


def test_soft_bounces_of_one_day_or_too_long_ago_suppress_nobody(council: Sender, ann: UUID) -> None:
    for _ in range(6):
        council.come_back(FULL)
    days_pass(15)
    for _ in range(3):
        council.come_back(FULL)
        days_pass(1)
    assert council.suppressed() == []


def test_what_lies_in_our_own_mail_never_counts_however_often_it_comes_back(council: Sender, ann: UUID) -> None:
    for _ in range(7):
        council.come_back(POLICY)
        days_pass(1)
    assert council.suppressed() == []


def test_what_arrives_begins_the_count_anew_and_lifts(council: Sender, ann: UUID) -> None:
    for _ in range(4):
        council.come_back(FULL)
        days_pass(1)
    assert council.bounce(council.send()["ann@example.org"], "delivered-exchange-success") == 1
    council.come_back(FULL)
    assert council.suppressed() == []
    for _ in range(4):
        days_pass(1)
        council.come_back(FULL)
    assert council.suppressed() == ["soft-bounces"]
    assert council.bounce(council.emergency()["ann@example.org"], "delivered-exchange-success") == 1
    assert council.suppressed() == []


def test_a_lifted_soft_suppression_comes_back_only_after_as_many_bounces_again(council: Sender, ann: UUID) -> None:
    for _ in range(5):
        council.come_back(FULL)
        days_pass(1)
    lift = {"which": "soft-bounces", "reason": "They made room."}
    reply = council.client.post("/api/v1/suppressions/lift", json=lift, headers=council.world.headers)
    assert (reply.status_code, reply.json()) == (200, {"lifted": 1})
    council.come_back(FULL)
    assert council.suppressed() == []


def test_soft_bounces_are_a_fact_that_councils_share(council: Sender, ann: UUID) -> None:
    far = make_other_council()
    add_resident(far, "ann@example.org", topics=["potholes"])
    for _ in range(5):
        council.come_back(FULL)
        days_pass(1)
    assert council.suppressed(far) == ["soft-bounces"]


@pytest.mark.parametrize(("days", "retried"), [(170, False), (190, True)])
def test_an_emergency_retries_a_hard_bounce_that_is_old(council: Sender, ann: UUID, days: int, retried: bool) -> None:
    council.come_back(HARD)
    days_pass(days)
    assert council.send() == {}
    sent = council.emergency()
    assert bool(sent) is retried
    if retried:  # and it waits as long again when that comes back, too
        council.bounce(sent["ann@example.org"], HARD)
        assert council.emergency() == {}


def test_with_zero_days_no_emergency_retries(council: Sender, ann: UUID, choose: Callable[..., None]) -> None:
    council.come_back(HARD)
    days_pass(4000)
    with pytest.MonkeyPatch.context() as never:
        never.setenv("NOTIFY_BOUNCE_RETRY_DAYS", "0")
        assert council.emergency() == {}


@pytest.mark.parametrize("reason", ["complaint", "stop", "unsubscribed", "staff"])
def test_no_emergency_passes_over_what_a_person_or_staff_said(council: Sender, ann: UUID, reason: str) -> None:
    council.come_back(HARD)
    days_pass(4000)
    with transaction() as session:
        session.execute(text("UPDATE suppression SET reason = :reason"), {"reason": reason})
    assert council.emergency() == {}


def test_an_emergency_that_retries_writes_to_nobody_who_was_erased(council: Sender, ann: UUID) -> None:
    council.come_back(HARD)
    days_pass(4000)
    address = f"/api/v1/subscribers/{ann}"
    assert council.client.delete(address, headers=council.world.headers).is_success
    assert council.emergency() == {}


def test_a_returning_resident_lifts_their_own_bounce_by_confirming_again(council: Sender) -> None:
    client = council.client
    add_resident(council.world, "sam@example.org", topics=["road-closures"])
    council.come_back(HARD, "sam@example.org")
    client.headers.update(BROWSER)
    client.follow_redirects = False
    council.inbox.empty()
    assert sign_up(client).is_success
    council.work()
    assert council.inbox.recipients() == {"sam@example.org": 1}
    assert council.suppressed() == ["hard-bounce"]  # asking is no proof
    client.post(f"/manage/{link_for('sam@example.org', ServiceMessageKind.SIGN_IN)}")
    assert council.suppressed() == []
    assert list(council.send()) == ["sam@example.org"]


def test_a_new_sign_up_of_a_bounced_address_is_asked_and_its_yes_lifts(council: Sender) -> None:
    client = council.client
    gone = add_resident(council.world, "sam@example.org")
    council.come_back(HARD, "sam@example.org")
    assert client.delete(f"/api/v1/subscribers/{gone}", headers=council.world.headers).is_success
    client.headers.update(BROWSER)
    council.inbox.empty()
    assert sign_up(client).is_success
    council.work()
    assert council.inbox.recipients() == {"sam@example.org": 1}
    client.post(f"/confirm/{link_for('sam@example.org', ServiceMessageKind.CONFIRM)}")
    assert council.suppressed() == []


def test_a_complaint_keeps_even_the_answer_to_a_sign_up_away(council: Sender) -> None:
    add_resident(council.world, "sam@example.org")
    sender = council.send()["sam@example.org"]
    assert council.bounce(sender, "complaint-arf-abuse") == 1
    council.client.headers.update(BROWSER)
    council.inbox.empty()
    assert sign_up(council.client).is_success
    council.work()
    assert council.inbox.recipients() == {}


@pytest.fixture
def few(choose: Callable[..., None], council: Sender) -> None:
    """Three hard bounces of one cause within an hour are believed, and no more."""
    choose(BOUNCE_BURST="3")


def residents(council: Sender, number: int) -> list[str]:
    addresses = [f"r{at}@example.org" for at in range(number)]
    for address in addresses:
        add_resident(council.world, address, topics=["road-closures", "emergencies"])
    return addresses


def test_a_burst_of_one_cause_suppresses_nobody_until_a_person_confirms(council: Sender, few: None) -> None:
    residents(council, 5)
    senders = list(council.send().values())
    for sender in senders[:3]:
        council.bounce(sender, HARD)
    assert council.suppressed() == ["hard-bounce"] * 3
    for sender in senders[3:]:
        council.bounce(sender, HARD)
    assert council.suppressed() == []  # the first ones as well
    [burst] = council.bursts()
    assert (burst["addresses"], "user unknown" in str(burst["cause"])) == (5, True)
    assert len(council.send()) == 5
    assert any("wait for a person" in line for line in doctor_checks.complaints())
    path = f"/api/v1/bounces/bursts/{burst['id']}/confirm"
    assert council.client.post(path, headers=council.world.headers).json() == {"addresses": 5}
    assert council.suppressed() == ["hard-bounce"] * 5
    assert council.bursts() == []
    assert council.client.post(path, headers=council.world.headers).status_code == 404


def test_a_burst_that_is_dismissed_leaves_every_address_in_use(council: Sender, few: None) -> None:
    residents(council, 4)
    for sender in council.send().values():
        council.bounce(sender, HARD)
    [burst] = council.bursts()
    path = f"/api/v1/bounces/bursts/{burst['id']}/dismiss"
    assert council.client.post(path, headers=council.world.headers).json() == {"addresses": 4}
    assert (council.suppressed(), len(council.send())) == ([], 4)


def test_a_burst_in_one_call_back_or_over_alerts_is_the_same(council: Sender, few: None) -> None:
    residents(council, 4)
    for _ in range(2):
        alert = created(council.client, council.world.headers, send=True)["id"]
        council.work()
        gone = [
            Receipt(
                f"{UUID(alert).hex}-{number}", ReceiptState.PERMANENT_FAILURE, f"550 5.1.1 <r{number}@x> gone {number}"
            )
            for number in range(1, 5)
        ]
        with transaction() as session:
            take_receipts(session, gone)
        assert council.suppressed() == []
        assert [burst["addresses"] for burst in council.bursts()] == [4]


def test_other_causes_beside_a_burst_suppress_as_ever(council: Sender, few: None) -> None:
    residents(council, 6)
    senders = list(council.send().values())
    for sender in senders[:4]:
        council.bounce(sender, HARD)
    council.bounce(senders[4], "hard-gmail-no-such-user")
    assert council.suppressed() == ["hard-bounce"]


def test_a_slow_trickle_is_no_burst(council: Sender, few: None) -> None:
    residents(council, 6)
    for sender in council.send().values():
        council.bounce(sender, HARD)
        days_pass(1)
    assert council.suppressed() == ["hard-bounce"] * 6


def test_each_council_decides_on_its_own_part_of_a_burst(council: Sender, few: None) -> None:
    residents(council, 3)
    far = make_other_council()
    add_resident(far, "f@example.com", topics=["potholes"])
    theirs = Sender(council.client, far, council.work, council.inbox)
    for sender in [*council.send().values(), *theirs.send(topic="potholes").values()]:
        council.bounce(sender, HARD)
    assert [[burst["addresses"] for burst in one.bursts()] for one in (council, theirs)] == [[3], [1]]
    path = f"/api/v1/bounces/bursts/{council.bursts()[0]['id']}/confirm"
    assert council.client.post(path, headers=far.headers).status_code == 404
    assert council.client.post(path, headers=council.world.headers).json() == {"addresses": 3}
    assert theirs.suppressed() == []


def test_a_burst_that_nobody_decides_on_holds_no_other_councils_bounces_and_its_own_for_a_day(
    council: Sender, few: None
) -> None:
    residents(council, 6)
    far = make_other_council()
    add_resident(far, "f@example.com", topics=["potholes"])
    theirs = Sender(council.client, far, council.work, council.inbox)
    senders = list(council.send().values())
    [sender] = theirs.send(topic="potholes").values()
    for one in senders[:4]:
        council.bounce(one, HARD)
    hours_pass(2)
    council.bounce(senders[4], HARD)
    theirs.bounce(sender, HARD)
    assert (council.suppressed(), theirs.suppressed(), theirs.bursts()) == ([], ["hard-bounce"], [])
    assert [burst["addresses"] for burst in council.bursts()] == [5]
    hours_pass(25)
    council.bounce(senders[5], HARD)
    assert council.suppressed() == ["hard-bounce"]
    assert [burst["addresses"] for burst in council.bursts()] == [5]


def test_an_emergency_that_tries_many_old_dead_addresses_lifts_none_of_them(council: Sender, few: None) -> None:
    for address in residents(council, 6):
        council.come_back(HARD, address)
        hours_pass(2)
    assert council.suppressed() == ["hard-bounce"] * 6
    days_pass(200)
    senders = list(council.emergency().values())
    for sender in senders:
        council.bounce(sender, HARD)
    assert (len(senders), council.suppressed(), council.bursts()) == (6, ["hard-bounce"] * 6, [])
    assert council.emergency() == {}  # each waits as long again


def test_staff_are_told_of_a_burst_once(council: Sender, choose: Callable[..., None]) -> None:
    with receiving(Receiver()) as receiver:
        choose(BOUNCE_BURST="3", STAFF_URLS=f"json://127.0.0.1:{receiver.port}/")
        residents(council, 6)
        for sender in council.send().values():
            council.bounce(sender, HARD)
        receiver.calls.clear()
        council.work()
        [(_, _, body)] = receiver.calls
    assert json.loads(body)["title"].endswith("addresses of Zed Council were refused for one reason")


def test_bounces_are_forgotten_after_ninety_days_unless_they_wait(council: Sender, few: None) -> None:
    residents(council, 5)
    senders = list(council.send().values())
    council.bounce(senders[0], FULL)
    for sender in senders[1:]:
        council.bounce(sender, HARD)
    days_pass(91)
    with transaction() as session:
        assert sweep(session)["bounce"] == 1
    assert [burst["addresses"] for burst in council.bursts()] == [4]


def test_the_inputs_beside_the_real_data_do_at_the_webhook_what_they_say(council: Sender, real_data: Path) -> None:
    files = sorted((real_data.parent / "cases" / "bounces").glob("*.eml"))
    for address in residents(council, len(files)):
        assert address
    senders = list(council.send().values())
    expected = 0
    for sender, file in zip(senders, files, strict=True):
        raw = file.read_bytes().replace(b"@@RCPT@@", sender.encode())
        headers = {"authorization": f"Bearer {TOKEN}", "x-notify-recipient": sender}
        council.client.post("/api/v1/webhooks/smtp", content=raw, headers=headers)
        expected += file.name.startswith(("d", "q1"))
        assert council.suppressed(limit="100") == ["hard-bounce"] * expected, file.name


def test_who_is_erased_leaves_no_bounce_behind(council: Sender, ann: UUID) -> None:
    council.come_back(FULL)
    assert council.client.delete(f"/api/v1/subscribers/{ann}", headers=council.world.headers).is_success
    with transaction() as session:
        assert session.execute(text("SELECT count(*) FROM bounce")).scalar_one() == 0
