"""Who may do and see what: the table is total, and a scope means the same as query keys and as predicate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.dicom.match import fold
from isocenter.domain.access import (
    PERMISSIONS,
    SYSTEM,
    Everything,
    Linked,
    Nothing,
    Only,
    Permission,
    Principal,
    ReferredBy,
    Role,
    allow,
    require,
    require_account,
    require_files,
    scope,
    within,
)
from isocenter.domain.errors import Forbidden


def someone(role: Role, referrer_name: str = "") -> Principal:
    return Principal("someone", role, "user", "session", referrer_name=referrer_name)


def test_every_role_has_a_row_and_every_permission_an_owner() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert PERMISSIONS[Role.ADMIN] == set(Permission)


def test_permissions_are_alphabetical_and_named_by_subject_and_verb() -> None:
    names = [permission.name for permission in Permission]
    assert names == sorted(names)
    assert all(permission.value == permission.name.lower().replace("_", ":") for permission in Permission)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_only_administrators_administer(role: Role) -> None:
    manages = {Permission.USER_MANAGE, Permission.TOKEN_MANAGE, Permission.PEER_MANAGE, Permission.CHANGE_READ}
    assert not manages & PERMISSIONS[role]


def test_who_stores_and_who_resolves() -> None:
    assert {role for role in Role if Permission.STUDY_STORE in PERMISSIONS[role]} == set(Role) - {Role.REFERRER}
    assert {role for role in Role if Permission.QUARANTINE_RESOLVE in PERMISSIONS[role]} == {Role.ADMIN, Role.TECHNOLOGIST}


def test_require_says_which_permission_is_missing() -> None:
    require(SYSTEM, Permission.USER_MANAGE)
    with pytest.raises(Forbidden) as error:
        require(someone(Role.RADIOLOGIST), Permission.USER_MANAGE)
    assert error.value.where == "user:manage"
    assert "radiologist" in error.value.message


@given(role=st.sampled_from(Role), permission=st.sampled_from(Permission))
def test_require_and_allow_agree(role: Role, permission: Permission) -> None:
    try:
        require(someone(role), permission)
        refused = False
    except Forbidden:
        refused = True
    assert refused is not allow(someone(role), permission)


@given(role=st.sampled_from(Role), owner=st.sampled_from(Role))
def test_a_narrower_role_never_does_or_sees_more(role: Role, owner: Role) -> None:
    if within(role, owner):
        assert PERMISSIONS[role] <= PERMISSIONS[owner]
        if isinstance(scope(someone(role, "A^B")), Everything):
            assert isinstance(scope(someone(owner, "A^B")), Everything)


def test_a_referrer_sees_what_was_ordered_under_the_name_and_nothing_without_one() -> None:
    mine = scope(someone(Role.REFERRER, "Müller^Jürgen"))
    assert isinstance(mine, ReferredBy)
    assert mine.permits({"ReferringPhysicianName": "MULLER^JURGEN^^^"})
    assert mine.permits({"ReferringPhysicianName": "müller^jürgen=ミュラー"})
    assert not mine.permits({"ReferringPhysicianName": "MULLER^JURGEN^DR"})
    assert not mine.permits({"ReferringPhysicianName": ""})
    assert not mine.permits({})
    assert scope(someone(Role.REFERRER)) == Nothing()
    assert scope(someone(Role.REFERRER, " ^ ")) == Nothing()
    assert scope(someone(Role.RADIOLOGIST, "Müller^Jürgen")) == Everything()


def test_no_name_is_no_wildcard() -> None:
    assert not ReferredBy("*").permits({"ReferringPhysicianName": "House^Gregory"})
    assert not ReferredBy("H?use^Gregory").permits({"ReferringPhysicianName": "House^Gregory"})
    with pytest.raises(ValueError, match="Nothing"):
        ReferredBy("^^")


names = st.text(alphabet="aBéßK^ =\\*?.", max_size=12)


@given(name=names, value=names)
def test_matches_and_predicate_are_one_rule(name: str, value: str) -> None:
    study = {"ReferringPhysicianName": value, "StudyInstanceUID": "1.2.3"}
    each = [Everything(), Nothing(), *([ReferredBy(name)] if fold(name) else [])]
    for limits in each:
        by_keys = all(match.matches(study[attribute.keyword], attribute.vr) for attribute, match in limits.as_matches())
        assert by_keys is limits.permits(study)


def by_link(*studies: str, permissions: tuple[Permission, ...] = (Permission.STUDY_QUERY, Permission.STUDY_READ)) -> Principal:
    return Principal("link:1", Role.ADMIN, "link", "link", linked=Linked(1, frozenset(permissions), studies))


def test_who_comes_by_a_link_may_and_sees_what_the_link_says_and_no_role_counts() -> None:
    assert {each for each in Permission if allow(by_link("1.2"), each)} == {Permission.STUDY_QUERY, Permission.STUDY_READ}
    assert not any(allow(Principal("link:1", Role.ADMIN, "link", "link"), each) for each in Permission)
    assert scope(Principal("link:1", Role.ADMIN, "link", "link")) == Nothing() == scope(by_link())
    assert scope(by_link("1.2", permissions=(Permission.STUDY_STORE,))) == Nothing()
    for refused in (require_account, require_files):
        with pytest.raises(Forbidden):
            refused(by_link("1.2"))
        refused(someone(Role.REFERRER))
    require_files(by_link("1.2", permissions=(Permission.STUDY_EXPORT,)))


@given(studies=st.lists(st.sampled_from(["1.2", "1.2.3", "1.2.4"]), unique=True), uid=st.sampled_from(["", "1.2", "1.2.3", "9"]))
def test_a_list_of_studies_means_the_same_as_key_and_as_predicate(studies: list[str], uid: str) -> None:
    limits = Only(tuple(studies))
    ((attribute, match),) = limits.as_matches()
    assert limits.permits({attribute.keyword: uid}) is match.matches(uid, attribute.vr) is (uid in studies)
