"""Schemathesis on the OpenAPI document of a demo hub of its own, as four people: no 5xx, and no answer that the document does not describe.

    RETEX_BIN=target/debug/retex python3 tests/api.py [SECONDS]

Needs schemathesis (PyPI) beside the Python that runs this. The whole takes about 90 seconds.
"""

import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RETEX = os.environ.get("RETEX_BIN") or str(Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/retex")
SECONDS = int(sys.argv[1]) if len(sys.argv) > 1 else 60
# One of a site, one who evaluates, one who draws up, one who manages.
ROLES = {"déposant": "contributor", "analyste": "analyst", "chargé de mission": "officer", "administrateur": "administrator"}
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def hub(folder):
    """Starts the demo; gives the process, its address and what it printed."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("RETEX_")}
    command = [RETEX, "demo", "--data", folder, "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        text = "".join(list(lines))
        found = re.search(r"http://127\.0\.0\.1:\d+", text)
        if found and "Ctrl-C" in text:
            with urllib.request.urlopen(f"{found[0]}/readyz", timeout=10) as answer:
                assert answer.status == 200
            return process, found[0], text
        time.sleep(0.2)
    process.kill()
    sys.exit("the hub did not start:\n" + "".join(lines))


def token(folder, email):
    command = [RETEX, "admin", "token", "create", "--data", folder, "--email", email, "--name", "schemathesis", "--days", "30"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("RETEX_")}
    made = subprocess.run(command, cwd=ROOT, env=env, text=True, capture_output=True)
    found = re.search(r"retex_[0-9a-f]{64}", made.stdout)
    return found[0] if found else sys.exit(f"no token for {email}: {made.stdout}{made.stderr}")


def probe(url, role, secret):
    # One worker each: with two, Python 3.11's own parser now and then fails in Hypothesis («AST constructor recursion depth mismatch»).
    command = [
        str(Path(sys.executable).parent / "schemathesis"), "run", f"{url}/api/v1/openapi.json",
        "--header", f"Authorization: Bearer {secret}",
        "--checks", CHECKS, "--max-time", str(SECONDS), "--rate-limit", "14/s", "--workers", "1",
        "--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "1",
        "--continue-on-failure", "--no-shrink", "--suppress-health-check", "all", "--request-timeout", "30",
        # One's own account must stay open while one looks. The pieces of an upload are bytes of a type of their own, which the tool does
        # not make: the tests of uploads send them.
        "--exclude-path-regex", "^/accounts/.*(disabled|role|sessions)|^/uploads/[^/]+$",
    ]
    with tempfile.TemporaryDirectory() as here:
        ran = subprocess.run(command, cwd=here, text=True, capture_output=True, timeout=SECONDS + 120)
    return role, ran.returncode, ran.stdout + ran.stderr


def main():
    with tempfile.TemporaryDirectory(prefix="retex-api-") as folder:
        process, url, text = hub(folder)
        try:
            accounts = re.findall(r"^ +(\S+@\S+) +(.+)$", text, re.MULTILINE)
            people = []
            for french, role in ROLES.items():
                email = next((a for a, whose in accounts if french in whose), None) or sys.exit(f"no {french} in the demo")
                people.append((role, token(folder, email)))
            with concurrent.futures.ThreadPoolExecutor(len(people)) as pool:
                answers = list(pool.map(lambda p: probe(url, *p), people))
            if process.poll() is not None:
                sys.exit("the hub stopped")
        finally:
            process.terminate()
            process.wait(30)
    failed = [a for a in answers if a[1] != 0]
    for role, code, output in answers:
        print(f"{role}: {'ok' if code == 0 else 'FAILED'}")
        print("\n".join(output.splitlines()[-400 if code else -12:]))
    sys.exit(1 if failed else 0)


main()
