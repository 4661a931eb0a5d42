"""Reports of what was removed"""

import sqlalchemy as sa
from alembic import op

revision = '0040'
down_revision = '0039'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('deid_report',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('project', BYTEWISE, nullable=False),
    sa.Column('form', BYTEWISE, nullable=False),
    sa.Column('destination', BYTEWISE, nullable=False),
    sa.Column('delivery', IDENTIFIER, nullable=True),
    sa.Column('actor', BYTEWISE, nullable=False),
    sa.Column('at', BYTEWISE, nullable=False),
    sa.Column('ended_at', BYTEWISE, nullable=True),
    sa.Column('whole', sa.Boolean(), nullable=False),
    sa.Column('value', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_deid_report')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('deid_report', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_deid_report_delivery'), ['delivery'], unique=False)
        batch_op.create_index(batch_op.f('ix_deid_report_project'), ['project'], unique=False)

    op.create_table('deid_report_study',
    sa.Column('report_fk', IDENTIFIER, autoincrement=False, nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, nullable=False),
    sa.ForeignKeyConstraint(['report_fk'], ['deid_report.id'], name=op.f('fk_deid_report_study_report_fk'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('report_fk', 'study_instance_uid', name=op.f('pk_deid_report_study'))
    )
    with op.batch_alter_table('deid_report_study', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_deid_report_study_study_instance_uid'), ['study_instance_uid'], unique=False)
