"""The forecast process: one preview with its forecast, the request on stdin, the answer on stdout.

It simulates for seconds, so it lets everything else on the machine go first.

python -m asha_server.reader.forecast
"""

from __future__ import annotations

import sys

from asha_server.pb.experiment_service_pb2 import PreviewExperimentRequest
from asha_server.reader.manners import give_way
from asha_server.wire.preview import preview_response


def main() -> None:
    """Answers one request, which was checked by the serving process."""
    give_way()
    request = PreviewExperimentRequest.FromString(sys.stdin.buffer.read())
    sys.stdout.buffer.write(preview_response(request).SerializeToString())


if __name__ == "__main__":
    main()
