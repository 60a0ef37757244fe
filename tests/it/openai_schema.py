"""Holds requests against OpenAI's OpenAPI document, and prints the example responses in it.

openai_schema.py SPEC < lines of {"schema": NAME, "body": …}   prints a line per fault
openai_schema.py SPEC --examples                               prints lines of {"api": NAME, "body": …}
"""

import json
import sys

import jsonschema
import yaml

APIS = {"chat": "/chat/completions", "responses": "/responses", "completions": "/completions"}


def load(path):
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def examples(spec):
    for api, path in APIS.items():
        found = spec["paths"][path]["post"].get("x-oaiMeta", {}).get("examples", [])
        for example in found if isinstance(found, list) else [found]:
            try:
                body = json.loads(example.get("response", ""))
            except ValueError:
                continue  # A stream, or an abbreviated one.
            print(json.dumps({"api": api, "body": body}))


def faults(spec):
    validators = {}
    for line in sys.stdin:
        asked = json.loads(line)
        name = asked["schema"]
        if name not in validators:
            schema = {"$ref": f"#/components/schemas/{name}", "components": spec["components"]}
            validators[name] = jsonschema.Draft202012Validator(schema)
        for error in validators[name].iter_errors(asked["body"]):
            print(f"{name}: {error.json_path}: {error.message[:300]}: {json.dumps(asked['body'])}")


if __name__ == "__main__":
    document = load(sys.argv[1])
    examples(document) if "--examples" in sys.argv else faults(document)
