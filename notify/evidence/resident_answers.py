"""Questions 1.1 to 1.13: messages to residents, what they choose, and how far it reaches them."""

from collections.abc import Mapping, Sequence
from typing import Any

from notify.channels import CHANNELS, Channel, label
from notify.charts.words import pounds
from notify.evidence import facts
from notify.evidence.answer import Answer, Figure, answered, not_held, partly
from notify.evidence.facts import Facts
from notify.insight.council.slices import By
from notify.insight.open_data.disclosure import FEWEST_SHOWN
from notify.staff.budgets import in_pounds

CELLS = "rollup_cell; page /staff/figures/channels"


def listed(prefix: str, rows: Sequence[Mapping[str, Any]], unit: str, source: str) -> list[Figure]:
    """A figure for each row that has a `name` and a `number`."""
    return [Figure(f"{prefix}.{row['name']}", str(row["name"]), int(row["number"]), unit, source) for row in rows]


def tools(known: Facts) -> Answer:
    """1.1"""
    figures = [
        Figure(f"1.1.{one.key}", f"Messages sent by {label(one.key).lower()}", one.sent, "messages", CELLS)
        for one in known.by_channel
    ]
    ways = ", ".join(f"{label(one.key).lower()} ({one.sent:,})" for one in known.by_channel) or "none in this period"
    return answered(f"This platform sends by {_offered()}. Sent: {ways}.", *figures)


def _offered() -> str:
    *others, last = (about.in_sentence for about in CHANNELS.values())
    return f"{', '.join(others)} and {last}"


def providers(known: Facts) -> Answer:
    """1.2"""
    rows = known.sliced(By.PROVIDER)
    figures = [
        Figure(f"1.2.{one.key}", f"Messages handed to {one.key}", one.sent, "messages", "rollup_cell; page /staff/figures/providers")
        for one in rows if one.key
    ]  # fmt: skip
    named = f"email: {known.carriers(Channel.EMAIL)}; text messages: {known.carriers(Channel.SMS)}"
    return answered(
        f"The platform is run by the council or on its behalf. It hands messages to these adapters, in order of "
        f"preference: {named}. Each message keeps its provider and the provider's reference.",
        *figures,
    )


def segments(known: Facts) -> Answer:
    """1.3"""
    figures = listed("1.3", known.rows(facts.TARGETED), "alerts", "alert.audience; page /staff/archive")
    by_topic = known.sliced(By.TOPIC)
    figures += [
        Figure(f"1.3.topic.{one.key}", f"{one.name}: alerts", one.alerts, "alerts", "rollup_alert") for one in by_topic
    ]
    return answered(
        "Yes: by the topics that residents chose and by place (ward, district, full postcode, drawn area, distance from "
        "a point). The audience is kept with each alert. Vulnerability is not recorded.",
        *figures,
    )


def urgent(known: Facts) -> Answer:
    """1.4"""
    count = known.one(facts.EMERGENCIES)
    typical = known.number(facts.EMERGENCY_TIME)
    figures = [
        Figure("1.4.alerts", "Emergency alerts", count, "alerts", "rollup_alert"),
        Figure("1.4.sent", "Emergency messages sent", known.one(facts.EMERGENCY_SENT), "messages", "rollup_alert"),
        Figure("1.4.time", "Usual time until 95% were sent", typical, "seconds", "rollup_alert.time_to_95"),
    ]
    words = f"By {_offered()} at once, on workers of their own, and on public pages and feeds."
    return answered(f"{words} {count} emergency alerts went out in this period.", *figures)


def languages(known: Facts) -> Answer:
    """1.5"""
    figures = [
        Figure(f"1.5.sent.{one.key}", f"Messages in {one.key}", one.sent, "messages", "rollup_cell; page /staff/figures/languages")
        for one in known.sliced(By.LANGUAGE)
    ]  # fmt: skip
    figures += listed("1.5.residents", known.rows(facts.LANGUAGES), "residents", "subscriber.language")
    offered = ", ".join(("en", "cy", *known.own.languages))
    return answered(
        f"Yes. Residents choose among: {offered}. The author of an alert gives its translations; where there is none, "
        "the resident gets English.",
        *figures,
    )


def accessible(known: Facts) -> Answer:
    """1.6"""
    figures = listed("1.6", known.rows(facts.FORMATS), "residents", "subscriber.mail_format")
    return answered(
        "Pages and emails are made to WCAG 2.2 AA and checked by axe in every state (see /accessibility and "
        "/staff/evidence). Each email has a plain text part; residents may choose plain text or large print; alert "
        "pages read well aloud, and voice calls read alerts out.",
        *figures,
    )


