"""Addresses as people write them, and the one form that is kept."""

from collections.abc import Callable

import pytest

from notify.core.settings import Settings
from notify.devserver import embedded
from notify.providers.addresses import AddressNotValid, normalise
from notify.providers.base import Channel

pytestmark = pytest.mark.usefixtures("servers")

MOBILE = "+447700900123"


@pytest.mark.parametrize(
    "written",
    [
        "07700900123",
        "07700 900 123",
        "07700-900-123",
        "(07700) 900123",
        "+447700900123",
        "+44 7700 900123",
        "+44 (0)7700 900123",
        "00447700900123",
        "0044 7700 900123",
        "+07700900123",  # a plus out of habit
        "0+447700900123",
        "7700900123",  # a spreadsheet took the zero for nothing
        "447700900123",
        "\u202d07700 900123\u202c",  # copied from a contact card
        "07700\xa0900123",
    ],
)
def test_a_mobile_number_is_understood_however_it_is_written(written: str) -> None:
    assert normalise(Channel.SMS, written) == MOBILE


@pytest.mark.parametrize(
    "written",
    [
        "",
        "0",
        "0770090012",
        "077009001234",
        "01632 960123",
        "+1 212 555 0100",
        "+353 85 012 3456",
        "ext 5",
        "999",
        "x" * 500,
    ],
)
def test_what_no_text_reaches_is_refused(written: str) -> None:
    with pytest.raises(AddressNotValid, match="mobile number"):
        normalise(Channel.SMS, written)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("01632 960123", "+441632960123"),
        ("0113 496 0123", "+441134960123"),
        ("020 7946 0123", "+442079460123"),
        ("028 9018 0123", "+442890180123"),
        ("07700 900123", MOBILE),
        ("0207 946 0123", "+442079460123"),
    ],
)
def test_landlines_are_called_and_mobiles_too(written: str, kept: str) -> None:
    assert normalise(Channel.VOICE, written) == kept


@pytest.mark.parametrize("written", ["0909 879 0123", "0900 123 4567", "118118", "+1 212 555 0100", "112", "01632"])
def test_nobody_is_called_at_a_premium_or_foreign_number(written: str) -> None:
    with pytest.raises(AddressNotValid):
        normalise(Channel.VOICE, written)


@pytest.mark.parametrize(("channel", "written"), [(Channel.SMS, MOBILE), (Channel.VOICE, "01632 960123")])
def test_a_live_installation_takes_no_numbers_of_films(
    choose: Callable[..., None], channel: Channel, written: str
) -> None:
    choose(BASE_URL="https://alerts.example.org")
    with pytest.raises(AddressNotValid, match="film"):
        normalise(channel, written)


@pytest.mark.parametrize(
    ("written", "kept"),
    [(" Ann@Example.ORG ", "ann@example.org"), ("ann+bins@example.org", "ann+bins@example.org")],
)
def test_an_email_address_is_kept_in_small_letters(written: str, kept: str) -> None:
    assert normalise(Channel.EMAIL, written) == kept


@pytest.mark.parametrize(
    "written",
    ["", "ann", "ann@", "@example.org", "a,b@example.org", "a@example.org,b@example.org", 
     "a@example.org\r\nBcc: x@example.org", "Ann <ann@example.org>", "a b@example.org", "a@exa mple.org",
     "a\x00@example.org", "ŵ@example.org"],
)  # fmt: skip
def test_an_email_address_is_one_address(written: str) -> None:
    with pytest.raises(AddressNotValid):
        normalise(Channel.EMAIL, written)


def test_addresses_are_read_without_the_network(servers: embedded.Addresses, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("socket.getaddrinfo", never)
    monkeypatch.setattr("dns.resolver.resolve", never)
    assert normalise(Channel.EMAIL, "ann@no-such-domain.example.org") == "ann@no-such-domain.example.org"


@pytest.mark.parametrize("channel", [Channel.SMS, Channel.VOICE])
@pytest.mark.parametrize("number", ["+353 85 012 3456", "+1 202 555 0123", "+33 6 39 98 00 01", "+882 16 1234 5678"])
def test_numbers_abroad_are_neither_texted_nor_called(channel: Channel, number: str) -> None:
    with pytest.raises(AddressNotValid):
        normalise(channel, number)


def test_a_council_may_let_in_its_neighbours_numbers(choose: Callable[..., None]) -> None:
    choose(PHONE_COUNTRIES="GB,IE")
    assert normalise(Channel.SMS, "+353 85 012 3456") == "+353850123456"
    assert normalise(Channel.SMS, "07700 900123") == "+447700900123"
    with pytest.raises(AddressNotValid):
        normalise(Channel.SMS, "+33 6 39 98 00 01")


@pytest.mark.parametrize("countries", ["Ireland", "UK", "GB,XX", ""])
def test_a_country_is_its_two_letters(countries: str) -> None:
    with pytest.raises(ValueError, match="two letters"):
        Settings(phone_countries=countries)
