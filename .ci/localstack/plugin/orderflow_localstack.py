"""Our LocalStack plugins, loaded by the entry points of orderflow_localstack-1.dist-info next to this file."""

import os

from localstack.runtime import hooks
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class Process(RuntimeExecutorPlugin):
    """LAMBDA_RUNTIME_EXECUTOR=process: functions run as processes; LocalStack itself has only containers."""

    name = "process"

    def load(self, *args, **kwargs):
        from process_executor import ProcessExecutor

        return ProcessExecutor


@hooks.on_infra_start()
def tell_name():
    """Answers GET /_orderflow/name with ORDERFLOW_NAME: another LocalStack may have taken the port."""
    from localstack.http import Response
    from localstack.services.edge import ROUTER

    ROUTER.add("/_orderflow/name", lambda request: Response(os.environ["ORDERFLOW_NAME"]))


@hooks.on_infra_start()
def refuse_web_pages():
    """Answers web pages with 403, as detected by webguard: LocalStack's own checks accept browser requests without Origin."""
    from localstack.aws import handlers
    from webguard import refusal

    def guard(chain, context, response):
        why = refusal(context.request.path, {name.lower(): value for name, value in context.request.headers.items()})
        if why:
            chain.respond(403, f"refused: {why}\n")

    handlers.preprocess_request.append(guard)


@hooks.on_infra_start()
def leave_sam_its_references():
    """Lets a template use `!Ref PlaceOrderFunction.Alias`, which SAM replaces.

    Before SAM's transform, LocalStack searches resources for transforms, resolves all references on the way, and refuses those
    that only SAM knows. After the transform it resolves all again, so wrong ones are still refused.
    """
    from localstack.services.cloudformation.engine.v2.change_set_model_preproc import PreprocEntityDelta
    from localstack.services.cloudformation.engine.v2.change_set_model_transform import ChangeSetModelTransform
    from localstack.services.cloudformation.engine.validations import ValidationError
    from localstack.utils.patch import patch

    @patch(ChangeSetModelTransform.visit_node_resource)
    def visit_node_resource(visit, self, node_resource):
        try:
            return visit(self, node_resource)
        except ValidationError:
            return PreprocEntityDelta()


@hooks.on_infra_start()
def let_stop_end_waits():
    """Lets StopExecution end an execution that waits for a task token. LocalStack itself stops it only after that wait."""
    from localstack.services.stepfunctions.backend.execution import Execution
    from localstack.utils.patch import patch

    @patch(Execution.stop)
    def stop(stop, self, *args, **kwargs):
        stop(self, *args, **kwargs)
        if self.exec_worker:
            for endpoint in list(self.exec_worker.env.callback_pool_manager._pool.values()):
                endpoint.interrupt_all()


@hooks.on_infra_start()
def renew_tokens():
    """Gives each attempt of a task its own token. LocalStack keeps the first one, and ends a retry at once with its outcome."""
    from localstack.services.stepfunctions.asl.component.common.retry.retry_outcome import RetryOutcome
    from localstack.services.stepfunctions.asl.component.state.state_execution.execute_state import ExecutionState
    from localstack.utils.patch import patch

    @patch(ExecutionState._handle_retry)
    def _handle_retry(handle, self, env, failure_event):
        outcome = handle(self, env, failure_event)
        context = env.states.context_object
        if outcome == RetryOutcome.CanRetry and "Task" in context.context_object_data:
            env.callback_pool_manager.add(context.update_task_token())
        return outcome
