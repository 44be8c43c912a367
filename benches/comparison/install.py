"""The peers, each installed in the comparison's own folder: what could not be had is told in the table."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from .say import say

BENCHES = Path(__file__).resolve().parent.parent
ROOT = BENCHES.parent
QSV = "16.1.0"


@dataclass
class Peers:
    """Where each peer is; `missing` has the reason for those that are not."""

    retex: Path
    python: Path
    rust: Path
    qsv: Path
    versions: dict = field(default_factory=dict)
    missing: dict = field(default_factory=dict)


def install(folder, retex, wanted):
    """Installs what `wanted` names among retex, python, rust and qsv, unless it is there already."""
    venv, rust, qsv = folder / "venv", folder / "peers/release/peers", folder / "qsv-build/release/qsvlite"
    peers = Peers(retex or target() / "release/retex", venv / "bin/python", rust, qsv)
    steps = {
        "retex": lambda: None if retex else cargo("build", "--release", "--locked", "--bin", "retex", cwd=ROOT),
        "python": lambda: python(venv),
        "rust": lambda: crate(folder / "peers", rust),
        "qsv": lambda: qsvlite(folder, qsv),
    }
    for name, step in steps.items():
        if name not in wanted:
            continue
        try:
            step()
        except (OSError, subprocess.CalledProcessError) as error:
            peers.missing[name] = reason(error)
            say(f"{name} ne s'installe pas : {peers.missing[name]}")
    if "retex" in peers.missing or not peers.retex.exists():
        sys.exit(f"Retex n'est pas là : {peers.missing.get('retex', peers.retex)}. Construisez-le ou donnez --retex.")
    peers.versions = versions(peers, wanted, "exécutable donné" if retex else commit())
    return peers


def reason(error):
    """The one line of a failed command that tells most."""
    text = (getattr(error, "stderr", None) or b"").decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = next((line for line in lines if re.match(r"(?i)error", line)), lines[-1] if lines else str(error))
    return told[:200]


def target():
    """Where cargo puts what it builds here."""
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))


def run(*command, cwd=None, env=None):
    say(" ".join(map(str, command)))
    subprocess.run(list(map(str, command)), cwd=cwd, env={**os.environ, **(env or {})}, check=True, stderr=subprocess.PIPE)


def cargo(*arguments, cwd=None, env=None):
    run("cargo", *arguments, cwd=cwd, env=env)


def once(made, *sources):
    """Whether `made` is there and was made from these very sources; a function says so once it is."""
    stamp = made.with_name(made.name + ".made-from")
    digest = hashlib.sha256(b"\0".join(s if isinstance(s, bytes) else Path(s).read_bytes() for s in sources)).hexdigest()
    fresh = made.exists() and stamp.exists() and stamp.read_text() == digest
    return fresh, lambda: stamp.write_text(digest)


def python(venv):
    wanted = BENCHES / "peers/python/requirements.txt"
    fresh, made = once(venv / "bin/python", wanted)
    if not fresh:
        run(sys.executable, "-m", "venv", "--clear", venv)
        run(venv / "bin/python", "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "-r", wanted)
        made()


def crate(folder, binary):
    source = BENCHES / "peers"
    files = [source / "Cargo.toml", source / "Cargo.lock", source / "src/main.rs"]
    fresh, made = once(binary, *files)
    if not fresh:
        cargo("build", "--release", "--locked", "--manifest-path", source / "Cargo.toml", "--target-dir", folder)
        made()


def qsvlite(folder, binary):
    fresh, made = once(binary, QSV.encode())
    if not fresh:
        # No wheel and no npm package has it. `lite` is the smallest build with `validate`. Its own profile optimises the whole program at
        # once, which two cores take very long for: the page says that this build does not.
        profile = {"CARGO_PROFILE_RELEASE_LTO": "off", "CARGO_PROFILE_RELEASE_CODEGEN_UNITS": "16"}
        features = ["--no-default-features", "--features", "lite,mimalloc"]
        places = ["--manifest-path", published("qsv", QSV, folder) / "Cargo.toml", "--target-dir", folder / "qsv-build"]
        cargo("build", "--release", "--locked", "--bin", "qsvlite", *features, *places, env=profile)
        made()


def published(name, version, folder):
    """The source of a crate as it was published, to build a program that is no library; qsv's needs one line less."""
    asking, source = folder / f"{name}-asking", folder / f"{name}-source"
    for path in (asking, source):
        shutil.rmtree(path, ignore_errors=True)
    (asking / "src").mkdir(parents=True)
    (asking / "src/lib.rs").touch()
    package = '[workspace]\n[package]\nname = "asking"\nversion = "0.0.0"\nedition = "2024"\n'
    (asking / "Cargo.toml").write_text(f'{package}[dependencies]\n{name} = {{ version = "={version}", default-features = false }}\n')
    # It is fetched, and then left out for it is no library: what was fetched stays where cargo puts it.
    subprocess.run(["cargo", "metadata", "--format-version", "1"], cwd=asking, capture_output=True, check=True)
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    found = next((home / "registry/src").glob(f"*/{name}-{version}"), None)
    if not found:
        raise OSError(f"{name} {version} n'a pas pu être pris")
    shutil.copytree(found, source)
    # Its command `json` calls what only its authors' own copy of a library has: as published it does not build. `validate` is not touched.
    called = source / "src/cmd/json.rs"
    text = called.read_text(encoding="utf-8")
    line = "            .preserve_key_order(true)\n"
    if line not in text:
        raise OSError(f"{name} {version} n'a plus la ligne à retirer")
    called.write_text(text.replace(line, ""), encoding="utf-8")
    return source


def versions(peers, wanted, build):
    """What each thing calls itself."""
    found = {"Retex": f"{version_of(peers.retex)} ({build})", "rustc": version_of("rustc")}
    if "python" in wanted and "python" not in peers.missing:
        pins = (BENCHES / "peers/python/requirements.txt").read_text().split()
        found |= {f"{name} (PyPI)": version for name, version in (pin.split("==") for pin in pins)}
        found["Python"] = version_of(peers.python)
    if "rust" in wanted and "rust" not in peers.missing:
        manifest = (BENCHES / "peers/Cargo.toml").read_text(encoding="utf-8")
        found |= {f"{n} (crate)": v for n, v in re.findall(r'(?m)^(calamine|jsonschema|polars) = \{ version = "=([\d.]+)"', manifest)}
    if "qsv" in wanted and "qsv" not in peers.missing:
        found["qsv"] = QSV
    return found


def said(*command):
    """What a command prints; a question mark where it is not there or says nothing."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    except OSError:
        return "?"
    return done.stdout.strip() or "?"


def version_of(program):
    """The second word of `--version`, as rustc, Python and Retex say it."""
    return (said(program, "--version").split() + ["?"])[1]


def commit():
    """The hub's commit, and whether its sources differ from it."""
    short = said("git", "-C", ROOT, "rev-parse", "--short", "HEAD")
    changed = said("git", "-C", ROOT, "status", "--porcelain", "--untracked-files=no", "--", "src", "Cargo.toml", "Cargo.lock")
    return short if changed == "?" else f"{short}, modifié"
