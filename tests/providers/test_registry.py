"""Which adapters there are, in which order they are asked, and how a stranger's joins them."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from notify.core.errors import SetUpError
from notify.core.jobs import Lane
from notify.core.settings import Settings
from notify.devserver import embedded
from notify.providers import registry
from notify.providers.base import (
    Accepted,
    Channel,
    Deferred,
    Message,
    Outcome,
    Provider,
    ProviderRejected,
    ProviderUnavailable,
    Refused,
)
from notify.providers.contract import ProviderContract
from notify.providers.registry import UnknownProvider
from tests.alerts.calls import created, state
from tests.mailbox import Mailbox
from tests.providers.messages import call
from tests.providers.scripted import Scripted, ScriptedMany
from tests.world import add_resident, make_world

Choose = Callable[..., None]
Work = Callable[[], None]


class TestPigeonsKeepTheContract(ProviderContract):
    """The stranger's own test, as its author would write it."""

    @pytest.fixture(autouse=True)
    def _loft(self, loft: Path) -> None:
        """Pigeons are at home."""

    def make_provider(self) -> Provider:
        return registry.load("pigeon")

    def a_good_message(self) -> Message:
        return Message(self.new_reference(), "+447700900001", "Road closed", "Mill Road is closed.")


def test_a_strangers_provider_carries_an_alert_without_a_change_to_the_core(
    client: TestClient[Litestar], work: Work, inbox: Mailbox, loft: Path
) -> None:
    world = make_world()
    add_resident(world, "a@example.org", phone="07700 900001")
    alert = created(client, world.headers, sms="Mill Road is closed.", send=True)
    work()
    [letter] = loft.iterdir()
    assert letter.read_text().startswith("+447700900001\nZed Council: Mill Road is closed. Stop: http")
    assert inbox.texts() == {}
    rows = client.get(f"/api/v1/alerts/{alert['id']}/deliveries", headers=world.headers).json()["deliveries"]
    assert {row["channel"]: row["provider"] for row in rows} == {"email": "smtp", "sms": "pigeon"}


def test_when_the_first_provider_cannot_the_second_sends_in_the_same_attempt(
    client: TestClient[Litestar], work: Work, inbox: Mailbox, loft: Path
) -> None:
    world = make_world()
    add_resident(world, phone="07700 900001")
    loft.rmdir()
    alert = created(client, world.headers, send=True)
    work()
    assert inbox.texts() == {"+447700900001": 1}
    assert state(client, world.headers, alert["id"]) == "sent"
    [row] = client.get(f"/api/v1/alerts/{alert['id']}/deliveries", headers=world.headers).json()["deliveries"]
    assert (row["state"], row["provider"]) == ("sent", "file")


def broken(_: Message) -> str:
    raise ProviderUnavailable("It is away.")


def defective(_: Message) -> str:
    raise RuntimeError("A defect of the adapter, with a@example.org in its words.")


def picky(message: Message) -> str:
    if message.address == "no":
        raise ProviderRejected("Never.")
    if message.address == "later":
        raise ProviderUnavailable("Not now.")
    return "taken"


def outcomes(providers: Sequence[Provider], messages: Sequence[Message]) -> dict[str, tuple[str, type[Outcome]]]:
    """What became of each message, by its address: who decided, and how."""
    addresses = {message.reference: message.address for message in messages}
    told = [(provider.name, outcome) for provider, outcome in registry.send_with_failover(providers, messages)]
    assert len(told) == len(messages)
    return {addresses[outcome.reference]: (name, type(outcome)) for name, outcome in told}


@pytest.mark.parametrize("kind", [Scripted, ScriptedMany])
def test_only_what_the_first_cannot_take_now_goes_to_the_next(kind: type[Scripted]) -> None:
    first, second = kind("first", picky), kind("second", lambda _: "taken")
    messages = [call("yes"), call("no"), call("later")]
    assert outcomes([first, second], messages) == {
        "yes": ("first", Accepted),
        "no": ("first", Refused),
        "later": ("second", Accepted),
    }
    assert second.asked == ["later"]


def test_when_none_can_the_last_ones_word_stands() -> None:
    assert outcomes([Scripted("first", broken), Scripted("second", broken)], [call("a")]) == {"a": ("second", Deferred)}


def test_an_adapters_defect_postpones_its_message_and_hurts_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def sometimes(message: Message) -> str:
        return defective(message) if message.address == "odd" else "taken"

    found = outcomes([Scripted("first", sometimes)], [call("odd"), call("even")])
    assert found == {"odd": ("first", Deferred), "even": ("first", Accepted)}
    assert "a@example.org" not in caplog.text


def test_a_provider_that_nobody_installed_is_named_with_those_that_are() -> None:
    with pytest.raises(UnknownProvider) as caught:
        registry.load("carrier")
    assert isinstance(caught.value, SetUpError)
    assert "'carrier'" in caught.value.detail
    assert "smtp" in caught.value.detail


def test_a_provider_of_another_channel_is_refused(choose: Choose) -> None:
    choose(EMAIL_PROVIDERS="smtp, file")
    with pytest.raises(UnknownProvider, match="file sends sms, not email"):
        registry.providers_for(Channel.EMAIL)


def test_providers_are_asked_in_the_order_of_the_settings(choose: Choose, loft: Path) -> None:
    assert [provider.name for provider in registry.providers_for(Channel.SMS)] == ["pigeon", "file"]
    choose(SMS_PROVIDERS="file , pigeon,")
    assert [provider.name for provider in registry.providers_for(Channel.SMS)] == ["file", "pigeon"]


def test_the_published_contract_needs_no_test_framework() -> None:
    code = "import sys, notify.providers.contract; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_shares_decide_who_comes_first_and_the_others_stand_by(choose: Choose, loft: Path) -> None:
    choose(SMS_PROVIDERS="pigeon:80, file:20")
    orders = [tuple(one.name for one in registry.providers_for(Channel.SMS)) for _ in range(500)]
    assert set(orders) == {("pigeon", "file"), ("file", "pigeon")}
    assert 340 < orders.count(("pigeon", "file")) < 450


def test_emergencies_may_have_providers_of_their_own(choose: Choose, loft: Path) -> None:
    choose(SMS_PROVIDERS="file", EMERGENCY_SMS_PROVIDERS="pigeon,file")

    def names(lane: Lane) -> list[str]:
        return [provider.name for provider in registry.providers_for(Channel.SMS, lane)]

    assert (names(Lane.EMERGENCY), names(Lane.ROUTINE)) == (["pigeon", "file"], ["file"])
    assert {provider.name for provider in registry.named()} == {"smtp", "file", "pigeon", "webhook"}


@pytest.mark.parametrize("value", ["pigeon:80,file", "pigeon:-1,file:2", "pigeon:0", "pigeon:much", "pigeon:inf"])
def test_shares_that_make_no_sense_are_refused_when_the_settings_are_read(choose: Choose, value: str) -> None:
    with pytest.raises(ValueError, match="share"):
        Settings(sms_providers=value)


def test_nobody_is_called_unless_a_voice_provider_is_named(servers: embedded.Addresses) -> None:
    assert registry.providers_for(Channel.VOICE) == []
