"""Measurements as a Comprehensive SR after PS3.16 TID 1500: each a group with its tracking UID, its numbers and its outline.

Outlines are SCOORDs in image coordinates, whose 0\\0 is the corner of the first pixel (PS3.3 C.18.6); ours count from its centre.
The tracking identifier names the tool, so that this viewer puts the very same shape back; others find graphics they know.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isocenter.dicom.uid import is_valid
from isocenter.domain.errors import Invalid
from isocenter.domain.exported import (
    Image,
    Json,
    Made,
    attributes,
    code,
    coded,
    container,
    content,
    document,
    evidence,
    header,
    observer,
    reference,
    said,
    short,
)

COMPREHENSIVE = "1.2.840.10008.5.1.4.1.1.88.33"
MAKER = "Isocenter"
MOST_POINTS = 10_000

Point = tuple[float, float]

_NOT_SEEN = code("not-seen", "99ISOCENTER", "Images not seen")
_LANGUAGE = code("121049", "DCM", "Language of Content Item and Descendants")
_ANGLE = code("1483009", "SCT", "Angle")
_AREA = code("42798000", "SCT", "Area")
_LENGTH = code("410668003", "SCT", "Length")
_VALUE = code("pixel-value", "99ISOCENTER", "Pixel value")
_HU = code("112031", "DCM", "Attenuation Coefficient")
_SUV = code("126401", "DCM", "SUVbw")
_MEAN = code("373098007", "SCT", "Mean")
_MAXIMUM = code("56851009", "SCT", "Maximum")
# Lean body mass as the viewer works it out: James with the factor 128.
_OTHER_SUV = {
    "SUVlbm": code("126406", "DCM", "SUVlbm(James128)"),
    "SUVbsa": code("126403", "DCM", "SUVbsa"),
    "SUVibw": code("126404", "DCM", "SUVibw"),
}
# Of each leg in the order that they were drawn in.
_ORTHOPAEDIC: Mapping[str, Json] = {
    f"{name} {number}": code(f"{short_name}-{number}", "99ISOCENTER", f"{meaning} {number}")
    for number in (1, 2)
    for name, short_name, meaning in (
        ("leg", "leg", "Length from hip to ankle of leg"),
        ("femur", "femur", "Length from hip to knee of leg"),
        ("tibia", "tibia", "Length from knee to ankle of leg"),
        ("knee", "knee", "Angle of the mechanical axes at the knee of leg"),
    )
} | {
    # CID 7550; one after the other, as they were drawn.
    **{f"acetabular index {number}": code("121224", "DCM", "Acetabular angle") for number in (1, 2)},
    "difference of legs": code("leg-difference", "99ISOCENTER", "Length of leg 1 less that of leg 2"),
    "centre-edge angle": code("centre-edge", "99ISOCENTER", "Centre-edge angle of Wiberg"),
    "alpha": code("graf-alpha", "99ISOCENTER", "Alpha angle of the hip after Graf"),
    "beta": code("graf-beta", "99ISOCENTER", "Beta angle of the hip after Graf"),
}
# Quantity of the viewer -> the concept; None: the concept is that of the values, with a derivation
_CONCEPTS: Mapping[str, Json] = {
    "length": _LENGTH,
    "long axis": code("103339001", "SCT", "Long Axis"),
    "short axis": code("103340004", "SCT", "Short Axis"),
    "distance": code("121206", "DCM", "Distance"),
    "height": code("121207", "DCM", "Height"),
    "ratio": code("ratio", "99ISOCENTER", "Ratio of two lengths"),
    "across": code("across", "99ISOCENTER", "Along the rows of the image"),
    "along": code("along", "99ISOCENTER", "Along the columns of the image"),
    "slope": code("slope", "99ISOCENTER", "Slope along the rows of the image"),
    "at across": code("at-across", "99ISOCENTER", "Value of the axis along the rows of the image"),
    "at along": code("at-along", "99ISOCENTER", "Value of the axis along the columns of the image"),
    "time velocity integral": code("20354-7", "LN", "Velocity Time Integral"),
    "angle": _ANGLE,
    **_ORTHOPAEDIC,
    "radius": code("131190003", "SCT", "Radius"),
    "area": _AREA,
    "perimeter": code("131191004", "SCT", "Perimeter"),
    "SUVbw": _SUV,
    "SUVbw mean": _SUV,
    "SUVbw max": _SUV,
    **{f"{name} {which}": concept for name, concept in _OTHER_SUV.items() for which in ("mean", "max")},
    **{name: code(f"{name}-sample", "99ISOCENTER", f"{name.capitalize()} sample") for name in ("red", "green", "blue")},
    **{name: code(name, "99ISOCENTER", f"{name.capitalize()} of pixel values") for name in ("skewness", "kurtosis", "entropy")},
    "pixels": code("pixels", "99ISOCENTER", "Number of pixels"),
    "padding": code("padding", "99ISOCENTER", "Number of padding pixels left out"),
}  # fmt: skip
_DERIVATIONS: Mapping[str, Json] = {
    "mean": _MEAN, "SUVbw mean": _MEAN, "max": _MAXIMUM, "SUVbw max": _MAXIMUM, "min": code("255605001", "SCT", "Minimum"),
    **{f"{name} {which}": how for name in _OTHER_SUV for which, how in (("mean", _MEAN), ("max", _MAXIMUM))},
    "SD": code("386136009", "SCT", "Standard Deviation"), "median": code("373099004", "SCT", "Median"),
}  # fmt: skip
_UNITS: Mapping[str, Json] = {
    "mm": code("mm", "UCUM", "mm"), "mm²": code("mm2", "UCUM", "mm2"), "°": code("deg", "UCUM", "deg"),
    "px": code("{pixels}", "UCUM", "pixels"), "px²": code("{pixels}2", "UCUM", "square pixels"),
    "": code("1", "UCUM", "no units"), "HU": code("[hnsf'U]", "UCUM", "Hounsfield unit"), "bit": code("bit", "UCUM", "bit"),
    "cm": code("cm", "UCUM", "cm"), "mm/s": code("mm/s", "UCUM", "mm/s"), "cm/s²": code("cm/s2", "UCUM", "cm/s2"),
    "s": code("s", "UCUM", "s"), "cm/s": code("cm/s", "UCUM", "cm/s"), "Hz": code("Hz", "UCUM", "Hz"),
    "%": code("%", "UCUM", "%"), "dB": code("dB", "UCUM", "dB"),
    "g/ml": code("g/ml{SUVbw}", "UCUM", "Standardized Uptake Value body weight"),
}  # fmt: skip
# CID 85: the unit of an uptake says which size of the body it is by.
_UPTAKE_UNITS: Mapping[str, Json] = {
    # Of more than 16 letters (PS3.3 8.1).
    "SUVlbm": attributes(
        LongCodeValue="g/ml{SUVlbm(James128)}", CodingSchemeDesignator="UCUM",
        CodeMeaning="Standardized Uptake Value lean body mass (James 128 multiplier)",
    ),
    "SUVbsa": code("cm2/ml{SUVbsa}", "UCUM", "Standardized Uptake Value body surface area"),
    "SUVibw": code("g/ml{SUVibw}", "UCUM", "Standardized Uptake Value ideal body weight"),
}  # fmt: skip
_REGIONS = frozenset({"ellipse", "rectangle", "oblique", "circle", "circle3", "freehand", "spline", "livewire", "probe"})


MOST_SAID = 20  # codes of one measurement


@dataclass(frozen=True, slots=True)
class Drawn:
    """A measurement on an image. results: (quantity, value, unit). outline: of a circle, as `_round` has it. words_at: where its
    words begin, from its first point, when a person has moved them.

    tracking: the Tracking Unique Identifier of the report that it came from, else "". said: content items that it had there in
    codes (finding, site, ...), to be written again.
    """

    id: str
    kind: str
    image: Image
    points: tuple[Point, ...]
    results: tuple[tuple[str, float, str], ...] = ()
    text: str = ""
    label: str = ""
    lines: tuple[str, ...] = ()
    outline: tuple[Point, ...] = ()
    words_at: Point | None = None
    tracking: str = ""
    said: tuple[Json, ...] = ()


def drawn(item: Mapping[str, Any], image: Image) -> Drawn:
    """A kept item of the web client. Raises Invalid."""
    try:
        points = _points(item["points"])
        results = tuple((str(each["quantity"]), float(each["value"]), str(each["unit"])) for each in item.get("results", ()))
        lines = tuple(str(line)[:200] for line in item.get("lines", ())[:40])
        written, label = (short(str(item.get(name) or ""), 1000) for name in ("text", "label"))
        outline = _points(item.get("outline", ()))
        words_at = next(iter(_points([item["wordsAt"]])), None) if item.get("wordsAt") else None
        origin = item.get("origin") or {}
        tracking = str(origin.get("tracking") or "")
        found = Drawn(
            str(item["id"]), str(item["kind"]), image, points, results, written, label, lines, outline, words_at,
            tracking if is_valid(tracking) else "", tuple(_said(each) for each in origin.get("said", ())[:MOST_SAID]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Invalid("an annotation is not what a viewer keeps", where="items") from None
    if not found.points or not all(math.isfinite(value) for _, value, _ in results):
        raise Invalid("an annotation is not what a viewer keeps", where="items")
    return found


def _said(given: Mapping[str, Any]) -> Json:
    """A CODE as the report it came from had it, with its modifiers."""
    modifiers = [coded("HAS CONCEPT MOD", _code(each["concept"]), _code(each["code"])) for each in given["modifiers"][:MOST_SAID]]
    if given["relation"] not in ("CONTAINS", "HAS CONCEPT MOD"):
        raise ValueError("relation")
    below = {"ContentSequence": modifiers} if modifiers else {}
    return {**coded(given["relation"], _code(given["concept"]), _code(given["code"])), **attributes(**below)}


def _code(given: Mapping[str, Any]) -> Json:
    value, scheme, meaning = (
        short(str(given[name]), longest) for name, longest in (("value", 64), ("scheme", 16), ("meaning", 64))
    )
    if not value or not scheme or not meaning:
        raise ValueError("code")
    if len(value) <= 16:
        return code(value, scheme, meaning)
    return attributes(LongCodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)  # PS3.3 8.1


def _points(given: Any) -> tuple[Point, ...]:
    points = tuple((float(x), float(y)) for x, y in given)
    if len(points) > MOST_POINTS or not all(math.isfinite(number) for point in points for number in point):
        raise ValueError("points")
    return points


Graphic = tuple[str, list[Point]]
# Lines, and how many points each has; the third point of a distance from a line stands alone.
_OWN_LINES: Mapping[str, int] = {
    **dict.fromkeys(("bidirectional", "openAngle", "cobb", "ratio", "midAngle", "parallel", "perpendicular"), 2),
    **dict.fromkeys(("centreEdge", "acetabular", "graf"), 2),
    "legLength": 3,
}
_CURVE_STEPS = 16  # of a curved region from one of its points to the next, as the viewer draws it


def graphics(found: Drawn) -> list[Graphic]:
    """(Graphic Type, points) of PS3.3 C.18.6.1.2, in image coordinates that count from the corner of the first pixel.

    Lines that do not touch are graphics of their own. A curved region is the closed chain of points along its curve.
    """
    points = _cornered(found.points)
    if len(points) == 1:
        return [("POINT", points)]
    if found.kind in _OWN_LINES:
        each = _OWN_LINES[found.kind]
        lines = [points[at : at + each] for at in range(0, len(points), each)]
        return [("POLYLINE" if len(line) > 1 else "POINT", line) for line in lines]
    if found.kind in ("ellipse", "rectangle") and len(points) == 2:
        return [_boxed(found.kind, *points)]
    if found.kind in ("circle", "circle3"):
        return [_round(points, _cornered(found.outline))]
    if found.kind == "spline":
        points = _curve(points)
    return [("POLYLINE", [*points, points[0]] if found.kind in _REGIONS else points)]


def annotated(found: Drawn) -> list[Graphic]:
    """The same as graphics of a presentation state, which knows curves through points (PS3.3 C.10.5.1.2)."""
    if found.kind != "spline" or len(found.points) < 3:
        return graphics(found)
    points = _cornered(found.points)
    return [("INTERPOLATED", [*points, points[0]])]


def _cornered(points: Sequence[Point]) -> list[Point]:
    return [(x + 0.5, y + 0.5) for x, y in points]


def _boxed(kind: str, one: Point, other: Point) -> Graphic:
    (x0, y0), (x1, y1) = one, other
    if kind == "rectangle":
        return "POLYLINE", [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    return _ellipse([(x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2), ((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1)])


def _ellipse(ends: list[Point]) -> Graphic:
    """The ends of its major axis come first."""
    (left, _), (right, _), (_, top), (_, bottom) = ends
    return "ELLIPSE", ends if abs(right - left) >= abs(bottom - top) else [*ends[2:], *ends[:2]]


def _round(points: list[Point], outline: list[Point]) -> Graphic:
    """outline: middle and edge, or where pixels are not square the four ends of its axes; without it pixels are square."""
    if len(outline) == 4:
        return _ellipse(outline)
    if len(outline) == 2 or len(points) == 2:
        return "CIRCLE", outline if len(outline) == 2 else points
    (ax, ay), (bx, by), (cx, cy) = points[:3]
    twice = 2 * (ax * (by - cy) + bx * (cy - ay) + cx * (ay - by))
    if abs(twice) < 1e-9:
        return "POLYLINE", points
    a, b, c = ax * ax + ay * ay, bx * bx + by * by, cx * cx + cy * cy
    middle = ((a * (by - cy) + b * (cy - ay) + c * (ay - by)) / twice, (a * (cx - bx) + b * (ax - cx) + c * (bx - ax)) / twice)
    return "CIRCLE", [middle, points[0]]


def _curve(points: list[Point]) -> list[Point]:
    """A closed Catmull-Rom curve; each of the points is one of its corners."""
    count = len(points)
    found: list[Point] = []
    for at in range(count if count > 2 else 0):
        p, q, r, s = points[at - 1], points[at], points[(at + 1) % count], points[(at + 2) % count]
        for t in (step / _CURVE_STEPS for step in range(_CURVE_STEPS)):
            x, y = (
                0.5 * (2 * q[i] + (r[i] - p[i]) * t + (2 * p[i] - 5 * q[i] + 4 * r[i] - s[i]) * t * t
                       + (3 * q[i] - p[i] - 3 * r[i] + s[i]) * t**3)
                for i in (0, 1)
            )  # fmt: skip
            found.append((x, y))
    return found or points


def measurement_report(made: Made, found: Sequence[Drawn], note: str, unseen: Sequence[str] | None = None) -> Json:
    """The document. note: a comment on the whole, or "". unseen: what the observer did not look at, series by series
    (an empty sequence: all was seen; None: the report does not say).
    """
    images = [each.image for each in found]
    comment = [said("CONTAINS", code("121106", "DCM", "Comment"), note)] if note else []
    coverage = [] if unseen is None else [said("CONTAINS", _NOT_SEEN, words) for words in unseen or ("none",)]
    groups = [container("CONTAINS", code("125007", "DCM", "Measurement Group"), _group(each), _template(each)) for each in found]
    children = [
        coded("HAS CONCEPT MOD", _LANGUAGE, code("en", "RFC5646", "English")),
        *observer(made),
        coded("HAS CONCEPT MOD", code("121058", "DCM", "Procedure reported"), code("363679005", "SCT", "Imaging procedure")),
        container("CONTAINS", code("126010", "DCM", "Imaging Measurements"), groups),
        *comment,
        *coverage,
    ]
    return {
        **header(made, COMPREHENSIVE, "SR", "Measurements", 9100),
        **attributes(
            CompletionFlag="PARTIAL", VerificationFlag="UNVERIFIED",
            ReferencedPerformedProcedureStepSequence=None, PerformedProcedureCodeSequence=None,
        ),
        **evidence(made, images),
        **document(made, code("126000", "DCM", "Imaging Measurement Report"), "1500", children),
    }  # fmt: skip


def _template(found: Drawn) -> str:
    return "1410" if found.kind in _REGIONS else "1501"


def tracking_uid(item: str) -> str:
    """The same for the same item in every report: a UID of PS3.5 B.2, of a hash."""
    return f"2.25.{int.from_bytes(hashlib.sha256(item.encode()).digest()[:16], 'big')}"


def _group(found: Drawn) -> list[Json]:
    words = [text for text in (found.label, found.text) if text]
    name = f"{MAKER}:{found.kind}" + (f":{words[0]}" if words else "")
    items = [
        said("HAS OBS CONTEXT", code("112039", "DCM", "Tracking Identifier"), name),
        content(
            "HAS OBS CONTEXT",
            "UIDREF",
            code("112040", "DCM", "Tracking Unique Identifier"),
            UID=found.tracking or tracking_uid(found.id),
        ),
        *found.said,
    ]
    region = found.kind in _REGIONS
    if region:
        items += _outlines("CONTAINS", code("111030", "DCM", "Image Region"), found)
    source = [] if region else _outlines("INFERRED FROM", None, found)
    items += [_number(*result, source) for result in found.results]
    if words or (not region and not found.results):
        text = "\n".join(words) or " ".join(found.lines) or found.kind
        items.append(said("CONTAINS", code("121106", "DCM", "Comment"), text, [] if region or found.results else source))
    return items


def _outlines(relationship: str, name: Json | None, found: Drawn) -> list[Json]:
    image = content("SELECTED FROM", "IMAGE", None, ReferencedSOPSequence=[reference(found.image)])
    return [
        content(
            relationship, "SCOORD", name, [image], GraphicType=kind, GraphicData=[number for point in points for number in point]
        )
        for kind, points in graphics(found)
    ]


def _number(quantity: str, value: float, unit: str, source: Sequence[Json]) -> Json:
    of_values = _HU if unit == "HU" else _VALUE
    known = _UPTAKE_UNITS.get(quantity.partition(" ")[0]) or _UNITS.get(unit)
    units = known or code(f"[{short(unit, 12)}]", "99ISOCENTER", short(unit) or "unknown")
    derived = _DERIVATIONS.get(quantity)
    how = [coded("HAS CONCEPT MOD", code("121401", "DCM", "Derivation"), derived)] if derived is not None else []
    measured = attributes(NumericValue=_decimal(value), FloatingPointValue=value, MeasurementUnitsCodeSequence=[units])
    return content("CONTAINS", "NUM", _CONCEPTS.get(quantity, of_values), [*how, *source], MeasuredValueSequence=[measured])


def _decimal(value: float) -> str:
    """Of at most 16 letters (PS3.5 6.2, DS)."""
    digits = 16
    while len(text := f"{value:.{digits}g}") > 16:
        digits -= 1
    return text
