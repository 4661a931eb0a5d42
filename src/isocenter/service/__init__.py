"""Use cases, one file per verb family; every edge enters here."""
