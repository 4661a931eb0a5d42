"""The DICOM upper layer (PS3.8): PDUs, the state machine of Table 9-10, and the association on a blocking socket."""
