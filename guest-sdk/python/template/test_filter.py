"""The filter's tests, on this machine: .venv/bin/python -m unittest"""

import unittest
from pathlib import Path

from snaphook.testing import Sample, Test

from filter import {{type}}

EXAMPLE = Path(__file__).parent / "events" / "example.json"


class {{type}}Test(unittest.TestCase):
    def test_greets_who_has_a_token(self) -> None:
        outcome = Test({{type}}).run(Sample.file(EXAMPLE))
        self.assertEqual(outcome.event.header("x-hello"), "world")

    def test_refuses_who_has_none(self) -> None:
        outcome = Test({{type}}).run(Sample())
        self.assertEqual((outcome.status, outcome.reason), (401, "no token"))


if __name__ == "__main__":
    unittest.main()
