# ruff: noqa: E501 - drafted by Alembic, one column a line
"""orders: what is to be done, what was done for it, who is told of it"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('availability_notice',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('peer_aet', BYTEWISE, nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, nullable=False),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.Column('due_at', BYTEWISE, nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('lease_until', BYTEWISE, nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_availability_notice')),
    sa.UniqueConstraint('peer_aet', 'study_instance_uid', name=op.f('uq_availability_notice_peer_aet_study_instance_uid')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_availability_notice_due_at'), 'availability_notice', ['due_at'], unique=False)

    op.create_table('imaging_order',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('state', BYTEWISE, nullable=False),
    sa.Column('origin', BYTEWISE, nullable=False),
    sa.Column('starts_at', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_name_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('issuer_of_patient_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_birth_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_sex', BYTEWISE, server_default='', nullable=False),
    sa.Column('other_patient_ids', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_weight', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_size', BYTEWISE, server_default='', nullable=False),
    sa.Column('ethnic_group', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_comments', BYTEWISE, server_default='', nullable=False),
    sa.Column('medical_alerts', BYTEWISE, server_default='', nullable=False),
    sa.Column('allergies', BYTEWISE, server_default='', nullable=False),
    sa.Column('pregnancy_status', BYTEWISE, server_default='', nullable=False),
    sa.Column('last_menstrual_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('smoking_status', BYTEWISE, server_default='', nullable=False),
    sa.Column('special_needs', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_state', BYTEWISE, server_default='', nullable=False),
    sa.Column('confidentiality_constraint_on_patient_data_description', BYTEWISE, server_default='', nullable=False),
    sa.Column('additional_patient_history', BYTEWISE, server_default='', nullable=False),
    sa.Column('admission_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('current_patient_location', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_institution_residence', BYTEWISE, server_default='', nullable=False),
    sa.Column('admitting_diagnoses_description', BYTEWISE, server_default='', nullable=False),
    sa.Column('institution_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('visit_comments', BYTEWISE, server_default='', nullable=False),
    sa.Column('accession_number', BYTEWISE, server_default='', nullable=False),
    sa.Column('referring_physician_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('referring_physician_name_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('requesting_physician', BYTEWISE, server_default='', nullable=False),
    sa.Column('requesting_physician_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('requesting_service', BYTEWISE, server_default='', nullable=False),
    sa.Column('placer_order_number_imaging_service_request', BYTEWISE, server_default='', nullable=False),
    sa.Column('filler_order_number_imaging_service_request', BYTEWISE, server_default='', nullable=False),
    sa.Column('order_enterer_location', BYTEWISE, server_default='', nullable=False),
    sa.Column('order_callback_phone_number', BYTEWISE, server_default='', nullable=False),
    sa.Column('imaging_service_request_comments', BYTEWISE, server_default='', nullable=False),
    sa.Column('issuer_of_accession_number_local_namespace_entity_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('issuer_of_accession_number_universal_entity_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('issuer_of_accession_number_universal_entity_id_type', BYTEWISE, server_default='', nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('requested_procedure_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('requested_procedure_description', BYTEWISE, server_default='', nullable=False),
    sa.Column('requested_procedure_priority', BYTEWISE, server_default='', nullable=False),
    sa.Column('reason_for_the_requested_procedure', BYTEWISE, server_default='', nullable=False),
    sa.Column('requested_procedure_comments', BYTEWISE, server_default='', nullable=False),
    sa.Column('requested_procedure_location', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_transport_arrangements', BYTEWISE, server_default='', nullable=False),
    sa.Column('confidentiality_code', BYTEWISE, server_default='', nullable=False),
    sa.Column('reporting_priority', BYTEWISE, server_default='', nullable=False),
    sa.Column('names_of_intended_recipients_of_results', BYTEWISE, server_default='', nullable=False),
    sa.Column('names_of_intended_recipients_of_results_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('requested_procedure_code_code_value', BYTEWISE, server_default='', nullable=False),
    sa.Column('requested_procedure_code_coding_scheme_designator', BYTEWISE, server_default='', nullable=False),
    sa.Column('requested_procedure_code_coding_scheme_version', BYTEWISE, server_default='', nullable=False),
    sa.Column('requested_procedure_code_code_meaning', BYTEWISE, server_default='', nullable=False),
    sa.Column('reason_for_requested_procedure_code_code_value', BYTEWISE, server_default='', nullable=False),
    sa.Column('reason_for_requested_procedure_code_coding_scheme_designator', BYTEWISE, server_default='', nullable=False),
    sa.Column('reason_for_requested_procedure_code_coding_scheme_version', BYTEWISE, server_default='', nullable=False),
    sa.Column('reason_for_requested_procedure_code_code_meaning', BYTEWISE, server_default='', nullable=False),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.Column('updated_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_imaging_order')),
    sa.UniqueConstraint('study_instance_uid', name=op.f('uq_imaging_order_study_instance_uid')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_imaging_order_accession_number'), 'imaging_order', ['accession_number'], unique=False)
    op.create_index(op.f('ix_imaging_order_patient_id'), 'imaging_order', ['patient_id'], unique=False)
    op.create_index(op.f('ix_imaging_order_patient_name_key'), 'imaging_order', ['patient_name_key'], unique=False)
    op.create_index(op.f('ix_imaging_order_starts_at_id'), 'imaging_order', ['starts_at', 'id'], unique=False)

    op.create_table('performed_step',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('sop_instance_uid', BYTEWISE, nullable=False),
    sa.Column('state', BYTEWISE, nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('performed_station_ae_title', BYTEWISE, server_default='', nullable=False),
    sa.Column('started', BYTEWISE, server_default='', nullable=False),
    sa.Column('ended', BYTEWISE, server_default='', nullable=False),
    sa.Column('instances', sa.Integer(), server_default='0', nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('source_aet', BYTEWISE, server_default='', nullable=False),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.Column('updated_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_performed_step')),
    sa.UniqueConstraint('sop_instance_uid', name=op.f('uq_performed_step_sop_instance_uid')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_performed_step_study_instance_uid'), 'performed_step', ['study_instance_uid'], unique=False)

    op.create_table('scheduled_step',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('imaging_order_fk', IDENTIFIER, nullable=False),
    sa.Column('state', BYTEWISE, nullable=False),
    sa.Column('scheduled_station_ae_title', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_procedure_step_start_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_procedure_step_start_time', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_procedure_step_end_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_procedure_step_end_time', BYTEWISE, server_default='', nullable=False),
    sa.Column('modality', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_performing_physician_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_performing_physician_name_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_procedure_step_description', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_procedure_step_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_station_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_procedure_step_location', BYTEWISE, server_default='', nullable=False),
    sa.Column('pre_medication', BYTEWISE, server_default='', nullable=False),
    sa.Column('requested_contrast_agent', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_procedure_step_status', BYTEWISE, server_default='', nullable=False),
    sa.Column('comments_on_the_scheduled_procedure_step', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_protocol_code_code_value', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_protocol_code_coding_scheme_designator', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_protocol_code_coding_scheme_version', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_protocol_code_code_meaning', BYTEWISE, server_default='', nullable=False),
    sa.ForeignKeyConstraint(['imaging_order_fk'], ['imaging_order.id'], name=op.f('fk_scheduled_step_imaging_order_fk'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_scheduled_step')),
    sa.UniqueConstraint('imaging_order_fk', 'scheduled_procedure_step_id', name=op.f('uq_scheduled_step_imaging_order_fk_scheduled_procedure_step_id')),
    sqlite_autoincrement=True
    )
    op.create_index(op.f('ix_scheduled_step_worklist'), 'scheduled_step', ['state', 'scheduled_procedure_step_start_date'], unique=False)

    op.create_table('step_performed',
    sa.Column('scheduled_step_fk', IDENTIFIER, nullable=False),
    sa.Column('performed_step_fk', IDENTIFIER, nullable=False),
    sa.ForeignKeyConstraint(['performed_step_fk'], ['performed_step.id'], name=op.f('fk_step_performed_performed_step_fk'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['scheduled_step_fk'], ['scheduled_step.id'], name=op.f('fk_step_performed_scheduled_step_fk'), ondelete='CASCADE'),
    sa.UniqueConstraint('scheduled_step_fk', 'performed_step_fk', name=op.f('uq_step_performed_scheduled_step_fk_performed_step_fk'))
    )
    op.create_index(op.f('ix_step_performed_performed_step_fk'), 'step_performed', ['performed_step_fk'], unique=False)

    op.add_column('peer', sa.Column('notify_availability', sa.Boolean(), server_default=sa.false(), nullable=False))
