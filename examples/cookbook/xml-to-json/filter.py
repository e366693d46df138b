"""Makes JSON of XML. Whatever an XML parser can be made to do, it does in here."""

from xml.etree import ElementTree

from snaphook import Event, Filter, Refusal, Verdict


class XmlToJson(Filter[None]):
    def handle(self, event: Event, config: None) -> Verdict:
        text = event.body.text()
        if "<!DOCTYPE" in text:
            # It could say that ten letters stand for gigabytes.
            raise Refusal(400, "documents with a type are not taken")
        try:
            root = ElementTree.fromstring(text)
            return Verdict.edit().set_json({root.tag: value(root)})
        except ElementTree.ParseError as error:
            raise Refusal(400, f"the body is no XML: {error}") from None
        except RecursionError:
            raise Refusal(400, "elements are nested too deep") from None


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
