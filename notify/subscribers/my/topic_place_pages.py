"""For which of their places a resident follows a topic: all of them, or some only."""

import hashlib
from collections.abc import Sequence
from uuid import UUID

from litestar import Response
from litestar.params import FromPath, RawBody
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from notify.core.db import transaction
from notify.core.errors import NotFound
from notify.core.form_fields import FieldError
from notify.languages import _, later
from notify.places.postcodes import canonical
from notify.subscribers import topic_places
from notify.subscribers.guards import resident_of
from notify.subscribers.models import Subscription, Topic
from notify.subscribers.my import questions
from notify.subscribers.queries import SubscriberRecord
from notify.web.forms import read_form
from notify.web.routes import PublicRequest, page_get, page_post
from notify.web.templates import page
from notify.web.visitor_language import link


class TopicNotFollowed(NotFound):
    """The resident does not follow this topic."""

    title = later("You do not follow this topic")


def _following(record: SubscriberRecord, topic_id: UUID) -> tuple[Subscription, Topic]:
    for subscription, topic in record.subscriptions:
        if topic.id == topic_id:
            return subscription, topic
    raise TopicNotFollowed(_("Go back to your alerts and choose what to change."))


def _chosen(record: SubscriberRecord, subscription: Subscription) -> list[str]:
    """The postcodes of the places that the topic is followed for."""
    return [
        one.postcode for one in record.places if subscription.only_at is None or one.postcode in subscription.only_at
    ]


def _version(record: SubscriberRecord, subscription: Subscription) -> str:
    said = [sorted(place.postcode for place in record.places), sorted(subscription.only_at or [])]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _page(
    record: SubscriberRecord,
    topic_id: UUID,
    chosen: Sequence[str] | None = None,
    field_errors: Sequence[FieldError] = (),
    *,
    is_changed: bool = False,
) -> Response[object]:
    subscription, topic = _following(record, topic_id)
    now = _chosen(record, subscription)
    return page(
        "my/topic-places.html",
        status=409 if is_changed else 422 if field_errors else 200,
        field_errors=field_errors,
        is_changed=is_changed,
        version=_version(record, subscription),
        topic_id=topic_id,
        topic=topic.words.name,
        places=[(place, canonical(place.postcode)) for place in record.places],
        now=[place.label for place in record.places if place.postcode in now],
        chosen=now if chosen is None else chosen,
    )


@page_get("/my/topic-places/{topic_id:uuid}")
def ask(request: PublicRequest, topic_id: FromPath[UUID]) -> Response[object]:
    """The resident's places, to choose among."""
    with transaction() as session:
        return _page(resident_of(session, request), topic_id)


@page_post("/my/topic-places/{topic_id:uuid}")
def choose(request: PublicRequest, topic_id: FromPath[UUID], body: RawBody) -> Response[object]:
    """Follow the topic for these places; for all of them means also for those that are added later."""
    form = read_form(body)
    with transaction() as session:
        questions.hold(session, resident_of(session, request))
        record = resident_of(session, request)
        subscription, _topic = _following(record, topic_id)
        chosen = [place.postcode for place in record.places if place.postcode in form.all("place")]
        if form.one("version") != _version(record, subscription):
            return _page(record, topic_id, chosen, is_changed=True)
        if not chosen:
            advice = _("Select at least one place. To stop these alerts, change your topics instead.")
            return _page(record, topic_id, chosen, [FieldError("place", advice)])
        everywhere = len(chosen) == len(record.places)
        topic_places.limit(session, record.subscriber.id, topic_id, None if everywhere else chosen)
    return Redirect(link("/my", saved="true"), status_code=303)


HANDLERS: Sequence[ControllerRouterHandler] = (ask, choose)
