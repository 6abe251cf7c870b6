"""Questions 1.14 to 1.28: emergencies."""

from notify.channels import Channel
from notify.charts.words import pounds
from notify.evidence import facts
from notify.evidence.answer import Answer, Figure, answered, not_held, partly
from notify.evidence.facts import Facts
from notify.evidence.resident_answers import listed
from notify.staff.budgets import in_pounds

ALERTS = "rollup_alert; page /staff/archive"


def ways(known: Facts) -> Answer:
    """1.14"""
    figures = listed("1.14", known.rows(facts.EMERGENCY_CHANNELS), "messages", "rollup_cell")
    return partly(
        "By every way residents gave, and on the council's public alert pages with Atom, JSON and CAP feeds. Phone lines, "
        "press and social media are not held here.",
        *figures,
    )


def placed(known: Facts) -> Answer:
    """1.15"""
    every, some = known.one(facts.EMERGENCIES), known.one(facts.EMERGENCY_PLACED)
    return answered(
        f"Yes: by ward, district, full postcode, drawn area and distance. {some} of {every} emergency alerts were for some "
        "places only.",
        Figure("1.15.placed", "Emergency alerts for some places", some, "alerts", "alert.audience"),
        Figure("1.15.all", "Emergency alerts", every, "alerts", ALERTS),
    )


def effectiveness(known: Facts) -> Answer:
    """1.16"""
    recipients, sent = known.one(facts.EMERGENCY_RECIPIENTS), known.one(facts.EMERGENCY_SENT)
    share = round(100 * sent / recipients, 1) if recipients else None
    return answered(
        "Each emergency has a live page and a report: how many were reached and how fast, by ward, what they replied, and "
        "who was not reached and why.",
        Figure("1.16.reached", "Sent", share, "per cent of messages", "rollup_alert"),
        Figure("1.16.time", "Usual time until 95% were sent", known.number(facts.EMERGENCY_TIME), "seconds", "rollup_alert.time_to_95"),
        Figure("1.16.replies", "Replies (safe, or in need of help)", known.one(facts.REPLIES), "replies", "reply, rollup_reply"),
    )  # fmt: skip


def kinds(known: Facts) -> Answer:
    """1.17"""
    rows = known.rows(facts.EMERGENCY_KINDS)
    most = ", ".join(f"{row['name']} ({row['number']})" for row in rows) or "none in this period"
    return answered(f"Emergency alerts by their event: {most}.", *listed("1.17", rows, "alerts", "alert.event"))


def unreached(known: Facts) -> Answer:
    """1.18"""
    missing, failed = known.one(facts.EMERGENCY_UNREACHED), known.one(facts.EMERGENCY_FAILED)
    return answered(
        f"{missing:,} emergency messages were not sent and {failed:,} failed. Each emergency lists whom it did not "
        "reach and why, by ward, for calls and door-knocking.",
        Figure("1.18.missing", "Not sent", missing, "messages", "rollup_alert"),
        Figure("1.18.failed", "Failed", failed, "messages", "rollup_alert"),
    )


def enquiries(known: Facts) -> Answer:
    """1.19"""
    calls, emergencies = known.one(facts.CALLS), known.one(facts.EMERGENCIES)
    replies = known.one(facts.REPLIES)
    figures = (
        Figure("1.19.replies", "Replies to emergency alerts", replies, "replies", "reply, rollup_reply"),
        Figure(
            "1.19.calls", "Calls imported for this period", calls, "calls", "call_volume; page /staff/figures/calls"
        ),
    )
    if not calls:
        return not_held("No call volumes were imported for this period (Figures, Calls).", *figures)
    return partly(
        f"{calls:,} calls were imported for this period, in which {emergencies} emergency alerts went out; page Calls lays "
        "them over each. Emails to the council are not held here.",
        *figures,
    )


