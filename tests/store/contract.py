"""What every store keeps its word on; a backend's suite inherits `StoreContract`."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import count

import pytest

from asha_server.search.command import (
    CreateTrial,
    FailTrial,
    GetSuggestion,
    Observation,
    ReleaseTrial,
    ReportMetric,
    StopExperiment,
)
from asha_server.search.event import MetricReported, TrialCreated
from asha_server.search.loading import load
from asha_server.search.rows import all_rows
from asha_server.search.terms import FailureKind
from asha_server.search.trial import REMEMBERED_REPORTS
from asha_server.store import Store, TokenRow
from asha_server.store.history import encode

from .scribe import Scribe, small_spec

OpenStore = Callable[[], Store]
"""Opens the store of the test, which its former server has closed."""


class StoreContract:
    @pytest.fixture
    def open_store(self) -> OpenStore:
        raise NotImplementedError("each backend opens its own")

    @pytest.fixture
    def store(self, open_store: OpenStore) -> Store:
        store = open_store()
        store.acquire()
        return store

    # -- rows -------------------------------------------------------------------------------------

    def test_a_new_store_is_empty(self, store: Store) -> None:
        assert list(store.load()) == []
        assert store.leftovers() == []
        assert store.history(1, 0, 10) == []

    def test_the_next_server_loads_what_was_appended(
        self, store: Store, open_store: OpenStore
    ) -> None:
        scribe = Scribe(store)
        scribe.do(GetSuggestion("a"))
        scribe.do(ReportMetric(0, 1, 1, (("loss", 0.5),), "s3://0/1"))
        scribe.do(GetSuggestion("b"))
        store.close()

        ((key, rows),) = open_store().load()

        assert key == scribe.key
        assert all_rows(load(rows)) == all_rows(scribe.state)
        assert rows.experiment.sequence == 6  # created; created, assigned, reported; twice more

    def test_experiments_are_loaded_in_order_of_creation(self, store: Store) -> None:
        scribes = [Scribe(store, name) for name in ("c", "a", "b")]

        assert [rows.experiment.id for _, rows in store.load()] == ["c", "a", "b"]
        assert [key for key, _ in store.load()] == [scribe.key for scribe in scribes]

    def test_one_experiment_is_loaded_alone(self, store: Store) -> None:
        scribes = [Scribe(store, name) for name in ("a", "b", "c")]

        ((key, rows),) = store.load(scribes[1].key)

        assert (key, rows.experiment.id) == (scribes[1].key, "b")
        assert list(store.load(99)) == []

    def test_one_batch_writes_several_experiments(self, store: Store) -> None:
        scribes = [Scribe(store, name) for name in ("a", "b")]
        for scribe in scribes:
            scribe.experiment.decide(GetSuggestion("w"), now_us=5)

        store.append([scribe.take() for scribe in scribes])

        assert [len(rows.trials) for _, rows in store.load()] == [1, 1]

    def test_a_row_that_goes_is_gone(self, store: Store) -> None:
        """An infeasible trial leaves its rungs; a worker that reports is trusted again."""
        scribe = Scribe(store)
        scribe.do(GetSuggestion("a"))
        scribe.do(ReleaseTrial(0, 1))
        scribe.do(GetSuggestion("a"))
        scribe.do(FailTrial(0, 2, FailureKind.RETRYABLE))
        ((_, before),) = store.load()
        scribe.do(GetSuggestion("a"))
        scribe.do(ReportMetric(0, 3, 1, (("loss", 0.5),)))
        ((_, entered),) = store.load()
        scribe.do(GetSuggestion("b"))
        scribe.do(ReportMetric(1, 1, 1, (("loss", 0.6),)))
        scribe.do(GetSuggestion("c"))
        scribe.do(ReportMetric(2, 1, 1, (("loss", 0.4),)))  # goes on: floor(3/3) = 1
        scribe.do(FailTrial(2, 1, FailureKind.INFEASIBLE))

        ((_, rows),) = store.load()

        assert [worker.worker_id for worker in before.workers] == ["a"]
        assert entered.workers == []
        assert [(entry.rung, entry.trial) for entry in rows.entries] == [(0, 0), (0, 1)]

    def test_ends_in_bulk_are_written_bit_by_bit_and_read_as_done(self, store: Store) -> None:
        """Nine paused trials are ended by one event, but only two rows a batch are settled."""
        scribe = Scribe(store, spec=small_spec(max_trials=20))
        for number in range(9):
            scribe.do(GetSuggestion(f"w{number}"))
            scribe.do(ReportMetric(number, 1, 1, (("loss", math.inf),)))  # never promoted

        scribe.do(StopExperiment())

        ((_, rows),) = store.load()
        written = [row.state for row in rows.trials]
        assert 0 < written.count("PAUSED") < 9
        assert all_rows(load(rows)).trials == all_rows(scribe.state).trials
        while scribe.state.unsettled:
            scribe.write()
        ((_, rows),) = store.load()
        assert rows.trials == all_rows(scribe.state).trials

    # -- history ----------------------------------------------------------------------------------

    def test_history_is_read_by_pages_without_gaps(self, store: Store) -> None:
        scribe = Scribe(store)
        for number in range(5):
            scribe.do(GetSuggestion(f"w{number}"))
            scribe.do(ReportMetric(number, 1, 1, (("loss", math.inf), ("accuracy", 0.5))))

        pages = [store.history(scribe.key, after, 5) for after in range(0, 20, 5)]

        # The experiment's creation, and of each trial: created, assigned, reported.
        assert [len(page) for page in pages] == [5, 5, 5, 1]
        read = [record for page in pages for record in page]
        assert [record.sequence for record in read] == list(range(1, len(scribe.history) + 1))
        assert read == scribe.history

    def test_histories_of_neighbours_do_not_mix(self, store: Store) -> None:
        scribes = [Scribe(store, name) for name in ("a", "b", "c")]
        for scribe in scribes:
            scribe.do(GetSuggestion(f"worker of {scribe.key}"))

        for scribe in scribes:
            assert store.history(scribe.key, 0, 100) == scribe.history

    # -- values -----------------------------------------------------------------------------------

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_a_value_that_is_not_finite_comes_back(
        self, store: Store, open_store: OpenStore, value: float
    ) -> None:
        scribe = Scribe(store)
        scribe.do(GetSuggestion("a"))
        scribe.do(ReportMetric(0, 1, 1, (("accuracy", value), ("loss", value))))
        store.close()
        store = open_store()

        ((_, rows),) = store.load()
        read = store.history(scribe.key, 0, 100)

        state = load(rows)
        event = read[-1].event
        assert isinstance(event, MetricReported)
        found = [
            event.value, *(number for _, number in event.metrics),
            state.trials[0].value, state.trials[0].entries[0].value,
        ]  # fmt: skip
        assert [repr(number) for number in found] == [repr(value)] * 5
        assert [*map(encode, read)] == [*map(encode, scribe.history)]

    @pytest.mark.parametrize(
        "value", [1.0, -0.0, 0.1 + 0.2, 5e-324, 1.7976931348623157e308, 2.0**53, 1e15]
    )
    def test_a_real_number_comes_back_bit_by_bit(self, store: Store, value: float) -> None:
        scribe = Scribe(store)
        scribe.do(GetSuggestion("a"))
        scribe.do(ReportMetric(0, 1, 1, (("loss", value),)))

        ((_, rows),) = store.load()
        event = store.history(scribe.key, 3, 1)[0].event

        assert isinstance(event, MetricReported)
        for found in (
            event.value,
            load(rows).trials[0].value,
            load(rows).trials[0].entries[0].value,
        ):
            assert isinstance(found, float)
            assert found.hex() == value.hex()

    def test_integers_and_reals_of_a_configuration_keep_their_types(self, store: Store) -> None:
        scribe = Scribe(store)
        scribe.do(CreateTrial((("lr", 1.0), ("layers", 3))))

        ((_, rows),) = store.load()
        event = store.history(scribe.key, 1, 1)[0].event

        assert isinstance(event, TrialCreated)
        for configuration in (event.configuration, load(rows).configuration(load(rows).trials[0])):
            assert [(name, type(value)) for name, value in configuration] == [
                ("lr", float),
                ("layers", int),
            ]

    def test_a_cutoff_that_is_not_finite_comes_back(self, store: Store) -> None:
        """With nothing but infinities in the rung, the cut-off is one."""
        scribe = Scribe(store)
        for number in range(4):
            scribe.do(GetSuggestion(f"w{number}"))
            scribe.do(ReportMetric(number, 1, 1, (("loss", math.inf),)))

        read = store.history(scribe.key, 0, 100)

        assert [*map(encode, read)] == [*map(encode, scribe.history)]

    # -- recall -----------------------------------------------------------------------------------

    def test_an_attempts_reports_are_recalled_in_order(self, store: Store) -> None:
        scribe = Scribe(store)
        scribe.do(GetSuggestion("a"))
        scribe.do(ReportMetric(0, 1, 0, (("loss", 0.6),)))
        scribe.do(ReportMetric(0, 1, 1, (("accuracy", 0.9), ("loss", 0.5))))
        last = scribe.state.sequence

        parts, has_more = store.attempts(scribe.key).reports(last, [last])

        assert [(step, metrics, decided) for step, metrics, _, decided in parts] == [
            (0, (("loss", 0.6),), False),
            (1, (("accuracy", 0.9), ("loss", 0.5)), True),  # the length of rung 0
        ]
        assert [decision.sequence for _, _, decision, _ in parts] == [last - 1, last]
        assert not has_more

    def test_old_reports_are_forgotten_but_for_those_that_decided(self, store: Store) -> None:
        scribe = Scribe(store)
        scribe.do(GetSuggestion("a"))
        for part in range(REMEMBERED_REPORTS + 6):
            scribe.do(ReportMetric(0, 1, 0, ((f"part{part}", 1.0),)))
        attempt = scribe.state.trials[0].attempt
        assert attempt is not None
        decided = attempt.last_report - REMEMBERED_REPORTS - 2

        parts, has_more = store.attempts(scribe.key).reports(attempt.last_report, [decided])

        names = [metrics[0][0] for _, metrics, _, _ in parts]
        # Parts 0 to 69: the latest 64 are 6 to 69, and the one named beside them is part 3.
        assert names == ["part3", *(f"part{number}" for number in range(6, 70))]
        assert has_more

    def test_reports_of_another_attempt_are_not_recalled(self, store: Store) -> None:
        scribe = Scribe(store)
        scribe.do(GetSuggestion("a"))
        scribe.do(ReportMetric(0, 1, 0, (("loss", 1.0),)))
        first = scribe.state.sequence
        scribe.do(ReleaseTrial(0, 1))
        scribe.do(GetSuggestion("b"))
        scribe.do(ReportMetric(0, 2, 0, (("loss", 2.0),)))

        parts, _ = store.attempts(scribe.key).reports(scribe.state.sequence, [first])

        assert [metrics for _, metrics, _, _ in parts] == [(("loss", 2.0),)]

    def test_observations_of_a_given_trial_are_kept(self, store: Store) -> None:
        scribe = Scribe(store)
        seen = (Observation(1, (("loss", 0.3),)), Observation(9, (("loss", 0.2),)))
        scribe.do(CreateTrial((("lr", 0.5), ("layers", 2)), observations=seen))

        assert store.history(scribe.key, 0, 100) == scribe.history

    # -- keys and deletion ------------------------------------------------------------------------

    def test_a_key_is_never_given_twice(self, store: Store, open_store: OpenStore) -> None:
        """Not even after the last experiment was deleted and forgotten."""
        first = store.next_key()
        scribes = [Scribe(store, name) for name in ("a", "b")]
        store.append([], [scribes[1].key])
        while store.forget(scribes[1].key, 100):
            pass
        store.close()

        store = open_store()

        assert [scribe.key for scribe in scribes] == [first, first + 1]
        assert store.next_key() == first + 2

    def test_a_deleted_experiment_is_gone_at_once_and_forgotten_bit_by_bit(
        self, store: Store, open_store: OpenStore
    ) -> None:
        doomed, kept = Scribe(store, "doomed"), Scribe(store, "kept")
        for scribe in (doomed, kept):
            for number in range(5):
                scribe.do(GetSuggestion(f"w{number}"))
        store.append([], [doomed.key])
        store.close()
        store = open_store()
        store.acquire()

        assert [key for key, _ in store.load()] == [kept.key]
        assert store.leftovers() == [doomed.key]
        calls = next(n for n in count(1) if not store.forget(doomed.key, 2))
        assert calls > 3  # 11 events, two at a time
        assert store.leftovers() == []
        assert store.history(kept.key, 0, 100) == kept.history
        ((_, rows),) = store.load()
        assert rows == all_rows(kept.state)

    def test_what_is_hidden_is_kept_like_a_deleted_one_until_a_write_shows_it(
        self, store: Store
    ) -> None:
        scribe = Scribe(store, "arriving")
        scribe.experiment.decide(GetSuggestion("a"), now_us=2)
        store.append([scribe.take()._replace(is_hidden=True)])

        assert list(store.load()) == []
        assert store.leftovers() == [scribe.key]

        scribe.do(GetSuggestion("b"))
        assert store.leftovers() == []
        assert [(key, rows) for key, rows in store.load()] == [(scribe.key, all_rows(scribe.state))]

    def test_a_name_is_free_again_after_its_deletion(self, store: Store) -> None:
        first = Scribe(store, "digits")
        store.append([], [first.key])

        second = Scribe(store, "digits")

        assert [key for key, _ in store.load()] == [second.key]
        assert second.key != first.key

    # -- who may do what --------------------------------------------------------------------------

    def test_the_next_server_knows_the_tokens(self, store: Store, open_store: OpenStore) -> None:
        first = TokenRow("a", b"1", "WORKER", '["x-*"]', 5, 9, 0, '{"calls_max":5}')
        second = TokenRow("b", b"2", "ADMIN", "[]", 6, 0, 0, "{}")
        store.put_token(first)
        store.put_token(second)
        store.put_token(first._replace(revoked_us=7))
        store.close()

        assert sorted(open_store().tokens()) == [first._replace(revoked_us=7), second]

    def test_the_next_server_knows_whose_a_worker_name_is(
        self, store: Store, open_store: OpenStore
    ) -> None:
        store.put_worker_owner(1, "w", "a")
        store.put_worker_owner(2, "w", "b")
        store.close()

        assert sorted(open_store().worker_owners()) == [(1, "w", "a"), (2, "w", "b")]

    def test_owners_of_worker_names_go_with_their_experiment(self, store: Store) -> None:
        gone, kept = Scribe(store, "gone"), Scribe(store, "kept")
        store.put_worker_owner(gone.key, "w", "a")
        store.put_worker_owner(kept.key, "w", "a")
        store.append([], [gone.key])

        while store.forget(gone.key, 100):
            pass

        assert list(store.worker_owners()) == [(kept.key, "w", "a")]

    def test_closing_twice_is_no_error(self, store: Store) -> None:
        store.close()
        store.close()
