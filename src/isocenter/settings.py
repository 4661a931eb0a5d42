"""One frozen tree of typed settings.

The fields of `Settings` are the only table: the command line's options, the `ISOCENTER_*` environment, the keys of the TOML file,
`isocenter settings` and docs/settings.md are all made from it. Precedence: argv > environment > file > default. An unknown key is
an error that names the nearest known one. Only cli and app load settings; everyone else is handed the tree.
"""

import base64
import difflib
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import urlsplit

from isocenter.setting_values import PARSERS, Address, BucketAddress, Origins, Roles, Size, Tenants, text_of

__all__ = [
    "AE_TITLE", "BY_NAME", "ENVIRONMENT_ONLY", "PREFIX", "REMOVED", "SETTINGS", "Address", "BucketAddress", "Loaded", "Origins",
    "Setting", "Settings", "SettingsError", "Size", "check", "load",
]  # fmt: skip

PREFIX = "ISOCENTER_"

# PS3.5 6.2, VR AE: at most 16 characters of the default repertoire, no backslash or control characters; not only spaces.
AE_TITLE = re.compile(r"[\x21-\x5b\x5d-\x7e](?:[\x20-\x5b\x5d-\x7e]{0,14}[\x21-\x5b\x5d-\x7e])?")

# Read from the environment by the code that needs them, and no settings: a password belongs neither in a file nor in `ps`.
ENVIRONMENT_ONLY = frozenset({"ISOCENTER_ADMIN_PASSWORD"})

# Kubernetes puts these into every container of a cluster that has a service named "isocenter"; they are nobody's typing error.
FOREIGN_ENVIRONMENT = re.compile(r"ISOCENTER_(SERVICE_(HOST|PORT)\w*|PORT(_\d+_(TCP|UDP)\w*)?|TEST_\w+|SKIP_WEB_BUILD)")

# name that once was, or that other servers use -> what to say about it
REMOVED: dict[str, str] = {
    "port": "Isocenter listens with two settings: http (web and DICOMweb) and dicom (DIMSE), each HOST:PORT",
    "dicom_port": "the address and the port are one setting: dicom = \"HOST:PORT\"",
    "http_port": "the address and the port are one setting: http = \"HOST:PORT\"",
    "ae_title": "the archive's AE title is the setting aet",
    "data_dir": "the data folder is the setting data",
    "password": "the first password of admin comes from the environment variable ISOCENTER_ADMIN_PASSWORD",
    "admin_password": "the first password of admin comes from the environment variable ISOCENTER_ADMIN_PASSWORD",
}


class SettingsError(ValueError):
    """A setting is unknown, or its value cannot be used; the message names the setting, where it came from and what to do."""


