"""seen: which images somebody has looked at"""

import sqlalchemy as sa
from alembic import op

revision = '0029'
down_revision = '0028'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('seen_series',
    sa.Column('account_id', IDENTIFIER, nullable=False),
    sa.Column('series_uid', BYTEWISE, nullable=False),
    sa.Column('study_uid', BYTEWISE, nullable=False),
    sa.Column('instances', sa.Integer(), nullable=False),
    sa.Column('fingerprint', BYTEWISE, nullable=False),
    sa.Column('bits', sa.LargeBinary(), nullable=False),
    sa.Column('at', BYTEWISE, nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_seen_series_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('account_id', 'series_uid', name=op.f('pk_seen_series'))
    )
    op.create_index(op.f('ix_seen_series_account_id_study_uid'), 'seen_series', ['account_id', 'study_uid'], unique=False)
