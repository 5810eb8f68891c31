"""Runs functions of the runtimes provided.* as processes of this machine instead of containers.

There is no sandbox: a function has LocalStack's own access to files, and unlimited memory. It gets Lambda's environment
variables, none of LocalStack's own, and Lambda's timeout.
"""

import os
import queue
import subprocess
import tempfile
import threading
import time
from datetime import UTC, datetime

from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import LambdaRuntimeException, RuntimeExecutor
from runtime_api import Answer, Invocation, RuntimeAPI, failure

INIT_SECONDS = 10  # Lambda's limit until a function polls for work


class ProcessExecutor(RuntimeExecutor):
    """One execution environment: a process that serves invocations in sequence, and is restarted if it has ended."""

    def __init__(self, id: str, function_version: FunctionVersion):
        super().__init__(id, function_version)
        self._env: dict[str, str] = {}
        self._process: subprocess.Popen | None = None
        self._api: RuntimeAPI | None = None
        self._at_work = threading.Lock()
        self._stopped = False
        # Output printed before the answer is in the file when the answer arrives.
        self._log = tempfile.NamedTemporaryFile(prefix="function-", suffix=".log")

    def start(self, env_vars: dict[str, str]) -> None:
        code = str(self.function_version.config.code.get_unzipped_code_location())
        self._env = {name: str(value) for name, value in env_vars.items()}
        self._env |= {"PATH": "/usr/local/bin:/usr/bin:/bin", "LAMBDA_TASK_ROOT": code}
        if not os.path.isfile(os.path.join(code, "bootstrap")):
            raise LambdaRuntimeException(f"no bootstrap in {code}: only the runtimes provided.* run as processes")
        self._begin()

    def _begin(self) -> None:
        """Starts the process with a new API, so that it gets no requests of an earlier process."""
        code = self._env["LAMBDA_TASK_ROOT"]
        api = self._api = RuntimeAPI()
        with open(self._log.name, "ab") as log:
            # In LocalStack's process group, so that they end together.
            process = self._process = subprocess.Popen(
                [os.path.join(code, "bootstrap")], cwd=code, env=self._env | {"AWS_LAMBDA_RUNTIME_API": api.address},
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

        def watch():
            code = process.wait()
            how = f"signal {-code}" if code < 0 else f"exit status {code}"
            api.answers.put(failure("Runtime.ExitError", f"Error: Runtime exited with error: {how}"))
            api.asked.set()

        threading.Thread(target=watch, daemon=True).start()
        if not api.asked.wait(INIT_SECONDS):
            self._end()
            raise StatusErrorException("initialisation took too long", failure("Sandbox.Timedout", f"Init timed out after {INIT_SECONDS} s").payload)
        try:
            answer = api.answers.get_nowait()  # it has ended, or reported an initialisation error
        except queue.Empty:
            return
        self._end()
        raise StatusErrorException("initialisation failed", answer.payload)

    def stop(self) -> None:
        """Ends the process after its current invocation. A new configuration stops the old environments, which finish their
        invocations, as in Lambda."""
        with self._at_work:
            self._stopped = True
            self._end()

    def _end(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._api:
            threading.Thread(target=self._api.close, daemon=True).start()  # takes half a second
            self._api = None

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        with self._at_work:
            try:
                return self._invoke(payload)
            finally:
                if self._stopped:  # just before this invocation
                    self._end()

    def _invoke(self, payload: dict[str, str]) -> InvocationResult:
        if self._api is None or self._process.poll() is not None:
            self._end()
            self._begin()
        id, limit, begin = payload["invoke-id"], self.function_version.config.timeout, time.time()
        api = self._api
        api.give(Invocation(id, payload["invoked-function-arn"], payload["trace-id"], payload["payload"].encode(), int((begin + limit) * 1000)))
        answer = _answer(api, id, begin + limit)
        if answer is None:
            self._end()
            now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3]
            answer = failure("Sandbox.Timedout", f"{now}Z {id} Task timed out after {limit:.2f} seconds", id)
        version, took = self.function_version.id.qualifier, (time.time() - begin) * 1000
        logs = f"START RequestId: {id} Version: {version}\n{self._printed()}END RequestId: {id}\nREPORT RequestId: {id}\tDuration: {took:.2f} ms\n"
        return InvocationResult(id, answer.payload, is_error=answer.failed, logs=logs)

    def _printed(self) -> str:
        """Returns the output since the last call."""
        printed = self._log.read().decode(errors="replace")
        return printed if not printed or printed.endswith("\n") else printed + "\n"

    def get_logs(self) -> str:
        with open(self._log.name, errors="replace") as log:
            return log.read()

    def get_address(self) -> str:
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        return "http://" + (self._api.address if self._api else "127.0.0.1")

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        function_version.config.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        pass  # unpacked code is in the emulator's directory, and removed with it


def _answer(api: RuntimeAPI, id: str, deadline: float) -> Answer | None:
    """Waits for the answer to an invocation or the end of the process; None on a timeout."""
    while True:
        try:
            answer = api.answers.get(timeout=max(0, deadline - time.time()))
        except queue.Empty:
            return None
        if answer.id in (id, None):
            return answer
