"""What LocalStack loads of ours, by the entry points of orderflow_localstack-1.dist-info beside this file."""

import os

from localstack.runtime import hooks
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class Process(RuntimeExecutorPlugin):
    """LAMBDA_RUNTIME_EXECUTOR=process: functions run as processes of this machine, where LocalStack itself has containers only."""

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
