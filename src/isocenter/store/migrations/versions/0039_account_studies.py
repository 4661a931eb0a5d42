"""Accounts that see only the studies of institutions or departments"""

import sqlalchemy as sa
from alembic import op

revision = '0039'
down_revision = '0038'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column('account', sa.Column('studies', BYTEWISE, server_default='', nullable=False))
