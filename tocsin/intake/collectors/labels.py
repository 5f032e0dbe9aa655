"""What the path of a log file says of where its lines come from."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

# The kubelet: /var/log/pods/<namespace>_<pod>_<uid>/<container>/<restart>.log, rotated ones beside it.
_POD = re.compile(r".*/pods/(?P<namespace>[^/_]+)_(?P<pod>[^/_]+)_(?P<uid>[^/_]+)/(?P<container>[^/]+)/[^/]+")
# Its links: /var/log/containers/<pod>_<namespace>_<container>-<container id>.log
_LINK = re.compile(
    r".*/containers/(?P<pod>[^/_]+)_(?P<namespace>[^/_]+)_(?P<container>[^/]+)-(?P<id>[0-9a-f]{64})\.log[^/]*"
)
# Names that controllers make: Deployment (hash of the template, then five letters), Job and DaemonSet (five letters),
# StatefulSet (a number), CronJob (a number of minutes, then five letters). The letters are those of Kubernetes' own
# alphabet, without vowels.
_MADE = re.compile(r"(?:-\d{8,10})?(?:-[0-9bcdfghjklmnpqrstvwxz]{5,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}$|-\d{1,4}$")


def path_labels(path: str) -> dict[str, str]:
    """Return the labels that `path` tells: `namespace`, `pod`, `container` and `app` of a pod, else `app` by the name.

    A pod's `app` is its container if the pod is called after it (static pods), else the pod's name without what its
    controller added.
    """
    found = _POD.fullmatch(path) or _LINK.fullmatch(path)
    if not found:
        return {"app": PurePosixPath(path).name.partition(".")[0]}
    labels = {name: found[name] for name in ("namespace", "pod", "container")}
    return {**labels, "app": _app(labels["pod"], labels["container"])}


def in_pod(path: str) -> bool:
    """True if the path is one of those that container runtimes write to."""
    return bool(_POD.fullmatch(path) or _LINK.fullmatch(path))


def _app(pod: str, container: str) -> str:
    if pod.startswith(f"{container}-"):
        return container
    return _MADE.sub("", pod) or pod
