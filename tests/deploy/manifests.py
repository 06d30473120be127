"""Kubernetes' resources as the tests read them, and what its restricted policy wants of pods."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

DEPLOY = Path(__file__).parents[2] / "deploy"
FILES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
OLDEST, NEWEST = "1.29", "1.37"
"""Versions of Kubernetes whose schemas the manifests keep."""
OUR_IMAGE = "asha-server:"

Resource = dict[str, Any]


def resources(text: str) -> list[Resource]:
    """The documents of a manifest."""
    return [document for document in YAML(typ="safe").load_all(text) if document]


def pods(text: str) -> Iterator[Resource]:
    """The pod specifications of a manifest."""
    for resource in resources(text):
        spec = resource.get("spec", {})
        if "template" in spec:
            yield spec["template"]["spec"]


def containers(pod: Resource) -> list[Resource]:
    """All containers of a pod, sidecars included."""
    return [*pod.get("initContainers", []), *pod["containers"]]


def schema_errors(path: Path) -> str:
    """What Kubernetes' own schemas say against a file; empty: nothing. Unknown fields count."""
    said = ""
    for version in (OLDEST, NEWEST):
        command = [sys.executable, "-m", "kubernetes_validate", "--strict", "--quiet"]
        command += ["--kubernetes-version", version, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        said += done.stdout + done.stderr if done.returncode else ""
    return said


def policy_errors(pod: Resource) -> list[str]:
    """What a namespace that enforces the profile `restricted` would refuse.

    Source: Kubernetes, Pod Security Standards, profile Restricted.
    """
    found = [name for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name)]
    own = pod.get("securityContext", {})
    kinds = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim"}
    kinds |= {"projected", "secret"}
    for volume in pod.get("volumes", []):
        found += [f"volume {kind}" for kind in volume.keys() - {"name"} - kinds]
    for container in containers(pod):
        context = {**own, **container.get("securityContext", {})}
        wanted = {
            "runAsNonRoot": context.get("runAsNonRoot") is True,
            "runAsUser": context.get("runAsUser") != 0,
            "allowPrivilegeEscalation": context.get("allowPrivilegeEscalation") is False,
            "privileged": not context.get("privileged"),
            "seccompProfile": context.get("seccompProfile", {}).get("type")
            in {"RuntimeDefault", "Localhost"},
            "drop": "ALL" in context.get("capabilities", {}).get("drop", []),
            "add": set(context.get("capabilities", {}).get("add", [])) <= {"NET_BIND_SERVICE"},
            "hostPort": not any(port.get("hostPort") for port in container.get("ports", [])),
        }
        found += [f"{container['name']}: {name}" for name, holds in wanted.items() if not holds]
    return found
