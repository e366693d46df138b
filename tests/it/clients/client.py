"""Sends some events with the standard library's client, over one connection, and prints what is answered."""

import http.client
import sys

host, port, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
connection = http.client.HTTPConnection(host, port, timeout=60)


def send(method, case, body, headers={}):
    connection.request(method, path, body=body, headers={"X-Case": case, **headers})
    answer = connection.getresponse()
    print(answer.status, answer.getheader("X-Echo"), answer.read().decode())


send("POST", "bytes", bytes(range(256)), {"X-Text": "café".encode()})
send("POST", "chunks", (b"chunk" * 1000 for _ in range(30)))
send("PUT", "empty", b"")
send("DELETE", "none", None)

connection.request("POST", path, body=b"x" * (2**20 + 1))
answer = connection.getresponse()
answer.read()
print(answer.status)

connection = http.client.HTTPConnection(host, port, timeout=60)
connection.request("GET", "/nowhere")
print(connection.getresponse().status)
