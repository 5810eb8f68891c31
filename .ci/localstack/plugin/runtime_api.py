"""Lambda's Runtime API for one process, which polls for invocations and posts the answers."""

import json
import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from webguard import guarded


@dataclass(frozen=True)
class Invocation:
    """One call of the function; deadline is in ms since 1970."""

    id: str
    arn: str
    trace: str
    payload: bytes
    deadline: int


@dataclass(frozen=True)
class Answer:
    """The result of an invocation; id is None if the process failed to initialise or has ended."""

    id: str | None
    payload: bytes
    failed: bool


def failure(kind: str, message: str, invocation: str | None = None) -> Answer:
    """Lambda's own answer for a function without one."""
    return Answer(invocation, json.dumps({"errorType": kind, "errorMessage": message}).encode(), True)


class RuntimeAPI:
    """Listens on a free port of 127.0.0.1. Invocations run one at a time, as in Lambda."""

    def __init__(self):
        self.asked = threading.Event()  # the process has polled: it is initialised
        self.answers: queue.Queue[Answer] = queue.Queue()
        self._work: queue.Queue[Invocation | None] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": self}))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def give(self, invocation: Invocation):
        self._work.put(invocation)

    def take(self) -> Invocation | None:
        """Waits for an invocation; returns None once closed."""
        self.asked.set()
        return self._work.get()

    def close(self):
        self._work.put(None)
        self._server.shutdown()
        self._server.server_close()


@guarded
class _Handler(BaseHTTPRequestHandler):
    api: RuntimeAPI
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # send head and body together: otherwise the body waits for an acknowledgement
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def handle(self):
        try:
            super().handle()
        except ConnectionError:
            pass  # the process has ended

    def do_GET(self):  # /2018-06-01/runtime/invocation/next
        i = self.api.take()
        if i is None:
            self.close_connection = True
            return
        self._reply(200, i.payload, {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": i.id,
            "Lambda-Runtime-Deadline-Ms": str(i.deadline),
            "Lambda-Runtime-Invoked-Function-Arn": i.arn,
            "Lambda-Runtime-Trace-Id": i.trace,
        })

    def do_POST(self):  # …/invocation/<id>/response, …/invocation/<id>/error, …/init/error
        body = self._body()
        self._reply(202)
        *_, about, what = self.path.strip("/").split("/")
        self.api.answers.put(Answer(None if about == "init" else about, body, what == "error"))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _reply(self, status: int, body: bytes = b"", headers: dict[str, str] = {}):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
