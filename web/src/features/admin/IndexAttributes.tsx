import { type IndexAttribute, readIndexAttributes } from '../../api/admin'
import { formatCount } from '../../lib/numbers'
import { useLoaded } from '../../lib/useLoaded'
import { Progress } from '../../ui/controls'

/** What one is called: `names` is no attribute, but how the names of people sound. */
const titleOf = ({ name }: IndexAttribute): string => (name === 'names' ? 'How names sound' : name)

function stateOf({ state, looked_at, errors, last_error }: IndexAttribute): string {
  const said = { filling: `filling in, ${formatCount(looked_at)} looked at`, complete: 'complete', removing: 'being removed' }[state]
  return errors === 0 ? said : `${said}; ${formatCount(errors)} could not be read, the last: ${last_error}`
}

/** The attributes that the setting index_attributes adds to the index, and how far they are filled in. */
export function IndexAttributes() {
  const { value } = useLoaded(readIndexAttributes)
  const shown = value?.attributes.filter(({ name, state }) => name !== 'names' || state !== 'complete') ?? []
  if (shown.length === 0) return null
  return (
    <div className="panel admin-facts">
      <dl className="facts" aria-label="Indexed attributes">
        {shown.map((each) => (
          <div key={each.name} className="index-attribute">
            <dt className="mono">{titleOf(each)}</dt>
            <dd>
              {each.state === 'filling' && <Progress value={each.fraction} label={titleOf(each)} />}
              {stateOf(each)}
            </dd>
          </div>
        ))}
      </dl>
    </div>
  )
}