def setting(default: Any, help: str, *, secret: bool = False, choices: tuple[str, ...] = (), metavar: str = "",
            least: float | None = None, most: float | None = None) -> Any:
    """Declare one row of the table: default, the sentence for people, and what its value may be."""
    row = {"help": help, "secret": secret, "choices": choices, "metavar": metavar, "least": least, "most": most}
    return field(default=default, repr=not secret, metadata=row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The effective settings. Every field is one setting; `Settings()` is the embedded product with its defaults."""

    data: Path = setting(Path("isocenter-data"), "Data folder: archive, quarantine, index", metavar="DIR")
    http: Address = setting(Address("127.0.0.1", 8080), "Address of the web client, DICOMweb and the API", metavar="HOST:PORT")
    dicom: Address = setting(Address("127.0.0.1", 11112), "Address of the DICOM (DIMSE) service", metavar="HOST:PORT")
    aet: str = setting("ISOCENTER", "AE title of this archive, at most 16 characters", metavar="AET")
    database: str = setting("", "Database URL, postgresql+psycopg://USER:PASSWORD@HOST/NAME; empty: SQLite in the data folder",
                            secret=True, metavar="URL")
    storage: str = setting("", "Where images are kept: file:///DIR, or s3://BUCKET[/PREFIX]?endpoint=URL&region=NAME&style=path|"
                               "virtual; empty: the data folder", metavar="URL")
    storage_safe_in: int = setting(2, "With s3: a sender is answered when an instance is safe in 2 places: on this node's disk "
                                      "and in the bucket; with 1 on this node's disk, and it is copied afterwards", least=1,
                                   most=2)
    replica: str = setting("", "A second storage that has every original once more, and from which damaged or missing files are "
                               "put back: file:///DIR or s3://BUCKET[/PREFIX]?...; nothing is ever deleted there", metavar="URL")
    write_once: bool = setting(False, "Files of the archive on a local disk become immutable (chattr +i) when the scrub has "
                                      "found them sound, copies in a second folder at once; needs CAP_LINUX_IMMUTABLE")
    scrub_rate: Size = setting(Size(8 << 20), "Bytes a second at which the worker compares all files with the index, over "
                                              "and over (at most once a day); 0: never", metavar="BYTES", least=0)
    backup: str = setting("", "Where the worker puts a backup by itself (`isocenter backup`): file:///DIR, which must exist, or "
                              "s3://BUCKET[/PREFIX]?...; empty: nobody does unless cron does", metavar="URL")
    backup_every_hours: float = setting(24.0, "Hours between two of these backups", least=0.25)
    backup_keep: int = setting(30, "Snapshots that stay; files are never removed; 0: all", least=0)
    s3_access_key: str = setting("", "Access key ID for s3; empty: as AWS programs find it (AWS_*, web identity, the machine's "
                                     "role)", metavar="ID")
    s3_secret_key: str = setting("", "Its secret access key", secret=True, metavar="KEY")
    s3_ca: Path | None = setting(None, "Certificates (PEM) that are trusted for s3 besides the system's", metavar="FILE")
    s3_encryption: str = setting("none", "What s3 is asked to encrypt objects with: keys of S3 (s3), of a key management service "
                                         "(kms), our own key (customer); none: what the bucket does by itself",
                                 choices=("none", "s3", "kms", "customer"))
    s3_kms_key: str = setting("", "With kms: the ID of the key; empty: the service's default key", metavar="ID")
    s3_customer_key: str = setting("", "With customer: 32 random bytes in base64; who loses it has lost the archive", secret=True,
                                   metavar="BASE64")
    encryption_key: str = setting("", "Where the key is that everything stored is encrypted under: file:PATH, env:VARIABLE or "
                                      "command:PROGRAM ARGUMENTS (32 bytes in hex or base64); empty: stored as it comes",
                                  metavar="PLACE")
    encryption_old_keys: str = setting("", "Places of the keys before it, separated by commas: of what is not under the new one",
                                       metavar="PLACE,...")
    config: Path | None = setting(None, "TOML file with settings", metavar="FILE")
    public_url: str = setting("", "The address people type, https://pacs.example.org; empty: made from http", metavar="URL")
    proxies: tuple[str, ...] = setting((), "Addresses or networks of the reverse proxies whose X-Forwarded headers are believed, "
                                           "separated by commas", metavar="NET,...")
    dicom_proxies: tuple[str, ...] = setting((), "Addresses or networks of load balancers in front of the DICOM ports; each must "
                                                 "send the PROXY protocol (HAProxy: send-proxy-v2), and is believed",
                                             metavar="NET,...")
    tls_cert: Path | None = setting(None, "TLS certificate chain (PEM) for http", metavar="FILE")
    tls_key: Path | None = setting(None, "TLS private key (PEM without a passphrase; RSA, P-256, P-384 or Ed25519) for http",
                                   metavar="FILE")
    oidc_issuer: str = setting("", "The institution's OpenID provider, with whose accounts people may sign in: its issuer, "
                                   "https://login.example.org/realm; empty: none", metavar="URL")
    oidc_client_id: str = setting("", "What the provider calls Isocenter", metavar="ID")
    oidc_client_secret: str = setting("", "The secret it gave Isocenter; empty: a public client, which has PKCE alone",
                                      secret=True, metavar="SECRET")
    oidc_roles: Roles = setting(Roles(), "Which role a group of the provider has, asked in this order: \"Radiology=radiologist; "
                                         "PACS=admin\"; whoever is in none of them is not let in", metavar="GROUP=ROLE;...")
    oidc_scopes: str = setting("openid profile", "What the provider is asked to tell, separated by spaces", metavar="NAMES")
    oidc_name_claim: str = setting("preferred_username", "The claim that becomes the name of the account", metavar="CLAIM")
    oidc_groups_claim: str = setting("groups", "The claim that lists the groups", metavar="CLAIM")
    oidc_accounts: bool = setting(True, "Whoever comes for the first time gets an account; false: only accounts that an "
                                        "administrator made for the provider")
    oidc_label: str = setting("Sign in with the hospital account", "What the button on the login page says", metavar="TEXT")
    dicom_tls: Address | None = setting(None, "Address of the DICOM service over TLS (PS3.15 B.12), 0.0.0.0:2762; empty: none",
                                        metavar="HOST:PORT")
    dicom_tls_cert: Path | None = setting(None, "Certificate chain (PEM) for DICOM, also shown to peers that are called; "
                                                "empty: tls_cert", metavar="FILE")
    dicom_tls_key: Path | None = setting(None, "Its private key; empty: tls_key", metavar="FILE")
    dicom_tls_ca: Path | None = setting(None, "Certificates (PEM) of those who sign the peers'; empty: the system's, and callers "
                                              "need none", metavar="FILE")
    dicom_tls_mutual: bool = setting(True, "With dicom_tls_ca: who calls over TLS must show a certificate that it signed")
    dicom_tls_check_host: bool = setting(True, "The certificate of a peer that is called must name its host")
    dicom_user_required: bool = setting(False, "Reject associations without user name and passcode (PS3.7 D.3.3.7)")
    hl7: Address | None = setting(None, "Address of the HL7 v2 service (MLLP), 0.0.0.0:2575; empty: none", metavar="HOST:PORT")
    hl7_tls: Address | None = setting(None, "Address of the HL7 v2 service over TLS, with the certificates of DICOM; empty: none",
                                      metavar="HOST:PORT")
    hl7_senders: tuple[str, ...] = setting((), "Addresses or networks that may send HL7, separated by commas; besides this "
                                               "machine nobody else may", metavar="NET,...")
    hl7_fields: str = setting("", "Where this site's messages have what docs/hl7.md lists: AccessionNumber=OBR-3/ORC-3, ...",
                              metavar="NAME=PLACE,...")
    hl7_stations: str = setting("", "AE titles of the stations of a modality, for orders that name none: CT=CT1/CT2, MR=MR1",
                                metavar="MODALITY=AET,...")
    https_ca: Path | None = setting(None, "Certificates (PEM) of those who sign what receivers of webhooks, DICOMweb "
                                          "services and the OpenID provider show; empty: the system's", metavar="FILE")
    webhook_key: str = setting("", "Key of the secrets of webhooks and second factors, the same on all machines; empty: "
                                   "one of its own in the data folder", secret=True, metavar="TEXT")
    audit_syslog: Address | None = setting(None, "Collector of audit messages (PS3.15 A.5) by syslog over TLS (RFC 5425), as a "
                                                 "rule on port 6514; empty: none", metavar="HOST:PORT")
    audit_syslog_ca: Path | None = setting(None, "Certificates (PEM) of who signs the collector's; empty: the system's",
                                           metavar="FILE")
    audit_syslog_cert: Path | None = setting(None, "Certificate chain and key (PEM) shown to the collector; empty: none",
                                             metavar="FILE")
    audit_anchor: str = setting("", "Where the head of the change log is noted, so that nobody cuts its end off unseen: "
                                    "places outside, separated by commas, each file:///DIR, which must exist, or "
                                    "s3://BUCKET[/PREFIX]?...; empty: in the messages to audit_syslog only", metavar="URL,...")
    audit_anchor_every_hours: float = setting(24.0, "Hours between two of these notes", least=0.25)
    audit_site: str = setting("", "Name of the enterprise in audit messages (AuditEnterpriseSiteID)", metavar="TEXT")
    cors_origins: Origins = setting(Origins(), "Web sites whose pages may use DICOMweb with a token of their own, separated by "
                                               "commas; *: all", metavar="URL,...")
    session_idle_minutes: int = setting(15, "A web session ends after this many minutes without a request", least=1)
    session_max_hours: int = setting(12, "A web session ends after this many hours whatever happens", least=1)
    emergency_minutes: int = setting(60, "Emergency access to a patient ends after this many minutes", least=1)
    share_max_days: int = setting(366, "A link for people without an account lasts at most so many days", least=1, most=366)
    share_needs_code: bool = setting(False, "Such links always ask for a code, which is told by another way")
    argon2_memory_kib: int = setting(47104, "Memory of one password hash, in KiB (argon2id, RFC 9106)", least=8)
    argon2_passes: int = setting(2, "Passes of one password hash", least=1)
    dicom_processes: int = setting(0, "Processes that receive DICOM on the one port; 0: one a core, at most 4, on SQLite 2",
                                   least=0, most=64)
    web_processes: int = setting(1, "Processes that answer HTTP", least=1, most=64)
    http_rate: int = setting(500, "Searches and requests to the API of one client that a web process answers in a second, for "
                                  "a while also ten times as many; then it is told to wait (429); 0: no limit", least=0,
                             most=1000000)
    max_associations: int = setting(200, "DICOM associations open at once; one more is rejected: local limit (PS3.8 9.3.4)",
                                    least=1, most=10000)
    max_associations_per_peer: int = setting(100, "Of these, those of one peer, unless `isocenter peer` says otherwise",
                                             least=1, most=10000)
    max_pdu: Size = setting(Size(131072), "Largest P-DATA-TF PDU we ask peers to send", metavar="BYTES", least=4096, most=1 << 20)
    dicom_idle_timeout: float = setting(300.0, "Seconds without a byte after which an association is aborted", least=0.1)
    artim_timeout: float = setting(30.0, "Seconds a connection may stay open before and after an association (PS3.8 9.1.5)",
                                   least=0.1)
    max_find_answers: int = setting(10000, "Most answers to one C-FIND; then a warning (B001) says that there is more", least=1,
                                    most=1000000)
    ups_retention_days: float = setting(7.0, "Days that work items (UPS) are kept when they are completed or canceled and no "
                                             "deletion lock holds them", least=0)
    min_free_space: Size = setting(Size(256 << 20), "Storing is refused (A700, 507) when less than this is free on the disk",
                                   metavar="BYTES", least=0)
    cache_limit: Size = setting(Size(5 << 30), "Room on the disk for what can be made again: converted, rendered images; 0: none",
                                metavar="BYTES", least=0)
    transcoding_processes: int = setting(0, "Processes of each web process that convert images; 0: one a core, at most 4",
                                         least=0, most=64)
    accept_any_aet: bool = setting(True, "On loopback, accept AE titles that are no known peers; on another interface never")
    check_called_aet: bool = setting(False, "Reject who calls another AE title than this archive's (PS3.8 9.3.4)")
    log_level: str = setting("info", "What is logged", choices=("debug", "info", "warning", "error"))
    log_format: str = setting("auto", "text for people, json for machines, auto: text on a terminal, else json",
                              choices=("auto", "text", "json"))
    grace_seconds: float = setting(20.0, "Seconds that a stop waits for what has begun", least=0)
    delivery_retry_seconds: float = setting(30.0, "Seconds until a delivery that failed is tried again; then twice as many, up "
                                                  "to four hours", least=0.1)
    delivery_keep_days: int = setting(30, "Days for which deliveries that have ended are still listed", least=1)
    keep_days: float = setting(0.0, "Days for which nothing that has come in is deleted, whoever asks: it can only be rejected "
                                    "and is hidden then; 0: as those decide who may delete", least=0)
    delete_grace_hours: float = setting(72.0, "Hours between the word that rejected objects are to be deleted and the moment "
                                              "they are: so long it can be taken back", least=0)
    images_complete_minutes: float = setting(60.0, "Minutes without new images after which an ordered step that no modality "
                                                   "reports by MPPS is completed; 0: images alone move no step", least=0)
    index_attributes: str = setting("", "Attributes to be searched besides the usual ones, separated by commas: "
                                        "ContrastBolusAgent@SERIES,0019xx0C[GEMS_ACQU_01]:DS (docs/query.md)", metavar="NAME,...")
    series_quiet_seconds: float = setting(2.0, "Quiet seconds after which a series' metadata document is built", least=0)
    htj2k: str = setting("off", "Make lossless HTJ2K copies for viewing over slow lines: off, all, or modalities (CT,MR,MG)",
                         metavar="off|all|LIST")
    htj2k_limit: Size = setting(Size(100 << 30), "Most bytes of such copies; the oldest go first. 0: no limit", metavar="BYTES",
                                least=0)
    issuers: str = setting("", "Local names of those who issue Patient IDs, for objects that name them by a universal ID only "
                               "(PS3.3 10.14): HOSP=1.2.840.99,...", metavar="NAME=ID,...")
    tenants: Tenants = setting(Tenants(), "Institutions that share this server and never see each other: a table [tenants.NAME] "
                                          "for each in the TOML file (docs/tenants.md)", secret=True, metavar="JSON")
    tenant: str = setting("", "Of which of these institutions a command is", metavar="NAME")

    @property
    def database_url(self) -> str:
        """The SQLAlchemy URL: the setting, or SQLite in the data folder."""
        return self.database or f"sqlite:///{self.data.absolute() / 'index.sqlite'}"

    @property
    def embedded(self) -> bool:
        """True when the index lives in the data folder, so that one `serve` owns both."""
        return self.database_url.startswith("sqlite")

    @property
    def blob_folder(self) -> Path:
        """The folder that holds archive/, quarantine/, incoming/ and derived/; with s3 those of what is not in the bucket yet."""
        if self.bucket is not None:
            return self.data.absolute() / "ahead"
        return Path(urlsplit(self.storage).path) if self.storage else self.data.absolute()

    @property
    def bucket(self) -> BucketAddress | None:
        """The S3 bucket that images are kept in, if they are."""
        return BucketAddress.parse(self.storage) if self.storage.startswith("s3:") else None

    @property
    def cache_folder(self) -> Path:
        """The folder of what can be made again; on the machine itself, wherever the blobs are."""
        return self.data.absolute() / "cache"

    @property
    def dicom_process_count(self) -> int:
        """How many DICOM processes to start.

        SQLite has one writer, for which the processes take turns at a lock: a second one still gains 10 % with 4 associations
        (two cores, 500 CT slices: 1.1 s against 1.2 s), more would only wait.
        """
        return self.dicom_processes or min(2 if self.embedded else 4, len(os.sched_getaffinity(0)))

    @property
    def htj2k_modalities(self) -> tuple[str, ...] | None:
        """Of which modalities copies for viewing are made; None: of all."""
        words = tuple(word.strip().upper() for word in self.htj2k.split(",") if word.strip())
        return None if words == ("ALL",) else () if words == ("OFF",) else words

    @property
    def tls(self) -> bool:
        return self.tls_cert is not None

    @property
    def url(self) -> str:
        """Where people find the web client, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        host = "127.0.0.1" if self.http.host in {"0.0.0.0", "::"} else self.http.host
        return f"{'https' if self.tls else 'http'}://{Address(host, self.http.port)}"

    @property
    def anchor_places(self) -> tuple[str, ...]:
        """The places of `audit_anchor`."""
        return tuple(each.strip() for each in self.audit_anchor.split(",") if each.strip())

    @property
    def unknown_aets_accepted(self) -> bool:
        """DESIGN 4: on loopback unknown AE titles may store, find, move and get; elsewhere only known peers."""
        return self.accept_any_aet and self.dicom.is_loopback

    @property
    def dicom_tls_known_only(self) -> bool:
        """Whether `dicom_tls` is a port for known peers only."""
        return not self.unknown_aets_accepted or (self.dicom_tls is not None and not self.dicom_tls.is_loopback)

    @property
    def dicom_certificate(self) -> tuple[Path, Path] | None:
        """Certificate chain and private key for DICOM."""
        pair = (self.dicom_tls_cert, self.dicom_tls_key) if self.dicom_tls_cert else (self.tls_cert, self.tls_key)
        return (pair[0], pair[1]) if pair[0] and pair[1] else None


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table as seen from outside: name, type and the sentence about it."""

    name: str
    type: Any
    default: Any
    help: str
    secret: bool
    choices: tuple[str, ...]
    metavar: str
    least: float | None
    most: float | None

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    def parse(self, text: str) -> Any:
        """The typed value of a text. Raises ValueError with a sentence on what to write."""
        value = PARSERS[self.type](text)
        if self.choices and value not in self.choices:
            raise ValueError(f"it must be one of {', '.join(self.choices)}")
        if self.least is not None and value < self.least:
            raise ValueError(f"it must be at least {self.least:g}")
        if self.most is not None and value > self.most:
            raise ValueError(f"it must be at most {self.most:g}")
        return value

    def show(self, value: Any) -> str:
        """The text of a value as one would write it, with passwords masked."""
        text = text_of(value)
        if self.secret and isinstance(value, Tenants):
            return ", ".join(value)
        if self.secret and "://" not in text:
            return "***" if text else ""
        return re.sub(r"(://[^:/@]*:)[^@]*@", r"\1***@", text) if self.secret else text


_HINTS = get_type_hints(Settings)
SETTINGS: tuple[Setting, ...] = tuple(
    Setting(name=f.name, type=_HINTS[f.name], default=f.default, **f.metadata) for f in fields(Settings)
)
BY_NAME: dict[str, Setting] = {s.name: s for s in SETTINGS}


@dataclass(frozen=True, slots=True)
class Loaded:
    """The effective settings and where each value came from ("default", "file PATH", "environment NAME", "option NAME")."""

    settings: Settings
    origins: Mapping[str, str]


def load(argv: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    """Merge option texts, environment and the TOML file over the defaults.

    argv: setting name -> text, only those given. environ: os.environ by default. Raises SettingsError.
    """
    options = {name: (text, f"option {BY_NAME[name].option}") for name, text in (argv or {}).items()}
    variables = _from_environment(os.environ if environ is None else environ)
    config = (options.get("config") or variables.get("config") or ("", ""))[0]
    texts = {**_from_file(Path(config).expanduser() if config else None), **variables, **options}
    values: dict[str, Any] = {}
    for name, (text, origin) in texts.items():
        values[name] = _parsed(BY_NAME[name], text, origin)
    settings = check(replace(Settings(), **values))
    return Loaded(settings, {s.name: texts[s.name][1] if s.name in texts else "default" for s in SETTINGS})


def check(settings: Settings) -> Settings:
    """The rules that join several settings, or need more than a type. Returns the settings or raises SettingsError."""
    if not AE_TITLE.fullmatch(settings.aet):
        raise SettingsError(f"aet: {settings.aet!r} is no AE title: 1 to 16 printable ASCII characters without a backslash")
    _check_place("storage", settings.storage)
    _check_place("replica", settings.replica)
    _check_place("backup", settings.backup)
    for place in settings.anchor_places:
        _check_place("audit_anchor", place)
    if settings.replica and settings.replica == settings.storage:
        raise SettingsError("replica: it is the storage itself; name another place")
    _check_keys(settings)
    if settings.database and not settings.database.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise SettingsError("database: use postgresql+psycopg://USER:PASSWORD@HOST/NAME or sqlite:////PATH, or leave it empty")
    if settings.database and not _has_port_or_none(settings.database):
        raise SettingsError("database: what follows the host's colon is no port; in a password write @ as %40 and / as %2F")
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise SettingsError("tls_cert and tls_key belong together: give both or neither")
    if (settings.dicom_tls_cert is None) != (settings.dicom_tls_key is None):
        raise SettingsError("dicom_tls_cert and dicom_tls_key belong together: give both or neither")
    if settings.dicom_tls is not None and settings.dicom_certificate is None:
        raise SettingsError("dicom_tls: it needs a certificate: give dicom_tls_cert and dicom_tls_key, or tls_cert and tls_key")
    if settings.hl7_tls is not None and settings.dicom_certificate is None:
        raise SettingsError("hl7_tls: it needs a certificate: give dicom_tls_cert and dicom_tls_key, or tls_cert and tls_key")
    if settings.hl7 is not None and settings.hl7 == settings.hl7_tls and settings.hl7.port:
        raise SettingsError(f"hl7_tls: {settings.hl7} is hl7's already; give it a port of its own")
    if settings.dicom_tls == settings.dicom and settings.dicom.port:
        raise SettingsError(f"dicom_tls: {settings.dicom} is dicom's already; give it a port of its own, 2762 is usual")
    if not re.fullmatch(r"[A-Za-z0-9]{2,16}( *, *[A-Za-z0-9]{2,16})*", settings.htj2k):
        raise SettingsError("htj2k: write off, all, or modalities separated by commas, for example CT,MR,MG")
    if settings.public_url and urlsplit(settings.public_url).scheme not in {"http", "https"}:
        raise SettingsError("public_url: it must begin with http:// or https://")
    _check_provider(settings)
    return settings


def _check_provider(settings: Settings) -> None:
    if not settings.oidc_issuer:
        return
    place = urlsplit(settings.oidc_issuer)
    # Over plain HTTP whoever is in between could say who somebody is; a name of this very machine is for trying it out.
    if place.scheme != "https" and not (place.scheme == "http" and place.hostname in {"localhost", "127.0.0.1", "::1"}):
        raise SettingsError("oidc_issuer: it must begin with https://")
    if not settings.oidc_client_id or not settings.oidc_roles:
        raise SettingsError("oidc_issuer: oidc_client_id and oidc_roles belong to it; without a role nobody could come in")
    if "openid" not in settings.oidc_scopes.split():
        raise SettingsError("oidc_scopes: one of them is openid, or it is no sign-in")


def _check_place(name: str, url: str) -> None:
    scheme, _, rest = url.partition("://")
    if scheme == "s3":
        try:
            BucketAddress.parse(url)
        except ValueError as error:
            raise SettingsError(f"{name}: {error}") from None
    elif url and (scheme != "file" or not rest.startswith("/")):
        empty = "to keep the images in the data folder" if name == "storage" else "for none"
        raise SettingsError(f"{name}: {scheme!r} is not supported: use file:///DIR or s3://BUCKET, or leave it empty {empty}")


def _check_keys(settings: Settings) -> None:
    for place in (settings.encryption_key, *settings.encryption_old_keys.split(",")):
        kind, _, rest = place.strip().partition(":")
        if place and (kind not in {"file", "env", "command"} or not rest.strip()):
            raise SettingsError("encryption_key and encryption_old_keys: say where the key is, as file:PATH, env:VARIABLE or "
                                "command:PROGRAM, not the key itself")
    if bool(settings.s3_access_key) != bool(settings.s3_secret_key):
        raise SettingsError("s3_access_key and s3_secret_key belong together: give both or neither")
    if (settings.s3_encryption == "customer") != bool(settings.s3_customer_key):
        raise SettingsError("s3_customer_key and s3_encryption = \"customer\" belong together: give both or neither")
    if settings.s3_customer_key and not _is_key(settings.s3_customer_key):
        raise SettingsError("s3_customer_key: it must be 32 bytes in base64, made for example by: openssl rand -base64 32")
    if settings.s3_kms_key and settings.s3_encryption != "kms":
        raise SettingsError("s3_kms_key: it needs s3_encryption = \"kms\"")


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except ValueError:
        return False


def _has_port_or_none(url: str) -> bool:
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def _parsed(row: Setting, text: str, origin: str) -> Any:
    try:
        return row.parse(text)
    except ValueError as error:
        shown = "the value" if row.secret else repr(text)
        raise SettingsError(f"{row.name}: {shown} (from {origin}) cannot be used: {error}") from None


def _unknown(name: str, origin: str, spelled: Mapping[str, str]) -> SettingsError:
    """The error for a key that is no setting; spelled: setting name -> how this origin writes it."""
    if name in REMOVED:
        return SettingsError(f"{origin}: there is no setting {name}: {REMOVED[name]}")
    near = difflib.get_close_matches(name, list(BY_NAME), n=1, cutoff=0.5)
    hint = f"did you mean {spelled[near[0]]}?" if near else "`isocenter settings` lists all of them"
    return SettingsError(f"{origin}: there is no setting {name}; {hint}")


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    by_variable = {s.variable: s.name for s in SETTINGS}
    found: dict[str, tuple[str, str]] = {}
    for variable, text in environ.items():
        if variable in by_variable:
            found[by_variable[variable]] = (text, f"environment {variable}")
        elif variable.startswith(PREFIX) and variable not in ENVIRONMENT_ONLY and not FOREIGN_ENVIRONMENT.fullmatch(variable):
            name = variable.removeprefix(PREFIX).lower()
            raise _unknown(name, f"environment {variable}", {s.name: s.variable for s in SETTINGS})
    return found


def _from_file(path: Path | None) -> dict[str, tuple[str, str]]:
    if path is None:
        return {}
    try:
        tree = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"config: {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"config: {path} is no TOML: {error}") from None
    found: dict[str, tuple[str, str]] = {}
    for name, value in tree.items():
        if name not in BY_NAME or name == "config":
            raise _unknown(name, f"file {path}", {s.name: s.name for s in SETTINGS})
        found[name] = (_toml_tables(name, value, path) if name == "tenants" else _toml_text(name, value, path), f"file {path}")
    return found


def _toml_tables(name: str, value: Any, path: Path) -> str:
    if not isinstance(value, dict) or not all(isinstance(table, dict) for table in value.values()):
        raise SettingsError(f"{name}: file {path}: write a table [{name}.NAME] for each institution")
    return json.dumps({each: {key: _toml_text(key, one, path) for key, one in table.items()} for each, table in value.items()})


def _toml_text(name: str, value: Any, path: Path) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ",".join(value)
    if isinstance(value, (str, bool, int, float)):
        return text_of(value) if isinstance(value, bool) else str(value)
    raise SettingsError(f"{name}: file {path} gives it a {type(value).__name__}; write a text, a number, true or false")
