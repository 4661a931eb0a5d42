// A clinical document as a page to read. Elements are made from our own list of names; nothing of the document reaches the page as markup.
import { createElement, type ReactNode } from 'react'
import type { ClinicalDocument, Piece, Section } from '../../model/objects/cda'

function rendered(pieces: readonly Piece[]): ReactNode[] {
  return pieces.map((piece, index) => {
    if (typeof piece === 'string') return piece
    const { tag, columns, rows, picture, children } = piece
    if (tag === 'br') return <br key={index} />
    if (tag === 'figure') return <img key={index} src={picture} alt="Picture of the document" />
    const cell = tag === 'td' || tag === 'th'
    return createElement(tag, { key: index, ...(cell && columns > 1 ? { colSpan: columns } : {}), ...(cell && rows > 1 ? { rowSpan: rows } : {}) }, ...rendered(children))
  })
}

function Part({ section, depth }: { section: Section; depth: number }) {
  const Heading = depth === 0 ? 'h3' : 'h4'
  return (
    <section>
      {section.title && <Heading>{section.title}</Heading>}
      <div className="cda-text">{rendered(section.text)}</div>
      {section.sections.map((each, index) => (
        <Part key={index} section={each} depth={depth + 1} />
      ))}
    </section>
  )
}

export function ClinicalPage({ document: { title, facts, sections, body, cut }, plain }: { document: ClinicalDocument; plain: string }) {
  return (
    <div className="object-page" tabIndex={0} role="region" aria-label="Document">
      <article className="cda" data-testid="cda">
        <h2>{title}</h2>
        <dl>
          {facts.map(({ name, value }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {sections.map((section, index) => (
          <Part key={index} section={section} depth={0} />
        ))}
        {plain && <pre className="object-source">{plain}</pre>}
        {body && !plain && <p role="note">Its body is a file of type {body.type}, which is not shown here. Save the document to open it.</p>}
        {cut && <p role="note">The document goes on: it is too long to be shown whole. Everything is in the document itself.</p>}
      </article>
    </div>
  )
}
