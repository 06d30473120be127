"""The lease is kept alive while a trial trains, and verdicts arrive without being asked for."""

from __future__ import annotations

import threading

import pytest

from asha_client.pb import trial_pb2

from .scripted_answers import Refusal, Silence
from .scripted_server import (
    CONTINUE,
    PAUSE,
    STOP,
    ScriptedServer,
    assigned,
    connect,
    finished,
    heartbeat_answer,
    report_answer,
    wait_until,
)

SHORT_LEASE_S = 0.03
"""A heartbeat is due every third of it."""


def test_a_trial_that_trains_long_is_kept_alive() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(ttl_s=SHORT_LEASE_S), finished())
        server.always("Heartbeat", lambda r: heartbeat_answer(ttl_s=SHORT_LEASE_S))
        trial = next(client.experiment("digits").trials("worker-1"))

        heartbeat = server.wait_for("Heartbeat", 3)

        assert (heartbeat.trial_number, heartbeat.lease_token) == (0, "lease-0-1")
        trial.release()


def test_keep_alive_ends_with_the_trial() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(41, ttl_s=SHORT_LEASE_S), assigned(42))
        server.always("Heartbeat", lambda r: heartbeat_answer(ttl_s=SHORT_LEASE_S))
        trials = client.experiment("digits").trials("worker-1")
        first = next(trials)
        server.wait_for("Heartbeat")
        next(trials)
        wait_until(
            lambda: all(t.name != f"asha-digits-{first.number}" for t in threading.enumerate())
        )
        came = len(server.requests("Heartbeat"))
        trials.close()

        # Trial 1 has a lease of 60 s: no heartbeat of either comes any more.
        assert len(server.requests("Heartbeat")) == came


@pytest.mark.parametrize("verdict", [STOP, PAUSE])
def test_a_verdict_that_comes_by_heartbeat_ends_the_steps(verdict: trial_pb2.Verdict) -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(ttl_s=SHORT_LEASE_S), finished())
        server.always("Heartbeat", lambda r: heartbeat_answer(verdict))
        trials = client.experiment("digits").trials("worker-1")
        trial = next(trials)
        steps = trial.steps()
        assert next(steps) == 1

        wait_until(lambda: trial.has_verdict)

        assert list(steps) == []
        assert next(trials, None) is None
        assert server.methods() == ["GetSuggestion", "GetSuggestion"]


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal("ABORTED", "LEASE_LOST"),
        Refusal("FAILED_PRECONDITION", "TRIAL_ENDED"),
        Refusal("NOT_FOUND", "EXPERIMENT_NOT_FOUND"),
    ],
    ids=lambda refusal: refusal.reason,
)
def test_a_lease_that_is_gone_ends_the_steps(refusal: Refusal) -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(ttl_s=SHORT_LEASE_S), finished())
        server.always("Heartbeat", lambda r: refusal)
        trial = next(client.experiment("digits").trials("worker-1"))

        wait_until(lambda: trial.has_verdict)

        assert list(trial.steps()) == []
        assert trial.decision is not None
        assert trial.decision.reason == refusal.reason


def test_heartbeats_go_on_through_a_storm() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(ttl_s=SHORT_LEASE_S), finished())
        server.script("Heartbeat", *[Refusal("UNAVAILABLE")] * 8)
        trial = next(client.experiment("digits").trials("worker-1"))

        server.wait_for("Heartbeat", 9)

        assert not trial.has_verdict
        trial.release()


def test_a_heartbeat_without_an_answer_does_not_hold_up_the_training() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(ttl_s=SHORT_LEASE_S), finished())
        server.script("Heartbeat", Silence())
        server.always("ReportMetric", lambda r: report_answer(CONTINUE))
        trial = next(client.experiment("digits").trials("worker-1"))
        server.wait_for("Heartbeat")

        assert trial.report(1, {"val_loss": 0.5}).verdict == "CONTINUE"
        trial.release()


def test_a_repeated_verdict_never_changes_what_was_said() -> None:
    with ScriptedServer() as server, connect(server) as client:
        server.script("GetSuggestion", assigned(ttl_s=SHORT_LEASE_S), finished())
        server.always("Heartbeat", lambda r: heartbeat_answer(PAUSE))
        server.always("ReportMetric", lambda r: report_answer(STOP))
        trial = next(client.experiment("digits").trials("worker-1"))
        wait_until(lambda: trial.has_verdict)

        trial.report(1, {"val_loss": 0.5})

        assert trial.decision is not None
        assert trial.decision.verdict == "PAUSE"
