"""Logs of Kubernetes' own programs: `I1123 08:50:51.653869    7759 server.go:284] "message" key="value"`.

The stamp has no year and is taken to be UTC. Specification: https://github.com/kubernetes/klog
"""

from __future__ import annotations

from tocsin.intake.formats.content import log_columns, log_format

_CONTROL_PLANE = "'^(?:kube-apiserver|kube-controller-manager|kube-scheduler|cloud-controller-manager|etcd)'"

KLOG = log_format(
    "klog",
    "line",
    log_columns(source=f"if(match(context['app'], {_CONTROL_PLANE}), 'control-plane', 'node')"),
)
