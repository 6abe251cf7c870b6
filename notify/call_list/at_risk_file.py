"""People at risk from a CSV file, in the words of SAVVI: a person, where they are, how they are reached, and a need.

SAVVI (Scalable Approach to Vulnerability via Interoperability) keeps a person's need as a code of a list, so a column
for anything that is typed freely, such as a diagnosis, is refused, and so is every column that is not known here.
"""

import csv
import io
from collections.abc import Mapping, Sequence

from notify.core.csv_cells import decoded
from notify.core.errors import Invalid

MOST_PEOPLE = 5_000
MOST_BYTES = 3_000_000
LONGEST = 200
# what files call a column, in small letters without spaces and marks
COLUMNS: Mapping[str, Sequence[str]] = {
    "reference": ("reference", "ref", "personid", "personidentifier", "recordid", "id"),
    "name": ("name", "fullname", "personname"),
    "given_name": ("givenname", "firstname", "forename"),
    "family_name": ("familyname", "lastname", "surname"),
    "address": ("address", "fulladdress", "addressline1", "street"),
    "postcode": ("postcode", "postalcode"),
    "uprn": ("uprn",),
    "phone": ("phone", "telephone", "phonenumber", "mobile", "contactnumber"),
    "language": ("language", "preferredlanguage"),
    "need": ("need", "needs", "needcode", "vulnerability", "vulnerabilityattribute", "attribute", "cohort"),
    "priority": ("priority", "risklevel", "riskscore"),
}
# the needs that may be said, by code, in words of what helps and not of what somebody has
NEEDS: Mapping[str, str] = {
    "power": "Depends on electricity",
    "mobility": "Cannot leave without help",
    "hearing": "Does not hear a phone or a knock",
    "sight": "Does not see well",
    "understanding": "Needs things explained",
    "alone": "Lives alone",
    "carer": "Cares for someone, or is cared for",
    "child": "Has a baby or small children",
    "other": "Other",
}
PRIORITIES = ("high", "medium", "low")


class AtRiskFileNotValid(Invalid):
    """The file cannot be kept; `detail` says which column or row is wrong. Nothing of it was kept."""

    title = "The list cannot be used"


def people_in(file: bytes) -> Sequence[Mapping[str, str]]:
    """The people of the file, by the names of `COLUMNS`. Raises: AtRiskFileNotValid."""
    if len(file) > MOST_BYTES:
        raise AtRiskFileNotValid(f"The file is larger than {MOST_BYTES // 1_000_000} MB.")
    try:
        rows = csv.reader(io.StringIO(decoded(file)), strict=True)
        header = next(rows, [])
        columns = _columns(header)
        people = [_person(columns, row, number) for number, row in enumerate(rows, start=2) if any(row)]
    except (UnicodeDecodeError, csv.Error):
        raise AtRiskFileNotValid("The file is no table. Save it as CSV UTF-8 and choose it again.") from None
    if not people:
        raise AtRiskFileNotValid("The file has no rows of people.")
    if len(people) > MOST_PEOPLE:
        raise AtRiskFileNotValid(f"The file has more than {MOST_PEOPLE:,} people. Leave out who is far away.")
    return people


def _columns(header: Sequence[str]) -> Sequence[str]:
    found = []
    for written in header:
        plain = "".join(character for character in written.lower() if character.isalnum())
        name = next((name for name, known in COLUMNS.items() if plain in known), None)
        if name is None:
            raise AtRiskFileNotValid(
                f"Remove the column “{written[:60]}”. Only these are kept: {', '.join(COLUMNS)}. Free text and "
                "diagnoses do not belong in this list."
            )
        found.append(name)
    if not {"name", "family_name"} & set(found) or not {"address", "postcode", "uprn"} & set(found):
        raise AtRiskFileNotValid("The file needs a column for the name, and one for the address or postcode.")
    if len(set(found)) < len(found):
        raise AtRiskFileNotValid("Two columns of the file mean the same. Remove one of them.")
    return found


def _person(columns: Sequence[str], row: Sequence[str], number: int) -> Mapping[str, str]:
    if len(row) > len(columns):
        raise AtRiskFileNotValid(f"Row {number} has more cells than the header.")
    said = {name: " ".join(cell.split())[:LONGEST] for name, cell in zip(columns, row, strict=False) if cell.strip()}
    if "name" not in said:
        said["name"] = " ".join(said[part] for part in ("given_name", "family_name") if part in said)
    needs = [one.strip().lower() for one in said.get("need", "").replace(";", ",").split(",") if one.strip()]
    unknown = next((one for one in needs if one not in NEEDS), None)
    if unknown is not None:
        raise AtRiskFileNotValid(f"Row {number}: a need is one of {', '.join(NEEDS)}. Write nothing else there.")
    if said.get("priority", "low").lower() not in PRIORITIES:
        raise AtRiskFileNotValid(f"Row {number}: a priority is one of {', '.join(PRIORITIES)}.")
    kept = {name: value for name, value in said.items() if name not in ("given_name", "family_name")}
    return kept | {"need": ",".join(needs), "priority": said.get("priority", "").lower()}
