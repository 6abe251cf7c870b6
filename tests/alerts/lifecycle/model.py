"""What ought to become of alerts and of those they are for: plain Python that knows of no SQL, lease or journal.

The machine in `test_lifecycle_machine.py` tells the model what people do and what providers say. The model says how a
door must answer, what may be handed over, and what the ledger may say then; it keeps the history of every delivery.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from uuid import UUID

from notify.core.jobs import Lane
from notify.providers.base import Channel
from tests.alerts.calls import ONE, TWO
from tests.world import NORTH, SOUTH

ROADS, EMERGENCIES = "road-closures", "emergencies"
APPROVALS_NEEDED = {ROADS: 0, EMERGENCIES: 0, ONE: 1, TWO: 2}
WARDS_OF = {"ZZ11AA": {NORTH}, "ZZ21AA": {SOUTH}, "ZZ11AD": {NORTH}}
NEAR = {"ZZ11AD": {SOUTH}}  # reached too when it is urgent

REACHED = {"sent", "delivered", "unknown"}
STILL_MEANT = REACHED | {"created"}
DEAD = {"temporary-failure", "technical-failure", "unknown"}
ENDED = {*REACHED, *DEAD, "permanent-failure", "cancelled", "expired", "suppressed"}
RECEIPT_MAY_FOLLOW = {
    "permanent-failure": {"created", "sent", "unknown", "temporary-failure", "delivered"},
    "delivered": {"created", "sent", "unknown", "temporary-failure"},
    "temporary-failure": {"created", "sent", "unknown"},
}
DEATHS_TO_GIVE_UP = 5


class Word(Enum):
    """What a provider does with a message."""

    ACCEPTS = "takes it and says so"
    REFUSES = "will never take it"
    DEFERS = "cannot reach this address now"
    WISHES = "cannot reach this address for a minute"
    FAILS = "is out of order"
    PAUSES = "wishes to be left alone for an hour"
    UNSURE_TAKEN = "takes it and says nothing"
    UNSURE_LOST = "loses it and says nothing"
    DIES_BEFORE = "the worker dies before it could take it"
    DIES_AFTER = "takes it, and the worker dies"


TAKES = {Word.ACCEPTS, Word.UNSURE_TAKEN, Word.DIES_AFTER}
FINAL = {Word.ACCEPTS: "sent", Word.REFUSES: "permanent-failure"}
UNSURE = {Word.UNSURE_TAKEN, Word.UNSURE_LOST}
DEATHS = {Word.DIES_BEFORE, Word.DIES_AFTER}


@dataclass(eq=False)
class Contact:
    """An address of a resident."""

    id: UUID
    address: str
    confirmed: bool


@dataclass(eq=False)
class Resident:
    """Somebody who follows topics, each by some channels."""

    number: int
    id: str
    contacts: dict[Channel, Contact] = field(default_factory=dict)
    postcodes: set[str] = field(default_factory=set)
    follows: dict[str, set[Channel]] = field(default_factory=dict)
    erased: bool = False

    def leave(self, topic: str | None) -> None:
        """By a link in a mail: no more mails about this topic, or about any."""
        for one in [topic] if topic else list(self.follows):
            if one in self.follows:
                self.follows[one].discard(Channel.EMAIL)
                if not self.follows[one]:
                    del self.follows[one]


@dataclass(eq=False)
class Alert:
    """An alert, and who agreed to it in the present round."""

    id: UUID
    title: str
    topic: str
    lane: Lane
    author: str
    channels: frozenset[Channel]
    wards: frozenset[str] | None
    is_test: bool = False
    is_from_test_key: bool = False
    first: "Alert | None" = None
    is_all_clear: bool = False
    send_later: bool = False
    overdue: bool = False  # its time passed long ago, and it can wait for a person
    held: bool = False  # until a person sends it late
    state: str = "draft"
    agreed: set[str] = field(default_factory=set)
    expired: bool = False
    old: bool = False  # expanded more than a day ago
    deaths: int = 0
    slow_stop: bool = False  # was stopped in a way that the workers under way may not have noticed
    deliveries: "dict[int, Delivery] | None" = None

    @property
    def needed(self) -> int:
        """How many others must agree."""
        return APPROVALS_NEEDED[self.topic]

    def includes(self, postcode: str) -> bool:
        """Whether a home with this postcode is meant."""
        wards = WARDS_OF[postcode] | (NEAR.get(postcode, set()) if self.lane == Lane.EMERGENCY else set())
        return self.wards is None or bool(wards & self.wards)


@dataclass(eq=False)
class Delivery:
    """One message to one contact: what the ledger said last, and what the engine must still write into it."""

    alert: Alert
    number: int
    resident: Resident
    channel: Channel
    contact: Contact
    state: str = "created"
    history: list[str] = field(default_factory=lambda: ["created"])
    word: str | None = None  # the provider's last word, while the ledger does not have it
    said: set[str] = field(default_factory=set)
    unsure: bool = False
    late: bool = False  # the worker that heard the word died, and its journal has not been read
    discrepancy: bool = False  # nobody of the engine can know what the provider said
    tried: bool = False  # by the workers under way
    takings: int = 0
    excused: bool = False  # a second message is nobody's fault
    stops: frozenset[str] = frozenset()  # why it may be stopped, at the beginning of the step
    old_stops: frozenset[str] = frozenset()  # and what a dead worker may have noted of it in its journal

    def __repr__(self) -> str:
        return f"<{self.alert.title}/{self.number} by {self.channel} to {self.contact.address}>"

    @property
    def before(self) -> "Delivery | None":
        """The delivery of the first alert that this one follows."""
        for one in (self.alert.first.deliveries or {}).values() if self.alert.first else ():
            if one.contact is self.contact:
                return one
        return None


Audience = dict[UUID, tuple[Resident, Channel, Contact]]


def fate(delivery: Delivery, ordinary: str) -> set[str]:
    """What a delivery that is given up on becomes: unknown where it may have arrived."""
    if delivery.discrepancy:
        return {ordinary, "unknown"}
    return {"unknown" if delivery.unsure else ordinary}


class Model:
    """Everybody and everything."""

    def __init__(self) -> None:
        self.residents: list[Resident] = []
        self.alerts: list[Alert] = []
        self.suppressed: set[str] = set()
        self.holds: set[UUID | Lane | None] = set()  # of alerts, of lanes, of everything (None)
        self.paused: set[Channel] = set()

    def deliveries(self) -> Iterator[Delivery]:
        """All of them."""
        for alert in self.alerts:
            yield from (alert.deliveries or {}).values()

    def delivery(self, reference: str) -> Delivery:
        """The delivery whose message has this reference."""
        alert_id, _, number = reference.partition("-")
        [alert] = [one for one in self.alerts if one.id == UUID(alert_id)]
        return (alert.deliveries or {})[int(number)]

    # what people do to alerts

    def decide(self, alert: Alert, who: str, verb: str, *, is_test: bool) -> int:
        """The status that the door must answer with; where that is 200, it is done."""
        if is_test and not alert.is_test:
            return 403
        expected = {
            "submit": self._may_submit,
            "approve": self._may_approve,
            "reject": self._may_reject,
            "cancel": self._may_cancel,
        }[verb](alert, who)
        if expected == 200:
            self.done(alert, who, verb)
        return expected

    def _may_submit(self, alert: Alert, _: str) -> int:
        if alert.expired:
            return 422
        return 200 if alert.state in ("draft", "rejected") else 409

    def _may_approve(self, alert: Alert, who: str) -> int:
        if who == alert.author:
            return 403
        if alert.state != "submitted":
            return 409
        if alert.expired:
            return 422
        return 200 if who not in alert.agreed else 409

    def _may_reject(self, alert: Alert, who: str) -> int:
        return 200 if alert.state == "submitted" and who not in alert.agreed else 409

    def _may_cancel(self, alert: Alert, _: str) -> int:
        return 409 if alert.state in ("sent", "cancelled") else 200

    def send_late(self, alert: Alert, *, is_test: bool) -> int:
        """The status that the door must answer with; where that is 200, it is sent."""
        if is_test and not alert.is_test:
            return 403
        if not alert.held or alert.state != "scheduled":
            return 409
        if alert.expired:
            return 422
        alert.state, alert.held = "sending", False
        return 200

    def done(self, alert: Alert, who: str, verb: str) -> None:
        """Somebody has submitted, approved, rejected or cancelled the alert."""
        alert.state = {"reject": "rejected", "cancel": "cancelled"}.get(verb, "submitted")
        if verb == "submit":
            alert.agreed = set()  # a new round of asking begins
        if verb == "approve":
            alert.agreed.add(who)
        if alert.state == "submitted" and len(alert.agreed) >= alert.needed:
            alert.state = "scheduled" if alert.send_later or alert.overdue else "sending"
            alert.held = alert.overdue
            first = alert.first
            # a rehearsal stops nothing real
            if first and alert.is_all_clear and first.state == "sending" and (first.is_test or not alert.is_test):
                self.done(first, who, "cancel")

    def start_due(self) -> None:
        """The scheduler starts what is due, and lifts the holds of what is over."""
        for alert in self.alerts:
            if alert.state == "scheduled" and not alert.send_later and not alert.held:
                alert.state, alert.held = ("scheduled", True) if alert.overdue else ("sending", False)
            if alert.state == "cancelled" or alert.expired:
                self.holds.discard(alert.id)

    # whom

    def audience(self, alert: Alert) -> Audience:
        """Who gets the alert if it is expanded now, by the ids of contacts. A test key's goes to no resident."""
        if alert.is_from_test_key:
            return {}
        if alert.first:
            earlier = (alert.first.deliveries or {}).values()
            return {d.contact.id: (d.resident, d.channel, d.contact) for d in earlier if d.state in STILL_MEANT}
        return {
            contact.id: (resident, channel, contact)
            for resident in self.residents
            if any(alert.includes(postcode) for postcode in resident.postcodes)
            for channel, contact in resident.contacts.items()
            if channel in alert.channels and self.may_write_to(resident, channel, contact, alert.topic)
        }

    def may_write_to(self, resident: Resident, channel: Channel, contact: Contact, topic: str) -> bool:
        """Whether a message about this topic may go to this address now."""
        agrees = not resident.erased and channel in resident.follows.get(topic, ())
        return agrees and contact.confirmed and contact.address not in self.suppressed

    # what may be handed over, and what then

    def require_may_leave(self, d: Delivery, address: str, subject: str) -> None:
        """Complain if this message must not be handed to a provider now."""
        alert = d.alert
        assert (address, subject) == (d.contact.address, alert.title), f"{d} went to {address} as {subject}"
        assert not alert.is_test, f"{d} is a rehearsal"
        assert len(alert.agreed - {alert.author}) >= alert.needed, f"{d} was approved by {alert.agreed} only"
        assert not alert.send_later, f"{d} leaves before its time"
        assert not alert.held, f"{d} leaves late, and no person said so"
        assert not alert.expired, f"{d} leaves after its expiry"
        if not alert.slow_stop:
            assert alert.state == "sending", f"{d} leaves although its alert is {alert.state}"
            assert not self.holds & {None, alert.lane, alert.id}, f"{d} leaves while on hold"
        assert self.may_write_to(d.resident, d.channel, d.contact, alert.topic), f"{d} has left, or must not be written"
        assert d.before is None or {d.before.state, d.before.word} & REACHED, f"{d} leaves before the first"
        assert d.channel not in self.paused, f"{d} leaves while its provider wishes for nothing"
        assert d.state == "created" and d.word is None, f"{d} leaves again: {d.history}, {d.word}"  # noqa: PT018
        assert d.takings == 0 or d.excused, f"{d} leaves again without an excuse"

    def hear(self, d: Delivery, word: Word, *, lease_was_lost: bool) -> None:
        """The provider has spoken, or the worker has died."""
        d.tried, d.late = True, False
        d.takings += word in TAKES
        d.excused |= word in UNSURE or word is Word.DIES_AFTER or lease_was_lost
        d.discrepancy |= word is Word.DIES_AFTER or lease_was_lost
        d.alert.deaths += word in DEATHS
        final = FINAL.get(word)
        if word in UNSURE:
            if d.channel == Channel.SMS and d.alert.lane != Lane.EMERGENCY and d.unsure:
                final = "unknown"  # a second time is enough
            d.unsure = True
        if word is Word.PAUSES:
            self.paused.add(d.channel)
        if final and d.state == "created":  # else a receipt was quicker
            d.said.add(final)
            d.word = d.word if lease_was_lost else final

    def die(self, written_to: Collection[Delivery]) -> None:
        """A worker is dead that asked providers about these; its journal knows more than the ledger."""
        for d in written_to:
            d.late = True
        for alert in {d.alert for d in written_to}:
            for d in (alert.deliveries or {}).values():
                d.old_stops |= d.stops

    def recover(self) -> None:
        """The journals of the dead have been read."""
        for d in self.deliveries():
            d.late, d.old_stops = False, frozenset()

    def lose_journals(self) -> None:
        """Nobody will ever read them."""
        for d in self.deliveries():
            d.old_stops = frozenset()
            if d.late:
                self.forget(d, forever=True)

    def forget(self, d: Delivery, *, forever: bool) -> None:
        """Nobody knows what the provider said: a journal is lost `forever`, or a stalled worker keeps it to itself."""
        d.word, d.late, d.discrepancy, d.excused = None, False, True, True
        if forever:
            d.said = set()

    def begin_step(self, new: Alert | None = None) -> None:
        """Workers begin: what is stopped now may be written by them, whatever happens meanwhile."""
        for d in (new.deliveries or {}).values() if new else self.deliveries():
            d.tried = False
            d.stops = frozenset(self._why_not(d))

    def end_step(self) -> None:
        """No worker is under way."""
        for alert in self.alerts:
            alert.slow_stop = False

    def _why_not(self, d: Delivery) -> set[str]:
        """What may be written of a delivery that is not, or no longer, to be handed over."""
        alert, before = d.alert, d.before
        found = {"technical-failure"} if alert.deaths >= DEATHS_TO_GIVE_UP else set()
        if alert.state == "cancelled":
            return found | fate(d, "cancelled")
        if alert.expired:
            return found | fate(d, "expired")
        if before and before.state not in STILL_MEANT:
            return found | {"suppressed"}
        is_wanted = self.may_write_to(d.resident, d.channel, d.contact, alert.topic)
        found |= ({"sent", "delivered"} if alert.is_test else set()) if is_wanted else {"suppressed"}
        if alert.old and (before or (is_wanted and d.tried)):
            found |= fate(d, "temporary-failure")  # it waited for the first alert, or nobody took it
        return found

    def see(self, d: Delivery, state: str, *, unsure: bool, under_way: bool) -> None:
        """The ledger says so: complain unless it may, and must unless workers are under way."""
        if d.alert.is_test and state == "delivered" and d.state in ("created", "sent"):
            d.history += ["sent"] if d.state == "created" else []  # the sandbox takes it, and reports at once
            self._become(d, state)
        if state != d.state:
            allowed = {d.word} if d.word else d.stops | d.old_stops | self._why_not(d)
            allowed |= d.said if d.discrepancy else set()
            assert d.state == "created", f"{d} was {d.state} and is {state} now"
            assert state in allowed, f"{d} became {state}; expected {sorted(map(str, allowed))}"
            self._become(d, state)
        if under_way:
            return
        assert d.word is None or d.late, f"{d} is {state}, although the provider said: {d.word}"
        if d.discrepancy:
            d.unsure = unsure
        elif state == "created":
            assert d.unsure == unsure or d.late, f"{d} is unsure: {unsure}; expected {d.unsure}"
            d.late = d.late and (d.word is not None or d.unsure != unsure)

    @staticmethod
    def _become(d: Delivery, state: str) -> None:
        d.state, d.word, d.late = state, None, False
        d.history.append(state)

    # what comes back

    def take_receipt(self, d: Delivery, state: str) -> bool:
        """A provider reports; whether that is news."""
        if d.state not in RECEIPT_MAY_FOLLOW[state]:
            return False
        self._become(d, state)
        if state == "permanent-failure" and not d.resident.erased:
            self.suppressed.add(d.contact.address)
        return True

    def may_retry(self, alert: Alert) -> int:
        """The status that the door for another try must answer with."""
        if alert.state not in ("sent", "sending"):
            return 409
        return 422 if alert.expired else 200

    def retried(self, d: Delivery) -> None:
        """It is to be sent again."""
        d.alert.state, d.alert.old = "sending", False
        d.state, d.word, d.discrepancy, d.excused = "created", None, False, True
        d.said = set()
        d.history.append("created")


def check_events(model: Model, kinds: Mapping[tuple[UUID, int], list[str]]) -> None:
    """Complain unless the events of every delivery tell its history, each thing once and in order."""
    for d in model.deliveries():
        told = kinds.get((d.alert.id, d.number), [])
        assert [kind for kind in told if kind in ENDED | {"created"}] == d.history, f"{d}: {told}"
        assert not d.takings or "sending" in told, f"{d} was handed over, its events are {told}"
