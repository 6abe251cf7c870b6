"""What was sent to a resident, and everything held about them: for themselves, after sign-in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from babel.dates import format_datetime
from litestar import Response
from litestar.params import QueryParameter
from litestar.types import ControllerRouterHandler
from sqlmodel import Session

from notify.core import csv_cells
from notify.core.clock import LONDON
from notify.core.db import transaction
from notify.deliveries import queries, subject_access
from notify.deliveries.models import DeliveryState
from notify.languages import _, later, spoken
from notify.places.postcodes import canonical
from notify.places.queries import names_by_code
from notify.staff.council_settings.effective import settings_of
from notify.subscribers.guards import Membership, memberships_of
from notify.subscribers.my import choices
from notify.subscribers.my.email_preferences import FORMATS
from notify.subscribers.queries import SubscriberRecord
from notify.subscribers.sign_up.form import tongues, ways_in_words
from notify.web.dates import day
from notify.web.routes import PublicRequest, page_get
from notify.web.templates import page

PAGE = 20
PageNumber = Annotated[int, QueryParameter(name="page", ge=1, le=1000)]


# the result of a message, in a resident's words
OUTCOMES: Mapping[DeliveryState, str] = {
    DeliveryState.CREATED: later("Sending"),
    DeliveryState.SENDING: later("Sending"),
    DeliveryState.SENT: later("Sent"),
    DeliveryState.DELIVERED: later("Delivered"),
    DeliveryState.PERMANENT_FAILURE: later("Not delivered: the address does not accept messages"),
    DeliveryState.TEMPORARY_FAILURE: later("Not delivered: we tried for a day"),
    DeliveryState.TECHNICAL_FAILURE: later("Not delivered: something went wrong on our side"),
    DeliveryState.CANCELLED: later("Not sent: the council cancelled it"),
    DeliveryState.EXPIRED: later("Not sent: it had expired"),
    DeliveryState.SUPPRESSED: later("Not sent: you had stopped or paused it"),
    DeliveryState.UNKNOWN: later("Sent: we do not know if it arrived"),
}

# where something was said, by what the consent ledger keeps
WHERE_SAID: Mapping[str, str] = {
    "website": later("On our website"),
    "link": later("By the link in a message"),
    "code": later("With the code from a text or call"),
    "one-click": later("With your email program’s unsubscribe button"),
    "phone": later("By telephone"),
    "counter": later("At the council’s counter"),
    "paper": later("On a paper form"),
}


@page_get("/my/sent")
def show_sent(request: PublicRequest, number: PageNumber = 1) -> Response[object]:
    """What was sent to this resident, a page at a time."""
    with transaction() as session:
        records = [one.record for one in memberships_of(session, request)]
        found = _sent_to(session, records, passed=(number - 1) * PAGE, most=PAGE + 1)
        holds = settings_of(session, [record.subscriber.council_id for record in records])
    return page(
        "my/sent.html",
        messages=found[:PAGE],
        has_more=len(found) > PAGE,
        number=number,
        moment=_moment,
        outcomes=OUTCOMES,
        days=max(own.retention_days for own in holds.values()),
    )


def _sent_to(
    session: Session, records: Sequence[SubscriberRecord], *, passed: int = 0, most: int
) -> Sequence[queries.Sent]:
    subscribers = [record.subscriber.id for record in records]
    contacts = [contact.id for record in records for contact in record.contacts]
    return queries.sent_to(session, subscribers, contacts, passed=passed, most=most)


def _moment(at: datetime) -> str:
    """“27 Nov 2026, 18:05” on the UK clock, in the language of the visit."""
    return str(format_datetime(at.astimezone(LONDON), "d MMM y, HH:mm", locale=spoken()))


def _everything(session: Session, held: Sequence[Membership]) -> dict[str, object]:
    """What subscribing stored, council by council if there are several, and every message with what its reader did."""
    return _stored(session, held) | {"messages": subject_access.messages_of(session, [one.record for one in held])}


def _stored(session: Session, held: Sequence[Membership]) -> dict[str, object]:
    """One council's as it is; of several a list, each with its council's name."""
    if len(held) == 1:
        return choices.held_about(session, held[0].record)
    return {"councils": [{"council": one.council_name} | choices.held_about(session, one.record) for one in held]}


@page_get("/my/data")
def show_everything(request: PublicRequest) -> Response[object]:
    """Everything held about this resident, to read."""
    with transaction() as session:
        mine = memberships_of(session, request)
        held = [(one.council_name, choices.held_about(session, one.record)) for one in mine]
        places = [place for one in mine for place in one.record.places]
        areas = names_by_code(session, {code for place in places for code in (place.ward_code, place.district_code)})
    return page(
        "my/data.html",
        memberships=held,
        areas=areas,
        ways_in_words=ways_in_words,
        canonical=canonical,
        on_day=_day,
        said_where=_said_where,
        tongues=tongues(),
        formats=FORMATS,
    )


def _day(written: str) -> str:
    """“27 November 2026” of a moment as files have it, on the UK clock."""
    return day(datetime.fromisoformat(written).astimezone(LONDON).date())


def _said_where(source: str) -> str:
    """Where a resident said something, in words: files keep it as the consent ledger has it."""
    kind, _colon, campaign = source.partition(":")
    known = WHERE_SAID.get(kind.strip())
    return (_(known) + (f" ({campaign.strip()})" if campaign and kind == "website" else "")) if known else source


@page_get("/my/data.json")
def download_everything(request: PublicRequest) -> Response[dict[str, object]]:
    """The same for a program, with every message, as data protection law grants it."""
    with transaction() as session:
        held = _everything(session, memberships_of(session, request))
    return Response(held, headers={"Content-Disposition": 'attachment; filename="my-alerts.json"'})


@page_get("/my/data.csv")
def download_table(request: PublicRequest) -> Response[str]:
    """The same as a table: one line for each fact."""
    with transaction() as session:
        held = _everything(session, memberships_of(session, request))
    headers = {"Content-Disposition": 'attachment; filename="my-alerts.csv"'}
    return Response(csv_cells.csv_of(("what", "value"), csv_cells.facts(held)), media_type="text/csv", headers=headers)


HANDLERS: Sequence[ControllerRouterHandler] = (show_sent, show_everything, download_everything, download_table)
