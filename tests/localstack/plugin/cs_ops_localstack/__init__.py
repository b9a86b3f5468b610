"""What LocalStack needs to run this project's stack without Docker and without downloads.

LocalStack finds the names below through the entry points in `pyproject.toml`. They are kept
free of imports at module level that would slow its start down.

Environment, all of it set by the Rust side:

CS_OPS_RUN             folder of this run; also the mark by which `supervisor` knows its processes
CS_OPS_DYNAMODB_LOCAL  folder that holds `DynamoDBLocal.jar`
CS_OPS_JAVA            the Java program
"""

import os

from localstack.runtime import hooks
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class HostExecutorPlugin(RuntimeExecutorPlugin):
    """`LAMBDA_RUNTIME_EXECUTOR=host`: functions are processes of this machine."""

    name = "host"

    def load(self, *args, **kwargs):
        from cs_ops_localstack.executor import HostExecutor

        return HostExecutor


@hooks.on_infra_start()
def bind_only_the_asked_address():
    """The web server takes the port of GATEWAY_LISTEN but binds every interface; bind the host too."""
    from localstack import config
    from twisted.internet import endpoints

    class OneInterface(endpoints.TCP4ServerEndpoint):
        def __init__(self, reactor, port, **options):
            options["interface"] = config.GATEWAY_LISTEN[0].host
            super().__init__(reactor, port, **options)

    endpoints.TCP4ServerEndpoint = OneInterface


@hooks.on_infra_start()
def use_the_installed_dynamodb():
    """Start DynamoDB Local from the folder that was installed, not from a download."""
    from localstack.services.dynamodb.server import DynamodbServer
    from localstack.utils.run import ShellCommandThread

    folder = os.environ["CS_OPS_DYNAMODB_LOCAL"]

    def start(server: DynamodbServer) -> ShellCommandThread:
        thread = ShellCommandThread(
            [
                os.environ["CS_OPS_JAVA"],
                # It lives for minutes: half the processor time at its start is worth more than speed later.
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                f"-Xmx{server.heap_size}",
                f"-Djava.library.path={folder}/DynamoDBLocal_lib",
                "-jar",
                f"{folder}/DynamoDBLocal.jar",
                "-inMemory",
                "-port",
                str(server.port),
            ],
            env_vars={"DDB_LOCAL_TELEMETRY": "0"},
            name="dynamodb-local",
        )
        thread.start()
        return thread

    DynamodbServer.do_start_thread = start


@hooks.on_infra_start()
def ask_often_whether_a_resource_is_made():
    """LocalStack 4.9 looks every five seconds whether a function is there, and makes one after the other."""
    from functools import partialmethod

    from localstack.services.cloudformation.resource_provider import ResourceProviderExecutor

    ResourceProviderExecutor.deploy_loop = partialmethod(ResourceProviderExecutor.deploy_loop, sleep_time=0.25)
