"""Tests of the process executor with functions made of shell and Python; `go run ./cmd/dev localstack` runs them."""

import json
import os
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

sys.path[:0] = [str(Path(__file__).parent / "plugin"), str(Path(__file__).parents[2] / "tools" / "webguard")]

import orderflow_localstack  # noqa: E402
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException  # noqa: E402
from localstack.services.stepfunctions.asl.component.common.retry.retry_outcome import RetryOutcome  # noqa: E402
from localstack.services.stepfunctions.asl.component.state.state_execution.execute_state import ExecutionState  # noqa: E402
from localstack.services.stepfunctions.asl.eval.callback.callback import CallbackPoolManager  # noqa: E402
from localstack.services.stepfunctions.asl.eval.states import ContextObject  # noqa: E402
from process_executor import ProcessExecutor  # noqa: E402
from runtime_api import RuntimeAPI  # noqa: E402

# A function that does what its payload says: answer, fail, exit or sleep.
FUNCTION = f"""#!{sys.executable}
import json, os, sys, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as r:
        id, payload, head = r.headers["Lambda-Runtime-Aws-Request-Id"], json.load(r), dict(r.headers)
    print("does", payload, flush=True)
    if payload == "exit": sys.exit(3)
    if payload == "sleep": time.sleep(60)
    if payload == "work": time.sleep(.5)
    answer = {{"pid": os.getpid(), "env": dict(os.environ), "deadline": int(head["Lambda-Runtime-Deadline-Ms"]), "trace": head["Lambda-Runtime-Trace-Id"]}}
    urllib.request.urlopen(api + id + ("/error" if payload == "fail" else "/response"), data=json.dumps(answer).encode()).close()
"""


