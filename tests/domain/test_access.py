"""Who may do and see what: the table is total, and a scope means the same as query keys and as predicate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.domain.access import (
    PERMISSIONS,
    SYSTEM,
    AllOf,
    AnyOf,
    Department,
    Discreet,
    Everything,
    Institution,
    Nothing,
    Only,
    Permission,
    Principal,
    ReferredBy,
    Role,
    Scope,
    all_of,
    allow,
    any_of,
    by_role,
    joined,
    limit,
    limited,
    narrowed,
    require,
    require_account,
    require_files,
    rights_of,
    scope,
    within,
)
from isocenter.domain.errors import Forbidden


def someone(role: Role, referrer_name: str = "") -> Principal:
    return by_role("someone", role, "user", "session", referrer_name=referrer_name)


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


LOOK = Permission.STUDY_QUERY


@given(role=st.sampled_from(Role), owner=st.sampled_from(Role))
def test_a_token_does_and_sees_no_more_than_its_account(role: Role, owner: Role) -> None:
    less, whole = rights_of(role, "A^B"), rights_of(owner, "A^B")
    both = narrowed(less, whole)
    assert set(both) == set(less) & set(whole)
    assert within(both, whole) and within(both, less)
    assert within(less, whole) is (both == less)
    if within(less, whole) and whole.get(LOOK) == ReferredBy("A^B"):
        assert less.get(LOOK) in (ReferredBy("A^B"), None)


def test_a_referrer_sees_what_was_ordered_under_the_name_and_nothing_without_one() -> None:
    mine = scope(someone(Role.REFERRER, "Müller^Jürgen"), LOOK)
    assert mine == AllOf((ReferredBy("Müller^Jürgen"), Discreet()))
    assert mine.permits({"ReferringPhysicianName": "MULLER^JURGEN^^^"})
    assert mine.permits({"ReferringPhysicianName": "müller^jürgen=ミュラー"})
    assert not mine.permits({"ReferringPhysicianName": "MULLER^JURGEN^DR"})
    assert not mine.permits({"ReferringPhysicianName": ""})
    assert not mine.permits({})
    assert scope(someone(Role.REFERRER), LOOK) == Nothing()
    assert scope(someone(Role.REFERRER, " ^ "), LOOK) == Nothing()
    assert scope(someone(Role.RADIOLOGIST, "Müller^Jürgen"), LOOK) == Everything()


def test_no_name_is_no_wildcard() -> None:
    assert not ReferredBy("*").permits({"ReferringPhysicianName": "House^Gregory"})
    assert not ReferredBy("H?use^Gregory").permits({"ReferringPhysicianName": "House^Gregory"})
    with pytest.raises(ValueError, match="Nothing"):
        ReferredBy("^^")


def by_link(*studies: str, permissions: tuple[Permission, ...] = (Permission.STUDY_QUERY, Permission.STUDY_READ)) -> Principal:
    return Principal("link:1", "link", "link", "link", rights=dict.fromkeys(permissions, Only(studies)), link=1)


def test_who_comes_by_a_link_may_and_sees_what_the_link_says() -> None:
    assert {each for each in Permission if allow(by_link("1.2"), each)} == {Permission.STUDY_QUERY, Permission.STUDY_READ}
    assert not any(allow(Principal("link:1", "admin", "link", "link"), each) for each in Permission)
    assert scope(Principal("link:1", "admin", "link", "link"), LOOK) == Nothing()
    assert scope(by_link("1.2", permissions=(Permission.STUDY_STORE,)), LOOK) == Nothing()
    for refused in (require_account, require_files):
        with pytest.raises(Forbidden):
            refused(by_link("1.2"))
        refused(someone(Role.REFERRER))
    require_files(by_link("1.2", permissions=(Permission.STUDY_EXPORT,)))


def test_an_institution_and_a_department_have_their_studies_and_no_others() -> None:
    north = Institution("North")
    assert north.permits({"InstitutionName": "North"})
    assert not any(north.permits({"InstitutionName": text}) for text in ("", "north", "North Wing", "South"))
    assert not north.permits({})
    heart = Department("Cardiology")
    assert heart.permits({"InstitutionalDepartmentName": "Radiology\\Cardiology"})
    assert not any(heart.permits(study) for study in ({}, {"InstitutionalDepartmentName": "Cardio"}))
    for kind in (Institution, Department):
        with pytest.raises(ValueError, match="name"):
            kind(" ")


SCOPES: tuple[Scope, ...] = (Everything(), Nothing(), Only(("1",)), ReferredBy("A^B"), Institution("N"), Department("D"))
STUDIES = st.fixed_dictionaries({
    "StudyInstanceUID": st.sampled_from(["1", "2"]), "ReferringPhysicianName": st.sampled_from(["", "a^b", "C"]),
    "InstitutionName": st.sampled_from(["", "N"]), "InstitutionalDepartmentName": st.sampled_from(["", "D", "E"]),
})  # fmt: skip
combined = st.recursive(
    st.sampled_from(SCOPES),
    lambda some: st.lists(some, max_size=3).flatmap(lambda each: st.sampled_from([any_of(each), all_of(each)])),
)


@given(st.lists(combined, max_size=4), STUDIES)
def test_a_union_is_any_and_an_intersection_all_of_them(scopes: list[Scope], study: dict[str, str]) -> None:
    assert any_of(scopes).permits(study) is any(each.permits(study) for each in scopes)
    assert all_of(scopes).permits(study) is all(each.permits(study) for each in scopes)
    for made in (any_of(scopes), all_of(scopes)):
        if isinstance(made, AnyOf | AllOf):
            assert len(set(made.ways if isinstance(made, AnyOf) else made.parts)) > 1  # else it would be one of them


def test_rights_of_several_roles_are_joined_permission_by_permission() -> None:
    reads, finds = {Permission.STUDY_READ: Institution("N")}, {Permission.STUDY_QUERY: Everything()}
    both = joined([reads, finds, {Permission.STUDY_READ: ReferredBy("A^B")}])
    assert both == {Permission.STUDY_READ: AnyOf((Institution("N"), ReferredBy("A^B"))), Permission.STUDY_QUERY: Everything()}
    assert joined([]) == {}


def test_a_limit_is_any_of_what_it_names() -> None:
    assert limit("") == limit("  ") == Everything()
    made = limit(" institution = North Clinic, Ward 3 ;department=a=b")
    assert made == AnyOf((Institution("North Clinic, Ward 3"), Department("a=b")))
    for wrong in ("North", "institution=", "ward=3", "institution=A;", ";"):
        with pytest.raises(ValueError, match="institution=NAME or department=NAME"):
            limit(wrong)


@given(st.text())
def test_whatever_is_written_as_a_limit_never_opens_everything(text: str) -> None:
    try:
        made = limit(text)
    except ValueError:
        return
    assert (made == Everything()) is (text.strip() == "")


@given(st.sampled_from(Role))
def test_who_is_limited_does_only_what_the_limit_rules(role: Role) -> None:
    whole = rights_of(role, "A^B")
    assert limited(whole, Everything()) == whole
    less = limited(whole, Institution("N"))
    assert within(less, whole) and set(less) <= {
        Permission.STUDY_EXPORT, Permission.STUDY_QUERY, Permission.STUDY_READ, Permission.STUDY_SENSITIVE, Permission.STUDY_SHARE
    }  # fmt: skip
    assert not any(studies.permits({"ReferringPhysicianName": "A^B", "InstitutionName": "S"}) for studies in less.values())
    assert all(studies.permits({"ReferringPhysicianName": "A^B", "InstitutionName": "N"}) for studies in less.values())