def frequency(known: Facts) -> Answer:
    """1.7"""
    months = max(1, round((known.until - known.since).days / 30.4))
    rows = known.sliced(By.TOPIC)
    figures = [
        Figure(f"1.7.{one.key}", one.name, one.alerts, "alerts", "rollup_alert; page /staff/figures/topics")
        for one in rows
    ]
    said = "; ".join(f"{one.name}: {one.alerts} ({one.alerts / months:.1f} a month)" for one in rows)
    return answered(f"Alerts by topic: {said or 'none in this period'}.", *figures)


def tracked(known: Facts) -> Answer:
    """1.8"""
    return answered(
        "This platform keeps a ledger with one line a message and every event about it. It is connected by a REST API, "
        "signed webhooks and regular extracts.",
        Figure(
            "1.8.recorded", "Messages in the ledger of this period", known.total.recipients, "messages", "rollup_alert"
        ),
        Figure("1.8.keys", "API keys in force", known.one(facts.KEYS), "keys", "api_key"),
        Figure("1.8.receivers", "Webhook receivers", known.one(facts.RECEIVERS), "receivers", "contact"),
    )


def spent(known: Facts) -> Answer:
    """1.9"""
    cost = in_pounds(known.total.cost)
    return partly(
        f"Messages of this platform cost {pounds(cost)} in this period. Other spending on communication is not held here.",
        Figure("1.9.cost", "Cost of messages", cost, "pounds", "rollup_alert.cost; page /staff/figures/costs"),
        Figure("1.9.unpriced", "Messages without a price", known.total.unpriced, "messages", "rollup_alert.unpriced"),
    )


def topics(known: Facts) -> Answer:
    """1.10"""
    rows = known.rows(facts.TOPICS)
    names = ", ".join(str(row["name"]) for row in rows)
    most = ", ".join(str(row["name"]) for row in rows[:3] if row["number"])
    return answered(
        f"Yes. i. Topics: {names or 'none yet'}. ii. Chosen most: {most or 'none yet'}.",
        *listed("1.10", rows, "residents", "subscription; page /staff/figures/growth"),
    )


def analytics(known: Facts) -> Answer:
    """1.11"""
    total = known.total
    agreed = known.one(facts.TRACKED)
    return answered(
        "Deliveries, failures, clicks and those who left. Clicks are told from machines' and estimated; opens are counted "
        "for residents who agreed to it only, and tell little. Emergencies are never tracked.",
        Figure("1.11.sent", "Sent", total.sent, "messages", "rollup_alert; page /staff/figures"),
        Figure("1.11.delivered", "Reported as delivered", total.delivered, "messages", "rollup_alert"),
        Figure("1.11.clicks", "Clicks (people, estimated)", total.clicks_human, "clicks", "rollup_hit"),
        Figure("1.11.machines", "Clicks by machines", total.clicks_machine, "clicks", "rollup_hit"),
        Figure("1.11.opens", "Opens (indicative)", total.opens, "opens", "rollup_hit"),
        Figure("1.11.left", "Left by a link in a message", total.unsubscribed, "times", "rollup_alert"),
        Figure("1.11.complained", "Complaints of spam", total.complained, "times", "rollup_alert"),
        Figure("1.11.agreed", "Residents who agreed to be counted", agreed, "residents", "subscriber.tracking_consent"),
    )


def gaps(known: Facts) -> Answer:
    """1.12"""
    rows = known.rows(facts.WARDS)
    if not rows:
        return not_held("No wards are loaded.")
    figures = [
        Figure(
            f"1.12.{row['name']}",
            f"{row['name']}: residents signed up",
            int(row["number"]) if row["number"] >= FEWEST_SHOWN or not row["number"] else f"fewer than {FEWEST_SHOWN}",
            "residents",
            "place, subscription; page /staff/figures/reach",
        )
        for row in rows
    ]
    weakest = ", ".join(str(row["name"]) for row in rows[:3])
    return partly(
        f"Wards with the fewest residents signed up: {weakest}. Failed and unconfirmed contacts are listed after each alert. "
        "Difficulties outside this platform are not held here.",
        *figures,
    )


def adoption(known: Facts) -> Answer:
    """1.13"""
    rows = known.rows(facts.SIGN_UPS)
    return answered(
        "Yes: every sign-up keeps its source, such as a poster's code, so that joiners can be held against a campaign.",
        *listed("1.13", rows, "residents", "consent.source; page /staff/figures/growth"),
    )


ANSWERS = {
    "1.1": tools, "1.2": providers, "1.3": segments, "1.4": urgent, "1.5": languages, "1.6": accessible,
    "1.7": frequency, "1.8": tracked, "1.9": spent, "1.10": topics, "1.11": analytics, "1.12": gaps, "1.13": adoption,
}  # fmt: skip
