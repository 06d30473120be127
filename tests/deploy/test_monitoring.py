"""The alert rules and the dashboard speak of metrics that the server has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

DEPLOY = Path(__file__).parents[2] / "deploy"
PAGE = DEPLOY.parent / "docs" / "howto" / "call-over-http.md"
PARTS_OF_HISTOGRAMS = re.compile(r"_(bucket|sum|count)$")


def listed() -> set[str]:
    """What the page lists, which tests/http holds to be what the server shows."""
    return set(re.findall(r"`(asha_[a-z_]+)`", PAGE.read_text()))


def named_in(expressions: list[str]) -> set[str]:
    found = re.findall(r"\basha_[a-z_]+", " ".join(expressions))
    return {PARTS_OF_HISTOGRAMS.sub("", name) for name in found}


def rules() -> list[dict[str, Any]]:
    loaded = YAML(typ="safe").load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def test_alerts_speak_of_metrics_that_exist() -> None:
    named = named_in([rule["expr"] for rule in rules()])

    assert named
    assert named <= listed()


def test_alerts_say_what_to_do() -> None:
    for rule in rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert set(rule["annotations"]) == {"summary", "description"}
    assert len({rule["alert"] for rule in rules()}) == len(rules())


def test_the_dashboard_shows_every_metric() -> None:
    board = json.loads((DEPLOY / "grafana" / "asha.json").read_text())
    expressions = [target["expr"] for panel in board["panels"] for target in panel["targets"]]

    assert named_in(expressions) == listed()


def test_no_two_panels_lie_on_each_other() -> None:
    board = json.loads((DEPLOY / "grafana" / "asha.json").read_text())
    places = [panel["gridPos"] for panel in board["panels"]]

    cells = [
        (place["x"] + x, place["y"] + y)
        for place in places
        for x in range(place["w"])
        for y in range(place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_the_dashboard_shows_metrics_in_their_units() -> None:
    board = json.loads((DEPLOY / "grafana" / "asha.json").read_text())

    for panel in board["panels"]:
        unit = panel["fieldConfig"]["defaults"]["unit"]
        for name in named_in([target["expr"] for target in panel["targets"]]):
            suffix = name.rpartition("_")[2]
            assert unit == {"seconds": "s", "bytes": "bytes"}.get(suffix, unit), panel["title"]
            assert suffix in {"seconds", "bytes"} or unit not in {"s", "bytes"}, panel["title"]
