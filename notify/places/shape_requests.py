"""Requests whose body is a map file: how they are read, and how the API document describes them."""

from dataclasses import dataclass

from litestar.datastructures import UploadFile
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema

from notify.places.shape_files import ShapeFileNotReadable
from notify.staff.routes import StaffRequest


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
