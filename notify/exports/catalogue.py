"""The data sets there are, in the order in which they are shown. Tests, exercises and digests are in none of them."""

from collections.abc import Mapping, Sequence

from notify.channels import CHANNELS, one_of
from notify.core.errors import NotFound
from notify.exports.dataset import DataSet, Field, Kind
from notify.exports.personal_data_sets import PEOPLE
from notify.staff.rights import Principal

# an alert that counts, as `a`
COUNTS = "a.council_id = :council AND NOT a.is_test AND NOT a.is_training AND a.parts IS NULL"
ALERT = Field("alert_id", Kind.ID, "The alert; see the data set `alerts`.", "r.alert_id")
CHANNEL = Field("channel", Kind.CODE, f"{one_of(CHANNELS)}.", "r.channel")
PROVIDER = Field("provider", Kind.CODE, "The provider's short name; empty: none took it.", "r.provider")
WARDS = """
    LEFT JOIN LATERAL (
        SELECT w.name FROM area w JOIN geo_release g ON g.id = w.release_id
        WHERE w.code = r.ward_code AND g.activated_at IS NOT NULL
        ORDER BY g.retired_at IS NULL DESC, g.id DESC LIMIT 1
    ) w ON true
"""


class UnknownDataSet(NotFound):
    """There is no data set of this name."""

    title = "There is no such data set"


def _counts(of: str = "r") -> Sequence[Field]:
    """Messages by result, as every data set of figures counts them."""
    words = {
        "recipients": "Messages that were meant to go out: one for each person and channel.",
        "sent": "Sent to a provider, whatever came after.",
        "delivered": "Reported as delivered by a provider that reports it.",
        "permanent_failure": "The address does not exist or refuses for good.",
        "temporary_failure": "Failed after a day of trying.",
        "technical_failure": "Failed because of an error on our side.",
        "unknown": "May have arrived; not known.",
        "suppressed": "Not sent: unsubscribed, erased or suppressed meanwhile.",
        "cancelled": "Not sent: the alert was cancelled.",
        "expired": "Not sent: the alert was over.",
        "waiting": "Still to be sent.",
    }
    counted = [Field(name, Kind.INTEGER, said, f"{of}.{name}", "messages") for name, said in words.items()]
    cost = Field(
        "cost_pence", Kind.NUMBER, "What the hand-overs cost.", f"({of}.cost / 1000.0)::double precision", "pence"
    )
    return [
        *counted,
        cost,
        Field("unpriced", Kind.INTEGER, "Sent without a price.", f"{of}.unpriced", "messages"),
    ]


def _seconds(percent: int) -> Field:
    said = f"From when it could go until {percent}% of the hand-overs were made."
    return Field(f"time_to_{percent}", Kind.NUMBER, said, f"r.time_to_{percent}", "seconds")


