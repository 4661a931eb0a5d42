"""docs/dicomweb.md: what PS3.18 asks for, where it is answered and which test shows it; from `TRANSACTIONS` and this file.

`python tests/dicomweb/test_conformance_table.py` writes the page anew. The tests hold that every transaction has a row, that
every test that is named is one, and that the page is current.
"""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from isocenter.dicomweb.capabilities import TRANSACTIONS, Transaction

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "dicomweb.md"

# By the name of a transaction, the first that fits: the tests that show it, under tests/.
SHOWN: tuple[tuple[str, str], ...] = (
    ("RetrieveCapabilities", "dicomweb/test_capabilities.py::test_of_the_whole_service"),
    ("SearchForUPS", "dicomweb/test_ups.py::test_found_by_whatever_is_asked"),
    ("SearchFor.*", "dicomweb/test_qido.py::test_every_path_and_what_it_answers "
                    "end_to_end/test_dicomweb_clients.py::test_searches"),
    ("Store.*", "dicomweb/test_stow.py::test_all_stored dicomweb/test_stow_metadata.py::test_all_stored "
                "dicomweb/test_round_trip.py::test_every_file_out_and_in_again"),
    ("Retrieve(Study|Series|Instance)", "dicomweb/test_wado.py::test_a_study_is_all_its_files dicomweb/test_every_file.py::"
     "test_every_file_in_and_out end_to_end/test_dicomweb_clients.py::test_instances_in_the_forms_that_are_accepted"),
    ("Retrieve.*Metadata", "dicomweb/test_wado.py::test_metadata_of_a_series dicomweb/test_wado.py::test_metadata_as_xml"),
    ("Retrieve.*Bulkdata", "dicomweb/test_bulkdata.py::test_bulk_data_is_what_the_metadata_names "
                           "dicomweb/test_wado.py::test_every_bulk_data_uri_answers"),
    ("Retrieve.*PixelData", "dicomweb/test_bulkdata.py::test_pixel_data_at_every_level"),
    ("RetrieveFrames", "dicomweb/test_wado.py::test_a_frame_in_both_forms dicomweb/test_converted.py::"
                       "test_what_is_compressed_can_be_had_uncompressed end_to_end/test_dicomweb_clients.py::"
                       "test_frames_bulk_data_and_byte_ranges"),
    ("RetrieveRenderedSeries|RetrieveRenderedStudy", "dicomweb/test_rendered.py::test_a_series_is_all_its_pictures"),
    ("RetrieveRendered.*", "dicomweb/test_rendered.py::test_an_instance_is_a_picture dicomweb/test_rendered.py::test_frames "
                           "end_to_end/test_dicomweb_clients.py::test_rendered_and_thumbnail"),
    ("Retrieve.*Thumbnail", "dicomweb/test_rendered.py::test_thumbnails_at_every_level"),
    ("CreateUPS", "dicomweb/test_ups.py::test_the_ways_to_name_a_new_step"),
    ("RequestUPSCancellation", "dicomweb/test_ups.py::test_cancel_is_asked_of_the_archive"),
    (".*Subscription", "dicomweb/test_ups.py::test_subscriptions"),
    (".*UPS.*", "dicomweb/test_ups.py::test_a_step_from_its_order_to_its_end"),
)  # fmt: skip

