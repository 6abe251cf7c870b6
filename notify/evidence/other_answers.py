"""The questions of sections 2 to 8 that bear on this platform."""

from collections.abc import Sequence

from notify.charts.words import pounds
from notify.core.settings import settings
from notify.evidence import facts
from notify.evidence.answer import Answer, Figure, answered, not_held, partly
from notify.evidence.facts import Facts
from notify.evidence.resident_answers import listed
from notify.evidence.test_runs import checks, latest_runs
from notify.insight.council.slices import By
from notify.staff.budgets import in_pounds

# whole words of a topic's short name: `cabinet-meetings` is not about bins
BIN_WORDS = frozenset({"bin", "bins", "waste", "recycling", "refuse", "rubbish", "biniau", "ailgylchu", "gwastraff"})
BIN_TOPICS = "topics with a word such as bin, waste or recycling in their short name"


def calls(known: Facts) -> Answer:
    """2.2"""
    rows = known.rows(facts.CALL_MONTHS)
    if not rows:
        return not_held("No call volumes were imported for this period (Figures, Calls).")
    return partly("As imported, by month.", *listed("2.2", rows, "calls", "call_volume; page /staff/figures/calls"))


def call_kinds(known: Facts) -> Answer:
    """2.3"""
    rows = known.rows(facts.CALL_KINDS)
    if not rows:
        return not_held("No call volumes were imported for this period (Figures, Calls).")
    return partly("As imported, by category.", *listed("2.3", rows, "calls", "call_volume; page /staff/figures/calls"))


def accessibility(_: Facts) -> Answer:
    """3.8"""
    return partly(
        "Of this platform: yes, WCAG 2.2 AA. Every state of every page is checked automatically, and the statement at "
        "/accessibility is made from the results. The council's own website is not held here."
    )


def is_about_bins(slug: str) -> bool:
    """Whether a topic is about bins, by its short name."""
    return not BIN_WORDS.isdisjoint(slug.split("-"))


def _bins(known: Facts) -> tuple[int, int, int]:
    found = [one for one in known.sliced(By.TOPIC) if is_about_bins(one.key)]
    return sum(one.alerts for one in found), sum(one.sent for one in found), sum(one.cost for one in found)


def bin_alerts(known: Facts) -> Sequence[Figure]:
    """What was sent under topics about bins, beside automated messages."""
    alerts, sent, _ = _bins(known)
    return (
        Figure("5.9.alerts", "Alerts about bins", alerts, "alerts", f"rollup_alert; {BIN_TOPICS}"),
        Figure("5.9.sent", "Messages of these alerts", sent, "messages", f"rollup_alert; {BIN_TOPICS}"),
    )


def bins_cost(known: Facts) -> Answer:
    """5.10"""
    alerts, automated = in_pounds(_bins(known)[2]), in_pounds(known.one(facts.AUTOMATED_BIN_COST))
    return partly(
        f"Alerts about bins cost {pounds(alerts)} in this period, reminders and messages about changed days "
        f"{pounds(automated)}. Print and calls are not held here.",
        Figure("5.10.cost", "Cost of alerts about bins", alerts, "pounds", f"rollup_alert.cost; {BIN_TOPICS}"),
        Figure("5.10.automated", "Cost of automated messages", automated, "pounds", "rollup_alert.cost"),
    )


def embedded(_: Facts) -> Answer:
    """6.8"""
    return answered(
        "All pages work on telephones, and the current alerts can be embedded in the council's site (widget)."
    )


def councillors(known: Facts) -> Answer:
    """7.3"""
    return partly(
        "Councillors can follow what was sent to their own wards and nothing else; updates on behalf of the council are "
        "written by officers, who can be narrowed to topics and wards.",
        *listed("7.3", known.rows(facts.ROLES), "officers", "officer; page /staff/officers"),
    )


def monitored(_: Facts) -> Answer:
    """7.4"""
    return answered(
        "Of what this platform sends: the composer warns of partial words and of the time before elections, and the "
        "monitoring officer reads everything with the audit trail."
    )


def approval(known: Facts) -> Answer:
    """7.9 and 7.18"""
    agreed = known.one(facts.APPROVED)
    return answered(
        "Yes: each topic says whether none, one or two people must agree; nobody approves what they wrote; a yes is bound "
        "to the exact words and audience.",
        Figure("7.9.agreed", "Alerts that somebody else agreed to", agreed, "alerts", "approval"),
        Figure("7.9.alerts", "Alerts sent", known.total.alerts, "alerts", "rollup_alert"),
    )


