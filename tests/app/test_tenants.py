"""The settings of several institutions on one server (docs/tenants.md): what each has of its own, and what cannot be."""

from dataclasses import replace
from pathlib import Path

import pytest

from isocenter import tenants
from isocenter.settings import Loaded, Settings, SettingsError, load

NORTH = '[tenants.north]\naet = "NORTH"\npublic_url = "https://north.example.org"\n'
SOUTH = '[tenants.south]\naet = "SOUTH"\npublic_url = "https://south.example.org"\n'


def loaded(folder: Path, text: str, **argv: str) -> Loaded:
    config = folder / "site.toml"
    config.write_text(text)
    return load({"config": str(config), "data": str(folder / "data"), **argv}, {})


def test_without_institutions_there_is_one_archive(tmp_path: Path) -> None:
    settings = loaded(tmp_path, "").settings
    assert tenants.archives(settings) == {"": settings}


def test_each_has_its_own_folder_index_and_name_and_shares_the_rest(tmp_path: Path) -> None:
    own = 'database = "postgresql+psycopg://pacs:secret@db/south"\nshare_max_days = 7\n'
    parts = tenants.archives(loaded(tmp_path, f'http = "127.0.0.1:9090"\nshare_max_days = 30\n{NORTH}{SOUTH}{own}').settings)
    assert list(parts) == ["north", "south"]
    assert [part.aet for part in parts.values()] == ["NORTH", "SOUTH"]
    assert [part.data for part in parts.values()] == [tmp_path / "data" / "north", tmp_path / "data" / "south"]
    assert [part.share_max_days for part in parts.values()] == [30, 7]
    assert {part.http.port for part in parts.values()} == {9090}
    assert parts["north"].database_url == f"sqlite:///{tmp_path}/data/north/index.sqlite"
    assert parts["south"].database_url == "postgresql+psycopg://pacs:secret@db/south"
    assert not any(part.tenants for part in parts.values())


def test_the_settings_travel_to_the_processes_as_one_text(tmp_path: Path) -> None:
    settings = loaded(tmp_path, NORTH + SOUTH).settings
    again = load({}, {"ISOCENTER_TENANTS": str(settings.tenants), "ISOCENTER_DATA": str(tmp_path / "data")}).settings
    assert tenants.archives(again) == tenants.archives(replace(settings, config=None))


def test_a_command_is_of_one_of_them(tmp_path: Path) -> None:
    chosen = tenants.select(loaded(tmp_path, NORTH + SOUTH, tenant="south"))
    assert (chosen.settings.aet, chosen.settings.tenant) == ("SOUTH", "south")
    assert (chosen.origins["aet"], chosen.origins["data"]) == ("tenants.south", "option --data")
    with pytest.raises(SettingsError, match="there are north, south"):
        tenants.select(loaded(tmp_path, NORTH + SOUTH, tenant="west"))
    with pytest.raises(SettingsError, match=r"no \[tenants.NAME\]"):
        tenants.select(loaded(tmp_path, "", tenant="west"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NORTH + SOUTH.replace("SOUTH", "NORTH"), "aet must differ"),
        (NORTH + SOUTH.replace("south.example", "north.example"), "public_url must differ"),
        (NORTH + SOUTH + 'data = "data/north/within"\n', "data must differ"),
        (NORTH + 'storage = "s3://images"\n' + SOUTH + 'storage = "s3://images/south?region=x"\n', "storage must differ"),
        (NORTH + 'database = "sqlite:////one"\n' + SOUTH + 'database = "sqlite:////one"\n', "database must differ"),
        (NORTH + 'hl7 = "127.0.0.1:2575"\n' + SOUTH + 'hl7 = "127.0.0.1:2575"\n', "hl7 must differ"),
        (NORTH + 'http = "127.0.0.1:1"\n', "http is the same for all"),
        (NORTH + 'adt = "X"\n', "there is no setting adt"),
        ('[tenants.north]\naet = "NORTH"\n', "needs public_url of its own"),
        ('[tenants.north]\npublic_url = "https://north"\n', "needs aet of its own"),
        ('database = "sqlite:////one"\n' + NORTH, r"belongs into each \[tenants.NAME\]"),
        (NORTH + 'aet2 = 1\n', "there is no setting aet2"),
        (NORTH.replace('"NORTH"', '"A TITLE THAT IS TOO LONG"'), "is no AE title"),
    ],
)  # fmt: skip
def test_what_would_let_two_meet_is_refused(text: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match=said):
        tenants.archives(load({"config": str(written(tmp_path, text))}, {}).settings if "data =" in text else
                         loaded(tmp_path, text).settings)


def written(folder: Path, text: str) -> Path:
    config = folder / "site.toml"
    config.write_text(text.replace('"data/north/within"', f'"{folder}/isocenter-data/north/within"'))
    return config


NO_TABLES = ('tenants = "north"\n', '[tenants]\nnorth = "NORTH"\n', "[tenants.North]\n", '[tenants."a/b"]\n')


@pytest.mark.parametrize("text", NO_TABLES)
def test_what_is_no_table_of_an_institution_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"tenants"):
        loaded(tmp_path, text)


def test_passwords_of_institutions_are_not_shown(tmp_path: Path) -> None:
    from isocenter.settings import BY_NAME

    settings = loaded(tmp_path, NORTH + 's3_secret_key = "hush"\ns3_access_key = "id"\n').settings
    assert BY_NAME["tenants"].show(settings.tenants) == "north"
    assert "hush" not in repr(settings)
    assert tenants.archives(settings)["north"].s3_secret_key == "hush"


def test_addresses_that_were_found_free_are_an_institutions_own(tmp_path: Path) -> None:
    from isocenter.settings import Address

    settings: Settings = loaded(tmp_path, NORTH + 'hl7 = "127.0.0.1:0"\n' + SOUTH).settings
    given = tenants.with_ports(settings, "north", {"hl7": Address("127.0.0.1", 4711), "hl7_tls": None})
    parts = tenants.archives(given)
    assert parts["north"].hl7 == Address("127.0.0.1", 4711) and parts["south"].hl7 is None
