"""The document that tests read and change in the place of the host's."""

import json
import unittest

from snaphook.errors import Invalid
from snaphook.testing import document

BODY = rb'{ "a": [ 1.50, {"b/c": "\u00e9"} ], "n": null, "~": true }'


class Documents(unittest.TestCase):
    def test_reads_exactly_what_stands_at_a_pointer(self) -> None:
        for pointer, text, plain in [
            ("/a/0", "1.50", "1.50"),
            ("/a/1/b~1c", r'"\u00e9"', "é"),
            ("/a/1", r'{"b/c": "\u00e9"}', None),
            ("/n", "null", None),
            ("/~0", "true", "true"),
            ("/a/01", None, None),
            ("/a/-", None, None),
            ("/a/0/x", None, None),
            ("/none", None, None),
        ]:
            with self.subTest(pointer=pointer):
                self.assertEqual(document.at(BODY, pointer), text)
                self.assertEqual(text and document.plain(text), plain)
        self.assertEqual(document.at(BODY, ""), BODY.decode())
        deep = "[" * 129 + "]" * 129
        for body, pointer in [(BODY, "a"), (b"{", ""), (b'"\xff"', ""), (b"NaN", ""), (deep.encode(), "")]:
            self.assertRaises(Invalid, document.at, body, pointer)

    def test_sets_and_removes(self) -> None:
        value = {"a": [1]}
        document.put(value, "/a/-", 2)
        document.put(value, "/a/0", "x")
        document.put(value, "/b/c/d", True)
        self.assertEqual(value, {"a": ["x", 2], "b": {"c": {"d": True}}})
        for pointer in ("/a/1", "/b/c", "/b/none/deeper"):
            document.remove(value, pointer)
        self.assertEqual(value, {"a": ["x"], "b": {}})
        for pointer in ("/a/5", "/a/0/b", "/new/-"):
            self.assertRaises(ValueError, document.put, value, pointer, 0)
        self.assertRaises(ValueError, document.remove, value, "")
        self.assertEqual(document.put(json.loads("[1]"), "", {}), {})
