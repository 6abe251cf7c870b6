"""Writes the collection of calls from the OpenAPI document: `python -m tests.house.collection`."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from notify.app import create_app

FILE = Path(__file__).parents[2] / "docs" / "notify.postman_collection.json"
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
METHODS = ("get", "post", "put", "patch", "delete")

Json = Mapping[str, Any]  # a part of the document


def collection(document: Json) -> str:
    """The collection, version 2.1, a folder for each tag."""
    folders: defaultdict[str, list[Json]] = defaultdict(list)
    for path, item in sorted(document["paths"].items()):
        for method in METHODS:
            if method in item:
                folders[item[method]["tags"][0]].append(_call(method, path, item[method]))
    held = {
        "info": {"name": document["info"]["title"], "schema": SCHEMA},
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{key}}", "type": "string"}]},
        "variable": [{"key": "base_url", "value": "http://127.0.0.1:8000"}, {"key": "key", "value": ""}],
        "item": [{"name": tag, "item": calls} for tag, calls in sorted(folders.items())],
    }
    return json.dumps(held, indent=1, ensure_ascii=False) + "\n"


def _call(method: str, path: str, operation: Json) -> Json:
    content = operation.get("requestBody", {}).get("content", {})
    media_type = next(iter(content), None)
    needed = [one for one in operation.get("parameters", ()) if one["required"] and one["in"] == "header"]
    headers = [{"key": one["name"], "value": "{{$guid}}"} for one in needed]
    headers += [{"key": "Content-Type", "value": media_type}] if media_type else []
    address = "{{base_url}}" + re.sub(r"\{(\w+)\}", r":\1", path)
    query = [
        {"key": one["name"], "value": "", "disabled": not one["required"], "description": one.get("description", "")}
        for one in operation.get("parameters", ())
        if one["in"] == "query"
    ]
    url: dict[str, Any] = {"raw": address, "host": ["{{base_url}}"], "path": address.split("/")[1:]}
    url |= {"query": query} if query else {}
    variables = re.findall(r"\{(\w+)\}", path)
    url |= {"variable": [{"key": name, "value": ""} for name in variables]} if variables else {}
    asked: dict[str, Any] = {"method": method.upper(), "header": headers, "url": url}
    asked["description"] = operation.get("description", "")
    if operation.get("security") == []:
        asked["auth"] = {"type": "noauth"}
    if media_type == "application/json":
        body = json.dumps(content[media_type].get("example", {}), indent=2, ensure_ascii=False)
        asked["body"] = {"mode": "raw", "raw": body, "options": {"raw": {"language": "json"}}}
    return {"name": operation["operationId"], "request": asked}


if __name__ == "__main__":
    FILE.write_text(collection(create_app().openapi_schema.to_schema()))
