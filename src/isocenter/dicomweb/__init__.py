"""DICOMweb (PS3.18)."""
