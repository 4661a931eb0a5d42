# ruff: noqa: E501 - drafted by Alembic, one column a line
"""first schema"""

import sqlalchemy as sa
from alembic import op

revision = '0001'
down_revision = None

BYTEWISE = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
IDENTIFIER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table('account',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('name', BYTEWISE, nullable=False),
    sa.Column('role', BYTEWISE, nullable=False),
    sa.Column('password_hash', sa.Text(), nullable=False),
    sa.Column('referrer_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('disabled', sa.Boolean(), nullable=False),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.Column('password_changed_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account')),
    sa.UniqueConstraint('name', name=op.f('uq_account_name')),
    sqlite_autoincrement=True
    )
    op.create_table('change',
    sa.Column('seq', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('at', BYTEWISE, nullable=False),
    sa.Column('kind', BYTEWISE, nullable=False),
    sa.Column('subject', BYTEWISE, server_default='', nullable=False),
    sa.Column('actor', BYTEWISE, server_default='', nullable=False),
    sa.Column('payload', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('seq', name=op.f('pk_change')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_change_kind_seq'), ['kind', 'seq'], unique=False)

    op.create_table('login_attempt',
    sa.Column('key', BYTEWISE, nullable=False),
    sa.Column('failures', sa.Integer(), nullable=False),
    sa.Column('last_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_login_attempt'))
    )
    op.create_table('patient',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('identity', BYTEWISE, nullable=False),
    sa.Column('patient_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_name_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_name_key_ideographic', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_name_key_phonetic', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('issuer_of_patient_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_birth_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_birth_time', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_sex', BYTEWISE, server_default='', nullable=False),
    sa.Column('other_patient_ids', BYTEWISE, server_default='', nullable=False),
    sa.Column('other_patient_names', BYTEWISE, server_default='', nullable=False),
    sa.Column('other_patient_names_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('ethnic_group', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_comments', BYTEWISE, server_default='', nullable=False),
    sa.Column('number_of_patient_related_studies', sa.Integer(), server_default='0', nullable=False),
    sa.Column('number_of_patient_related_series', sa.Integer(), server_default='0', nullable=False),
    sa.Column('number_of_patient_related_instances', sa.Integer(), server_default='0', nullable=False),
    sa.Column('received_at', BYTEWISE, nullable=False),
    sa.Column('updated_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patient')),
    sa.UniqueConstraint('identity', name=op.f('uq_patient_identity')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('patient', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_patient_patient_id'), ['patient_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_patient_patient_name_key'), ['patient_name_key'], unique=False)

    op.create_table('peer',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('aet', BYTEWISE, nullable=False),
    sa.Column('host', BYTEWISE, nullable=False),
    sa.Column('port', sa.Integer(), nullable=False),
    sa.Column('description', BYTEWISE, server_default='', nullable=False),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_peer')),
    sa.UniqueConstraint('aet', name=op.f('uq_peer_aet')),
    sqlite_autoincrement=True
    )
    op.create_table('session',
    sa.Column('token_hash', BYTEWISE, nullable=False),
    sa.Column('account_id', IDENTIFIER, nullable=False),
    sa.Column('address', BYTEWISE, server_default='', nullable=False),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.Column('seen_at', BYTEWISE, nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_session_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_session'))
    )
    with op.batch_alter_table('session', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_session_account_id'), ['account_id'], unique=False)

    op.create_table('study',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('patient_fk', IDENTIFIER, nullable=False),
    sa.Column('patient_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_name_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_name_key_ideographic', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_name_key_phonetic', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('issuer_of_patient_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_birth_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_birth_time', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_sex', BYTEWISE, server_default='', nullable=False),
    sa.Column('other_patient_ids', BYTEWISE, server_default='', nullable=False),
    sa.Column('other_patient_names', BYTEWISE, server_default='', nullable=False),
    sa.Column('other_patient_names_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('ethnic_group', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_comments', BYTEWISE, server_default='', nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('study_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('study_time', BYTEWISE, server_default='', nullable=False),
    sa.Column('accession_number', BYTEWISE, server_default='', nullable=False),
    sa.Column('study_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('study_description', BYTEWISE, server_default='', nullable=False),
    sa.Column('referring_physician_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('referring_physician_name_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('referring_physician_name_key_ideographic', BYTEWISE, server_default='', nullable=False),
    sa.Column('referring_physician_name_key_phonetic', BYTEWISE, server_default='', nullable=False),
    sa.Column('name_of_physicians_reading_study', BYTEWISE, server_default='', nullable=False),
    sa.Column('name_of_physicians_reading_study_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('admitting_diagnoses_description', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_age', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_size', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_weight', BYTEWISE, server_default='', nullable=False),
    sa.Column('occupation', BYTEWISE, server_default='', nullable=False),
    sa.Column('additional_patient_history', BYTEWISE, server_default='', nullable=False),
    sa.Column('institution_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('timezone_offset_from_utc', BYTEWISE, server_default='', nullable=False),
    sa.Column('modalities_in_study', BYTEWISE, server_default='', nullable=False),
    sa.Column('sop_classes_in_study', BYTEWISE, server_default='', nullable=False),
    sa.Column('number_of_study_related_series', sa.Integer(), server_default='0', nullable=False),
    sa.Column('number_of_study_related_instances', sa.Integer(), server_default='0', nullable=False),
    sa.Column('received_at', BYTEWISE, nullable=False),
    sa.Column('updated_at', BYTEWISE, nullable=False),
    sa.ForeignKeyConstraint(['patient_fk'], ['patient.id'], name=op.f('fk_study_patient_fk')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_study')),
    sa.UniqueConstraint('study_instance_uid', name=op.f('uq_study_study_instance_uid')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('study', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_study_accession_number'), ['accession_number'], unique=False)
        batch_op.create_index('ix_study_date', [sa.literal_column('study_date DESC'), sa.literal_column('id DESC'), 'patient_name_key'], unique=False)
        batch_op.create_index('ix_study_list', [sa.literal_column('study_date DESC'), sa.literal_column('study_time DESC'), sa.literal_column('id DESC'), 'patient_name_key'], unique=False)
        batch_op.create_index('ix_study_institution_name', ['institution_name', 'id'], unique=False)
        batch_op.create_index('ix_study_modalities_in_study', ['modalities_in_study', 'id'], unique=False)
        batch_op.create_index('ix_study_patient_birth_date', ['patient_birth_date', 'id'], unique=False)
        batch_op.create_index('ix_study_patient_sex', ['patient_sex', 'id'], unique=False)
        batch_op.create_index('ix_study_study_description', ['study_description', 'id'], unique=False)
        batch_op.create_index('ix_study_name', ['patient_name_key', sa.literal_column('study_date DESC'), sa.literal_column('id DESC')], unique=False)
        batch_op.create_index('ix_study_name_ideographic', ['patient_name_key_ideographic'], unique=False)
        batch_op.create_index('ix_study_name_phonetic', ['patient_name_key_phonetic'], unique=False)
        batch_op.create_index(batch_op.f('ix_study_patient_fk'), ['patient_fk'], unique=False)
        batch_op.create_index(batch_op.f('ix_study_patient_id'), ['patient_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_study_received_at'), ['received_at'], unique=False)
        batch_op.create_index('ix_study_referrer', ['referring_physician_name_key', sa.literal_column('study_date DESC'), sa.literal_column('id DESC')], unique=False)
        batch_op.create_index('ix_study_referrer_ideographic', ['referring_physician_name_key_ideographic'], unique=False)
        batch_op.create_index('ix_study_referrer_phonetic', ['referring_physician_name_key_phonetic'], unique=False)

    op.create_table('token',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('token_hash', BYTEWISE, nullable=False),
    sa.Column('account_id', IDENTIFIER, nullable=False),
    sa.Column('name', BYTEWISE, server_default='', nullable=False),
    sa.Column('role', BYTEWISE, server_default='', nullable=False),
    sa.Column('created_at', BYTEWISE, nullable=False),
    sa.Column('expires_at', BYTEWISE, nullable=True),
    sa.Column('used_at', BYTEWISE, nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_token_account_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_token')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_token_token_hash')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('token', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_token_account_id'), ['account_id'], unique=False)

    op.create_table('exception',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('kind', BYTEWISE, nullable=False),
    sa.Column('reason', BYTEWISE, server_default='', nullable=False),
    sa.Column('where', BYTEWISE, server_default='', nullable=False),
    sa.Column('study_instance_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('series_instance_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('sop_instance_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('sop_class_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('study_fk', IDENTIFIER, nullable=True),
    sa.Column('patient_fk', IDENTIFIER, nullable=True),
    sa.Column('blob_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('sha256', BYTEWISE, server_default='', nullable=False),
    sa.Column('size', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('source', BYTEWISE, server_default='', nullable=False),
    sa.Column('source_aet', BYTEWISE, server_default='', nullable=False),
    sa.Column('address', BYTEWISE, server_default='', nullable=False),
    sa.Column('actor', BYTEWISE, server_default='', nullable=False),
    sa.Column('fingerprint', BYTEWISE, nullable=False),
    sa.Column('occurrences', sa.Integer(), server_default='1', nullable=False),
    sa.Column('first_at', BYTEWISE, nullable=False),
    sa.Column('last_at', BYTEWISE, nullable=False),
    sa.Column('dismissed_at', BYTEWISE, nullable=True),
    sa.Column('dismissed_by', BYTEWISE, server_default='', nullable=False),
    sa.ForeignKeyConstraint(['patient_fk'], ['patient.id'], name=op.f('fk_exception_patient_fk'), ondelete='SET NULL'),
    sa.ForeignKeyConstraint(['study_fk'], ['study.id'], name=op.f('fk_exception_study_fk'), ondelete='SET NULL'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_exception')),
    sa.UniqueConstraint('fingerprint', name=op.f('uq_exception_fingerprint')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('exception', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_exception_last_at'), ['last_at'], unique=False)

    op.create_table('series',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('study_fk', IDENTIFIER, nullable=False),
    sa.Column('series_instance_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('modality', BYTEWISE, server_default='', nullable=False),
    sa.Column('series_number', BYTEWISE, server_default='', nullable=False),
    sa.Column('series_description', BYTEWISE, server_default='', nullable=False),
    sa.Column('series_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('series_time', BYTEWISE, server_default='', nullable=False),
    sa.Column('body_part_examined', BYTEWISE, server_default='', nullable=False),
    sa.Column('laterality', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_position', BYTEWISE, server_default='', nullable=False),
    sa.Column('protocol_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('performed_procedure_step_start_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('performed_procedure_step_start_time', BYTEWISE, server_default='', nullable=False),
    sa.Column('performed_procedure_step_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('performed_procedure_step_description', BYTEWISE, server_default='', nullable=False),
    sa.Column('scheduled_procedure_step_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('requested_procedure_id', BYTEWISE, server_default='', nullable=False),
    sa.Column('manufacturer', BYTEWISE, server_default='', nullable=False),
    sa.Column('manufacturer_model_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('station_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('device_serial_number', BYTEWISE, server_default='', nullable=False),
    sa.Column('software_versions', BYTEWISE, server_default='', nullable=False),
    sa.Column('institutional_department_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('operators_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('operators_name_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('performing_physician_name', BYTEWISE, server_default='', nullable=False),
    sa.Column('performing_physician_name_key', BYTEWISE, server_default='', nullable=False),
    sa.Column('frame_of_reference_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('number_of_series_related_instances', sa.Integer(), server_default='0', nullable=False),
    sa.Column('version', sa.Integer(), server_default='0', nullable=False),
    sa.Column('received_at', BYTEWISE, nullable=False),
    sa.Column('updated_at', BYTEWISE, nullable=False),
    sa.ForeignKeyConstraint(['study_fk'], ['study.id'], name=op.f('fk_series_study_fk')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_series')),
    sa.UniqueConstraint('series_instance_uid', name=op.f('uq_series_series_instance_uid')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('series', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_series_study_fk'), ['study_fk'], unique=False)

    op.create_table('study_modality',
    sa.Column('study_fk', IDENTIFIER, nullable=False),
    sa.Column('modality', BYTEWISE, nullable=False),
    sa.Column('study_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('patient_name_key', BYTEWISE, server_default='', nullable=False),
    sa.ForeignKeyConstraint(['study_fk'], ['study.id'], name=op.f('fk_study_modality_study_fk'), ondelete='CASCADE'),
    sa.UniqueConstraint('study_fk', 'modality', name=op.f('uq_study_modality_study_fk_modality'))
    )
    with op.batch_alter_table('study_modality', schema=None) as batch_op:
        batch_op.create_index('ix_study_modality_date', ['modality', sa.literal_column('study_date DESC'), sa.literal_column('study_fk DESC'), 'patient_name_key'], unique=False)

    op.create_table('study_sop_class',
    sa.Column('study_fk', IDENTIFIER, nullable=False),
    sa.Column('sop_class_uid', BYTEWISE, nullable=False),
    sa.ForeignKeyConstraint(['study_fk'], ['study.id'], name=op.f('fk_study_sop_class_study_fk'), ondelete='CASCADE'),
    sa.UniqueConstraint('study_fk', 'sop_class_uid', name=op.f('uq_study_sop_class_study_fk_sop_class_uid'))
    )
    op.create_table('instance',
    sa.Column('id', IDENTIFIER, autoincrement=True, nullable=False),
    sa.Column('series_fk', IDENTIFIER, nullable=False),
    sa.Column('sop_instance_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('sop_class_uid', BYTEWISE, server_default='', nullable=False),
    sa.Column('instance_number', BYTEWISE, server_default='', nullable=False),
    sa.Column('acquisition_number', BYTEWISE, server_default='', nullable=False),
    sa.Column('instance_creation_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('instance_creation_time', BYTEWISE, server_default='', nullable=False),
    sa.Column('content_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('content_time', BYTEWISE, server_default='', nullable=False),
    sa.Column('acquisition_date', BYTEWISE, server_default='', nullable=False),
    sa.Column('acquisition_time', BYTEWISE, server_default='', nullable=False),
    sa.Column('image_type', BYTEWISE, server_default='', nullable=False),
    sa.Column('image_comments', BYTEWISE, server_default='', nullable=False),
    sa.Column('content_label', BYTEWISE, server_default='', nullable=False),
    sa.Column('content_description', BYTEWISE, server_default='', nullable=False),
    sa.Column('document_title', BYTEWISE, server_default='', nullable=False),
    sa.Column('completion_flag', BYTEWISE, server_default='', nullable=False),
    sa.Column('verification_flag', BYTEWISE, server_default='', nullable=False),
    sa.Column('concept_name_code_value', BYTEWISE, server_default='', nullable=False),
    sa.Column('concept_name_coding_scheme_designator', BYTEWISE, server_default='', nullable=False),
    sa.Column('concept_name_code_meaning', BYTEWISE, server_default='', nullable=False),
    sa.Column('rows', BYTEWISE, server_default='', nullable=False),
    sa.Column('columns', BYTEWISE, server_default='', nullable=False),
    sa.Column('bits_allocated', BYTEWISE, server_default='', nullable=False),
    sa.Column('number_of_frames', BYTEWISE, server_default='', nullable=False),
    sa.Column('slice_location', BYTEWISE, server_default='', nullable=False),
    sa.Column('image_position_patient', BYTEWISE, server_default='', nullable=False),
    sa.Column('image_orientation_patient', BYTEWISE, server_default='', nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('current', sa.Boolean(), nullable=False),
    sa.Column('blob_key', BYTEWISE, nullable=False),
    sa.Column('sha256', BYTEWISE, nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('dataset_offset', sa.Integer(), nullable=False),
    sa.Column('transfer_syntax_uid', BYTEWISE, nullable=False),
    sa.Column('frames', sa.LargeBinary(), nullable=True),
    sa.Column('source', BYTEWISE, server_default='', nullable=False),
    sa.Column('source_aet', BYTEWISE, server_default='', nullable=False),
    sa.Column('received_at', BYTEWISE, nullable=False),
    sa.ForeignKeyConstraint(['series_fk'], ['series.id'], name=op.f('fk_instance_series_fk')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_instance')),
    sa.UniqueConstraint('sop_instance_uid', 'version', name=op.f('uq_instance_sop_instance_uid_version')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('instance', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_instance_series_fk'), ['series_fk'], unique=False)

    op.create_table('series_dirty',
    sa.Column('series_fk', IDENTIFIER, autoincrement=False, nullable=False),
    sa.Column('due_at', BYTEWISE, nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('lease_until', BYTEWISE, nullable=True),
    sa.ForeignKeyConstraint(['series_fk'], ['series.id'], name=op.f('fk_series_dirty_series_fk'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('series_fk', name=op.f('pk_series_dirty'))
    )
    with op.batch_alter_table('series_dirty', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_series_dirty_due_at'), ['due_at'], unique=False)

