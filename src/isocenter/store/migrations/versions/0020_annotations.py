
"""annotations: what people draw on the images of a study"""

import sqlalchemy as sa
from alembic import op

revision = '0020'
down_revision = '0019'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:

    op.create_table('annotation',
    sa.Column('account_id', IDENTIFIER, nullable=False),
    sa.Column('study_uid', BYTEWISE, nullable=False),
    sa.Column('version', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('item', BYTEWISE, nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('at', BYTEWISE, nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_annotation_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'study_uid', 'version', 'item', name=op.f('pk_annotation'))
    )

