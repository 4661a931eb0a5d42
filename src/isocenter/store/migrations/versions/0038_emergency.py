"""Emergency access"""

import sqlalchemy as sa
from alembic import op

revision = '0038'
down_revision = '0037'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        'emergency',
        sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
        sa.Column('at', BYTEWISE, nullable=False),
        sa.Column('until', BYTEWISE, nullable=False),
        sa.Column('account', BYTEWISE, nullable=False),
        sa.Column('address', BYTEWISE, nullable=False),
        sa.Column('session_hash', BYTEWISE, nullable=False),
        sa.Column('patient_id', BYTEWISE, nullable=False),
        sa.Column('issuer_of_patient_id', BYTEWISE, nullable=False),
        sa.Column('purpose', BYTEWISE, nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('ended_at', BYTEWISE),
        sa.Column('ended_by', BYTEWISE, server_default='', nullable=False),
        sa.Column('reviewed_at', BYTEWISE),
        sa.Column('reviewed_by', BYTEWISE, server_default='', nullable=False),
        sa.Column('note', sa.Text(), server_default='', nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_emergency')),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f('ix_emergency_ended_at'), 'emergency', ['ended_at'], unique=False)
    op.create_index(op.f('ix_emergency_session_hash'), 'emergency', ['session_hash'], unique=False)
