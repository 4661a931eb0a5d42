"""The demonstration: phantoms that look like anatomy, valid objects, and the way through the real door."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from isocenter.demo import studies
from isocenter.demo.head import Head
from isocenter.demo.shapes import Grid
from isocenter.demo.torso import Nodule, Torso
from servers import Server, run, running


def axial(z: float, noise: float = 0.0, nodule: Nodule | None = None) -> np.ndarray:
    """512 x 512 pixels of 0.75 mm; column 256, row 245 is the origin."""
    return Torso(7, nodule).slice_at(Grid.plane((-192, -184, z), (1, 0, 0), (0, 1, 0), 512, 512, 0.75), noise)


def at(image: np.ndarray, x: float, y: float) -> float:
    """The median around a place in mm."""
    column, row = round((x + 192) / 0.75), round((y + 184) / 0.75)
    return float(np.median(image[row - 2 : row + 3, column - 2 : column + 3]))


def test_a_slice_of_the_chest_has_the_density_of_each_organ() -> None:
    image = axial(100.0)
    assert at(image, -180, -150) == pytest.approx(-1000, abs=5)  # air
    assert -920 < at(image, -90, 10) < -760 and -920 < at(image, 90, 20) < -760  # lungs
    assert 140 < at(image, 25, 40) < 200  # descending aorta
    assert 100 < at(axial(60.0), 0, 62) < 400  # cancellous bone
    assert image.max() > 600  # cortical bone


def test_a_slice_of_the_belly_has_liver_spleen_and_kidneys() -> None:
    image = axial(-35.0)
    assert at(image, -80, -20) == pytest.approx(112, abs=15)
    assert at(image, 100, 40) == pytest.approx(122, abs=15)
    assert at(axial(-75.0), 76, 62) > 100


def test_noise_is_noise_and_the_same_again() -> None:
    one, again, quiet = axial(-35.0, 14.0), axial(-35.0, 14.0), axial(-35.0)
    assert np.array_equal(one, again)
    assert 6 < float((one - quiet)[200:280, 130:170].std()) < 25


def test_the_nodule_has_grown() -> None:
    place = (slice(270, 316), slice(136, 184))

    def dense(radius: float) -> int:
        return int((axial(100, nodule=Nodule((-72, 36, 100), radius))[place] > -300).sum())

    vessels = dense(0.1)
    assert dense(8.0) - vessels > 2.5 * (dense(4.0) - vessels) > 50


def test_brain_fluid_is_bright_on_t2_and_dark_on_t1() -> None:
    grid = Grid.plane((-115, -118, 15.0), (1, 0, 0), (0, 1, 0), 256, 256, 0.9)
    t1, t2 = (Head(5).slice_at(grid, weighting, 1) for weighting in ("T1", "T2"))

    def signal(image: np.ndarray, x: float, y: float) -> float:
        return float(np.median(image[round((y + 118) / 0.9) - 1 :][:3, round((x + 115) / 0.9) - 1 :][:, :3]))

    ventricle, white = (11, -5), (-27, -42)
    assert signal(t2, *ventricle) > 1.8 * signal(t2, *white)
    assert signal(t1, *ventricle) < 0.5 * signal(t1, *white)


def test_uids_are_fixed_valid_and_of_each_object_its_own(tmp_path: Path) -> None:
    made = [next(iter(series.objects)) for series in studies.series() if "CR" not in series.title]
    again = [next(iter(series.objects)) for series in studies.series() if "CR" not in series.title]
    assert [ds.SOPInstanceUID for ds in made] == [ds.SOPInstanceUID for ds in again]
    assert len({ds.SOPInstanceUID for ds in made}) == len(made)
    assert all(len(ds.SOPInstanceUID) <= 64 for ds in made)
    for number, (ds, same) in enumerate(zip(made, again, strict=True)):
        one, two = tmp_path / f"{number}.dcm", tmp_path / f"{number}-again.dcm"
        studies.save(ds, one)
        studies.save(same, two)
        assert one.read_bytes() == two.read_bytes()
        assert dcmread(one).pixel_array.shape == (ds.Rows, ds.Columns)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dicom3tools is not installed")
def test_the_objects_are_valid(tmp_path: Path) -> None:
    for number, series in enumerate(studies.series()):
        path = tmp_path / f"{number}.dcm"
        studies.save(next(iter(series.objects)), path)
        said = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True)
        assert "Error" not in said.stdout + said.stderr, f"{series.title}: {said.stdout}{said.stderr}"


def everything(server: Server) -> dict[str, int]:
    found = server.client().get("/api/v1/studies?limit=100").json()["studies"]
    return {study["StudyInstanceUID"]: study["NumberOfStudyRelatedInstances"] for study in found}


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_newcomer_sees_it_and_twice_is_once(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        address = f"127.0.0.1:{server.dicom_port}"
        first = run("demo", "--dicom", address, "--http", f"127.0.0.1:{server.http_port}", seconds=300)
        assert first.returncode == 0, first.stderr
        assert "64 CT chest and abdomen" in first.stdout and "Have a look at its study list." in first.stdout
        held = everything(server)
        assert held[studies.uid("ct-current")] == 64 and held[studies.uid("ct-prior")] == 40
        assert held[studies.uid("mr-brain")] == 68 and len(held) >= 14
        assert run("demo", "--dicom", address, seconds=300).returncode == 0
        assert everything(server) == held
        verified = run("verify", "--data", str(server.data), "--json")
        assert verified.returncode == 0 and json.loads(verified.stdout)["checked"] == sum(held.values())
        priors = server.client().get(f"/api/v1/studies/{studies.uid('ct-current')}").json()
        assert studies.uid("ct-prior") in json.dumps(priors)


def test_without_a_server_it_says_what_to_do() -> None:
    done = run("demo", "--dicom", "127.0.0.1:9")
    assert done.returncode == 1 and "isocenter serve" in done.stderr and "Traceback" not in done.stderr
