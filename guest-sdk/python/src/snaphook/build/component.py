"""The steps from a filter's source to its component."""

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import snaphook
from snaphook.build.section import with_section
from snaphook.manifest import SECTION

# What turns Python into a component, and the Python that is in it. Another version gives another component, and needs the
# bindings that this one makes.
COMPONENTIZE = "0.25.1"

_SDK = Path(snaphook.__file__).parent
_WIT = _SDK / "wit"
_ENTRY = "snaphook_entry"


class BuildError(Exception):
    """Why there is no component, for the author: begins with file and line where there is one."""


@dataclass(frozen=True, slots=True)
class Source:
    """A filter's place."""

    folder: Path
    """Where its imports begin."""
    module: str
    """Its module: `filter`, `my_package.rules`."""
    class_name: str | None = None
    """Which class of the module it is; none for the only one."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What is in a filter."""

    class_name: str
    manifest: dict[str, Any]
    """As the host reads it, without `sdk`."""


def look(source: Source) -> Looked:
    """Imports the filter with this Python.

    Raises:
        BuildError: if it cannot be imported, or is no filter.
    """
    arguments = [str(source.folder), source.module, *([source.class_name] if source.class_name else [])]
    done = _run([sys.executable, "-m", "snaphook.build.look", *arguments], source.folder)
    if done.returncode != 0:
        raise BuildError(done.stderr.strip() or f"{source.module} ended with exit code {done.returncode}")
    # What the module itself prints comes before.
    said = json.loads(done.stdout.splitlines()[-1])
    return Looked(said["class"], said["manifest"])


def component(source: Source, looked: Looked) -> bytes:
    """The filter's component, its manifest included. Takes about ten seconds of one core.

    Raises:
        BuildError: if the filter does not come up in the component's Python.
    """
    check_tool()
    with tempfile.TemporaryDirectory(prefix="snaphook-py-") as folder:
        staged = Path(folder)
        (staged / f"{_ENTRY}.py").write_text(_entry(source.module, looked.class_name), encoding="utf-8")
        made = staged / "made.wasm"
        paths = [staged, source.folder, _SDK.parent, *_packages()]
        command = [sys.executable, "-c", "import sys; from componentize_py import script; sys.exit(script())"]
        command += ["--quiet", "--wit-path", str(_WIT), "--world", "filter", "componentize", _ENTRY]
        for path in dict.fromkeys(paths):
            command += ["--python-path", str(path)]
        done = _run([*command, "--output", str(made)], staged)
        if done.returncode != 0 or not made.is_file():
            raise BuildError(_problem(done.stdout + done.stderr, source))
        return with_section(made.read_bytes(), SECTION, manifest(looked))


def manifest(looked: Looked) -> bytes:
    """The manifest as it stands in the component."""
    members = {"sdk": f"python-{snaphook.__version__}", **looked.manifest}
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def check_tool() -> None:
    """Whether the tool that the bindings are made for is there.

    Raises:
        BuildError: if it is missing or another one.
    """
    try:
        found = version("componentize-py")
    except PackageNotFoundError:
        found = "none"
    if found != COMPONENTIZE:
        raise BuildError(
            f"componentize-py {COMPONENTIZE} is needed, not {found}: pip install componentize-py=={COMPONENTIZE}"
        )


def _entry(module: str, class_name: str) -> str:
    """The module that the component begins with."""
    return (
        "from snaphook import _component\n"
        f"from {module} import {class_name}\n"
        f"Handler = _component.export({class_name})\n"
        "_component.settle()\n"
    )


def _packages() -> list[Path]:
    """Where this Python finds installed packages: what a filter imports from there goes into the component."""
    return [path for path in map(Path, sys.path) if path.name in ("site-packages", "dist-packages") and path.is_dir()]


def _run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    # The paths are named one by one; what the tool would guess from this could be another environment.
    environment.pop("VIRTUAL_ENV", None)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _problem(output: str, source: Source) -> str:
    """What the tool said, with the author's own file and line in front, if there are any."""
    places = re.findall(r'File "/\d+/([^"]+)", line (\d+)', output)
    own = [(file, line) for file, line in places if (source.folder / file).is_file()]
    faults = re.findall(r"^(?:[A-Za-z_][\w.]*)?(?:Error|Exception|Interrupt|Exit|Warning)\b.*$", output, re.MULTILINE)
    if not own or not faults:
        return f"componentize-py failed:\n{output.strip()}"
    file, line = own[-1]
    has_not = "in the component's Python, which has no sockets, threads, processes or C extensions"
    return f"{file}:{line}: {faults[-1]} ({has_not})"
