"""The part of JSON Schema that our documents use: one description serves checking and documentation.

A schema is a plain dict as OpenAPI 3.1 takes it. `check` knows exactly the keywords in `KNOWN`, and a test proves that the API's
schemas use no other, so that nothing is documented that is not enforced.
"""

import re
from collections.abc import Mapping
from typing import Any

from isocenter.domain.errors import Invalid

Schema = Mapping[str, Any]

KNOWN = frozenset(
    {
        "$ref", "additionalProperties", "default", "description", "enum", "example", "format", "items", "maxLength", "maximum",
        "minLength", "minimum", "pattern", "properties", "required", "type",
    }
)  # fmt: skip
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,), "object": (dict,), "array": (list,),
    "null": (type(None),),
}  # fmt: skip


def obj(properties: Mapping[str, Schema], *optional: str, description: str = "") -> Schema:
    """An object with exactly these properties, all required but the optional ones."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": dict(properties),
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }
    return {**schema, "description": description} if description else schema


def array(items: Schema, description: str = "") -> Schema:
    """A list of items."""
    return {"type": "array", "items": items, **({"description": description} if description else {})}


def text(description: str = "", **rules: Any) -> Schema:
    """A string."""
    return {"type": "string", **({"description": description} if description else {}), **rules}


def integer(description: str = "", **rules: Any) -> Schema:
    """A whole number."""
    return {"type": "integer", **({"description": description} if description else {}), **rules}


def boolean(description: str = "") -> Schema:
    """true or false."""
    return {"type": "boolean", **({"description": description} if description else {})}


def or_null(schema: Schema) -> Schema:
    """The schema, or null."""
    return {**schema, "type": [schema["type"], "null"]}


def ref(name: str) -> Schema:
    """A schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def check(value: Any, schema: Schema, where: str, components: Mapping[str, Schema]) -> None:
    """Raise Invalid, naming the place, unless the value is as the schema says."""
    if "$ref" in schema:
        check(value, components[schema["$ref"].rsplit("/", 1)[1]], where, components)
        return
    _check_type(value, schema, where)
    if "enum" in schema and value not in schema["enum"]:
        raise Invalid(f"it must be one of {', '.join(map(str, schema['enum']))}", where=where)
    if isinstance(value, str):
        _check_text(value, schema, where)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        _check_number(value, schema, where)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check(item, schema.get("items", {}), f"{where}[{index}]", components)
    elif isinstance(value, dict):
        _check_object(value, schema, where, components)


def _check_type(value: Any, schema: Schema, where: str) -> None:
    if "type" not in schema:
        return
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    # bool is an int in Python, not in JSON.
    if not any(isinstance(value, _TYPES[name]) and (name == "boolean") == isinstance(value, bool) for name in names):
        raise Invalid(f"it must be {' or '.join(names)}", where=where)


def _check_text(value: str, schema: Schema, where: str) -> None:
    if "\0" in value:  # PostgreSQL cannot hold it, and nobody means it
        raise Invalid("it holds a null character", where=where)
    if len(value) < schema.get("minLength", 0):
        raise Invalid(f"it must have at least {schema['minLength']} characters" if value else "it is empty", where=where)
    if len(value) > schema.get("maxLength", len(value)):
        raise Invalid(f"it must have at most {schema['maxLength']} characters", where=where)
    if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        raise Invalid(f"it must look like {schema.get('example', schema['pattern'])}", where=where)


def _check_number(value: float, schema: Schema, where: str) -> None:
    if value < schema.get("minimum", value):
        raise Invalid(f"it must be at least {schema['minimum']}", where=where)
    if value > schema.get("maximum", value):
        raise Invalid(f"it must be at most {schema['maximum']}", where=where)


def _check_object(value: dict[str, Any], schema: Schema, where: str, components: Mapping[str, Schema]) -> None:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            raise Invalid("it is missing", where=f"{where}.{name}" if where else name)
    for name, item in value.items():
        place = f"{where}.{name}" if where else name
        if name in properties:
            check(item, properties[name], place, components)
        elif schema.get("additionalProperties") is False:
            known = ", ".join(properties) or "none"
            raise Invalid(f"there is no such field; known are {known}", where=place[:80])
