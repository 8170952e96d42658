#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""JSON output fits man/kexec-seed.schema.json, and kexec-seed-json(5) names each key.

Plans are made on captured machines. `test_schema.py DEFINITION FILE` checks one file, for
test_cli_seed.sh and the guests.

The validator knows the words of JSON Schema that the schema uses, and no others: an unknown
word is an error. First the test damages plans in many ways, each of which it must notice.
"""

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(os.environ.get("srcdir", Path(__file__).resolve().parents[2])).resolve()
KEXEC = os.environ.get("KEXEC", "kexec/kexec")
PROBE = os.environ.get("PROBE", "tests/probe/probe.bzImage")
MACHINES = Path(os.environ.get("MACHINES", TOP / "tests/machines"))
SCHEMA = json.loads((TOP / "man/kexec-seed.schema.json").read_text(encoding="ascii"))
PAGE = TOP / "man/kexec-seed-json.5"
SKIPPED = 77

TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float),
         "boolean": bool, "null": type(None)}
# Words that restrict nothing.
REMARKS = {"$schema", "$defs", "title", "description", "format"}
RESTRICT = {"$ref", "anyOf", "type", "enum", "minimum", "pattern", "properties", "required",
            "items", "additionalProperties"}


def has_type(value: object, name: str) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def validate(value: object, schema: dict, at: str = "") -> list[str]:
    """What is wrong with the value, one line each."""
    if unknown := schema.keys() - REMARKS - RESTRICT:
        return [f"{at}: the schema has {unknown}"]
    if "$ref" in schema:
        return validate(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], at)
    if "anyOf" in schema:
        found = [validate(value, x, at) for x in schema["anyOf"]]
        return [] if [] in found else min(found, key=len)
    names = schema.get("type", [])
    names = [names] if isinstance(names, str) else names
    if names and not any(has_type(value, x) for x in names):
        return [f"{at}: {value!r} is no {' or '.join(names)}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is none of {schema['enum']}"]
    if "minimum" in schema and value is not None and value < schema["minimum"]:
        return [f"{at}: {value!r} is too small"]
    if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
        return [f"{at}: {value!r} does not fit {schema['pattern']}"]
    if isinstance(value, list):
        return [x for n, item in enumerate(value)
                for x in validate(item, schema.get("items", {}), f"{at}/{n}")]
    if not isinstance(value, dict):
        return []
    known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
    wrong = [f"{at}: lacks {x}" for x in schema.get("required", []) if x not in value]
    return wrong + [x for key, item in value.items()
                    for x in validate(item, known.get(key, others), f"{at}/{key}")]


def check(name: str, text: str) -> list[str]:
    return validate(json.loads(text), SCHEMA["$defs"][name], name)


def unknown_keys(value: object, schema: dict, at: str = "") -> list[str]:
    """Keys that the schema does not name: users would not know of them."""
    if "$ref" in schema or "anyOf" in schema:
        options = [x for x in schema.get("anyOf", []) if x.get("type") != "null"] or \
            [SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")]]
        return unknown_keys(value, options[0], at)
    if isinstance(value, list):
        return [x for item in value for x in unknown_keys(item, schema.get("items", {}), at)]
    if not isinstance(value, dict):
        return []
    known = schema.get("properties", {})
    wrong = [f"{at}/{x} is not in the schema" for x in value.keys() - known.keys()
             if "additionalProperties" not in schema]
    return wrong + [x for key, item in value.items()
                    for x in unknown_keys(item, known.get(key, {}), f"{at}/{key}")
                    if key in known]


def damages(plan: dict) -> dict[str, dict]:
    """Plans that do not fit, by what is wrong with them."""
    made = {}
    for key in SCHEMA["$defs"]["plan"]["required"]:
        made[f"without {key}"] = {x: y for x, y in plan.items() if x != key}
        made[f"{key} is true"] = plan | {key: True}
    for key, value in (("method", "kexec"), ("seed", "good"), ("entry", -1),
                       ("segments", {}), ("entry_bits", "64"), ("seed_mix", [])):
        made[f"{key} is {value}"] = plan | {key: value}
    bad = copy.deepcopy(plan)
    del bad["segments"][0]["addr"]
    made["a segment without address"] = bad
    bad = copy.deepcopy(plan)
    bad["seed_mix"]["inputs"].append("DICE")
    made["an input that nobody knows"] = bad
    return made


def plans() -> dict[str, str]:
    """The JSON of plans, by command line."""
    found = {}
    for machine, ways in (("vmgenid-efi", ["-l"]), ("crash-4cpus", ["-l", "-p"])):
        for way in ways:
            for option in ("", "-s", "--seed=off", "--seed-mix=off", "--entry-32bit"):
                for dry in ("--dry-run", "--dry-run=boot-data"):
                    argv = [KEXEC, way, PROBE, dry, "--json", "--append=x",
                            f"--facts={MACHINES / machine}", *option.split()]
                    done = subprocess.run(argv, capture_output=True, text=True, check=False)
                    refused = option == "-s" and "=" in dry
                    if "built without" in done.stderr:
                        print(f"SKIPPED: {way} {dry}: {done.stderr.strip()}")
                    elif (done.returncode != 0) != refused:
                        found[" ".join(argv)] = f'"{done.stderr.strip()}"'
                    elif not refused:
                        found[" ".join(argv)] = done.stdout
    return found


def keys_of(schema: dict) -> set[str]:
    found = set(schema.get("properties", {}))
    for x in [*schema.get("properties", {}).values(), *schema.get("anyOf", []),
              schema.get("items"), schema.get("additionalProperties")]:
        if isinstance(x, dict):
            found |= keys_of(x)
    return found


def check_page() -> list[str]:
    """Each key and each word of the schema's lists is in the manual page."""
    page = re.sub(r"\\f[BIRP]|\\", "", PAGE.read_text(encoding="ascii"))
    wrong = []
    for name, schema in SCHEMA["$defs"].items():
        wrong += [f"{PAGE.name} lacks {x} of {name}" for x in sorted(keys_of(schema))
                  if not re.search(rf"(?<!\w){re.escape(x)}(?!\w)", page)]
    for words in re.findall(r'"enum": (\[[^]]*\])', json.dumps(SCHEMA)):
        wrong += [f"{PAGE.name} lacks {x!r}" for x in json.loads(words) if x and x not in page]
    return wrong


def main(argv: list[str]) -> int:
    if argv:
        name, file = argv
        text = Path(file).read_text(encoding="utf-8")
        wrong = check(name, text) + unknown_keys(json.loads(text), SCHEMA["$defs"][name], name)
        print(*wrong, sep="\n")
        return bool(wrong)
    wrong, ran = check_page(), plans()
    for words, text in ran.items():
        wrong += [f"{words}: {x}" for x in check("plan", text) + unknown_keys(
            json.loads(text), SCHEMA["$defs"]["plan"])]
    good = next((json.loads(x) for x in ran.values() if not check("plan", x)), None)
    made = damages(good) if good else {}
    wrong += [f"not noticed: {what}" for what, plan in made.items()
              if not check("plan", json.dumps(plan))]
    print(f"{len(ran)} plans, {len(made)} damaged ones, {len(wrong)} errors", *wrong, sep="\n")
    return bool(wrong) or (0 if ran else SKIPPED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
