"""hanging protocol objects as they came in"""

import sqlalchemy as sa
from alembic import op

revision = '0026'
down_revision = '0024'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('hanging_object',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('uid', BYTEWISE, nullable=False),
    sa.Column('sha256', BYTEWISE, nullable=False),
    sa.Column('transfer_syntax_uid', BYTEWISE, nullable=False),
    sa.Column('dataset_offset', sa.Integer(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('source', BYTEWISE, nullable=False),
    sa.Column('source_aet', BYTEWISE, nullable=False),
    sa.Column('actor', BYTEWISE, nullable=False),
    sa.Column('received_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hanging_object')),
    sa.UniqueConstraint('uid', 'sha256', name=op.f('uq_hanging_object_uid_sha256')),
    sqlite_autoincrement=True
    )
