"""Issuer of the Patient IDs that a peer sends without one"""

import sqlalchemy as sa
from alembic import op

revision = '0035'
down_revision = '0034'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column('peer', sa.Column('issuer', BYTEWISE, server_default='', nullable=False))
