"""What each role may do and what each door asks for, written down apart from the code that decides it."""

from collections.abc import Mapping

from notify.staff.guards import Right
from notify.staff.models import Role

V, A, P, E, C, N, S, M, L, X = (
    *(Role.VIEWER, Role.AUTHOR, Role.APPROVER, Role.PLANNER),
    *(Role.COUNCILLOR, Role.CONTACT_CENTRE, Role.COUNCILLOR_SENDER, Role.MONITORING, Role.CARE_LEAD, Role.ADMIN),
)

WHO: Mapping[Right, set[Role]] = {
    Right.SEE_ALERTS: {V, A, P, E, C, N, S, M, L, X},
    Right.SEE_WORK: {V, A, P, E, M, X},
    Right.WRITE_ALERTS: {A, P, E, S, X},
    Right.APPROVE_ALERTS: {P, E, X},
    Right.BROADCAST: {E, X},
    Right.SEE_ONE_SUBSCRIBER: {A, P, E, N, M, L, X},
    Right.SEE_SUBSCRIBERS: {A, P, E, M, L, X},
    Right.SEE_AT_RISK: {L},
    Right.CHANGE_SUBSCRIBERS: {A, P, E, N, L, X},
    Right.CHANGE_MANY_SUBSCRIBERS: {A, P, E, X},
    Right.SEE_AUDIT: {M, X},
    Right.CHANGE_TOPICS: {X},
    Right.STEER_QUEUE: {X},
    Right.CHANGE_BUDGET: {X},
    Right.CHANGE_SETTINGS: {X},
    Right.MANAGE_STAFF: {X},
    Right.SEE_FIGURES: {V, A, P, E, M, X},
    Right.CHANGE_FIGURES: {X},
    Right.EXPORT_EVERYTHING: {X},
    Right.CHANGE_COLLECTIONS: {P, E, X},
    Right.RUN_INSTALLATION: set(),  # of no role: an operator's
    Right.CHANGE_PLACES: {X},
}

# what is refused to every key, whatever its role
NO_KEY = {Right.SEE_AT_RISK, Right.MANAGE_STAFF, Right.EXPORT_EVERYTHING, Right.RUN_INSTALLATION}

API, DESK = "/api/v1", "/staff"
ON_DESK = f"{DESK}/alerts/{{alert_id:uuid}}"
ALERT, RESIDENT = f"{API}/alerts/{{alert_id:uuid}}", f"{API}/subscribers/{{subscriber_id:uuid}}"
OWN_DRAFT, RECURS = f"{API}/drafts/{{draft_id:uuid}}", f"{API}/recurrences/{{recurrence_id:uuid}}"
INCIDENT, DESK_INCIDENT = (f"{where}/incidents/{{incident_id:uuid}}" for where in (API, DESK))
DRAFT = f"{DESK}/compose/{{draft_id:uuid}}"
FIGURES, BINS = f"{DESK}/figures", f"{DESK}/bins"
RECORD = f"{DESK}/residents/{{subscriber_id:uuid}}"
HOOK = f"{DESK}/webhooks/{{contact:uuid}}"
IMPORT = f"{DESK}/imports/{{import_id:uuid}}"
RECEIVER = f"{API}/webhook-endpoints/{{contact:uuid}}"

_ACCESS = ("invite", "withdraw", "sessions/end", "second-factor")
_QUEUE = ("hold", "release")
_WASTE, _FROM_OTHERS = (f"{API}/collections", BINS), ("sources", "contractors")
_ENDINGS = ("close", "merge", "split")

