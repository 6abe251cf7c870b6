"""The JSON route that reads an area from a file, to be sent as the polygon of an audience."""

from collections.abc import Sequence
from dataclasses import dataclass

from litestar import post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency, Provide
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.types import ControllerRouterHandler
from sqlmodel import Field, SQLModel

from notify.places.geometry import to_geojson
from notify.places.shape_files import MOST_BYTES, ShapeFileNotReadable, shape_in
from notify.staff.guards import Requires, Right
from notify.staff.routes import StaffRequest


class ShapeView(SQLModel):
    """A shape that `audience` takes as it is."""

    polygon: dict[str, object] = Field(description="GeoJSON Polygon or MultiPolygon, WGS84, longitude first.")


async def uploaded_shape(request: StaffRequest) -> bytes:
    """The file of this request: its whole body, or the field `file` of a multipart form."""
    if request.content_type[0] != "multipart/form-data":
        return await request.body()
    upload = (await request.form()).get("file")
    if not isinstance(upload, UploadFile):
        raise ShapeFileNotReadable("Send the file in the field `file`.")
    return await upload.read()


@dataclass
class ShapeOperation(Operation):
    """The route's documentation: its body is a file, which no type of ours describes."""

    def __post_init__(self) -> None:
        binary = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        form = OpenAPIMediaType(schema=Schema(type=OpenAPIType.OBJECT, properties={"file": binary}, required=["file"]))
        types = {"application/octet-stream": OpenAPIMediaType(schema=binary), "multipart/form-data": form}
        self.request_body = RequestBody(types, required=True)


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
