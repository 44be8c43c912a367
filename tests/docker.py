"""Checks docker-compose.yml against the Compose specification, with no container engine (package `compose-spec`)."""

import pathlib
import sys

import compose_spec

options = compose_spec.PyOptions()
options.apply_merge = True
text = pathlib.Path(__file__).resolve().parent.parent.joinpath("docker-compose.yml").read_text(encoding="utf-8")
try:
    compose = options.from_yaml(text)
    compose.validate()
    compose.validate_volumes()
except ValueError as fault:
    sys.exit(f"docker-compose.yml: {fault}")
print("docker-compose.yml: " + ", ".join(compose.services))
