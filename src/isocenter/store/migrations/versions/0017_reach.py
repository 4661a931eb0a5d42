"""from which revision on programs may use this schema"""

import sqlalchemy as sa
from alembic import op

revision = '0017'
down_revision = '0016'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    reach = op.create_table('schema_reach',
    sa.Column('oldest', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('oldest', name=op.f('pk_schema_reach'))
    )
    op.bulk_insert(reach, [{'oldest': '0010'}])
