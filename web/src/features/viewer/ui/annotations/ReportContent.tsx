// A structured report or a key object selection as a page to read; its images are one click away.
import { useState } from 'react'
import { useValue } from '../../../../lib/observable'
import type { Dataset } from '../../model/dataset'
import { type Node, evidenceOf, measurementsOf, reportOf } from '../../model/reports'
import { adopt, goToImage } from '../../session/stored'
import type { ViewerSession } from '../../session/session'
import type { PaneProps } from '../additions'

function Entry({ node, depth, onImage }: { node: Node; depth: number; onImage: ((image: NonNullable<Node['image']>) => void) | undefined }) {
  const { name, value, heading, image, children } = node
  const Heading = depth < 2 ? 'h3' : 'h4'
  return (
    <li>
      {heading ? <Heading>{name}</Heading> : (
        <p>
          {name && <span className="report-name">{name}</span>}
          {value && <span className="report-value">{value}</span>}
          {image && onImage && (
            <button type="button" className="button button-small button-quiet" data-testid="report-image" onClick={() => onImage(image)}>
              Show the image
            </button>
          )}
        </p>
      )}
      {children.length > 0 && (
        <ul>
          {children.map((child, at) => (
            <Entry key={at} node={child} depth={depth + 1} onImage={image && !heading ? undefined : onImage} />
          ))}
        </ul>
      )}
    </li>
  )
}

function Report({ session, dataset }: { session: ViewerSession; dataset: Dataset }) {
  const [told, setTold] = useState('')
  const { title, facts, nodes, cut } = reportOf(dataset)
  const evidence = evidenceOf(dataset)
  const count = measurementsOf(dataset, (instance) => evidence.get(instance)).length
  return (
    <article className="report" data-testid="report">
      <h2>{title}</h2>
      <dl>
        {facts.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {count > 0 && (
        <p>
          <button type="button" className="button button-small" data-testid="report-adopt" onClick={() => setTold(`${adopt(session, dataset)} measurements are now among your annotations.`)}>
            Take its {count === 1 ? 'measurement' : `${count} measurements`} over
          </button>
        </p>
      )}
      {told && <p role="status">{told}</p>}
      <ul>
        {nodes.map((node, at) => (
          <Entry key={at} node={node} depth={0} onImage={(image) => void goToImage(session, dataset, image, title)} />
        ))}
      </ul>
      {cut && <p role="note">The report goes on: it is too long to be shown whole. Everything is in the object itself.</p>}
    </article>
  )
}

export function ReportContent({ session, pane }: PaneProps & { readonly index: number }) {
  const { count, seriesInstanceUID } = useValue(pane.state)
  if (count === 0) return <div className="pane-message pane-waiting" role="status" aria-label="Loading" />
  return (
    <div className="report-page" tabIndex={0} role="region" aria-label="Report" onWheel={(wheel) => wheel.stopPropagation()} onPointerDown={(press) => press.stopPropagation()}>
      {pane.frames.map((frame) => (
        <Report key={`${seriesInstanceUID} ${frame.id}`} session={session} dataset={frame.instance.dataset} />
      ))}
    </div>
  )
}
