"""What a column means in whichever table it stands, for the data dictionary."""

from collections.abc import Mapping

from notify.channels import CHANNELS, one_of

COMMON: Mapping[str, str] = {
    "id": "The row's own id; ids of version 7 sort by when they were made.",
    "council_id": "The council that it belongs to.",
    "alert_id": "The alert that it is about.",
    "topic_id": "The topic that it is about.",
    "subscriber_id": "The resident, by id; erased residents' ids lead to nobody.",
    "contact_id": "The resident's address, by id.",
    "month": "The first day of the month.",
    "at": "When it happened.",
    "created_at": "When it was made.",
    "changed_at": "When it was last changed.",
    "channel": f"{one_of(CHANNELS)}.",
    "language": "The language's code, such as en or cy.",
    "ward_code": "The ward's published code.",
    "district_code": "The district's published code.",
    "provider": "The adapter that took the message.",
    "actor": "Who did it: officer:<id>, key:<prefix> or a part of the platform.",
    "created_by": "Who made it: officer:<id>, key:<prefix> or a part of the platform.",
    "expires_at": "From when on it is worth nothing.",
    "slug": "The short name that stands in addresses.",
    "address_hash": "A keyed hash of an address; the key is not in the database.",
}
