"""The wire: protobuf messages of `asha.v1` to the core's values and back. No gRPC here.

Parsing reports every wrong field of a request at once, by its proto path; formatting fills in
everything. One module per part of the contract:

* `fields.py`      checks of single fields, collected; names, texts, durations
* `enums.py`, `times.py`, `values.py`   closed sets, times, parameter values
* `spec.py`, `space.py`                 ExperimentSpec both ways
* `suggestion.py`  the hot path: requests in, decisions and assignments out. Read it first
* `control.py`     requests of ExperimentService
* `experiment.py`, `trial.py`, `event.py`, `preview.py`   what is shown of an experiment
* `page.py`        pages of lists

A v2 of the contract is a second package beside this one, over the same core.
"""
