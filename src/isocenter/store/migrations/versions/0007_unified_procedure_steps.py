"""unified procedure steps"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('ups',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('sop_instance_uid', BYTEWISE, nullable=False),
    sa.Column('state', BYTEWISE, nullable=False),
    sa.Column('transaction_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('priority', BYTEWISE, server_default='', nullable=False),
    sa.Column('worklist_label', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('starts', BYTEWISE, server_default='', nullable=False),
    sa.Column('data_set', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.Column('ended_at', BYTEWISE, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ups')),
    sa.UniqueConstraint('sop_instance_uid', name=op.f('uq_ups_sop_instance_uid')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_ups_ended_at'), 'ups', ['ended_at'], unique=False)
    op.create_index(op.f('ix_ups_state_starts'), 'ups', ['state', 'starts'], unique=False)

    op.create_table('ups_global_subscription',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('aet', BYTEWISE, nullable=False),
    sa.Column('matching_keys', sa.LargeBinary(), nullable=False),
    sa.Column('deletion_lock', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ups_global_subscription')),
    sa.UniqueConstraint('aet', 'matching_keys', name=op.f('uq_ups_global_subscription_aet_matching_keys')),
    sqlite_autoincrement=True
    )
    op.create_table('ups_receiver',
    sa.Column('aet', BYTEWISE, nullable=False),
    sa.Column('due_at', BYTEWISE, nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('lease_until', BYTEWISE, nullable=True),
    sa.PrimaryKeyConstraint('aet', name=op.f('pk_ups_receiver'))
    )
    op.create_table('ups_report',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('aet', BYTEWISE, nullable=False),
    sa.Column('sop_instance_uid', BYTEWISE, nullable=False),
    sa.Column('event_type', sa.Integer(), nullable=False),
    sa.Column('information', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ups_report')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_ups_report_aet_id'), 'ups_report', ['aet', 'id'], unique=False)

    op.create_table('ups_subscription',
    sa.Column('ups_fk', IDENTIFIER, autoincrement=False, nullable=False),
    sa.Column('aet', BYTEWISE, nullable=False),
    sa.Column('deletion_lock', sa.Boolean(), nullable=False),
    sa.ForeignKeyConstraint(['ups_fk'], ['ups.id'], name=op.f('fk_ups_subscription_ups_fk'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('ups_fk', 'aet', name=op.f('pk_ups_subscription'))
    )
    op.create_index(op.f('ix_ups_subscription_aet'), 'ups_subscription', ['aet'], unique=False)
