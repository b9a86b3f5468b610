"""LocalStack's view of an execution environment: start, invoke, stop.

Not the real thing: there is no sandbox, memory limit, `/var/task`, layer, extension or freezing
between invocations. Only `provided.*` runtimes run.
"""

import os
import time
from pathlib import Path

from localstack import config
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor

from cs_ops_localstack.bootstrap import HOST, Bootstrap, StartFailed, error_payload


class HostExecutor(RuntimeExecutor):
    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id=id, function_version=function_version)
        self._environment: dict[str, str] = {}
        self._bootstrap: Bootstrap | None = None
        self._log_file = Path(os.environ["CS_OPS_RUN"]) / "functions" / f"{function_version.id.function_name}.log"

    def start(self, env_vars: dict[str, str]) -> None:
        runtime = self.function_version.config.runtime or "image"
        if not runtime.startswith("provided"):
            raise LambdaRuntimeException(f"only provided.* functions run as host processes, not {runtime}")
        # Nothing of this machine's environment reaches a function but the search path of programs.
        self._environment = {name: str(value) for name, value in env_vars.items()} | {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "en_US.UTF-8",
            "CS_OPS_RUN": os.environ["CS_OPS_RUN"],
        }
        self._start_process()

    def _start_process(self) -> None:
        code = self.function_version.config.code.get_unzipped_code_location()
        self._bootstrap = Bootstrap(Path(code), self._environment, self._log_file)
        try:
            self._bootstrap.ready.result(config.LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT)
        except StartFailed as failure:
            raise StatusErrorException(str(failure), payload=failure.payload) from failure

    def stop(self) -> None:
        if self._bootstrap:
            self._bootstrap.stop()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        if not self._bootstrap.is_alive:
            self._bootstrap.stop()
            self._start_process()
        request_id, limit = payload["invoke-id"], self.function_version.config.timeout
        started = time.monotonic()
        try:
            body, is_error = self._bootstrap.invoke(payload, limit)
        except TimeoutError:
            self._bootstrap.stop()
            message = f"RequestId: {request_id} Error: Task timed out after {limit:.2f} seconds"
            body, is_error = error_payload("Sandbox.Timedout", message), True
        milliseconds = (time.monotonic() - started) * 1000
        logs = [
            f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}",
            *self._bootstrap.take_log_lines(),
            f"END RequestId: {request_id}",
            f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\t"
            f"Memory Size: {self.function_version.config.memory_size} MB",
        ]
        return InvocationResult(request_id, body, is_error=is_error, logs="\n".join(logs))

    def get_address(self) -> str:
        return HOST

    def get_endpoint_from_executor(self) -> str:
        return HOST

    def get_runtime_endpoint(self) -> str:
        """Part of the interface; nothing calls it back, the bootstrap talks to its own Runtime API."""
        return f"http://{HOST}:{config.GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    def get_logs(self) -> str:
        return self._log_file.read_text(errors="replace") if self._log_file.exists() else ""

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """The code's folder goes with the run's folder."""
