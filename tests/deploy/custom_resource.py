"""Validates a custom resource against its definition; fields that the definition does not have are mistakes."""

import sys

import jsonschema
import yaml


def strict(schema):
    if isinstance(schema, dict):
        if "properties" in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            strict(part)
    elif isinstance(schema, list):
        for part in schema:
            strict(part)


definition, resource = (yaml.safe_load(open(path)) for path in sys.argv[1:])
group, version = resource["apiVersion"].split("/")
assert definition["spec"]["group"] == group, "another group"
assert definition["spec"]["names"]["kind"] == resource["kind"], "another kind"
schema = next(v for v in definition["spec"]["versions"] if v["name"] == version)["schema"]["openAPIV3Schema"]
# Of any object: checked by Kubernetes itself.
schema["properties"]["metadata"] = {"type": "object"}
strict(schema)
jsonschema.validate(resource, schema)
