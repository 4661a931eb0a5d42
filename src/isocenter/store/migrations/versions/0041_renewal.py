"""Files brought under another key"""

import sqlalchemy as sa
from alembic import op

revision = '0041'
down_revision = '0040'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('renewal',
    sa.Column('place', BYTEWISE, nullable=False),
    sa.Column('key', BYTEWISE, nullable=False),
    sa.Column('began_at', BYTEWISE, nullable=False),
    sa.Column('heard_at', BYTEWISE, nullable=False),
    sa.Column('ended_at', BYTEWISE, nullable=True),
    sa.Column('expected', IDENTIFIER, nullable=False),
    sa.Column('files', IDENTIFIER, nullable=False),
    sa.Column('changed', IDENTIFIER, nullable=False),
    sa.Column('faults', IDENTIFIER, nullable=False),
    sa.Column('reached', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('place', name=op.f('pk_renewal'))
    )
