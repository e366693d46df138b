"""The package ships the interface that the host promises."""

import unittest
from pathlib import Path

import snaphook

REPOSITORY = Path(__file__).parents[3]


class Interface(unittest.TestCase):
    def test_the_shipped_interface_is_the_promised_one(self) -> None:
        shipped = Path(snaphook.__file__).parent / "wit" / "filter.wit"
        promised = REPOSITORY / "wit" / "filter.wit"
        self.assertEqual(shipped.read_text(), promised.read_text(), "copy wit/filter.wit anew")
