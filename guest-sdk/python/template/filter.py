"""A Snaphook filter: refuses events without a token, and greets the others."""

from snaphook import Event, Filter, Verdict, or_refuse


# A filter that looks at the body leaves `body="none"` out.
class {{type}}(Filter[None], body="none"):
    def handle(self, event: Event, config: None) -> Verdict:
        or_refuse(event.header("x-token"), 401, "no token")
        return Verdict.edit().set_header("x-hello", "world")
