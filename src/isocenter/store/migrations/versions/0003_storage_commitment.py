"""requests for storage commitment"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('storage_commitment',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('peer_aet', BYTEWISE, nullable=False),
    sa.Column('transaction_uid', BYTEWISE, nullable=False),
    sa.Column('refs', sa.Text(), nullable=False),
    sa.Column('judged', sa.Boolean(), nullable=False),
    sa.Column('received_at', BYTEWISE, nullable=False),
    sa.Column('due_at', BYTEWISE, nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('lease_until', BYTEWISE, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_storage_commitment')),
    sa.UniqueConstraint('peer_aet', 'transaction_uid', name=op.f('uq_storage_commitment_peer_aet_transaction_uid')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_storage_commitment_due_at'), 'storage_commitment', ['due_at'], unique=False)
