"""the change log is found by study and by who did it, and told to a collector elsewhere"""

import sqlalchemy as sa
from alembic import op

revision = '0028'
down_revision = '0027'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column('change', sa.Column('study', BYTEWISE))
    op.create_index('ix_change_study_seq', 'change', ['study', 'seq'], unique=False)
    op.create_index('ix_change_actor_seq', 'change', ['actor', 'seq'], unique=False)
    op.create_table(
        'audit_relay',
        sa.Column('collector', BYTEWISE, nullable=False),
        sa.Column('cursor', sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column('lease_until', BYTEWISE),
        sa.Column('told_at', BYTEWISE),
        sa.Column('failing_since', BYTEWISE),
        sa.Column('last_reason', sa.Text(), server_default='', nullable=False),
        sa.PrimaryKeyConstraint('collector', name='pk_audit_relay'),
    )
