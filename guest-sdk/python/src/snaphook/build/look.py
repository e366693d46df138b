"""Imports a filter with the author's own Python and says what is in it. Run as a process of its own by the build, so that
nothing of the filter stays behind: `python -m snaphook.build.look FOLDER MODULE [CLASS]` prints one line of JSON."""

import importlib
import inspect
import json
import sys
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from snaphook.filter import Filter
from snaphook.testing.attachment import schema_path


def main() -> None:
    """Prints what the filter asks for; or, with exit code 1, what is wrong, for the author."""
    folder, name, *wanted = sys.argv[1:]
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    try:
        module = importlib.import_module(name)
    except SyntaxError as error:
        _stop(f"{_short(error.filename or name, folder)}:{error.lineno}: {type(error).__name__}: {error.msg}")
    except BaseException as error:
        _stop(f"{_where(error, folder)}{type(error).__name__}: {error}")
    filter_class = _filter(module, wanted[0] if wanted else None, folder)
    manifest: dict[str, Any] = asdict(filter_class.manifest)
    if manifest["config_schema"] is None:
        del manifest["config_schema"]
    else:
        path = schema_path(filter_class)
        try:
            manifest["config_schema"] = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            named = f'config_schema="{manifest["config_schema"]}"'
            _stop(
                f"{_place(filter_class, folder)}: {named} cannot be read: {error.strerror}: "
                "name a file that is beside the filter's"
            )
        except ValueError as error:
            _stop(f"{_short(str(path), folder)}: {error}")
    print(json.dumps({"class": filter_class.__name__, "manifest": manifest}))


def _filter(module: Any, wanted: str | None, folder: str) -> type[Filter[Any]]:
    """The filter of the module: the one of this name, or the only one that the module defines."""
    filters = {
        name: each
        for name, each in vars(module).items()
        if isinstance(each, type) and issubclass(each, Filter) and each.__module__ == module.__name__
    }
    file = _short(module.__file__ or module.__name__, folder)
    if wanted is not None:
        if wanted not in filters:
            _stop(f"{file}: there is no filter `{wanted}`")
        chosen = filters[wanted]
    else:
        whole = [each for each in filters.values() if not inspect.isabstract(each)] or list(filters.values())
        if not whole:
            _stop(f"{file}: there is no filter: derive a class from snaphook.Filter")
        if len(whole) > 1:
            names = ", ".join(sorted(each.__name__ for each in whole))
            _stop(f"{file}: there are several filters ({names}): name one, as in {file}:{whole[0].__name__}")
        chosen = whole[0]
    if missing := sorted(chosen.__abstractmethods__):
        _stop(f"{_place(chosen, folder)}: `{chosen.__name__}` lacks `{'`, `'.join(missing)}`")
    if chosen._config is None:
        _stop(
            f"{_place(chosen, folder)}: `{chosen.__name__}` does not say how it is configured: "
            "write Filter[None] or Filter[Config]"
        )
    return chosen


def _place(filter_class: type[Filter[Any]], folder: str) -> str:
    """File and line of the class."""
    return f"{_short(inspect.getfile(filter_class), folder)}:{inspect.getsourcelines(filter_class)[1]}"


def _where(error: BaseException, folder: str) -> str:
    """The innermost line of the author's own."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_own(frame.filename, folder)]
    return f"{_short(frames[-1].filename, folder)}:{frames[-1].lineno}: " if frames else ""


def _is_own(file: str, folder: str) -> bool:
    """Whether the author wrote it: what is installed may be in the filter's folder too, in `.venv`."""
    path = Path(file)
    return path.is_relative_to(folder) and not {"site-packages", "dist-packages"} & set(path.relative_to(folder).parts)


def _short(file: str, folder: str) -> str:
    path = Path(file)
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else file


def _stop(problem: str) -> NoReturn:
    print(problem, file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
