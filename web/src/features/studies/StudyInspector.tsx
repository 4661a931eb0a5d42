import { useEffect, useState } from 'react'
import { readStudy } from '../../api/studies'
import type { Series, Study, StudyDetail } from '../../api/types'
import { formatDate, formatDateTime, formatInstant, formatSex, ageAt } from '../../lib/dates'
import { explain, isAbort } from '../../lib/http'
import { formatName, parseName } from '../../lib/names'
import { plural } from '../../lib/numbers'
import { Link, navigate } from '../../lib/router'
import { Button, IconButton, Modalities, Modality, Skeleton } from '../../ui/controls'
import { ErrorNotice } from '../../ui/feedback'
import { Icon } from '../../ui/icons'
import { Elsewhere } from './Elsewhere'
import { PatientName } from './columns'

/** What the account may do with a study beside looking at it. */
export interface StudyRights {
  upload: boolean
  send: boolean
  correct: boolean
  reject: boolean
  hold: boolean
  seeRejected: boolean
  askOthers: boolean
  retrieve: boolean
  takeAway: boolean
  share: boolean
  mark: boolean
}

type Loaded = { uid: string; detail: StudyDetail; error: null } | { uid: string; detail: null; error: unknown }

/** The study's series and the patient's other studies; read anew when the study's counts change. */
function useDetail(study: Study): { detail: StudyDetail | null; error: unknown; retry: () => void } {
  const uid = study.StudyInstanceUID
  const images = study.NumberOfStudyRelatedInstances
  const [loaded, setLoaded] = useState<Loaded | null>(null)
  const [attempt, setAttempt] = useState(0)
  useEffect(() => {
    const flight = new AbortController()
    // Arrows run through the list: only a study the reader rests on is read.
    const timer = window.setTimeout(() => {
      readStudy(uid, { signal: flight.signal }).then(
        (detail) => setLoaded({ uid, detail, error: null }),
        (error: unknown) => {
          if (!isAbort(error)) setLoaded({ uid, detail: null, error })
        },
      )
    }, 120)
    return () => {
      window.clearTimeout(timer)
      flight.abort()
    }
  }, [uid, images, attempt])
  const current = loaded?.uid === uid ? loaded : null
  return { detail: current?.detail ?? null, error: current?.error ?? null, retry: () => setAttempt(attempt + 1) }
}

function viewerPath(uid: string): string {
  return `/viewer/${encodeURIComponent(uid)}`
}

function SeriesRow({ study, series }: { study: string; series: Series }) {
  const title = series.SeriesDescription || series.BodyPartExamined
  return (
    <li>
      <Link to={`${viewerPath(study)}?series=${encodeURIComponent(series.SeriesInstanceUID)}`} className="series-row">
        <span className="series-number faint">{series.SeriesNumber ?? ''}</span>
        <span className="truncate">{title || <span className="faint">No description</span>}</span>
        <Modality code={series.Modality} />
        <span className="series-count" title={plural(series.NumberOfSeriesRelatedInstances, 'image')}>
          {series.NumberOfSeriesRelatedInstances}
        </span>
      </Link>
    </li>
  )
}

function PriorRow({ prior }: { prior: Study }) {
  return (
    <li>
      <Link to={viewerPath(prior.StudyInstanceUID)} className="prior-row">
        <span className="nowrap">{formatDate(prior.StudyDate) || <span className="faint">No date</span>}</span>
        <span className="truncate muted">{prior.StudyDescription || <span className="faint">No description</span>}</span>
        <Modalities codes={prior.ModalitiesInStudy} />
        {prior.relevance?.reason && <span className="prior-reason faint">{prior.relevance.reason}</span>}
      </Link>
    </li>
  )
}

