"""Runs LocalStack for as long as someone holds the other end of standard input.

Started as `python -m cs_ops_localstack.supervisor`. When standard input ends, because the test process
closed it or because that process is gone for whatever reason, LocalStack is asked to stop, after
STOP_SECONDS made to, and whatever it leaves behind (DynamoDB's Java, bootstraps) is ended too. What
belongs to this run is known by CS_OPS_RUN in its environment, never by its name.
"""

import os
import select
import subprocess
import sys

import psutil

STOP_SECONDS = 15
LOOK_SECONDS = 0.2


def main() -> int:
    localstack = subprocess.Popen([sys.executable, "-m", "localstack.runtime.main"], stdin=subprocess.DEVNULL)
    while localstack.poll() is None and not _input_has_ended():
        pass
    ended_by_itself = localstack.poll() is not None
    localstack.terminate()
    try:
        localstack.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        print(f"supervisor: LocalStack did not stop within {STOP_SECONDS} s and is killed", flush=True)
        localstack.kill()
        localstack.wait()
    left = _others_of_this_run()
    for process in left:
        print(f"supervisor: kills {process}", flush=True)
        process.kill()
    psutil.wait_procs(left, timeout=STOP_SECONDS)
    return 1 if ended_by_itself else 0


def _input_has_ended() -> bool:
    readable, _, _ = select.select([sys.stdin], [], [], LOOK_SECONDS)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1024)


def _others_of_this_run() -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter()
        if process.pid != os.getpid() and _environment_of(process).get("CS_OPS_RUN") == os.environ["CS_OPS_RUN"]
    ]


def _environment_of(process: psutil.Process) -> dict[str, str]:
    try:
        return process.environ()
    except psutil.Error:
        return {}


if __name__ == "__main__":
    sys.exit(main())
