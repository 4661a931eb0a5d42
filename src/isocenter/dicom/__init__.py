"""The language of DICOM: pure, tested by thousands of examples a second."""
