"""The council, its residents and what they do: the part of the machine that needs no workers."""

from httpx import Response
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, multiple, precondition, rule

from notify.core import clock
from notify.providers.base import Channel
from notify.staff.models import KeyMode, Role
from tests import moments
from tests.alerts.calls import ONE, TWO, Client, Headers, world_with_approvals
from tests.alerts.lifecycle.model import EMERGENCIES, ROADS, WARDS_OF, Contact, Delivery, Model, Resident
from tests.alerts.lifecycle.workers import sql
from tests.world import make_key

AUTHOR, COLLEAGUE, ADMIN, REHEARSER = "author", "colleague", "admin", "rehearser"
PEOPLE = [AUTHOR, COLLEAGUE, ADMIN, REHEARSER]
TOPICS = [ROADS, ONE, TWO, EMERGENCIES]
EVIDENCE = {"wording_version": "1", "wording": "Yes, write to me.", "source": "test"}


class Town(RuleBasedStateMachine):
    """A council and its residents."""

    residents: Bundle[Resident] = Bundle("residents")

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client
        world = world_with_approvals()
        self.headers: dict[str, Headers] = {
            AUTHOR: make_key(world, Role.PLANNER),
            COLLEAGUE: make_key(world, Role.PLANNER),
            ADMIN: make_key(world, Role.ADMIN),
            REHEARSER: make_key(world, Role.PLANNER, mode=KeyMode.TEST),
        }
        self.model = Model()
        self.mails: list[tuple[Delivery, str]] = []  # what arrived, each with the path of its link to leave by
        for number, home in enumerate(sorted(WARDS_OF) * 2):
            self._sign_up(number, home, TOPICS, has_phone=True)

    @initialize(target=residents)
    def everybody_lives_here(self) -> MultipleResults[Resident]:
        """Two in each kind of home. They follow everything by mail and text."""
        return multiple(*self.model.residents)

    @rule(
        target=residents,
        number=st.integers(0, 8),
        home=st.sampled_from(sorted(WARDS_OF)),
        topics=st.lists(st.sampled_from(TOPICS), min_size=1, unique=True),
        has_phone=st.booleans(),
        confirm=st.booleans(),
    )
    def signs_up(
        self, number: int, home: str, topics: list[str], has_phone: bool, confirm: bool
    ) -> MultipleResults[Resident]:
        """Somebody new, somebody who adds to what they follow, or somebody who had been erased."""
        new = self._sign_up(number, home, topics, has_phone=has_phone, confirm=confirm)
        return multiple(new) if new else multiple()

    def _sign_up(
        self, number: int, home: str, topics: list[str], *, has_phone: bool, confirm: bool = False
    ) -> Resident | None:
        known = next((one for one in self.model.residents if one.number == number and not one.erased), None)
        addresses = {Channel.EMAIL: f"r{number}@example.org"}
        if has_phone:
            addresses[Channel.SMS] = f"+4477009000{number:02}"
        confirm = confirm and known is None
        moments.ahead(seconds=90)  # a clock that was wrong before must not make their word older than their leaving
        request = {
            "contacts": [{"channel": channel, "address": address} for channel, address in addresses.items()],
            "places": [{"postcode": home}],
            "topics": topics,
            "consent": EVIDENCE | {"given_at": clock.now().isoformat()},  # today's word, also of who had left
            "confirm": confirm,
        }
        reply = self.ask("POST", "subscribers", request, expected=200 if known else 201)
        resident = known or Resident(number, reply.json()["id"])
        resident.postcodes.add(home)
        for topic in topics:
            resident.follows.setdefault(topic, set()).update(addresses)
        for row in sql("SELECT id, channel, address FROM contact WHERE subscriber_id = :id", id=resident.id):
            contact = resident.contacts.setdefault(Channel(row.channel), Contact(row.id, row.address, False))
            contact.confirmed |= row.channel in addresses and not confirm
        if known:
            return None
        self.model.residents.append(resident)
        return resident

    def ask(self, method: str, path: str, json: object = None, *, expected: int) -> Response:
        """The administrator asks, and gets this status."""
        reply = self.client.request(method, f"/api/v1/{path}", json=json, headers=self.headers[ADMIN])
        assert reply.status_code == expected, reply.text
        return reply

    @precondition(lambda self: self.mails)
    @rule(everything=st.booleans(), which=st.integers(0, 99))
    def somebody_leaves_by_a_link(self, everything: bool, which: int) -> None:
        """One click in a mail that arrived, however long ago."""
        delivery, path = self.mails[which % len(self.mails)]
        reply = self.client.post(path, data={"scope": "all" if everything else "topic"})
        assert reply.status_code == 200, reply.text
        delivery.resident.leave(None if everything else delivery.alert.topic)

    @rule(resident=residents, topics=st.none() | st.sets(st.sampled_from(TOPICS), min_size=1))
    def is_taken_off(self, resident: Resident, topics: set[str] | None) -> None:
        """They follow these topics no longer, or (None) are erased."""
        kept = sorted(set(resident.follows) - (topics or set()))
        path = f"subscribers/{resident.id}"
        if topics:
            self.ask("PATCH", path, {"topics": kept}, expected=404 if resident.erased else 200)
            resident.follows = {topic: resident.follows[topic] for topic in kept}
        else:
            self.ask("DELETE", path, expected=404 if resident.erased else 204)
            resident.follows, resident.erased = {}, True
