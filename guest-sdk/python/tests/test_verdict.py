"""Verdicts and what they are made of."""

import unittest

from snaphook import Refusal, Response, Verdict, edits, json
from snaphook.verdict import Drop, Edit, Pass, Reject, Respond, RetryLater

HALF_A_PAIR = "\ud800"


class Verdicts(unittest.TestCase):
    def test_each_is_what_was_said(self) -> None:
        self.assertEqual(Verdict.pass_(), Pass())
        self.assertEqual(Verdict.reject(401, "no", {"a": "1"}), Reject(401, "no", (("a", b"1"),)))
        self.assertEqual(Verdict.respond(200, "é", [("a", b"\xff")]), Respond(Response(200, "é", {"a": b"\xff"})))
        self.assertEqual(Verdict.drop("why"), Drop("why"))
        self.assertEqual(Verdict.retry_later(30), RetryLater(30))

    def test_edits_are_kept_in_their_order_and_change_nothing_that_was_there(self) -> None:
        first = Verdict.edit().set_header("a", "1")
        second = first.choose(["ci"]).set_query(None)
        self.assertEqual(first, Edit((edits.SetHeader("a", b"1"),)))
        self.assertEqual(second, Edit((edits.SetHeader("a", "1"), edits.Choose(["ci"]), edits.SetQuery(None))))
        self.assertEqual(Verdict.edit().edits(second.changes), second)

    def test_verdicts_are_not_made_of_others(self) -> None:
        for name in ("drop", "reject", "respond", "retry_later", "pass_", "edit"):
            self.assertFalse(hasattr(Verdict.edit(), name), name)

    def test_what_the_host_could_not_be_told_is_refused(self) -> None:
        for call in (
            lambda: Verdict.drop(HALF_A_PAIR),
            lambda: Verdict.reject(70_000),
            lambda: Verdict.respond(-1),
            lambda: Verdict.retry_later(1 << 32),
            lambda: Verdict.edit().set_header("a", HALF_A_PAIR),
            lambda: Verdict.edit().set_path(HALF_A_PAIR),
            lambda: Verdict.edit().json_set("/a", float("nan")),
            lambda: edits.RemoveHeader(HALF_A_PAIR),
        ):
            self.assertRaises(ValueError, call)
        for wrong in (
            lambda: Verdict.retry_later(1.5),  # type: ignore[arg-type]
            lambda: Verdict.retry_later(True),
            lambda: Verdict.edit().set_header("a", 1),  # type: ignore[arg-type]
            lambda: Verdict.edit().choose("ci"),
            lambda: Verdict.edit().set_json({1, 2}),
            lambda: Refusal("401"),  # type: ignore[arg-type]
        ):
            self.assertRaises(TypeError, wrong)

    def test_json_is_written_compact_and_exact(self) -> None:
        self.assertEqual(
            Verdict.edit().json_set("/a", {"é": [1, None]}), Edit((edits.JsonSet("/a", '{"é":[1,null]}'),))
        )
        self.assertEqual(json.write({"a": HALF_A_PAIR + "é"}), r'{"a":"\ud800\u00e9"}')
        deep: list[object] = []
        for _ in range(127):
            deep = [deep]
        self.assertEqual(json.read(json.write(deep)), deep)
        self.assertRaises(ValueError, json.write, [deep])

    def test_pointers_are_escaped(self) -> None:
        self.assertEqual(json.pointer(["files", "a/b~c", 0]), "/files/a~1b~0c/0")
