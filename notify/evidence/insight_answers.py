"""Questions 1.29 to 1.41: engagement, personal data, service levels and statutory notices."""

from notify.charts.words import pounds
from notify.evidence import facts
from notify.evidence.answer import Answer, Figure, answered, not_held, partly
from notify.evidence.facts import Facts
from notify.evidence.resident_answers import listed
from notify.exports.dictionary import dictionary
from notify.exports.dictionary_terms import About
from notify.insight.council.slices import By

NO_REGISTER = "The council has put no notice into this platform's register; it may add a statement."


def demographics(known: Facts) -> Answer:
    """1.29"""
    figures = [
        Figure(f"1.29.{one.key or 'unknown'}", f"Messages to ward {one.key or 'not known'}", one.sent, "messages", "rollup_cell; page /staff/figures/wards")
        for one in known.sliced(By.WARD)
    ]  # fmt: skip
    return partly(
        "By ward, council and language. Age, ethnicity, disability and other characteristics are not asked of residents and "
        "not held.",
        *figures,
    )


def engagement(known: Facts) -> Answer:
    """1.30"""
    return partly(
        "Sign-ups by source, choices of topics, clicks on links in emails, replies to emergencies, and leaving. Websites, "
        "social media and other forms are not held here.",
        Figure("1.30.residents", "Residents signed up today", known.one(facts.RESIDENTS), "residents", "subscriber"),
        Figure("1.30.clicks", "Clicks (people, estimated)", known.total.clicks_human, "clicks", "rollup_hit"),
    )


def metrics(known: Facts) -> Answer:
    """1.31"""
    total = known.total
    rate = round(100 * (total.clicks_human or 0) / total.sent, 2) if total.sent else None
    delivered = round(100 * total.delivered / total.sent, 1) if total.sent else None
    return answered(
        "Sent, delivered, failed, time to 50/95/99%, clicks told from machines', people who clicked, unsubscribes, "
        "complaints, cost per person reached, and targets with red, amber, green and blue.",
        Figure(
            "1.31.rate", "Clicks (people, estimated) per message sent", rate, "per cent", "rollup_hit, rollup_alert"
        ),
        Figure("1.31.delivered", "Reported as delivered", delivered, "per cent of messages sent", "rollup_alert"),
        Figure("1.31.people", "People who agreed and clicked", total.people_clicked, "people", "rollup_people"),
    )


def reviews(known: Facts) -> Answer:
    """1.32"""
    schedules = known.one(facts.SCHEDULES)
    return partly(
        f"Figures are kept up as messages go. {schedules} reports or extracts are sent out regularly. How often people read "
        "them is not held.",
        Figure("1.32.schedules", "Regular reports and extracts", schedules, "schedules", "export_schedule; page /staff/exports"),
    )  # fmt: skip


def reports(known: Facts) -> Answer:
    """1.33"""
    schedules = known.one(facts.SCHEDULES)
    return answered(
        "Yes: a page for each alert, topic, ward, channel and provider at any time, extracts, and regular reports.",
        Figure("1.33.alerts", "Alerts with a page of figures", known.total.alerts, "alerts", "rollup_alert"),
        Figure("1.33.schedules", "Regular reports and extracts", schedules, "schedules", "export_schedule"),
    )


def returns(known: Facts) -> Answer:
    """1.34"""
    pence = known.number(facts.CALL_COST)
    missing = "" if pence is not None else " Nobody has entered what a call costs, so nothing is estimated yet."
    return partly(
        "Calls that did not come cannot be counted. The platform estimates them as a range, with every assumption in view "
        f"(Figures, Costs).{missing}",
        Figure("1.34.unpriced", "Messages without a price", known.total.unpriced, "messages", "rollup_alert.unpriced"),
    )


def changes(known: Facts) -> Answer:
    """1.35"""
    rows = known.rows(facts.NOTES)
    said = " ".join(f"{row['day']:%-d %B %Y}: {row['words']}" for row in rows[:20])
    if not rows:
        return not_held("No officer has noted a change in this period (the notes beside the figures).")
    return partly(
        said, Figure("1.35.notes", "Notes of what changed", len(rows), "notes", "annotation; page /staff/figures")
    )


def tools_cost(_: Facts) -> Answer:
    """1.36"""
    return not_held(
        "This platform's analytics are part of it and have no price of their own. Other tools are not held here."
    )


def personal_data(known: Facts) -> Answer:
    """1.37"""
    columns = [
        f"{table.name}.{column.name}"
        for table in dictionary()
        for column in table.columns
        if column.about == About.RESIDENT
    ]
    days = known.own.retention_days
    return answered(
        "Of residents: name (if given), addresses they can be reached at, postcodes, language, choices and the record of "
        f"their consent, in this platform's PostgreSQL only. Who got which message is removed after {days} days. Columns: "
        + ", ".join(columns)
        + ".",
        *listed("1.37", known.rows(facts.CONTACTS), "contacts", "contact"),
        Figure("1.37.residents", "Residents signed up today", known.one(facts.RESIDENTS), "residents", "subscriber"),
        Figure("1.37.columns", "Columns that tell who somebody is", len(columns), "columns", "docs/data-dictionary.md"),
    )


def levels(known: Facts) -> Answer:
    """1.38"""
    [row] = known.rows(facts.LEVELS)
    return answered(
        f"The council sets targets for emergencies; {row['met']} of {row['alerts']} met theirs (Figures, Service levels).",
        Figure("1.38.met", "Emergency alerts that met the target", int(row["met"]), "alerts", "service_result; page /staff/figures/service-levels"),
        Figure("1.38.alerts", "Emergency alerts judged", int(row["alerts"]), "alerts", "service_result"),
    )  # fmt: skip


def notices(known: Facts) -> Answer:
    """1.39"""
    if not known.one(facts.NOTICES_HELD):
        return not_held(NO_REGISTER)
    return partly(
        "In this platform's register (page Notices): each notice has a permanent address, its legal basis, all its versions "
        "and a digest in the audit trail. Notices that were only published elsewhere are not held.",
        *listed("1.39", known.rows(facts.NOTICE_KINDS), "notices", "statutory_notice"),
        Figure("1.39.elsewhere", "Published elsewhere too", known.one(facts.STATUTORY_NOTICES_ELSEWHERE), "notices", "statutory_notice"),
    )  # fmt: skip


def notices_budget(known: Facts) -> Answer:
    """1.40"""
    if not known.one(facts.NOTICES_HELD):
        return not_held(NO_REGISTER)
    cost = known.one(facts.STATUTORY_NOTICES_PENCE) / 100
    return partly(
        f"Publishing the notices of this period elsewhere cost {pounds(cost)}, as officers noted with them. A budget is not "
        "held.",
        Figure("1.40.cost", "Cost of publishing notices elsewhere", cost, "pounds", "public_notice_version.cost_pence"),
    )


def notices_count(known: Facts) -> Answer:
    """1.41"""
    if not known.one(facts.NOTICES_HELD):
        return not_held(NO_REGISTER)
    count = known.one(facts.STATUTORY_NOTICES)
    return answered(
        f"{count} in this period, of those in this platform's register.",
        Figure("1.41.notices", "Notices published", count, "notices", "statutory_notice; page /notices"),
    )


ANSWERS = {
    "1.29": demographics, "1.30": engagement, "1.31": metrics, "1.32": reviews, "1.33": reports, "1.34": returns,
    "1.35": changes, "1.36": tools_cost, "1.37": personal_data, "1.38": levels, "1.39": notices,
    "1.40": notices_budget, "1.41": notices_count,
}  # fmt: skip
