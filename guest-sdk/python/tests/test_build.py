"""The build: what it finds, and what it says when something is wrong."""

import contextlib
import io
import json
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from snaphook.build import cli, component
from snaphook.build.component import BuildError, Looked, Source
from snaphook.build.section import with_section
from tests.support import REPOSITORY

HEAD = "from snaphook import Event, Filter, Verdict\n"
WHOLE = """
class {name}(Filter[None]{more}):
    def handle(self, event: Event, config: None) -> Verdict:
        return Verdict.pass_()
"""


class Folder(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def looked(self, text: str, class_name: str | None = None) -> Looked:
        self.write("rules.py", text)
        return component.look(Source(self.folder, "rules", class_name))

    def fault(self, text: str, class_name: str | None = None) -> str:
        with self.assertRaises(BuildError) as raised:
            self.looked(text, class_name)
        return str(raised.exception)

    def built(self, *arguments: str) -> tuple[int, str]:
        """Exit code and errors of `snaphook-py build`."""
        said = io.StringIO()
        with (
            mock.patch.object(sys, "argv", ["snaphook-py", "build", *arguments]),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(said),
        ):
            try:
                cli.main()
            except SystemExit as end:
                return int(end.code or 0), said.getvalue()
        return 0, said.getvalue()


class Looking(Folder):
    def test_the_manifest_is_what_the_class_says(self) -> None:
        self.write("schema.json", '{"type": "object"}')
        more = ', body="none", secrets=["a"], reveal=["b"], kv=["c"], config_schema="schema.json"'
        more += ', optional_secrets=["d"], optional_kv=["e"], keys=["https://*.example.com/keys/"]'
        looked = self.looked(f"{HEAD}print('said on the way')\n{WHOLE.format(name='Rules', more=more)}")
        expected = {
            "sdk": "python-0.1.0",
            "body": "none",
            "secrets": ["a"],
            "reveal": ["b"],
            "kv": ["c"],
            "optional_secrets": ["d"],
            "optional_kv": ["e"],
            "keys": ["https://*.example.com/keys/"],
            "config_schema": {"type": "object"},
        }
        self.assertEqual((looked.class_name, json.loads(component.manifest(looked))), ("Rules", expected))

    def test_one_of_several_is_named(self) -> None:
        text = HEAD + WHOLE.format(name="One", more="") + WHOLE.format(name="Two", more=', body="none"')
        self.assertEqual(
            self.fault(text), "rules.py: there are several filters (One, Two): name one, as in rules.py:One"
        )
        self.assertEqual(self.looked(text, "Two").manifest["body"], "none")
        self.assertEqual(self.fault(text, "Three"), "rules.py: there is no filter `Three`")

    def test_errors_have_file_and_line(self) -> None:
        for text, fault in [
            ("def\n", "rules.py:1: SyntaxError: invalid syntax"),
            ("import snaphook\nimport not_there\n", "rules.py:2: ModuleNotFoundError: No module named 'not_there'"),
            (HEAD, "rules.py: there is no filter: derive a class from snaphook.Filter"),
            (HEAD + "class Rules(Filter[None]):\n    pass\n", "rules.py:2: `Rules` lacks `handle`"),
            (
                HEAD + WHOLE.format(name="Rules", more="").replace("[None]", ""),
                "rules.py:3: `Rules` does not say how it is configured: write Filter[None] or Filter[Config]",
            ),
            (
                HEAD + WHOLE.format(name="Rules", more=', secrets=["NO"]'),
                "rules.py:3: ValueError: 'NO' in `secrets` is no name, "
                "which has 1 to 63 characters of a-z, 0-9, `-`, `_` and `.`",
            ),
            (
                HEAD + WHOLE.format(name="Rules", more=', secret=["webhook"]'),
                "rules.py:3: TypeError: a filter's class has no keyword `secret`: write `secrets`",
            ),
            (
                HEAD + WHOLE.format(name="Rules", more=", timeout=3"),
                "rules.py:3: TypeError: a filter's class has no keyword `timeout`: known are `body`, `secrets`, `reveal`, "
                "`kv`, `optional_secrets`, `optional_kv`, `keys`, `config_schema`",
            ),
            (
                HEAD + WHOLE.format(name="Rules", more="").replace(", config: None", ""),
                "rules.py:3: TypeError: `Rules.handle` does not take an event and a configuration: "
                "write `def handle(self, event, config)`, also where nothing is configured",
            ),
            (
                HEAD + WHOLE.format(name="Rules", more="").replace("def", "async def"),
                "rules.py:3: TypeError: `Rules.handle` is async, and nobody waits for it: "
                "write `def handle(self, event, config)`",
            ),
            (
                HEAD + WHOLE.format(name="Rules", more="").replace("[None]", "[set]"),
                "rules.py:3: TypeError: the configuration: `set` is not read from JSON: use dataclasses, str, int, "
                "float, bool, None, list[…], tuple[…], dict[str, …], Literal, Enum, unions of these, or Any",
            ),
            (
                HEAD + WHOLE.format(name="Rules", more=', config_schema="none.json"'),
                'rules.py:3: config_schema="none.json" cannot be read: No such file or directory: '
                "name a file that is beside the filter's",
            ),
            (
                HEAD + WHOLE.format(name="Rules", more=', config_schema="rules.py"'),
                "rules.py: Expecting value: line 1 column 1 (char 0)",
            ),
        ]:
            with self.subTest(fault=fault):
                self.assertEqual(self.fault(text), fault)

    def test_what_is_installed_in_the_folder_is_not_the_authors_own(self) -> None:
        packages = self.folder / ".venv/site-packages"
        packages.mkdir(parents=True)
        (packages / "strict.py").write_text("def refuse():\n    raise ValueError('no')\n")
        text = f"import sys\nsys.path.append({str(packages)!r})\nimport strict\nstrict.refuse()\n"
        self.assertEqual(self.fault(text), "rules.py:4: ValueError: no")

    def test_a_handle_may_be_whatever_takes_an_event_and_a_configuration(self) -> None:
        decorated = "def checked(inner):\n    return lambda *given: inner(*given, 1)\n"
        for method in [
            "    def handle(self, *given): ...\n",
            "    def handle(self, event, config, strict=False): ...\n",
            "    @staticmethod\n    def handle(event, config): ...\n",
            "    @checked\n    def handle(self, event, config, more): ...\n",
        ]:
            with self.subTest(method=method):
                self.looked(f"{HEAD}{decorated}class Rules(Filter[None]):\n{method}")

    def test_projects_are_found(self) -> None:
        self.write("filter.py", HEAD + WHOLE.format(name="Rules", more=""))
        self.write("odd-name.py", "")
        project = self.folder / "pyproject.toml"
        for text, fault in [
            ("[tool", f"error: {project}: "),
            ("[project]\nname = 'a'\n", f"error: {project}: says not which file is the filter"),
            (
                "[project]\nname = 'a'\n[tool.snaphook]\nfilter = 'x.py'\n",
                f"error: {project}: the filter `x.py` is no .py file",
            ),
        ]:
            self.write("pyproject.toml", text)
            code, said = self.built(str(self.folder))
            self.assertEqual((code, said[: len(fault)]), (1, fault))
        self.assertEqual(self.built(str(self.folder / "none"))[0], 1)
        self.assertIn("is no name of a Python module", self.built(str(self.folder / "odd-name.py"))[1])
        project.write_text("[project]\nname = 'my-filter'\n[tool.snaphook]\nfilter = 'filter.py:Rules'\n")
        source, output = cli._project(str(self.folder))
        self.assertEqual((source, output), (Source(self.folder, "filter", "Rules"), self.folder / "my_filter.wasm"))


class Sections(unittest.TestCase):
    def test_a_section_is_written_at_the_end(self) -> None:
        head = b"\0asm\x0d\0\x01\0"
        self.assertEqual(with_section(head, "ab", b"xyz"), head + b"\0\x06\x02abxyz")
        long = with_section(head, "a", b"x" * 300)
        self.assertEqual(long[8:13], b"\0\xae\x02\x01a")
        self.assertRaises(ValueError, with_section, b"\0asm\x01\0\0\0", "a", b"")


class Components(Folder):
    def test_what_only_the_components_python_lacks_is_told_with_its_line(self) -> None:
        source = Source(self.folder, "rules")
        text = f"{HEAD}import sys\n" + WHOLE.format(name="Rules", more="")
        self.write("rules.py", text + "\nif sys.platform == 'wasi':\n    import ssl\n")
        with self.assertRaises(BuildError) as raised:
            component.component(source, component.look(source))
        self.assertRegex(
            str(raised.exception), r"^rules\.py:\d+: ModuleNotFoundError: No module named '_ssl' \(in the comp"
        )

    def test_the_template_is_a_project_that_builds_and_passes_its_tests(self) -> None:
        template = REPOSITORY / "guest-sdk/python/template"
        for path in template.rglob("*"):
            if path.is_file() and path.suffix in (".py", ".json", ".toml", ".md", ".txt"):
                text = path.read_text(encoding="utf-8")
                for placeholder, name in [("name", "my-filter"), ("lib", "my_filter"), ("type", "MyFilter")]:
                    text = text.replace(f"{{{{{placeholder}}}}}", name)
                self.assertNotIn("{{", text)
                target = self.folder / path.relative_to(template)
                target.parent.mkdir(exist_ok=True)
                target.write_text(text, encoding="utf-8")
        done = component._run([sys.executable, "-m", "unittest"], self.folder)
        self.assertIn("Ran 2 tests", done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.built(str(self.folder)), (0, ""))
        made = (self.folder / "my_filter.wasm").read_bytes()
        self.assertIn(b'snaphook:manifest{"sdk":"python-0.1.0","body":"none",', made[-200:])
        self.assertLess(len(made), 20 << 20)
