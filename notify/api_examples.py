"""Bodies of requests that the documentation shows, by the id of their operation. Tests send each of them.

Invented people only: addresses of example.org, postcodes of ZZ, telephone numbers that Ofcom keeps for drama.
"""

from collections.abc import Mapping

CONSENT = {"wording_version": "2026-paper", "wording": "Yes, write to me.", "language": "en", "source": "paper form"}
NOTICE = {
    "title": "Temporary closure of Mill Road bridge",
    "kind": "traffic",
    "legal_basis": "Road Traffic Regulation Act 1984, section 14",
    "body": "Mill Road bridge is closed from 8am to 6pm on Sunday. Follow the signed diversion.",
    "wards": ["Z05000001"],
}

BODIES: Mapping[str, object] = {
    "publish_public_notice": NOTICE,
    "correct_public_notice": {**NOTICE, "reason": "The times were wrong."},
    "withdraw_public_notice": {"reason": "The works were called off."},
    "change_council": {"colour": "#1d4b5c", "short_name": "Zed", "languages": ["pl"], "digest_time": "17:00"},
    "change_budget": {"monthly_pence": 50_000},
    "create_topic": {"slug": "allotments", "name": "Allotments", "frequency": "About once a month."},
    "invite_officer": {"email": "sam@example.org", "name": "Sam Officer", "role": "author"},
    "set_moves": [{"usual": "2026-12-25", "revised": "2026-12-28", "reason": "Christmas Day"}],
    "add_event": {"kind": "moved", "day": "2026-12-01", "new_day": "2026-12-02", "cause": "weather"},
    "add_statuses": {
        "statuses": [{"reference": "crew-7-1", "outcome": "completed", "day": "2026-12-01", "round": "R7"}]
    },
    "add_contractor": {"name": "Zed Waste"},
    "add_source": {"address": "https://waste.example.org/rounds.csv", "name": "Zed Waste", "every_hours": 24},
    "merge_topic": {"into": "road-closures"},
    "split_topic": {"into": [{"slug": "allotment-news", "name": "Allotment news"}]},
    "order_topics": {"topics": ["bins", "emergencies"]},
    "create_group": {"name": "Streets and travel"},
    "change_group": {"name": "Streets, travel and parking"},
    "save_template": {
        "name": "Road closure",
        "title": "[street] closed on [day]",
        "body": "[street] is closed on [day].",
    },
    "begin_recurrence": {
        "rule": "daily",
        "every": 1,
        "at": "09:00:00",
        "first_day": "2099-01-01",
        "last_day": "2099-01-31",
    },
    "put_statement": {"number": "2.2", "words": "Our contact centre counts calls by month."},
    "end_user_sessions": {"key": ""},
    "ask_new_factor": {"reason": "They lost their phone."},
    "change_topic": {"frequency": "About once a week."},
    "add_subscriber": {
        "name": "Sam",
        "contacts": [{"channel": "email", "address": "sam@example.org"}],
        "places": [{"postcode": "ZZ1 1AA"}],
        "topics": ["bins"],
        "consent": CONSENT,
    },
    "change_subscriber": {"name": "Sam Smith"},
    "search_subscribers": {"address": "sam@example.org", "reason": "They called about a missing alert."},
    "pause_subscriber": {"until": None},
    "send_subscriber_link": {"channel": "email"},
    "resend_message": {"alert": "0197a2b0-0000-7000-8000-000000000002", "number": 1},
    "add_suppression": {
        "subscriber": "0197a2b0-0000-7000-8000-000000000001",
        "channel": "email",
        "reason": "They asked by telephone.",
    },
    "search_suppressions": {"address": "sam@example.org"},
    "lift_suppression": {"reason": "They asked us to write again."},
    "lift_suppressions": {"which": "soft-bounces", "reason": "Their mail provider works again."},
    "count_audience": {"topic": "bins", "audience": {"wards": ["Z05000001"]}},
    "create_alert": {
        "topic": "bins",
        "title": "Bins are collected on Saturday this week",
        "body": "Put your bins out by 6am on Saturday. There is no collection on Friday.",
        "sms": "Bins: collected Saturday this week, not Friday.",
        "audience": {"wards": ["Z05000001"]},
        "send": True,
    },
    "reject_alert": {"reason": "The date is missing."},
    "reschedule_alert": {"send_at": "2099-12-01T18:00:00Z"},
    "update_alert": {"title": "Bins are collected on Sunday", "body": "Put your bins out by 6am on Sunday."},
    "all_clear": {"title": "Collections are back to normal", "body": "Your next collection is on your usual day."},
    "hold_queue": {"lane": "routine", "reason": "The wrong list, wait."},
    "release_queue": {"lane": "routine"},
    "retry_alert": {"states": ["technical-failure", "temporary-failure"]},
    "replay_missed": {"since": "2026-11-01T00:00:00Z"},
    "add_target": {"kind": "target", "name": "Residents signed up", "unit": "people", "target": "5000"},
    "change_target": {"kind": "target", "name": "Residents signed up", "unit": "people", "target": "6000"},
    "add_values": {"values": [{"month": "2026-10", "value": "4200"}]},
    "change_service_level_target": {"priority": "emergency", "seconds": 300, "percent": 95},
    "note_breach": {"note": "The provider was away for ten minutes."},
    "change_assumptions": {"call_pence": 450, "call_source": "Contact centre, 2026."},
    "add_price": {
        "channel": "sms",
        "provider": "file",
        "pence": 2.4,
        "valid_from": "2026-04-01",
        "source": "Contract of 2026.",
    },
    "note_staff_time": {"minutes": 25},
    "change_category": {"category": "Missed bin", "topic": "bins"},
    "change_publication": {"is_on": True, "contact": "figures@example.org"},
    "begin_schedule": {"what": "alerts", "format": "csv", "rhythm": "weekly", "webhook": "https://example.org/figures"},
    "change_officer": {"active": False},
    "create_key": {"name": "Contact centre", "role": "author", "days": 365},
}
