"""One process of a function, and the Runtime API that it is served.

A `Bootstrap` starts `<code>/bootstrap` and speaks the public Lambda Runtime API (2018-06-01) to it
on a loopback port of its own. It ends with its process: after a crash or a time-out the executor
makes a new one, so nothing of a dead process can reach its successor.
"""

import json
import os
import queue
import subprocess
import threading
import time
from concurrent.futures import Future, InvalidStateError
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HOST = "127.0.0.1"
NEXT = "/2018-06-01/runtime/invocation/next"
INIT_ERROR = "/2018-06-01/runtime/init/error"
INVOCATION = "/2018-06-01/runtime/invocation/"

# How long an answered invocation waits for the process to ask for the next one, which it does when
# it has written its last log line.
SETTLE_SECONDS = 2


class StartFailed(Exception):
    """The process ended, or reported an error, before it asked for its first invocation."""

    def __init__(self, payload: bytes):
        super().__init__(payload.decode(errors="replace"))
        self.payload = payload


def error_payload(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


def settle(future: Future, value=None, error: Exception | None = None) -> None:
    """Completes a future that another thread may have completed already; the first one counts."""
    try:
        future.set_exception(error) if error else future.set_result(value)
    except InvalidStateError:
        pass


class Bootstrap:
    def __init__(self, code: Path, environment: dict[str, str], log_file: Path):
        self.ready: Future = Future()
        self._offered: queue.SimpleQueue = queue.SimpleQueue()
        self._asks_for_next = threading.Event()
        self._request_id = ""
        self._answer: Future = Future()
        self._lines: queue.SimpleQueue = queue.SimpleQueue()
        self._server = _RuntimeApi(self)
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        self._process = subprocess.Popen(
            [code / "bootstrap"],
            cwd=code,
            env=environment
            | {
                "AWS_LAMBDA_RUNTIME_API": f"{HOST}:{self._server.server_port}",
                "LAMBDA_TASK_ROOT": str(code),
                "LAMBDA_RUNTIME_DIR": str(code),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._follow, args=(log_file,), daemon=True).start()

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def invoke(self, request: dict[str, str], timeout_seconds: float) -> tuple[bytes, bool]:
        """The answer and whether it is an error. Raises TimeoutError when none comes in time."""
        deadline_ms = int((time.time() + timeout_seconds) * 1000)
        self._request_id, self._answer = request["invoke-id"], Future()
        self._offered.put((request, deadline_ms))
        if not self.is_alive:
            self._fail_what_waits()
        answer = self._answer.result(timeout_seconds)
        self._asks_for_next.wait(SETTLE_SECONDS)
        return answer

    def take_log_lines(self) -> list[str]:
        """What the process has written since the last call."""
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get())
        return lines

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._fail_what_waits()
        self._server.shutdown()
        self._server.server_close()

    # What follows is called by the threads of the Runtime API and by the one that follows the output.

    def next_invocation(self):
        self._asks_for_next.set()
        settle(self.ready)
        offered = self._offered.get()
        self._asks_for_next.clear()
        return offered

    def take_answer(self, request_id: str, body: bytes, is_error: bool) -> None:
        if request_id == self._request_id:
            settle(self._answer, (body, is_error))

    def _follow(self, log_file: Path) -> None:
        with log_file.open("ab", buffering=0) as log:
            for line in self._process.stdout:
                log.write(line)
                self._lines.put(line.decode(errors="replace").rstrip("\n"))
        self._process.wait()
        self._fail_what_waits()

    def _fail_what_waits(self) -> None:
        body = error_payload(
            "Runtime.ExitError",
            f"RequestId: {self._request_id} Error: Runtime exited with status {self._process.returncode}",
        )
        settle(self.ready, error=StartFailed(body))
        settle(self._answer, (body, True))
        self._offered.put(None)


class _RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, bootstrap: Bootstrap):
        super().__init__((HOST, 0), _Handler)
        self.bootstrap = bootstrap

    def handle_error(self, request, client_address):
        """A process that was ended in the middle of a request is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one segment

    def log_message(self, *args):
        """LocalStack's log shows each invocation already."""

    def do_GET(self):
        if self.path != NEXT:
            return self._reply(404)
        offered = self.server.bootstrap.next_invocation()
        if offered is None:
            return self._reply(410)
        request, deadline_ms = offered
        self._reply(
            200,
            request["payload"].encode(),
            {
                "Lambda-Runtime-Aws-Request-Id": request["invoke-id"],
                "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
                "Lambda-Runtime-Invoked-Function-Arn": request["invoked-function-arn"],
                "Lambda-Runtime-Trace-Id": request["trace-id"],
            },
        )

    def do_POST(self):
        body, bootstrap = self._body(), self.server.bootstrap
        if self.path == INIT_ERROR:
            settle(bootstrap.ready, error=StartFailed(body))
        elif self.path.startswith(INVOCATION) and self.path.count("/") == 5:
            request_id, outcome = self.path.removeprefix(INVOCATION).split("/")
            bootstrap.take_answer(request_id, body, is_error=outcome == "error")
        else:
            return self._reply(404)
        self._reply(202, b'{"status":"OK"}')

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            """Trailers say nothing that is needed here."""
        return body

    def _reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
