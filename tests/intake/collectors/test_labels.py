"""What paths tell."""

from __future__ import annotations

import pytest

from tocsin.intake.collectors.labels import in_pod, path_labels


@pytest.mark.parametrize(
    "path",
    [
        "/var/log/pods/prod_web-7d9f8b6c5-x2x4z_0a1b-2c/nginx/0.log",
        "/host/var/log/pods/prod_web-7d9f8b6c5-x2x4z_0a1b-2c/nginx/0.log.20261123-085051.gz",
        f"/var/log/containers/web-7d9f8b6c5-x2x4z_prod_nginx-{'0a' * 32}.log",
    ],
)
def test_pods(path: str) -> None:
    expected = {"namespace": "prod", "pod": "web-7d9f8b6c5-x2x4z", "container": "nginx", "app": "web"}
    assert path_labels(path) == expected
    assert in_pod(path)


@pytest.mark.parametrize(
    ("pod", "container", "app"),
    [
        ("kube-apiserver-node-1", "kube-apiserver", "kube-apiserver"),
        ("cart-bf6d4bc94-qc8vz", "main", "cart"),
        ("postgres-0", "db", "postgres"),
        ("node-exporter-x7k2p", "main", "node-exporter"),
        ("backup-28512345-7xk2p", "main", "backup"),
        ("web", "main", "web"),
        ("my-awesome", "main", "my-awesome"),
    ],
)
def test_the_app_is_the_pods_name_without_what_controllers_add(pod: str, container: str, app: str) -> None:
    assert path_labels(f"/var/log/pods/ns_{pod}_uid/{container}/0.log")["app"] == app


def test_other_files_are_named_after_the_program() -> None:
    assert path_labels("/var/log/kube-scheduler.log.1") == {"app": "kube-scheduler"}
    assert not in_pod("/var/log/kube-scheduler.log.1")
