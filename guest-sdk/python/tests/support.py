"""The host's own program, for tests that run a component on it."""

import http.client
import json
import os
import re
import subprocess
import tempfile
import threading
import unittest
from collections.abc import Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[3]


def program() -> str:
    """The program that `SNAPHOOK` names; skips the test without."""
    named = os.environ.get("SNAPHOOK")
    if not named:
        raise unittest.SkipTest("set SNAPHOOK to the host's program to run this test")
    return named


@dataclass
class Arrived:
    """What a destination got."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known == name), None)


class Inbox:
    """A destination that keeps what it gets, and answers with what is at the path."""

    def __init__(self) -> None:
        documents: dict[str, bytes] = {}
        arrived: list[Arrived] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65_537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                body = self.rfile.read(int(self.headers.get("content-length", "0")))
                headers = [(name.lower(), value) for name, value in self.headers.items()]
                arrived.append(Arrived(self.command, self.path, headers, body))
                self.send_response(200)
                answer = documents.get(self.path, b"")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *values: object) -> None:
                """Says nothing."""

        self.documents = documents
        self.arrived = arrived
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        host, port = self.server.server_address[:2]
        return f"{host!s}:{port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Platform:
    """A host of its own, in a folder that goes with it."""

    program: str
    inbox: Inbox
    folder: "tempfile.TemporaryDirectory[str]" = field(default_factory=tempfile.TemporaryDirectory)
    gateway: str = ""
    admin: str = ""

    def __post_init__(self) -> None:
        settings = [f"data={self.folder.name}", "gateway.listen=127.0.0.1:0", "admin.listen=127.0.0.1:0"]
        settings += [f"egress.allow={self.inbox.address}", "gateway.threads=1", "filters.calls=16"]
        command = [self.program, "serve", *(part for setting in settings for part in ("--set", setting))]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert self.process.stdout is not None
        for line in self.process.stdout:
            plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
            if found := re.search(r"gateway listens address=(\S+)", plain):
                self.gateway = found[1]
            if found := re.search(r"admin API listens address=(\S+)", plain):
                self.admin = found[1]
            if self.gateway and self.admin:
                break
        # The log is read on, so that the host never waits for a full pipe.
        self.reader = threading.Thread(target=self.process.stdout.read, daemon=True)
        self.reader.start()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.reader.join()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.inbox.stop()
        self.folder.cleanup()

    def cli(self, *arguments: str, succeeds: bool = True) -> str:
        """What a command prints; of one that must fail, its errors."""
        token = str(Path(self.folder.name) / "admin-token")
        options = ["--admin", f"http://{self.admin}", "--token-file", token]
        done = subprocess.run(
            [self.program, *arguments, *options], capture_output=True, text=True, check=False, cwd=self.folder.name
        )
        if (done.returncode == 0) != succeeds:
            raise AssertionError(f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout if succeeds else done.stderr

    def written(self, name: str, text: str) -> str:
        """A file in the host's folder, of which the command line takes some."""
        path = Path(self.folder.name) / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def send(
        self, path: str, body: bytes = b"", headers: Iterable[tuple[str, str]] = (), method: str = "POST"
    ) -> tuple[int, bytes, str]:
        """Status, body and event id of the answer."""
        connection = http.client.HTTPConnection(self.gateway)
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        return answer.status, read, answer.headers.get("snaphook-event", "")

    def run_of(self, event: str) -> dict[str, Any]:
        """What the event's first filter did."""
        record = json.loads(self.cli("event", "show", event, "--json"))["record"]
        run: dict[str, Any] = record["filters"][0]
        return run
