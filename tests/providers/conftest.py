"""What the tests of the adapters share."""

from collections.abc import Callable, Iterator

import pytest

from notify.providers import circuit_breaker
from notify.providers.smtp.provider import SmtpProvider
from tests import moments
from tests.relay import Relay

Provide = Callable[..., SmtpProvider]


@pytest.fixture(autouse=True)
def _nothing_known_of_any_provider() -> Iterator[None]:
    """Each test meets providers that nobody has been disappointed by."""
    circuit_breaker.forget()
    yield
    circuit_breaker.forget()
    moments.restore()


@pytest.fixture
def provide(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provide]:
    """Makes an SMTP provider for a relay, with its settings from the environment as always."""
    made: list[SmtpProvider] = []

    def make(relay: Relay, **chosen: object) -> SmtpProvider:
        with monkeypatch.context() as environment:
            everything = {"host": "127.0.0.1", "port": relay.port, "timeout_seconds": 5} | chosen
            for name, value in everything.items():
                environment.setenv(f"NOTIFY_SMTP_{name.upper()}", str(value))
            made.append(SmtpProvider())
        return made[-1]

    yield make
    for provider in made:
        provider.close()
