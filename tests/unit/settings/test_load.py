"""`toque.toml`, profiles and the environment become one tree, and every mistake has its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from toque.errors import UserError
from toque.settings import Secret, Settings, find_project, load


def settings(root: Path, text: str = "", profile: str | None = None, **environ: str) -> Settings:
    if text:
        (root / "toque.toml").write_text(text)
    return load(root, profile, environ=environ)


def failure(root: Path, text: str, profile: str | None = None, **environ: str) -> UserError:
    with pytest.raises(UserError) as caught:
        settings(root, text, profile, **environ)
    return caught.value


def test_a_project_without_a_file_has_the_defaults(tmp_path: Path) -> None:
    found = settings(tmp_path)
    assert not found.declared
    assert found.name == tmp_path.name
    assert found.store_url == f"sqlite:///{tmp_path}/.toque/toque.db"
    assert found.blobs_url == f"file://{tmp_path}/.toque/blobs"
    assert found.workers >= 1
    assert found.home == tmp_path / ".toque"


def test_an_empty_file_declares_a_project(tmp_path: Path) -> None:
    (tmp_path / "toque.toml").write_text("")
    assert load(tmp_path, environ={}).declared


def test_relative_places_are_relative_to_the_project(tmp_path: Path) -> None:
    found = settings(tmp_path, 'store = "sqlite:///state/t.db"\nblobs = "state/blobs"\n')
    assert found.store_url == f"sqlite:///{tmp_path}/state/t.db"
    assert found.blobs_url == f"file://{tmp_path}/state/blobs"


def test_urls_of_servers_are_kept(tmp_path: Path) -> None:
    found = settings(tmp_path, 'store = "postgresql://h/db"\nblobs = "s3://bucket/x"\n')
    assert (found.store_url, found.blobs_url) == ("postgresql://h/db", "s3://bucket/x")


def test_a_lease_is_a_duration_of_a_second_at_least(tmp_path: Path) -> None:
    assert settings(tmp_path).lease_s == 10
    assert settings(tmp_path, 'lease = "1m"').lease_s == 60
    error = failure(tmp_path, 'name = "shop"\nlease = "20ms"\n')
    assert error.line == 2
    assert failure(tmp_path, "lease = 'soon'").line == 1


def test_a_profile_lies_over_the_file(tmp_path: Path) -> None:
    text = """
    workers = 2
    [connections.shop]
    type = "http"
    url = "http://localhost"
    [profiles.prod]
    workers = 8
    triggers = "off"
    [profiles.prod.connections.shop]
    slots = 4
    """
    plain, prod = settings(tmp_path, text), settings(tmp_path, text, "prod")
    assert (plain.profile, plain.workers, plain.connection("shop").slots) == ("", 2, None)
    assert (prod.profile, prod.workers, prod.triggers) == ("prod", 8, "off")
    assert prod.connection("shop").slots == 4
    assert prod.connection("shop").options == {"url": "http://localhost"}
    assert prod.pools == {"connection:shop": 4}


def test_the_profile_is_taken_from_the_environment_and_dev_is_the_default(tmp_path: Path) -> None:
    text = "[profiles.dev]\nworkers = 1\n[profiles.prod]\nworkers = 9\n"
    assert settings(tmp_path, text).profile == "dev"
    assert settings(tmp_path, text, TOQUE_PROFILE="prod").workers == 9
    assert settings(tmp_path, text, "dev", TOQUE_PROFILE="prod").workers == 1


def test_the_environment_stands_over_the_file(tmp_path: Path) -> None:
    text = '[variables]\nregion = "eu"\n[connections.shop-api]\ntype = "http"\nurl = "a"\n'
    found = settings(
        tmp_path,
        text,
        TOQUE_WORKERS="3",
        TOQUE_STORE="postgresql://x/y",
        TOQUE_VARIABLE_REGION="us",
        TOQUE_SECRET_KEY="hush",
        TOQUE_CONNECTION_SHOP_API='{"url": "b"}',
        TOQUE_CONNECTION_LAKE='{"type": "s3"}',
    )
    assert (found.workers, found.store_url) == (3, "postgresql://x/y")
    assert found.variable("region") == "us"
    assert found.secret("key").reveal() == "hush"
    assert found.connection("shop-api").options == {"url": "b"}
    assert found.connection("lake").type == "s3"


def test_references_to_the_environment_are_replaced(tmp_path: Path) -> None:
    text = '[variables]\na = "${HOST}:${PORT:-80}"\nb = "costs 5$$"\nc = ["${HOST}"]\n'
    assert settings(tmp_path, text, HOST="h").variables == {"a": "h:80", "b": "costs 5$", "c": ["h"]}


def test_a_reference_to_nothing_names_its_line(tmp_path: Path) -> None:
    error = failure(tmp_path, '[variables]\n\nhost = "${NOWHERE}"\n')
    assert (error.line, error.source) == (3, 'host = "${NOWHERE}"')
    assert "NOWHERE" in error.message


def test_a_reference_in_a_profile_that_is_not_chosen_may_be_missing(tmp_path: Path) -> None:
    settings(tmp_path, '[profiles.prod.variables]\nhost = "${NOWHERE}"\n')


@pytest.mark.parametrize(
    ("text", "line", "fix"),
    [
        ("wokers = 3\n", 1, "did you mean 'workers'?"),
        ("\n[retention]\nkep_last = 3\n", 3, "did you mean 'keep_last'?"),
        ("[bundle]\nexlude = []\n", 2, "did you mean 'exclude'?"),
        ("[environments.ml]\nrequirement = []\n", 2, "did you mean 'requirements'?"),
        ("[conections.x]\ntype = 'http'\n", 1, "did you mean 'connections'?"),
        ("[profiles.p]\n[profiles.p.bundle]\n", 2, "known here: store"),
    ],
)
def test_an_unknown_key_is_an_error_with_the_nearest_name(tmp_path: Path, text: str, line: int, fix: str) -> None:
    error = failure(tmp_path, text, "p" if "profiles.p" in text else None)
    assert error.line == line
    assert error.file == str(tmp_path / "toque.toml")
    assert error.fix.startswith(fix)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("name = 'x'\nworkers = 'many'\n", 2, "workers"),
        ("[connections.shop]\nurl = 'x'\n", 1, "no type"),
        ("[connections.shop]\ntype = 'x'\nslots = 0\n", 3, "slots"),
        ("[connections]\nshop = 3\n", 1, "connections"),
        ("[retention]\nage = 'soon'\n", 2, "retention.age"),
        ("[secrets]\nkey = 'hunter2'\n", 2, "env:NAME"),
        ("[pools]\n\nwh = 'x'\n", 1, "pools"),
        ("a = \n", 1, "not valid TOML"),
    ],
)
def test_a_wrong_value_names_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    error = failure(tmp_path, text)
    assert error.line == line
    assert message in error.message


def test_a_mistake_in_a_profile_names_the_line_there(tmp_path: Path) -> None:
    text = "workers = 1\n[connections.a]\ntype='x'\n[profiles.p.connections.a]\nslots = -1\n"
    assert failure(tmp_path, text, "p").line == 5


def test_an_unknown_profile_names_the_nearest(tmp_path: Path) -> None:
    assert failure(tmp_path, "[profiles.prod]\n", "prd").fix == "did you mean 'prod'?"


def test_a_connection_in_the_environment_that_is_no_object_is_named(tmp_path: Path) -> None:
    assert "TOQUE_CONNECTION_X" in failure(tmp_path, "", TOQUE_CONNECTION_X="[]").message


def test_names_that_are_not_there_are_errors_with_a_fix(tmp_path: Path) -> None:
    found = settings(tmp_path, "[variables]\nregion = 'eu'\n")
    with pytest.raises(UserError, match="did you mean 'region'"):
        found.variable("regoin")
    with pytest.raises(UserError, match=r"\[connections.lake\]"):
        found.connection("lake")


def test_secrets_open_only_when_asked_and_never_in_a_repr(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("from-file\n")
    text = """
    [connections.db]
    type = "postgresql"
    user = "me"
    password = { secret = "env:DB_PASSWORD" }
    auth = { key = { secret = "file:key.txt" } }
    token = "written-plainly"
    [secrets]
    api = "env:API"
    """
    found = settings(tmp_path, text, DB_PASSWORD="pw-in-env", API="api-in-env")
    shown = repr(found) + str(found)
    for hidden in ("pw-in-env", "from-file", "written-plainly", "api-in-env"):
        assert hidden not in shown
    assert found.connection("db").revealed() == {
        "user": "me",
        "password": "pw-in-env",
        "auth": {"key": "from-file"},
        "token": "written-plainly",
    }
    revealed = {secret.reveal() for secret in found.all_secrets()}
    assert revealed == {"pw-in-env", "from-file", "written-plainly", "api-in-env"}


def test_a_secret_that_is_not_there_fails_when_it_is_opened(tmp_path: Path) -> None:
    found = settings(tmp_path, '[secrets]\na = "env:GONE"\nb = "file:gone.txt"\n')
    with pytest.raises(UserError, match="GONE"):
        found.secret("a").reveal()
    with pytest.raises(UserError, match=r"gone\.txt"):
        found.secret("b").reveal()


def test_a_plain_secret_is_not_quoted_by_an_error(tmp_path: Path) -> None:
    error = failure(tmp_path, "[secrets]\ntoken = 'hunter2'\n")
    assert "hunter2" not in str(error)


def test_an_inline_secret_of_a_profile_replaces_the_one_below(tmp_path: Path) -> None:
    text = """
    [connections.db]
    type = "x"
    password = { secret = "env:A" }
    [profiles.p.connections.db]
    password = { secret = "env:B" }
    """
    assert settings(tmp_path, text, "p", B="b").connection("db").options["password"] == Secret("env", "B")


def test_the_project_is_the_nearest_parent_with_a_file(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "flow.py").write_text("")
    assert find_project(deep / "flow.py") == deep
    (tmp_path / "toque.toml").write_text("")
    assert find_project(deep / "flow.py") == tmp_path
    assert find_project(deep) == tmp_path


def test_where_connections_keep_data_in_the_project_is_no_code(tmp_path: Path) -> None:
    text = f"""
    [bundle]
    exclude = ["notes/"]
    [connections]
    inbox = {{ type = "file", path = "./in/" }}
    partners = {{ type = "file", path = "file://{tmp_path}/out/partners" }}
    warehouse = {{ type = "duckdb", path = "${{LAKE:-lake.duckdb}}" }}
    here = {{ type = "file", path = "." }}
    beside = {{ type = "sqlite", path = "../old.db" }}
    lake = {{ type = "file", path = "s3://lake/in" }}
    nowhere = {{ type = "file" }}
    shop = {{ type = "http", path = "api" }}
    """
    found = settings(tmp_path, text).bundle
    assert (found.exclude, found.data) == (("notes/",), ("in", "lake.duckdb", "out/partners"))
    assert failure(tmp_path, "[bundle]\ndata = ['in']\n").fix == "known here: include, exclude"
