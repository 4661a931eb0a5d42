"""preferences of accounts"""

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('preference',
    sa.Column('account_id', IDENTIFIER, nullable=False),
    sa.Column('part', BYTEWISE, nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_preference_account_id_account'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'part', name=op.f('pk_preference'))
    )
