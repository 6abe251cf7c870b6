"""The debrief report of an incident: what was decided when, who was reached, what people replied, what it cost."""

from collections.abc import Sequence

from sqlmodel import Session

from notify.alerts.incidents.models import Incident
from notify.alerts.models import FollowUp
from notify.charts.words import pounds
from notify.core.clock import uk_second, uk_time
from notify.evidence.report import Report, Section
from notify.incidents.desk import Desk, desk_of, topic_names
from notify.incidents.figures import IncidentFigures
from notify.insight import queries as insight
from notify.staff.rights import Actor

KINDS = {None: "alert", FollowUp.UPDATE: "update", FollowUp.ALL_CLEAR: "all-clear"}


def debrief(session: Session, by: Actor, incident: Incident) -> Report:
    """What is known of the incident now, as far as this actor's remit goes."""
    desk = desk_of(session, by, incident)
    until = f"to {uk_time(incident.ended_at)}" if incident.ended_at else "and it goes on"
    topics = ", ".join(topic_names(session, desk.alerts))
    training = "A training exercise. " if incident.is_training else ""
    return Report(
        title=f"Debrief: {incident.name}",
        intro=f"{training}From {uk_time(incident.opened_at)} {until}. Topics: {topics}. All times are UK time.",
        sections=[
            _decisions(desk),
            _first_sent(session, desk),
            *_people(desk.figures),
            _messages(desk.figures),
            _replies(desk.figures),
            Section("Calls and costs", "", ("What", "How many"), _sums(desk)),
            *_notes(desk),
            *(Section(f"Words of the {KINDS[one.follow_up]} “{one.title}”", one.body) for one in desk.alerts),
        ],
    )


def _decisions(desk: Desk) -> Section:
    rows = [
        [uk_second(one.at), one.words] for one in reversed(desk.happened) if one.kind in ("deed", "sent", "replies")
    ]
    return Section("What happened when", "", ("When", "What"), rows)


def _first_sent(session: Session, desk: Desk) -> Section:
    """How long it took from the first word that was written to the first and to 95% of the messages."""
    rows: list[list[str]] = []
    for alert in desk.alerts:
        if alert.expanded_at is None:
            continue
        figures = insight.figures(session, alert)
        waited = (alert.expanded_at - alert.created_at).total_seconds() / 60
        speed = "not yet" if figures.time_to_95 is None else f"{figures.time_to_95:,.1f} seconds"
        rows.append([alert.title, uk_second(alert.expanded_at), f"{waited:,.1f} minutes", speed])
    heads = ("Alert", "Began to be sent", "After it was written", "95% accepted within")
    return Section("How fast it was", "", heads, rows)


def _people(figures: IncidentFigures) -> Sequence[Section]:
    if figures.is_detail_removed:
        words = "Who got the alerts was removed after the council’s retention period."
        return [Section("People by ward", words)]
    heads = ("Ward", "People", "Receipt or reply", "No receipt", "Not reached", "Waiting")
    rows = [
        [one.name, *(f"{number:,}" for number in (one.people, one.known, one.no_receipt, one.not_reached, one.waiting))]
        for one in (*figures.by_ward, figures.people)
    ]
    return [Section("People by ward", "Each person is in one column.", heads, rows)]


def _messages(figures: IncidentFigures) -> Section:
    heads = ("Channel", "Messages", "Accepted", "Delivered", "No receipt", "Failed", "Not sent", "Waiting")
    rows = [
        [
            one.name,
            *(f"{number:,}" for number in (one.messages, one.accepted, one.delivered, one.no_receipt)),
            *(f"{number:,}" for number in (one.failed, one.not_sent, one.waiting)),
        ]
        for one in (*figures.by_channel, figures.messages)
    ]
    words = "Accepted: a provider took it. Delivered: a receipt says so. No receipt: accepted, and no word since."
    return Section("Messages by channel", words, heads, rows)


def _replies(figures: IncidentFigures) -> Section:
    if not figures.asks:
        return Section("Replies", "The alerts did not ask for replies.")
    people = figures.people
    rows = [
        ["Asked", f"{people.asked:,}"],
        ["Asked for help", f"{people.help:,}"],
        ["Safe", f"{people.safe:,}"],
        ["Not answered", f"{people.not_answered:,}"],
        ["Of these not found by a call or visit", f"{people.unknown:,}"],
    ]
    return Section("Replies", "Each person’s last reply counts.", ("What", "People"), rows)


def _sums(desk: Desk) -> list[list[str]]:
    cost = desk.figures.cost
    return [
        ["Cost of messages", "no price is set" if cost is None else pounds(cost)],
        ["Calls received about its topics", "none were uploaded" if desk.calls is None else f"{desk.calls:,}"],
    ]


def _notes(desk: Desk) -> Sequence[Section]:
    rows = [
        [
            uk_second(one.at),
            one.who,
            "Handover" if one.kind == "handover" else "Note",
            one.words + (f" Still open: {one.more}" if one.more else ""),
            ", ".join(one.readers),
        ]
        for one in reversed(desk.happened)
        if one.kind in ("note", "handover")
    ]
    return [Section("Notes and handovers", "", ("When", "By", "Kind", "Words", "Read by"), rows)] if rows else []
