"""Saved zones in an audience: each becomes the outline of one version, so that what is approved is that outline."""

from uuid import UUID

from sqlmodel import Session

from notify.places.models import AudiencePart, AudienceSpec
from notify.zones.queries import UnknownZone, saved

# what says of a feature which zone it is
CLAIMS = ("zone", "version", "name")


def shaped(session: Session, council_id: UUID, spec: AudienceSpec | None) -> AudienceSpec | None:
    """The same audience with the outlines of its zones in its polygon, and no zones; `spec` itself where it has none.

    Every outline is a feature with the slug, name and version that it is of. A feature that was sent and says so too
    loses that word where its outline is another, because an approver reads it. Raises: UnknownZone.
    """
    if spec is None or not any(part.zones or part.polygon for part in (spec, spec.excluded) if part):
        return spec
    said = _said(spec) | _polygon(session, council_id, spec)
    if spec.excluded:
        said["except"] = _said(spec.excluded) | _polygon(session, council_id, spec.excluded)
    return AudienceSpec.model_validate(said)


def _said(part: AudiencePart) -> dict[str, object]:
    return part.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True, exclude={"zones"})


def _polygon(session: Session, council_id: UUID, part: AudiencePart) -> dict[str, object]:
    if not part.zones and not (part.polygon and zones_in(part.polygon)[0]):
        return {}
    sent = _features(part.polygon) if part.polygon else []
    features: list[object] = [_honest(session, council_id, feature) for feature in sent]
    for named in dict.fromkeys(part.zones):
        found = saved(session, council_id, named)
        about = {"zone": found.zone.slug, "version": found.version.version, "name": found.zone.name}
        features.append({"type": "Feature", "properties": about, "geometry": found.version.shape})
    return {"polygon": {"type": "FeatureCollection", "features": features}}


def _honest(session: Session, council_id: UUID, feature: object) -> object:
    """The feature, without the name of a zone whose outline it is not."""
    named = next(iter(zones_in({"features": [feature]})[0]), None)
    if named is None or not isinstance(feature, dict):
        return feature
    try:
        found = saved(session, council_id, named)
    except UnknownZone:
        found = None
    about = feature["properties"]
    if found and found.version.shape == feature.get("geometry") and found.zone.name == about.get("name"):
        return feature
    return feature | {"properties": {key: value for key, value in about.items() if key not in CLAIMS}}


def _features(polygon: dict[str, object]) -> list[object]:
    """What else is meant, as features."""
    if polygon.get("type") == "FeatureCollection":
        listed = polygon.get("features")
        return listed if isinstance(listed, list) else [polygon]
    if polygon.get("type") == "Feature":
        return [polygon]
    return [{"type": "Feature", "properties": {}, "geometry": polygon}]


def zones_in(polygon: object) -> tuple[list[str], object | None]:
    """The zones that a stored polygon was made of, as `slug@version`, and what else it is made of; None: nothing."""
    listed = polygon.get("features") if isinstance(polygon, dict) else None
    if not isinstance(listed, list):
        return [], polygon or None
    named: list[str] = []
    rest: list[object] = []
    for feature in listed:
        about = feature.get("properties") if isinstance(feature, dict) else None
        if isinstance(about, dict) and _is_claim(about):
            named.append(f"{about['zone']}@{about['version']}")
        else:
            rest.append(feature)
    return named, {"type": "FeatureCollection", "features": rest} if rest else None


def _is_claim(about: dict[str, object]) -> bool:
    """Whether a feature says which zone it is: in one form, so that nothing is shown that was not looked at."""
    return isinstance(about.get("zone"), str) and isinstance(about.get("version"), int)


def zone_names(polygon: object) -> list[str]:
    """The zones that a stored polygon was made of, in words."""
    listed = polygon.get("features") if isinstance(polygon, dict) else None
    said = [one.get("properties") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [
        f"{one['name']}, version {one['version']}"
        for one in said
        if isinstance(one, dict) and set(CLAIMS) <= set(one) and _is_claim(one)
    ]
