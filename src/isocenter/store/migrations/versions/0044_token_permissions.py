"""Tokens of some permissions only"""

import sqlalchemy as sa
from alembic import op

revision = '0044'
down_revision = '0043'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column('token', sa.Column('permissions', BYTEWISE, server_default='', nullable=False))
