"""de-identification projects"""

import sqlalchemy as sa
from alembic import op

revision = '0024'
down_revision = '0023'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('deid_project',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('name', BYTEWISE, nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('secret', BYTEWISE, nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.Column('closed', sa.Boolean(), nullable=False),
    sa.Column('changed_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deid_project')),
    sa.UniqueConstraint('name', name=op.f('uq_deid_project_name')),
    sqlite_autoincrement=True
    )