FIGURES: Sequence[DataSet] = (
    DataSet(
        name="alerts",
        title="Alerts",
        description="Every alert that began to go out: what was said, where, when and in what state it is.",
        fields=[
            Field("alert_id", Kind.ID, "The alert.", "a.id"),
            Field("topic", Kind.CODE, "The topic's short name.", "t.slug"),
            Field("topic_name", Kind.TEXT, "The topic's name today.", "t.name"),
            Field("priority", Kind.CODE, "emergency or routine.", "a.priority"),
            Field("state", Kind.CODE, "sending, sent or cancelled.", "a.state"),
            Field("kind", Kind.CODE, "alert, update or all-clear.", "coalesce(a.follow_up, 'alert')"),
            Field("follows_alert_id", Kind.ID, "The alert that this one follows.", "a.follows_id"),
            Field("title", Kind.TEXT, "Its title in English.", "a.title"),
            Field("body", Kind.TEXT, "Its words in English.", "a.body"),
            Field("sms", Kind.TEXT, "Its words as a text.", "a.sms"),
            Field("link", Kind.TEXT, "Where it led.", "a.link"),
            Field("reference", Kind.TEXT, "The council's own reference.", "a.reference"),
            Field("channels", Kind.LIST, "The ways it went.", "array_to_string(a.channels, '; ')"),
            Field(
                "languages",
                Kind.LIST,
                "The languages it was written in.",
                "array_to_string(ARRAY(SELECT 'en' UNION SELECT jsonb_object_keys(a.translations) ORDER BY 1), '; ')",
            ),
            Field(
                "ward_codes",
                Kind.LIST,
                "The wards it named; empty: other places, or everywhere.",
                "(SELECT string_agg(code, '; ' ORDER BY code) "
                "FROM jsonb_array_elements_text(a.targets -> 'included' -> 'wards') AS code)",
            ),
            Field(
                "is_everywhere",
                Kind.YES_NO,
                "Whether it named no place.",
                "coalesce((a.targets ->> 'everywhere')::boolean, false)",
            ),
            Field("event", Kind.TEXT, "The danger that it warns of.", "a.event"),
            Field("severity", Kind.CODE, "As CAP 1.2 says it.", "a.severity"),
            Field("urgency", Kind.CODE, "As CAP 1.2 says it.", "a.urgency"),
            Field("certainty", Kind.CODE, "As CAP 1.2 says it.", "a.certainty"),
            Field("created_by", Kind.CODE, "Who wrote it, as the audit trail names them.", "a.created_by"),
            Field("created_at", Kind.MOMENT, "When it was written.", "a.created_at"),
            Field("approved_at", Kind.MOMENT, "When the last yes was given.", "a.approved_at"),
            Field("send_at", Kind.MOMENT, "When it was to go, if not at once.", "a.send_at"),
            Field("started_at", Kind.MOMENT, "When it began to go out.", "a.expanded_at"),
            Field("finished_at", Kind.MOMENT, "When its last message was done with.", "a.finished_at"),
            Field("expires_at", Kind.MOMENT, "From when on it is worth nothing.", "a.expires_at"),
            Field("changed_at", Kind.MOMENT, "When its row last changed.", "a.changed_at"),
            Field(
                "detail_removed_at",
                Kind.MOMENT,
                "From when on nobody can say who got it; figures stay.",
                "a.detail_removed_at",
            ),
        ],
        tables=f"FROM alert a JOIN topic t ON t.id = a.topic_id WHERE {COUNTS} AND a.expanded_at IS NOT NULL",
        key=("alert_id",),
        at="a.expanded_at",
        changed="a.changed_at",
    ),
    DataSet(
        name="alert-figures",
        title="Figures of alerts",
        description="Message status of each alert in all, how fast they went and what they cost.",
        fields=[
            ALERT,
            Field("topic", Kind.CODE, "The topic's short name.", "t.slug"),
            Field("started_at", Kind.MOMENT, "When it could go.", "r.started_at"),
            *_counts(),
            Field("unsubscribed", Kind.INTEGER, "Left by a link in it.", "r.unsubscribed", "people"),
            Field("complained", Kind.INTEGER, "Called it spam.", "r.complained", "people"),
            *(_seconds(percent) for percent in (50, 95, 99, 100)),
            Field("is_final", Kind.YES_NO, "Whether nothing is expected any more.", "r.is_final"),
            Field("counted_at", Kind.MOMENT, "When this was counted.", "r.counted_at"),
        ],
        tables=f"""
            FROM rollup_alert r JOIN alert a ON a.id = r.alert_id JOIN topic t ON t.id = r.topic_id WHERE {COUNTS}
        """,
        key=("alert_id",),
        at="r.started_at",
        changed="r.counted_at",
    ),
    DataSet(
        name="alert-cells",
        title="Figures by channel, language, ward and provider",
        description="The same counts, one row for each that occurs; add up over what does not matter.",
        fields=[
            ALERT,
            CHANNEL,
            Field("language", Kind.CODE, "The language's code.", "r.language"),
            Field("ward_code", Kind.CODE, "The ward's published code; empty: not known.", "r.ward_code"),
            Field("ward_name", Kind.TEXT, "The ward's name.", "w.name"),
            PROVIDER,
            *_counts(),
        ],
        tables=f"""
            FROM rollup_cell r JOIN alert a ON a.id = r.alert_id JOIN rollup_alert k ON k.alert_id = r.alert_id {WARDS}
            WHERE {COUNTS}
        """,
        key=("alert_id", "channel", "language", "ward_code", "provider"),
        at="k.started_at",
        changed="k.counted_at",
        replaces=("alert_id",),
    ),
    DataSet(
        name="alert-hours",
        title="Messages by hour and provider",
        description="How many messages each provider took, delivered and failed in each hour.",
        fields=[
            ALERT,
            CHANNEL,
            PROVIDER,
            Field("hour", Kind.MOMENT, "The hour's beginning.", "r.hour"),
            Field("sent", Kind.INTEGER, "Sent in this hour.", "r.sent", "messages"),
            Field("delivered", Kind.INTEGER, "Reported delivered in this hour.", "r.delivered", "messages"),
            Field("failed", Kind.INTEGER, "Failed in this hour.", "r.failed", "messages"),
        ],
        tables=f"""
            FROM rollup_hour r JOIN alert a ON a.id = r.alert_id JOIN rollup_alert k ON k.alert_id = r.alert_id
            WHERE {COUNTS}
        """,
        key=("alert_id", "channel", "provider", "hour"),
        at="r.hour",
        changed="k.counted_at",
        replaces=("alert_id",),
    ),
    DataSet(
        name="alert-hits",
        title="Clicks and opens",
        description="Clicks, and opens of readers who agreed, by hour. People are an estimate; opens tell little: mail "
        "programs open by themselves.",
        fields=[
            ALERT,
            Field("kind", Kind.CODE, "clicked or opened.", "r.kind"),
            Field("verdict", Kind.CODE, "human, machine or unknown.", "r.verdict"),
            CHANNEL,
            Field("link", Kind.INTEGER, "0 is the alert's own link, -1 one that no reader can see.", "r.link"),
            Field("device", Kind.CODE, "phone, tablet, computer, mail-proxy, program or unknown.", "r.device"),
            Field("hour", Kind.MOMENT, "The hour's beginning.", "r.hour"),
            Field("times", Kind.INTEGER, "How often.", "r.times", "times"),
            Field("changed_at", Kind.MOMENT, "When this was last counted.", "r.changed_at"),
        ],
        tables=f"FROM rollup_hit r JOIN alert a ON a.id = r.alert_id WHERE {COUNTS}",
        key=("alert_id", "kind", "verdict", "channel", "link", "device", "hour"),
        at="r.hour",
        changed="r.changed_at",
    ),
    DataSet(
        name="topics",
        title="Topics",
        description="What the council writes about.",
        fields=[
            Field("topic", Kind.CODE, "The short name.", "t.slug"),
            Field("name", Kind.TEXT, "The name.", "t.name"),
            Field("description", Kind.TEXT, "What residents read about it.", "t.description"),
            Field("frequency", Kind.TEXT, "How often it writes, in the council's words; may be empty.", "t.frequency"),
            Field("name_cy", Kind.TEXT, "The name in Welsh; may be empty.", "t.translations -> 'cy' ->> 'name'"),
            Field("group", Kind.TEXT, "The group that it stands in; may be empty.", "g.name"),
            Field("purpose", Kind.CODE, "service, emergency or marketing.", "t.purpose"),
            Field("legal_basis", Kind.CODE, "The basis of UK GDPR Article 6.", "t.legal_basis"),
            Field("channels", Kind.LIST, "The ways it may go.", "array_to_string(t.channels, '; ')"),
            Field("tracking_allowed", Kind.YES_NO, "Whether links are counted.", "t.tracking_allowed"),
            Field("approval", Kind.CODE, "How many must agree: none, one or two.", "t.approval"),
            Field("created_at", Kind.MOMENT, "When it began.", "t.created_at"),
            Field("closes_at", Kind.MOMENT, "When it ends or ended; empty: it goes on.", "t.closes_at"),
            Field("merged_into", Kind.CODE, "The short name of the topic that took over; may be empty.", "m.slug"),
            Field("changed_at", Kind.MOMENT, "When it last changed.", "t.changed_at"),
        ],
        tables="""
            FROM topic t LEFT JOIN topic_group g ON g.id = t.group_id LEFT JOIN topic m ON m.id = t.merged_into_id
            WHERE t.council_id = :council
        """,
        key=("topic",),
        changed="t.changed_at",
    ),
    DataSet(
        name="wards",
        title="Wards",
        description="The wards of the council's districts, with their people, for rates.",
        fields=[
            Field("ward_code", Kind.CODE, "The published code.", "r.code"),
            Field("name", Kind.TEXT, "The name.", "r.name"),
            Field("name_cy", Kind.TEXT, "The name in Welsh.", "r.name_cy"),
            Field("district_code", Kind.CODE, "The district's published code.", "r.district_code"),
            Field("population", Kind.INTEGER, "Residents; empty: not loaded.", "r.population", "people"),
            Field("boundaries", Kind.TEXT, "The boundaries' edition.", "g.product || ' ' || g.version"),
        ],
        tables="""
            FROM area r JOIN geo_release g ON g.id = r.release_id
            WHERE r.kind = 'ward' AND g.activated_at IS NOT NULL AND g.retired_at IS NULL
              AND r.district_code = ANY(SELECT unnest(c.district_codes) FROM council c WHERE c.id = :council)
        """,
        key=("ward_code",),
    ),
    DataSet(
        name="growth",
        title="Who came and went",
        description="How many people began and stopped following the council or one of its topics, by day and way.",
        fields=[
            Field("day", Kind.DAY, "The day in this country.", "r.day"),
            Field("topic", Kind.CODE, "The topic's short name; empty: anything of the council.", "r.topic"),
            Field("source", Kind.TEXT, "Where they signed up, or by which way they left.", "r.source"),
            Field("came", Kind.INTEGER, "Who came.", "r.came", "people"),
            Field("went", Kind.INTEGER, "Who went.", "r.went", "people"),
        ],
        tables="FROM rollup_growth r WHERE r.council_id = :council",
        key=("day", "topic", "source"),
        at="r.day::timestamp AT TIME ZONE 'Europe/London'",
    ),
    DataSet(
        name="spend",
        title="Spend",
        description="What messages cost, by month, channel and provider, as it was booked.",
        fields=[
            Field("month", Kind.DAY, "The month's first day.", "r.month"),
            CHANNEL,
            PROVIDER,
            Field("messages", Kind.INTEGER, "Sent.", "r.messages", "messages"),
            Field("cost_pence", Kind.NUMBER, "What they cost.", "(r.cost / 1000.0)::double precision", "pence"),
            Field("changed_at", Kind.MOMENT, "When it was last added to.", "r.changed_at"),
        ],
        tables="FROM spend r WHERE r.council_id = :council",
        key=("month", "channel", "provider"),
        at="r.month::timestamp AT TIME ZONE 'Europe/London'",
        changed="r.changed_at",
    ),
    DataSet(
        name="suppressions",
        title="Suppressions",
        description="How many addresses are not written to and why, by the month it began. Nobody is named.",
        fields=[
            Field("month", Kind.DAY, "The month's first day.", "r.month"),
            CHANNEL,
            Field(
                "reason", Kind.CODE, "hard-bounce, soft-bounces, complaint, stop, unsubscribed or staff.", "r.reason"
            ),
            Field("is_lifted", Kind.YES_NO, "Whether it was lifted since.", "r.is_lifted"),
            Field("addresses", Kind.INTEGER, "How many.", "r.addresses", "addresses"),
        ],
        tables="""
            FROM (
                SELECT date_trunc('month', s.at AT TIME ZONE 'Europe/London')::date AS month, s.channel, s.reason,
                       s.lifted_at IS NOT NULL AS is_lifted, count(*) AS addresses
                FROM suppression s
                WHERE s.council_id = :council OR s.council_id IS NULL AND NOT :council = ANY(s.lifted_for) AND EXISTS (
                    SELECT FROM contact c WHERE c.address_hash = s.address_hash AND c.council_id = :council)
                GROUP BY 1, 2, 3, 4
            ) r WHERE true
        """,
        key=("month", "channel", "reason", "is_lifted"),
        at="r.month::timestamp AT TIME ZONE 'Europe/London'",
    ),
)

DATA_SETS: Mapping[str, DataSet] = {one.name: one for one in (*FIGURES, *PEOPLE)}


def data_set(name: str) -> DataSet:
    """The data set of this name. Raises: UnknownDataSet."""
    found = DATA_SETS.get(name)
    if found is None:
        raise UnknownDataSet(f"There is none called {name!r}. There are: {', '.join(DATA_SETS)}.")
    return found


def open_to(user: Principal) -> Sequence[DataSet]:
    """The data sets that this principal may take: a key, those that are about nobody."""
    return [one for one in DATA_SETS.values() if user.may(one.right) and not (one.is_personal and user.is_key)]
