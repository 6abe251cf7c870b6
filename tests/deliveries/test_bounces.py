"""A bounce that comes back to one message's own address, through both doors, to the ledger."""

import re
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result
from litestar import Litestar
from litestar.testing import TestClient
from sqlalchemy import text

from notify.core.db import transaction
from notify.deliveries.bounce_commands import bounce_command
from notify.providers.bounces.reader import reference_in
from tests.alerts.calls import created
from tests.mailbox import Mailbox
from tests.world import World, add_resident, make_world

Client = TestClient[Litestar]
Work = Callable[[], None]
TOKEN = "a word between the mail server and us"
BOUNCE = b"""From: MAILER-DAEMON@mx.example.org
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary=cut

--cut
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org

Final-Recipient: rfc822; somebody.else@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <ann@example.org> no such user
--cut--
"""
COMPLAINT = b"""From: fbl@example.net
Content-Type: multipart/report; report-type=feedback-report; boundary=cut

--cut
Content-Type: message/feedback-report

Feedback-Type: abuse
--cut--
"""


@pytest.fixture
def world(client: Client, inbox: Mailbox, choose: Callable[..., None]) -> World:
    choose(SMTP_BOUNCE_DOMAIN="bounces.example.org", SMTP_BOUNCE_TOKEN=TOKEN)
    return make_world()


def sent(client: Client, world: World, work: Work, inbox: Mailbox) -> tuple[str, str]:
    """An alert that went to Ann and Ben, and the envelope sender of Ann's."""
    for name in ("ann", "ben"):
        add_resident(world, f"{name}@example.org")
    alert: str = created(client, world.headers, channels=["email"], send=True)["id"]
    work()
    senders = {line["to"]: line["from"] for line in inbox.lines()}
    assert set(senders) == {"ann@example.org", "ben@example.org"}
    assert {reference_in(sender) for sender in senders.values()} == {f"{alert.replace('-', '')}-{n}" for n in (1, 2)}
    return alert, senders["ann@example.org"]


def states(client: Client, world: World, alert: str) -> dict[str, str | None]:
    """Each state of the alert's deliveries with its reason."""
    rows = client.get(f"/api/v1/alerts/{alert}/deliveries", headers=world.headers).json()["deliveries"]
    return {row["state"]: row["reason"] for row in rows}


def suppressions() -> list[str]:
    with transaction() as session:
        return list(session.execute(text("SELECT reason FROM suppression")).scalars())


def piped(recipient: str, raw: bytes = BOUNCE) -> Result:
    """What happens when the mail server pipes this mail into us."""
    return CliRunner().invoke(bounce_command, ["--recipient", recipient], input=raw)


def posted(client: Client, recipient: str, *, token: str = TOKEN) -> dict[str, object]:
    """What the public door answers to this bounce."""
    headers = {"authorization": f"Bearer {token}", "x-notify-recipient": recipient, "content-type": "message/rfc822"}
    reply = client.post("/api/v1/webhooks/smtp", content=BOUNCE, headers=headers)
    return {"status": reply.status_code, **reply.json()}


def test_a_posted_bounce_fails_the_one_delivery_whose_address_it_came_to(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    alert, sender = sent(client, world, work, inbox)
    for changed in (1, 0):
        assert posted(client, sender.upper()) == {"status": 200, "receipts": 1, "inbound": 0, "changed": changed}
    found = states(client, world, alert)
    assert set(found) == {"permanent-failure", "sent"}
    assert re.fullmatch(r"550 5\.1\.1 \S+ no such user", found["permanent-failure"] or "")
    assert "ann@" not in (found["permanent-failure"] or "")
    assert suppressions() == ["hard-bounce"]


@pytest.mark.parametrize("token", ["", "wrong", TOKEN + "x"])
def test_a_bounce_without_the_token_is_refused(
    client: Client, world: World, work: Work, inbox: Mailbox, token: str
) -> None:
    alert, sender = sent(client, world, work, inbox)
    reply = posted(client, sender, token=token)
    assert (reply["status"], reply["type"]) == (401, "/problems/receipt-refused")
    assert set(states(client, world, alert)) == {"sent"}


def test_a_bounce_to_an_address_that_we_did_not_sign_changes_nothing(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    alert, sender = sent(client, world, work, inbox)
    forged = re.sub(r"-1-|-2-", "-3-", sender)
    for address in (forged, "ann@example.org", ""):
        assert posted(client, address) == {"status": 200, "receipts": 0, "inbound": 0, "changed": 0}
        assert piped(address).exit_code == 0
    assert set(states(client, world, alert)) == {"sent"}


def test_a_piped_bounce_fails_its_delivery_and_a_complaint_suppresses_the_address(
    client: Client, world: World, work: Work, inbox: Mailbox
) -> None:
    alert, sender = sent(client, world, work, inbox)
    assert piped(sender, COMPLAINT).exit_code == 0
    assert (set(states(client, world, alert)), suppressions()) == ({"sent"}, ["complaint"])
    assert piped(sender).exit_code == 0
    assert set(states(client, world, alert)) == {"permanent-failure", "sent"}


def test_the_mail_server_is_asked_to_try_again_while_the_database_is_away(
    client: Client, world: World, work: Work, inbox: Mailbox, choose: Callable[..., None]
) -> None:
    _, sender = sent(client, world, work, inbox)
    with pytest.MonkeyPatch.context() as elsewhere:
        elsewhere.setenv("NOTIFY_DATABASE_URL", "postgresql://127.0.0.1:1/nowhere")
        choose()
        told = piped(sender)
        assert (told.exit_code, "try again" in told.output) == (75, True)
        assert "127.0.0.1" not in told.output
    choose()


def test_the_pipe_needs_to_be_told_the_address() -> None:
    assert CliRunner().invoke(bounce_command, [], input=BOUNCE).exit_code == 2
