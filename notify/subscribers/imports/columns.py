"""Which column of somebody's list holds what: guessed from its name, said by an officer, and put into our order.

Known lists: govDelivery's (`Destination` holds addresses and numbers alike), GOV.UK Notify's (`email address`, `phone
number`), listmonk's (`status`), and what spreadsheets and other systems call the same things.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from notify.channels import BY_COLUMN, one_of
from notify.subscribers.imports.csv_file import COLUMNS, FileNotReadable, Line, name_of

ADDRESS, FIRST_NAME, LAST_NAME, STATUS = "address", "first_name", "last_name", "status"
# what a column may hold, in the words of a page
FIELDS: Mapping[str, str] = {
    **{about.column: about.address_label for about in BY_COLUMN.values()},
    ADDRESS: "Email address or mobile number",
    "name": "Name",
    FIRST_NAME: "First name",
    LAST_NAME: "Last name",
    "postcode": "Postcode",
    "ward": "Ward code or name",
    "language": "Language code",
    "topics": "Topics",
    "tracking_consent": "May count what they read (yes or no)",
    "given_at": "Day they agreed",
    STATUS: "Status: people who left are skipped",
}
_GUESSES: Mapping[str, str] = {
    "destination": ADDRESS,
    "recipient": ADDRESS,
    "contact": ADDRESS,
    "firstname": FIRST_NAME,
    "first": FIRST_NAME,
    "forename": FIRST_NAME,
    "given_name": FIRST_NAME,
    "lastname": LAST_NAME,
    "last": LAST_NAME,
    "surname": LAST_NAME,
    "family_name": LAST_NAME,
    "fullname": "name",
    "subscriber_name": "name",
    "postal_code": "postcode",
    "zip_code": "postcode",
    "topic_code": "topics",
    "subscriptions": "topics",
    "lists": "topics",
    "subscribed_at": "given_at",
    "subscription_date": "given_at",
    "created_at": "given_at",
    "date_joined": "given_at",
    "opt_in_date": "given_at",
    "optin_time": "given_at",
    "subscription_status": STATUS,
    "state": STATUS,
    "wireless": "phone",
    "cell": "phone",
}
_SYSTEMS = (
    ("govDelivery", {"destination"}),
    ("listmonk", {"uuid", "email", "attributes", "status"}),
    ("GOV.UK Notify", {"recipient", "template", "status"}),
)
LEFT = frozenset(
    {"unsubscribed", "disabled", "blocklisted", "blacklisted", "bounced", "cleaned", "complained", "suppressed"}
    | {"inactive", "deleted", "no"}
)
_JOINED = {"name": " ", FIRST_NAME: " ", LAST_NAME: " ", "topics": " ", "postcode": ";"}
_WAYS = (*BY_COLUMN, ADDRESS)


def guess(header: Sequence[str]) -> list[str]:
    """What each column holds, as far as its name says; empty where it says nothing. Nothing is guessed twice."""
    found: list[str] = []
    for cell in header:
        name = name_of(cell)
        field = name if name in FIELDS else _GUESSES.get(name, "")
        found.append("" if field in found else field)
    return found


def system_of(header: Sequence[str]) -> str:
    """The system that such a list comes from, where its columns show it."""
    names = {name_of(cell) for cell in header}
    return next((system for system, columns in _SYSTEMS if columns <= names), "")


def require(fields: Sequence[str], header: Sequence[str]) -> None:
    """Refuse what cannot be read. Raises: FileNotReadable."""
    if len(fields) != len(header):
        raise FileNotReadable(f"Say of each of the {len(header)} columns what it holds.")
    unknown = [field for field in fields if field and field not in FIELDS]
    if unknown:
        raise FileNotReadable(f"Nothing here is called {unknown[0][:60]!r}. Choose from: {', '.join(FIELDS)}.")
    twice = [field for field in fields if field and field not in _JOINED and list(fields).count(field) > 1]
    if twice:
        raise FileNotReadable(f"Two columns cannot both be “{FIELDS[twice[0]]}”.")
    if not set(_WAYS) & set(fields):
        raise FileNotReadable(f"One column must hold an address: {one_of(f'“{FIELDS[way]}”' for way in _WAYS)}.")


def columns_of(fields: Sequence[str]) -> Sequence[str]:
    """The columns of ours that lines have after `in_our_order`."""
    made = set(fields)
    if ADDRESS in made:
        made |= {"email", "phone"}
    if made & {FIRST_NAME, LAST_NAME}:
        made.add("name")
    return [column for column in COLUMNS if column in made]


def in_our_order(lines: Iterable[Line], fields: Sequence[str]) -> Iterator[Line]:
    """The same lines with our columns, those of `columns_of`."""
    columns = columns_of(fields)
    for line in lines:
        yield line if line.problem else _in_our_order(line, fields, columns)


def _in_our_order(line: Line, fields: Sequence[str], columns: Sequence[str]) -> Line:
    if any(cell.strip() for cell in line.cells[len(fields) :]):
        return Line(line.number, (), f"There are {len(line.cells)} values for {len(fields)} columns.")
    values: dict[str, str] = {}
    for field, cell in zip(fields, line.cells, strict=False):
        cell = cell.strip()
        if field and cell:
            values[field] = f"{values[field]}{_JOINED[field]}{cell}" if field in values else cell
    status = values.get(STATUS, "").lower()
    if status in LEFT:
        return Line(line.number, (), f"They had left: their status there is “{status}”.")
    if (address := values.get(ADDRESS)) is not None:
        values.setdefault("email" if "@" in address else "phone", address)
    if not values.get("name"):
        values["name"] = f"{values.get(FIRST_NAME, '')} {values.get(LAST_NAME, '')}".strip()
    if phone := values.get("phone"):
        values["phone"] = _with_its_zero(phone)
    return Line(line.number, [values.get(column, "") for column in columns])


def _with_its_zero(phone: str) -> str:
    """The number as it was before a spreadsheet took it for a sum: 7700900123 is 07700900123."""
    return f"0{phone}" if len(phone) == 10 and phone.startswith("7") and phone.isdecimal() else phone
