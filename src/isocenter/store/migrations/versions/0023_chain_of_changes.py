"""the change log is a chain: each row's hash covers its content and the hash of the row before"""

import sqlalchemy as sa
from alembic import op

revision = '0023'
down_revision = '0022'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column('change', sa.Column('hash', BYTEWISE, server_default='', nullable=False))
