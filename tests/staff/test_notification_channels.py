"""Staff are told by real Apprise at a real receiver on the loopback; what fails is logged without secrets."""

import json
import logging
import sys
import time

import pytest

from notify.staff.notification_channels import check_staff_channels, tell_staff
from tests.providers.receiver import Receiver, receiving

# one of Apprise's hundred plug-ins asks for a module that Python is about to lose
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "hunter2"
Patch = pytest.MonkeyPatch


def address(receiver: Receiver, path: str = "hook") -> str:
    return f"json://oncall:{SECRET}@127.0.0.1:{receiver.port}/{path}"


@pytest.fixture(autouse=True)
def _nobody_yet(monkeypatch: Patch) -> None:
    monkeypatch.delenv("NOTIFY_STAFF_URLS", raising=False)


def test_without_addresses_nobody_is_told_and_nothing_is_wrong() -> None:
    assert tell_staff("Approved", "Road closed", urgent=False)
    assert check_staff_channels() == []


@pytest.mark.parametrize(("urgent", "kind"), [(True, "warning"), (False, "info")])
@pytest.mark.parametrize("between", [",", " ", ", ", "\n"])
def test_every_channel_is_told(monkeypatch: Patch, between: str, urgent: bool, kind: str) -> None:
    with receiving(Receiver()) as one, receiving(Receiver()) as other:
        monkeypatch.setenv("NOTIFY_STAFF_URLS", between.join([address(one), address(other)]))
        assert tell_staff("Llifogydd: Tŷ Mawr", "Sent to 120 residents.\n<b>Not</b> a *drill*.", urgent=urgent)
    for receiver in (one, other):
        [(path, _, body)] = receiver.calls
        told = json.loads(body)
        assert path == "/hook"
        assert (told["title"], told["type"]) == ("Llifogydd: Tŷ Mawr", kind)
        assert told["message"] == "Sent to 120 residents.\n<b>Not</b> a *drill*."


def test_a_comma_within_an_address_divides_nothing(monkeypatch: Patch) -> None:
    with receiving(Receiver()) as receiver:
        monkeypatch.setenv("NOTIFY_STAFF_URLS", address(receiver, "a,b"))
        assert tell_staff("Approved", "Road closed", urgent=False)
    assert [path for path, _, _ in receiver.calls] in (["/a,b"], ["/a%2Cb"])


def test_one_channel_that_fails_keeps_no_other_from_being_told(
    monkeypatch: Patch, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving(Receiver(status=500)) as broken, receiving(Receiver()) as good, caplog.at_level(logging.INFO):
        urls = [address(broken), f"nonsense://{SECRET}", f"{SECRET} {SECRET}", address(good)]
        monkeypatch.setenv("NOTIFY_STAFF_URLS", ",".join(urls))
        assert not tell_staff("Approved", "Road closed", urgent=True)
    assert len(good.calls) == 1
    said = [(record.levelname, record.getMessage()) for record in caplog.records if record.name.startswith("notify.")]
    assert said.count(("INFO", "staff told")) == 1
    assert ("ERROR", "staff not told") in said
    assert SECRET not in "".join(str(vars(record)) for record in caplog.records)


def test_a_channel_that_never_answers_is_not_waited_for(monkeypatch: Patch) -> None:
    with receiving(Receiver(drips="body")) as receiver:
        monkeypatch.setenv("NOTIFY_STAFF_URLS", address(receiver))
        monkeypatch.setenv("NOTIFY_STAFF_TIMEOUT_SECONDS", "0.5")
        began = time.monotonic()
        assert not tell_staff("Approved", "Road closed", urgent=True)
        assert time.monotonic() - began < 2


def test_without_apprise_the_remedy_is_named(monkeypatch: Patch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    monkeypatch.setenv("NOTIFY_STAFF_URLS", f"json://{SECRET}@127.0.0.1/")
    assert not tell_staff("Approved", "Road closed", urgent=True)
    [said] = check_staff_channels()
    assert said.startswith("NOTIFY_STAFF_URLS needs the extra `apprise`, which is not installed.")
    assert SECRET not in str([vars(record) for record in caplog.records])


def test_the_check_names_an_address_that_nothing_understands_without_its_secret(monkeypatch: Patch) -> None:
    monkeypatch.setenv("NOTIFY_STAFF_URLS", f"json://127.0.0.1/x, nonsense://{SECRET}/")
    assert list(check_staff_channels()) == [
        "Address 2 in NOTIFY_STAFF_URLS (nonsense://…) is not one that Apprise understands: "
        "see docs/providers/apprise.md."
    ]
    monkeypatch.setenv("NOTIFY_STAFF_URLS", SECRET)
    [sentence] = check_staff_channels()
    assert SECRET not in sentence


def test_a_setting_that_cannot_be_read_raises_nothing(monkeypatch: Patch) -> None:
    monkeypatch.setenv("NOTIFY_STAFF_TIMEOUT_SECONDS", "soon")
    assert not tell_staff("Approved", "Road closed", urgent=True)
    [sentence] = check_staff_channels()
    assert "NOTIFY_STAFF_TIMEOUT_SECONDS" in sentence
