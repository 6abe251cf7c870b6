"""Answers about bin collections. Who collects, under which contract and in which lorries, is not the platform's to say."""

from collections.abc import Callable, Mapping
from functools import partial

from notify.evidence.answer import Answer, Figure, answered, not_held, partly
from notify.evidence.facts import Facts
from notify.evidence.other_answers import bin_alerts
from notify.waste import figures
from notify.waste.figures import LOOK_UPS_A_CALL, WasteFigures
from notify.waste.models import EventKind

PAGE = "page /staff/bins/figures"
CONTRACT = "Contracts and rounds are arranged outside this platform."


def _found(known: Facts) -> WasteFigures:
    return figures.figures(known.session, known.council.id, known.since, known.until)


def _figure(key: str, name: str, value: float | None, unit: str, source: str) -> Figure:
    return Figure(key, name, value, unit, f"{source}; {PAGE}")


def printed(known: Facts) -> Answer:
    """5.8"""
    return partly(
        "Every home has a year on one page to print at /bins, at no cost. Whether the council also sends printed "
        "calendars is not held here."
    )


def changes(known: Facts) -> Answer:
    """5.9"""
    found = _found(known)
    return partly(
        "By message to residents with a reminder for the home (on the channels that they chose), on the page and in the "
        "calendar of the home. Print is not held here.",
        *bin_alerts(known),
        _figure("5.9.reminders", "Reminders", found.reminders, "messages", "alert.recipients of reminders"),
        _figure(
            "5.9.changes", "Messages about a changed day", found.changes, "messages", "alert.recipients of changes"
        ),
        _figure(
            "5.9.campaigns", "Messages about new rounds", found.campaigns, "messages", "alert.recipients of campaigns"
        ),
        _figure(
            "5.9.people", "Subscribers with a reminder now", found.people_reminded, "people", "collection_reminder"
        ),
    )


def database(known: Facts) -> Answer:
    """5.11"""
    found = _found(known)
    if not found.homes:
        return partly("This platform can hold one. The council has put no collection days into force here.")
    return answered(
        "Yes, on this platform: rounds, rules and the rounds of each home, by property reference.",
        _figure("5.11.homes", "Homes in the release in force", found.homes, "homes", "collection_release"),
        _figure("5.11.rounds", "Rounds", found.rounds, "rounds", "collection_rule"),
        _figure("5.11.streams", "Streams", found.streams, "streams", "waste_stream"),
    )


def interface(_: Facts) -> Answer:
    """5.12"""
    return answered(
        "Yes: /api/v1/collections and /api/v1/rounds without a key, rounds as CSV at /bins/rounds.csv, an iCalendar feed for "
        "each home, webhooks about changes, and signed calls from contractors. What a household pays for is not open data."
    )


def real_time(known: Facts) -> Answer:
    """5.17"""
    found = _found(known)
    kinds = {
        EventKind.MOVED: "Moved or delayed",
        EventKind.NOT_COMPLETED: "Not completed",
        EventKind.CANCELLED: "Cancelled",
    }
    return partly(
        "Delays, missed and cancelled collections are shown on the home's page and told within a minute. Where lorries are "
        "is not held here.",
        *(
            _figure(f"5.17.{kind.value}", name, found.events[kind], "events", "waste_event")
            for kind, name in kinds.items()
        ),
    )


def process(_: Facts) -> Answer:
    """5.18"""
    return answered(
        "New rounds are loaded beside those in force, compared home by home, and put into force in one step by an officer "
        "with the right to change collection days. Those whose days change get one message with the old and new day. Every "
        "step is in the audit trail."
    )


def updated(known: Facts) -> Answer:
    """5.19"""
    found = _found(known)
    return partly(
        "Releases that were put into force in this period.",
        _figure("5.19.releases", "Releases put into force", found.releases, "releases", "collection_release"),
    )


def ahead(known: Facts) -> Answer:
    """5.20"""
    found = _found(known)
    if found.next_days is None:
        return not_held("No collection days are in force on this platform.")
    return partly(
        "For how many days from today dates are shown to residents. When rounds are planned is not held here.",
        _figure("5.20.days", "Days ahead that are shown", found.next_days, "days", "collection_release.fresh_until"),
    )


def app(known: Facts) -> Answer:
    """5.21"""
    found = _found(known)
    avoided = found.calls_avoided()
    return answered(
        "There are pages that work on telephones without an app or an account: next dates, a month, a calendar feed and "
        f"reminders. If one in {LOOK_UPS_A_CALL} look-ups or reminders replaces a call, about {avoided:,} calls were "
        "avoided; that is an assumption.",
        _figure("5.21.look-ups", "Look-ups", found.look_ups, "look-ups", "collection_use"),
        _figure("5.21.calendars", "Readings of calendar feeds", found.calendars, "readings", "collection_use"),
    )


def built(_: Facts) -> Answer:
    """5.22"""
    return partly("There is no app. The pages are part of this platform.")


def no_app_cost(_: Facts) -> Answer:
    """5.23"""
    return partly(
        "There is no app, so none was developed or is maintained. What the platform costs is answered in 1.14."
    )


def outside(_: Facts, *, why: str) -> Answer:
    """What only the council or its contractor knows."""
    return not_held(why)


ANSWERS: Mapping[str, Callable[[Facts], Answer]] = {
    "5.8": printed, "5.9": changes, "5.11": database, "5.12": interface,
    "5.13": partial(outside, why="Who manages the service is known to the council."),
    "5.14": partial(outside, why=CONTRACT),
    "5.15": partial(outside, why="What is shown here was loaded by the council; who writes it is known to the council."),
    "5.16": partial(outside, why=CONTRACT),
    "5.17": real_time, "5.18": process, "5.19": updated, "5.20": ahead, "5.21": app, "5.22": built, "5.23": no_app_cost,
}  # fmt: skip