class Test(unittest.TestCase):
    def open(self, bootstrap=FUNCTION, timeout=5):
        code = tempfile.TemporaryDirectory()
        self.addCleanup(code.cleanup)
        if bootstrap:
            Path(code.name, "bootstrap").write_text(bootstrap)
            Path(code.name, "bootstrap").chmod(0o755)
        where = SimpleNamespace(get_unzipped_code_location=lambda: code.name, prepare_for_execution=lambda: None)
        version = SimpleNamespace(config=SimpleNamespace(code=where, timeout=timeout), id=SimpleNamespace(qualifier="$LATEST"))
        executor = ProcessExecutor("1", version)
        self.addCleanup(executor.stop)
        executor.start({"AWS_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": 128})
        return executor

    def invoke(self, executor, payload, id="id-1"):
        result = executor.invoke({"invoke-id": id, "invoked-function-arn": "arn", "payload": json.dumps(payload), "trace-id": "Root=1"})
        return result, json.loads(result.payload)

    def test_answers_with_the_environment_of_lambda_and_nothing_else(self):
        os.environ["OF_LOCALSTACK"] = "secret"
        result, answer = self.invoke(self.open(), "answer")
        self.assertFalse(result.is_error)
        self.assertEqual({"AWS_REGION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "PATH", "LAMBDA_TASK_ROOT", "AWS_LAMBDA_RUNTIME_API"}, set(answer["env"]) - {"LC_CTYPE", "PWD", "SHLVL", "_"})
        self.assertAlmostEqual(time.time() * 1000 + 5000, answer["deadline"], delta=1000)
        self.assertEqual("Root=1", answer["trace"])

    def test_keeps_its_process_and_has_what_each_invocation_prints(self):
        executor = self.open()
        first, a = self.invoke(executor, "one")
        second, b = self.invoke(executor, "two", "id-2")
        self.assertEqual(a["pid"], b["pid"])
        self.assertIn("does one\n", first.logs)
        self.assertIn("does two\n", second.logs)
        self.assertNotIn("does one", second.logs)

    def test_a_failure_is_one(self):
        result, _ = self.invoke(self.open(), "fail")
        self.assertTrue(result.is_error)

    def test_a_process_that_ends_at_work_is_an_error_and_another_takes_its_place(self):
        executor = self.open()
        result, answer = self.invoke(executor, "exit")
        self.assertTrue(result.is_error)
        self.assertEqual(("Runtime.ExitError", "Error: Runtime exited with error: exit status 3"), (answer["errorType"], answer["errorMessage"]))
        self.assertFalse(self.invoke(executor, "answer", "id-2")[0].is_error)

    def test_a_process_that_is_killed_between_invocations_is_not_noticed(self):
        executor = self.open()
        _, answer = self.invoke(executor, "one")
        os.kill(answer["pid"], 9)
        executor._process.wait()
        self.assertFalse(self.invoke(executor, "two", "id-2")[0].is_error)

    def test_time_is_limited(self):
        executor, begin = self.open(timeout=1), time.time()
        result, answer = self.invoke(executor, "sleep")
        self.assertLess(time.time() - begin, 5)
        self.assertTrue(result.is_error)
        self.assertEqual("Sandbox.Timedout", answer["errorType"])
        self.assertRegex(answer["errorMessage"], r"^\S+Z id-1 Task timed out after 1\.00 seconds$")
        self.assertFalse(self.invoke(executor, "answer", "id-2")[0].is_error)

    def test_stop_ends_the_process(self):
        executor = self.open()
        _, answer = self.invoke(executor, "one")
        executor.stop()
        self.assertRaises(ProcessLookupError, os.kill, answer["pid"], 0)

    def test_stop_lets_an_invocation_come_to_its_end(self):
        executor, results = self.open(), []
        worker = threading.Thread(target=lambda: results.append(self.invoke(executor, "work")))
        worker.start()
        time.sleep(.2)  # it is at work by now
        executor.stop()
        worker.join()
        (result, answer), = results
        self.assertFalse(result.is_error, answer)
        self.assertRaises(ProcessLookupError, os.kill, answer["pid"], 0)

    def test_an_invocation_given_after_stop_is_answered_and_leaves_no_process(self):
        executor = self.open()
        executor.stop()
        result, answer = self.invoke(executor, "late")
        self.assertFalse(result.is_error)
        self.assertRaises(ProcessLookupError, os.kill, answer["pid"], 0)

    def test_a_function_that_cannot_begin_is_an_error_of_the_function(self):
        with self.assertRaises(StatusErrorException) as failed:
            self.open("#!/bin/sh\nexit 1\n")
        self.assertEqual("Runtime.ExitError", json.loads(failed.exception.payload)["errorType"])

    def test_a_package_without_bootstrap_is_refused(self):
        with self.assertRaisesRegex(Exception, "no bootstrap"):
            self.open(None)

    def test_a_web_page_gets_no_work(self):
        api = RuntimeAPI()
        self.addCleanup(api.close)
        page = urllib.request.Request(f"http://{api.address}/2018-06-01/runtime/invocation/next", headers={"Origin": "https://page.example"})
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(page, timeout=5)
        self.assertEqual(403, refused.exception.code)
        refused.exception.close()

    def test_each_attempt_of_a_task_has_its_own_token(self):
        orderflow_localstack.renew_tokens()
        context, pool, outcomes = ContextObject({"Task": {"Token": "first"}}), CallbackPoolManager({}), []
        pool.add("first").notify(None)
        env = SimpleNamespace(states=SimpleNamespace(context_object=context), callback_pool_manager=pool, stack=[])
        context.context_object_data["State"] = {"RetryCount": 0}
        for outcome in RetryOutcome.CanRetry, RetryOutcome.CannotRetry:
            state = SimpleNamespace(retry=SimpleNamespace(eval=lambda env: env.stack.__setitem__(-1, outcome)))
            outcomes.append(ExecutionState._handle_retry(state, env, SimpleNamespace(error_name=None)))
            if outcome == RetryOutcome.CanRetry:
                second = context.context_object_data["Task"]["Token"]
        self.assertEqual([RetryOutcome.CanRetry, RetryOutcome.CannotRetry], outcomes)
        self.assertNotEqual("first", second)
        self.assertEqual(second, context.context_object_data["Task"]["Token"])
        self.assertFalse(pool.get(second)._notify_event.is_set())


if __name__ == "__main__":
    unittest.main()
