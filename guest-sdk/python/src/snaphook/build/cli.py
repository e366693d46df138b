"""The command `snaphook-py`."""

import argparse
import hashlib
import os
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import snaphook
from snaphook.build import component
from snaphook.build.component import BuildError, Source


def main() -> None:
    """Exits with 0, 1 if the build failed, 2 if the command was written wrong."""
    parser = argparse.ArgumentParser(prog="snaphook-py", description="Webhook filters in Python")
    parser.add_argument("--version", action="version", version=f"snaphook-py {snaphook.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    build = commands.add_parser(
        "build", help="make the component of a filter", description="Make the component of a filter."
    )
    build.add_argument(
        "source",
        nargs="?",
        default=".",
        metavar="SOURCE",
        help="a folder with a pyproject.toml, or the filter's file, as FILE or FILE:CLASS (default: this folder)",
    )
    build.add_argument("-o", "--output", metavar="FILE", help="the component (default: NAME.wasm beside the source)")
    build.set_defaults(run=_build)
    arguments = parser.parse_args()
    try:
        arguments.run(arguments)
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        sys.exit(1)


def _build(arguments: argparse.Namespace) -> None:
    start = time.monotonic()
    source, output = _project(arguments.source)
    if arguments.output:
        output = Path(arguments.output)
    component.check_tool()
    _say("look", f"importing {source.module} with this Python")
    looked = component.look(source)
    _say("filter", f"{looked.class_name}; {_needs(looked.manifest)}")
    _say(
        "build",
        f"running {source.module} in the component's Python (componentize-py {component.COMPONENTIZE}); takes a while",
    )
    made = component.component(source, looked)
    # Whoever reads the old component goes on reading it.
    new = output.with_name(f".{output.name}.new")
    new.write_bytes(made)
    os.replace(new, output)
    digest = hashlib.sha256(made).hexdigest()
    _say(
        "done", f"{output}, {len(made) / (1 << 20):.1f} MiB, sha256:{digest[:12]}…, in {time.monotonic() - start:.1f} s"
    )


def _project(written: str) -> tuple[Source, Path]:
    """Where the filter is, and where its component goes."""
    file, _, class_name = written.partition(":")
    path = Path(file)
    if path.is_dir():
        return _of_folder(path)
    if path.suffix != ".py" or not path.is_file():
        raise BuildError(f"{file}: is neither a folder nor a .py file")
    return Source(path.parent.resolve(), _module(path.name), class_name or None), path.with_suffix(".wasm")


def _of_folder(folder: Path) -> tuple[Source, Path]:
    """What a pyproject.toml says: `[tool.snaphook] filter`, and the name of the project."""
    path = folder / "pyproject.toml"
    if not path.is_file():
        raise BuildError(f"{path}: is not there; name the filter's file instead: snaphook-py build FILE.py")
    try:
        project: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BuildError(f"{path}: {error}") from None
    written = project.get("tool", {}).get("snaphook", {}).get("filter")
    name = project.get("project", {}).get("name")
    if not isinstance(written, str) or not isinstance(name, str):
        raise BuildError(
            f'{path}: says not which file is the filter: [tool.snaphook] filter = "filter.py", and [project] name'
        )
    file, _, class_name = written.partition(":")
    if not (folder / file).is_file() or not file.endswith(".py"):
        raise BuildError(f"{path}: the filter `{file}` is no .py file beside it")
    return Source(folder.resolve(), _module(file), class_name or None), folder / f"{name.replace('-', '_')}.wasm"


def _module(file: str) -> str:
    """`my_package/rules.py` → `my_package.rules`."""
    parts = Path(file).with_suffix("").parts
    if not all(part.isidentifier() for part in parts):
        raise BuildError(f"{file}: is no name of a Python module: use letters, digits and `_`")
    return ".".join(parts)


def _needs(manifest: dict[str, Any]) -> str:
    kinds = {"secrets": "secrets", "reveal": "reveal", "kv": "kv"}
    kinds |= {"optional_secrets": "perhaps secrets", "optional_kv": "perhaps kv", "keys": "perhaps keys from"}
    asked = [f"{kind} {', '.join(manifest[key])}" for key, kind in kinds.items() if manifest[key]]
    return "; ".join([f"body {manifest['body']}", *asked, *(["config schema"] if "config_schema" in manifest else [])])


def _say(what: str, text: str) -> None:
    print(f"{what:<7}{text}", flush=True)
