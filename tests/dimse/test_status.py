"""The status tables are total and say what the standard says."""

import pytest

from isocenter.dimse import status
from isocenter.dimse.status import Category
from isocenter.domain.errors import Conflict, Kind


def test_every_kind_of_error_has_a_c_store_status_that_is_a_failure() -> None:
    assert set(status.STORE_STATUS) == set(Kind)
    for code in status.STORE_STATUS.values():
        assert status.STATUSES[code].category is Category.FAILURE


@pytest.mark.parametrize(
    ("code", "category", "text"),
    [
        (0x0000, Category.SUCCESS, "Success"),
        (0x0122, Category.FAILURE, "Refused: SOP class not supported"),
        (0x0124, Category.FAILURE, "Refused: not authorized"),
        (0x0211, Category.FAILURE, "Unrecognized operation"),
        (0xA700, Category.FAILURE, "Refused: out of resources"),
        (0xA7FF, Category.FAILURE, "Refused: out of resources"),
        (0xA912, Category.FAILURE, "Error: data set does not match SOP class"),
        (0xB000, Category.WARNING, "Coercion of data elements"),
        (0xB007, Category.WARNING, "Data set does not match SOP class"),
        (0xBEEF, Category.WARNING, "Warning"),
        (0xC123, Category.FAILURE, "Error: cannot understand"),
        (0xFE00, Category.CANCEL, "Cancel"),
        (0xFF00, Category.PENDING, "Pending"),
        (0x7777, Category.FAILURE, "Unknown status"),
    ],
)
def test_describe(code: int, category: Category, text: str) -> None:
    described = status.describe(code)
    assert (described.code, described.category, described.text) == (code, category, text)


def test_every_code_has_a_meaning() -> None:
    assert all(status.describe(code).code == code for code in range(0x10000))


def test_offending_element_is_where_the_error_was() -> None:
    assert status.offending_element(Conflict("", where="SOPInstanceUID")) == (0x00080018,)
    assert status.offending_element(Conflict("", where="")) == ()
    assert status.offending_element(Conflict("", where="(0008,0018)")) == ()
