"""One subscriber to add, read and normalised."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from notify.core.errors import Invalid
from notify.languages import _
from notify.places.postcodes import normalise as normalise_postcode
from notify.providers import addresses
from notify.providers.base import Channel
from notify.subscribers.models import NewSubscriber, Topic


class AddressTaken(Invalid):
    """The resident already has another address of this kind."""

    title = "There is another address already"


class TopicNotOffered(Invalid):
    """The topic has ended or is about to: nobody new may follow it."""

    title = "The topic takes no new subscribers"


class TopicNotOnChannel(Invalid):
    """The topic is not sent the way this resident can be reached."""

    title = "The topic is not sent on this channel"


@dataclass(frozen=True, slots=True)
class Entry:
    """One resident to add, with the topics already looked up. `row` names the entry in a report, and `given_at` is when
    this one agreed, where that is not the same for all.
    """

    row: int
    person: NewSubscriber
    topics: Sequence[Topic]
    given_at: datetime | None = None


def addresses_of(person: NewSubscriber, *, strict: bool) -> list[tuple[Channel, str, bytes]]:
    """Each contact normalised with its fingerprint. Not strict: what is not valid is left out."""
    found = []
    for contact in person.contacts:
        try:
            address = addresses.normalise(contact.channel, contact.address)
        except addresses.AddressNotValid:
            if strict:
                raise
            continue
        found.append((contact.channel, address, addresses.fingerprint(contact.channel, address)))
    if strict and len({channel for channel, _address, _hash in found}) < len(found):
        raise AddressTaken(_("Give one address of each kind."))
    return found


def postcode_keys(person: NewSubscriber) -> list[str]:
    """The keys of their postcodes; what is none is left out."""
    keys = []
    for place in person.places:
        try:
            keys.append(normalise_postcode(place.postcode))
        except Invalid:
            continue
    return keys


def channels_per_topic(entry: Entry) -> list[tuple[Topic, Sequence[Channel]]]:
    """Each topic with the channels that it can be sent by to these contacts.

    Raises: TopicNotOffered, TopicNotOnChannel.
    """
    reachable = [contact.channel for contact in entry.person.contacts]
    following: list[tuple[Topic, Sequence[Channel]]] = []
    for topic in entry.topics:
        if not topic.is_offered:
            raise TopicNotOffered(_("{topic} has ended or is about to. Choose another topic.", topic=topic.words.name))
        channels = [channel for channel in reachable if channel in topic.channels]
        if not channels:
            raise TopicNotOnChannel(
                _("{topic} is sent by {ways} only.", topic=topic.words.name, ways=", ".join(topic.channels))
            )
        following.append((topic, channels))
    return following
