"""The ASHA server: asynchronous successive halving as a service.

Training processes ask for trials, report metrics and are told to go on, to pause or to stop. From
the inside out:

* `search/`   decides. Pure: values in, values out. Start with `search/experiment.py`.
* `store/`    keeps what was decided in one SQLite file. Start with `store/sqlite.py`.
* `engine.py` owns all experiments: batches commands, commits, then replies.
* `wire/`     translates messages; `service/`, `interceptor.py`, `server.py` are the gRPC adapter.
* `reader/`   answers long reads from a process of its own; `verify.py` proves a file.
* `cli/`      the command `asha`.

A module imports only from what stands to its right, which `tests/test_tidy.py` keeps so:
cli -> server -> service, verify -> engine, watch, reader, wire -> store, leases, pb, config
-> search, errors.
"""

__version__ = "0.1.0"
