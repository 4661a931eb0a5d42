"""retrievals: what is to come from another archive; peers that are archives"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column('peer', sa.Column('archive', BYTEWISE, server_default='', nullable=False))
    op.create_table('retrieval',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('peer_aet', BYTEWISE, nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, nullable=False),
    sa.Column('series_instance_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('state', BYTEWISE, nullable=False),
    sa.Column('how', BYTEWISE, server_default='', nullable=False),
    *(sa.Column(name, sa.Integer(), server_default='0', nullable=False)
      for name in ('remaining', 'completed', 'failed', 'warning', 'attempts')),
    sa.Column('reason', BYTEWISE, server_default='', nullable=False),
    sa.Column('asked_by', BYTEWISE, server_default='', nullable=False),
    sa.Column('asked_at', BYTEWISE, nullable=False),
    sa.Column('due_at', BYTEWISE, nullable=False),
    sa.Column('begun_at', BYTEWISE, nullable=True),
    sa.Column('ended_at', BYTEWISE, nullable=True),
    sa.Column('lease_until', BYTEWISE, nullable=True),
    sa.Column('cancelled', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_retrieval')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_retrieval_state_due_at'), 'retrieval', ['state', 'due_at'], unique=False)
    op.create_index(op.f('ix_retrieval_study_instance_uid'), 'retrieval', ['study_instance_uid'], unique=False)
