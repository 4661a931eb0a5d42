"""Settings: one table, four origins, and errors that help."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.commands.configuration import reference
from isocenter.setting_values import text_of
from isocenter.settings import BY_NAME, REMOVED, SETTINGS, Address, BucketAddress, Settings, SettingsError, Size, load


def test_defaults_are_the_embedded_product() -> None:
    settings = load({}, {}).settings
    assert settings == Settings()
    assert str(settings.http) == "127.0.0.1:8080" and str(settings.dicom) == "127.0.0.1:11112" and settings.aet == "ISOCENTER"
    assert settings.embedded and settings.database_url.endswith("/isocenter-data/index.sqlite")
    assert settings.unknown_aets_accepted


def test_options_win_over_environment_over_file_over_default(tmp_path: Path) -> None:
    file = tmp_path / "isocenter.toml"
    lines = ('aet = "FILE"', 'http = "127.0.0.1:1"', "max_associations = 7", "accept_any_aet = false", 'proxies = ["10.0.0.0/8"]')
    file.write_text("\n".join(lines))
    environ = {"ISOCENTER_CONFIG": str(file), "ISOCENTER_AET": "ENVIRONMENT", "ISOCENTER_HTTP": "127.0.0.1:2"}
    loaded = load({"aet": "OPTION"}, environ)
    assert (loaded.settings.aet, loaded.settings.http.port, loaded.settings.max_associations) == ("OPTION", 2, 7)
    assert loaded.settings.accept_any_aet is False and loaded.settings.proxies == ("10.0.0.0/8",)
    assert loaded.origins["aet"] == "option --aet"
    assert loaded.origins["http"] == "environment ISOCENTER_HTTP"
    assert loaded.origins["max_associations"] == f"file {file}"
    assert loaded.origins["dicom"] == "default"


def test_an_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ISOCENTER_HTTP"):
        load({}, {"ISOCENTER_HTPP": "x"})
    file = tmp_path / "isocenter.toml"
    file.write_text("max_asociations = 3\n")
    with pytest.raises(SettingsError, match=r"did you mean max_associations\?"):
        load({"config": str(file)}, {})


@pytest.mark.parametrize("name", sorted(REMOVED))
def test_a_removed_name_is_answered_politely(name: str, tmp_path: Path) -> None:
    file = tmp_path / "isocenter.toml"
    file.write_text(f'{name} = "x"\n')
    with pytest.raises(SettingsError) as caught:
        load({"config": str(file)}, {})
    assert REMOVED[name] in str(caught.value)


def test_what_is_not_ours_in_the_environment_is_left_alone() -> None:
    environ = {"ISOCENTER_SERVICE_HOST": "10.1.2.3", "ISOCENTER_PORT": "tcp://10.1.2.3:80", "ISOCENTER_PORT_80_TCP_ADDR": "x",
               "ISOCENTER_ADMIN_PASSWORD": "secret", "PATH": "/bin"}
    assert load({}, environ).settings == Settings()


@pytest.mark.parametrize(("name", "text", "sentence"), [
    ("http", "8080", "HOST:PORT"), ("http", "127.0.0.1:99999", "HOST:PORT"), ("max_pdu", "12", "at least 4096"),
    ("max_associations", "many", "whole number"), ("log_level", "loud", "debug, info, warning, error"),
    ("accept_any_aet", "maybe", "true or false"), ("aet", "MUCH TOO LONG AE TITLE", "AE title"), ("aet", "A\\B", "AE title"),
    ("storage", "gs://bucket", "not supported"), ("storage", "s3://KEY:hunter2@bucket", "s3_secret_key"),
    ("storage", "s3://bucket?endpoint=ceph:7480", "https://"), ("storage", "s3://bucket?acl=public", "endpoint=URL"),
    ("storage", "s3://", "s3://BUCKET"), ("s3_access_key", "A", "s3_secret_key"), ("s3_kms_key", "1234", "s3_encryption"),
    ("s3_encryption", "customer", "s3_customer_key"), ("storage_safe_in", "3", "at most 2"),
    ("database", "mysql://u:p@h/d", "postgresql"),
    ("database", "postgresql+psycopg://u:p@h:port/d", "no port"),
    ("tls_cert", "/nowhere", "tls_key"), ("proxies", "somewhere", "somewhere"),
    ("min_free_space", "lots", "number of bytes"), ("public_url", "pacs.example.org", "https://"),
    ("cors_origins", "https://viewer.example.org/ohif", "without a path"), ("cors_origins", "viewer.example.org", "https://HOST"),
    ("grace_seconds", "-1", "at least 0"), ("dicom_tls", "127.0.0.1:2762", "dicom_tls_cert"), ("dicom_tls", "2762", "HOST:PORT"),
    ("dicom_tls_cert", "/nowhere", "dicom_tls_key"),
])
def test_a_value_that_cannot_be_used_says_what_to_write(name: str, text: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load({name: text}, {})
    assert name in str(caught.value) and sentence in str(caught.value)


def test_a_broken_or_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load({"config": str(tmp_path / "none.toml")}, {})
    (tmp_path / "bad.toml").write_text("aet = ")
    with pytest.raises(SettingsError, match="is no TOML"):
        load({"config": str(tmp_path / "bad.toml")}, {})


def test_passwords_are_masked_wherever_settings_are_shown() -> None:
    loaded = load({"database": "postgresql+psycopg://isocenter:hunter2@db/pacs"}, {})
    assert "hunter2" not in repr(loaded)
    shown = BY_NAME["database"].show(loaded.settings.database)
    assert "hunter2" not in shown and "isocenter" in shown
    assert BY_NAME["webhook_key"].show("hunter2") == "***"
    with pytest.raises(SettingsError) as caught:
        load({"database": "mysql://root:hunter2@db/pacs"}, {})
    assert "hunter2" not in str(caught.value)


def test_an_s3_bucket_and_its_secrets() -> None:
    """Keys are neither in the storage URL nor shown anywhere."""
    place = "s3://images/site/a?endpoint=https://ceph.example.org:8443/&region=eu-1&style=virtual"
    key = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    loaded = load({"storage": place, "s3_access_key": "AK", "s3_secret_key": "hunter2", "s3_encryption": "customer",
                   "s3_customer_key": key, "data": "/srv/node1"}, {})  # fmt: skip
    settings = loaded.settings
    assert settings.bucket == BucketAddress("images", "site/a", "https://ceph.example.org:8443", "eu-1", True)
    assert settings.blob_folder == Path("/srv/node1/ahead") and settings.storage_safe_in == 2
    for name, value in (("s3_secret_key", "hunter2"), ("s3_customer_key", key)):
        assert value not in repr(loaded) and BY_NAME[name].show(getattr(settings, name)) == "***"
    with pytest.raises(SettingsError) as caught:
        load({"storage": "s3://AK:hunter2@images"}, {})
    assert "hunter2" not in str(caught.value)
    assert load({"storage": "s3://images"}, {}).settings.bucket == BucketAddress("images", "", "", "us-east-1", False)


def test_beyond_loopback_unknown_peers_are_not_accepted() -> None:
    assert not load({"dicom": "0.0.0.0:104"}, {}).settings.unknown_aets_accepted
    assert load({"dicom": "[::1]:104"}, {}).settings.unknown_aets_accepted


@given(st.ip_addresses(), st.integers(0, 65535))
def test_property_an_address_survives_being_written(host: object, port: int) -> None:
    address = Address(str(host), port)
    assert Address.parse(str(address)) == address


@given(st.integers(0, 1 << 50))
def test_property_a_size_survives_being_written(number: int) -> None:
    assert Size.parse(str(Size(number))) == number


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_every_default_survives_being_written(row: object) -> None:
    assert row.parse(row.show(row.default)) == row.default if row.show(row.default) else True  # type: ignore[attr-defined]


def test_the_reference_is_current() -> None:
    written = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    assert written == reference(), "run: isocenter settings --markdown > docs/settings.md"


OIDC = {"oidc_issuer": "https://login.example.org", "oidc_client_id": "a", "oidc_roles": "CN=R,OU=X=radiologist; PACS = admin"}


def test_groups_of_the_provider_are_asked_in_their_order() -> None:
    settings = load(OIDC, {}).settings
    assert list(settings.oidc_roles.items()) == [("CN=R,OU=X", "radiologist"), ("PACS", "admin")]
    assert text_of(settings.oidc_roles) == "CN=R,OU=X=radiologist; PACS=admin"


@pytest.mark.parametrize(("change", "said"), [
    ({"oidc_issuer": "http://login.example.org"}, "https://"), ({"oidc_client_id": ""}, "oidc_client_id"),
    ({"oidc_roles": ""}, "oidc_roles"),
    ({"oidc_roles": "Radiology"}, "GROUP=ROLE"), ({"oidc_roles": "A=admin; A=referrer"}, "each group once"),
    ({"oidc_scopes": "profile"}, "openid"),
])
def test_a_provider_that_cannot_work_is_said_at_the_start(change: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load(OIDC | change, {})