DOORS: Mapping[Right, set[str]] = {
    Right.SEE_ALERTS: {
        *(f"GET {API}/{what}" for what in ("archive", "calendar", "recurrences")),
        f"GET {ALERT}/report",
        *(f"GET {where}/incidents" for where in (API, DESK)),
        *(f"GET {one}{rest}" for one in (INCIDENT, DESK_INCIDENT) for rest in ("", "/debrief")),
        *(f"GET {INCIDENT}/log", f"GET {DESK_INCIDENT}/live"),
        *(f"POST {one}/handovers/{{note_id:uuid}}/read" for one in (INCIDENT, DESK_INCIDENT)),
        *(f"GET {API}/alerts", f"GET {ALERT}", f"GET {ALERT}/analytics", f"GET {API}/topics", f"GET {ALERT}/cap"),
        *(
            f"GET {API}/topics/{{slug:str}}",
            f"GET {API}/topic-groups",
            f"GET {DESK}/archive",
            f"GET {API}/rights",
            f"GET {DESK}/calendar",
        ),
        *(f"GET {root}" for root in (f"{API}/public-notices", f"{DESK}/notices")),
        *(f"GET {root}/{{notice_id:uuid}}" for root in (f"{API}/public-notices", f"{DESK}/notices")),
        *(f"GET {API}/{what}" for what in ("collections/releases", "collections/moves", "waste-events")),
        *(f"GET {API}/collections/releases/{{release_id:str}}/comparison", f"GET {BINS}", f"GET {BINS}/round"),
        *(f"GET {API}/work-queue", f"GET {DESK}/alerts"),
        *(f"GET {root}/plans{one}" for root in (API, DESK) for one in ("", "/{slug:str}")),
        *(f"GET {root}/zones{one}" for root in (API, DESK) for one in ("", "/{slug:str}")),
        *(f"GET {DESK}", f"GET {DESK}/alerts/{{alert_id:uuid}}", f"GET {DESK}/confirm", f"POST {DESK}/confirm"),
        f"GET {ON_DESK}/area.geojson",
        *(f"GET {API}/places", f"GET {DESK}/places/search", f"GET {DESK}/places/wards.geojson"),
        f"GET {DESK}/rights",
        f"POST {DESK}/switch",
        f"GET {ON_DESK}/preview/{{language:str}}",
        *(f"GET {ON_DESK}/report", f"GET {ON_DESK}/live", f"GET {ON_DESK}/wards.csv", f"GET {ON_DESK}/figures"),
    },
    Right.SEE_WORK: {f"POST {DESK}/archive/export", f"GET {ALERT}/deliveries", f"GET {API}/queue", f"GET {API}/budget"}
    | {f"GET {API}/providers", f"GET {DESK}/operations"},
    Right.WRITE_ALERTS: {
        *(
            f"POST {API}/alerts",
            f"POST {API}/audiences",
            f"POST {API}/shapes",
            f"POST {DRAFT}/shape",
            f"POST {RECEIVER}/replay",
        ),
        *(f"POST {ALERT}/{verb}" for verb in ("submit", "cancel", "update", "all-clear", "retry")),
        *(f"POST {ALERT}/{verb}" for verb in ("send-late", "reschedule", "replace-areas")),
        *(f"POST {DESK}/alerts/{{alert_id:uuid}}/cancel", f"POST {DESK}/alerts/{{alert_id:uuid}}/follow-up"),
        *(f"GET {DESK}/alerts/{{alert_id:uuid}}/follow-up", f"POST {DESK}/alerts/{{alert_id:uuid}}/submit"),
        *(f"POST {ON_DESK}/copy", f"GET {ON_DESK}/check", f"POST {ON_DESK}/change-area"),
        *(f"POST {ON_DESK}/change", f"PUT {ALERT}"),
        *(f"POST {one}/{verb}" for one in (INCIDENT, DESK_INCIDENT) for verb in ("notes", "alerts", "end")),
        *(f"PATCH {INCIDENT}", f"POST {DESK_INCIDENT}/name"),
        *(
            f"POST {ON_DESK}/send-late",
            f"POST {ON_DESK}/replace-areas",
            f"GET {ON_DESK}/reschedule",
            f"POST {ON_DESK}/reschedule",
        ),
        *(f"{method} {DESK}/alerts/{{alert_id:uuid}}/repeat" for method in ("GET", "POST")),
        *(
            f"POST {DESK}/recurrences/{{recurrence_id:uuid}}/{verb}"
            for verb in ("pause", "go-on", "end", "replace-areas")
        ),
        *(f"POST {API}/cap", f"GET {DESK}/cap", f"POST {DESK}/cap"),
        *(f"{method} {DESK}/compose" for method in ("GET", "POST")),
        *(f"{method} {DRAFT}/{step}" for method in ("GET", "POST") for step in ("where", "words")),
        *(f"POST {API}/plans", f"DELETE {API}/plans/{{slug:str}}", f"POST {API}/plans/{{slug:str}}/alert"),
        *(f"POST {DESK}/plans/{{slug:str}}/{verb}" for verb in ("use", "archive")),
        *(f"{method} {DRAFT}/plan" for method in ("GET", "POST")),
        *(f"GET {DRAFT}/check", f"GET {DRAFT}/preview/{{language:str}}", f"GET {DRAFT}/discard"),
        *(f"POST {DRAFT}/{verb}" for verb in ("proof", "send", "discard")),
        *(f"GET {API}/drafts", f"GET {OWN_DRAFT}", f"DELETE {OWN_DRAFT}", f"POST {ALERT}/recurrence"),
        *(f"{method} {API}/message-templates" for method in ("GET", "POST")),
        f"DELETE {API}/message-templates/{{template_id:uuid}}",
        *(f"POST {RECURS}/pause", f"POST {RECURS}/go-on", f"DELETE {RECURS}"),
        *(f"GET {DESK}/templates", f"POST {DESK}/templates/{{template_id:uuid}}/retire"),
        *(f"POST {ON_DESK}/figures/notes", f"POST {FIGURES}/notes/{{annotation_id:uuid}}/remove"),
        *(f"PUT {ALERT}/breach-note", f"PUT {ALERT}/staff-time"),
        *(f"POST {FIGURES}/{what}/{{alert_id:uuid}}" for what in ("service-levels", "costs")),
        f"POST {DESK}/operations/alerts/{{alert_id:uuid}}/retry",
        f"POST {FIGURES}/notes",  # and it asks for the next as well
    },
    Right.APPROVE_ALERTS: {
        *(f"POST {API}/public-notices", f"GET {DESK}/notices/new", f"POST {DESK}/notices/new"),
        *(f"POST {API}/public-notices/{{notice_id:uuid}}/{verb}" for verb in ("correct", "withdraw")),
        *(f"POST {DESK}/notices/{{notice_id:uuid}}/{verb}" for verb in ("correct", "withdraw")),
        f"GET {DESK}/notices/{{notice_id:uuid}}/correct",
        *(f"POST {ALERT}/approve", f"POST {ALERT}/reject", f"GET {DESK}/alerts/{{alert_id:uuid}}/decide"),
        *(f"POST {DESK}/alerts/{{alert_id:uuid}}/{verb}" for verb in ("approve", "reject", "return")),
        f"POST {ALERT}/return",
    },
    # also asked inside the doors above, of an emergency
    Right.BROADCAST: {
        *(f"{method} {DESK}/emergency" for method in ("GET", "POST")),
        *(f"{method} {DESK}/alerts/{{alert_id:uuid}}/alone" for method in ("GET", "POST")),
        *(f"POST {API}/{what}" for what in ("zones", "zone-files")),
        *(f"{method} {API}/zones/{{slug:str}}" for method in ("PATCH", "DELETE")),
        *(f"GET {DESK}/new-zone", f"POST {DESK}/new-zone", f"POST {DESK}/new-zone/file"),
        *(f"POST {DESK}/zones/{{slug:str}}{what}" for what in ("", "/archive")),
    },
    Right.SEE_ONE_SUBSCRIBER: {
        *(f"GET {RESIDENT}", f"POST {API}/subscribers/search", f"GET {RESIDENT}/messages", f"GET {RESIDENT}/export"),
        *(f"GET {DESK}/residents", f"POST {DESK}/residents", f"GET {RECORD}", f"POST {RECORD}/reason"),
        *(f"GET {RECORD}/{what}" for what in ("messages", "data", "data.json", "data.csv")),
    },
    Right.SEE_SUBSCRIBERS: {
        *(f"GET {API}/subscribers", f"GET {API}/suppressions", f"GET {API}/webhook-endpoints"),
        *(f"GET {API}/resident-messages", f"GET {DESK}/messages", f"GET {API}/place-reviews", f"GET {DESK}/places"),
        *(
            f"GET {ON_DESK}/missed",
            f"GET {ALERT}/call-list",
            f"GET {ON_DESK}/missed.csv",
            f"GET {ON_DESK}/missed/{{subscriber_id:uuid}}",
            # and the right to change subscribers is asked inside
            f"POST {ON_DESK}/missed/{{subscriber_id:uuid}}",
            f"POST {ALERT}/call-list/{{subscriber_id:uuid}}/attempts",
            f"GET {DESK}/suppressions",
            f"GET {DESK}/webhooks",
        ),
        *(f"POST {API}/suppressions/search", f"POST {DESK}/suppressions/search", f"GET {API}/bounces/bursts"),
    },
    Right.CHANGE_SUBSCRIBERS: {
        *(f"POST {API}/subscribers", f"PATCH {RESIDENT}", f"DELETE {RESIDENT}"),
        *(f"POST {API}/suppressions", f"POST {API}/suppressions/{{suppression_id:uuid}}/lift"),
        *(f"POST {RESIDENT}/{verb}" for verb in ("pause", "link", "messages/resend")),
        *(
            f"{method} {RECORD}/{what}"
            for method in ("GET", "POST")
            for what in ("details", "places", "topics", "contacts")
        ),
        *(f"{method} {RECORD}/{what}" for method in ("GET", "POST") for what in ("pause", "erase", "contacts")),
        *(f"{method} {RECORD}/suppressions/{{suppression_id:uuid}}" for method in ("GET", "POST")),
        *(f"POST {RECORD}/link", f"POST {RECORD}/resend"),
        *(f"GET {DESK}/sign-up", f"POST {DESK}/sign-up"),
    },
    Right.SEE_AT_RISK: {
        *(f"{method} {ON_DESK}/at-risk" for method in ("GET", "POST")),
        *(f"{method} {ON_DESK}/at-risk/{{person_id:uuid}}" for method in ("GET", "POST")),
        f"POST {ON_DESK}/at-risk/destroy",
    },
    Right.CHANGE_MANY_SUBSCRIBERS: {
        f"POST {API}/subscribers/import",
        *(f"{method} {root}/imports" for method in ("GET", "POST") for root in (API, DESK)),
        *(f"GET {root}/imports/{{import_id:uuid}}" for root in (API, DESK)),
        *(f"POST {root}/imports/{{import_id:uuid}}/{verb}" for verb in ("start", "undo") for root in (API, DESK)),
        *(f"POST {IMPORT}/{verb}" for verb in ("check", "remove")),
        *(f"GET {IMPORT}/{what}" for what in ("columns", "report.csv")),
        *(f"POST {root}/suppressions/lift" for root in (API, DESK)),
        *(f"POST {API}/bounces/bursts/{{burst_id:uuid}}/{verb}" for verb in ("confirm", "dismiss")),
        f"POST {DESK}/suppressions/bursts/{{burst_id:uuid}}",
        *(f"POST {root}/{verb}" for root in (RECEIVER, HOOK) for verb in ("enable", "disable", "secret")),
    },
    Right.SEE_FIGURES: {
        *(f"GET {API}/collections/figures", f"GET {BINS}/figures"),
        *(f"GET {API}/{what}" for what in ("service-levels", "costs", "costs/prices", "calls", "publication")),
        *(f"GET {FIGURES}/{what}" for what in ("service-levels", "costs", "calls")),
        *(f"GET {ALERT}/costs", f"GET {ALERT}/calls"),
        *(f"GET {FIGURES}/{what}/{{alert_id:uuid}}" for what in ("costs", "calls")),
        *(f"GET {FIGURES}", f"GET {FIGURES}/topics/{{slug:str}}", f"GET {FIGURES}/wards/{{code:str}}"),
        *(f"GET {FIGURES}/{by}" for by in ("topics", "wards", "channels", "providers", "languages")),
        f"GET {API}/figures",
        *(f"GET {FIGURES}/{page}" for page in ("growth", "reach", "fatigue", "targets")),
        *(f"GET {API}/{what}" for what in ("growth", "reach", "fatigue", "targets")),
        *(f"GET {API}/extracts", f"GET {API}/extracts/dictionary", f"GET {API}/extracts/{{data_set:str}}"),
        *(
            f"GET {DESK}/evidence",
            f"GET {API}/evidence",
            f"GET {DESK}/evidence/foi",
            f"GET {DESK}/evidence/personal-data",
        ),
        *(f"GET {DESK}/evidence/runs", f"GET {API}/evidence"),
        *(f"{method} {DESK}/exports/schedules" for method in ("GET", "POST")),
        *(f"{method} {API}/export-schedules" for method in ("GET", "POST")),
        *(
            f"POST {root}/{{schedule_id:uuid}}/{verb}"
            for verb in ("pause", "go-on", "remove", "send")
            for root in (f"{DESK}/exports/schedules", f"{API}/export-schedules")
        ),
        *(f"GET {DESK}/exports", f"POST {DESK}/exports/file", f"GET {DESK}/exports/retention"),
    },
    Right.CHANGE_COLLECTIONS: {
        *(f"POST {API}/collections/releases", f"POST {API}/collections/releases/{{release_id:str}}/activate"),
        *(f"PUT {API}/collections/moves", f"POST {API}/waste-events", f"GET {BINS}/find"),
        *(
            f"{method} {BINS}/{what}"
            for method in ("GET", "POST")
            for what in ("happened", "holidays", "upload", "stream")
        ),
        *(f"GET {BINS}/releases/{{release_id:str}}", f"POST {BINS}/releases/{{release_id:str}}/activate"),
        *(f"POST {BINS}/releases/{{release_id:str}}/tell", f"GET {BINS}/releases/{{release_id:str}}/letters.csv"),
        *(f"POST {BINS}/reports/{{report_id:uuid}}/done", f"GET {BINS}/uploads/{{upload_id:uuid}}"),
        *(f"{method} {root}/{what}" for method in ("GET", "POST") for root in _WASTE for what in _FROM_OTHERS),
        *(
            f"DELETE {API}/collections/{name}"
            for name in ("sources/{source_id:uuid}", "contractors/{contractor_id:uuid}")
        ),
        *(f"POST {root}/sources/{{source_id:uuid}}/fetch" for root in _WASTE),
        *(f"POST {BINS}/{name}/remove" for name in ("sources/{source_id:uuid}", "contractors/{contractor_id:uuid}")),
        f"POST {API}/collections/statuses",
    },
    Right.EXPORT_EVERYTHING: {f"POST {DESK}/exports/everything"},
    Right.SEE_AUDIT: {f"GET {DESK}/audit", f"GET {DESK}/audit.csv", f"GET {API}/audit"},
    Right.CHANGE_FIGURES: {
        *(f"POST {DESK}/evidence/statements", f"PUT {API}/evidence/statements"),
        *(f"PUT {API}/service-levels/targets", f"PUT {API}/costs/assumptions", f"POST {API}/costs/prices"),
        *(f"POST {API}/calls/import", f"PUT {API}/calls/categories", f"PUT {API}/publication"),
        *(f"POST {FIGURES}/{what}" for what in ("service-levels", "costs/assumptions", "costs/prices")),
        *(f"POST {FIGURES}/calls", f"POST {FIGURES}/calls/topics"),
        *(f"{method} {FIGURES}/published" for method in ("GET", "POST")),
        *(f"{method} {FIGURES}/targets/{{indicator:str}}" for method in ("GET", "POST")),
        *(f"POST {FIGURES}/targets/{{indicator:str}}/values", f"POST {API}/targets/{{indicator:str}}/values"),
        *(f"POST {API}/targets", f"PUT {API}/targets/{{indicator:str}}"),
    },
    Right.CHANGE_PLACES: {
        *(
            f"{method} {root}"
            for method in ("GET", "POST")
            for root in (f"{API}/place-releases", f"{DESK}/places/releases")
        ),
        *(f"GET {DESK}/places/releases/{{release_id:str}}", f"GET {DESK}/start/places"),
        f"GET {API}/place-releases/{{release_id:str}}/comparison",
        *(f"POST {root}/{{release_id:str}}/activate" for root in (f"{API}/place-releases", f"{DESK}/places/releases")),
    },
    Right.RUN_INSTALLATION: {
        *(f"{method} {DESK}/councils" for method in ("GET", "POST")),
        *(f"GET {DESK}/councils/{{slug:str}}", f"POST {DESK}/councils/{{slug:str}}/{{deed:str}}"),
    },
    Right.CHANGE_TOPICS: {
        *(f"POST {API}/topics", f"PATCH {API}/topics/{{slug:str}}", f"DELETE {API}/topics/{{slug:str}}"),
        *(f"POST {API}/topics/{{slug:str}}/{verb}" for verb in ("merge", "split")),
        *(f"PUT {API}/topic-order", f"POST {API}/topic-groups"),
        *(f"{method} {API}/topic-groups/{{group_id:uuid}}" for method in ("PATCH", "DELETE")),
        *(f"{method} {DESK}/{page}" for method in ("GET", "POST") for page in ("new-topic", "topics/{slug:str}")),
        *(f"{method} {DESK}/topics/{{slug:str}}/{verb}" for method in ("GET", "POST") for verb in _ENDINGS),
        *(f"GET {DESK}/topics", f"POST {DESK}/topics/{{slug:str}}/move"),
        *(f"{method} {DESK}/start/topics" for method in ("GET", "POST")),
        *(f"{method} {DESK}/topic-groups" for method in ("GET", "POST")),
        *(f"POST {DESK}/topic-groups/{{group_id:uuid}}", f"POST {DESK}/topic-groups/{{group_id:uuid}}/remove"),
    },
    Right.STEER_QUEUE: {f"POST {root}/{verb}" for root in (f"{API}/queue", f"{DESK}/operations") for verb in _QUEUE},
    Right.CHANGE_BUDGET: {f"PUT {API}/budget", f"POST {DESK}/operations/budget"},
    Right.CHANGE_SETTINGS: {
        *(f"{method} {DESK}/at-risk" for method in ("GET", "POST")),
        *(f"{method} {API}/at-risk-assessment" for method in ("GET", "PUT")),
        *(f"{method} {API}/council" for method in ("GET", "PATCH")),
        *(f"{method} {API}/council/images/{{kind:str}}" for method in ("PUT", "DELETE")),
        *(f"GET {DESK}/settings", f"GET {DESK}/start"),
        *(f"{method} {DESK}/start/messages" for method in ("GET", "POST")),
        *(f"{method} {DESK}/settings/{{subject:str}}" for method in ("GET", "POST")),
        *(f"POST {DESK}/settings/{{subject:str}}/preview", f"POST {DESK}/settings/images/{{kind:str}}/remove"),
    },
    Right.MANAGE_STAFF: {
        f"POST {DESK}/set-up/done",
        *(f"{method} {root}/keys" for method in ("GET", "POST") for root in (API, DESK)),
        *(f"POST {root}/keys/{{prefix:str}}/revoke" for root in (API, DESK)),
        *(f"GET {API}/officers", f"GET {DESK}/officers", f"GET {DESK}/officers/{{officer_id:uuid}}"),
        *(f"POST {root}/officers" for root in (API, DESK)),
        *(f"POST {root}/officers/{{officer_id:uuid}}" for root in (API, DESK)),
        *(f"POST {root}/officers/{{officer_id:uuid}}/{what}" for root in (API, DESK) for what in _ACCESS),
        f"GET {API}/officers/{{officer_id:uuid}}/sessions",
        *(f"POST {DESK}/officers/{{officer_id:uuid}}/second-factor/{what}" for what in ("agree", "refuse")),
    },
}
