"""Lists of patients that accounts are limited to"""

import sqlalchemy as sa
from alembic import op

revision = '0043'
down_revision = '0042'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        'patient_list',
        sa.Column('name', BYTEWISE, nullable=False),
        sa.Column('about', sa.Text(), server_default='', nullable=False),
        sa.Column('at', BYTEWISE, nullable=False),
        sa.Column('actor', BYTEWISE, nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_patient_list')),
    )
    op.create_table(
        'listed_patient',
        sa.Column('list_name', BYTEWISE, nullable=False),
        sa.Column('patient_id', BYTEWISE, nullable=False),
        sa.Column('issuer_of_patient_id', BYTEWISE, nullable=False),
        sa.ForeignKeyConstraint(['list_name'], ['patient_list.name'], name=op.f('fk_listed_patient_list_name'),
                                ondelete='CASCADE'),
        sa.PrimaryKeyConstraint('list_name', 'patient_id', 'issuer_of_patient_id', name=op.f('pk_listed_patient')),
    )
