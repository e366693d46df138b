"""The filter's log, kept with the event's record. Lines and bytes per call are limited; past the limit lines are counted and
left out. What is printed arrives there too, as levels `stdout` and `stderr`.

log.info(f"event of {sender}")
"""

from typing import Literal, TypeAlias

from snaphook._host import host

Level: TypeAlias = Literal["trace", "debug", "info", "warn", "error"]


def line(level: Level, message: object) -> None:
    """One line. The functions below are shorter."""
    host().log(level, str(message).encode(errors="replace").decode())


def trace(message: object) -> None:
    line("trace", message)


def debug(message: object) -> None:
    line("debug", message)


def info(message: object) -> None:
    line("info", message)


def warn(message: object) -> None:
    line("warn", message)


def error(message: object) -> None:
    line("error", message)
