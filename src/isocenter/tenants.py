"""Several institutions on one server, each with an archive of its own: index, files, accounts, peers, log, everything.

Nothing is shared but the program and its ports, so nothing has to be kept apart by a condition in a query: what one institution
asks is answered from a Context that has never heard of another. DICOM is told apart by the called AE title, HTTP by the host.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from isocenter.setting_values import Tenants, text_of
from isocenter.settings import BY_NAME, Loaded, Settings, SettingsError, check

# Of the processes, which all institutions share; one of them cannot have its own.
SHARED = frozenset({
    "artim_timeout", "config", "dicom", "dicom_idle_timeout", "dicom_processes", "dicom_proxies", "dicom_tls", "dicom_tls_ca",
    "dicom_tls_cert", "dicom_tls_check_host", "dicom_tls_key", "dicom_tls_mutual", "grace_seconds", "http", "log_format",
    "log_level", "max_associations", "max_pdu", "proxies", "tenant", "tenants", "tls_cert", "tls_key", "transcoding_processes",
    "web_processes",
})  # fmt: skip

# Where an institution's data are: what the server has for itself is nobody's.
OWN = ("backup", "database", "storage", "replica", "hl7", "hl7_tls")


def archives(settings: Settings) -> dict[str, Settings]:
    """Name of the institution -> the settings of its archive; {"": settings} for the one archive of most servers.

    Raises SettingsError when a table is wrong, or two of them could meet.
    """
    if not settings.tenants:
        return {"": settings}
    for key in OWN:
        if getattr(settings, key) != BY_NAME[key].default:
            raise SettingsError(f"{key}: with institutions of their own it belongs into each [tenants.NAME]")
    parts = {name: _part(settings, name, table) for name, table in settings.tenants.items()}
    for what, values in _places(parts).items():
        _differ(what, values)
    return parts


def select(loaded: Loaded) -> Loaded:
    """What a command works with: the archive that `tenant` names, or all there is. Raises SettingsError."""
    name = loaded.settings.tenant
    parts = archives(loaded.settings)
    if not name:
        return loaded
    if name not in parts:
        raise SettingsError(f"tenant: there is no {name!r}; " + (f"there are {', '.join(parts)}" if loaded.settings.tenants else
                            "the settings have no [tenants.NAME]"))
    given = loaded.settings.tenants[name]
    origins = {key: f"tenants.{name}" if key in given else origin for key, origin in loaded.origins.items()}
    return Loaded(parts[name], origins)


def with_ports(settings: Settings, name: str, ports: Mapping[str, object]) -> Settings:
    """The settings in which the institution has these addresses; name: "" for the only archive. ports: setting -> Address."""
    if not name:
        return replace(settings, **ports)  # type: ignore[arg-type]
    texts = {key: text_of(value) for key, value in ports.items()}
    return replace(settings, tenants=Tenants({**settings.tenants, name: {**settings.tenants[name], **texts}}))


def host_of(settings: Settings) -> str:
    """The host that an institution's users type, without a port, in lower case."""
    return (urlsplit(settings.public_url).hostname or "").lower()


def _part(settings: Settings, name: str, table: Mapping[str, str]) -> Settings:
    values: dict[str, Any] = {"tenants": Tenants(), "tenant": name, "data": settings.data.absolute() / name}
    for key, text in table.items():
        if key not in BY_NAME:
            raise SettingsError(f"tenants.{name}: there is no setting {key}; `isocenter settings` lists all of them")
        if key in SHARED:
            raise SettingsError(f"tenants.{name}: {key} is the same for all who share the server; set it once, for all")
        try:
            values[key] = BY_NAME[key].parse(text)
        except ValueError as error:
            shown = "the value" if BY_NAME[key].secret else repr(text)
            raise SettingsError(f"tenants.{name}: {key}: {shown} cannot be used: {error}") from None
    for key in ("aet", "public_url"):
        if key not in table:
            raise SettingsError(f"tenants.{name}: it needs {key} of its own")
    try:
        return check(replace(settings, **values))
    except SettingsError as error:
        raise SettingsError(f"tenants.{name}: {error}") from None


def _places(parts: Mapping[str, Settings]) -> dict[str, dict[str, str]]:
    """What may not be the same for two: name of the setting -> name of the institution -> its value."""
    keys = ("aet", "public_url", "data", "database", "storage", "replica", "backup", "hl7", "hl7_tls")
    everything: dict[str, dict[str, str]] = {key: {} for key in keys}
    for name, part in parts.items():
        everything["aet"][name] = part.aet
        everything["public_url"][name] = host_of(part)
        everything["data"][name] = f"{part.data.absolute()}/"
        everything["database"][name] = part.database_url
        for key in ("storage", "replica", "backup"):
            if url := getattr(part, key):
                everything[key][name] = f"{urlsplit(url)._replace(query='', fragment='').geturl().rstrip('/')}/"
        for key in ("hl7", "hl7_tls"):
            if (address := getattr(part, key)) is not None and address.port:
                everything[key][name] = str(address)
    return everything


def _differ(what: str, values: Mapping[str, str]) -> None:
    """Two the same, or for folders one within the other: they would meet. Raises SettingsError."""
    named = sorted(values.items(), key=lambda each: each[1])
    for (one, first), (other, second) in _pairs(named):
        if first == second or (first.endswith("/") and second.startswith(first)):
            raise SettingsError(f"tenants.{one} and tenants.{other}: {what} must differ, or they would see each other")


def _pairs(items: list[tuple[str, str]]) -> Iterable[tuple[tuple[str, str], tuple[str, str]]]:
    return ((one, other) for at, one in enumerate(items) for other in items[at + 1 :])
