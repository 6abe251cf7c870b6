"""Saved zones in an audience: each becomes the outline of one version, so that what is approved is that outline."""

from uuid import UUID

from sqlmodel import Session

from notify.places.models import AudiencePart, AudienceSpec
from notify.zones.queries import saved


def shaped(session: Session, council_id: UUID, spec: AudienceSpec | None) -> AudienceSpec | None:
    """The same audience with the outlines of its zones in its polygon, and no zones; `spec` itself where it has none.

    Every outline is a feature with the slug, name and version that it is of. Raises: UnknownZone.
    """
    if spec is None or not (spec.zones or (spec.excluded and spec.excluded.zones)):
        return spec
    said = _said(spec) | _polygon(session, council_id, spec)
    if spec.excluded:
        said["except"] = _said(spec.excluded) | _polygon(session, council_id, spec.excluded)
    return AudienceSpec.model_validate(said)


def _said(part: AudiencePart) -> dict[str, object]:
    return part.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True, exclude={"zones"})


def _polygon(session: Session, council_id: UUID, part: AudiencePart) -> dict[str, object]:
    if not part.zones:
        return {}
    features: list[object] = list(_features(part.polygon)) if part.polygon else []
    for named in dict.fromkeys(part.zones):
        found = saved(session, council_id, named)
        about = {"zone": found.zone.slug, "version": found.version.version, "name": found.zone.name}
        features.append({"type": "Feature", "properties": about, "geometry": found.version.shape})
    return {"polygon": {"type": "FeatureCollection", "features": features}}


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
        if isinstance(about, dict) and isinstance(about.get("zone"), str) and isinstance(about.get("version"), int):
            named.append(f"{about['zone']}@{about['version']}")
        else:
            rest.append(feature)
    return named, {"type": "FeatureCollection", "features": rest} if rest else None
