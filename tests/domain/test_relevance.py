"""What a reader would choose for comparison comes first, and the reason says why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isocenter.domain.relevance import StudyFacts, age_words, relevance


def facts(
    description: str, modality: str = "CT", part: str = "", date: str = "20260101", code: str = "", side: str = ""
) -> StudyFacts:
    return StudyFacts.of(date, modality.split("/"), [part], [description], [code], [side])


def test_the_best_prior_of_a_chest_ct() -> None:
    this = facts("CT Chest with contrast", part="CHEST", code="CTCH|99")
    others = {
        "chest ct, a year ago": facts("CT Thorax nativ", part="THORAX", date="20250101"),
        "same procedure, two years ago": facts("CT chest w contrast", part="CHEST", date="20240101", code="CTCH|99"),
        "knee of last week": facts("MR Knie rechts", "MR", "KNEE", "20251225"),
        "chest film of last month": facts("Thorax pa", "DX", "CHEST", "20251201"),
        "abdomen ct": facts("CT abdomen", part="ABDOMEN", date="20250601"),
        "head ct of yesterday": facts("CT Head", part="HEAD", date="20251231"),
        "whole body": facts("PET-CT", "PT/CT", "WHOLEBODY", "20250301"),
    }
    ranked = sorted(others, key=lambda name: -relevance(this, others[name]).score)
    assert ranked[:2] == ["same procedure, two years ago", "chest ct, a year ago"]
    assert set(ranked[-2:]) == {"knee of last week", "head ct of yesterday"}
    assert relevance(this, others["chest ct, a year ago"]).reason == "same region (chest), also CT, 12 months earlier"
    same = relevance(this, others["same procedure, two years ago"])
    assert same.reason.startswith("same region (chest), also CT, same procedure")
    assert "DX" not in relevance(this, others["chest film of last month"]).reason


def test_the_other_side_helps_less_and_says_so() -> None:
    this = facts("Knee", "DX", "KNEE", side="R")
    same, other = facts("Knie", "CR", "KNEE", "20240101", side="R"), facts("Knie", "CR", "KNEE", "20251201", side="L")
    assert relevance(this, same).score > relevance(this, other).score
    assert "same side (right)" in relevance(this, same).reason
    assert "other side (left)" in relevance(this, other).reason


@pytest.mark.parametrize(
    ("one", "two", "region"),
    [
        ("MR Hirnschädel", "MRI BRAIN W/O", "head"), ("LWS 2 Ebenen", "L-Spine", "lumbar spine"),
        ("CT C/A/P", "CT Chest", "chest"),
        ("Mammographie", "MG bilateral", "breast"), ("CT CAP", "CT TAP", "chest"), ("Radiographie du genou", "Knee AP", "knee"),
    ],
)  # fmt: skip
def test_words_of_many_sites_name_one_region(one: str, two: str, region: str) -> None:
    found = relevance(facts(one), facts(two)).reason
    assert "same region" in found
    assert region in found


def test_what_is_not_pictures_makes_no_likeness() -> None:
    assert "also" not in relevance(facts("a", "CT/SR"), facts("b", "MR/SR")).reason


@pytest.mark.parametrize(
    ("days", "words"),
    [(0, "the same day"), (1, "1 day earlier"), (-13, "13 days later"), (20, "2 weeks earlier"), (300, "10 months earlier"),
     (800, "2 years earlier")],
)  # fmt: skip
def test_ages_in_words(days: int, words: str) -> None:
    assert age_words(days) == words


TEXT = st.text(max_size=30)
FACTS = st.builds(
    StudyFacts.of, TEXT, *(st.lists(TEXT, max_size=count) for count in (3, 3, 4, 2, 2))
)  # fmt: skip


@given(FACTS, FACTS)
def test_whatever_objects_say_there_is_an_answer(one: StudyFacts, two: StudyFacts) -> None:
    found = relevance(one, two)
    assert 0 <= found.score <= 100
    assert relevance(one, one).score >= 0
