"""The Helm chart as a real helm renders it: `python tests/deploy/chart.py`.

Lints it, renders it with several values, and holds each result to what tests/deploy/test_manifests
holds the plain manifests to. deploy/kubernetes/server.yaml is the chart with its defaults, made
anew by `--write`. helm is built from its Go module where it is not installed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]  # run as a script, only tests/deploy would be on the path

from tests.deploy.command_lines import check  # noqa: E402 - as above
from tests.deploy.manifests import (  # noqa: E402 - as above
    NEWEST,
    containers,
    pods,
    policy_errors,
    resources,
    schema_errors,
)

CHART = ROOT / "deploy" / "helm" / "asha"
PLAIN = ROOT / "deploy" / "kubernetes" / "server.yaml"
HELM = "helm.sh/helm/v3/cmd/helm@v3.22.0"
HEAD = "# The chart with its defaults. Made by: python tests/deploy/chart.py --write\n"
CASES = {
    "defaults": [],
    "tls": ["tls.secretName=asha-tls", "tls.clientCertificates=true", "auth.tokens=true"],
    "tls without http": ["tls.secretName=asha-tls", "http.enabled=false"],
    "no policy": ["networkPolicy.enabled=false", "http.enabled=false"],
    "the rest": [
        f"image.digest=sha256:{'0' * 64}", "image.pullSecrets[0].name=registry",
        "backup.existingClaim=copies", "backup.every=5m", "retention.deleteEndedAfter=90d",
        "persistence.storageClass=fast", "podDisruptionBudget.maxUnavailable=0",
        "extraArgs={--limit,experiments_max=100}", "nodeSelector.disk=nvme",
        "podAnnotations.team=vision", "podLabels.team=vision", "priorityClassName=high",
        "tolerations[0].operator=Exists", "affinity.nodeAffinity=null", "log.level=DEBUG",
    ],
}  # fmt: skip
"""Values that are rendered, by what they are for."""
REFUSED = ("image.tga=1", "podDisruptionBudget.maxUnavailable=2", "backup.every=often")
"""Values that the chart's schema refuses: a misspelt one must not pass in silence."""


class Helm:
    """helm, installed or built from its module into a directory."""

    def __init__(self, directory: Path) -> None:
        self._path = shutil.which("helm") or str(directory / "helm")
        if not Path(self._path).exists():
            environment = {**os.environ, "GOBIN": str(directory)}
            subprocess.run(["go", "install", HELM], env=environment, check=True)

    def lint(self) -> None:
        """Raises CalledProcessError if helm finds the chart wanting."""
        subprocess.run([self._path, "lint", "--strict", "--quiet", str(CHART)], check=True)

    def template(self, values: list[str]) -> subprocess.CompletedProcess[str]:
        """The chart with values `NAME=VALUE`, as a release `asha`."""
        command = [self._path, "template", "asha", str(CHART), f"--kube-version={NEWEST}.0"]
        command += [word for value in values for word in ("--set", value)]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def errors(text: str) -> list[str]:
    """What is wrong with a rendered chart."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        found = schema_errors(Path(file.name)).splitlines()
    for pod in pods(text):
        found += policy_errors(pod)
        for container in containers(pod):
            check(container["args"])
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                if "exec" in container[probe]:
                    check(container[probe]["exec"]["command"][1:])
    return found


def main() -> int:
    """Checks or writes; the exit status."""
    parser = argparse.ArgumentParser(description="Checks the Helm chart.")
    parser.add_argument("--write", action="store_true", help="make deploy/kubernetes/server.yaml")
    is_write = parser.parse_args().write
    with tempfile.TemporaryDirectory() as directory:
        helm = Helm(Path(directory))
        helm.lint()
        plain = HEAD + helm.template([]).stdout
        if is_write:
            PLAIN.write_text(plain, encoding="utf-8")
        found = []
        if PLAIN.read_text(encoding="utf-8") != plain:
            found.append(f"stale: {PLAIN.relative_to(ROOT)}; run this with --write and commit it")
        for name, values in CASES.items():
            done = helm.template(values)
            lines = [*errors(done.stdout), *done.stderr.splitlines()]
            found += [f"{name}: {line}" for line in lines]
            print(f"  {name}: {len(resources(done.stdout))} resources")
        for value in REFUSED:
            if helm.template([value]).returncode == 0:
                found.append(f"{value} is not refused")
    for line in found:
        sys.stderr.write(f"{line}\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
