# ruff: noqa: E501 - drafted by Alembic, one column a line
"""HL7 messages, and orders found by the numbers that others gave them"""

import sqlalchemy as sa
from alembic import op

revision = '0021'
down_revision = '0020'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('hl7_message',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('state', BYTEWISE, nullable=False),
    sa.Column('sender', BYTEWISE, nullable=False),
    sa.Column('control_id', BYTEWISE, nullable=False),
    sa.Column('sha256', BYTEWISE, nullable=False),
    sa.Column('kind', BYTEWISE, nullable=False),
    sa.Column('patient_id', BYTEWISE, nullable=False),
    sa.Column('number', BYTEWISE, nullable=False),
    sa.Column('address', BYTEWISE, nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('acknowledgement', BYTEWISE, server_default='', nullable=False),
    sa.Column('code', BYTEWISE, server_default='', nullable=False),
    sa.Column('place', BYTEWISE, server_default='', nullable=False),
    sa.Column('reason', sa.Text(), server_default='', nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('received_at', BYTEWISE, nullable=False),
    sa.Column('settled_at', BYTEWISE, nullable=True),
    sa.Column('lease_until', BYTEWISE, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hl7_message')),
    sa.UniqueConstraint('sender', 'control_id', 'sha256', name=op.f('uq_hl7_message_sender_control_id_sha256')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('hl7_message', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_hl7_message_number'), ['number'], unique=False)
        batch_op.create_index(batch_op.f('ix_hl7_message_patient_id'), ['patient_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_hl7_message_state_lease_until'), ['state', 'lease_until'], unique=False)

    with op.batch_alter_table('imaging_order', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_imaging_order_filler_order_number_imaging_service_request'), ['filler_order_number_imaging_service_request'], unique=False)
        batch_op.create_index(batch_op.f('ix_imaging_order_placer_order_number_imaging_service_request'), ['placer_order_number_imaging_service_request'], unique=False)
