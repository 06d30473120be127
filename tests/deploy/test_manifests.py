"""The manifests keep Kubernetes' schemas, its restricted policy, and what our server needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from .manifests import (
    FILES,
    OUR_IMAGE,
    Resource,
    containers,
    pods,
    policy_errors,
    resources,
    schema_errors,
)


def server() -> list[Resource]:
    path = next(path for path in FILES if path.name == "server.yaml")
    return resources(path.read_text())


def of_kind(kind: str) -> Resource:
    return next(resource for resource in server() if resource["kind"] == kind)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_manifest_keeps_the_schemas(path: Path) -> None:
    assert schema_errors(path) == ""


def test_a_field_that_there_is_not_is_found(tmp_path: Path) -> None:
    path = tmp_path / "service.yaml"
    path.write_text("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {portz: []}}\n")

    assert "portz" in schema_errors(path)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_pods_are_let_into_a_restricted_namespace(path: Path) -> None:
    found = [*pods(path.read_text())]

    assert found
    assert [error for pod in found for error in policy_errors(pod)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_our_containers_cannot_write_their_root_and_no_pod_calls_kubernetes(path: Path) -> None:
    for pod in pods(path.read_text()):
        assert pod["automountServiceAccountToken"] is False
        for container in containers(pod):
            if container["image"].startswith(OUR_IMAGE):
                assert container["securityContext"]["readOnlyRootFilesystem"] is True
                assert container["resources"]["limits"]["memory"]


def test_a_careless_pod_is_found() -> None:
    pod = {
        "hostNetwork": True,
        "volumes": [{"name": "a", "hostPath": {"path": "/"}}],
        "containers": [{"name": "c", "securityContext": {"runAsUser": 0}}],
    }

    assert policy_errors(pod) == [
        "hostNetwork",
        "volume hostPath",
        "c: runAsNonRoot",
        "c: runAsUser",
        "c: allowPrivilegeEscalation",
        "c: seccompProfile",
        "c: drop",
    ]


def test_there_is_one_server_with_a_disk_of_its_own() -> None:
    spec = of_kind("StatefulSet")["spec"]

    assert spec["replicas"] == 1
    [claim] = spec["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    [container] = spec["template"]["spec"]["containers"]
    assert {"name": claim["metadata"]["name"], "mountPath": "/data"} in container["volumeMounts"]
    assert "--database=/data/asha.db" in container["args"]


def test_the_kubelet_asks_by_grpc_where_the_server_listens() -> None:
    [container] = of_kind("StatefulSet")["spec"]["template"]["spec"]["containers"]

    assert container["image"].startswith(OUR_IMAGE)
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert f"--listen=0.0.0.0:{ports['grpc']}" in container["args"]
    assert f"--http=0.0.0.0:{ports['http']}" in container["args"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["grpc"]["port"] == ports["grpc"]
    start = container["startupProbe"]
    assert start["periodSeconds"] * start["failureThreshold"] >= 600  # time to replay


def test_service_policy_and_budget_choose_the_server_s_pod() -> None:
    labels = of_kind("StatefulSet")["spec"]["template"]["metadata"]["labels"].items()

    assert of_kind("Service")["spec"]["selector"].items() <= labels
    assert of_kind("NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items() <= labels
    assert of_kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels


def test_the_workers_are_let_through_the_network_policy() -> None:
    callers = of_kind("NetworkPolicy")["spec"]["ingress"][0]["from"][0]["podSelector"]

    for path in FILES:
        for resource in resources(path.read_text()):
            if resource["kind"] == "Job":
                labels = resource["spec"]["template"]["metadata"]["labels"]
                assert callers["matchLabels"].items() <= labels.items(), path.name