def archive(known: Facts) -> Answer:
    """7.16"""
    return answered(
        "Yes: everything sent is kept unchanged, searched by words, topic, ward and sender, and exported; the audit trail is "
        "sealed (`notify audit verify`).",
        Figure("7.16.alerts", "Alerts of this period in the archive", known.total.alerts, "alerts", "alert; page /staff/archive"),
    )  # fmt: skip


def dynamic(known: Facts) -> Answer:
    """8.4"""
    return answered(
        "Yes: audiences are worked out anew for each alert from topics, wards, districts, postcodes and areas.",
        Figure("8.4.residents", "Residents signed up today", known.one(facts.RESIDENTS), "residents", "subscriber"),
    )


def interfaces(known: Facts) -> Answer:
    """8.5"""
    return answered(
        "Yes: a REST API described by OpenAPI (/api/docs), CAP 1.2, GeoJSON, Atom, JSON Feed, signed webhooks and CSV.",
        Figure("8.5.keys", "API keys in force", known.one(facts.KEYS), "keys", "api_key"),
    )


def dashboards(known: Facts) -> Answer:
    """8.6"""
    is_on = bool(known.one(facts.PUBLISHED))
    where = (
        f"Yes, at {settings().base_url}/performance, with open data."
        if is_on
        else "Not published by the council so far."
    )
    return answered(
        where, Figure("8.6.published", "Public performance page", "on" if is_on else "off", "", "publication")
    )


def measuring(known: Facts) -> Answer:
    """8.7"""
    return partly(
        "This platform counts for itself, without third parties and without cookies. Other tools are not held here.",
        Figure("8.7.clicks", "Clicks (people, estimated)", known.total.clicks_human, "clicks", "rollup_hit"),
    )


def scheduled(known: Facts) -> Answer:
    """8.8"""
    schedules = known.one(facts.SCHEDULES)
    return answered(
        "Yes: reports and extracts by email or webhook, and extracts of what changed since a moment.",
        Figure("8.8.schedules", "Regular reports and extracts", schedules, "schedules", "export_schedule"),
    )


def data_protection(known: Facts) -> Answer:
    """8.9"""
    return answered(
        "UK GDPR, the Data Protection Act 2018 and PECR: consent with its wording and source is kept in a ledger, residents "
        f"see, correct and erase what is held, and who got which message is removed after {known.own.retention_days} days."
    )


def hosting(_: Facts) -> Answer:
    """8.10"""
    return not_held("Where the council runs this platform is not recorded in it. It runs in containers on any host.")


def penetration(_: Facts) -> Answer:
    """8.11"""
    tried, withstood = checks()
    return partly(
        f"Attack tests run with every change; {withstood} of {tried} were withstood in the latest run that was kept{_on('attacks')}. "
        "A penetration test by others is not recorded in the platform.",
        Figure("8.11.tried", "Attacks tried", tried, "checks", "page /staff/evidence/runs"),
        Figure("8.11.withstood", "Attacks withstood", withstood, "checks", "page /staff/evidence/runs"),
    )


def load(_: Facts) -> Answer:
    """8.12"""
    return answered(
        f"Yes{_on('load')}: page Evidence, Latest runs, holds the figures; "
        "docs/performance.md and docs/reliability.md say how to repeat them."
    )


def _on(kind: str) -> str:
    run = latest_runs().get(kind)
    return f", {run.on:%-d %B %Y}" if run else ""


def limits(_: Facts) -> Answer:
    """8.13"""
    factor = settings().network_limits
    return answered(
        "Yes, by network and by address, answered with 429 and the time to wait.",
        Figure("8.13.factor", "Limits by network (0 is off, 1 as shipped)", factor, "times", "NOTIFY_NETWORK_LIMITS"),
    )


def sign_in(known: Facts) -> Answer:
    """8.14"""
    return answered(
        "Officers sign in with the council's identity provider (OpenID Connect with a second factor) or a break-glass "
        "password and code; seven roles, deny by default. Residents need no password.",
        *listed("8.14", known.rows(facts.ROLES), "officers", "officer; page /staff/officers"),
    )


ANSWERS = {
    "2.2": calls, "2.3": call_kinds, "3.8": accessibility, "5.10": bins_cost, "6.8": embedded,
    "7.3": councillors, "7.4": monitored, "7.9": approval, "7.16": archive, "7.18": approval, "8.4": dynamic,
    "8.5": interfaces, "8.6": dashboards, "8.7": measuring, "8.8": scheduled, "8.9": data_protection, "8.10": hosting,
    "8.11": penetration, "8.12": load, "8.13": limits, "8.14": sign_in,
}  # fmt: skip
