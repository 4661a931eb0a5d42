import { type SystemFacts, readSystem } from '../../api/admin'
import { formatInstant } from '../../lib/dates'
import { explain } from '../../lib/http'
import { formatBytes, formatCount } from '../../lib/numbers'
import { useLoaded } from '../../lib/useLoaded'
import { Button, Skeleton } from '../../ui/controls'
import { ErrorNotice, Notice } from '../../ui/feedback'
import { IndexAttributes } from './IndexAttributes'

const COUNTS = [
  ['patients', 'Patients'],
  ['studies', 'Studies'],
  ['series', 'Series'],
  ['instances', 'Instances'],
  ['exceptions', 'Exceptions'],
] as const

const LOW_BYTES = 20 * 2 ** 30
const SOON_DAYS = 30

const CERTIFICATES = [
  ['dicom_tls_expires', 'DICOM over TLS', 'Put a new one in its place: it is used without a restart.'],
  ['http_tls_expires', 'the web', 'Put a new one in its place and start the web role again.'],
] as const

/** Days until a moment; negative when it has passed. */
const daysUntil = (moment: string): number => Math.floor((Date.parse(moment) - Date.now()) / 86_400_000)

function CertificateNotices({ facts }: { facts: SystemFacts }) {
  return CERTIFICATES.map(([key, what, hint]) => {
    const end = facts[key]
    if (end === null || daysUntil(end) >= SOON_DAYS) return null
    return (
      <Notice key={key} tone="warn" title={`The certificate of ${what} ${daysUntil(end) < 0 ? 'has ended' : 'ends soon'}.`}>
        {`On ${formatInstant(end)}. ${hint}`}
      </Notice>
    )
  })
}

export function System() {
  const { value, error, reload } = useLoaded(readSystem)
  return (
    <>
      <div className="page-head">
        <p className="page-lead">What this archive is called, where it listens and what it holds.</p>
        <Button icon="retry" onClick={reload}>
          Refresh
        </Button>
      </div>
      {error !== null && <ErrorNotice error={explain(error)} />}
      {value && value.free_bytes < LOW_BYTES && (
        <Notice tone="warn" title="The disk is getting full.">
          {formatBytes(value.free_bytes)} can still be stored. When it is full senders are told so and nothing is lost, but nothing new comes in.
        </Notice>
      )}
      {value && <CertificateNotices facts={value} />}
      <div className="tiles">
        {COUNTS.map(([key, title]) => (
          <div key={key} className="panel tile">
            <span className="tile-title">{title}</span>
            <span className="tile-value">{value ? formatCount(value.counts[key]) : <Skeleton width={60} />}</span>
          </div>
        ))}
        <div className="panel tile">
          <span className="tile-title">Free space</span>
          <span className="tile-value">{value ? formatBytes(value.free_bytes) : <Skeleton width={60} />}</span>
        </div>
      </div>
      {value && (
        <div className="panel admin-facts">
          <dl className="facts">
            <dt>AE title</dt>
            <dd className="mono">{value.aet}</dd>
            <dt>DICOM</dt>
            <dd className="mono">{value.dicom_address}</dd>
            {value.dicom_tls_address && (
              <>
                <dt>DICOM over TLS</dt>
                <dd className="mono">{value.dicom_tls_address}</dd>
              </>
            )}
            <dt>DICOMweb</dt>
            <dd className="mono">{`${value.http_address.replace(/\/$/, '')}/dicom-web`}</dd>
            <dt>API</dt>
            <dd>
              <a href="/api/v1/docs" target="_blank" rel="noreferrer">
                Documentation
              </a>
            </dd>
            <dt>Conformance</dt>
            <dd>
              <a href="/api/v1/conformance" target="_blank" rel="noreferrer">
                DICOM conformance statement
              </a>
            </dd>
            <dt>Database</dt>
            <dd>{value.database}</dd>
            <dt>Version</dt>
            <dd>{value.version}</dd>
          </dl>
        </div>
      )}
      <IndexAttributes />
    </>
  )
}
