"""HL7 version 2 over MLLP: what comes in from RIS and HIS."""
