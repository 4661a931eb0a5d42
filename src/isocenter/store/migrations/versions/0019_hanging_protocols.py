"""hanging protocols"""

import sqlalchemy as sa
from alembic import op

revision = '0019'
down_revision = '0018'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('hanging_protocol',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('uid', BYTEWISE, nullable=False),
    sa.Column('owner', BYTEWISE, nullable=False),
    sa.Column('shared', sa.Boolean(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('changed_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hanging_protocol')),
    sa.UniqueConstraint('uid', name=op.f('uq_hanging_protocol_uid')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_hanging_protocol_owner'), 'hanging_protocol', ['owner'], unique=False)
