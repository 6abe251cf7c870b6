"""The public tables as files: CSV, JSON, a description of their columns, and a catalogue of all of them in DCAT."""

import json
from collections.abc import Mapping, Sequence
from datetime import date

from notify.core.csv_cells import csv_of
from notify.core.settings import settings
from notify.insight.open_data.disclosure import SMALL, WITHHELD
from notify.insight.open_data.publication import FiguresNotPublished, Published
from notify.insight.open_data.tables import TABLES, Column, Table
from notify.languages import LANGUAGES, said_as, speaking

LICENCE = "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/"
SCHEMA = "csv-metadata.json"
MARKS = {
    SMALL: "Fewer than five, and more than none.",
    WITHHELD: "Withheld, because a number under five could be worked out from it.",
}
MEDIA = {"csv": "text/csv", "json": "application/json"}
FORMATS = "http://publications.europa.eu/resource/authority/file-type/"
MONTHLY = "http://publications.europa.eu/resource/authority/frequency/MONTHLY"
GOVERNMENT = "http://publications.europa.eu/resource/authority/data-theme/GOVE"
OPEN = "http://publications.europa.eu/resource/authority/access-right/PUBLIC"
GEOGRAPHY = "http://statistics.data.gov.uk/id/statistical-geography/"
CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


def address(slug: str, name: str) -> str:
    """Where a file of this council is, for good."""
    return f"{settings().base_url}/performance/{slug}/{name}"


def page_address(slug: str) -> str:
    """Where this council's figures are shown."""
    return f"{settings().base_url}/performance?council={slug}"


def shown_tables(one: Published) -> Sequence[Table]:
    """The tables that this council publishes, in their order."""
    return [table for table in TABLES.values() if table.name in one.tables]


def file_of(one: Published, name: str) -> tuple[bytes, str]:
    """The content and media type of a file of this council. Raises: FiguresNotPublished."""
    if name == SCHEMA:
        return _written(described(one)), "application/csvm+json"
    stem, _, kind = name.rpartition(".")
    table = TABLES.get(stem)
    if table is None or kind not in MEDIA or stem not in one.tables:
        raise FiguresNotPublished(
            f"There is no file {name[:60]}. The catalogue at /performance/catalog.jsonld has all."
        )
    if kind == "csv":
        header = [column.name for column in table.columns]
        return csv_of(header, one.tables[stem]).encode(), "text/csv; charset=utf-8; header=present"
    return _written(as_json(one, table)), "application/json"


def _written(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def as_json(one: Published, table: Table) -> Mapping[str, object]:
    """A table with everything that is needed to read it."""
    return {
        "table": table.name,
        "title": table.title,
        "description": table.about,
        "publisher": one.council.name,
        "licence": LICENCE,
        "first_day": one.first.isoformat(),
        "last_day": one.last.isoformat(),
        "changed_at": one.changed_at.isoformat(),
        "marks": MARKS,
        "columns": [
            {"name": column.name, "title": column.title, "description": column.about} for column in table.columns
        ],
        "rows": [
            {column.name: value for column, value in zip(table.columns, row, strict=True)}
            for row in one.tables[table.name]
        ],
    }


def described(one: Published) -> Mapping[str, object]:
    """The columns of every CSV file, as CSV on the Web (W3C) has it."""
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dct:license": {"@id": LICENCE},
        "tables": [
            {
                "url": address(one.council.slug, f"{table.name}.csv"),
                "dct:title": in_all_languages(table.title),
                "tableSchema": {"columns": [_column(column) for column in table.columns]},
            }
            for table in shown_tables(one)
        ],
    }


def _column(column: Column) -> Mapping[str, object]:
    return {
        "name": column.name,
        "titles": column.name,
        "dct:title": in_all_languages(column.title),
        "dct:description": in_all_languages(column.about),
        "datatype": column.kind,
        "null": ["", *MARKS],
    }


def in_all_languages(words: str) -> Sequence[Mapping[str, str]]:
    """The same words in every language of our pages."""
    found = []
    for code in LANGUAGES:
        with speaking(code):
            found.append({"@value": said_as(words), "@language": code})
    return found


def catalogue(councils: Sequence[Published]) -> Mapping[str, object]:
    """Every table of every council that publishes, as DCAT-AP describes them."""
    here = f"{settings().base_url}/performance/catalog.jsonld"
    return {
        "@context": CONTEXT,
        "@id": here,
        "@type": "dcat:Catalog",
        "dct:title": in_all_languages("Figures about alerts"),
        "dct:description": {
            "@value": "What councils sent to residents, how fast, to how many, and what it cost.",
            "@language": "en",
        },
        "dct:publisher": [_agent(one) for one in councils],
        "dct:license": {"@id": LICENCE},
        "dct:language": ["en", "cy"],
        "foaf:homepage": {"@id": f"{settings().base_url}/performance"},
        "dcat:dataset": [_dataset(one, table) for one in councils for table in shown_tables(one)],
    }


def _agent(one: Published) -> Mapping[str, object]:
    return {"@type": "foaf:Agent", "@id": page_address(one.council.slug), "foaf:name": one.council.name}


def _dataset(one: Published, table: Table) -> Mapping[str, object]:
    slug = one.council.slug
    found: dict[str, object] = {
        "@id": address(slug, table.name),
        "@type": "dcat:Dataset",
        "dct:identifier": address(slug, table.name),
        "dct:title": [
            {"@value": f"{words['@value']}: {one.council.name}", "@language": words["@language"]}
            for words in in_all_languages(table.title)
        ],
        "dct:description": in_all_languages(table.about),
        "dct:publisher": _agent(one),
        "dct:modified": {"@value": one.changed_at.isoformat(), "@type": "xsd:dateTime"},
        "dct:accrualPeriodicity": {"@id": MONTHLY},
        "dct:accessRights": {"@id": OPEN},
        "dct:spatial": [{"@id": GEOGRAPHY + code} for code in one.council.district_codes],
        "dct:temporal": {
            "@type": "dct:PeriodOfTime",
            "dcat:startDate": _day(one.first),
            "dcat:endDate": _day(one.last),
        },
        "dcat:theme": {"@id": GOVERNMENT},
        "dcat:keyword": ["alerts", "notifications", "council", "performance"],
        "dcat:landingPage": {"@id": page_address(slug)},
        "dcat:distribution": [_distribution(slug, table, kind) for kind in MEDIA],
    }
    if one.contact:
        kind = {"vcard:hasEmail": {"@id": f"mailto:{one.contact}"}}
        link = {"vcard:hasURL": {"@id": one.contact}}
        about = link if one.contact.startswith("http") else kind
        found["dcat:contactPoint"] = {"@type": "vcard:Organization", "vcard:fn": one.council.name, **about}
    return found


def _day(day: date) -> Mapping[str, str]:
    return {"@value": day.isoformat(), "@type": "xsd:date"}


def _distribution(slug: str, table: Table, kind: str) -> Mapping[str, object]:
    where = {"@id": address(slug, f"{table.name}.{kind}")}
    return {
        "@type": "dcat:Distribution",
        "@id": f"{where['@id']}#distribution",
        "dcat:accessURL": where,
        "dcat:downloadURL": where,
        "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{MEDIA[kind]}"},
        "dct:format": {"@id": FORMATS + kind.upper()},
        "dct:license": {"@id": LICENCE},
        "dct:conformsTo": {"@id": address(slug, SCHEMA)},
    }
