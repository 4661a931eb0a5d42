"""uploads: what is on one node's disk only and must be copied into the object store"""

import sqlalchemy as sa
from alembic import op

revision = '0016'
down_revision = '0015'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table('upload',
    sa.Column('key', BYTEWISE, nullable=False),
    sa.Column('node', BYTEWISE, nullable=False),
    sa.Column('sha256', BYTEWISE, nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('added_at', BYTEWISE, nullable=False),
    sa.Column('due_at', BYTEWISE, nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_upload'))
    )
    with op.batch_alter_table('upload', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_upload_added_at'), ['added_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_upload_node_due_at'), ['node', 'due_at'], unique=False)
