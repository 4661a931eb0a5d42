"""requests for storage commitment to peers"""

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column('peer', sa.Column('asks_commitment', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table('commitment_request',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('peer_aet', BYTEWISE, nullable=False),
    sa.Column('transaction_uid', BYTEWISE, nullable=False),
    sa.Column('state', BYTEWISE, nullable=False),
    sa.Column('reason', BYTEWISE, server_default='', nullable=False),
    sa.Column('refs', sa.Text(), nullable=False),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.Column('due_at', BYTEWISE, nullable=False),
    *(sa.Column(name, BYTEWISE, nullable=True) for name in ('asked_at', 'answered_at', 'lease_until')),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_commitment_request')),
    sa.UniqueConstraint('transaction_uid', name=op.f('uq_commitment_request_transaction_uid')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_commitment_request_state_due_at'), 'commitment_request', ['state', 'due_at'], unique=False)
