"""Passkeys"""

import sqlalchemy as sa
from alembic import op

revision = '0045'
down_revision = '0044'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        'passkey',
        sa.Column('credential_id', BYTEWISE, nullable=False),
        sa.Column('account_id', IDENTIFIER, nullable=False),
        sa.Column('public_key', BYTEWISE, nullable=False),
        sa.Column('sign_count', IDENTIFIER, nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('created_at', BYTEWISE, nullable=False),
        sa.Column('used_at', BYTEWISE),
        sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_passkey_account_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('credential_id', name=op.f('pk_passkey')),
    )
    op.create_index(op.f('ix_passkey_account_id'), 'passkey', ['account_id'], unique=False)
    op.create_table(
        'passkey_challenge',
        sa.Column('fingerprint', BYTEWISE, nullable=False),
        sa.Column('used_at', BYTEWISE, nullable=False),
        sa.PrimaryKeyConstraint('fingerprint', name=op.f('pk_passkey_challenge')),
    )
