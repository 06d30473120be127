"""Which experiments a server has: by name, by key, and by the request that created each."""

from __future__ import annotations

import secrets
from contextlib import closing
from typing import TYPE_CHECKING

from asha_server.errors import (
    AlreadyExists,
    ErrorReason,
    FailedPrecondition,
    NotFound,
    ResourceExhausted,
)
from asha_server.experiment_name import generate_name
from asha_server.hosted import Hosted
from asha_server.search.event import ExperimentCreated
from asha_server.search.experiment import Experiment
from asha_server.search.loading import load
from asha_server.search.stored_attempts import StoredAttempts
from asha_server.store import StoreError
from asha_server.store.failure import REPAIR

if TYPE_CHECKING:
    from asha_server.accounts import Account
    from asha_server.ended_attempts import EndedAttempts
    from asha_server.hosted import Creation
    from asha_server.store import Store


class Roster:
    """All experiments of a server, in order of creation.

    Args:
        store: where they are kept.
        experiments_max: how many there may be.
        ended: is told of attempts that were recalled from the store.

    Attributes:
        by_id: experiment id -> Hosted.
        by_key: key in the store -> Hosted.
    """

    def __init__(self, store: Store, experiments_max: int, ended: EndedAttempts) -> None:
        self.by_id: dict[str, Hosted] = {}
        self.by_key: dict[int, Hosted] = {}
        self._created_by: dict[str, Hosted] = {}
        # Name -> account, of experiments that are being imported.
        self._reserved: dict[str, str] = {}
        self._store = store
        self._ended = ended
        self._experiments_max = experiments_max
        self._next_key = 1

    def load(self) -> None:
        """Takes in every experiment of the store.

        Raises:
            StoreError: it cannot be read, or what is read makes no sense.
        """
        self._next_key = self._store.next_key()
        creators = dict(self._store.creators())
        with closing(self._store.load(is_streamed=True)) as found:
            for key, rows in found:
                try:
                    experiment = Experiment(load(rows, self._stored_attempts(key)))
                    self.add(Hosted(key, experiment, creators.get(key, "")))
                except Exception as error:
                    experiment_id = rows.experiment.id
                    raise StoreError(
                        f"the rows of experiment {experiment_id!r} are damaged ({error!r}): "
                        f"`asha verify` tells more; put a copy in the file's place ({REPAIR})"
                    ) from error

    def reload(self, hosted: Hosted) -> bool:
        """Puts an experiment back to what is durable of it.

        Returns:
            Whether anything is; if not, it is struck out.
        """
        hosted.records = []
        for _, rows in self._store.load(hosted.key, is_streamed=True):
            stored = self._stored_attempts(hosted.key)
            hosted.experiment = Experiment(load(rows, stored))
            return True
        self.remove(hosted)
        return False

    def host(self, key: int, experiment: Experiment, account: Account) -> Hosted:
        """An experiment that is new to the store; it is not there for anybody yet."""
        experiment.state.stored_attempts = self._stored_attempts(key)
        return Hosted(key, experiment, account.key)

    def _stored_attempts(self, key: int) -> StoredAttempts:
        return StoredAttempts(self._store.attempts(key), self._ended.note_trial)

    def add(self, hosted: Hosted) -> None:
        """Takes in an experiment."""
        state = hosted.experiment.state
        self.by_id[state.experiment_id] = hosted
        self.by_key[hosted.key] = hosted
        if state.create_request_id:
            # An imported one may name a request that created another one here: the first counts.
            self._created_by.setdefault(state.create_request_id, hosted)

    def remove(self, hosted: Hosted) -> None:
        """Strikes out an experiment; its name and its request id are free again."""
        state = hosted.experiment.state
        del self.by_id[state.experiment_id], self.by_key[hosted.key]
        if self._created_by.get(state.create_request_id) is hosted:
            del self._created_by[state.create_request_id]

    def find(self, experiment_id: str) -> Hosted:
        """The experiment of that name.

        Raises:
            NotFound: EXPERIMENT_NOT_FOUND.
        """
        hosted = self.by_id.get(experiment_id)
        if hosted is None:
            raise NotFound(
                ErrorReason.EXPERIMENT_NOT_FOUND,
                f"there is no experiment {experiment_id!r}; `asha status` lists them",
                experiment_id=experiment_id,
            )
        return hosted

    def create(self, wanted: Creation, account: Account, now_us: int) -> Hosted:
        """A new experiment, or the one that the same request created before.

        Raises:
            InvalidRequest: with every violation.
            AlreadyExists: EXPERIMENT_EXISTS.
            FailedPrecondition: REQUEST_ID_REUSED.
            ResourceExhausted: LIMIT_EXCEEDED, QUOTA_EXCEEDED.
        """
        before = self._created_by.get(wanted.request_id)
        if before is not None:
            self._refuse_other_content(before, wanted)
            return before
        self._refuse_one_more(wanted.experiment_id, account)
        experiment_id = wanted.experiment_id or generate_name({*self.by_id, *self._reserved})
        experiment, record = Experiment.create(
            experiment_id, wanted.spec, secrets.randbelow(2**31), now_us, wanted.request_id
        )
        hosted = self.host(self._next_key, experiment, account)
        self.check_trials(account, hosted.trial_count_max)
        self._take_key()
        hosted.records.append(record)
        self.add(hosted)
        return hosted

    def reserve(self, experiment_id: str, account: Account) -> int:
        """Keeps a name for an experiment that is being imported; its key in the store.

        Raises:
            AlreadyExists: EXPERIMENT_EXISTS.
            ResourceExhausted: LIMIT_EXCEEDED, QUOTA_EXCEEDED.
        """
        self._refuse_one_more(experiment_id, account)
        self._reserved[experiment_id] = account.key
        return self._take_key()

    def release(self, experiment_id: str) -> None:
        """Undoes a reservation: the experiment is there now, or will not come."""
        self._reserved.pop(experiment_id, None)

    def check_trials(self, account: Account, added: int) -> None:
        """An account may create so many trials more. O(experiments), where it is limited.

        Raises:
            ResourceExhausted: QUOTA_EXCEEDED.
        """
        if account.is_limited:
            account.check_holding(0, added + sum(h.trial_count_max for h in self._of(account)))

    def _of(self, account: Account) -> list[Hosted]:
        return [hosted for hosted in self.by_key.values() if hosted.created_by == account.key]

    def _take_key(self) -> int:
        self._next_key += 1
        return self._next_key - 1

    def _refuse_one_more(self, experiment_id: str, account: Account) -> None:
        """There is room for a new experiment of that name.

        Raises:
            AlreadyExists: EXPERIMENT_EXISTS.
            ResourceExhausted: LIMIT_EXCEEDED, QUOTA_EXCEEDED.
        """
        if experiment_id in self.by_id or experiment_id in self._reserved:
            raise experiment_exists(experiment_id)
        held = len(self.by_id) + len(self._reserved)
        if held >= self._experiments_max:
            raise ResourceExhausted(
                ErrorReason.LIMIT_EXCEEDED,
                f"the server holds {held} experiments, its most; delete some",
                experiments_max=self._experiments_max,
            )
        if account.is_limited:
            arriving = sum(key == account.key for key in self._reserved.values())
            account.check_holding(len(self._of(account)) + arriving + 1, 0)

    def _refuse_other_content(self, hosted: Hosted, wanted: Creation) -> None:
        """The same request id asks for the same experiment.

        Raises:
            FailedPrecondition: REQUEST_ID_REUSED.
        """
        is_new = bool(hosted.records) and hosted.records[0].sequence == 1
        first = (hosted.records if is_new else self._store.history(hosted.key, 0, 1))[0].event
        assert isinstance(first, ExperimentCreated)
        assert first.spec.seed is not None
        is_same_id = wanted.experiment_id in ("", first.experiment_id)
        if is_same_id and wanted.spec.completed(first.spec.seed) == first.spec:
            return
        raise FailedPrecondition(
            ErrorReason.REQUEST_ID_REUSED,
            f"request id {wanted.request_id!r} created experiment {first.experiment_id!r} with "
            "another spec; make a fresh request_id for each experiment",
            request_id=wanted.request_id,
            experiment_id=first.experiment_id,
        )


def experiment_exists(experiment_id: str) -> AlreadyExists:
    """The refusal of an id that is taken."""
    return AlreadyExists(
        ErrorReason.EXPERIMENT_EXISTS,
        f"there is an experiment {experiment_id!r} already; choose another id, or leave it out to "
        "have one made",
        experiment_id=experiment_id,
    )
