"""The HTTP port: calls as JSON, metrics for Prometheus, health for whoever speaks no gRPC.

Off unless asked for (`asha serve --http ADDRESS`); an extra of the package: `asha-server[http]`.

* `calls.py`     `POST /asha.v1.SERVICE/METHOD`, the Connect protocol's unary form; each is carried
                 out as the gRPC call of its name by the server's own port, so that tokens, limits
                 and errors are the same
* `metrics.py`   `GET /metrics`
* `serving.py`   the port itself, `GET /livez` and `GET /readyz`
"""
