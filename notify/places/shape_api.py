"""The JSON route that reads an area from a file, to be sent as the polygon of an audience."""

from collections.abc import Sequence

from litestar import post
from litestar.di import NamedDependency, Provide
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.places.geometry import to_geojson
from notify.places.shape_files import MOST_BYTES, shape_in
from notify.places.shape_requests import ShapeOperation, uploaded_shape
from notify.staff.guards import Requires, Right


class ShapeView(SQLModel):
    """A shape that `audience` takes as it is."""

    polygon: dict[str, object] = Field(description="GeoJSON Polygon or MultiPolygon, WGS84, longitude first.")


@post(
    "/shapes",
    guards=[Requires(Right.WRITE_ALERTS)],
    status_code=200,
    sync_to_thread=True,
    tags=["audiences"],
    request_max_body_size=MOST_BYTES + 100_000,
    dependencies={"shape_file": Provide(uploaded_shape)},
    operation_class=ShapeOperation,
)
def read_shape(shape_file: NamedDependency[bytes]) -> ShapeView:
    """The areas of a GeoJSON, KML, KMZ, zipped Shapefile or GeoPackage file as one polygon. Nothing is kept."""
    return ShapeView(polygon=to_geojson(shape_in(shape_file)))


HANDLERS: Sequence[ControllerRouterHandler] = (read_shape,)
