"""The gRPC services of `asha.v1`: a handler parses, submits to the engine, formats.

* `suggestion.py`   the hot path: one report from wire to decision. Read it first
* `experiment.py`   control and long reads
* `watching.py`     the stream of committed events
* `admin.py`        the server itself
"""
