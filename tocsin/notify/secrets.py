"""Secrets of destinations: read from the settings or from a file, and kept out of every text we write."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import msgspec

from tocsin.model.errors import DeliveryFailed, SettingsError

MASK = "***"
_SHORTEST = 4
"""Shorter strings are not masked: they would tear holes into ordinary words and protect nothing."""


def check_url(url: str, key: str) -> None:
    """Check that `url` is one that can be posted to.

    Raises:
        ValueError: It is not; the message does not repeat it, since a webhook's URL is a secret.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise ValueError(f"`{key}` must be an address such as https://example.com/path")


def one_of(value: str, file: str, key: str, *, required: bool = True) -> None:
    """Check that a secret is given once, as `key` or as `key_file`.

    Raises:
        ValueError: It is given twice, or not at all though `required`.
    """
    if value and file:
        raise ValueError(f"give either `{key}` or `{key}_file`, not both")
    if required and not value and not file:
        raise ValueError(f"`{key}` or `{key}_file` is required")


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret as the settings give it.

    Attributes:
        key: The settings key, such as `routing_key`.
        value: The secret itself; empty if it is in a file.
        file: The file that holds it; read at every use, so that a rotated secret is taken up without a reload.
        address: True if it is a URL.
    """

    key: str
    value: str = field(default="", repr=False)
    file: str = ""
    address: bool = False

    def check(self) -> str:
        """Read and return it, to find a mistake before the first alert does.

        Raises:
            SettingsError: The file cannot be read, is empty, or holds no URL where one is needed; its key is
                `<key>_file`.
        """
        try:
            value = self._read()
            if self.address and value:
                check_url(value, self.key)
        except (OSError, ValueError) as error:
            raise SettingsError(_reason(error), key=f"{self.key}_file") from None
        return value

    def read(self) -> str:
        """Return the secret; empty if none is set.

        Raises:
            DeliveryFailed: Its file cannot be read or is empty now; worth another try, since files get rotated.
        """
        try:
            return self._read()
        except (OSError, ValueError) as error:
            raise DeliveryFailed(f"{self.key}_file: {_reason(error)}", retry=True, reason="auth") from None

    def _read(self) -> str:
        if not self.file:
            return self.value
        text = Path(self.file).read_text(encoding="utf-8").strip()
        if not text:
            raise ValueError(f"{self.file} is empty")
        return text


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "the file is not UTF-8 text"
    return f"cannot read {error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error)


class SecretiveSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Settings that do not show their secrets (the fields with a `_file` twin) when printed or logged."""

    def __repr__(self) -> str:
        names = self.__struct_fields__
        shown = {
            name: MASK if f"{name}_file" in names and getattr(self, name) else getattr(self, name) for name in names
        }
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


def mask(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with each secret, and each form of it that a server might echo, replaced by `***`."""
    forms = {form for secret in secrets for form in _forms(secret) if len(form) >= _SHORTEST}
    if not forms:
        return text
    longest_first = sorted(forms, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), MASK, text)


def _forms(secret: str) -> Iterable[str]:
    yield secret
    yield quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
    yield html.escape(secret)
    if "://" in secret:
        yield from _parts(secret)


def _parts(url: str) -> Iterable[str]:
    """The parts of a URL that are secret by themselves."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    yield from (parts.path, parts.query, f"{parts.path}?{parts.query}")
    yield from (piece for piece in re.split(r"[/&=]", f"{parts.path}&{parts.query}") if len(piece) >= 16)
    yield from (word for word in (parts.username, parts.password) if word)


def origin(url: str) -> str:
    """Return the part of a URL that may be shown: scheme, host and port; the path of a webhook is its password."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an address that cannot be read"
    host = parts.hostname or ""
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}{port}"
