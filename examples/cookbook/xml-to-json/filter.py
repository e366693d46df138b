"""Makes JSON of XML. Whatever an XML parser can be made to do, it does in here."""

from xml.etree import ElementTree

from snaphook import Event, Filter, Refusal, Verdict


class XmlToJson(Filter[None]):
    def handle(self, event: Event, config: None) -> Verdict:
        parser = ElementTree.XMLParser(target=Plain())
        try:
            parser.feed(event.body.bytes())
            root = parser.close()
        except ElementTree.ParseError as error:
            raise Refusal(400, f"the body is no XML: {error}") from None
        return Verdict.edit().set_json({root.tag: value(root)})


class Plain(ElementTree.TreeBuilder):
    """Takes no more than plain documents are made of."""

    depth = 0

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        # It could say that ten letters stand for gigabytes.
        raise Refusal(400, "documents with a type are not taken")

    def start(self, tag: str, attributes: dict[str, str]) -> ElementTree.Element:
        self.depth += 1
        if self.depth > 100:
            raise Refusal(400, "elements are nested deeper than 100")
        return super().start(tag, attributes)

    def end(self, tag: str) -> ElementTree.Element:
        self.depth -= 1
        return super().end(tag)


def value(element: ElementTree.Element) -> object:
    """Its text, or what is in it: attributes as `@name`; elements of one name as a list, if there are several."""
    inside: dict[str, object] = {f"@{name}": text for name, text in element.attrib.items()}
    for child in element:
        made = value(child)
        if child.tag not in inside:
            inside[child.tag] = made
        elif isinstance(there := inside[child.tag], list):
            there.append(made)
        else:
            inside[child.tag] = [there, made]
    text = (element.text or "").strip()
    if not inside:
        return text
    return inside | {"#text": text} if text else inside
