import { navigate } from '../lib/router'
import { Button } from '../ui/controls'
import { Empty } from '../ui/feedback'

export function NotFound() {
  return (
    <Empty
      icon="search"
      title="There is no such page"
      actions={
        <Button look="primary" onClick={() => navigate('/')}>
          Go to the studies
        </Button>
      }
    >
      The address may be mistyped, or from another version of Isocenter.
    </Empty>
  )
}
