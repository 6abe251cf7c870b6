"""One line a table: how long it is kept, who it is about, and how it leaves with the full extract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from notify.exports.dictionary_terms import About, Keeping

OWN = "t.council_id = :council"
OF_ALERT = "t.alert_id IN (SELECT a.id FROM alert a WHERE a.council_id = :council)"
OF_SUBSCRIBER = "EXISTS (SELECT FROM subscriber s WHERE s.id = t.subscriber_id AND s.council_id = :council)"
OF_CONTACT = "EXISTS (SELECT FROM contact c WHERE c.id = t.contact_id AND c.council_id = :council)"
# a sign-in link is the person's own wish, and what another council did is no council's to know
OF_NOTICE = f"t.kind NOT IN ('sign-in', 'told') AND {OF_CONTACT}"
OF_ADDRESS = """(t.council_id = :council OR t.council_id IS NULL AND EXISTS (
    SELECT FROM contact c WHERE c.address_hash = t.address_hash AND c.council_id = :council))"""
OF_WORDING = """(t.version NOT LIKE '%/%' OR EXISTS (
    SELECT FROM council c WHERE c.id = :council AND starts_with(t.version, c.slug || '/')))"""
OF_RELEASE = "t.release_id IN (SELECT r.id FROM collection_release r WHERE r.council_id = :council)"
OF_IMPORT = "t.import_id IN (SELECT i.id FROM subscriber_import i WHERE i.council_id = :council)"
OF_INCIDENT = "t.incident_id IN (SELECT i.id FROM incident i WHERE i.council_id = :council)"
OF_OFFICER = "t.officer_id IN (SELECT o.id FROM officer o WHERE o.council_id = :council)"
PUBLISHED = "It is published data and no council's own: take it from where it is published, see geodata/SOURCES.toml."
SESSION = "It lets somebody in: digests of links, codes and cookies are worth nothing elsewhere and harm here."
LEAVING = "It finds the contact that links in mails of an older schema mean, and says nothing else."
ENGINE = "It steers the machinery of the whole installation and says nothing about a council."
AT_RISK = "People at risk are taken from the system that their list came from, and are gone a week after the emergency."
REPEATS = "It holds replies for requests that may be repeated, which the tables themselves say."


@dataclass(frozen=True, slots=True)
class Entry:
    """One table. `scope` is SQL that is true for a row `t` of the council `:council`.

    `why_not` instead of a scope says why the table does not leave with the full extract. `residents`, `pseudonyms` and
    `staff` are columns about people, `secrets` columns that never leave, `meant` what else a column means.
    """

    keeping: Keeping
    scope: str = ""
    why_not: str = ""
    residents: Sequence[str] = ()
    pseudonyms: Sequence[str] = ()
    staff: Sequence[str] = ()
    secrets: Sequence[str] = ()
    meant: Mapping[str, str] = field(default_factory=dict)

    @property
    def about(self) -> About:
        """The nearest that the table comes to a person."""
        nearest = ((self.residents, About.RESIDENT), (self.pseudonyms, About.PSEUDONYM), (self.staff, About.STAFF))
        return next((about for columns, about in nearest if columns), About.NOBODY)


TABLES: Mapping[str, Entry] = {
    # councils and staff
    "council": Entry(Keeping.WHILE_USED, "t.id = :council"),
    "officer": Entry(
        Keeping.WHILE_USED,
        OWN,
        staff=("email", "name", "oidc_subject"),
        secrets=("password_hash", "totp_secret", "totp_step"),
    ),
    "api_key": Entry(Keeping.WHILE_USED, OWN, staff=("officer_id", "name", "created_by"), secrets=("digest",)),
    "sign_in": Entry(Keeping.EXPIRY, why_not=SESSION, staff=("officer_id",), secrets=("digest",)),
    "sign_in_tries": Entry(Keeping.EXPIRY, why_not=SESSION, secrets=("bucket",)),
    "recovery_code": Entry(Keeping.WHILE_USED, why_not=SESSION, staff=("officer_id",), secrets=("digest",)),
    "used_state": Entry(Keeping.EXPIRY, why_not=SESSION, secrets=("digest",)),
    "budget": Entry(Keeping.WHILE_USED, OWN),
    "council_settings": Entry(Keeping.WHILE_USED, OWN),
    "council_image": Entry(Keeping.WHILE_USED, OWN, meant={"content": "The file, as hexadecimal digits."}),
    "spend": Entry(Keeping.FOR_GOOD, OWN, meant={"cost": "Thousandths of a penny."}),
    "service_level_objective": Entry(Keeping.FOR_GOOD, OWN),
    "service_result": Entry(Keeping.FOR_GOOD, OWN),
    "service_breach": Entry(Keeping.FOR_GOOD, OF_ALERT, staff=("noted_by",)),
    "unit_price": Entry(Keeping.FOR_GOOD, OWN, staff=("added_by",), meant={"price": "Thousandths of a penny."}),
    "cost_assumption": Entry(Keeping.WHILE_USED, OWN, staff=("changed_by",)),
    "staff_time": Entry(Keeping.FOR_GOOD, OF_ALERT, staff=("noted_by",)),
    "call_volume": Entry(Keeping.FOR_GOOD, OWN),
    "call_category": Entry(Keeping.WHILE_USED, OWN),
    "publication": Entry(Keeping.WHILE_USED, OWN),
    "audit_entry": Entry(Keeping.FOR_GOOD, OWN, staff=("actor", "detail")),
    "audit_seal": Entry(
        Keeping.FOR_GOOD,
        "EXISTS (SELECT FROM audit_entry e WHERE e.id = t.entry_id AND e.council_id = :council)",
        meant={"position": "In the chain over all councils of the installation; links between are theirs."},
    ),
    "asked_count": Entry(Keeping.FOUR_WEEKS, why_not=ENGINE, staff=("person",)),
    "residents_read": Entry(Keeping.TWO_DAYS, why_not=ENGINE, staff=("actor",)),
    "audit_watch": Entry(Keeping.WHILE_USED, why_not=ENGINE, secrets=("proof",)),
    # what officers keep beside the figures
    "annotation": Entry(Keeping.FOR_GOOD, OWN, staff=("author", "author_name", "removed_by")),
    # places
    "geo_release": Entry(Keeping.RELEASE, why_not=PUBLISHED),
    "area": Entry(Keeping.RELEASE, why_not=PUBLISHED),
    "postcode": Entry(Keeping.RELEASE, why_not=PUBLISHED),
    "named_place": Entry(Keeping.RELEASE, why_not=PUBLISHED),
    "named_place_edition": Entry(Keeping.RELEASE, why_not=PUBLISHED),
    "release_task": Entry(Keeping.FOR_GOOD, OWN, staff=("actor",)),
    "area_succession": Entry(Keeping.RELEASE, why_not=PUBLISHED),
    "place_review": Entry(Keeping.RESIDENT, OF_SUBSCRIBER, pseudonyms=("place_id", "subscriber_id")),
    "council_name": Entry(Keeping.FOR_GOOD, OWN),
    "place_change": Entry(
        Keeping.RESIDENT,
        "EXISTS (SELECT FROM place p JOIN subscriber s ON s.id = p.subscriber_id"
        " WHERE p.id = t.place_id AND s.council_id = :council)",
        pseudonyms=("place_id",),
    ),
    "zone": Entry(Keeping.FOR_GOOD, OWN, staff=("created_by",)),
    "zone_version": Entry(
        Keeping.FOR_GOOD,
        "t.zone_id IN (SELECT z.id FROM zone z WHERE z.council_id = :council)",
        staff=("created_by",),
    ),
    # residents
    "topic": Entry(Keeping.FOR_GOOD, OWN),
    "second_factor_reset": Entry(Keeping.WHILE_USED, why_not=SESSION, staff=("officer_id", "asked_by", "reason")),
    "topic_group": Entry(Keeping.FOR_GOOD, OWN),
    "subscriber": Entry(Keeping.RESIDENT, OWN, residents=("name",), pseudonyms=("id", "language")),
    "contact": Entry(
        Keeping.RESIDENT,
        OWN,
        residents=("address",),
        pseudonyms=("id", "subscriber_id", "address_hash"),
        secrets=("secret", "address_hash", "sign_up", "told_at"),
        meant={
            "confirmed_by": "Whose word it is: link or code of the resident, or the council's own proof.",
            "sign_up": "What one sign-up with several councils made; one yes confirms it.",
            "told_at": "When it was looked whether the person must be told that the council writes to them.",
        },
    ),
    "contact_request": Entry(
        Keeping.RESIDENT,
        OWN,
        residents=("address",),
        pseudonyms=("subscriber_id", "address_hash"),
        staff=("asked_by",),
        secrets=("secret", "address_hash"),
        meant={"is_proved": "Whether the council holds proof that the address is the resident's."},
    ),
    "consent_request": Entry(
        Keeping.RESIDENT, OWN, residents=("answers",), staff=("asked_by",), secrets=("contact_id", "sign_up")
    ),
    "subscriber_import": Entry(
        Keeping.DAYS_90,
        OWN,
        staff=("actor",),
        residents=("file", "sample"),
        secrets=("file", "sample", "fingerprint", "lease"),
    ),
    "subscriber_import_row": Entry(Keeping.DAYS_90, OF_IMPORT, pseudonyms=("subscriber_id",)),
    "inbound_text": Entry(Keeping.DAYS_30, OWN, residents=("words", "move_to"), pseudonyms=("contact_id",)),
    "erased_address": Entry(Keeping.FOR_GOOD, OWN, pseudonyms=("address_hash",), secrets=("address_hash",)),
    "contact_before": Entry(Keeping.RESIDENT, why_not=LEAVING, pseudonyms=("old_id", "contact_id")),
    "place": Entry(
        Keeping.RESIDENT, OF_SUBSCRIBER, residents=("postcode", "label"), pseudonyms=("id", "subscriber_id")
    ),
    "subscription": Entry(Keeping.RESIDENT, OWN, pseudonyms=("subscriber_id",)),
    "consent_wording": Entry(Keeping.FOR_GOOD, OF_WORDING),
    "consent": Entry(Keeping.FOR_GOOD, OWN, pseudonyms=("subscriber_id",)),
    "suppression": Entry(
        Keeping.FOR_GOOD,
        OF_ADDRESS,
        pseudonyms=("address_hash",),
        secrets=("address_hash", "lifted_for"),
        meant={
            "council_id": "Empty: a bounce, which every council shares.",
            "lifted_for": "Councils that write to a shared one again.",
        },
    ),
    "bounce": Entry(
        Keeping.DAYS_90, OWN, pseudonyms=("address_hash",), staff=("decided_by",), secrets=("address_hash",)
    ),
    "service_message": Entry(
        Keeping.DAYS_30,
        OF_NOTICE,
        pseudonyms=("contact_id", "about"),
        meant={"about": "The contact, or the request for one, that the message tells of, by id."},
    ),
    "service_message_count": Entry(Keeping.TWO_DAYS, why_not=ENGINE, pseudonyms=("counted",), secrets=("counted",)),
    "link_token": Entry(Keeping.EXPIRY, why_not=SESSION, pseudonyms=("contact_id", "about"), secrets=("digest",)),
    "confirm_code": Entry(
        Keeping.EXPIRY, why_not=SESSION, pseudonyms=("contact_id", "asked_from"), secrets=("digest", "asked_from")
    ),
    "resident_session": Entry(
        Keeping.EXPIRY, why_not=SESSION, pseudonyms=("address_hash",), secrets=("digest", "address_hash")
    ),
    "webhook_receiver": Entry(Keeping.RESIDENT, OF_CONTACT, pseudonyms=("contact_id",)),
    # alerts
    "alert": Entry(Keeping.FOR_GOOD, OWN, staff=("created_by", "changed_by")),
    "incident": Entry(Keeping.FOR_GOOD, OWN, staff=("opened_by", "ended_by")),
    "incident_note": Entry(Keeping.FOR_GOOD, OF_INCIDENT, staff=("actor", "words", "still_open")),
    "incident_note_read": Entry(
        Keeping.FOR_GOOD,
        "t.note_id IN (SELECT n.id FROM incident_note n JOIN incident i ON i.id = n.incident_id "
        "WHERE i.council_id = :council)",
        staff=("actor",),
    ),
    "approval": Entry(Keeping.FOR_GOOD, OF_ALERT, staff=("actor", "reason")),
    "idempotent_reply": Entry(Keeping.WEEK, why_not=REPEATS),
    "draft": Entry(Keeping.WHILE_USED, OWN, staff=("officer_id",)),
    "plan": Entry(Keeping.FOR_GOOD, OWN, staff=("created_by",)),
    "message_template": Entry(Keeping.FOR_GOOD, OWN, staff=("created_by",)),
    "recurrence": Entry(Keeping.FOR_GOOD, OWN, staff=("created_by",)),
    "occurrence": Entry(
        Keeping.FOR_GOOD, "t.recurrence_id IN (SELECT r.id FROM recurrence r WHERE r.council_id = :council)"
    ),
    "cap_message": Entry(Keeping.FOR_GOOD, OWN),
    "flood_warning": Entry(Keeping.FOR_GOOD, OWN),
    "hold": Entry(Keeping.FOR_GOOD, OF_ALERT, staff=("actor", "lifted_by")),
    # the ledger
    "delivery": Entry(
        Keeping.DETAIL,
        OF_ALERT,
        pseudonyms=("contact_id", "subscriber_id", "ward_code", "provider_reference"),
        meant={
            "month": "The first day of the month that the whole alert is kept in.",
            "number": "From 1 within the alert.",
            "cost": "Thousandths of a penny; empty: nobody had set a price.",
        },
    ),
    "event": Entry(Keeping.DETAIL, OF_ALERT, pseudonyms=("number", "detail")),
    "reply": Entry(Keeping.DETAIL, OF_ALERT, pseudonyms=("subscriber_id", "answer")),
    "call_attempt": Entry(
        Keeping.DETAIL,
        OF_ALERT,
        pseudonyms=("subscriber_id", "at_risk_person_id", "outcome"),
        staff=("actor",),
        secrets=("note",),
        meant={"note": "What was found, sealed."},
    ),
    "at_risk_assessment": Entry(Keeping.WHILE_USED, OWN, staff=("person", "noted_by")),
    "at_risk_list": Entry(Keeping.FOR_GOOD, OWN, staff=("uploaded_by",)),
    "at_risk_person": Entry(Keeping.WEEK, why_not=AT_RISK, residents=("sealed",), secrets=("sealed",)),
    "at_risk_key": Entry(Keeping.WEEK, why_not=AT_RISK, secrets=("sealed_key",)),
    "digest_item": Entry(Keeping.DETAIL, OF_ALERT, pseudonyms=("contact_id", "subscriber_id")),
    "batch": Entry(Keeping.DETAIL, OF_ALERT, secrets=("lease",)),
    "hit": Entry(
        Keeping.DETAIL,
        OF_ALERT,
        pseudonyms=("number", "visitor"),
        secrets=("visitor",),
        meant={"number": "The delivery's, of readers who agreed to be counted."},
    ),
    "reader": Entry(Keeping.DETAIL, OF_ALERT, pseudonyms=("number",)),
    "visitor_key": Entry(
        Keeping.TWO_DAYS,
        why_not="Pseudonyms are made with it, and it is destroyed so that nobody can.",
        secrets=("key",),
    ),
    # figures
    "rollup_alert": Entry(Keeping.FOR_GOOD, OWN, meant={"cost": "Thousandths of a penny."}),
    "rollup_cell": Entry(Keeping.FOR_GOOD, OF_ALERT, meant={"cost": "Thousandths of a penny."}),
    "rollup_curve": Entry(Keeping.FOR_GOOD, OF_ALERT),
    "rollup_hour": Entry(Keeping.FOR_GOOD, OF_ALERT),
    "rollup_hit": Entry(Keeping.FOR_GOOD, OF_ALERT),
    "rollup_hit_total": Entry(Keeping.FOR_GOOD, OF_ALERT),
    "rollup_people": Entry(Keeping.FOR_GOOD, OF_ALERT),
    "rollup_reply": Entry(Keeping.FOR_GOOD, OF_ALERT),
    "rollup_growth": Entry(
        Keeping.FOR_GOOD,
        OWN,
        meant={"topic": "Its short name; empty: anything of the council.", "source": "Where people signed up or left."},
    ),
    "rollup_reach": Entry(Keeping.FOR_GOOD, OWN, meant={"topic": "Its short name; empty: anything of the council."}),
    "rollup_fatigue": Entry(
        Keeping.FOR_GOOD, OWN, meant={"first": "A Monday.", "alerts": "How many; 10 stands for ten or more."}
    ),
    "rollup_round": Entry(Keeping.RUNNING, why_not=ENGINE),
    "target": Entry(Keeping.FOR_GOOD, OWN, staff=("changed_by",)),
    "target_value": Entry(
        Keeping.FOR_GOOD,
        "t.target_id IN (SELECT g.id FROM target g WHERE g.council_id = :council)",
        staff=("entered_by",),
    ),
    "rollup_due": Entry(Keeping.RUNNING, why_not=ENGINE),
    "rollup_mark": Entry(Keeping.RUNNING, why_not=ENGINE),
    # the machinery
    "meter": Entry(Keeping.RUNNING, why_not=ENGINE),
    "witness": Entry(Keeping.RUNNING, why_not=ENGINE),
    # collection days
    "waste_stream": Entry(Keeping.FOR_GOOD, OWN),
    "collection_release": Entry(Keeping.RELEASE, OWN, staff=("loaded_by",)),
    "collection_rule": Entry(Keeping.RELEASE, OF_RELEASE),
    "collection_assignment": Entry(Keeping.RELEASE, OF_RELEASE),
    "collection_home": Entry(Keeping.RELEASE, OF_RELEASE, pseudonyms=("reference", "label")),
    "collection_service": Entry(
        Keeping.RELEASE, OF_RELEASE, pseudonyms=("reference",), meant={"stream": "What the home has paid for."}
    ),
    "collection_move": Entry(Keeping.FOR_GOOD, OWN, staff=("changed_by",)),
    "waste_event": Entry(
        Keeping.FOR_GOOD,
        OWN,
        pseudonyms=("home",),
        staff=("created_by",),
        meant={"homes": "How many it was about.", "told": "How many subscribers got a message."},
    ),
    "collection_reminder": Entry(Keeping.RESIDENT, OWN, pseudonyms=("subscriber_id", "home")),
    "collection_reminder_sent": Entry(
        Keeping.DAYS_90,
        "t.reminder_id IN (SELECT r.id FROM collection_reminder r WHERE r.council_id = :council)",
        pseudonyms=("reminder_id",),
        meant={"streams": "What it named."},
    ),
    "collection_report": Entry(Keeping.DAYS_90, OWN, pseudonyms=("home",), residents=("words",), staff=("handled_by",)),
    "collection_contractor": Entry(Keeping.WHILE_USED, OWN, staff=("created_by",), secrets=("secret",)),
    "collection_status": Entry(
        Keeping.FOR_GOOD,
        OWN,
        pseudonyms=("home",),
        meant={"source": "Who said so.", "reference": "The source's own name for what it said."},
    ),
    "collection_source": Entry(
        Keeping.WHILE_USED, OWN, staff=("created_by",), meant={"content_hash": "SHA-256 of what was fetched last."}
    ),
    "collection_use": Entry(Keeping.FOR_GOOD, OWN),
    "collection_upload": Entry(
        Keeping.TWO_DAYS, OWN, staff=("created_by",), meant={"said": "What was filled in beside the files."}
    ),
    # what leaves and what is removed
    "export_schedule": Entry(Keeping.WHILE_USED, OWN, staff=("created_by", "officers"), secrets=("secret",)),
    "export_run": Entry(
        Keeping.FOR_GOOD,
        "t.schedule_id IN (SELECT s.id FROM export_schedule s WHERE s.council_id = :council)",
        staff=("receiver",),
    ),
    "retention_due": Entry(Keeping.RUNNING, why_not=ENGINE),
    "retention_run": Entry(
        Keeping.FOR_GOOD, why_not="It is about the whole installation: see /staff/exports/retention."
    ),
    "foi_statement": Entry(Keeping.WHILE_USED, OWN, staff=("actor",)),
    "statutory_notice": Entry(Keeping.FOR_GOOD, OWN),
    "statutory_notice_version": Entry(
        Keeping.FOR_GOOD,
        "t.notice_id IN (SELECT n.id FROM statutory_notice n WHERE n.council_id = :council)",
        staff=("published_by",),
    ),
}
