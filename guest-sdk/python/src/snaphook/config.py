"""The attachment's configuration as the host keeps it. `handle` gets it read; this is for what does not fit there."""

from snaphook._host import host


def raw() -> str:
    """As it was written: JSON, `{}` if none was."""
    return host().config_raw()


def prepared() -> bytes:
    """What `configure` returned for it: what `Filter.prepare` made."""
    return host().config_prepared()
