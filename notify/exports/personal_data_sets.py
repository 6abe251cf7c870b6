"""Data sets about people: the audit trail, the consent ledger and residents. Taking one is written down."""

from collections.abc import Sequence

from notify.channels import PHONES
from notify.exports.dataset import DataSet, Field, Kind
from notify.staff.rights import Right

_NAMES_OF_PHONES = ", ".join(f"'{name}'" for name in PHONES)
_JOINED = (
    "(SELECT string_agg(DISTINCT {what}, '; ' ORDER BY {what}) FROM {tables} WHERE {of}.subscriber_id = s.id{more})"
)


def _joined(name: str, description: str, what: str, tables: str, of: str, more: str = "") -> Field:
    return Field(name, Kind.LIST, description, _JOINED.format(what=what, tables=tables, of=of, more=more))


PEOPLE: Sequence[DataSet] = (
    DataSet(
        name="audit-entries",
        title="Audit trail",
        description="Who did what to what, and when.",
        fields=[
            Field("entry_id", Kind.INTEGER, "The entry's number in this installation.", "e.id"),
            Field("at", Kind.MOMENT, "When.", "e.at"),
            Field("actor", Kind.CODE, "Who: officer:<id>, key:<prefix> or a part of the platform.", "e.actor"),
            Field("actor_name", Kind.TEXT, "The officer's or key's name today.", "coalesce(o.name, k.name)"),
            Field("action", Kind.CODE, "What.", "e.action"),
            Field("subject", Kind.TEXT, "To what.", "e.subject"),
            Field("detail", Kind.TEXT, "The rest, as JSON.", "e.detail::text"),
        ],
        tables="""
            FROM audit_entry e
            LEFT JOIN officer o ON o.council_id = e.council_id AND e.actor = 'officer:' || o.id
            LEFT JOIN api_key k ON k.council_id = e.council_id AND e.actor = 'key:' || k.prefix
            WHERE e.council_id = :council
        """,
        key=("entry_id",),
        at="e.at",
        changed="e.at",
        right=Right.SEE_AUDIT,
        is_personal=True,
    ),
    DataSet(
        name="consents",
        title="Consent ledger",
        description="Every consent given, confirmed and withdrawn, with the words agreed to. Residents are ids.",
        fields=[
            Field("consent_id", Kind.INTEGER, "The line's number.", "e.id"),
            Field("at", Kind.MOMENT, "When; what was agreed to on paper keeps its own day.", "e.at"),
            Field("subscriber_id", Kind.ID, "The resident; erased residents' ids lead to nobody.", "e.subscriber_id"),
            Field("topic", Kind.CODE, "The topic's short name; empty: not about one topic.", "t.slug"),
            Field("channel", Kind.CODE, "The way; empty: every way.", "e.channel"),
            Field("action", Kind.CODE, "given, confirmed or withdrawn.", "e.action"),
            Field("wording_version", Kind.CODE, "Which words.", "e.wording_version"),
            Field("wording", Kind.TEXT, "The words.", "w.wording"),
            Field("language", Kind.CODE, "In which language.", "e.language"),
            Field("source", Kind.TEXT, "Where: web, a poster's code, import, paper.", "e.source"),
        ],
        tables="""
            FROM consent e
            LEFT JOIN topic t ON t.id = e.topic_id
            LEFT JOIN consent_wording w ON w.version = e.wording_version AND w.language = e.language
            WHERE e.council_id = :council
        """,
        key=("consent_id",),
        at="e.at",
        right=Right.EXPORT_EVERYTHING,
        is_personal=True,
    ),
    DataSet(
        name="subscribers",
        title="Residents",
        description="The council's residents, with addresses and places. What other councils hold of the "
        "same people is theirs. Who was erased is not in it: take it whole to know.",
        fields=[
            Field("subscriber_id", Kind.ID, "The resident.", "s.id"),
            Field("name", Kind.TEXT, "The name, if one was given.", "s.name"),
            Field("language", Kind.CODE, "The language's code.", "s.language"),
            Field("tracking_consent", Kind.YES_NO, "Whether they agreed to be counted.", "s.tracking_consent"),
            _joined("emails", "E-mail addresses.", "c.address", "contact c", "c", " AND c.channel = 'email'"),
            _joined(
                "phones", "Telephone numbers.", "c.address", "contact c", "c", f" AND c.channel IN ({_NAMES_OF_PHONES})"
            ),
            Field(
                "is_confirmed",
                Kind.YES_NO,
                "Whether at least one address was confirmed.",
                "EXISTS (SELECT FROM contact c WHERE c.subscriber_id = s.id AND c.confirmed_at IS NOT NULL)",
            ),
            _joined("postcodes", "Postcodes of their places.", "p.postcode", "place p", "p"),
            _joined("ward_codes", "Their wards' published codes.", "p.ward_code", "place p", "p"),
            _joined(
                "topics",
                "What they follow now, by short name.",
                "t.slug",
                "subscription u JOIN topic t ON t.id = u.topic_id",
                "u",
                " AND u.ended_at IS NULL",
            ),
            Field("created_at", Kind.MOMENT, "When they came.", "s.created_at"),
            Field("paused_until", Kind.MOMENT, "Until when they want nothing.", "s.paused_until"),
        ],
        tables="""
            FROM subscriber s WHERE s.erased_at IS NULL AND s.council_id = :council
        """,
        key=("subscriber_id",),
        at="s.created_at",
        right=Right.EXPORT_EVERYTHING,
        is_personal=True,
    ),
)
