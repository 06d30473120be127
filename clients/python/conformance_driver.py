"""The conformance driver of the Python client: clients/conformance/README.md is what it does."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format, message_factory

import asha_client as asha
from asha_client import errors
from asha_client.experiment import Trials
from asha_client.pb import (
    admin_service_pb2,
    experiment_service_pb2,
    suggestion_service_pb2,
    trial_pb2,
)

Fields = dict[str, Any]

STUBS: dict[str, tuple[str, Any]] = {
    "asha.v1.SuggestionService": ("suggestions", suggestion_service_pb2),
    "asha.v1.ExperimentService": ("experiments", experiment_service_pb2),
    "asha.v1.AdminService": ("admin", admin_service_pb2),
}
"""The client's property, and the module, by service."""


class Driver:
    """One client at a time, and the trial in its hands."""

    def __init__(self) -> None:
        self._client: asha.Client | None = None
        self._worker_id = ""
        self._trials: Trials | None = None
        self._trial: asha.Trial | None = None

    @property
    def client(self) -> asha.Client:
        """The client."""
        assert self._client is not None, "connect first"
        return self._client

    @property
    def trial(self) -> asha.Trial:
        """The trial in hand."""
        assert self._trial is not None, "there is no trial in hand"
        return self._trial

    def connect(self, step: Fields) -> Fields:
        """A fresh client."""
        self.close(step)
        credentials = None
        if step.get("root_certificates"):
            key, certificate = step.get("client_key"), step.get("client_certificate")
            credentials = grpc.ssl_channel_credentials(
                Path(step["root_certificates"]).read_bytes(),
                Path(key).read_bytes() if key else None,
                Path(certificate).read_bytes() if certificate else None,
            )
        self._client = asha.connect(
            step["address"],
            credentials=credentials,
            token=step.get("token") or None,
            retry_for=step.get("give_up_after_s"),
            max_backoff=step["backoff_max_s"],
            deadline=step["deadline_s"],
            sessions=step.get("sessions", False),
        )
        self._worker_id = step.get("worker_id", "")
        return {}

    def call(self, step: Fields) -> Fields:
        """One unary call."""
        service, _, name = step["method"].partition("/")
        stub, module = STUBS[service]
        descriptor = module.DESCRIPTOR.services_by_name[service.rpartition(".")[2]]
        request = message_factory.GetMessageClass(descriptor.methods_by_name[name].input_type)()
        json_format.ParseDict(step["request"], request)
        method = getattr(getattr(self.client, stub), name)
        response = self.client.call(
            _cancelled_after(method, step["cancel_after_s"])
            if "cancel_after_s" in step
            else method,
            request,
            timeout=step.get("deadline_s"),
            retry_for=step.get("give_up_after_s"),
        )
        return json_format.MessageToDict(response)

    def next_trial(self, step: Fields) -> Fields:
        """The loop's next trial."""
        if self._trials is None:
            experiment = self.client.experiment(step["experiment_id"])
            self._trials = experiment.trials(self._worker_id or None)
        self._trial = next(self._trials, None)
        return {"finished": True} if self._trial is None else _told(self._trial)

    def report(self, step: Fields) -> Fields:
        """A report."""
        metrics = {name: float(value) for name, value in step["metrics"].items()}
        return _decided(
            self.trial.report(
                int(step["step"]),
                metrics,
                step.get("checkpoint") or None,
                wait=step.get("wait", True),
            )
        )

    def decision(self, _: Fields) -> Fields:
        """What is known without a call."""
        return {} if self.trial.decision is None else _decided(self.trial.decision)

    def checkpoint(self, step: Fields) -> Fields:
        """A checkpoint between reports."""
        self.trial.save_checkpoint(int(step["step"]), step["uri"])
        return {}

    def fail(self, step: Fields) -> Fields:
        """The training code raises."""
        self.trial.end_for(RuntimeError(step["message"]))
        return {}

    def infeasible(self, step: Fields) -> Fields:
        """The training code finds its parameters infeasible."""
        self.trial.end_for(asha.Infeasible(step["message"]))
        return {}

    def release(self, _: Fields) -> Fields:
        """The trial is given back."""
        self.trial.release("released by the driver")
        return {}

    def end(self, _: Fields) -> Fields:
        """The body ends normally."""
        self.trial.complete()
        return {}

    def close(self, _: Fields) -> Fields:
        """Lets go of everything."""
        if self._trials is not None:
            self._trials.close()
        if self._client is not None:
            self._client.close()
        self._client = self._trials = self._trial = None
        return {}


def _cancelled_after(method: Any, after_s: float) -> Any:
    """The method, each call of which its caller cancels after so many seconds."""

    def send(request: Any, **options: Any) -> Any:
        future = method.future(request, **options)
        timer = threading.Timer(after_s, future.cancel)
        timer.start()
        try:
            return future.result()
        except grpc.FutureCancelledError:
            raise errors.AshaError("cancelled by the caller", code="CANCELLED") from None
        finally:
            timer.cancel()

    return send


def _told(trial: asha.Trial) -> Fields:
    """A trial as JSON."""
    return {
        "trial": trial.number,
        "attempt": trial.attempt,
        "kind": trial.kind,
        "start_step": trial.start_step,
        "resumed_from": trial.checkpoint or "",
        "target_length": trial.next_decision_step,
        "max_length": trial.max_length,
        "seed": trial.seed,
        "configuration": [_typed(name, value) for name, value in trial.parameters.items()],
    }


def _typed(name: str, value: object) -> list[object]:
    """A parameter as name, kind and value."""
    match value:
        case bool():
            return [name, "bool", value]
        case int():
            return [name, "int", str(value)]
        case float():
            message = trial_pb2.ParameterValue(double_value=value)
            return [name, "double", json_format.MessageToDict(message)["doubleValue"]]
        case str():
            return [name, "string", value]
        case _:
            text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            return [name, "json", text]


def _decided(decision: asha.Decision) -> Fields:
    """A decision as JSON."""
    return {"verdict": decision.verdict.name, "reason": decision.reason}


def _refused(error: errors.AshaError) -> Fields:
    """An error as JSON."""
    reason = "WORKER_FAILING" if isinstance(error, errors.WorkerFailing) else error.reason
    return {
        "code": error.code,
        "reason": reason,
        "message": error.message,
        "metadata": error.metadata,
        "violations": [[violation.field, violation.description] for violation in error.violations],
        "retry_delay_s": error.retry_after_s,
    }


def main() -> None:
    """Answers every line of standard input."""
    driver = Driver()
    names = ("connect", "call", "next_trial", "report", "decision", "checkpoint", "fail",
             "infeasible", "release", "end", "close")  # fmt: skip
    steps: dict[str, Callable[[Fields], Fields]] = {name: getattr(driver, name) for name in names}
    for line in sys.stdin:
        step = json.loads(line)
        answer: Fields = {"id": step["id"]}
        try:
            answer["ok"] = steps[step["do"]](step)
        except errors.AshaError as error:
            answer["error"] = _refused(error)
        except Exception as error:
            answer["error"] = {"code": "DRIVER", "message": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    driver.close({})


if __name__ == "__main__":
    main()