# (section, what, where, tests)
FEATURES: tuple[tuple[str, str, str, str], ...] = (
    ("8.3.3", "Accept as a query parameter", "all that answer", "dicomweb/test_rendered.py::test_accept_as_parameter "
     "end_to_end/test_dicomweb_clients.py::test_frames_bulk_data_and_byte_ranges"),
    ("8.3.4.1", "Keys by keyword, tag and path through sequences", "searches", "dicomweb/test_qido.py::test_keys "
     "dicomweb/test_qido.py::test_a_key_in_a_sequence"),
    ("8.3.4.2", "fuzzymatching", "searches", "dicomweb/test_qido.py::test_fuzzy_matching"),
    ("8.3.4.3", "includefield, also `all`", "searches", "dicomweb/test_qido.py::test_include_fields "
     "dicomweb/test_qido.py::test_fields_that_only_the_objects_hold"),
    ("8.3.4.4", "limit and offset, in a stable order, with the total", "searches", "dicomweb/test_qido.py::test_pages "
     "dicomweb/test_qido.py::test_how_many_there_are"),
    ("8.3.5.1.1", "annotation", "rendered", "dicomweb/test_rendered.py::test_annotation"),
    ("8.3.5.1.2", "quality", "rendered", "dicomweb/test_rendered.py::test_quality"),
    ("8.3.5.1.3", "viewport", "rendered", "dicomweb/test_rendered.py::test_viewport"),
    ("8.3.5.1.4", "window", "rendered", "dicomweb/test_rendered.py::test_window_of_the_request"),
    ("8.3.5.1.5", "iccprofile", "rendered", "dicomweb/test_rendered.py::test_icc_profiles"),
    ("8.4.3", "Content codings gzip and zstd", "JSON, XML", "dicomweb/test_wado.py::test_content_codings"),
    ("8.7.3", "Media types of objects, frames and bulk data, with transfer-syntax, `*` and q-values", "retrieve",
     "dicomweb/test_accept.py::test_every_row_of_the_media_type_table dicomweb/test_accept.py::"
     "test_the_transfer_syntax_of_an_instance"),
    ("8.7.4", "Rendered media types: JPEG, PNG, GIF, MP4, PDF, HTML", "rendered", "dicomweb/test_rendered.py::test_accept "
     "dicomweb/test_rendered.py::test_many_frames_are_an_mp4 dicomweb/test_rendered.py::test_a_pdf_is_a_pdf"),
    ("8.10", "Notifications over a WebSocket", "`/dicom-web/ws/subscribers/{AETitle}`",
     "end_to_end/test_ups_channels.py::test_subscribers_are_told_over_a_websocket"),
    ("9", "WADO-URI", "`/wado`", "dicomweb/test_wado_uri.py::test_a_picture_by_default dicomweb/test_wado_uri.py::test_files "
     "end_to_end/test_dicomweb_clients.py::test_wado_uri"),
    ("10.5.2", "Metadata and bulk data, JSON and XML", "store", "dicomweb/test_stow_metadata.py::test_all_stored"),
    ("10.5.2", "Pictures, videos, documents and models", "store", "dicomweb/test_stow_media.py::test_a_jpeg_is_kept_as_it_is "
     "dicomweb/test_stow_media.py::test_a_pdf_is_a_document_of_its_study"),
    ("10.5.3", "Failures, told instance by instance", "store", "dicomweb/test_stow_metadata.py::"
     "test_each_instance_fails_for_its_own_reason dicomweb/test_stow.py::test_some_fail_each_for_its_own_reason"),
    ("F", "The DICOM JSON model", "metadata, searches, store", "dicomweb/test_round_trip.py::test_every_file_out_and_in_again"),
    ("RFC 9110 14", "Byte ranges, several at once, If-Range", "answers of one part",
     "dicomweb/test_ranges.py::test_single_and_several_ranges_of_every_single_part_answer"),
    ("RFC 9110 13", "ETag and 304", "retrieve", "dicomweb/test_wado.py::test_etags dicomweb/test_rendered.py::test_etags"),
    ("Fetch", "CORS, for the origins of `cors_origins`", "everything", "dicomweb/test_cors.py::"
     "test_those_who_are_named_may_ask_and_see"),
    ("PS3.10 8", "A study or series as a ZIP with a DICOMDIR", "retrieve, `application/zip`",
     "dicomweb/test_media.py::test_a_study_is_a_file_set"),
    ("PS3.5 10.18", "HTJ2K by resolution: byte ranges and `fsiz`", "frames", "dicomweb/test_progressive.py::"
     "test_a_smaller_picture_is_the_beginning_of_the_frame"),
)  # fmt: skip

HEAD = """# DICOMweb

<!-- made by tests/dicomweb/test_conformance_table.py; a test fails when this page is not current -->

What of PS3.18 is answered, where, and which test shows it. Everything lies below `/dicom-web`; `OPTIONS` of any resource, or
`GET` of the base, is the same as data for programs (Capabilities Description). How it behaves is told by [query](query.md),
[wado](wado.md), [rendered](rendered.md), [storing](storing.md) and [ups](ups.md). Foreign clients in `make test`:
dicomweb-client, curl and Orthanc (`tests/end_to_end/test_dicomweb_clients.py`), OHIF in Chromium (`web/e2e/ohif.spec.ts`).

"""


def shown_by(transaction: Transaction) -> list[str]:
    return next((tests.split() for pattern, tests in SHOWN if re.fullmatch(pattern, transaction.name)), [])


def page() -> str:
    def names(tests: list[str]) -> str:
        return "<br>".join(f"`{test}`" for test in tests)

    rows = "".join(
        f"| {each.section} | {re.sub('(?<=[a-z])(?=[A-Z])', ' ', each.name)} | {each.method} `/{each.template}` "
        f"| {names(shown_by(each))} |\n"
        for each in TRANSACTIONS
    )
    more = "".join(f"| {section} | {what} | {where} | {names(tests.split())} |\n" for section, what, where, tests in FEATURES)
    return (f"{HEAD}## Transactions\n\n| PS3.18 | transaction | route | tests, below `tests/` |\n|---|---|---|---|\n{rows}\n"
            f"## What holds for many\n\n| section | what | where | tests |\n|---|---|---|---|\n{more}")  # fmt: skip


@cache
def defined_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text())
    return frozenset(each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("transaction", TRANSACTIONS, ids=lambda each: each.name)
def test_every_transaction_is_shown(transaction: Transaction) -> None:
    assert shown_by(transaction)


@pytest.mark.parametrize("named", sorted({test for _, tests in SHOWN for test in tests.split()}
                                         | {test for row in FEATURES for test in row[3].split()}))  # fmt: skip
def test_every_test_that_is_named_is_one(named: str) -> None:
    path, _, name = named.partition("::")
    assert name in defined_in(path)


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page()


if __name__ == "__main__":
    PAGE.write_text(page())
