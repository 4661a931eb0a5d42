"""routing: destinations, rules, deliveries, and under which AE title an instance was sent here"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column('instance', sa.Column('called_aet', BYTEWISE, server_default='', nullable=False))
    op.create_table('destination',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('name', BYTEWISE, nullable=False),
    sa.Column('kind', BYTEWISE, nullable=False),
    sa.Column('address', BYTEWISE, nullable=False),
    sa.Column('username', BYTEWISE, server_default='', nullable=False),
    sa.Column('secret', sa.Text(), server_default='', nullable=False),
    sa.Column('paused', sa.Boolean(), nullable=False),
    sa.Column('throttle', sa.Integer(), server_default='0', nullable=False),
    sa.Column('hours', BYTEWISE, server_default='', nullable=False),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_destination')),
    sa.UniqueConstraint('name', name=op.f('uq_destination_name')),
    sqlite_autoincrement=True
    )
    op.create_table('route',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('name', BYTEWISE, nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('definition', sa.Text(), nullable=False),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.Column('updated_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_route')),
    sa.UniqueConstraint('name', name=op.f('uq_route_name')),
    sqlite_autoincrement=True
    )
    op.create_table('delivery',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, nullable=False),
    sa.Column('destination_fk', IDENTIFIER, nullable=False),
    sa.Column('route', BYTEWISE, server_default='', nullable=False),
    sa.Column('state', BYTEWISE, nullable=False),
    sa.Column('round', sa.Integer(), server_default='0', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('failing_since', BYTEWISE, nullable=True),
    sa.Column('due_at', BYTEWISE, nullable=False),
    sa.Column('lease_until', BYTEWISE, nullable=True),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.Column('updated_at', BYTEWISE, nullable=False),
    sa.ForeignKeyConstraint(['destination_fk'], ['destination.id'], name=op.f('fk_delivery_destination_fk'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_delivery')),
    sa.UniqueConstraint('study_instance_uid', 'destination_fk', name=op.f('uq_delivery_study_instance_uid_destination_fk')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_delivery_destination_fk_state'), 'delivery', ['destination_fk', 'state'], unique=False)
    op.create_index(op.f('ix_delivery_state_due_at'), 'delivery', ['state', 'due_at'], unique=False)
    op.create_index(op.f('ix_delivery_updated_at'), 'delivery', ['updated_at'], unique=False)
    op.create_table('delivery_instance',
    sa.Column('delivery_fk', IDENTIFIER, autoincrement=False, nullable=False),
    sa.Column('sop_instance_uid', BYTEWISE, nullable=False),
    sa.Column('state', BYTEWISE, nullable=False),
    sa.Column('status', sa.Integer(), server_default='0', nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.ForeignKeyConstraint(['delivery_fk'], ['delivery.id'], name=op.f('fk_delivery_instance_delivery_fk'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('delivery_fk', 'sop_instance_uid', name=op.f('pk_delivery_instance'))
    )
    relay = op.create_table('relay',
    sa.Column('name', BYTEWISE, nullable=False),
    sa.Column('seq', IDENTIFIER, nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_relay'))
    )
    # What came before there was routing has arrived already.
    change = sa.table('change', sa.column('seq'))
    last = sa.select(sa.literal('routing'), sa.func.coalesce(sa.func.max(change.c.seq), 0))
    op.execute(sa.insert(relay).from_select(['name', 'seq'], last))
    op.create_table('engine_worker',
    sa.Column('executor_id', BYTEWISE, nullable=False),
    sa.Column('host', BYTEWISE, nullable=False),
    sa.Column('seen_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('executor_id', name=op.f('pk_engine_worker'))
    )