function Facts({ study }: { study: Study }) {
  const rows: [string, string][] = [
    ['Patient ID', [study.PatientID, study.IssuerOfPatientID && `(${study.IssuerOfPatientID})`].filter(Boolean).join(' ')],
    ['Born', [formatDate(study.PatientBirthDate), formatSex(study.PatientSex)].filter(Boolean).join(' · ')],
    ['Study date', formatDateTime(study.StudyDate, study.StudyTime)],
    ['Age then', ageAt(study.PatientBirthDate, study.StudyDate)],
    ['Accession', study.AccessionNumber],
    ['Referrer', formatName(study.ReferringPhysicianName)],
    ['Institution', study.InstitutionName],
    ['Received', formatInstant(study.received_at)],
  ]
  return (
    <dl className="facts">
      {rows
        .filter(([, value]) => value)
        .map(([name, value]) => (
          <div key={name} className="fact">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}

function SeriesList({ study, detail }: { study: Study; detail: StudyDetail | null }) {
  if (detail) {
    return (
      <ul className="inspector-list">
        {detail.series.map((series) => (
          <SeriesRow key={series.SeriesInstanceUID} study={study.StudyInstanceUID} series={series} />
        ))}
      </ul>
    )
  }
  const expected = Math.max(1, Math.min(study.NumberOfStudyRelatedSeries, 6))
  return (
    <div className="inspector-list" aria-hidden="true">
      {Array.from({ length: expected }, (_, place) => (
        <div key={place} className="series-row">
          <span className="series-number" />
          <Skeleton width={`${50 + ((place * 17) % 40)}%`} />
        </div>
      ))}
    </div>
  )
}

interface InspectorProps {
  study: Study
  may: StudyRights
  onClose: () => void
  onOpen: () => void
  onTakeAway: () => void
  onShare: () => void
  onSend: () => void
  onCorrect: () => void
  onReject: () => void
  onSplit: () => void
  onHold: () => void
  onSensitive: () => void
}

/** Everything about the selected study that the row has no room for. */
export function StudyInspector({ study, may, onClose, onOpen, onTakeAway, onShare, onSend, onCorrect, onReject, onSplit, onHold, onSensitive }: InspectorProps) {
  const { detail, error, retry } = useDetail(study)
  const name = parseName(study.PatientName)
  const others = detail?.priors ?? []
  return (
    <aside className="inspector" aria-label="Study details">
      <div className="inspector-head">
        <div className="inspector-title">
          <h2>{name.main ? <PatientName value={study.PatientName} /> : 'No name'}</h2>
          <p className="muted">{study.StudyDescription || 'No study description'}</p>
        </div>
        <IconButton label="Close details" icon="close" small onClick={onClose} />
      </div>
      <div className="inspector-body">
        <div className="inspector-actions">
          <Button look="primary" icon="open" onClick={onOpen}>
            Open images
          </Button>
          {may.send && (
            <Button icon="send" title="Send the study (t)" onClick={onSend}>
              Send
            </Button>
          )}
          {may.correct && (
            <Button title="Correct the patient of this study, or undo that" onClick={onCorrect}>
              Correct
            </Button>
          )}
          {may.upload && (
            <Button icon="upload" title="Add pictures, videos and documents to the study" onClick={() => navigate(`/upload?study=${encodeURIComponent(study.StudyInstanceUID)}`)}>
              Add files
            </Button>
          )}
          {may.takeAway && (
            <Button icon="download" title="Save the study or some of its series as a ZIP that can be put on a disc, de-identified if you like" onClick={onTakeAway}>
              Take away
            </Button>
          )}
          {may.share && (
            <Button icon="link" title="Make a link to the study or its patient for somebody without an account" onClick={onShare}>
              Share
            </Button>
          )}
          {may.correct && may.reject && (
            <Button title="Take series out of this study, into one of their own" onClick={onSplit}>
              Split
            </Button>
          )}
          {may.reject && (
            <Button title="Hide the study or some of its series with a rejection note" onClick={onReject}>
              Reject
            </Button>
          )}
          {may.mark && (
            <Button title="Hide the study or its patient from all but few, or show it again" onClick={onSensitive}>
              {study.sensitive ? 'Sensitive no more' : 'Sensitive'}
            </Button>
          )}
          {may.hold && (
            <Button icon="lock" title="Forbid or allow again to delete anything of this study" onClick={onHold}>
              Legal hold
            </Button>
          )}
        </div>
        <Facts study={study} />
        {error !== null && (
          <ErrorNotice
            error={explain(error)}
            action={
              <Button small icon="retry" onClick={retry}>
                Try again
              </Button>
            }
          />
        )}
        <section>
          <h3 className="inspector-heading">
            Series <span className="faint">{study.NumberOfStudyRelatedSeries}</span>
          </h3>
          <SeriesList study={study} detail={detail} />
        </section>
        {detail && (
          <section>
            <h3 className="inspector-heading">
              Other studies of this patient <span className="faint">{others.length || 'none'}</span>
            </h3>
            {others.length > 0 && (
              <ul className="inspector-list">
                {others.map((prior) => (
                  <PriorRow key={prior.StudyInstanceUID} prior={prior} />
                ))}
              </ul>
            )}
          </section>
        )}
        {may.askOthers && <Elsewhere key={study.StudyInstanceUID} study={study.StudyInstanceUID} canRetrieve={may.retrieve} />}
        <button type="button" className="uid" title="Copy the Study Instance UID" onClick={() => void navigator.clipboard.writeText(study.StudyInstanceUID)}>
          <Icon name="copy" size={12} />
          <span className="truncate">{study.StudyInstanceUID}</span>
        </button>
      </div>
    </aside>
  )
}
