"""Answers against a derived OpenAPI document of Cloudflare's API, where one is at hand: the
environment's CLOUDFLARE_OPENAPI names it."""
import functools
import json
import os

try:
    import jsonschema
except ImportError:
    jsonschema = None

DOCUMENT = os.environ.get("CLOUDFLARE_OPENAPI")


@functools.cache
def document():
    if not DOCUMENT or not jsonschema:
        return None
    with open(DOCUMENT, encoding="utf-8") as file:
        return json.load(file)


def fitting(parts, pattern):
    """Does the path fit? How many of its parts are no placeholders."""
    said = pattern.split("/")
    if len(said) != len(parts):
        return -1
    if any(s != p and not s.startswith("{") for s, p in zip(said, parts)):
        return -1
    return sum(s == p for s, p in zip(said, parts))


@functools.cache
def operation(method, path):
    """Of a path without the base path and the query; None: the document, which holds a part of the
    API, does not tell of it."""
    parts, paths = path.split("/"), document()["paths"]
    best = max(paths, key=lambda pattern: fitting(parts, pattern))
    return paths[best].get(method.lower()) if fitting(parts, best) > 0 else None


@functools.cache
def validator(method, path, status):
    found = operation(method, path)
    if not found:
        return None
    schema = {"$ref": "#/components/schemas/api.Failure"}
    if status < 400:
        schema = found["responses"][str(status)]["content"]["application/json"]["schema"]
    return jsonschema.Draft202012Validator({**schema, "components": document()["components"]})


def check_answer(method, path, status, answer):
    """Nothing without a document. Cloudflare is known to answer null where it promises a text."""
    check = document() and validator(method, path.split("?")[0], status)
    for wrong in check.iter_errors(answer) if check else ():
        assert wrong.validator == "type" and wrong.instance is None, \
            f"{method} {path}: {wrong.json_path}: {wrong.message[:300]}"


def ask(sim, path, method="GET", body=None, token=None):
    """The envelope of an answer that fits the document; (status, code) of a refusal."""
    headers = {"Authorization": f"Bearer {token}"} if token else None
    status, answer, _ = sim.api(method, path, body, headers=headers)
    check_answer(method, path, status, answer)
    return answer if status == 200 else (status, answer["errors"][0]["code"])


def check_query(method, path, names):
    """Are these the names of arguments that the call has?"""
    if not document():
        return
    found = operation(method, path)
    assert found, f"the document has no {method} {path}"
    known = {p.get("name") for p in found["parameters"]}
    assert set(names) <= known, f"{method} {path} has no {sorted(set(names) - known)}"
