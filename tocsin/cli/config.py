"""`tocsin config`: print settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="TOCSIN_CONFIG", help="Settings file; ./tocsin.yaml if there is one."),
]


def config(
    config: ConfigOption = None,
    defaults: Annotated[
        bool, typer.Option("--defaults", help="Every setting with its default and meaning, as a settings file.")
    ] = False,
) -> None:
    """Print the settings in force, without secrets, or all settings with their defaults.

    Examples:

    `tocsin config --defaults > tocsin.yaml`

    `tocsin config --config /etc/tocsin/tocsin.yaml`
    """
    import yaml

    from tocsin.app import reference, settings

    if defaults:
        typer.echo(reference.defaults_yaml(), nl=False)
        return
    path = settings.find(str(config) if config else None)
    shown = _shown(settings.load(path))
    typer.echo(f"# {path or 'no settings file: these are the defaults'}")
    typer.echo(yaml.safe_dump(shown, sort_keys=False, allow_unicode=True).rstrip())


def _shown(value: Any) -> Any:
    """Return a setting as plain values; a field that has a `_file` twin is a secret."""
    import msgspec

    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
        encoded = value.__struct_encode_fields__
        secret = {name for name in names if f"{name}_file" in names} | {"hash"}
        return {
            key: "(secret)" if name in secret and getattr(value, name) else _shown(getattr(value, name))
            for name, key in zip(names, encoded, strict=True)
        }
    if isinstance(value, dict):
        return {str(name): _shown(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(item) for item in value]
    if value is None or type(value) in {bool, int, float, str}:
        return value
    return str(getattr(value, "value", value))
