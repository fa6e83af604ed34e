"""Sign-in keys are good once and not for long; sessions hold no state and cannot be made up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from toque.api.access import KEY_S, SESSION_S, Access

NOW_US = 1_700_000_000_000_000


def test_a_key_is_good_once() -> None:
    access = Access("token")
    key = access.new_key(NOW_US)
    assert access.sign_in(key, NOW_US) is not None
    assert access.sign_in(key, NOW_US) is None


def test_a_key_is_good_for_ten_minutes() -> None:
    access = Access("token")
    key = access.new_key(NOW_US)
    assert access.sign_in(key, NOW_US + KEY_S * 1_000_000) is None


def test_old_keys_are_forgotten() -> None:
    access = Access("token")
    for minute in range(100):
        access.new_key(NOW_US + minute * 60_000_000)
    assert len(access._keys) <= 11


def test_the_token_signs_in_as_often_as_one_likes() -> None:
    access = Access("token")
    assert all(access.sign_in("token", NOW_US) for _ in range(3))
    assert access.sign_in("tokem", NOW_US) is None
    assert access.sign_in("", NOW_US) is None


def test_a_session_outlives_the_server_and_ends_with_the_token() -> None:
    cookie = Access("token").sign_in("token", NOW_US)
    assert cookie is not None
    assert Access("token").is_session(cookie, NOW_US)
    assert not Access("other").is_session(cookie, NOW_US)
    assert not Access("token").is_session(cookie, NOW_US + (SESSION_S + 1) * 1_000_000)


def test_a_session_cannot_be_made_longer() -> None:
    access = Access("token")
    cookie = access.sign_in("token", NOW_US)
    assert cookie is not None
    until, _, signature = cookie.partition(".")
    assert not access.is_session(f"{int(until) + 1}.{signature}", NOW_US)


@given(st.text(max_size=200))
def test_no_text_is_a_session_or_the_token(text: str) -> None:
    access = Access("a token that nobody types")
    assert not access.is_session(text, NOW_US)
    assert not access.is_token(text)
    assert access.sign_in(text, NOW_US) is None
