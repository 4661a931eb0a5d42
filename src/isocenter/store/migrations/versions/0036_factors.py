"""Second factors of accounts, and the codes for the day the telephone is lost"""

import sqlalchemy as sa
from alembic import op

revision = '0036'
down_revision = '0035'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        'factor',
        sa.Column('account_id', IDENTIFIER, nullable=False),
        sa.Column('nonce', BYTEWISE, nullable=False),
        sa.Column('created_at', BYTEWISE, nullable=False),
        sa.Column('confirmed_at', BYTEWISE),
        sa.Column('last_step', IDENTIFIER, server_default='0', nullable=False),
        sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_factor_account_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('account_id', name=op.f('pk_factor')),
    )
    op.create_table(
        'recovery_code',
        sa.Column('account_id', IDENTIFIER, nullable=False),
        sa.Column('code_hash', BYTEWISE, nullable=False),
        sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_recovery_code_account_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('account_id', 'code_hash', name=op.f('pk_recovery_code')),
    )
