"""Makes JSON of a form, for those who read nothing else."""

from urllib.parse import parse_qs

from snaphook import Event, Filter, Refusal, Verdict, headers


class FormToJson(Filter[None]):
    def handle(self, event: Event, config: None) -> Verdict:
        if headers.content_type(event) != "application/x-www-form-urlencoded":
            raise Refusal(415, "the body is no form")
        try:
            fields = parse_qs(event.body.text(), keep_blank_values=True, errors="strict", max_num_fields=1000)
        except ValueError as error:
            raise Refusal(400, f"the form cannot be read: {error}") from None
        # A field that is there more than once becomes a list.
        return Verdict.edit().set_json(
            {name: values if len(values) > 1 else values[0] for name, values in fields.items()}
        )
