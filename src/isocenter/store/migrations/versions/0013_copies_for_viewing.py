"""copies for viewing"""

import sqlalchemy as sa
from alembic import op

revision = '0013'
down_revision = '0012'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('series_copy_due',
    sa.Column('series_fk', IDENTIFIER, autoincrement=False, nullable=False),
    sa.Column('due_at', BYTEWISE, nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('lease_until', BYTEWISE, nullable=True),
    sa.ForeignKeyConstraint(['series_fk'], ['series.id'], name=op.f('fk_series_copy_due_series_fk'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('series_fk', name=op.f('pk_series_copy_due'))
    )
    with op.batch_alter_table('series_copy_due', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_series_copy_due_due_at'), ['due_at'], unique=False)

    op.create_table('viewing_copy',
    sa.Column('instance_id', IDENTIFIER, autoincrement=False, nullable=False),
    sa.Column('original', BYTEWISE, nullable=False),
    sa.Column('blob_key', BYTEWISE, nullable=False),
    sa.Column('sha256', BYTEWISE, nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('made_at', BYTEWISE, nullable=False),
    sa.Column('frames', sa.LargeBinary(), nullable=False),
    sa.Column('resolutions', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['instance_id'], ['instance.id'], name=op.f('fk_viewing_copy_instance_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('instance_id', name=op.f('pk_viewing_copy'))
    )
    with op.batch_alter_table('viewing_copy', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_viewing_copy_blob_key'), ['blob_key'], unique=False)
        batch_op.create_index('ix_viewing_copy_made', ['made_at', 'instance_id', 'size'], unique=False)
