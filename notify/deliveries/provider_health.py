"""How the providers of each channel fare: whether worker processes leave one alone, and what it said so far."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from notify.channels import CHANNELS, Channel
from notify.core.settings import settings
from notify.deliveries import process_metrics, queries
from notify.deliveries.metrics_exposition import SEEN_LATELY_S, labels_of_row

OUTCOMES = "notify_provider_outcomes_total"
# the worst that a worker process says of a provider counts
WORST = ("open", "paused", "probing", "closed")
IN_WORDS = {
    "open": "Left alone, because it fails",
    "paused": "Asked for a pause",
    "probing": "Being tried again",
    "closed": "Works",
    "": "Not used lately",
}


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """One provider of a channel. `state` is open (left alone), paused, probing, closed (works) or empty (not used
    lately); `processes` say so. `outcomes` count what it said of messages since counting began.
    """

    channel: Channel
    name: str
    state: str
    processes: int
    outcomes: dict[str, int]
    is_for_emergencies: bool

    @property
    def in_words(self) -> str:
        """The state as people read it."""
        return IN_WORDS[self.state]


def provider_health(session: Session) -> Sequence[ProviderHealth]:
    """The providers that the settings name, channel by channel in their order of preference."""
    states: defaultdict[str, Counter[str]] = defaultdict(Counter)
    outcomes: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in queries.metered(session):
        labels = labels_of_row(row)
        if row.name == process_metrics.BREAKER_SEEN and row.age_s < SEEN_LATELY_S:
            states[labels["provider"]][labels["state"]] += 1
        elif row.name == OUTCOMES:
            outcomes[labels["provider"]][labels["outcome"]] += int(row.value)
    found = []
    for channel in CHANNELS:
        usual = [one.name for one in settings().providers_for(channel)]
        urgent = [one.name for one in settings().providers_for(channel, emergency=True)]
        for name in dict.fromkeys([*usual, *urgent]):
            state = next((one for one in WORST if states[name][one]), "")
            said = dict(outcomes[name])
            found.append(ProviderHealth(channel, name, state, states[name][state], said, name not in usual))
    return found
