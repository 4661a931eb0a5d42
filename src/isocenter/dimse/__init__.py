"""The DICOM network: upper layer and service classes (PS3.7, PS3.8, PS3.4)."""