def per_call(known: Facts) -> Answer:
    """1.20"""
    if known.one(facts.CALL_COST_EXEMPT):
        return not_held("The council has marked the cost of a call as exempt from disclosure.")
    pence = known.number(facts.CALL_COST)
    if pence is None:
        return not_held("Nobody has entered what a call costs (Figures, Costs).")
    return answered(
        f"{pounds(pence / 100)} a call, as the council entered it.",
        Figure(
            "1.20.call", "Cost of a call", round(pence / 100, 2), "pounds", "cost_assumption; page /staff/figures/costs"
        ),
    )


def effort(known: Facts) -> Answer:
    """1.21"""
    cost, minutes = in_pounds(known.one(facts.EMERGENCY_COST)), known.one(facts.STAFF_MINUTES)
    return partly(
        f"Messages of emergencies cost {pounds(cost)}; officers noted {minutes} minutes of work on them. Media spend is not "
        "held here.",
        Figure("1.21.cost", "Cost of emergency messages", cost, "pounds", "rollup_alert.cost"),
        Figure("1.21.minutes", "Staff time noted", minutes, "minutes", "staff_time"),
    )


def budget(known: Facts) -> Answer:
    """1.22"""
    pence = known.number(facts.BUDGET)
    if pence is None:
        return not_held("No budget for messages is set. Emergencies are never stopped for money.")
    return partly(
        f"{pounds(pence / 100)} a month for all messages. Emergencies have no budget of their own and are never stopped for "
        "money.",
        Figure("1.22.budget", "Budget for messages", round(pence / 100, 2), "pounds a month", "budget"),
    )


def delays(known: Facts) -> Answer:
    """1.23"""
    [row] = known.rows(facts.LEVELS)
    late = int(row["alerts"]) - int(row["met"])
    return partly(
        f"{late} emergency alerts missed the council's own target for time; their causes are on page Service levels. "
        "Effects on reputation are not held here.",
        Figure("1.23.late", "Emergency alerts that missed the target", late, "alerts", "service_result; page /staff/figures/service-levels"),
    )  # fmt: skip


def third_parties(known: Facts) -> Answer:
    """1.24"""
    email, texts = known.carriers(Channel.EMAIL), known.carriers(Channel.SMS)
    return partly(
        f"This platform, with the adapters {email} (email) and {texts} (text messages). "
        "Tools beside it are not held here."
    )


def integrated(known: Facts) -> Answer:
    """1.25"""
    return answered(
        "Yes: public alert pages by ward and topic that work on telephones, Atom, JSON and CAP feeds, and a widget for the "
        "council's own site.",
        Figure("1.25.alerts", "Alerts sent in this period", known.total.alerts, "alerts", "rollup_alert"),
    )


def dedicated(known: Facts) -> Answer:
    """1.26"""
    exercises = known.one(facts.EXERCISES)
    return answered(
        f"Yes, this platform: emergency broadcasts in three screens, with approval. {exercises} exercises were held.",
        Figure("1.26.exercises", "Exercises", exercises, "exercises", "alert.is_training"),
    )


def geographic(known: Facts) -> Answer:
    """1.27"""
    wards, postcodes = len(known.rows(facts.WARDS)), known.one(facts.POSTCODES)
    return answered(
        f"Yes, this platform, with {postcodes:,} postcodes and {wards} wards of the council's area.",
        Figure("1.27.wards", "Wards", wards, "wards", "area"),
        Figure("1.27.postcodes", "Postcodes", postcodes, "postcodes", "postcode"),
    )


def measured(known: Facts) -> Answer:
    """1.28"""
    sent = known.one(facts.EMERGENCY_SENT)
    return answered(
        "Yes: reach and time by channel and ward, live and afterwards, and replies. Opens and clicks of emergencies are "
        "never tracked.",
        Figure("1.28.sent", "Emergency messages sent", sent, "messages", "rollup_alert"),
    )


ANSWERS = {
    "1.14": ways, "1.15": placed, "1.16": effectiveness, "1.17": kinds, "1.18": unreached, "1.19": enquiries,
    "1.20": per_call, "1.21": effort, "1.22": budget, "1.23": delays, "1.24": third_parties, "1.25": integrated,
    "1.26": dedicated, "1.27": geographic, "1.28": measured,
}  # fmt: skip
