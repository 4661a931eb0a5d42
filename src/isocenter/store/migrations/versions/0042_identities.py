"""As whom the provider knows an account"""

import sqlalchemy as sa
from alembic import op

revision = '0042'
down_revision = '0041'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        'identity',
        sa.Column('account_id', IDENTIFIER, nullable=False),
        sa.Column('issuer', BYTEWISE, nullable=False),
        sa.Column('subject', BYTEWISE),
        sa.Column('at', BYTEWISE, nullable=False),
        sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_identity_account_id'), ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('account_id', name=op.f('pk_identity')),
        sa.UniqueConstraint('issuer', 'subject', name=op.f('uq_identity_issuer_subject')),
    )
