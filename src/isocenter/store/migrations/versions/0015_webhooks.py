"""webhooks: who is told of changes, and messages that were put aside"""

import sqlalchemy as sa
from alembic import op

revision = '0015'
down_revision = '0014'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('webhook',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('name', BYTEWISE, nullable=False),
    sa.Column('url', sa.Text(), nullable=False),
    sa.Column('kinds', sa.Text(), nullable=False),
    sa.Column('together', sa.Integer(), nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('nonce', BYTEWISE, nullable=False),
    sa.Column('key_id', BYTEWISE, nullable=False),
    sa.Column('cursor', IDENTIFIER, nullable=False),
    sa.Column('until', IDENTIFIER, nullable=True),
    sa.Column('due_at', BYTEWISE, nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('failing_since', BYTEWISE, nullable=True),
    sa.Column('lease_until', BYTEWISE, nullable=True),
    sa.Column('test_asked', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.Column('told', IDENTIFIER, server_default='0', nullable=False),
    sa.Column('told_at', BYTEWISE, nullable=True),
    sa.Column('last_status', sa.Integer(), server_default='0', nullable=False),
    sa.Column('last_reason', sa.Text(), server_default='', nullable=False),
    sa.Column('last_at', BYTEWISE, nullable=True),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook')),
    sa.UniqueConstraint('name', name=op.f('uq_webhook_name')),
    sqlite_autoincrement=True
    )
    op.create_table('webhook_failure',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('webhook_fk', IDENTIFIER, nullable=False),
    sa.Column('first_seq', IDENTIFIER, nullable=False),
    sa.Column('last_seq', IDENTIFIER, nullable=False),
    sa.Column('changes', sa.Integer(), nullable=False),
    sa.Column('status', sa.Integer(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.Column('failed_at', BYTEWISE, nullable=False),
    sa.Column('resend_asked', sa.Boolean(), server_default=sa.false(), nullable=False),
    sa.ForeignKeyConstraint(['webhook_fk'], ['webhook.id'], name=op.f('fk_webhook_failure_webhook_fk'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_failure')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_webhook_failure_resend_asked'), 'webhook_failure', ['resend_asked'], unique=False)
    op.create_index(op.f('ix_webhook_failure_webhook_fk_id'), 'webhook_failure', ['webhook_fk', 'id'], unique=False)
