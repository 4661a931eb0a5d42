"""Studies and patients that are sensitive"""

import sqlalchemy as sa
from alembic import op

revision = '0037'
down_revision = '0036'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        'sensitive_patient',
        sa.Column('patient_id', BYTEWISE, nullable=False),
        sa.Column('issuer_of_patient_id', BYTEWISE, nullable=False),
        sa.Column('at', BYTEWISE, nullable=False),
        sa.Column('actor', BYTEWISE, nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('patient_id', 'issuer_of_patient_id', name=op.f('pk_sensitive_patient')),
    )
    op.create_table(
        'sensitive_study',
        sa.Column('study_instance_uid', BYTEWISE, nullable=False),
        sa.Column('at', BYTEWISE, nullable=False),
        sa.Column('actor', BYTEWISE, nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('study_instance_uid', name=op.f('pk_sensitive_study')),
    )
