"""scrub: rounds over all files, and what they found"""

import sqlalchemy as sa
from alembic import op

revision = '0031'
down_revision = '0030'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        'scrub',
        sa.Column('name', BYTEWISE, nullable=False),
        sa.Column('place', BYTEWISE, server_default='', nullable=False),
        sa.Column('area', BYTEWISE, server_default='archive', nullable=False),
        sa.Column('after_id', IDENTIFIER, server_default='0', nullable=False),
        sa.Column('began_at', BYTEWISE, nullable=False),
        sa.Column('files', IDENTIFIER, server_default='0', nullable=False),
        sa.Column('bytes', IDENTIFIER, server_default='0', nullable=False),
        sa.Column('last_began_at', BYTEWISE),
        sa.Column('last_ended_at', BYTEWISE),
        sa.Column('last_files', IDENTIFIER, server_default='0', nullable=False),
        sa.Column('last_bytes', IDENTIFIER, server_default='0', nullable=False),
        sa.Column('reason', sa.Text(), server_default='', nullable=False),
        sa.Column('due_at', BYTEWISE, nullable=False),
        sa.Column('lease_until', BYTEWISE),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_scrub')),
    )
    op.create_table(
        'damage',
        sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
        sa.Column('blob_key', BYTEWISE, nullable=False),
        sa.Column('sop_instance_uid', BYTEWISE, nullable=False),
        sa.Column('kind', BYTEWISE, nullable=False),
        sa.Column('detail', sa.Text(), nullable=False),
        sa.Column('found_at', BYTEWISE, nullable=False),
        sa.Column('mended_at', BYTEWISE),
        sa.Column('mended_by', BYTEWISE, server_default='', nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_damage')),
        sa.UniqueConstraint('blob_key', name=op.f('uq_damage_blob_key')),
    )
    op.create_index(op.f('ix_damage_mended_at'), 'damage', ['mended_at'], unique=False)
