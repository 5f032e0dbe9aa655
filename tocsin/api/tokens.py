"""API tokens: made, hashed, checked.

A token is `tocsin_<id>_<secret>` with 256 random bits of secret. The settings hold only
`scrypt$<log2 n>$<r>$<p>$<id>$<salt>$<digest>`; the id says which hash to try, so that a wrong token costs at most one
try. A checked token is remembered by its SHA-256 under a key of this process, so that scrypt is paid once a token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import yaml

from tocsin.api.settings import AuthSettings, TokenSettings
from tocsin.model.errors import SettingsError

_TOKEN = re.compile(r"tocsin_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_HASH = re.compile(r"scrypt\$(\d{1,2})\$(\d{1,2})\$(\d{1,2})\$([0-9a-f]{8})\$([A-Za-z0-9_-]{22})\$([A-Za-z0-9_-]{43})")
_LOG2_N, _R, _P = 14, 8, 1
_LEAST_LENGTH = 20


class Role(StrEnum):
    """What a token may do; each of the first three may do all that the one before it may."""

    VIEWER = "viewer"
    RESPONDER = "responder"
    ADMIN = "admin"
    INTAKE = "intake"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Attributes:
        name: The token's name; `local` for anyone on this machine while there are no tokens.
        role: What they may do.
        ambient: True if the browser itself sent the credential (cookie, loopback), so that other sites could abuse it.
    """

    name: str
    role: Role
    ambient: bool = False


def make_token(name: str, role: Role) -> tuple[str, str]:
    """Return a new token, to be shown once, and the line for `auth.tokens` in the settings."""
    identity, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    salt = secrets.token_bytes(16)
    digest = _scrypt(secret, salt, _LOG2_N, _R, _P)
    hashed = f"scrypt${_LOG2_N}${_R}${_P}${identity}${_encode(salt)}${_encode(digest)}"
    return f"tocsin_{identity}_{secret}", f"- {{name: {_yaml(name)}, role: {role}, hash: {hashed}}}"


class TokenBook:
    """The tokens of the settings.

    Raises:
        SettingsError: A token is given in no way or in two, is too short, its file cannot be read, or its hash is not
            one of ours.
    """

    def __init__(self, auth: AuthSettings) -> None:
        self._key = secrets.token_bytes(32)
        self._by_digest: dict[bytes, Principal] = {}
        self._by_id: dict[str, tuple[TokenSettings, re.Match[str]]] = {}
        self._seals: list[tuple[str, str, str]] = []
        _check_names(auth.tokens)
        for number, token in enumerate(auth.tokens):
            self._add(token, f"auth.tokens[{number}]")

    def __bool__(self) -> bool:
        return bool(self._by_digest or self._by_id)

    def sign(self, key: bytes) -> bytes:
        """Return a digest of all tokens and roles, so that what is signed with it ends when one of them changes."""
        return hashlib.blake2b(repr(self._seals).encode(), key=key).digest()

    def known(self, token: str) -> Principal | None:
        """Return whose token this is, if that is known without an expensive check."""
        return self._by_digest.get(self._digest(token))

    def check(self, token: str) -> Principal | None:
        """Return whose token this is. Takes some 50 ms of a processor for a token not seen before, so: in a thread."""
        if found := self.known(token):
            return found
        parts = _TOKEN.fullmatch(token)
        entry = self._by_id.get(parts[1]) if parts else None
        if parts is None or entry is None:
            return None
        settings, hashed = entry
        digest = _scrypt(parts[2], _decode(hashed[5]), int(hashed[1]), int(hashed[2]), int(hashed[3]))
        if not hmac.compare_digest(digest, _decode(hashed[6])):
            return None
        principal = Principal(settings.name, Role(settings.role))
        self._by_digest[self._digest(token)] = principal
        return principal

    def named(self, name: str) -> Principal | None:
        """Return the principal of a token's name, for a session that was begun with it."""
        in_hash = (entry[0] for entry in self._by_id.values())
        return next(
            (Principal(t.name, Role(t.role)) for t in in_hash if t.name == name),
            next((p for p in self._by_digest.values() if p.name == name), None),
        )

    def _add(self, token: TokenSettings, key: str) -> None:
        if [bool(given) for given in (token.hash, token.token, token.token_file)].count(True) != 1:
            raise SettingsError(f"token {token.name!r} needs one of hash, token and token_file", key=key)
        if token.hash:
            hashed = _HASH.fullmatch(token.hash)
            if hashed is None or not 1 <= int(hashed[1]) <= 20 or int(hashed[2]) * int(hashed[3]) not in range(1, 65):
                raise SettingsError("not a hash that `tocsin token create` prints", key=f"{key}.hash")
            self._by_id[hashed[4]] = (token, hashed)
            self._seals.append((token.name, token.role, token.hash))
            return
        text = _from_file(token.token_file, f"{key}.token_file") if token.token_file else token.token
        if len(text) < _LEAST_LENGTH:
            raise SettingsError(f"a token needs {_LEAST_LENGTH} characters; `tocsin token create` makes one", key=key)
        self._by_digest[self._digest(text)] = Principal(token.name, Role(token.role))
        self._seals.append((token.name, token.role, hashlib.sha256(text.encode()).hexdigest()))

    def _digest(self, token: str) -> bytes:
        # Keyed, so that looking up the digest in a table tells an attacker nothing by its time.
        return hashlib.blake2b(token.encode("utf-8", "surrogatepass"), key=self._key, digest_size=32).digest()


def _from_file(file: str, key: str) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8 text", key=key) from None
    except OSError as error:
        raise SettingsError(f"cannot read {file}: {error.strerror}", key=key) from None


def _check_names(tokens: Sequence[TokenSettings]) -> None:
    names = [token.name for token in tokens]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise SettingsError(f"there are two tokens named {name!r}", key=f"auth.tokens[{number}].name")


def _scrypt(secret: str, salt: bytes, log2_n: int, r: int, p: int) -> bytes:
    n = 1 << log2_n
    return hashlib.scrypt(secret.encode(), salt=salt, n=n, r=r, p=p, dklen=32, maxmem=256 * n * r + (1 << 20))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _yaml(name: str) -> str:
    plain = re.fullmatch(r"[A-Za-z][\w-]*", name) and yaml.safe_load(name) == name  # `null`, `yes` are no names.
    return name if plain else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
